"""Listing of frames by their names, and the frames of a clip."""

from pathlib import Path

import numpy as np
import pytest
import trees

from lib.core.errors import FrameError
from lib.datasets.clip import Clip
from lib.datasets.frames import count_frames, frame_number, iter_frames, list_frames


def a_clip(source: Path, first_frame: int = 0, n_frames: int | None = None) -> Clip:
    return Clip("clip", "class_folders", "s1", "a", source, first_frame, n_frames, 30.0)


def names(folder: Path) -> list[str]:
    return [path.name for path in list_frames(folder).frames]


# --- listing ---


def test_frames_past_999_come_after_999_where_lexical_order_breaks(tmp_path):
    trees.write_frames(tmp_path, [1000, 1, 999, 20])
    assert names(tmp_path) == ["img001.jpg", "img020.jpg", "img999.jpg", "img1000.jpg"]


def test_order_follows_numbers_whatever_the_padding(tmp_path):
    for name in ("img10.jpg", "img002.jpg", "img1.jpg", "img0003.jpg"):
        trees.write_image(tmp_path / name, trees.image())
    assert names(tmp_path) == ["img1.jpg", "img002.jpg", "img0003.jpg", "img10.jpg"]


def test_doubled_extension_is_a_frame_in_its_place(tmp_path):
    for name in ("img558.jpg", "img557.jpg.jpg", "img556.jpg"):
        trees.write_image(tmp_path / name, trees.image())
    assert names(tmp_path) == ["img556.jpg", "img557.jpg.jpg", "img558.jpg"]


@pytest.mark.parametrize("copy", ["img5.jpg.jpg", "img5 (1).jpg", "img5 - Copy.jpg", "img005.jpg"])
def test_a_frame_that_lies_there_twice_is_listed_once_and_named(tmp_path, copy):
    for name in ("img4.jpg", "img5.jpg", copy):
        trees.write_image(tmp_path / name, trees.image())
    listed = list_frames(tmp_path)
    assert [path.name for path in listed.frames] == ["img4.jpg", "img5.jpg"]
    assert [(path.name, reason) for path, reason in listed.junk] == [(copy, "the same frame as img5.jpg")]


def test_numbers_that_windows_puts_behind_a_name_are_no_copies(tmp_path):
    for number in range(1, 21):
        (tmp_path / f"frame ({number}).jpg").touch()
    listed = list_frames(tmp_path)
    assert [path.name for path in listed.frames] == [f"frame ({number}).jpg" for number in range(1, 21)]
    assert listed.numbers == tuple(range(1, 21))
    assert not listed.junk


def test_a_frame_whose_original_is_gone_keeps_its_place(tmp_path):
    for name in ("img4.jpg", "img5 (1).jpg", "img6.jpg"):
        (tmp_path / name).touch()
    listed = list_frames(tmp_path)
    assert [path.name for path in listed.frames] == ["img4.jpg", "img5 (1).jpg", "img6.jpg"]
    assert listed.numbers == (4, 5, 6)


@pytest.mark.parametrize(
    "in_order",
    [
        ["0.25", "0.5", "0.75", "1", "1.25"],
        ["t0.0", "t0.033", "t0.067", "t0.1", "t0.133"],
        ["9.96s", "10s", "10.04s", "10.1s"],
        ["0,25", "0,5", "0,75"],
        ["1.8", "1.9", "1.10", "1.11"],  # the eighth to eleventh of a first
        ["1.9", "1.10", "1.11", "1.13"],
        ["v1.2_8", "v1.2_9", "v1.2_10"],
    ],
)
def test_seconds_and_counted_numbers_are_told_apart(tmp_path, in_order):
    for name in in_order:
        (tmp_path / f"{name}.jpg").touch()
    assert [path.stem for path in list_frames(tmp_path).frames] == in_order


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
    trees.write_image(tmp_path / "IMG1.jpg", trees.image()).rename(tmp_path / "IMG1.JPG")
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
    odd = trees.write_image(tmp_path / "img003.jpg", trees.image(height=9))
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


def test_frames_of_a_folder_are_counted_by_decoding(tmp_path):
    trees.write_frames(tmp_path, range(5))
    trees.cut(tmp_path / "img002.jpg")
    assert count_frames(tmp_path) == 4
