"""Annotated frame numbers of a clip, and where they lie in its source.

Annotations speak in the numbers that frames carry in their names (``img557.jpg``); a `Clip` speaks in positions.
"""

from dataclasses import dataclass
from pathlib import Path

from lib.datasets.findings import Findings
from lib.datasets.frames import FrameList


@dataclass(frozen=True)
class Annotation:
    """Onset, apex and offset as frame numbers; None where an annotation is missing or cannot be true."""

    onset: int | None
    apex: int | None
    offset: int | None

    @property
    def refusal(self) -> tuple[str, str] | None:
        """Why onset and offset do not bound a clip, as (reason, detail); None if they do."""
        if self.onset is None:
            return "no_onset", "the annotation has no onset"
        if self.offset is None:
            return "no_offset", "the annotation has no offset (0 means missing): where the expression ends is unknown"
        if self.offset < self.onset:
            return "offset_before_onset", f"the offset {self.offset} lies before the onset {self.onset}"
        return None

    @property
    def centre(self) -> int | None:
        """The apex; where there is none, the middle of onset and offset; else the onset."""
        if self.apex is not None:
            return self.apex
        if self.onset is not None and self.offset is not None:
            return (self.onset + self.offset) // 2
        return self.onset


@dataclass(frozen=True)
class Placement:
    """The same as positions in a source, with the clip's first frame and length."""

    first_frame: int
    n_frames: int
    onset: int | None
    apex: int | None
    offset: int | None


@dataclass(frozen=True)
class Window:
    """So many frames of a recording in place of an annotated clip: around it, or from the frame `start` (from 0) on."""

    length: int
    start: int | None = None


def cleaned(
    onset: int | None, apex: int | None, offset: int | None, clip_id: str, path: Path, findings: Findings
) -> Annotation:
    """The annotation of a row; 0 means missing, and an apex outside onset and offset is dropped with a trap."""
    if apex == 0:
        findings.trap("apex_zero", path, f"{clip_id}: apex 0, which means missing")
    # Frames are numbered from 1: a negative number is no more one than 0 is.
    onset, apex, offset = (None if number is None or number < 1 else number for number in (onset, apex, offset))
    if apex is None:
        return Annotation(onset, apex, offset)
    if onset is not None and apex < onset:
        findings.trap("apex_before_onset", path, f"{clip_id}: apex {apex}, onset {onset}; the apex is left out")
        apex = None
    elif offset is not None and apex > offset:
        findings.trap("apex_after_offset", path, f"{clip_id}: apex {apex}, offset {offset}; the apex is left out")
        apex = None
    return Annotation(onset, apex, offset)


def place_in_folder(
    annotation: Annotation, frames: FrameList, clip_id: str, path: Path, findings: Findings
) -> Placement | None:
    """Onset to offset among the frames of a folder, by the numbers in their names.

    A missing onset or offset means the first or the last frame of the folder. Where the annotated frame itself is not
    there, the next one inside the interval takes its place, with a trap. None if no frame lies in the interval.
    """
    first = 0 if annotation.onset is None else frames.position_from(annotation.onset)
    last = len(frames.frames) - 1 if annotation.offset is None else frames.position_to(annotation.offset)
    if first is None or last is None or first > last:
        return None
    for name, number, position in (("onset", annotation.onset, first), ("offset", annotation.offset, last)):
        if number is None:
            detail = f"{clip_id} has no annotated {name}; {frames.frames[position].name} is taken for it"
            findings.trap(f"{name}_missing", path, detail)
        elif frames.numbers[position] != number:
            detail = f"{clip_id}: no frame {number} ({name}); {frames.frames[position].name} takes its place"
            findings.trap("annotated_frame_missing", path, detail)
    apex = None if annotation.apex is None else frames.position_near(annotation.apex)
    return Placement(
        first_frame=first,
        n_frames=last - first + 1,
        onset=None if annotation.onset is None else first,
        apex=apex if apex is not None and first <= apex <= last else None,
        offset=None if annotation.offset is None else last,
    )


def place_window(annotation: Annotation, frames: FrameList, window: Window) -> Placement | None:
    """A window around the centre of an annotation, shifted to lie inside the folder, or one at a fixed frame.

    The folder must hold all of it. None if the centre lies outside the folder's numbering. At a fixed frame the
    annotation has no part in the clip, and its numbers are left out.
    """
    if window.start is not None:
        return Placement(window.start, window.length, None, None, None)
    numbers = [number for number in frames.numbers if number is not None]
    if not numbers or not numbers[0] <= annotation.centre <= numbers[-1]:
        return None
    first = frames.position_near(annotation.centre) - window.length // 2
    first = min(max(first, 0), len(frames.frames) - window.length)
    inside = (n if n is not None and numbers[0] <= n <= numbers[-1] else None for n in _numbers(annotation))
    positions = (None if n is None else frames.position_near(n) for n in inside)
    return Placement(first, window.length, *positions)


def place_in_video(annotation: Annotation, window: Window | None) -> Placement:
    """The same in a video, whose first frame has the number 1: onset to offset, or a window.

    How long the video is nobody knows before it is decoded, so a window is kept from starting too early, not from
    ending too late.
    """
    if window is not None and window.start is not None:
        return Placement(window.start, window.length, None, None, None)
    positions = [None if n is None else n - 1 for n in _numbers(annotation)]
    if window is not None:
        return Placement(max(annotation.centre - 1 - window.length // 2, 0), window.length, *positions)
    return Placement(annotation.onset - 1, annotation.offset - annotation.onset + 1, *positions)


def _numbers(annotation: Annotation) -> tuple[int | None, int | None, int | None]:
    return annotation.onset, annotation.apex, annotation.offset
