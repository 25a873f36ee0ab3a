"""Stand-ins of one or two short clips, rendered in seconds: `python tiny.py FOLDER` writes two and their stores."""

import functools
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

from lib.datasets import Dataset, load_dataset
from lib.preprocessing import PreprocessConfig, ProcessedStore, landmarks, preprocess
from lib.standin import write_standin, writer
from lib.standin.expression import Event
from lib.standin.official import plan_official
from lib.standin.plan import plan_standin

SEED = 0
VIDEO_FRAMES = 14
detector = functools.cache(landmarks.DlibDetector)  # its model takes a second to read


def plan(name: str) -> tuple:
    """Two clips of 11 frames; a video that begins where the expression does; a recording cut after its first clip."""
    if name == "smic":
        return tuple(one for one in plan_standin(name, seed=SEED) if one.n_frames == 11)[:2]
    if name == "casme2_sq":
        event = Event(33, 200, 300, 460, 1.0)
        return (replace(plan_standin(name, seed=SEED)[0], n_frames=VIDEO_FRAMES, events=(event,), blinks_ms=()),)
    recording = plan_official(seed=SEED)[0]
    clip = recording.clips[0]
    return (replace(recording, n_frames=clip.offset + 1, clips=(clip,)),)


def write(name: str, root: Path, jobs: int = 1) -> Path:
    planned = plan(name)
    with (
        mock.patch.object(writer, "plan_standin", lambda *arguments: planned),
        mock.patch.object(writer, "plan_official", lambda *arguments: planned),
    ):
        return write_standin(name, root, seed=SEED, jobs=jobs, progress=False)


def load(name: str, root: Path) -> Dataset:
    label = {"smic": "positive"}.get(name, "angry")
    return load_dataset("smic" if name == "smic" else "casme2_sq", root, classes=(label,))


def store(name: str, root: Path, out: Path) -> ProcessedStore:
    config = PreprocessConfig(frames=11 if name == "smic" else VIDEO_FRAMES)
    with mock.patch.object(landmarks, "DlibDetector", detector):
        return preprocess(load(name, root), config, out, jobs=1, progress=False)


def main(folder: Path) -> None:
    for name in ("smic", "casme2_sq"):
        store(name, write(name, folder / name), folder / "stores" / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
