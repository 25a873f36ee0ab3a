"""What really moved in a stand-in: written beside the clips, read back to check a method against it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lib.core.errors import DatasetError
from lib.standin.plan import ClipPlan
from lib.standin.scene import FRAME_SIZE, Motion

TRUTH_FOLDER = "_truth"
FIELD_STEP = 4  # fields are stored on every fourth pixel: they are far smoother than that


@dataclass(frozen=True)
class Truth(Motion):
    """The motion of one clip, and the 0-based frame positions of its expressions."""

    onset: int  # the last neutral frame
    apex: int  # the strongest
    offset: int  # the last of the clip's expressions
    fps: float

    def motion_magnitude(self, frame: int) -> np.ndarray:
        """Pixels that the expression has moved each pixel of a frame, head sway apart: (height, width) float32."""
        return np.hypot(*np.tensordot(self.envelopes[:, frame], self.fields, axes=1))


def write_truth(root: Path, plan: ClipPlan, motion: Motion, first: int = 0) -> dict:
    """Write ``<clip_id>.npz``, and return the clip's row of ``clips.csv``, with units as ``AU6=0.52;AU12=0.98``.

    `first` is where the clip begins if `motion` is that of a longer recording.
    """
    frames = slice(first, first + plan.n_frames)
    envelopes = motion.envelopes[:, frames]
    total = envelopes.sum(axis=0)
    moving = np.flatnonzero(total > 1e-6)
    onset, offset = max(int(moving[0]) - 1, 0), min(int(moving[-1]) + 1, len(total) - 1)
    positions = {"onset": onset, "apex": int(total.argmax()), "offset": offset}
    side = FRAME_SIZE // FIELD_STEP
    fields = _resized(motion.fields, side, cv2.INTER_AREA)
    np.savez_compressed(
        root / TRUTH_FOLDER / f"{plan.clip_id}.npz",
        landmarks=motion.landmarks[frames],
        units=np.array(motion.units),
        envelopes=envelopes,
        fields=fields.astype(np.float16),
        frame_size=FRAME_SIZE,
        positions=np.array(list(positions.values())),
        fps=plan.fps,
    )
    units = ";".join(f"{unit}={strength:.3f}" for unit, strength in plan.units.items())
    described = {"clip_id": plan.clip_id, "subject": plan.subject, "label": plan.label, "units": units}
    return {**described, **positions, "n_frames": plan.n_frames, "fps": plan.fps}


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
        onset, apex, offset = stored["positions"].tolist()
        return Truth(
            landmarks=stored["landmarks"],
            units=tuple(stored["units"].tolist()),
            envelopes=stored["envelopes"],
            fields=_resized(stored["fields"].astype(np.float32), int(stored["frame_size"]), cv2.INTER_LINEAR),
            onset=onset,
            apex=apex,
            offset=offset,
            fps=float(stored["fps"]),
        )


def _resized(fields: np.ndarray, side: int, interpolation: int) -> np.ndarray:
    """Fields (n_units, 2, height, width) on a grid of side x side."""
    flat = fields.reshape(-1, *fields.shape[2:])
    resized = [cv2.resize(one, (side, side), interpolation=interpolation) for one in flat]
    return np.array(resized).reshape(-1, 2, side, side)
