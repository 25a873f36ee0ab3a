"""One evaluation of a method of `lib.baselines`: a `BaselineConfig` and a processed store in, a record out.

The clips, their division and the form of the record are those of the networks' runs (`lib.training.run`).
"""

import datetime
import json
import math
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from lib.baselines import METHODS
from lib.baselines.features import clip_features, module_of, settings_of
from lib.core import machine
from lib.core.files import locked, whole_file
from lib.core.paths import commit
from lib.training import records
from lib.training.baseline_config import BaselineConfig, method_code
from lib.training.protocols import PROTOCOLS
from lib.training.record_files import about_data, predictions_table, to_json
from lib.training.records import RunRecord
from lib.training.splits import Fold, Samples, make_folds, make_samples

SECONDS_BETWEEN_LINES = 10.0
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
        If there are too few clips for the split.
    """
    runs_dir = Path(runs_dir)
    if (found := records.find_run(config, store, runs_dir)) is not None:
        return found
    identity = records.run_id(config, store)
    with locked(runs_dir / ".locks" / f"{identity}.lock", f"evaluating {config.slug}", progress is not None):
        if (found := records.find_run(config, store, runs_dir)) is not None:
            return found
        return _evaluate_and_record(config, store, runs_dir / identity, progress, jobs)


def divided(config: BaselineConfig, store) -> tuple[Samples, tuple[Fold, ...]]:
    """The samples of an evaluation and its folds: those of a network's run under this protocol and seed."""
    protocol = PROTOCOLS[config.protocol]
    samples = make_samples(protocol, store.labels, len(store.classes))
    subjects = store.clips["subject"].to_numpy()[samples.clips] if "subject" in store.clips else None
    return samples, make_folds(protocol, samples.labels, store.classes, subjects, config.seed)


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
    told_at = -math.inf
    with tqdm(total=len(folds), initial=len(finished), unit="fold", desc=config.slug, disable=progress != "bar") as bar:
        for fold in folds[len(finished) :]:
            finished.append(_one_fold(config, features, samples, fold, len(store.classes)))
            bar.update()
            if progress == "lines" and time.monotonic() - told_at >= SECONDS_BETWEEN_LINES:
                told_at = time.monotonic()
                print(f"{config.slug} fold {fold.name}: {len(finished)} of {len(folds)}", flush=True)
            if len(finished) < len(folds):
                with whole_file(unfinished) as draft:
                    draft.write_text(json.dumps(finished), encoding="utf-8")
    read = [{at: {"epoch": 1, "probabilities": one["probabilities"]} for at in ("best", "last")} for one in finished]
    files = {
        "config.json": to_json(config.to_dict()),
        "history.csv": _history(samples, folds, finished).to_csv(index=False),
        "predictions.csv": predictions_table(store, samples, folds, read).to_csv(index=False),
        "provenance.json": to_json(_provenance(config, store, finished, feature_seconds)),
    }
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


def _history(samples: Samples, folds: tuple[Fold, ...], finished: list[dict]) -> pd.DataFrame:
    rows = [
        {
            "fold": fold.name,
            "epoch": 1,
            "loss": None,
            "accuracy": one["accuracy"],
            "val_loss": None,
            "val_accuracy": float(np.mean(np.argmax(one["probabilities"], axis=1) == samples.labels[fold.validation])),
        }
        for fold, one in zip(folds, finished, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(records.HISTORY_COLUMNS))


def _provenance(config: BaselineConfig, store, finished: list[dict], feature_seconds: float) -> dict[str, Any]:
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
        "instructions": machine.vector_instructions(),
        "settings": machine.settings(),
        "method_settings": asdict(settings_of(config.method)),
        "versions": {package: metadata.version(package) for package in VERSIONS},
        "commit": commit(),
        "code": method_code(config.method),
        "data": about_data(store),
        "parameters": [one["parameters"] for one in finished],
        "seconds": {"features": feature_seconds, **seconds},
        "wall_seconds": feature_seconds + sum(map(sum, seconds.values())),
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
