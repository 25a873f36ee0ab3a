"""The small stand-in in CAS(ME)2's own layout: long recordings, clips cut from them, and the annotation spreadsheet."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openpyxl

from lib.core.checks import whole_number
from lib.standin.expression import Event, draw_units
from lib.standin.images import write_image, write_video
from lib.standin.plan import FPS, ClipPlan, asymmetry
from lib.standin.scene import render
from lib.standin.truth import TRUTH_FOLDER, truth_row, write_truth

SPREADSHEET = "CAS(ME)^2code_final.xlsx"
FOLDERS = (15, 16, 19)
"""Folder numbers; the subjects are numbered 1, 2, 3 in this order."""
FILMS = {
    "anger1": ("0401", "girlcrashing", "angry"),
    "happy1": ("0502", "funnyerrors", "happy"),
    "disgust1": ("0101", "disgustingteeth", "disgust"),
}
CLIPS_PER_RECORDING = 2
POLARITY = {"angry": "negative", "disgust": "negative", "happy": "positive"}
SELF_REPORT = {"angry": "anger", "disgust": "disgust", "happy": "happiness"}


@dataclass(frozen=True)
class Annotated:
    """One expression in a recording: positions are 1-based image numbers, as in the spreadsheet."""

    clip_id: str
    name: str
    onset: int
    apex: int
    offset: int
    kind: str


@dataclass(frozen=True)
class Recording:
    """A long video of one subject and the expressions annotated in it."""

    video: ClipPlan
    subject_number: int
    film: str
    clips: tuple[Annotated, ...]

    @property
    def index(self) -> int:
        return self.video.index

    @property
    def subject(self) -> str:
        return self.video.subject


def plan_official(clips: int | None = None, seed: int = 0) -> tuple[Recording, ...]:
    """Recordings of three subjects watching three films each, with `clips` expressions in all: 6 to 18, 18 for None.

    The first expression of a recording is a micro-expression, the second a macro-expression.
    """
    slots = [(folder, film) for folder in FOLDERS for film in FILMS]
    most = len(slots) * CLIPS_PER_RECORDING
    total = most if clips is None else whole_number("clips", clips, 2 * len(FILMS), most + 1)
    recordings = []
    for index, (folder, film) in enumerate(slots):
        n_clips = total // len(slots) + (index < total % len(slots))
        if n_clips:
            recordings.append(_plan_recording(index, folder, film, n_clips, seed))
    return tuple(recordings)


def _plan_recording(index: int, folder: int, film: str, n_clips: int, seed: int) -> Recording:
    code, title, label = FILMS[film]
    fps = FPS["casme2_sq"]
    draw = np.random.default_rng((seed, 6, index))
    units = draw_units(np.random.default_rng((seed, 1, index)), label)
    events, clips, frame = [], [], int(draw.integers(20, 40))
    for number in range(1, n_clips + 1):
        micro = number % 2 == 1
        length = int(draw.integers(9, 16) if micro else draw.integers(18, 40))
        onset, apex, offset = frame, frame + int(length * draw.uniform(0.35, 0.6)), frame + length
        # positions are 0-based: the onset is the last neutral frame
        events.append(
            Event(*(1000 * f / fps for f in (onset, apex, apex + 0.1 * length, offset)), draw.uniform(0.7, 1.1))
        )
        kind = "micro-expression" if micro else "macro-expression"
        name = f"{film}_{number}"
        clips.append(Annotated(f"s{folder}_{name}", name, onset + 1, apex + 1, offset + 1, kind))
        frame = offset + int(draw.integers(15, 50))
    n_frames = frame + 10
    video = ClipPlan(
        index=index,
        dataset="casme2_sq",
        clip_id=f"{folder}_{code}{title}",
        subject=f"s{folder}",
        label=label,
        path=f"rawpic/s{folder}/{folder}_{code}{title}",
        n_frames=n_frames,
        fps=fps,
        first_number=1,
        units=units,
        sides=asymmetry(draw, units),
        events=tuple(events),
        blinks_ms=tuple(sorted(draw.uniform(0, n_frames / fps * 1000, draw.poisson(1.5)).tolist())),
    )
    return Recording(video, FOLDERS.index(folder) + 1, film, tuple(clips))


def write_official_recording(root: Path, recording: Recording, seed: int, difficulty: float) -> list[dict]:
    """Write one recording as rawpic, rawvideo, selectedpic and cropped, with the truth of each clip cut from it."""
    video = recording.video
    folder = video.subject  # "s15"
    raw = root / video.path
    raw.mkdir(parents=True)
    motion, frames = render(video, seed, difficulty)
    frames = list(frames)
    for number, frame in enumerate(frames, start=1):
        write_image(raw / f"img{number:03d}.jpg", frame)
    write_video(root / f"rawvideo/{folder}/{video.clip_id}.avi", frames, video.fps)
    rows = []
    for clip in recording.clips:
        selected = root / f"selectedpic/{folder}/{clip.name}"
        cropped = root / f"cropped/{folder[1:]}/{clip.name}"
        selected.mkdir(parents=True)
        cropped.mkdir(parents=True)
        left, top, right, bottom = _face_box(motion.landmarks[clip.onset - 1])
        for number in range(clip.onset, clip.offset + 1):
            write_image(selected / f"img{number}.jpg", frames[number - 1])
            write_image(cropped / f"img{number}.jpg", frames[number - 1][top:bottom, left:right])
        first, n_frames = clip.onset - 1, clip.offset - clip.onset + 1
        cut = replace(video, clip_id=clip.clip_id, n_frames=n_frames, first_number=clip.onset)
        write_truth(root / TRUTH_FOLDER, cut, motion, first)
        rows.append(truth_row(cut, motion.envelopes[:, first : first + n_frames]))
    return rows


def _face_box(landmarks: np.ndarray) -> tuple[int, int, int, int]:
    left, top = np.floor(landmarks.min(axis=0) - (4, 22)).astype(int)
    right, bottom = np.ceil(landmarks.max(axis=0) + 4).astype(int)
    return int(left), int(top), int(right), int(bottom)


def write_spreadsheet(root: Path, recordings: tuple[Recording, ...]) -> None:
    """Write the annotation as the real spreadsheet has it: three sheets without header rows."""
    book = openpyxl.Workbook()
    annotation = book.active
    annotation.title = "CASFEcode_final"
    for one in recordings:
        label = one.video.label
        units = "+".join(unit.removeprefix("AU") for unit in one.video.units)
        for clip in one.clips:
            described = (units, POLARITY[label], clip.kind, SELF_REPORT[label])
            annotation.append((one.subject_number, clip.name, clip.onset, clip.apex, clip.offset, *described))
    subjects = book.create_sheet("naming rule2")
    for number, folder in enumerate(FOLDERS, start=1):
        subjects.append((folder, f"s{folder}", number))
    films = book.create_sheet("naming rule1")
    for film, (code, _, _) in FILMS.items():
        films.append((code, film))
    book.save(root / SPREADSHEET)
