"""Annotated frame numbers of a clip, and where they lie in its source.

Annotations speak in the numbers that frames carry in their names (``img557.jpg``); a `Clip` speaks in positions, which
are returned by the names of its fields: `first_frame`, `n_frames`, `onset`, `apex`, `offset`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.datasets.findings import Findings, Refused
from lib.datasets.frames import FrameList
from lib.datasets.spreadsheets import Cell, whole


@dataclass(frozen=True)
class Annotation:
    """Onset, apex and offset as frame numbers; None where an annotation is missing or cannot be true.

    A cell that holds something else than a frame's number is not a missing one: it is `unreadable`, by the name of its
    column, with what is said of it.
    """

    clip_id: str
    source: Path
    onset: int | None
    apex: int | None
    offset: int | None
    unreadable: Mapping[str, str]

    @property
    def numbers(self) -> dict[str, int | None]:
        return {"onset": self.onset, "apex": self.apex, "offset": self.offset}

    @property
    def centre(self) -> int | None:
        """The apex; where there is none, the middle of onset and offset; else the onset."""
        if self.apex is not None:
            return self.apex
        if self.onset is not None and self.offset is not None:
            return (self.onset + self.offset) // 2
        return self.onset

    def require_readable(self, *names: str) -> None:
        """Refused, as ``"no_onset"`` for an onset, if one of these cells holds something else than a frame's number."""
        for name in names:
            if name in self.unreadable:
                raise Refused(f"no_{name}", self.unreadable[name])

    def no_frame(self) -> Refused:
        numbers = f"{self.onset or '(missing)'} to {self.offset or '(missing)'}"
        return Refused("annotated_frames_absent", f"no frame is numbered {numbers}")


@dataclass(frozen=True)
class Window:
    """So many frames of a recording in place of an annotated clip: around it, or from the frame `start` (from 0) on."""

    length: int
    start: int | None = None


def cleaned(clip_id: str, source: Path, onset: Cell, apex: Cell, offset: Cell, findings: Findings) -> Annotation:
    """The annotation of a row; 0 means missing, and an apex outside onset and offset is dropped with a trap."""
    cells = {"onset": onset, "apex": apex, "offset": offset}
    numbers = {name: whole(cell) for name, cell in cells.items()}
    # Frames are numbered from 1.
    unreadable = {
        name: f"the {name} {cell.told} is no number of a frame"
        for name, cell in cells.items()
        if cell and (numbers[name] is None or numbers[name] < 0)
    }
    if numbers["apex"] == 0:
        findings.trap("apex_zero", source, f"{clip_id}: apex 0, which means missing")
    onset, apex, offset = (number if number is not None and number > 0 else None for number in numbers.values())
    if apex is not None and onset is not None and apex < onset:
        findings.trap("apex_before_onset", source, f"{clip_id}: apex {apex}, onset {onset}; the apex is left out")
        apex = None
    elif apex is not None and offset is not None and apex > offset:
        findings.trap("apex_after_offset", source, f"{clip_id}: apex {apex}, offset {offset}; the apex is left out")
        apex = None
    return Annotation(clip_id, source, onset, apex, offset, unreadable)


def place_annotated(
    annotation: Annotation, frames: FrameList | None, findings: Findings, cut_out: bool = False
) -> dict[str, int | None]:
    """Onset to offset among the frames of a folder by the numbers in their names, or in a video (`frames` is None).

    A video's first frame has the number 1, and how long it is nobody knows before it is decoded. In a folder, where the
    annotated frame itself is not there, the next one inside the interval takes its place, with a trap. If the folder
    was cut out as the clip, a missing onset or offset means its first or last frame. An apex that cannot be read is
    left out, with a trap. Refused as ``"no_onset"``, ``"no_offset"``, ``"offset_before_onset"`` or
    ``"annotated_frames_absent"``.
    """
    annotation.require_readable("onset", "offset")
    if "apex" in annotation.unreadable:
        detail = f"{annotation.clip_id}: {annotation.unreadable['apex']}; it is left out"
        findings.trap("apex_unreadable", annotation.source, detail)
    onset, offset = annotation.onset, annotation.offset
    if onset is None and not cut_out:
        raise Refused("no_onset", "the annotation has no onset")
    if offset is None and not cut_out:
        detail = "the annotation has no offset (0 means missing): where the expression ends is unknown"
        raise Refused("no_offset", detail)
    if onset is not None and offset is not None and offset < onset:
        raise Refused("offset_before_onset", f"the offset {offset} lies before the onset {onset}")
    if frames is None:
        return {"first_frame": onset - 1, "n_frames": offset - onset + 1, **_in_video(annotation)}
    first = 0 if onset is None else frames.position_from(onset)
    last = len(frames.frames) - 1 if offset is None else frames.position_to(offset)
    if first is None or last is None or first > last:
        raise annotation.no_frame()
    for name, number, position in (("onset", onset, first), ("offset", offset, last)):
        if number is None:
            detail = f"{annotation.clip_id} has no annotated {name}; {frames.frames[position].name} is taken for it"
            findings.trap(f"{name}_missing", annotation.source, detail)
        elif frames.numbers[position] != number:
            detail = f"{annotation.clip_id}: no frame {number} ({name}); {frames.frames[position].name} takes its place"
            findings.trap("annotated_frame_missing", annotation.source, detail)
    apex = None if annotation.apex is None else frames.position_near(annotation.apex)
    return {
        "first_frame": first,
        "n_frames": last - first + 1,
        "onset": None if onset is None else first,
        "apex": apex if apex is not None and first <= apex <= last else None,
        "offset": None if offset is None else last,
    }


def place_window(annotation: Annotation, frames: FrameList | None, window: Window) -> dict[str, int | None]:
    """A window around the centre of an annotation, shifted to lie inside the recording, or one at a fixed frame.

    The folder must hold all of it. In a video it is kept from starting too early, not from ending too late. At a fixed
    frame the annotation has no part in the clip, and its numbers are left out. Refused as ``"no_onset"``,
    ``"no_apex"``, ``"no_offset"``, ``"too_short"``, or ``"annotated_frames_absent"`` if the centre is no number in the
    folder.
    """
    if window.start is None:
        annotation.require_readable("onset", "apex", "offset")
        if annotation.centre is None:
            raise Refused("no_onset", "neither apex nor onset is annotated: nothing to centre a window on")
    needed = window.length + (window.start or 0)
    if frames is not None and len(frames.frames) < needed:
        raise Refused("too_short", f"the recording has {len(frames.frames)} frames, the window needs {needed}")
    if window.start is not None:
        return {"first_frame": window.start, "n_frames": window.length}
    if frames is None:
        first = max(annotation.centre - 1 - window.length // 2, 0)
        return {"first_frame": first, "n_frames": window.length, **_in_video(annotation)}
    numbers = [number for number in frames.numbers if number is not None]
    if not numbers or not numbers[0] <= annotation.centre <= numbers[-1]:
        raise annotation.no_frame()
    first = frames.position_near(annotation.centre) - window.length // 2
    first = min(max(first, 0), len(frames.frames) - window.length)
    inside = {name: n for name, n in annotation.numbers.items() if n is not None and numbers[0] <= n <= numbers[-1]}
    positions = {name: frames.position_near(n) for name, n in inside.items()}
    return {"first_frame": first, "n_frames": window.length, **positions}


def _in_video(annotation: Annotation) -> dict[str, int | None]:
    return {name: None if number is None else number - 1 for name, number in annotation.numbers.items()}
