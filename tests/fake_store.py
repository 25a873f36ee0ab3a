"""A processed store in memory: tiny, learnable, and with the attributes that training reads."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass
class FakeStore:
    """Clips whose class is the third of the picture that brightens over time, on noise that a seed decides."""

    clips_per_class: tuple[int, ...] = (8, 10, 6)
    shape: tuple[int, int, int] = (8, 12, 12)  # depth, height, width
    streams: tuple[str, ...] = ("frame", "eyes", "mouth")
    classes: tuple[str, ...] = ("angry", "happy", "disgust")
    fingerprint: str = "f" * 64
    content: str = "c" * 64
    dataset: str = "casme2_sq"
    key: str = "casme2_sq-tiny"
    path: Path = Path("casme2_sq-tiny")
    people: int = 6  # clips are dealt out to them in turn
    standin: dict | None = field(default_factory=lambda: {"standin": True})

    @property
    def labels(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.clips_per_class)), self.clips_per_class)

    @property
    def clips(self) -> pd.DataFrame:
        names = [f"{i:04d}" for i in range(len(self.labels))]  # digits only, as some clips of CAS(ME)2 are called
        subjects = [f"s{i % self.people:02d}" for i in range(len(self.labels))]
        return pd.DataFrame(
            {"clip_id": names, "subject": subjects, "label": np.asarray(self.classes, dtype=object)[self.labels]}
        )

    def load(self, stream: str) -> np.ndarray:
        if stream not in self.streams:
            raise KeyError(stream)
        rng = np.random.default_rng([len(stream), ord(stream[0])])
        volumes = rng.integers(0, 60, (len(self.labels), *self.shape), dtype=np.uint8)
        ramp = np.linspace(0, 150, self.shape[0]).astype(np.uint8)[:, None, None]
        third = self.shape[1] // 3
        for volume, label in zip(volumes, self.labels, strict=True):
            volume[:, label * third : (label + 1) * third] += ramp
        return volumes
