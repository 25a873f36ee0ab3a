"""Where a run's record lives, how it is read (`RunRecord`), found and written.

A record is a folder of plain files, named by a digest of what decides its numbers and of nothing else
(`lib.training.config`). It appears by one rename when it is whole, so a folder that lacks a file is no record. Keras is
never imported here: records are found and listed in no time. Making them is `lib.training.run`'s and
`lib.training.baselines`', many of them at once `lib.training.plans`'.
"""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from lib.core import paths
from lib.core.errors import ConfigError, TrainingError
from lib.core.files import whole_folder
from lib.networks.startup import BACKENDS, backend_is_chosen
from lib.statistics import metrics
from lib.training.config import BaselineConfig, RunConfig, decided_by, run_id, settings_of  # noqa: F401 (asked here too)

WEIGHTS = ".weights.h5"  # how the name of a file of weights ends
RECORD_FILES = ("config.json", "history.csv", "predictions.csv", "provenance.json")
HISTORY_COLUMNS = ("fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy")
LAST_EPOCHS = 10  # how many final epochs the mean accuracy is taken over


@dataclass(frozen=True)
class RunRecord:
    """A finished run, read from its folder when asked.

    ``at`` is ``"best"``, the first epoch with the highest validation accuracy of each fold (the epoch that the
    authors report, chosen on the very clips it is scored on), or ``"last"``, the epoch fixed beforehand.
    """

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> RunConfig | BaselineConfig:
        values = _read_json(self.path / "config.json")
        return (BaselineConfig if "method" in values else RunConfig).from_dict(values)

    @property
    def history(self) -> pd.DataFrame:
        """One row per fold and epoch (from 1): fold, epoch, loss, accuracy, val_loss, val_accuracy.

        Loss and accuracy are running means over the training batches of the epoch, with dropout; those of the
        validation clips are taken after the epoch, without.
        """
        return pd.read_csv(self.path / "history.csv", dtype={"fold": str})

    def predictions(self, at: str = "best") -> pd.DataFrame:
        """One row per validated clip: clip, fold, at, epoch, truth, predicted, and ``p_<class>`` for each class."""
        if at not in ("best", "last"):
            raise ConfigError(f"at: expected 'best' or 'last', found {at!r}")
        table = self._predictions()
        return table[table["at"] == at].reset_index(drop=True)

    def _predictions(self) -> pd.DataFrame:
        return pd.read_csv(
            self.path / "predictions.csv",
            dtype=dict.fromkeys(("clip", "fold", "at", "truth", "predicted"), str),
            keep_default_na=False,
        )

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Device, versions, commit, fingerprints, times: what the run was, beside its numbers."""
        return _read_json(self.path / "provenance.json")

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.provenance["data"]["classes"])

    def summary(self) -> dict[str, Any]:
        """The scores of the run, as `summarise` computes them from history and predictions."""
        return dict(self._summary)

    @cached_property
    def _summary(self) -> dict[str, Any]:
        return summarise(self.history, self._predictions(), self.classes)

    def confusion(self, at: str = "best") -> pd.DataFrame:
        """Confusion matrix, pooled over folds: true classes as rows, predicted classes as columns."""
        classes = list(self.classes)
        matrix = _confusion(self.predictions(at), classes)
        return pd.DataFrame(matrix, index=pd.Index(classes, name="truth"), columns=pd.Index(classes, name="predicted"))


def summarise(history: pd.DataFrame, predictions: pd.DataFrame, classes: Sequence[str]) -> dict[str, Any]:
    """Scores of a run from its history and predictions.

    Returns
    -------
    dict
        ``n`` validated clips, ``majority_share``, ``epochs``; for ``best`` and ``last``: ``accuracy_*``, ``uf1_*``,
        ``uar_*``, ``wilson_low_*``, ``wilson_high_*`` (95 %), all pooled over folds; ``best_epoch`` (None for
        several folds, each of which has its own); ``last_epochs``, and ``accuracy_mean_last_epochs`` and
        ``accuracy_std_last_epochs``: mean and standard deviation (ddof = 1, None for one epoch) of the pooled
        validation accuracy over so many final epochs; the paper gives them for epochs 91-100.
    """
    from statsmodels.stats.proportion import proportion_confint  # here: it takes a second to load

    summary: dict[str, Any] = {}
    for at in ("best", "last"):
        matrix = _confusion(predictions[predictions["at"] == at], classes)
        low, high = proportion_confint(int(np.trace(matrix)), int(matrix.sum()), method="wilson")
        summary |= {
            f"accuracy_{at}": metrics.accuracy(matrix),
            f"uf1_{at}": metrics.uf1(matrix),
            f"uar_{at}": metrics.uar(matrix),
            f"wilson_low_{at}": float(low),
            f"wilson_high_{at}": float(high),
        }
    folds = predictions[predictions["at"] == "best"].groupby("fold")
    clips_per_fold, epochs_chosen = folds.size(), folds["epoch"].first()
    by_epoch = history.pivot_table(index="epoch", columns="fold", values="val_accuracy").sort_index()
    pooled = (by_epoch * clips_per_fold).sum(axis=1) / clips_per_fold.sum()
    final = pooled.tail(LAST_EPOCHS)
    return summary | {
        "n": int(clips_per_fold.sum()),
        "majority_share": metrics.majority_share(matrix),
        "best_epoch": int(epochs_chosen.iloc[0]) if len(epochs_chosen) == 1 else None,
        "epochs": int(history["epoch"].max()),
        "last_epochs": len(final),
        "accuracy_mean_last_epochs": float(final.mean()),
        "accuracy_std_last_epochs": float(final.std(ddof=1)) if len(final) > 1 else None,
    }


def trained_on(record: RunRecord) -> str:
    """The device that a record comes from, and in brackets what ran there: Keras' backend, or scikit-learn."""
    return "{device} ({backend})".format(**record.provenance)


def places(runs_dir: Path) -> tuple[Path, ...]:
    """Where records are looked for: in `runs_dir`, then among those kept with the book (not if MICROEXP_KEPT=no)."""
    return (Path(runs_dir), paths.CITED_RUNS) if paths.use_kept() else (Path(runs_dir),)


def record_in(folders: Iterable[Path], identity: str) -> RunRecord | None:
    """The record of this name in the first of `folders` that has it; None if none has."""
    return next((RunRecord(one / identity) for one in folders if is_record(one / identity)), None)


def find_run(config: RunConfig | BaselineConfig, store, runs_dir: Path, own_backend: bool = False) -> RunRecord | None:
    """The record of this run, in the first of `places` that has it, or None if it has not been finished.

    Of the store its ``fingerprint`` is read. Who has chosen no Keras backend is given what any of them trained,
    where it is kept with the book and the default one's is nowhere: ``provenance`` tells which it was. With
    `own_backend` only what the configured one trained is found, as weights of that run need it.
    """
    return next((RunRecord(path) for path in _named(config, store, runs_dir, own_backend) if is_record(path)), None)


def _named(config: RunConfig | BaselineConfig, store, runs_dir: Path, own_backend: bool = False) -> Iterator[Path]:
    """Where a record of this run may lie, the first choice first."""
    yield from (folder / run_id(config, store) for folder in places(runs_dir))
    if not own_backend and paths.use_kept() and not backend_is_chosen():
        yield from (paths.CITED_RUNS / run_id(config, store, backend) for backend in BACKENDS)


def weights_path(folder: Path, identity: str) -> Path:
    """The file in `folder` that holds the weights of the run of this name, if they are kept."""
    return Path(folder) / f"{identity}{WEIGHTS}"


def kept_runs(fingerprints: Collection[str]) -> set[RunConfig | BaselineConfig]:
    """What has a record among those kept with the book, on data of these fingerprints and by what decides today.

    It tells before there is any data what `find_run` will find, and opens no store for it.
    """
    kept = _records(paths.CITED_RUNS) if paths.use_kept() else ()
    of_data = (record for record in kept if record.provenance["data"]["fingerprint"] in fingerprints)
    named = (record for record in of_data if still_named(record))
    return {record.config for record in named if find_run(record.config, _data_of(record), paths.CITED_RUNS)}


def _data_of(record: RunRecord) -> SimpleNamespace:
    """What stands for the store of a record, of which its name holds the fingerprint alone."""
    return SimpleNamespace(fingerprint=record.provenance["data"]["fingerprint"])


def still_named(record: RunRecord) -> bool:
    """Whether what decides today gives a record the name that it has; else nothing can ask for it."""
    try:
        return run_id(record.config, _data_of(record), record.provenance["backend"]) == record.id
    except ConfigError:  # of a network or protocol that is no longer there
        return False


def find_failure(config: RunConfig, store, runs_dir: Path) -> str | None:
    """Why this run has failed, if it has been tried and its loss was not finite; else None."""
    found = (path.with_name(f"{path.name}.failed") / "failure.json" for path in _named(config, store, runs_dir))
    return next((_read_json(path)["reason"] for path in found if path.is_file()), None)


def open_run(path: Path) -> RunRecord:
    """The record in this folder; `TrainingError` if there is none, or half of one."""
    path = Path(path)
    if not is_record(path):
        missing = [name for name in RECORD_FILES if not (path / name).is_file()]
        lacking = f"{', '.join(missing)} missing" if missing else "a name with a full stop is a draft's or a failure's"
        raise TrainingError(f"{path} is not the record of a finished run: {lacking}")
    return RunRecord(path)


def is_record(path: Path) -> bool:
    """Whether the folder holds every file of a record and is not one that is being written."""
    return "." not in path.name and all((path / name).is_file() for name in RECORD_FILES)


def list_runs(runs_dir: Path) -> pd.DataFrame:
    """All finished runs, one row each, by id: id, config's fields, dataset, standin, backend, summary's fields."""
    rows = []
    for record in _records(Path(runs_dir)):
        data = record.provenance["data"]
        about = {"dataset": data["dataset"], "standin": data["standin"] is not None}
        about["backend"] = record.provenance["backend"]
        rows.append({"id": record.id, **_read_json(record.path / "config.json"), **about, **record.summary()})
    columns = ["id", *(field.name for field in fields(RunConfig)), "dataset", "standin", "backend"]
    return pd.DataFrame(rows, columns=None if rows else columns)


def _records(runs_dir: Path) -> list[RunRecord]:
    folders = runs_dir.iterdir() if runs_dir.is_dir() else ()
    return [RunRecord(path) for path in sorted(folders) if is_record(path)]


def write_folder(path: Path, files: Mapping[str, str]) -> None:
    """Write a folder of text files whole or not at all; a folder of that name, which is no record, is replaced."""
    with whole_folder(path) as draft:
        for name, content in files.items():
            (draft / name).write_text(content, encoding="utf-8", newline="\n")
        shutil.rmtree(path, ignore_errors=True)


def _confusion(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    from sklearn.metrics import confusion_matrix  # here: it takes a second to load

    if strangers := {*predictions["truth"], *predictions["predicted"]} - {*classes}:  # scikit-learn leaves them out
        raise TrainingError(
            f"predictions.csv of a record is damaged: expected the classes {', '.join(classes)}, found "
            f"{', '.join(map(repr, sorted(strangers)))}. Delete that record and train the run again"
        )
    return confusion_matrix(predictions["truth"], predictions["predicted"], labels=list(classes))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is damaged ({error}): delete that record and train the run again") from error
