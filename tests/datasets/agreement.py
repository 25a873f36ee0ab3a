"""Whether the doctor's verdict and the next steps agree on a folder. Faces are pretended: only reading is compared."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lib.core.errors import DatasetError, PreprocessingError, TrainingError
from lib.datasets import load_dataset
from lib.datasets.doctor import Report, examine, format_report
from lib.preprocessing import PreprocessConfig, landmarks, preprocess, store
from lib.training.protocols import PROTOCOLS, require_people

# All frames of a clip are read, whatever its length.
CONFIG = PreprocessConfig(frames=2, sampling="tim", streams=("frame",), frame_size=8)


class AnyFace:
    """A detector to which every frame is a face that fills it."""

    def faces(self, image, upsample, *_):
        height, width = image.shape[:2]
        return [(np.array([0, 0, width, height], np.float32), 1.0)]

    def points(self, image, box):
        across = np.linspace(0.1, 0.9, landmarks.N_POINTS)
        return (np.column_stack([across, across[::-1]]) * box[2:]).astype(np.float32)


def assert_agreement(dataset_name: str, root: Path, monkeypatch: pytest.MonkeyPatch, **options) -> Report:
    """The doctor finds unsound what preprocessing rejects, for the same reasons; where it says USABLE, a store is made.

    A clip should have two frames at least: whether one is enough is decided by settings, not by reading.
    """
    monkeypatch.setattr(landmarks, "DlibDetector", AnyFace)
    monkeypatch.setattr(store, "definitions_digest", lambda modules: "")  # takes half the time of so small a store
    report = examine(dataset_name, root, progress=False, **options)
    verdict = format_report(report)
    verdict.encode("utf-8")
    assert verdict.splitlines()[-1].startswith("USABLE" if report.usable else "NOT USABLE")
    if report.dataset is None:
        with pytest.raises(DatasetError):
            load_dataset(dataset_name, root, **options)
        return report

    dataset = load_dataset(dataset_name, root, **options)
    assert dataset == report.dataset
    unsound = {(one.clip_id, one.reason) for one in report.frame_problems}
    sound = {clip.clip_id for clip in dataset.clips} - {clip_id for clip_id, _ in unsound}
    without = [name for name, count in report.sound.items() if count == 0]
    if without:
        with pytest.raises(PreprocessingError, match="No clip"):
            _store_of(dataset, root)
        assert not set(without) & set(report.trainable)
    else:
        made = _store_of(dataset, root)
        assert set(made.clips["clip_id"]) == sound
        rejected = made.rejected[made.rejected["stage"] == "preprocessing"]
        reasons = set(zip(rejected["clip_id"], rejected["reason"], strict=True))
        assert {clip_id for clip_id, _ in reasons} == {clip_id for clip_id, _ in unsound}
        assert reasons <= unsound
    if report.usable:
        if without:
            chosen = load_dataset(dataset_name, root, **options | {"classes": tuple(report.trainable)})
            assert len(set(_store_of(chosen, root).labels)) == len(report.trainable)
        if "divide by subject refuse" in verdict:
            with pytest.raises(TrainingError, match="whose face"):
                require_people(PROTOCOLS["clean"], dataset.table())
        else:
            require_people(PROTOCOLS["clean"], dataset.table())
    return report


def _store_of(dataset, root: Path):
    out = root.with_name(f"{root.name}.stores")
    try:
        return preprocess(dataset, CONFIG, out, jobs=1, progress=False)
    finally:
        shutil.rmtree(out, ignore_errors=True)
