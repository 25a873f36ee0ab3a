"""Frames of a clip, from a folder of images or from a video: listed by name, decoded by trying.

Nothing that a container or an extension claims is believed. A frame either decodes whole or is an error that says why.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from lib.core.errors import FrameError
from lib.datasets.clip import STANDIN_MARKER, Clip, natural_key
from lib.datasets.folders import is_junk
from lib.datasets.images import IMAGE_FORMATS, read_image
from lib.datasets.videos import iter_video

COPY = re.compile(r"\s*\((\d+)\)$|\s*-\s*copy.*$", re.IGNORECASE)
DECIMAL = re.compile(r"(\d+)[.,](\d+)(?=\D*$)")  # at the end of a name: 0.25, frame_10.04s


@dataclass(frozen=True)
class FrameList:
    """The frames in a folder, in natural order, and everything else that lies there."""

    frames: tuple[Path, ...]  # image files, ordered by the numbers in their names, whatever the padding
    junk: tuple[tuple[Path, str], ...]  # entries that are no frames, each with the reason

    @cached_property
    def numbers(self) -> tuple[int | None, ...]:
        """The number in each frame's name (see `frame_number`); None for all where names tell decimal seconds."""
        names = [_bare_name(path) for path in self.frames]
        if _are_decimal(names):
            return (None,) * len(names)
        marks = [COPY.search(name) for name in names]
        if all(mark and mark[1] for mark in marks):  # "frame (1)", "frame (2)" …: no copies, or they would be junk
            return tuple(int(mark[1]) for mark in marks)
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
    ``img5.jpg.jpg``, or ``img5 (1).jpg``), the shorter name is the frame and the other is junk. Without an ``img5.jpg``
    beside it, ``img5 (1).jpg`` is no copy.

    Raises
    ------
    FrameError
        ``"missing"`` if there is no such folder, or if it cannot be listed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise FrameError("missing", folder, f"expected a folder of frames, found {found}")
    try:
        entries = [path for path in folder.iterdir() if path.name != STANDIN_MARKER]
    except OSError as error:
        raise FrameError("missing", folder, f"cannot be listed: {error.strerror}") from error
    images: list[Path] = []
    junk: list[tuple[Path, str]] = []
    for path in entries:
        if is_junk(path) or path.name.startswith("_"):
            junk.append((path, "left by an operating system"))
        elif path.is_dir():
            junk.append((path, "a folder"))
        elif path.suffix.lower() not in IMAGE_FORMATS:
            junk.append((path, "not an image"))
        else:
            images.append(path)
    order = _order(map(_bare_name, images))
    names = {order(_bare_name(path)) for path in images}
    frames: dict[tuple, Path] = {}
    for path in sorted(images, key=lambda path: (len(path.name), natural_key(path.name))):
        name = _bare_name(path)
        original = order(COPY.sub("", name))
        key = original if original in names else order(name)
        if key in frames:
            junk.append((path, f"the same frame as {frames[key].name}"))
        else:
            frames[key] = path
    ordered = [frames[key] for key in sorted(frames)]
    return FrameList(tuple(ordered), tuple(sorted(junk, key=lambda one: natural_key(one[0].name))))


def frame_number(path: Path) -> int | None:
    """The last number in a frame's name, extensions and the mark of a copy apart; None if there is none.

    >>> frame_number(Path("img557.jpg.jpg")), frame_number(Path("reg_image036237.bmp")), frame_number(Path("a.png"))
    (557, 36237, None)
    """
    digits = re.findall(r"\d+", COPY.sub("", _bare_name(path)))
    return int(digits[-1]) if digits else None


def clip_files(clip: Clip) -> tuple[Path, ...]:
    """The files that a clip is read from: its frame images in natural order, or the one video."""
    if not clip.source.is_dir():
        return (clip.source,)
    stop = None if clip.n_frames is None else clip.first_frame + clip.n_frames
    return list_frames(clip.source).frames[clip.first_frame : stop]


def iter_frames(clip: Clip) -> Iterator[np.ndarray]:
    """Decode a clip's frames one after the other.

    Yields
    ------
    numpy.ndarray
        uint8, (height, width, 3), RGB, upright (EXIF orientation applied), all of one size.

    Raises
    ------
    FrameError
        At the frame that cannot be used: ``"missing"``, ``"empty_file"``, ``"truncated"``, ``"damaged"``,
        ``"misnamed"``, ``"undecodable"``, ``"unknown_depth"``, ``"size_changed"``, or ``"too_short"`` where the source
        ends before the clip does.
    """
    for frame in frames_or_errors(clip.source, clip.first_frame, clip.n_frames):
        if isinstance(frame, FrameError):
            raise frame
        yield frame


def frames_or_errors(source: Path, first: int = 0, n_frames: int | None = None) -> Iterator[np.ndarray | FrameError]:
    """Each frame as `iter_frames` gives it, or the error in its place; after one a folder goes on, a video does not."""
    source = Path(source)
    stop = None if n_frames is None else first + n_frames
    if source.is_dir():
        decoded = ((path, _image_or_error(path)) for path in list_frames(source).frames[first:stop])
    else:
        decoded = ((source, frame) for frame in islice(iter_video(source), first, stop))
    n_found, first_shape = 0, None
    try:
        for path, frame in decoded:
            n_found += 1
            if not isinstance(frame, FrameError):
                first_shape = first_shape or frame.shape
                if frame.shape != first_shape:
                    detail = f"expected {_size(first_shape)}, found {_size(frame.shape)}"
                    frame = FrameError("size_changed", path, detail)
            yield frame
    except FrameError as error:  # a video's
        yield error
        return
    if n_found == 0 or (n_frames is not None and n_found < n_frames):
        wanted = "at least one frame" if n_frames is None else f"{n_frames} frames"
        yield FrameError("too_short", source, f"expected {wanted} from position {first}, found {n_found}")


def count_frames(source: Path) -> int:
    """How many frames of a folder or a video decode, for a header's count is only a guess.

    Raises
    ------
    FrameError
        If the source is missing or is no video at all. Frames that do not decode are not counted.
    """
    n_frames = 0
    for frame in frames_or_errors(source):
        if not isinstance(frame, FrameError):
            n_frames += 1
        elif not n_frames and not Path(source).is_dir() and frame.reason not in ("truncated", "damaged"):
            raise frame
    return n_frames


def _image_or_error(path: Path) -> np.ndarray | FrameError:
    try:
        return read_image(path)
    except FrameError as error:
        return error


def _order(names: Iterable[str]) -> Callable[[str], tuple]:
    """The key that puts these names in order, and that names of one frame share."""
    if not _are_decimal(names):
        return lambda name: natural_key(name)[0]
    return lambda name: tuple(
        (1, Decimal(part.replace(",", ".")), "") if i % 2 else (0, Decimal(0), part)
        for i, part in enumerate(re.split(r"(\d+(?:[.,]\d+)?)", name.lower()))
        if part
    )


def _are_decimal(names: Iterable[str]) -> bool:
    """Whether names end in decimal numbers (0.5, 0.25: a quarter comes first), not in two numbers (1.9, 1.10).

    Only where the digits behind the point differ in length is there a difference. Counted numbers reach 10, 20 …, which
    no decimal that leaves off zeros at its end has; zeros in front then tell decimals. Else counted numbers lie close.
    """
    groups: dict[str, set[str]] = {}
    for name in names:
        if match := DECIMAL.search(name):
            groups.setdefault(name[: match.end(1)], set()).add(match[2])
    digits = [one for group in groups.values() for one in group]
    if len({len(one) for one in digits}) < 2 or any(one.endswith("0") and len(one) > 1 for one in digits):
        return False
    if any(one.startswith("0") and len(one) > 1 for one in digits):
        return True
    counts = [sorted(map(int, group)) for group in groups.values()]
    return any(2 * len(count) <= count[-1] - count[0] for count in counts)


def _bare_name(path: Path) -> str:
    """A frame's name without its extensions, doubled ones too."""
    name = path.name
    while Path(name).suffix.lower() in IMAGE_FORMATS:
        name = Path(name).stem
    return name


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} pixels"
