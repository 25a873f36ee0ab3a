"""What really moved in a stand-in: written beside the clips, read back to check a method against it."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lib.core.errors import DatasetError
from lib.standin.plan import ClipPlan
from lib.standin.scene import FRAME_SIZE, Motion

TRUTH_FOLDER = "_truth"
TRUTH_COLUMNS = ("clip_id", "subject", "label", "units", "onset", "apex", "offset", "n_frames", "fps")
FIELD_STEP = 4
"""Fields are stored on every fourth pixel: they are far smoother than that."""


@dataclass(frozen=True)
class Truth:
    """The motion of one clip.

    Attributes
    ----------
    clip_id : str
    landmarks : ndarray of float32, shape (n_frames, 68, 2)
        Pixel (x, y) of the iBUG points.
    units : tuple of str
        Action units, such as ``"AU12"``.
    envelopes : ndarray of float32, shape (n_units, n_frames)
        Activation of each unit, its strength in this clip included.
    fields : ndarray of float32, shape (n_units, 2, height, width)
        Displacement (right, down) in pixels at activation 1: the content at p came from p - field(p).
    onset, apex, offset : int
        0-based frame positions: the last neutral frame, the strongest, the last of the clip's expressions.
    fps : float
    """

    clip_id: str
    landmarks: np.ndarray
    units: tuple[str, ...]
    envelopes: np.ndarray
    fields: np.ndarray
    onset: int
    apex: int
    offset: int
    fps: float

    def motion(self, frame: int) -> np.ndarray:
        """Displacement since the neutral face that the expression causes: (2, height, width) float32, pixels."""
        return np.tensordot(self.envelopes[:, frame], self.fields, axes=1)

    def motion_magnitude(self, frame: int) -> np.ndarray:
        """Length of `motion` at every pixel of a frame, (height, width) float32; head sway is not part of it."""
        return np.hypot(*self.motion(frame))


def write_truth(folder: Path, plan: ClipPlan, motion: Motion, first: int = 0) -> None:
    """Write ``<clip_id>.npz``. `first` is where the clip begins if `motion` is that of a longer recording."""
    onset, apex, offset = landmarks_in_time(plan, motion.envelopes[:, first : first + plan.n_frames])
    small = cv2.resize(
        np.moveaxis(motion.fields.reshape(-1, FRAME_SIZE, FRAME_SIZE), 0, -1),
        (FRAME_SIZE // FIELD_STEP,) * 2,
        interpolation=cv2.INTER_AREA,
    )
    fields = np.moveaxis(small.reshape(*small.shape[:2], -1), -1, 0).reshape(len(motion.units), 2, *small.shape[:2])
    np.savez_compressed(
        folder / f"{plan.clip_id}.npz",
        landmarks=motion.landmarks[first : first + plan.n_frames],
        units=np.array(motion.units),
        envelopes=motion.envelopes[:, first : first + plan.n_frames],
        fields=fields.astype(np.float16),
        frame_size=FRAME_SIZE,
        positions=np.array([onset, apex, offset]),
        fps=plan.fps,
    )


def landmarks_in_time(plan: ClipPlan, envelopes: np.ndarray) -> tuple[int, int, int]:
    """(onset, apex, offset) positions from activations (n_units, n_frames)."""
    total = envelopes.sum(axis=0)
    moving = np.flatnonzero(total > 1e-6)
    if not len(moving):
        raise ValueError(f"{plan.clip_id} holds no expression")
    return max(int(moving[0]) - 1, 0), int(total.argmax()), min(int(moving[-1]) + 1, len(total) - 1)


def write_truth_table(folder: Path, rows: list[dict]) -> None:
    """Write ``clips.csv`` with the columns `TRUTH_COLUMNS`; units as ``AU6=0.52;AU12=0.98``."""
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, TRUTH_COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def truth_row(plan: ClipPlan, envelopes: np.ndarray) -> dict:
    """The row of `write_truth_table` for one clip."""
    onset, apex, offset = landmarks_in_time(plan, envelopes)
    units = ";".join(f"{unit}={strength:.3f}" for unit, strength in plan.units.items())
    values = (plan.clip_id, plan.subject, plan.label, units, onset, apex, offset, plan.n_frames, plan.fps)
    return dict(zip(TRUTH_COLUMNS, values, strict=True))


def read_truth(root: Path, clip_id: str) -> Truth:
    """The true motion of one clip of the stand-in at `root`.

    Raises
    ------
    DatasetError
        There is no such file: the folder is not a stand-in, or the clip is not in it.
    """
    path = Path(root) / TRUTH_FOLDER / f"{clip_id}.npz"
    if not path.is_file():
        raise DatasetError(
            f"{path} does not exist: the true motion is known for stand-ins only (folders that write_standin made), "
            f"by the clip_id listed in {TRUTH_FOLDER}/clips.csv."
        )
    with np.load(path) as stored:
        size = int(stored["frame_size"])
        small = stored["fields"].astype(np.float32)
        flat = np.moveaxis(small.reshape(-1, *small.shape[2:]), 0, -1)
        fields = np.stack([cv2.resize(flat[..., i], (size, size)) for i in range(flat.shape[-1])])
        onset, apex, offset = (int(position) for position in stored["positions"])
        return Truth(
            clip_id=clip_id,
            landmarks=stored["landmarks"],
            units=tuple(str(unit) for unit in stored["units"]),
            envelopes=stored["envelopes"],
            fields=fields.reshape(-1, 2, size, size),
            onset=onset,
            apex=apex,
            offset=offset,
            fps=float(stored["fps"]),
        )
