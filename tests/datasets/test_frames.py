"""Listing and decoding of frames: nothing that a name, an extension or a header claims is believed."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees

from lib.core.errors import FrameError
from lib.datasets.clip import Clip
from lib.datasets.frames import count_frames, frame_number, iter_frames, list_frames
from lib.datasets.images import read_image


def a_clip(source: Path, first_frame: int = 0, n_frames: int | None = None) -> Clip:
    return Clip("clip", "class_folders", "s1", "a", source, first_frame, n_frames, 30.0)


def names(folder: Path) -> list[str]:
    return [path.name for path in list_frames(folder).frames]


def write_image(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return path


def reason_of(path: Path) -> str:
    with pytest.raises(FrameError) as caught:
        read_image(path)
    assert caught.value.path == path
    return caught.value.reason


def with_exif_orientation(path: Path, orientation: int) -> Path:
    """Put an EXIF block with an orientation tag behind the start marker of a JPEG."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:])
    return path


# --- listing ---


def test_frames_past_999_come_after_999_where_lexical_order_breaks(tmp_path):
    trees.write_frames(tmp_path, [1000, 1, 999, 20])
    assert names(tmp_path) == ["img001.jpg", "img020.jpg", "img999.jpg", "img1000.jpg"]


def test_order_follows_numbers_whatever_the_padding(tmp_path):
    for name in ("img10.jpg", "img002.jpg", "img1.jpg", "img0003.jpg"):
        write_image(tmp_path / name, trees.image())
    assert names(tmp_path) == ["img1.jpg", "img002.jpg", "img0003.jpg", "img10.jpg"]


def test_doubled_extension_is_a_frame_in_its_place(tmp_path):
    for name in ("img558.jpg", "img557.jpg.jpg", "img556.jpg"):
        write_image(tmp_path / name, trees.image())
    assert names(tmp_path) == ["img556.jpg", "img557.jpg.jpg", "img558.jpg"]


@pytest.mark.parametrize("copy", ["img5.jpg.jpg", "img5 (1).jpg", "img5 - Copy.jpg", "img005.jpg"])
def test_a_frame_that_lies_there_twice_is_listed_once_and_named(tmp_path, copy):
    for name in ("img4.jpg", "img5.jpg", copy):
        write_image(tmp_path / name, trees.image())
    listed = list_frames(tmp_path)
    assert [path.name for path in listed.frames] == ["img4.jpg", "img5.jpg"]
    assert [(path.name, reason) for path, reason in listed.junk] == [(copy, "the same frame as img5.jpg")]


def test_junk_is_named_with_a_reason(tmp_path):
    trees.write_frames(tmp_path, [1, 2])
    for name in ("Thumbs.db", ".DS_Store", "._img001.jpg", "desktop.ini", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper").mkdir()
    listed = list_frames(tmp_path)
    assert len(listed.frames) == 2
    assert {path.name: reason for path, reason in listed.junk} == {
        "Thumbs.db": "left by an operating system",
        ".DS_Store": "left by an operating system",
        "._img001.jpg": "left by an operating system",
        "desktop.ini": "left by an operating system",
        "notes.txt": "not an image",
        "deeper": "a folder",
    }


def test_upper_case_extensions_are_frames(tmp_path):
    write_image(tmp_path / "IMG1.jpg", trees.image()).rename(tmp_path / "IMG1.JPG")
    assert names(tmp_path) == ["IMG1.JPG"]


def test_listing_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    trees.write_frames(tmp_path, [3, 1, 1000, 2])
    (tmp_path / "Thumbs.db").touch()
    (tmp_path / "a.txt").touch()
    expected, listed = list_frames(tmp_path), list(tmp_path.iterdir())
    for order in (sorted(listed), sorted(listed, reverse=True)):
        monkeypatch.setattr(Path, "iterdir", lambda self, order=order: iter(order))
        assert list_frames(tmp_path) == expected


def test_gaps_in_the_numbering_are_known(tmp_path):
    assert list_frames(trees.write_frames(tmp_path, [1, 2, 5, 6])).gaps == (3, 4)


def test_a_regular_step_is_no_gap(tmp_path):
    assert list_frames(trees.write_frames(tmp_path / "step", [2, 4, 6, 8])).gaps == ()
    assert list_frames(trees.write_frames(tmp_path / "hole", [2, 4, 8, 10, 12])).gaps == (6,)


def test_positions_are_found_by_number_not_by_index(tmp_path):
    frames = list_frames(trees.write_frames(tmp_path, [557, 558, 561, 562]))
    assert (frames.position_from(557), frames.position_from(559), frames.position_from(563)) == (0, 2, None)
    assert (frames.position_to(562), frames.position_to(560), frames.position_to(500)) == (3, 1, None)
    assert frames.position_near(560) == 2


def test_frame_number_is_the_last_number_of_the_name():
    assert frame_number(Path("s1_ne_01_image036237.bmp")) == 36237
    assert frame_number(Path("img7 (2).jpg")) == 7


def test_listing_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FrameError, match="found nothing") as caught:
        list_frames(tmp_path / "absent")
    assert caught.value.reason == "missing"


# --- one image ---


def test_colours_come_as_rgb(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[..., 0] = 200  # blue, as OpenCV writes it
    assert read_image(write_image(tmp_path / "a.png", picture))[0, 0].tolist() == [0, 0, 200]


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert np.array_equal(read_image(write_image(tmp_path / "a.png", grey)), np.repeat(grey[..., None], 3, axis=2))


def test_transparency_is_dropped(tmp_path):
    picture = np.zeros((4, 6, 4), np.uint8)
    picture[..., 2] = 90
    assert np.array_equal(read_image(write_image(tmp_path / "a.png", picture)), np.full((4, 6, 3), [90, 0, 0]))


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, extension):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    frame = read_image(write_image(tmp_path / f"a{extension}", values))
    assert frame.dtype == np.uint8
    assert frame[0, :, 0].tolist() == [0, 1, 128, 255]


def test_exif_orientation_is_applied(tmp_path):
    path = write_image(tmp_path / "a.jpg", trees.image(height=8, width=16))
    with_exif_orientation(path, 6)  # to be shown a quarter turn clockwise
    assert read_image(path).shape == (16, 8, 3)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp", ".tif"])
def test_whole_images_of_every_format_decode(tmp_path, extension):
    assert read_image(write_image(tmp_path / f"a{extension}", trees.image())).shape == (8, 10, 3)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("share", [0.4, 0.97])
def test_truncated_images_are_errors_even_where_opencv_fills_in_grey(tmp_path, extension, share):
    path = write_image(tmp_path / f"a{extension}", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    assert reason_of(trees.cut(path, share)) == "truncated"


def test_a_jpeg_padded_with_zeros_after_an_interrupted_copy_is_truncated(tmp_path):
    path = write_image(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
    assert reason_of(path) == "truncated"


def test_the_end_of_an_exif_thumbnail_is_not_the_end_of_the_jpeg(tmp_path):
    path = write_image(tmp_path / "a.jpg", trees.image())
    content = path.read_bytes()
    thumbnail = b"Exif\0\0" + content
    block = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    path.write_bytes(content[:2] + block + content[2:])
    assert read_image(path).shape == (8, 10, 3)
    path.write_bytes(path.read_bytes()[:-10])
    assert reason_of(path) == "truncated"


def test_an_empty_file_is_an_error(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert reason_of(tmp_path / "a.jpg") == "empty_file"


def test_text_named_as_an_image_is_undecodable(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture at all")
    assert reason_of(tmp_path / "a.jpg") == "undecodable"


def test_an_image_of_another_format_than_its_name_is_misnamed(tmp_path):
    path = write_image(tmp_path / "a.png", trees.image()).rename(tmp_path / "a.jpg")
    assert reason_of(path) == "misnamed"


def test_a_damaged_png_is_undecodable(tmp_path):
    path = write_image(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert reason_of(path) == "undecodable"


def test_a_missing_image_is_an_error(tmp_path):
    assert reason_of(tmp_path / "a.jpg") == "missing"


# --- clips ---


def test_a_clip_yields_only_its_own_frames(tmp_path):
    folder = trees.write_frames(tmp_path, range(1, 8), "img{}.png")
    frames = list(iter_frames(a_clip(folder, first_frame=2, n_frames=3)))
    expected = [trees.image(number)[..., ::-1] for number in (3, 4, 5)]
    assert np.array_equal(frames, expected)


def test_a_clip_without_a_length_goes_to_the_end(tmp_path):
    assert len(list(iter_frames(a_clip(trees.write_frames(tmp_path, range(6)), first_frame=2)))) == 4


def test_a_folder_with_fewer_frames_than_the_clip_is_too_short(tmp_path):
    folder = trees.write_frames(tmp_path, range(6))
    with pytest.raises(FrameError, match="expected 5 frames from position 2, found 4") as caught:
        list(iter_frames(a_clip(folder, first_frame=2, n_frames=5)))
    assert caught.value.reason == "too_short"


def test_an_empty_folder_is_too_short_not_an_empty_clip(tmp_path):
    with pytest.raises(FrameError) as caught:
        list(iter_frames(a_clip(tmp_path)))
    assert caught.value.reason == "too_short"


def test_a_frame_of_another_size_is_an_error_that_names_it(tmp_path):
    trees.write_frames(tmp_path, [1, 2])
    odd = write_image(tmp_path / "img003.jpg", trees.image(height=9))
    with pytest.raises(FrameError, match="expected 10x8 pixels, found 10x9") as caught:
        list(iter_frames(a_clip(tmp_path)))
    assert (caught.value.reason, caught.value.path) == ("size_changed", odd)


def test_frames_before_a_damaged_one_are_still_given(tmp_path):
    trees.write_frames(tmp_path, [1, 2, 3])
    trees.cut(tmp_path / "img003.jpg")
    frames = iter_frames(a_clip(tmp_path))
    assert [next(frames).shape, next(frames).shape] == [(8, 10, 3)] * 2
    with pytest.raises(FrameError, match="img003"):
        next(frames)


# --- videos ---


def test_frames_of_a_video_come_as_rgb(tmp_path):
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 30, (32, 32))
    writer.write(np.full((32, 32, 3), (200, 0, 0), np.uint8))  # blue, as OpenCV writes it
    writer.release()
    red, green, blue = next(iter_frames(a_clip(path)))[16, 16]
    assert blue > 150 > 50 > max(red, green)


@pytest.mark.parametrize("codec", ["MJPG", "FFV1"])
def test_a_part_of_a_video_starts_at_its_position(tmp_path, codec):
    path = trees.write_video(tmp_path / "a.avi", 10, codec)
    everything = list(iter_frames(a_clip(path)))
    part = list(iter_frames(a_clip(path, first_frame=4, n_frames=3)))
    assert (len(everything), len(part)) == (10, 3)
    assert np.array_equal(part, everything[4:7])


@pytest.mark.parametrize("codec", ["MJPG", "FFV1"])
def test_a_video_cut_in_the_middle_counts_what_decodes_not_what_its_header_says(tmp_path, codec):
    path = trees.cut(trees.write_video(tmp_path / "a.avi", 40, codec))
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    assert 10 < count_frames(path) < 25


def test_a_cut_video_gives_whole_frames_and_then_an_error(tmp_path):
    path = trees.write_video(tmp_path / "a.avi", 40)
    whole = list(iter_frames(a_clip(path)))
    trees.cut(path)
    given = []
    frames = iter_frames(a_clip(path))
    with pytest.raises(FrameError) as caught:
        while True:
            given.append(next(frames))
    assert caught.value.reason == "truncated"
    assert len(given) == count_frames(path)
    assert np.array_equal(given, whole[: len(given)])  # no frame from half its data


def test_a_clip_before_the_cut_of_a_video_is_sound(tmp_path):
    path = trees.cut(trees.write_video(tmp_path / "a.avi", 40))
    assert len(list(iter_frames(a_clip(path, first_frame=2, n_frames=8)))) == 8


def test_a_jpeg_renamed_to_avi_is_misnamed(tmp_path):
    path = write_image(tmp_path / "a.jpg", trees.image()).rename(tmp_path / "a.avi")
    for use in (count_frames, lambda source: list(iter_frames(a_clip(source)))):
        with pytest.raises(FrameError) as caught:
            use(path)
        assert (caught.value.reason, caught.value.path) == ("misnamed", path)


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty_file"), (b"no video " * 99, "undecodable")])
def test_a_file_that_is_no_video_is_an_error(tmp_path, content, reason):
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(FrameError) as caught:
        list(iter_frames(a_clip(path)))
    assert caught.value.reason == reason


def test_a_video_shorter_than_its_clip_is_too_short(tmp_path):
    path = trees.write_video(tmp_path / "a.avi", 6)
    with pytest.raises(FrameError, match="expected 96 frames from position 0, found 6") as caught:
        list(iter_frames(a_clip(path, n_frames=96)))
    assert caught.value.reason == "too_short"


def test_a_missing_source_is_an_error(tmp_path):
    with pytest.raises(FrameError) as caught:
        list(iter_frames(a_clip(tmp_path / "a.avi")))
    assert caught.value.reason == "missing"


def test_frames_of_a_folder_are_counted_by_decoding(tmp_path):
    trees.write_frames(tmp_path, range(5))
    trees.cut(tmp_path / "img002.jpg")
    assert count_frames(tmp_path) == 4
