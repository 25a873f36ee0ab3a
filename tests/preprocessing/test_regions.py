import cv2
import numpy as np
import pytest
from synthetic_faces import BOX, HEIGHT, WIDTH, face_points, frame

from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.regions import align_face, cut_streams, face_alignment, grey, region_box

SHAPE = (HEIGHT, WIDTH, 3)


@pytest.fixture
def points():
    return np.rint(face_points(BOX))


def test_crops_are_those_of_the_authors_code():
    # A large face, so that no two landmarks of the jaw share a row or a column.
    points = np.rint(face_points(np.float32([50, 40, 450, 440])))
    image = np.random.default_rng(0).integers(0, 256, (480, 500, 3), dtype=np.uint8)
    numpylandmarks = points.astype(int)
    eye_image = image[numpylandmarks[19][1] : numpylandmarks[1][1], numpylandmarks[1][0] : numpylandmarks[15][0]]
    nose_mouth_image = image[numpylandmarks[2][1] : numpylandmarks[6][1], numpylandmarks[2][0] : numpylandmarks[14][0]]
    config = PreprocessConfig(frames=2, streams=("eyes", "mouth"))
    streams = cut_streams([image, image], np.stack([points, points]), config)
    for stream, expected in (("eyes", eye_image), ("mouth", nose_mouth_image)):
        expected = cv2.resize(expected, (32, 32), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(streams[stream][0], cv2.cvtColor(expected, cv2.COLOR_RGB2GRAY))


def test_landmarks_outside_the_frame_mean_its_border(points):
    left, top, right, bottom = region_box("eyes", points - (30, 20), SHAPE)
    assert (left, top) == (0, 0)
    assert 0 < right < WIDTH
    assert 0 < bottom < HEIGHT
    assert region_box("mouth", points + (35, 20), SHAPE)[2:] == (WIDTH, HEIGHT)


@pytest.mark.parametrize("shift", [(-200, 0), (200, 0), (0, -200), (0, 200)])
def test_a_crop_without_pixels_is_rejected(points, shift):
    with pytest.raises(ClipRejected, match="no pixels") as rejected:
        region_box("eyes", points + shift, SHAPE)
    assert rejected.value.reason == "empty_crop"


def test_whole_frame_is_squashed_to_a_square_by_area_averaging():
    image = np.zeros((480, 640, 3), np.uint8)
    image[:, 320:] = 255  # the right half stays the right half, whatever the aspect ratio
    np.testing.assert_array_equal(grey(image, 64), np.tile(np.repeat([0, 255], 32).astype(np.uint8), (64, 1)))


def test_red_weighs_more_than_blue():
    red, blue = (grey(np.full((8, 8, 3), colour, np.uint8), 4)[0, 0] for colour in ((255, 0, 0), (0, 0, 255)))
    assert (red, blue) == (76, 29)


@pytest.mark.parametrize("degrees", [-20, 0, 15])
def test_aligned_face_has_its_eyes_level_and_in_place(degrees):
    points = face_points(np.float32([100, 80, 300, 280]))
    turn = cv2.getRotationMatrix2D((200, 180), degrees, 1.0)
    turned = np.c_[points, np.ones(68)] @ turn.T
    image = np.zeros((400, 400, 3), np.uint8)
    eyes = [turned[36:42].mean(axis=0), turned[42:48].mean(axis=0)]
    for x, y in eyes:
        cv2.circle(image, (round(x), round(y)), 8, (255, 255, 255), -1)
    matrix, side = face_alignment(turned[None])
    face = align_face(image, matrix, side, 64)
    rows, columns = np.nonzero(face > 128)
    left = columns < 32
    assert abs(rows[left].mean() + 0.5 - 0.32 * 64) < 1
    assert abs(rows[~left].mean() + 0.5 - 0.32 * 64) < 1
    assert abs(columns[left].mean() + 0.5 - 0.32 * 64) < 1
    assert abs(columns[~left].mean() + 0.5 - 0.68 * 64) < 1


def test_landmark_jitter_moves_the_authors_crop_but_neither_the_steady_crop_nor_the_face():
    rng = np.random.default_rng(1)
    image = np.ascontiguousarray(rng.integers(0, 256, SHAPE, dtype=np.uint8))
    points = face_points(BOX) + rng.normal(0, 1, (6, 1, 2))

    def streams(crop):
        return cut_streams([image] * 6, points, PreprocessConfig(frames=6, crop=crop))

    def moves(stack):
        return bool(np.diff(stack.astype(int), axis=0).any())

    assert {name: moves(stack) for name, stack in streams("authors").items()} == {
        "frame": False,
        "face": False,
        "eyes": True,
        "mouth": True,
    }
    assert not any(moves(stack) for stack in streams("steady").values())


def test_eyes_in_one_point_cannot_be_aligned():
    with pytest.raises(ClipRejected, match="no face to align"):
        face_alignment(np.zeros((3, 68, 2)))


def test_streams_have_their_own_sizes_and_one_image_per_frame():
    frames = [frame(position=position) for position in range(3)]
    points = np.stack([face_points(BOX)] * 3)
    streams = cut_streams(frames, points, PreprocessConfig(frames=3, frame_size=20, region_size=10))
    assert {name: stack.shape for name, stack in streams.items()} == {
        "frame": (3, 20, 20),
        "face": (3, 20, 20),
        "eyes": (3, 10, 10),
        "mouth": (3, 10, 10),
    }
    assert all(stack.dtype == np.uint8 for stack in streams.values())
