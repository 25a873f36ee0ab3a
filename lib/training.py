"""One run: a `RunConfig` and a processed store in, a `RunRecord` out.

`train` answers with the record if there is one and trains otherwise; `trained_model` gives the network itself. The
module knows arrays and labels, never a dataset's layout. What a fold is made of is `lib.inputs`', where records live
`lib.runs`', how an interrupted run is kept `lib.checkpoint`'s.
"""

import contextlib
import dataclasses
import datetime
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from lib import backend, runs
from lib.backend import keras
from lib.checkout import commit
from lib.checkpoint import Checkpoint
from lib.errors import ConfigError, DivergedError, TrainingError
from lib.inputs import FoldData, fold_plan, generator, prepare_fold
from lib.models import MODELS
from lib.protocols import Fold, Samples
from lib.runs import RunConfig, RunRecord

__all__ = ["FoldData", "RunConfig", "RunRecord", "prepare_fold", "train", "trained_model"]

PROGRESS = (None, "bar", "lines")


def train(
    config: RunConfig, store, runs_dir: Path, progress: str | None = None, weights_dir: Path | None = None
) -> RunRecord:
    """Return the record of this run, training it first if there is none.

    A run that was interrupted goes on at the last epoch that was saved, and ends with the same record, bit for bit
    (times apart), as one that was not. If another process is training the same run, this one waits and then reads.
    Training seeds Python's and NumPy's global generators, and begins by clearing Keras' state
    (`keras.utils.clear_session`), so that memory does not grow from run to run.

    Parameters
    ----------
    config : RunConfig
    store : ProcessedStore
        Of `lib.preprocessing`; ``load(stream)``, ``labels``, ``clips``, ``classes``, ``fingerprint``, ``dataset``,
        ``key`` and ``standin`` are read.
    runs_dir : Path
        Parent folder of records. Beside ``<id>/`` it holds ``<id>.partial/`` (an interrupted run),
        ``<id>.failed/`` (one whose loss was not finite) and ``.locks/``.
    progress : {None, "bar", "lines"}
        Silence, a progress bar, or a line per epoch.
    weights_dir : Path, optional
        Where to keep the weights of a run that is trained now, for `trained_model`; runs of one fold only.

    Raises
    ------
    ConfigError
        If the store has no such streams, or they do not fit the network.
    TrainingError
        If there are too few clips for the split, or the disk is full.
    DivergedError
        If the loss is not finite. It will not be on a second try either, so the failure is recorded, and asking again
        explains it without training.
    """
    if progress not in PROGRESS:
        raise ConfigError(f"progress: expected one of {PROGRESS}, found {progress!r}")
    runs_dir = Path(runs_dir)
    if (found := runs.find_run(config, store, runs_dir)) is not None:
        return found
    identity = runs.run_id(config, store)
    with _lock(runs_dir, identity, progress):
        if (found := runs.find_run(config, store, runs_dir)) is not None:
            return found
        runs.explain_failure(runs_dir, identity)
        return _train_and_record(config, store, runs_dir, identity, progress, weights_dir)


def trained_model(
    config: RunConfig, store, weights_dir: Path | None = None, progress: str | None = None
) -> "keras.Model":
    """The network of a run's first fold after its last epoch; no record is written.

    The epochs of a run do not depend on how many follow, so the network of a run's best epoch is
    ``trained_model(dataclasses.replace(config, epochs=best_epoch), store)``.

    Parameters
    ----------
    config, store, progress
        See `train`.
    weights_dir : Path, optional
        Where weights are kept: read if the run's file is there, else written after training.

    Raises
    ------
    ConfigError, TrainingError
        As `train`; a loss that is not finite is not recorded here.
    """
    if weights_dir is None:
        return _fitted_model(config, store, progress)
    path = Path(weights_dir) / f"{runs.run_id(config, store)}.weights.h5"
    with _lock(Path(weights_dir), path.stem, progress):
        if path.is_file():
            model = _new_model(config, prepare_fold(config, store), len(store.classes))
            model.load_weights(path)
            return model
        model = _fitted_model(config, store, progress)
        _keep_weights(model, path)
        return model


def _fitted_model(config: RunConfig, store, progress: str | None) -> "keras.Model":
    with _reporter(config, 1, progress) as report:
        try:
            return _fit_fold(config, store, 0, _State(), None, report)
        except _NotFiniteError as error:
            raise DivergedError(_failure_reason(config, error)) from error


def _keep_weights(model: "keras.Model", path: Path) -> None:
    draft = path.with_name(f"draft-{path.name}")  # Keras insists on the ending
    with _disk():
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_weights(draft)
        draft.replace(path)


@dataclass
class _State:
    """How far a run has come; it turns into JSON and back without loss."""

    fold: int = 0
    epoch: int = 0  # epochs of this fold that are done
    history: list[dict] = dataclasses.field(default_factory=list)
    best: dict | None = None  # of this fold: {"epoch", "accuracy", "probabilities"}
    last: dict | None = None
    finished: list[dict] = dataclasses.field(default_factory=list)  # per fold before this one: {"best", "last"}
    seconds: list[float] = dataclasses.field(default_factory=list)  # per row of history
    sittings: int = 0  # times the run was begun or resumed


def _train_and_record(
    config: RunConfig, store, runs_dir: Path, identity: str, progress: str | None, weights_dir: Path | None
) -> RunRecord:
    samples, folds = fold_plan(config, store)
    checkpoint = Checkpoint(runs_dir / f"{identity}.partial")
    saved = checkpoint.load_state()
    state = _State() if saved is None else _State(**saved)
    state.sittings += 1
    try:
        with _reporter(config, len(folds), progress, done=len(state.history)) as report:
            for index in range(state.fold, len(folds)):
                model = _fit_fold(config, store, index, state, checkpoint, report)
                if weights_dir is not None and len(folds) == 1:
                    _keep_weights(model, Path(weights_dir) / f"{identity}.weights.h5")
                state.finished.append({"best": state.best, "last": state.last})
                state.fold, state.epoch, state.best, state.last = index + 1, 0, None, None
                if state.fold < len(folds):
                    with _disk():
                        checkpoint.save(None, dataclasses.asdict(state))
    except _NotFiniteError as error:
        return _record_failure(config, store, runs_dir / f"{identity}.failed", state, checkpoint, error)
    history = pd.DataFrame(state.history, columns=list(runs.HISTORY_COLUMNS))
    predictions = _predictions_table(store, samples, folds, state.finished)
    summary = runs.summarise(history, predictions, list(store.classes))
    with _disk():
        runs.write_folder(
            runs_dir / identity,
            {
                "config.json": _json(config.to_dict()),
                "history.csv": history.to_csv(index=False),
                "predictions.csv": predictions.to_csv(index=False),
                "provenance.json": _json(_provenance(config, store, state)),
                "summary.json": _json(summary),
            },
        )
    checkpoint.clear()
    return runs.open_run(runs_dir / identity)


def _fit_fold(
    config: RunConfig,
    store,
    index: int,
    state: _State,
    checkpoint: Checkpoint | None,
    report: Callable[[dict], None],
) -> "keras.Model":
    """Train one fold from where `state` stands to its last epoch, and bring `state` up to date."""
    data = prepare_fold(config, store, index)
    model = _new_model(config, data, len(store.classes))
    if state.epoch:
        checkpoint.load_variables(model)
    targets = np.eye(len(store.classes), dtype=np.float32)[data.train_labels]  # (n_train, n_classes)
    batches = _Batches(config, data.train, targets, index)
    recorder = _Recorder(config, data, state, batches, checkpoint, report)
    if state.epoch < config.epochs:
        model.fit(
            batches, epochs=config.epochs, initial_epoch=state.epoch, shuffle=False, verbose=0, callbacks=[recorder]
        )
    return model


def _new_model(config: RunConfig, data: FoldData, n_classes: int) -> "keras.Model":
    """The network with its initial weights, compiled; every fold starts from the same seed, so that folds differ by
    their clips alone."""
    keras.utils.clear_session()
    backend.make_deterministic(config.seed)
    model = MODELS[config.model](data.train[0].shape[1:], n_classes, config.kernel_size)
    model.compile(
        optimizer=keras.optimizers.SGD(config.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=backend.jit_compile(),
    )
    model.optimizer.build(model.trainable_variables)
    return model


class _Batches(keras.utils.PyDataset):
    """The training clips of a fold, in an order that depends on seed, fold and epoch and on nothing else."""

    def __init__(self, config: RunConfig, volumes: tuple[np.ndarray, ...], targets: np.ndarray, index: int) -> None:
        super().__init__()
        self.config, self.volumes, self.targets, self.index = config, volumes, targets, index
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.order = generator(self.config, "order", self.index, epoch).permutation(len(self.targets))

    def __len__(self) -> int:
        return math.ceil(len(self.targets) / self.config.batch_size)

    def __getitem__(self, batch: int):
        chosen = self.order[batch * self.config.batch_size : (batch + 1) * self.config.batch_size]
        volumes = tuple(volume[chosen] for volume in self.volumes)
        return (volumes if len(volumes) > 1 else volumes[0]), self.targets[chosen]


class _Recorder(keras.callbacks.Callback):
    """After each epoch: score the validation clips, keep the best, note the time, save the state if it is due."""

    def __init__(
        self,
        config: RunConfig,
        data: FoldData,
        state: _State,
        batches: _Batches,
        checkpoint: Checkpoint | None,
        report: Callable[[dict], None],
    ) -> None:
        super().__init__()
        self.config, self.fold, self.state, self.batches = config, data.fold, state, batches
        self.checkpoint, self.report = checkpoint, report
        self.held_out = data.validation if len(data.validation) > 1 else data.validation[0]
        self.truth = data.validation_labels

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.begun = time.perf_counter()
        self.batches.set_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        probabilities = self.model.predict(self.held_out, batch_size=self.config.batch_size, verbose=0)
        row = {
            "fold": self.fold.name,
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            "val_loss": _cross_entropy(probabilities, self.truth),
            "val_accuracy": float(np.mean(probabilities.argmax(axis=1) == self.truth)),
        }
        state = self.state
        state.epoch = epoch + 1
        state.history.append(row)
        state.seconds.append(time.perf_counter() - self.begun)
        if not (math.isfinite(row["loss"]) and np.isfinite(probabilities).all()):
            raise _NotFiniteError(row)
        state.last = {
            "epoch": epoch + 1,
            "accuracy": row["val_accuracy"],
            "probabilities": probabilities.astype(float).tolist(),
        }
        if state.best is None or row["val_accuracy"] > state.best["accuracy"]:
            state.best = state.last
        self.report(row)
        if self.checkpoint is not None and self.checkpoint.is_due():
            with _disk():
                self.checkpoint.save(self.model, dataclasses.asdict(state))


class _NotFiniteError(Exception):
    def __init__(self, row: dict) -> None:
        super().__init__(row)
        self.row = row


def _cross_entropy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean categorical cross-entropy of (n, n_classes) probabilities, clipped as Keras clips them."""
    right = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.clip(right, keras.config.epsilon(), 1 - keras.config.epsilon())).mean())


def _predictions_table(store, samples: Samples, folds: tuple[Fold, ...], finished: list[dict]) -> pd.DataFrame:
    classes = np.asarray(store.classes, dtype=object)
    clip_ids = store.clips["clip_id"].to_numpy()
    tables = []
    for at in ("best", "last"):
        for fold, chosen in zip(folds, finished, strict=True):
            probabilities = np.asarray(chosen[at]["probabilities"])  # (n_validation, n_classes)
            table = {
                "clip": clip_ids[samples.clips[fold.validation]],
                "fold": fold.name,
                "at": at,
                "epoch": chosen[at]["epoch"],
                "truth": classes[samples.labels[fold.validation]],
                "predicted": classes[probabilities.argmax(axis=1)],
                **{f"p_{name}": probabilities[:, i] for i, name in enumerate(classes)},
            }
            tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _provenance(config: RunConfig, store, state: _State) -> dict[str, Any]:
    return {
        "backend": backend.backend_name(),
        "device": backend.device_name(),
        "versions": backend.versions(),
        "commit": commit(),
        "code": runs.deciding_code(),
        "data": {
            "dataset": store.dataset,
            "key": store.key,
            "fingerprint": store.fingerprint,
            "classes": list(store.classes),
            "clips": len(store.labels),
            "standin": None if store.standin is None else dict(store.standin),
        },
        "seconds_per_epoch": state.seconds,
        "wall_seconds": sum(state.seconds),
        "sittings": state.sittings,
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _record_failure(config: RunConfig, store, folder: Path, state: _State, checkpoint: Checkpoint, error) -> None:
    row = error.row
    with _disk():
        runs.write_folder(
            folder,
            {
                "config.json": _json(config.to_dict()),
                "history.csv": pd.DataFrame(state.history, columns=list(runs.HISTORY_COLUMNS)).to_csv(index=False),
                "provenance.json": _json(_provenance(config, store, state)),
                "failure.json": _json(
                    {"reason": _failure_reason(config, error), "fold": row["fold"], "epoch": row["epoch"]}
                ),
            },
        )
    checkpoint.clear()
    runs.explain_failure(folder.parent, folder.stem)


def _failure_reason(config: RunConfig, error: _NotFiniteError) -> str:
    row = error.row
    return (
        f"the loss was not finite in epoch {row['epoch']} of fold {row['fold']!r} (loss {row['loss']}): the learning "
        f"rate of {config.learning_rate:g} is probably too high"
    )


@contextlib.contextmanager
def _lock(runs_dir: Path, identity: str, progress: str | None):
    """Hold the run for this process; the operating system lets go of it when the process dies."""
    with _disk():
        (runs_dir / ".locks").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(runs_dir / ".locks" / f"{identity}.lock")
    try:
        with _disk():
            lock.acquire(blocking=False)
    except filelock.Timeout:
        if progress is not None:
            tqdm.write(f"run {identity} is being trained by another process; waiting for it")
        with _disk():
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _disk():
    """Turn a failure to write into an error that says what to do."""
    try:
        yield
    except filelock.Timeout:  # an OSError too, but nothing failed: somebody else holds the lock
        raise
    except OSError as error:
        raise TrainingError(
            f"cannot write the run ({error.strerror or error}). Make room or mend the folder, then ask again: it goes "
            f"on from the last state that was saved"
        ) from error


@contextlib.contextmanager
def _reporter(config: RunConfig, n_folds: int, progress: str | None, done: int = 0):
    """Yield a function that is told each row of the history."""
    total = config.epochs * n_folds
    if progress == "bar":
        with tqdm(total=total, initial=done, unit="epoch", desc=config.model) as bar:

            def report(row: dict) -> None:
                bar.set_postfix(loss=f"{row['loss']:.3f}", val_accuracy=f"{row['val_accuracy']:.3f}", refresh=False)
                bar.update()

            yield report
    elif progress == "lines":

        def report(row: dict) -> None:
            print(
                f"{config.model} fold {row['fold']} epoch {row['epoch']}/{config.epochs}: loss {row['loss']:.4f} "
                f"accuracy {row['accuracy']:.3f} val_loss {row['val_loss']:.4f} "
                f"val_accuracy {row['val_accuracy']:.3f}",
                flush=True,
            )

        yield report
    else:
        yield lambda row: None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
