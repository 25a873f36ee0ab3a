"""One evaluation of a method of `lib.baselines`: a `BaselineConfig` and a processed store in, a record out.

The clips, their division and the form of the record are those of the networks' runs (`lib.training.run`).
"""

import json
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from lib.baselines import METHODS
from lib.baselines.features import clip_features, module_of, settings_of
from lib.core import machine
from lib.core.files import whole_file
from lib.networks import NETWORKS
from lib.training import records
from lib.training.config import BaselineConfig, RunConfig
from lib.training.inputs import fold_plan
from lib.training.record_files import common_files, found_or_made, predictions_table, reporter
from lib.training.records import RunRecord
from lib.training.splits import Fold, Samples

VERSIONS = ("numpy", "scikit-learn", "opencv-python-headless", "keras")


def evaluate(
    config: BaselineConfig, store, runs_dir: Path, progress: str | None = None, jobs: int | None = 1
) -> RunRecord:
    """Return the record of this evaluation, making it first if there is none.

    One that was interrupted goes on after the last fold that was finished. A method is fitted once a fold and read
    when it is fitted: ``best`` and ``last`` of its record are the same, and its history has a row a fold, without a
    loss. ``seconds`` in its provenance are the processor's: for the ``features`` of all clips, and by fold to ``train``
    and to ``classify``, ``wall_seconds`` their sum; ``parameters`` is how many numbers the method learned, by fold.

    Parameters
    ----------
    store : ProcessedStore
        With the stream `lib.baselines.STREAM`.
    runs_dir : Path
        Parent folder of records.
    progress : {None, "bar", "lines"}
        As of `lib.training.run.train`.
    jobs : int, optional
        Processes that make features; None for one per core.

    Raises
    ------
    TrainingError
        If there are too few clips for the split, or it is by subject and a subject is unknown.
    """

    def make(folder: Path) -> RunRecord:
        return _evaluate_and_record(config, store, folder, progress, jobs)

    return found_or_made(config, store, runs_dir, progress, make)


def divided(config: BaselineConfig, store) -> tuple[Samples, tuple[Fold, ...]]:
    """The samples of an evaluation and its folds: those of a network's run under this protocol and seed."""
    return fold_plan(RunConfig(NETWORKS[0], config.protocol, seed=config.seed), store)


def fitted(config: BaselineConfig, features: np.ndarray, samples: Samples, fold: Fold, n_classes: int):
    """The method, fitted on the training clips of a fold: it is handed nothing else."""
    module = module_of(config.method)
    clips, labels = samples.clips[fold.train], samples.labels[fold.train]
    return module.fit(features[clips], labels, n_classes, settings_of(config.method), config.seed)


def _evaluate_and_record(
    config: BaselineConfig, store, folder: Path, progress: str | None, jobs: int | None
) -> RunRecord:
    samples, folds = divided(config, store)
    features, feature_seconds = clip_features(config.method, store, jobs, progress == "bar")
    unfinished = folder.with_name(f"{folder.name}.partial") / "folds.json"
    finished = json.loads(unfinished.read_text(encoding="utf-8")) if unfinished.is_file() else []
    with reporter(config.slug, len(folds), "fold", progress, len(finished)) as report:
        for fold in folds[len(finished) :]:
            finished.append(_one_fold(config, features, samples, fold, len(store.classes)))
            report(f"fold {fold.name}", f"{len(finished)} of {len(folds)}")
            if len(finished) < len(folds):
                with whole_file(unfinished) as draft:
                    draft.write_text(json.dumps(finished), encoding="utf-8")
    read = [{at: {"epoch": 1, "probabilities": one["probabilities"]} for at in ("best", "last")} for one in finished]
    about = _provenance(config, finished, feature_seconds)
    files = common_files(config, store, _history(samples, folds, finished), **about)
    files["predictions.csv"] = predictions_table(store, samples, folds, read).to_csv(index=False)
    records.write_folder(folder, files)
    unfinished.unlink(missing_ok=True)
    if unfinished.parent.is_dir():
        unfinished.parent.rmdir()
    return records.open_run(folder)


def _one_fold(config: BaselineConfig, features: np.ndarray, samples: Samples, fold: Fold, n_classes: int) -> dict:
    begun = time.process_time()
    method = fitted(config, features, samples, fold, n_classes)
    trained = time.process_time()
    probabilities = method.predict(features[samples.clips[fold.validation]])
    classified = time.process_time()
    own = method.predict(features[samples.clips[fold.train]])
    return {
        "probabilities": probabilities.tolist(),
        "accuracy": float(np.mean(own.argmax(axis=1) == samples.labels[fold.train])),
        "parameters": int(method.n_parameters),
        "train": trained - begun,
        "classify": classified - trained,
    }


def _history(samples: Samples, folds: tuple[Fold, ...], finished: list[dict]) -> list[dict]:
    truths = (samples.labels[fold.validation] for fold in folds)
    answers = (np.argmax(one["probabilities"], axis=1) for one in finished)
    shares = [float(np.mean(answer == truth)) for answer, truth in zip(answers, truths, strict=True)]
    return [
        {"fold": fold.name, "epoch": 1, "accuracy": one["accuracy"], "val_accuracy": share}
        for fold, one, share in zip(folds, finished, shares, strict=True)
    ]


def _provenance(config: BaselineConfig, finished: list[dict], feature_seconds: float) -> dict[str, Any]:
    if METHODS[config.method].keras:
        from lib.networks import device
        from lib.networks.backend import backend_name

        backend, name = backend_name(), device.device_name()
    else:
        backend, name = "scikit-learn", machine.processor_name()
    seconds = {phase: [one[phase] for one in finished] for phase in ("train", "classify")}
    return {
        "backend": backend,
        "device": name,
        "method_settings": asdict(settings_of(config.method)),
        "versions": {package: metadata.version(package) for package in VERSIONS},
        "parameters": [one["parameters"] for one in finished],
        "seconds": {"features": feature_seconds, **seconds},
        "wall_seconds": feature_seconds + sum(map(sum, seconds.values())),
    }
