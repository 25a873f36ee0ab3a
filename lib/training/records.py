"""What a run is asked to be (`RunConfig`), where its record lives and how it is read (`RunRecord`).

A record is a folder of plain files, named by a digest of what decides its numbers and of nothing else. It appears by
one rename when it is whole, so a folder that lacks a file is no record. Keras is never imported here: records are found
and listed in no time. Making them is `lib.training.run`'s, many of them at once `lib.training.plans`'.
"""

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from lib import networks
from lib.core import paths
from lib.core.checks import one_of, positive_number, whole_number
from lib.core.digest import definitions_digest, json_digest
from lib.core.errors import ConfigError, DivergedError, TrainingError
from lib.core.files import whole_folder
from lib.networks import NETWORKS, STREAMS
from lib.networks.startup import configured_backend
from lib.statistics import metrics
from lib.training.baseline_config import BaselineConfig
from lib.training.protocols import CONTROLS, PROTOCOLS, require_people

RECORD_FILES = ("config.json", "history.csv", "predictions.csv", "provenance.json")
HISTORY_COLUMNS = ("fold", "epoch", "loss", "accuracy", "val_loss", "val_accuracy")
LAST_EPOCHS = 10  # how many final epochs the mean accuracy is taken over

# The files whose code decides a run's numbers, beside those of its network (`lib.networks.source_files`).
DECIDING_FILES = (
    Path(networks.__file__).parent / "backend.py",
    *(Path(__file__).parent / name for name in ("fit.py", "inputs.py", "splits.py")),
)
# Fields of `RunConfig` and `Protocol` that came later, each with the value that stands for what was done before: where
# a run has that value the field is left out of its name, so that a new field renames no record.
ADDED_LATER: Mapping[str, Any] = {}
# What a protocol only says; a record holds the best epoch and the last.
SAID_ONLY = ("name", "description", "reported")


@dataclass(frozen=True)
class RunConfig:
    """Everything that is chosen about a run, flat. The data it is run on come as a processed store.

    Attributes
    ----------
    model : str
        Which network; a name in `lib.networks.NETWORKS`.
    protocol : str
        A name in `lib.training.protocols.PROTOCOLS`: split, normalisation, evaluation, and the seed of the split.
    kernel_size : (height, width, depth)
        Of the convolution, in pixels and frames.
    epochs : int
        The paper: 100.
    batch_size : int
        The paper: 8.
    learning_rate : float
        Of plain stochastic gradient descent. The paper names none; the released code takes Keras' default, 0.01.
    seed : int
        Decides initial weights, dropout, the order of clips in each epoch, and the controls.
    control : str
        A name in `lib.training.protocols.CONTROLS`: what is taken away from the clips.

    Raises
    ------
    ConfigError
        If a value cannot be used; the message names the field and what it may be.
    """

    model: str
    protocol: str = "paper"
    kernel_size: tuple[int, int, int] = (3, 3, 15)
    epochs: int = 100
    batch_size: int = 8
    learning_rate: float = 0.01
    seed: int = 0
    control: str = "none"

    def __post_init__(self) -> None:
        for name, known in (("model", NETWORKS), ("protocol", PROTOCOLS), ("control", CONTROLS)):
            one_of(name, getattr(self, name), known)
        sizes = self.kernel_size
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) != 3:
            raise ConfigError(f"kernel_size: expected (height, width, depth), found {sizes!r}")
        checked = {
            "kernel_size": tuple(whole_number("kernel_size", size, 1) for size in sizes),
            "epochs": whole_number("epochs", self.epochs, 1),
            "batch_size": whole_number("batch_size", self.batch_size, 1),
            "learning_rate": positive_number("learning_rate", self.learning_rate),
            "seed": whole_number("seed", self.seed, 0, below=2**32),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Make a config from names and values, as a notebook's parameters or a record's config.json hold them."""
        for name in values:
            one_of("field of a run", name, [field.name for field in fields(cls)])
        if "model" not in values:
            raise ConfigError("model: no value given")
        return cls(**values)

    @property
    def slug(self) -> str:
        """A name for files that people read; equal for equal configs only.

        >>> RunConfig("micro_exp_stcnn", seed=3).slug
        'micro_exp_stcnn-paper-3x3x15-100epochs-batch8-lr0.01-none-seed3'
        """
        kernel = "x".join(map(str, self.kernel_size))
        return (
            f"{self.model}-{self.protocol}-{kernel}-{self.epochs}epochs-batch{self.batch_size}"
            f"-lr{self.learning_rate:g}-{self.control}-seed{self.seed}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_dict` reads them back."""
        return {**asdict(self), "kernel_size": list(self.kernel_size)}


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
        chosen = predictions[predictions["at"] == at]
        matrix = _confusion(chosen, classes)
        total, hits = int(matrix.sum()), int(np.trace(matrix))
        low, high = proportion_confint(hits, total, method="wilson")
        summary |= {
            f"accuracy_{at}": metrics.accuracy(matrix),
            f"uf1_{at}": metrics.uf1(matrix),
            f"uar_{at}": metrics.uar(matrix),
            f"wilson_low_{at}": float(low),
            f"wilson_high_{at}": float(high),
        }
        if at == "best":
            clips_per_fold = chosen.groupby("fold").size()
            epochs_chosen = chosen.groupby("fold")["epoch"].first()
            summary |= {
                "n": total,
                "majority_share": metrics.majority_share(matrix),
                "best_epoch": int(epochs_chosen.iloc[0]) if len(epochs_chosen) == 1 else None,
            }
    by_epoch = history.pivot_table(index="epoch", columns="fold", values="val_accuracy").sort_index()
    pooled = (by_epoch * clips_per_fold).sum(axis=1) / clips_per_fold.sum()
    final = pooled.tail(LAST_EPOCHS)
    return summary | {
        "epochs": int(history["epoch"].max()),
        "last_epochs": len(final),
        "accuracy_mean_last_epochs": float(final.mean()),
        "accuracy_std_last_epochs": float(final.std(ddof=1)) if len(final) > 1 else None,
    }


def settings_of(config: RunConfig) -> dict:
    """What is chosen about a run beside network, seed and control: a chapter's results say it of the runs they hold."""
    return {name: value for name, value in config.to_dict().items() if name not in ("model", "seed", "control")}


def run_id(config: RunConfig | BaselineConfig, store) -> str:
    """The name of a run: a digest of what decides its numbers, `decided_by` and the identity of the data.

    Equal names mean equal numbers on equal machines.
    """
    return json_digest({**decided_by(config), "data": store.fingerprint})[:16]


def decided_by(config: RunConfig | BaselineConfig) -> dict[str, Any]:
    """What decides a run's numbers beside its data: configuration, protocol by its values, streams, code, backend."""
    if isinstance(config, BaselineConfig):
        return config.decided_by()
    chosen = {name: value for name, value in config.to_dict().items() if name != "protocol"}
    protocol = {name: value for name, value in asdict(PROTOCOLS[config.protocol]).items() if name not in SAID_ONLY}
    return {
        "config": _without_later(chosen),
        "protocol": _without_later(protocol),
        "streams": STREAMS[config.model],
        "code": deciding_code(config.model),
        "backend": configured_backend(),
    }


def _without_later(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in ADDED_LATER or value != ADDED_LATER[name]}


def places(runs_dir: Path) -> tuple[Path, ...]:
    """Where records are looked for: in `runs_dir`, then among those kept with the book (not if MICROEXP_KEPT=no)."""
    return (Path(runs_dir), paths.CITED_RUNS) if paths.use_kept() else (Path(runs_dir),)


def find_run(config: RunConfig | BaselineConfig, store, runs_dir: Path) -> RunRecord | None:
    """The record of this run, in the first of `places` that has it, or None if it has not been finished.

    Raises
    ------
    TrainingError
        If the run divides clips by subject, and a subject is unknown.
    """
    require_people(PROTOCOLS[config.protocol], store.clips)
    identity = run_id(config, store)
    found = (folder / identity for folder in places(runs_dir))
    return next((RunRecord(path) for path in found if is_record(path)), None)


def kept_runs(fingerprints: Collection[str]) -> set[RunConfig | BaselineConfig]:
    """What has a record among those kept with the book, on data of these fingerprints and by what decides today.

    It tells before there is any data what `find_run` will find, and opens no store for it.
    """
    kept = _records(paths.CITED_RUNS) if paths.use_kept() else ()
    of_data = (record for record in kept if record.provenance["data"]["fingerprint"] in fingerprints)
    return {record.config for record in of_data if still_named(record)}


def still_named(record: RunRecord) -> bool:
    """Whether what decides today gives a record the name that it has; else nothing can ask for it."""
    try:
        store = SimpleNamespace(fingerprint=record.provenance["data"]["fingerprint"])
        return run_id(record.config, store) == record.id
    except ConfigError:  # of a network or protocol that is no longer there
        return False


def find_failure(config: RunConfig, store, runs_dir: Path) -> str | None:
    """Why this run has failed, if it has been tried and its loss was not finite; else None."""
    name = f"{run_id(config, store)}.failed"
    reasons = (_failure(folder / name) for folder in places(runs_dir))
    return next((reason for reason in reasons if reason is not None), None)


def explain_failure(runs_dir: Path, identity: str) -> None:
    """Raise `DivergedError` if the run of this id has failed before."""
    folder = Path(runs_dir) / f"{identity}.failed"
    if (reason := _failure(folder)) is not None:
        raise DivergedError(f"this run has failed: {reason}. Its record is {folder}; delete that to train it again")


def _failure(folder: Path) -> str | None:
    path = folder / "failure.json"
    return _read_json(path)["reason"] if path.is_file() else None


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
    rows = [_row(record) for record in _records(Path(runs_dir))]
    columns = ["id", *(field.name for field in fields(RunConfig)), "dataset", "standin", "backend"]
    return pd.DataFrame(rows, columns=None if rows else columns)


def _records(runs_dir: Path) -> list[RunRecord]:
    folders = runs_dir.iterdir() if runs_dir.is_dir() else ()
    return [RunRecord(path) for path in sorted(folders) if is_record(path)]


def _row(record: RunRecord) -> dict[str, Any]:
    provenance = record.provenance
    return {
        "id": record.id,
        **_read_json(record.path / "config.json"),
        "dataset": provenance["data"]["dataset"],
        "standin": provenance["data"]["standin"] is not None,
        "backend": provenance["backend"],
        **record.summary(),
    }


def write_folder(path: Path, files: Mapping[str, str]) -> None:
    """Write a folder of text files whole or not at all; a folder of that name, which is no record, is replaced."""
    with whole_folder(path) as draft:
        for name, content in files.items():
            (draft / name).write_text(content, encoding="utf-8", newline="\n")
        shutil.rmtree(path, ignore_errors=True)


@cache
def deciding_code(model: str) -> str:
    """Digest of the code that decides the numbers of a network's runs, blind to how it is laid out and what it says."""
    return definitions_digest([*DECIDING_FILES, *networks.source_files(model)])


def _confusion(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    from sklearn.metrics import confusion_matrix  # here: it takes a second to load

    return confusion_matrix(predictions["truth"], predictions["predicted"], labels=list(classes))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is damaged ({error}): delete that record and train the run again") from error
