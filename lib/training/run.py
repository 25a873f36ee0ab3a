"""One run: a `RunConfig` and a processed store in, a `RunRecord` out.

`train` answers with the record if there is one and trains otherwise; `trained_model` gives the network itself. The
numbers are made by `lib.training.fit`; here a run is waited for, shown, resumed and written.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from lib.core.checks import one_of
from lib.core.errors import ConfigError, DivergedError
from lib.core.files import whole_file
from lib.networks import device
from lib.networks.backend import backend_name, keras
from lib.networks.startup import configured_backend
from lib.training import records
from lib.training.checkpoint import Checkpoint
from lib.training.fit import FoldState, NotFiniteError, fit_fold, new_model
from lib.training.inputs import fold_plan, prepare_fold
from lib.training.protocols import PROTOCOLS, require_people
from lib.training.record_files import common_files, found_or_made, predictions_table, reporter, to_json, weights_lock
from lib.training.records import RunConfig, RunRecord

PROGRESS = ("bar", "lines")


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
        Silence, a progress bar, or a line for the first epoch, the last, and one every ten seconds between them.
    weights_dir : Path, optional
        Where to keep the weights of a run that is trained now, for `trained_model`; runs of one fold only.

    Raises
    ------
    ConfigError
        If the store has no such streams, or they do not fit the network.
    TrainingError
        If there are too few clips for the split, or it is by subject and a subject is unknown.
    DiskError
        If the run cannot be written. Asked for again, it goes on from the last state that was saved.
    DivergedError
        If the loss is not finite. It will not be on a second try either, so the failure is recorded, and asking again
        explains it without training.
    """
    if progress is not None:
        one_of("progress", progress, PROGRESS)
    runs_dir = Path(runs_dir)

    def make(folder: Path) -> RunRecord:
        failed = folder.with_name(f"{folder.name}.failed")
        if failed.is_dir() and (reason := records.find_failure(config, store, runs_dir)) is not None:
            _explain_failure(reason, failed)
        return _train_and_record(config, store, folder, progress, weights_dir)

    return found_or_made(config, store, runs_dir, progress, make, own_backend=weights_dir is not None)


def trained_model(
    config: RunConfig, store, weights_dir: Path | None = None, progress: str | None = None
) -> "keras.Model":
    """The network of a run's first fold after its last epoch; no record is written.

    The epochs of a run do not depend on how many follow, so the network of a run's best epoch is
    ``trained_model(dataclasses.replace(config, epochs=best_epoch), store)``.

    Parameters and errors are those of `train`, except that a loss that is not finite is not recorded, and that weights
    kept in `weights_dir` are read; they are written there after training.
    """
    require_people(PROTOCOLS[config.protocol], store.clips)
    if weights_dir is None:
        return _fitted_model(config, store, progress)
    path = records.weights_path(weights_dir, records.run_id(config, store))
    # One that is there is whole: it needs no lock, for which the folder would have to be writable.
    if not path.is_file():
        with weights_lock(path, progress):
            if not path.is_file():
                model = _fitted_model(config, store, progress)
                _keep_weights(model, path)
                return model
    model = new_model(config, prepare_fold(config, store), len(store.classes))
    model.load_weights(path)
    return model


def _fitted_model(config: RunConfig, store, progress: str | None) -> "keras.Model":
    _require_configured_backend()
    data = prepare_fold(config, store)
    with _reporter(config, 1, progress) as report:
        try:
            return fit_fold(config, data, len(store.classes), 0, FoldState(), lambda model, row: report(row))
        except NotFiniteError as error:
            raise DivergedError(_failure_reason(config, error)) from error


def _require_configured_backend() -> None:
    """A run is named by the backend that is configured; Keras keeps the one that it was imported with."""
    if backend_name() != configured_backend():
        raise ConfigError(
            f"Keras runs on {backend_name()}, and {configured_backend()} is configured (KERAS_BACKEND or keras.json): "
            "set it before Keras is imported, that is, restart the kernel"
        )


def _keep_weights(model: "keras.Model", path: Path) -> None:
    with whole_file(path) as draft:
        model.save_weights(draft)


@dataclass
class _State:
    """How far a run has come; it turns into JSON and back without loss."""

    fold: int = 0
    current: FoldState = field(default_factory=FoldState)
    history: list[dict] = field(default_factory=list)
    finished: list[dict] = field(default_factory=list)  # per fold before this one: {"best", "last"}
    seconds: list[float] = field(default_factory=list)  # per row of history
    sittings: int = 0  # times the run was begun or resumed


def _train_and_record(
    config: RunConfig, store, folder: Path, progress: str | None, weights_dir: Path | None
) -> RunRecord:
    _require_configured_backend()
    samples, folds = fold_plan(config, store)
    checkpoint = Checkpoint(folder.with_name(f"{folder.name}.partial"))
    saved = checkpoint.load_state()
    state = _State() if saved is None else _State(**{**saved, "current": FoldState(**saved["current"])})
    state.sittings += 1
    try:
        with _reporter(config, len(folds), progress, done=len(state.history)) as report:
            for index in range(state.fold, len(folds)):
                model = _train_fold(config, store, index, state, checkpoint, report)
                if weights_dir is not None and len(folds) == 1:
                    path = records.weights_path(weights_dir, folder.name)
                    with weights_lock(path, progress):
                        _keep_weights(model, path)
                state.finished.append({"best": state.current.best, "last": state.current.last})
                state.fold, state.current = index + 1, FoldState()
                if state.fold < len(folds):
                    checkpoint.save(None, dataclasses.asdict(state))
    except NotFiniteError as error:
        state.history.append(error.row)
        _record_failure(config, store, folder.with_name(f"{folder.name}.failed"), state, checkpoint, error)
    predictions = predictions_table(store, samples, folds, state.finished).to_csv(index=False)
    records.write_folder(folder, {**_record_files(config, store, state), "predictions.csv": predictions})
    checkpoint.clear()
    return records.open_run(folder)


def _train_fold(
    config: RunConfig, store, index: int, state: _State, checkpoint: Checkpoint, report: Callable[[dict], None]
) -> "keras.Model":
    """Train one fold to its end; after each epoch note its row and time, and save the state if that is due."""
    begun = time.perf_counter()

    def after_epoch(model: "keras.Model", row: dict) -> None:
        nonlocal begun
        state.history.append(row)
        state.seconds.append(time.perf_counter() - begun)
        report(row)
        if checkpoint.is_due():
            checkpoint.save(model, dataclasses.asdict(state))
        begun = time.perf_counter()

    data = prepare_fold(config, store, index)
    resume = checkpoint.load_variables if state.current.epoch else None
    return fit_fold(config, data, len(store.classes), index, state.current, after_epoch, resume)


def _record_files(config: RunConfig, store, state: _State) -> dict[str, str]:
    """The files that a finished run and a failed one have alike."""
    return common_files(
        config,
        store,
        state.history,
        backend=backend_name(),
        device=device.device_name(),
        versions=device.versions(),
        seconds_per_epoch=state.seconds,
        wall_seconds=sum(state.seconds),
        sittings=state.sittings,
    )


def _record_failure(
    config: RunConfig, store, folder: Path, state: _State, checkpoint: Checkpoint, error: NotFiniteError
) -> NoReturn:
    reason = _failure_reason(config, error)
    failure = {"reason": reason, "fold": error.row["fold"], "epoch": error.row["epoch"]}
    records.write_folder(folder, {**_record_files(config, store, state), "failure.json": to_json(failure)})
    checkpoint.clear()
    _explain_failure(reason, folder)


def _explain_failure(reason: str, folder: Path) -> NoReturn:
    raise DivergedError(f"this run has failed: {reason}. Its record is {folder}; delete that to train it again")


def _failure_reason(config: RunConfig, error: NotFiniteError) -> str:
    row = error.row
    return (
        f"the loss was not finite in epoch {row['epoch']} of fold {row['fold']!r} (loss {row['loss']}): the learning "
        f"rate of {config.learning_rate:g} is probably too high"
    )


@contextlib.contextmanager
def _reporter(config: RunConfig, n_folds: int, progress: str | None, done: int = 0):
    """Yield a function that is told each row of the history."""
    with reporter(config.model, config.epochs * n_folds, "epoch", progress, done) as report:
        yield lambda row: report(
            f"fold {row['fold']} epoch {row['epoch']}/{config.epochs}",
            f"loss {row['loss']:.4f} accuracy {row['accuracy']:.3f} "
            f"val_loss {row['val_loss']:.4f} val_accuracy {row['val_accuracy']:.3f}",
        )
