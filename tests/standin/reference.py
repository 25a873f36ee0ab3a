"""What the present versions of the generator and of the preprocessing give, stored to be compared with.

After raising a version: `PYTHONPATH=. python tests/standin/reference.py`, and delete the files of the version before.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import tiny

from lib.datasets import Clip
from lib.datasets.frames import iter_frames
from lib.preprocessing import PreprocessConfig
from lib.preprocessing.config import PREPROCESSING_VERSION
from lib.preprocessing.pipeline import process_clip
from lib.standin import GENERATOR_VERSION, STANDINS

FOLDER = Path(__file__).parent / "reference"
FRAMES = {"smic": (0, 10), "casme2_sq": (0, 8), "casme2_sq_official": (0, 6)}
STREAM_FRAMES = 3
CONFIGS = {
    "first": PreprocessConfig(frames=STREAM_FRAMES),
    "tim": PreprocessConfig(frames=STREAM_FRAMES + 1, sampling="tim", crop="steady"),
}


def frame_file(name: str, position: int) -> Path:
    return FOLDER / f"{name}_generator{GENERATOR_VERSION}_frame{position}.png"


def streams_file() -> Path:
    return FOLDER / f"smic_generator{GENERATOR_VERSION}_preprocessing{PREPROCESSING_VERSION}.npz"


def frames(name: str, root: Path) -> dict[int, np.ndarray]:
    """Frames of a tiny stand-in as its loader reads them, every second pixel of every second row."""
    clips = tiny.load(name, root).clips
    clip = clips[-1]
    decoded = list(iter_frames(clip))
    return {position: decoded[position][::2, ::2] for position in FRAMES[name]}


def landmarks(clip: Clip) -> np.ndarray:
    """Landmarks of every frame of a clip, (n, 68, 2), by dlib."""
    return process_clip(clip, PreprocessConfig(frames=clip.n_frames), tiny.detector()).arrays["landmarks"]


class Told:
    """A detector that is told the landmarks, frame by frame, so that dlib's rounding moves no crop."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = iter(points)

    def faces(self, image, upsample, shrink=True):
        return [(np.array([60, 40, 160, 160], np.float32), 1.0)]

    def points(self, image, box):
        return next(self._points).astype(np.float32)


def streams(clip: Clip, points: np.ndarray) -> dict[str, np.ndarray]:
    """Streams of the first frames of a clip by given landmarks, under each of `CONFIGS`: "first_eyes" and so on."""
    short = replace(clip, n_frames=STREAM_FRAMES)
    return {
        f"{name}_{stream}": array
        for name, config in CONFIGS.items()
        for stream, array in process_clip(short, config, Told(points)).arrays.items()
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        roots = {name: tiny.write(name, Path(folder) / name) for name in STANDINS}
        for name, root in roots.items():
            for position, frame in frames(name, root).items():
                cv2.imwrite(str(frame_file(name, position)), np.ascontiguousarray(frame[..., ::-1]))
        clip = tiny.load("smic", roots["smic"]).clips[0]
        points = landmarks(clip)
        np.savez_compressed(streams_file(), landmarks=points.astype(np.uint8), **streams(clip, points))


if __name__ == "__main__":
    sys.exit(main())
