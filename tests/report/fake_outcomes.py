"""Outcomes of runs that were never trained: records in memory with scores and predictions that a test decides."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from lib.training import records
from lib.training.plans import Outcome
from lib.training.records import RunConfig

TRAINED_ON = {"device": "cpu", "backend": "tensorflow"}
CLASSES = ("negative", "positive", "surprise")


@dataclass
class FakeRecord:
    """What chapters read of a `RunRecord`; predictions at the best epoch are right more often by `gain`."""

    config: RunConfig
    truth: pd.DataFrame  # clip, fold, truth
    right: float
    gain: float = 0.1
    standin: bool = True

    @property
    def id(self) -> str:
        return self.config.slug

    @property
    def path(self) -> Path:
        return Path("made-up") / self.id

    @property
    def provenance(self) -> dict:
        return {"data": {"standin": {"standin": True} if self.standin else None}, "wall_seconds": 1.0, **TRAINED_ON}

    def predictions(self, at: str = "best") -> pd.DataFrame:
        rng = np.random.default_rng([self.config.seed, len(self.config.control), len(self.config.protocol)])
        luck, other = rng.random(len(self.truth)), rng.integers(1, 3, len(self.truth))
        hit = luck < self.right + (self.gain if at == "best" else 0.0)
        codes = pd.Index(CLASSES).get_indexer(self.truth["truth"])
        predicted = np.array(CLASSES)[np.where(hit, codes, (codes + other) % 3)]
        return self.truth.assign(at=at, epoch=1, predicted=predicted)

    def summary(self) -> dict:
        return self._summary

    @cached_property
    def _summary(self) -> dict:
        history = pd.DataFrame(
            [{"fold": fold, "epoch": 1, "val_accuracy": 0.5} for fold in self.truth["fold"].unique()]
        )
        both = pd.concat([self.predictions(at) for at in ("best", "last")])
        return records.summarise(history, both, list(CLASSES))


@dataclass
class FakeStore:
    """Clips of people; each has as many as `sizes` says."""

    sizes: tuple[int, ...] = (6, 10, 3, 14, 2, 8, 9, 5)
    dataset: str = "smic"
    standin: dict | None = None
    classes: tuple[str, ...] = CLASSES

    @property
    def clips(self) -> pd.DataFrame:
        subjects = np.repeat([f"s{number}" for number in range(1, len(self.sizes) + 1)], self.sizes)
        labels = np.array(CLASSES)[np.random.default_rng(0).integers(0, 3, len(subjects))]
        return pd.DataFrame(
            {"clip_id": [f"{i:03d}" for i in range(len(subjects))], "subject": subjects, "label": labels}
        )

    @property
    def labels(self) -> np.ndarray:
        return self.clips["label"].map(self.classes.index).to_numpy()

    def truth(self) -> pd.DataFrame:
        clips = self.clips
        return pd.DataFrame({"clip": clips["clip_id"], "fold": clips["subject"], "truth": clips["label"]})


def finished(config: RunConfig, store: FakeStore, right: float, gain: float = 0.1) -> Outcome:
    record = FakeRecord(config, store.truth(), right, gain, store.standin is not None)
    return Outcome(config, "finished", record)


def failed(config: RunConfig) -> Outcome:
    return Outcome(config, "failed", reason="the loss was not finite in epoch 3")


def missing(config: RunConfig) -> Outcome:
    return Outcome(config, "missing")


def with_seeds(config: RunConfig, n: int) -> list[RunConfig]:
    return [replace(config, seed=seed) for seed in range(n)]
