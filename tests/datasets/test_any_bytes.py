"""Whatever bytes and names there are: frames, or a rejection with its reason; never less without a word."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.errors import FrameError
from lib.datasets.class_folders import load_class_folders
from lib.datasets.clip import STANDIN_MARKER, Clip
from lib.datasets.doctor import examine
from lib.datasets.frames import iter_frames, list_frames
from lib.datasets.images import IMAGE_FORMATS, SIGNATURES, read_image

QUICK = settings(max_examples=40, deadline=None, derandomize=True, database=None)
IMAGES = (".jpg", ".png", ".bmp", ".tif")
VIDEOS = {".mkv": "mp4v", ".webm": "VP80", ".wmv": "WMV2", ".mpg": "PIM1", ".mp4": "mp4v", ".avi": "MJPG"}
N_FRAMES = 16


def picture(number: int) -> np.ndarray:
    """A textured picture with its number in it, as four black or white squares."""
    rng = np.random.default_rng(number)
    shown = cv2.resize(rng.integers(60, 200, (16, 16, 3), np.uint8), (96, 64), interpolation=cv2.INTER_CUBIC)
    for bit in range(4):
        shown[8:24, 8 + 24 * bit : 24 + 24 * bit] = 255 * (number >> bit & 1)
    return shown


def number_in(frame: np.ndarray) -> int:
    return sum(int(frame[12:20, 12 + 24 * bit : 20 + 24 * bit].mean() > 128) << bit for bit in range(4))


def a_video(extension: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{extension}")
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*VIDEOS[extension]), 30, (96, 64))
        for number in range(N_FRAMES):
            writer.write(picture(number))
        writer.release()
        return path.read_bytes()


WHOLE = {extension: cv2.imencode(extension, picture(5))[1].tobytes() for extension in IMAGES}
WHOLE |= {extension: a_video(extension) for extension in VIDEOS}


@st.composite
def damaged(draw: st.DrawFn, content: bytes, blocks: bool) -> bytes:
    """A file with some of its bytes changed: whole blocks that are zeros or gone, or anything anywhere."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, max(len(changed) - 1, 0)))
        length = draw(st.sampled_from([512, 1024, 4096])) if blocks else draw(st.integers(0, 64))
        put = draw(st.sampled_from([b"", bytes(length)]) if blocks else st.binary(max_size=64))
        changed[place : place + length] = put[: len(changed[place : place + length])] if blocks else put
    return bytes(changed[: draw(st.integers(0, len(changed)))] if draw(st.booleans()) else changed)


def clip_of(source: Path) -> Clip:
    return Clip("clip", "class_folders", "s1", "a", source, 0, None, 30.0)


@given(st.data())
@QUICK
def test_any_bytes_named_as_an_image_are_a_picture_or_an_error_with_its_reason(data):
    name = data.draw(st.sampled_from(sorted(IMAGE_FORMATS)))
    kind = data.draw(st.sampled_from(IMAGES))
    signature = data.draw(st.sampled_from([start for start, _ in SIGNATURES]))
    anything = st.binary(max_size=200)
    content = data.draw(st.one_of(damaged(WHOLE[kind], False), anything, anything.map(lambda rest: signature + rest)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{name}")
        path.write_bytes(content)
        try:
            frame = read_image(path)
        except FrameError as error:
            assert error.path == path and error.reason and error.detail
        else:
            assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 and frame.size


@pytest.mark.parametrize("extension", VIDEOS)
@given(st.data())
@settings(QUICK, max_examples=15)
def test_any_bytes_named_as_a_video_are_frames_or_an_error_with_its_reason(extension, data):
    content = data.draw(st.one_of(damaged(WHOLE[extension], False), st.binary(max_size=200)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{extension}")
        path.write_bytes(content)
        n_frames = 0
        try:
            for frame in iter_frames(clip_of(path)):
                assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.flags.c_contiguous
                n_frames += 1
        except FrameError as error:
            assert error.path == path and error.reason and error.detail
        else:
            assert n_frames


@pytest.mark.parametrize("extension", VIDEOS)
@given(st.data())
@settings(QUICK, max_examples=15)
def test_no_frame_follows_one_that_a_lost_block_took(extension, data):
    content = data.draw(damaged(WHOLE[extension], True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{extension}")
        path.write_bytes(content)
        numbers, reason = [], ""
        try:
            for frame in iter_frames(clip_of(path)):
                numbers.append(number_in(frame))
        except FrameError as error:
            reason = error.reason
        assert numbers == list(range(len(numbers)))
        assert reason or len(numbers) == N_FRAMES


NUMBERS = st.from_regex(r"(img|frame )?[0-9]{1,3}([.,][0-9]{1,3})?( \([0-9]\)| - Copy)?(\.jpg)?", fullmatch=True)
ODD = st.text("aB1\u0663\u00b2 ()_.-,\uff11\n\u200b\udc80", min_size=1, max_size=12)
NAMES = st.builds(str.__add__, NUMBERS | ODD, st.sampled_from([".jpg", ".JPG", ".png", ".db", ""])).filter(
    lambda name: name not in (".", "..", STANDIN_MARKER)
)


@given(st.sets(NAMES, max_size=8))
@QUICK
def test_every_name_in_a_folder_is_a_frame_or_left_out_with_a_reason(names):
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(folder, name).touch()
        listed = list_frames(Path(folder))
        assert sorted([*(path.name for path in listed.frames), *(path.name for path, _ in listed.junk)]) == sorted(
            names
        )
        assert all(reason for _, reason in listed.junk)
        assert len(listed.numbers) == len(listed.frames)
        assert list_frames(Path(folder)) == listed


@given(st.data())
@settings(QUICK, max_examples=10)
def test_the_doctor_calls_sound_what_can_be_read_to_its_end(data):
    with tempfile.TemporaryDirectory() as root:
        for clip in range(4):
            folder = Path(root, "ab"[clip % 2])
            if data.draw(st.booleans()):
                extension = data.draw(st.sampled_from(sorted(VIDEOS)))
                path = trees.write_image(folder / "x.png", picture(0)).with_name(f"s{clip}_x{extension}")
                path.write_bytes(data.draw(st.one_of(st.just(WHOLE[extension]), damaged(WHOLE[extension], True))))
            else:
                extension = data.draw(st.sampled_from(IMAGES))
                for frame in range(2):
                    path = trees.write_image(folder / f"s{clip}_x" / f"{frame}{extension}", picture(frame))
                    path.write_bytes(data.draw(st.one_of(st.just(WHOLE[extension]), damaged(WHOLE[extension], True))))
        report = examine("class_folders", Path(root), progress=False)
        readable = set()
        for clip in load_class_folders(Path(root)).clips:
            try:
                assert list(iter_frames(clip))
            except FrameError:
                continue
            readable.add(clip.clip_id)
        assert {problem.clip_id for problem in report.frame_problems} == {
            clip.clip_id for clip in report.dataset.clips
        } - readable
        assert sum(report.sound.values()) == len(readable)
