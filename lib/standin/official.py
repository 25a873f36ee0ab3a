"""The small stand-in in CAS(ME)2's own layout: long recordings, clips cut from them, and the annotation spreadsheet."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openpyxl

from lib.core.checks import whole_number
from lib.standin.expression import Event, draw_units
from lib.standin.images import write_image, write_video
from lib.standin.plan import FILMS, FPS, ClipPlan, asymmetry, draw_blinks
from lib.standin.scene import render
from lib.standin.truth import write_truth

SPREADSHEET = "CAS(ME)^2code_final.xlsx"
FOLDERS = (15, 16, 19)  # folder numbers; the subjects are numbered 1, 2, 3 in this order
WATCHED = {"anger1": "angry", "happy1": "happy", "disgust1": "disgust"}  # the first of the class's `FILMS`
CLIPS_PER_RECORDING = 2
ANNOTATED_AS = {"angry": ("negative", "anger"), "disgust": ("negative", "disgust"), "happy": ("positive", "happiness")}
"""Polarity and self-report of a clip's class."""


@dataclass(frozen=True)
class Annotated:
    """One expression in a recording: positions are 1-based image numbers, as in the spreadsheet."""

    name: str
    onset: int
    apex: int
    offset: int
    kind: str


@dataclass(frozen=True)
class Recording(ClipPlan):
    """A long video of one subject and the expressions annotated in it."""

    clips: tuple[Annotated, ...]


def plan_official(clips: int | None = None, seed: int = 0) -> tuple[Recording, ...]:
    """Recordings of three subjects watching three films each, with `clips` expressions in all: 6 to 18, 18 for None.

    The first expression of a recording is a micro-expression, the second a macro-expression.
    """
    slots = [(folder, film) for folder in FOLDERS for film in WATCHED]
    most = len(slots) * CLIPS_PER_RECORDING
    total = most if clips is None else whole_number("clips", clips, 2 * len(WATCHED), most + 1)
    share, more = divmod(total, len(slots))
    recordings = [_plan_recording(index, *slot, share + (index < more), seed) for index, slot in enumerate(slots)]
    return tuple(one for one in recordings if one.clips)


def _plan_recording(index: int, folder: int, film: str, n_clips: int, seed: int) -> Recording:
    label = WATCHED[film]
    name = f"{folder}_{FILMS[label][0]}"
    fps = FPS["casme2_sq"]
    draw = np.random.default_rng((seed, 6, index))
    units = draw_units(np.random.default_rng((seed, 1, index)), label)
    events, clips, frame = [], [], int(draw.integers(20, 40))
    for number in range(1, n_clips + 1):
        micro = number % 2 == 1
        length = int(draw.integers(9, 16) if micro else draw.integers(18, 40))
        onset, apex, offset = frame, frame + int(length * draw.uniform(0.35, 0.6)), frame + length
        # positions are 0-based: the onset is the last neutral frame
        times = (1000 * position / fps for position in (onset, apex, apex + 0.1 * length, offset))
        events.append(Event(*times, draw.uniform(0.7, 1.1)))
        kind = "micro-expression" if micro else "macro-expression"
        clips.append(Annotated(f"{film}_{number}", onset + 1, apex + 1, offset + 1, kind))
        frame = offset + int(draw.integers(15, 50))
    n_frames = frame + 10
    return Recording(
        index=index,
        dataset="casme2_sq",
        clip_id=name,
        subject=f"s{folder}",
        label=label,
        path=f"rawpic/s{folder}/{name}",
        n_frames=n_frames,
        fps=fps,
        first_number=1,
        units=units,
        sides=asymmetry(draw, units),
        events=tuple(events),
        blinks_ms=draw_blinks(draw, n_frames / fps * 1000, 1.5),
        clips=tuple(clips),
    )


def write_recording(root: Path, recording: Recording, seed: int, difficulty: float) -> list[dict]:
    """Write one recording as rawpic, rawvideo, selectedpic and cropped, with the truth of each clip cut from it."""
    folder = recording.subject  # "s15"
    raw = root / recording.path
    raw.mkdir(parents=True)
    motion, frames = render(recording, seed, difficulty)
    frames = list(frames)
    for number, frame in enumerate(frames, start=1):
        write_image(raw / f"img{number:03d}.jpg", frame)
    write_video(root / f"rawvideo/{folder}/{recording.clip_id}.avi", frames, recording.fps)
    rows = []
    for clip in recording.clips:
        selected = root / f"selectedpic/{folder}/{clip.name}"
        cropped = root / f"cropped/{folder[1:]}/{clip.name}"
        selected.mkdir(parents=True)
        cropped.mkdir(parents=True)
        first = clip.onset - 1
        left, top = np.floor(motion.landmarks[first].min(axis=0) - (4, 22)).astype(int)
        right, bottom = np.ceil(motion.landmarks[first].max(axis=0) + 4).astype(int)
        for number in range(clip.onset, clip.offset + 1):
            write_image(selected / f"img{number}.jpg", frames[number - 1])
            write_image(cropped / f"img{number}.jpg", frames[number - 1][top:bottom, left:right])
        cut = replace(recording, clip_id=f"{folder}_{clip.name}", n_frames=clip.offset - first)
        rows.append(write_truth(root, cut, motion, first))
    return rows


def write_spreadsheet(root: Path, recordings: tuple[Recording, ...]) -> None:
    """Write the annotation as the real spreadsheet has it: three sheets without header rows."""
    book = openpyxl.Workbook()
    annotation = book.active
    annotation.title = "CASFEcode_final"
    for one in recordings:
        polarity, self_report = ANNOTATED_AS[one.label]
        units = "+".join(unit.removeprefix("AU") for unit in one.units)
        person = FOLDERS.index(int(one.subject[1:])) + 1
        for clip in one.clips:
            positions = (clip.onset, clip.apex, clip.offset)
            annotation.append((person, clip.name, *positions, units, polarity, clip.kind, self_report))
    subjects = book.create_sheet("naming rule2")
    for number, folder in enumerate(FOLDERS, start=1):
        subjects.append((folder, f"s{folder}", number))
    films = book.create_sheet("naming rule1")
    for film, label in WATCHED.items():
        films.append((FILMS[label][0][:4], film))
    book.save(root / SPREADSHEET)
