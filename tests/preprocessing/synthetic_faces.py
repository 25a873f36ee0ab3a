"""Clips without faces and a detector that pretends: what it sees is written in the first pixel of each frame.

Red says what is found (see `FakeDetector`), green moves the face to the right by as many pixels, blue is the frame's
position in its clip. Importable, so that spawned processes can use it.
"""

import os
import time
from pathlib import Path

import cv2
import numpy as np

from lib.datasets.clip import Clip, Dataset, sort_clips

NOTHING, FACE, SMALL_FACE, TWO_FACES, UPSIDE_DOWN = range(5)
HEIGHT, WIDTH = 60, 80
BOX = np.array([20, 10, 60, 50], np.float32)  # left, top, right, bottom


def face_points(box: np.ndarray) -> np.ndarray:
    """68 landmarks of a schematic upright face that fills a box: jaw, brows, nose, eyes, mouth. (68, 2) float32."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.5 * np.cos(angles), 0.35 + 0.65 * np.sin(angles)])
    brows = [(x, 0.15) for x in np.r_[np.linspace(0.12, 0.42, 5), np.linspace(0.58, 0.88, 5)]]
    nose = [(0.5, y) for y in np.linspace(0.3, 0.5, 4)] + [(x, 0.58) for x in np.linspace(0.42, 0.58, 5)]
    eye = np.array([(-0.09, 0), (-0.04, -0.03), (0.04, -0.03), (0.09, 0), (0.04, 0.03), (-0.04, 0.03)])
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    mouth = np.column_stack([0.5 - 0.18 * np.cos(turn), 0.76 + 0.07 * np.sin(turn)])
    unit = np.concatenate([jaw, brows, nose, eye + (0.28, 0.3), eye + (0.72, 0.3), mouth])
    return (box[:2] + unit * (box[2:] - box[:2])).astype(np.float32)


class FakeDetector:
    """Finds what the first pixel says.

    A `SMALL_FACE` only after upsampling; the second, smaller, of `TWO_FACES` far right. An `UPSIDE_DOWN` one has a low
    score, and a high one where that pixel is the last.
    """

    def faces(self, image, upsample, shrink=True):
        if image[-1, -1, 0] == UPSIDE_DOWN:
            return [(BOX, 2.0)]
        what, shift, _ = (int(value) for value in image[0, 0])
        box = BOX + np.float32([shift, 0, shift, 0])
        if not FACE <= what <= UPSIDE_DOWN or (what == SMALL_FACE and not upsample):
            return []
        second = (box + 100) * np.float32([1, 1, 0.9, 0.9])
        return [(box, 0.2 if what == UPSIDE_DOWN else 1.0)] + ([(second, 2.0)] if what == TWO_FACES else [])

    def points(self, image, box):
        return face_points(box)


def frame(what: int = FACE, shift: int = 0, position: int = 0) -> np.ndarray:
    """One RGB frame whose grey value grows from left to right and with its position."""
    ramp = np.arange(10, 10 + WIDTH)[None, :, None] + 2 * position
    image = np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    image[0, 0] = (what, shift, position)
    return image


def write_clip(folder: Path, seen: list[int]) -> None:
    """Write one PNG per entry of `seen`."""
    folder.mkdir(parents=True)
    for position, what in enumerate(seen):
        bgr = frame(what, position=position)[..., ::-1]
        cv2.imwrite(str(folder / f"img{position:03d}.png"), np.ascontiguousarray(bgr))


def make_dataset(
    root: Path, clips: dict[str, list[int]], classes=("angry", "happy"), known_length=True, **changes
) -> Dataset:
    """Write clips and their dataset; the label of a clip is its name up to the underscore ("angry_1")."""
    records = []
    for name, seen in clips.items():
        write_clip(root / name, seen)
        n_frames = len(seen) if known_length else None
        records.append(
            Clip(name, "class_folders", f"0{len(records)}", name.split("_")[0], root / name, 0, n_frames, 25.0)
        )
    described = {"name": "class_folders", "root": root, "layout": "made for a test", "classes": classes, **changes}
    return Dataset(clips=sort_clips(records, classes), **described)


def start_fake_worker() -> None:
    """Stands in for a worker's initialiser."""
    from lib.preprocessing import pipeline

    pipeline._detector = FakeDetector()


def slow_work(clip, config, path) -> None:
    """Stands in for a worker's task: the later a clip comes, the sooner it is finished."""
    from lib.preprocessing import pipeline

    time.sleep(0.3 / (1 + int(path.stem)))
    pipeline._save_result(path, pipeline.process_clip(clip, config, FakeDetector()))


def die(clip, config, path) -> None:
    """Stands in for a worker's task that brings its process down."""
    os._exit(7)
