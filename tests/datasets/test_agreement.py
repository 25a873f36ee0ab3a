"""The doctor's verdict and what the next step does agree. A case is a row: a function that builds a copy."""

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees
from agreement import assert_agreement
from hypothesis import given
from hypothesis import strategies as st
from strategies import cells, examples, names

# --- frames as they may come: what is written in place of a sound frame ---


def picture(extension: str = ".png", value: int = 0, height: int = 24) -> bytes:
    return cv2.imencode(extension, trees.image(value, height, 32))[1].tobytes()


FRAMES = {
    "sound": picture(),
    "empty": b"",
    "cut": picture()[:-30],
    "a JPEG": picture(".jpg"),
    "of another size": picture(height=20),
    "no image": b"no image at all",
    "grey, 16 bits": cv2.imencode(".png", np.full((24, 32), 40_000, np.uint16))[1].tobytes(),
}


def write_clip(path: Path, *frames: str) -> Path:
    """A folder of frames, each as `FRAMES` names it."""
    path.mkdir(parents=True)
    for number, frame in enumerate(frames):
        content = picture(value=number) if frame == "sound" else FRAMES[frame]
        (path / f"img{number}.png").write_bytes(content)
    return path


def four_clips(root: Path) -> Path:
    """Two classes of two sound clips."""
    for label in ("calm", "smile"):
        for subject in (1, 2):
            write_clip(root / label / f"s{subject}_{label}", "sound", "sound", "sound")
    return root


def in_gbk(name: str) -> str:
    return os.fsdecode(name.encode("gbk"))


# --- the cases: name -> a function of the folder to write in, which returns options of the loader ---


def a_frame_that_is(what: str):
    def build(root: Path) -> None:
        write_clip(four_clips(root) / "calm" / "s3_calm", "sound", what, "sound")

    return build


def names_in_gbk_bytes(root: Path) -> None:
    four_clips(root)
    write_clip(root / "calm" / in_gbk("s3_高兴"), "sound", "sound")
    write_clip(root / "calm" / in_gbk("s3_难过"), "sound", "empty")
    trees.write_video(root / "smile" / "s4_v.avi", 3).rename(root / "smile" / in_gbk("s4_笑.avi"))


def a_class_in_gbk_bytes(root: Path) -> None:
    four_clips(root)
    (root / "calm").rename(root / in_gbk("高兴"))


def names_that_differ_in_signs(root: Path) -> None:
    four_clips(root)
    for name in ("s3_a (1)", "s3_a[1]", "s3_a 1", "s3_a_1"):
        write_clip(root / "calm" / name, "sound", "sound" if name != "s3_a 1" else "empty")


def unknown_subjects(root: Path) -> None:
    write_clip(four_clips(root) / "calm" / "clip7", "sound", "sound")


def a_class_without_a_sound_clip(root: Path) -> None:
    write_clip(four_clips(root) / "fear" / "s1_fear", "sound", "cut")


def one_class(root: Path) -> None:
    write_clip(root / "calm" / "s1_calm", "sound", "sound")


def nothing(root: Path) -> None:
    root.mkdir(exist_ok=True)


def a_cut_video(root: Path) -> None:
    trees.cut(trees.write_video(four_clips(root) / "calm" / "s3_calm.avi", 9))


def a_link_that_leads_nowhere(root: Path) -> None:
    (four_clips(root) / "calm" / "s3_calm.avi").symlink_to(root / "absent.avi")
    (root / "calm" / "s1_calm" / "img9.png").symlink_to(root / "absent.png")


CASES = {
    "sound": four_clips,
    **{f"a frame that is {what}": a_frame_that_is(what) for what in FRAMES},
    "names in GBK bytes": names_in_gbk_bytes,
    "a class in GBK bytes": a_class_in_gbk_bytes,
    "names that differ in signs": names_that_differ_in_signs,
    "unknown subjects": unknown_subjects,
    "a class without a sound clip": a_class_without_a_sound_clip,
    "one class": one_class,
    "nothing": nothing,
    "a cut video": a_cut_video,
    "a link that leads nowhere": a_link_that_leads_nowhere,
}


@pytest.mark.parametrize("case", CASES)
def test_the_doctor_and_the_next_step_agree(case, tmp_path, monkeypatch):
    CASES[case](tmp_path / "copy")
    assert_agreement("class_folders", tmp_path / "copy", monkeypatch)


labels = st.one_of(st.just("calm"), st.sampled_from(["all", "sound", "a,b", "subject"]), names)
frames = st.lists(st.sampled_from(sorted(FRAMES)), min_size=2, max_size=3)


@given(st.lists(st.tuples(labels, names, frames), max_size=3))
@examples(8)
def test_they_agree_whatever_the_names_and_the_frames(clips):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        root = four_clips(Path(folder) / "copy")
        for label, name, content in clips:
            if not (root / label / name).exists():
                write_clip(root / label / name, *content)
        assert_agreement("class_folders", root, monkeypatch)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), cells), max_size=3))
@examples(5)
def test_they_agree_whatever_a_spreadsheet_says(changes):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        root = trees.write_selectedpic(Path(folder) / "copy")
        rows = [list(row) for row in trees.CASME2_ROWS]
        for row, column, value in changes:
            rows[row][column] = value
        trees.write_coding(root, rows)
        assert_agreement("casme2_sq", root, monkeypatch)
