"""Frames of a video are vouched for, or refused with the reason; what plays is not refused."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import trees
from av.stream import Disposition

from lib.core.errors import FrameError
from lib.datasets.clip import Clip
from lib.datasets.frames import count_frames, iter_frames


def a_clip(source: Path, first_frame: int = 0, n_frames: int | None = None) -> Clip:
    return Clip("clip", "class_folders", "s1", "a", source, first_frame, n_frames, 30.0)


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
    path = trees.write_image(tmp_path / "a.jpg", trees.image()).rename(tmp_path / "a.avi")
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


# --- damage that decoders step over ---

N_FRAMES = 60
CODECS = {"mkv": "mp4v", "webm": "VP80", "wmv": "WMV2", "mpg": "PIM1", "mp4": "mp4v", "avi": "MJPG"}


def numbered(number: int, width: int = 160) -> np.ndarray:
    """A textured picture with its number in it, as six black or white squares."""
    small = np.random.default_rng(0).integers(60, 200, (12, 16, 3), np.uint8)
    picture = np.roll(cv2.resize(small, (width, 120), interpolation=cv2.INTER_CUBIC), 3 * number, 1)
    for bit in range(6):
        picture[8:28, 8 + 24 * bit : 28 + 24 * bit] = 255 * (number >> bit & 1)
    return picture


def number_in(frame: np.ndarray) -> int:
    return sum(int(frame[12:24, 12 + 24 * bit : 24 + 24 * bit].mean() > 128) << bit for bit in range(6))


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> dict[str, Path]:
    """A whole video of `N_FRAMES` numbered frames in each container."""
    folder = tmp_path_factory.mktemp("videos")
    for extension, codec in CODECS.items():
        path = str(folder / f"whole.{extension}")
        writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), 30, (160, 120))
        for number in range(N_FRAMES):
            writer.write(numbered(number))
        writer.release()
    return {extension: folder / f"whole.{extension}" for extension in CODECS}


def numbers_of(path: Path) -> tuple[list[int], str]:
    """The numbers of the frames given, and the reason for which there are no more."""
    numbers = []
    try:
        for frame in iter_frames(a_clip(path)):
            numbers.append(number_in(frame))
    except FrameError as error:
        return numbers, error.reason
    return numbers, ""


@pytest.mark.parametrize("extension", CODECS)
def test_a_whole_video_gives_every_frame(videos, extension):
    assert numbers_of(videos[extension]) == (list(range(N_FRAMES)), "")


@pytest.mark.parametrize("extension", CODECS)
@pytest.mark.parametrize("how", ["cut off", "zeros to the end", "zeros inside", "a block lost"])
def test_frames_end_with_an_error_before_the_damage_and_none_is_skipped(tmp_path, videos, extension, how):
    content = videos[extension].read_bytes()
    place = len(content) * 3 // 10
    block = 4096
    path = tmp_path / f"a.{extension}"
    path.write_bytes(
        {
            "cut off": content[:place],
            "zeros to the end": content[:place] + bytes(len(content) - place),
            "zeros inside": content[:place] + bytes(block) + content[place + block :],
            "a block lost": content[:place] + content[place + block :],
        }[how]
    )
    numbers, reason = numbers_of(path)
    assert reason in ("truncated", "damaged")
    assert numbers == list(range(len(numbers)))
    assert len(numbers) < N_FRAMES * 0.45
    if extension != "mp4":  # its index is at the end
        assert len(numbers) > N_FRAMES * 0.1


def test_an_error_says_where_the_damage_is_and_what_to_do(tmp_path, videos):
    content = videos["mkv"].read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[:9000])
    with pytest.raises(FrameError, match=r"cut off at byte 9000; \d+ whole frames come before: copy the file again"):
        list(iter_frames(a_clip(tmp_path / "a.mkv")))


def test_a_clip_after_a_damage_is_refused_and_one_before_it_is_not(tmp_path, videos):
    content = bytearray(videos["avi"].read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes(4096)
    (tmp_path / "a.avi").write_bytes(content)
    before, after = a_clip(tmp_path / "a.avi", 5, 10), a_clip(tmp_path / "a.avi", 50, 5)
    assert [number_in(frame) for frame in iter_frames(before)] == list(range(5, 15))
    with pytest.raises(FrameError) as caught:
        list(iter_frames(after))
    assert caught.value.reason == "damaged"


# --- what plays is not refused ---


def write_stream(path: Path, times: list[int], codec: str = "mpeg4", width: int = 160, **options: str) -> Path:
    """A video whose numbered frames are shown at these times, in thirtieths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, 120, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(number, width), format="bgr24")
            frame.pts, frame.time_base = time, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("extension", ["mkv", "mp4", "avi"])
def test_a_variable_frame_rate_is_no_loss(tmp_path, extension):
    times = [*range(10), *range(40, 50), *range(52, 72, 2)]
    assert numbers_of(write_stream(tmp_path / f"a.{extension}", times)) == (list(range(30)), "")


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("extension", ["mp4", "mkv", "mpg"])
def test_pictures_between_others_come_in_their_order(tmp_path, codec, extension):
    path = write_stream(tmp_path / f"a.{extension}", list(range(40)), codec, bf="2")
    assert numbers_of(path) == (list(range(40)), "")


def test_pictures_from_damaged_ones_are_not_given(tmp_path):
    path = write_stream(tmp_path / "a.mpg", list(range(40)), "mpeg2video", bf="2", g="40")
    whole = list(iter_frames(a_clip(path)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    given = []
    with pytest.raises(FrameError) as caught:
        given.extend(iter_frames(a_clip(path)))
    assert caught.value.reason == "damaged"
    assert np.array_equal(given, whole[: len(given)])


@pytest.mark.parametrize("field", [b"avih", b"strh"])
def test_a_wrong_count_in_a_header_is_not_believed(tmp_path, videos, field):
    content = bytearray(videos["avi"].read_bytes())
    place = content.index(field) + {b"avih": 24, b"strh": 40}[field]
    assert int.from_bytes(content[place : place + 4], "little") == N_FRAMES
    content[place : place + 4] = (158).to_bytes(4, "little")
    (tmp_path / "a.avi").write_bytes(content)
    assert numbers_of(tmp_path / "a.avi") == (list(range(N_FRAMES)), "")


def test_an_unfinished_recording_without_lengths_or_index_is_read(tmp_path, videos):
    content = bytearray(videos["avi"].read_bytes())
    movi = content.index(b"movi")
    content[4:8] = content[movi - 4 : movi] = bytes(4)
    (tmp_path / "a.avi").write_bytes(content[: content.index(b"idx1")])
    assert numbers_of(tmp_path / "a.avi") == (list(range(N_FRAMES)), "")


@pytest.mark.parametrize("extension", ["mkv", "mp4"])
def test_a_cover_is_not_taken_for_the_video(tmp_path, extension):
    path = tmp_path / f"a.{extension}"
    with (
        av.open(str(write_stream(tmp_path / f"b.{extension}", list(range(5))))) as source,
        av.open(str(path), "w") as out,
    ):
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 400, 400, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        stream = out.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux() if packet.size]
        picture = av.VideoFrame.from_ndarray(np.full((400, 400, 3), 128, np.uint8), format="rgb24")
        out.mux([*cover.encode(picture), *cover.encode()])
        for packet in packets:
            packet.stream = stream
            out.mux(packet)
    assert numbers_of(path) == (list(range(5)), "")


def test_a_turned_video_comes_upright(tmp_path):
    path = write_stream(tmp_path / "b.mp4", list(range(3)))
    with av.open(str(path)) as source, av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(90)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    turned = next(iter_frames(a_clip(tmp_path / "a.mp4")))
    assert np.array_equal(turned, np.rot90(next(iter_frames(a_clip(path)))))


def test_a_stream_that_changes_size_is_not_rescaled(tmp_path):
    first = write_stream(tmp_path / "a.mpg", list(range(10)), "mpeg2video").read_bytes()
    second = write_stream(tmp_path / "b.mpg", list(range(10)), "mpeg2video", width=320).read_bytes()
    (tmp_path / "c.mpg").write_bytes(first + second)
    numbers, reason = numbers_of(tmp_path / "c.mpg")
    assert (numbers, reason) == (list(range(len(numbers))), "size_changed")


def test_a_text_that_names_other_files_is_no_video(tmp_path, videos):
    path = tmp_path / "a.mkv"
    path.write_text(f"ffconcat version 1.0\nfile '{videos['mkv']}'\n")
    assert numbers_of(path) == ([], "undecodable")
