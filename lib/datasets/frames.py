"""Frames of a clip, from a folder of images or from a video: listed by name, decoded by trying.

Nothing that a container or an extension claims is believed. A frame either decodes whole or is an error that says why.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from lib.core.errors import FrameError
from lib.datasets.clip import STANDIN_MARKER, Clip, natural_key
from lib.datasets.folders import is_junk

# Extension -> the format that a file of that name must hold.
IMAGE_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
VIDEO_EXTENSIONS = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm")
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
COPY_SUFFIX = re.compile(r"(\s*\(\d+\)|\s*-\s*copy.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class FrameList:
    """The frames in a folder, in natural order, and everything else that lies there.

    Attributes
    ----------
    frames : tuple of Path
        Image files, ordered by the numbers in their names, whatever the padding.
    junk : tuple of (Path, str)
        Entries that are no frames, each with the reason.
    """

    frames: tuple[Path, ...]
    junk: tuple[tuple[Path, str], ...]

    @cached_property
    def numbers(self) -> tuple[int | None, ...]:
        """The number in each frame's name (see `frame_number`)."""
        return tuple(frame_number(path) for path in self.frames)

    @property
    def gaps(self) -> tuple[int, ...]:
        """Numbers missing between the first and the last frame; empty where frames carry no usable numbering.

        A regular step (every second frame kept) is a sampling, not a gap.
        """
        numbers = self.numbers
        if len(numbers) < 3 or None in numbers or list(numbers) != sorted(set(numbers)):
            return ()
        step = Counter(np.diff(numbers).tolist()).most_common(1)[0][0]
        present = set(numbers)
        return tuple(n for n in range(numbers[0], numbers[-1], step) if n not in present)

    def position_from(self, number: int) -> int | None:
        """Position of the first frame with at least this number; None if there is none."""
        return next((i for i, n in enumerate(self.numbers) if n is not None and n >= number), None)

    def position_to(self, number: int) -> int | None:
        """Position of the last frame with at most this number; None if there is none."""
        found = [i for i, n in enumerate(self.numbers) if n is not None and n <= number]
        return found[-1] if found else None

    def position_near(self, number: int) -> int | None:
        """Position of the frame whose number is nearest (the earlier of two); None if no frame has a number."""
        numbered = [(abs(n - number), i) for i, n in enumerate(self.numbers) if n is not None]
        return min(numbered)[1] if numbered else None


def list_frames(folder: Path) -> FrameList:
    """List the frames of a folder by their names; nothing is opened.

    Doubled extensions (``img557.jpg.jpg``) are frames. Where one frame lies there twice (``img5.jpg`` and
    ``img5.jpg.jpg``, or ``img5 (1).jpg``), the shorter name is the frame and the other is junk.

    Raises
    ------
    FrameError
        ``"missing"`` if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FrameError("missing", folder, "expected a folder of frames, found " + _kind(folder))
    frames: dict[tuple, Path] = {}
    junk: list[tuple[Path, str]] = []
    candidates = (path for path in folder.iterdir() if path.name != STANDIN_MARKER)
    for path in sorted(candidates, key=lambda path: (len(path.name), natural_key(path.name))):
        key = natural_key(_bare_name(path))[0]
        if is_junk(path) or path.name.startswith("_"):
            junk.append((path, "left by an operating system"))
        elif path.is_dir():
            junk.append((path, "a folder"))
        elif path.suffix.lower() not in IMAGE_FORMATS:
            junk.append((path, "not an image"))
        elif key in frames:
            junk.append((path, f"the same frame as {frames[key].name}"))
        else:
            frames[key] = path
    ordered = sorted(frames.values(), key=lambda path: natural_key(_bare_name(path)))
    return FrameList(tuple(ordered), tuple(sorted(junk, key=lambda one: natural_key(one[0].name))))


def frame_number(path: Path) -> int | None:
    """The last number in a frame's name, extensions apart; None if there is none.

    >>> frame_number(Path("img557.jpg.jpg")), frame_number(Path("reg_image036237.bmp")), frame_number(Path("a.png"))
    (557, 36237, None)
    """
    digits = re.findall(r"\d+", _bare_name(path))
    return int(digits[-1]) if digits else None


def is_video(path: Path) -> bool:
    """Whether a name is that of a video file."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def clip_files(clip: Clip) -> tuple[Path, ...]:
    """The files that a clip is read from: its frame images in natural order, or the one video."""
    source = Path(clip.source)
    if not source.is_dir():
        return (source,)
    stop = None if clip.n_frames is None else clip.first_frame + clip.n_frames
    return list_frames(source).frames[clip.first_frame : stop]


def iter_frames(clip: Clip) -> Iterator[np.ndarray]:
    """Decode a clip's frames one after the other.

    Parameters
    ----------
    clip : Clip
        Its `first_frame` and `n_frames` choose the frames; `n_frames` None means to the end of the source.

    Yields
    ------
    numpy.ndarray
        uint8, (height, width, 3), RGB, upright (EXIF orientation applied), all of one size.

    Raises
    ------
    FrameError
        At the frame that cannot be used: ``"missing"``, ``"empty_file"``, ``"truncated"``, ``"misnamed"``,
        ``"undecodable"``, ``"size_changed"``, or ``"too_short"`` where the source ends before the clip does.
    """
    source = Path(clip.source)
    stop = None if clip.n_frames is None else clip.first_frame + clip.n_frames
    if source.is_dir():
        decoded = ((path, read_image(path)) for path in clip_files(clip))
    else:
        decoded = ((source, frame) for frame in islice(_iter_video(source), clip.first_frame, stop))
    n_decoded, first_shape = 0, None
    for path, frame in decoded:
        first_shape = first_shape or frame.shape
        if frame.shape != first_shape:
            raise FrameError("size_changed", path, f"expected {_size(first_shape)}, found {_size(frame.shape)}")
        n_decoded += 1
        yield frame
    if n_decoded == 0 or (clip.n_frames is not None and n_decoded < clip.n_frames):
        wanted = "at least one frame" if clip.n_frames is None else f"{clip.n_frames} frames"
        raise FrameError("too_short", source, f"expected {wanted} from position {clip.first_frame}, found {n_decoded}")


def count_frames(source: Path) -> int:
    """How many frames of a folder or a video decode. Every one is decoded: a header's count is only a guess.

    Raises
    ------
    FrameError
        If the source is missing or is no video at all. Frames that do not decode are not counted.
    """
    source = Path(source)
    n_frames = 0
    if source.is_dir():
        for path in list_frames(source).frames:
            try:
                read_image(path)
            except FrameError:
                continue
            n_frames += 1
        return n_frames
    try:
        for _ in _iter_video(source):
            n_frames += 1
    except FrameError as error:
        if error.reason != "truncated":
            raise
    return n_frames


def read_image(path: Path) -> np.ndarray:
    """Decode one image file.

    Returns
    -------
    numpy.ndarray
        uint8, (height, width, 3), RGB. Grey images are repeated in three channels, transparency is dropped,
        16-bit images are scaled to 8 bits (65535 becomes 255), EXIF orientation is applied.

    Raises
    ------
    FrameError
        ``"missing"``, ``"empty_file"``, ``"misnamed"`` (the content is of another format than the extension says),
        ``"truncated"`` or ``"undecodable"``.
    """
    path = Path(path)
    content = _content(path)
    expected = IMAGE_FORMATS.get(path.suffix.lower())
    found = _image_format(content)
    if found is None:
        raise FrameError("undecodable", path, f"expected {expected or 'an image'}, found no image inside")
    if found != expected:
        raise FrameError("misnamed", path, f"the name says {expected or 'no image'}, the content is {found}; rename it")
    if not _is_whole(content, found):
        raise FrameError("truncated", path, f"the {found} ends before its data do ({len(content)} bytes)")
    # OpenCV decodes some damaged files with grey filler; what it can tell, it tells by returning None or raising.
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        image = None
    if image is None:
        raise FrameError("undecodable", path, f"the {found} cannot be decoded")
    if image.dtype == np.uint16:
        image = np.round(image / 257.0).astype(np.uint8)
    if image.dtype != np.uint8:
        raise FrameError("undecodable", path, f"expected 8 or 16 bits per channel, found {image.dtype}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _iter_video(path: Path) -> Iterator[np.ndarray]:
    """RGB frames of a video, as far as it decodes; FrameError("truncated") at the end of a file that was cut off."""
    content_format = _image_format(_content(path, 16))
    if content_format is not None:
        raise FrameError("misnamed", path, f"the name says video, the content is a {content_format} image")
    cut_off = _is_cut_off_avi(path)
    held_back, n_decoded = None, 0
    # FFmpeg is named so that OpenCV does not fall back to reading the file as a numbered image sequence.
    # As bytes, because OpenCV crashes the process on a name that is not UTF-8.
    capture = cv2.VideoCapture(os.fsencode(path), cv2.CAP_FFMPEG)
    try:
        while capture.isOpened():
            decoded, frame = capture.read()
            if not decoded:
                break
            frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            n_decoded += 1
            if cut_off:
                # The last frame of a cut file decodes from half its data: each is held until the next has come.
                frame, held_back = held_back, frame
            if frame is not None:
                yield frame
    finally:
        capture.release()
    if cut_off:
        raise FrameError("truncated", path, f"the file was cut off; {max(n_decoded - 1, 0)} whole frames decode")
    if n_decoded == 0:
        raise FrameError("undecodable", path, "expected a video, no frame of it decodes")


def _is_cut_off_avi(path: Path) -> bool:
    """Whether an AVI is shorter than its own RIFF header says (0 there: the recorder never wrote the length)."""
    start = _content(path, 12)
    if start[:4] != b"RIFF" or start[8:12] != b"AVI ":
        return False
    return path.stat().st_size < int.from_bytes(start[4:8], "little") + 8


def _is_whole(content: bytes, image_format: str) -> bool:
    """Whether a file reaches the end that its format prescribes; True where the format prescribes none."""
    if image_format == "JPEG":
        return _jpeg_is_whole(content)
    if image_format == "PNG":
        return b"IEND" in content
    if image_format == "BMP":
        return _bmp_is_whole(content)
    return True


def _jpeg_is_whole(content: bytes) -> bool:
    """Whether an end-of-image marker follows the start of the scan (an EXIF thumbnail has one of its own before).

    The segments before the scan are walked by their lengths (ITU-T T.81, annex B).
    """
    position = 2
    while position + 4 <= len(content):
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if content[position] != 0xFF:
            return False
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker == 0xDA:  # start of scan
            return content.find(b"\xff\xd9", position + 2 + length) != -1
        else:
            position += 2 + length
    return False


def _bmp_is_whole(content: bytes) -> bool:
    """Whether an uncompressed BMP holds every row; its own file-size field is often wrong and is not asked."""
    if len(content) < 34:
        return False
    offset = int.from_bytes(content[10:14], "little")
    width = int.from_bytes(content[18:22], "little", signed=True)
    height = int.from_bytes(content[22:26], "little", signed=True)
    bits_per_pixel = int.from_bytes(content[28:30], "little")
    if int.from_bytes(content[30:34], "little") in (1, 2):  # run-length coded: the rows have no fixed size
        return True
    row_bytes = (width * bits_per_pixel + 31) // 32 * 4
    return len(content) >= offset + row_bytes * abs(height)


def _image_format(content: bytes) -> str | None:
    return next((name for signature, name in SIGNATURES if content.startswith(signature)), None)


def _content(path: Path, n_bytes: int = -1) -> bytes:
    """The first `n_bytes` of a file (all by default), which must exist and not be empty."""
    try:
        with path.open("rb") as file:
            content = file.read(n_bytes)
    except OSError as error:
        raise FrameError("missing", path, f"cannot be read: {error.strerror}") from error
    if not content:
        raise FrameError("empty_file", path, "expected an image or a video, found a file of 0 bytes")
    return content


def _bare_name(path: Path) -> str:
    """A frame's name without its extensions, doubled ones too, and without the mark of a copy (``img5 (1).jpg``)."""
    name = path.name
    while Path(name).suffix.lower() in IMAGE_FORMATS:
        name = Path(name).stem
    return COPY_SUFFIX.sub("", name)


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} pixels"
