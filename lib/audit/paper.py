"""What the paper prints and claims, read from `data/paper/`. Nothing here is measured by this package.

Source: Reddy, Karri, Dubey and Mukherjee, "Spontaneous Facial Micro-Expression Recognition using 3D Spatiotemporal
Convolutional Neural Networks", IJCNN 2019, arXiv:1904.01390.
"""

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import yaml

from lib.core import catalogue
from lib.core.errors import ConfigError, suggestion
from lib.core.paths import REPOSITORY

PAPER_FOLDER = REPOSITORY / "data" / "paper"

DATASETS = catalogue.PAPER_DATASETS
DATASET_TITLES = {name: catalogue.DATASETS[name].title for name in DATASETS}
ARCHITECTURE_TABLES = {name: catalogue.NETWORKS[name].table for name in catalogue.PAPER_NETWORKS}
CONFUSION_TABLES = {name: catalogue.DATASETS[name].table for name in DATASETS}
KERNEL_DATASET = "casme2_sq"  # of Table IX
METHOD_NAMES = {name: catalogue.NETWORKS[name].title for name in catalogue.PAPER_NETWORKS}


def architecture(model: str) -> pd.DataFrame:
    """Tables I, II and III as printed, misprints included, channels first.

    Returns
    -------
    DataFrame of str
        ``layer``: the name of that layer in `lib.networks`, or of the input that it stands for; ``layer_type``,
        ``filter_size``, ``output``: as printed; in Table I also ``filters``.
    """
    if model not in ARCHITECTURE_TABLES:
        raise ConfigError(f"expected a model among {sorted(ARCHITECTURE_TABLES)}, found {model!r}")
    return _read_table(f"table_{ARCHITECTURE_TABLES[model]}.csv", dtype=str)


def class_counts(dataset: str) -> pd.DataFrame:
    """Table IV for one dataset: class, total, training, validation; the last row is of class "all"."""
    return _of_dataset_in("table_IV.csv", dataset, ("total", "training", "validation"))


def accuracies() -> pd.DataFrame:
    """Table V: method, year, kind (HCM or DLM) and the accuracy in percent on each dataset (NaN: a dash in the table).

    ``model`` is this package's name of a proposed method, empty for earlier ones; ``source`` a method's reference in
    `book/references.bib`.
    """
    return _table((PAPER_FOLDER / "table_V.csv").read_text(encoding="utf-8")).fillna({"model": ""})


def earlier_accuracies(dataset: str) -> pd.Series:
    """The accuracies in percent that Table V gives for earlier methods on a dataset, by method."""
    table = accuracies()
    return table[table["model"] == ""].set_index("method")[dataset].dropna()


def confusion_matrix(dataset: str) -> pd.DataFrame:
    """Table VI (CAS(ME)²) or VII (SMIC): MicroExpSTCNN's validation clips by true class (rows) and predicted class."""
    if dataset not in CONFUSION_TABLES:
        raise ConfigError(f"expected a dataset of the paper, {sorted(CONFUSION_TABLES)}, found {dataset!r}")
    return _read_table(f"table_{CONFUSION_TABLES[dataset]}.csv").set_index("class")


def stability() -> pd.DataFrame:
    """Table VIII: dataset, model, mean and sd in percent of the accuracy over epochs 91 to 100."""
    return _read_table("table_VIII.csv")


def kernel_accuracies() -> pd.DataFrame:
    """Table IX: height, width, depth of MicroExpSTCNN's kernel, and its accuracy in percent on `KERNEL_DATASET`."""
    return _read_table("table_IX.csv")


def text() -> dict:
    """What the paper's text says in numbers and names; the keys are explained in `text.yml`."""
    return _read_yaml("text.yml")


def dataset_facts(dataset: str) -> dict:
    """What a dataset holds according to its authors: fps, micro_expressions, micro_frames, ..."""
    if dataset not in DATASETS:
        raise ConfigError(f"expected a dataset of the paper, {sorted(DATASETS)}, found {dataset!r}")
    return _read_yaml("datasets.yml")[dataset]


def measured_on() -> dict[str, list[str]]:
    """Which datasets the source of an earlier method worked on, by the source's reference."""
    return _read_yaml("datasets.yml")["measured_on"]


def released_code() -> dict:
    """What the authors' code does; the keys are explained in `released_code.yml`."""
    return _read_yaml("released_code.yml")


def released_files() -> list[dict]:
    """What each of the six files of the authors' code does."""
    return released_code()["files"]


def released_file(model: str, dataset: str) -> dict:
    """The entry of `released_code.yml` for one network on one dataset."""
    for entry in released_files():
        if (entry["model"], entry["dataset"]) == (model, dataset):
            return entry
    raise ConfigError(f"expected a network and a dataset of the released code, found {model!r} on {dataset!r}")


def code_differences() -> pd.DataFrame:
    """Paper against released code: id, files, version, paper, code, consequence, effect, computed_by, here."""
    return pd.DataFrame(_read_yaml("code_differences.yml"))


def accuracy(model: str, dataset: str) -> float:
    """The accuracy, between 0 and 1, that Table V gives for one of the three networks."""
    return float(accuracies().set_index("model").loc[model, dataset]) / 100


def last_epochs(model: str, dataset: str) -> tuple[float, float]:
    """Mean and standard deviation, between 0 and 1, that Table VIII gives for one network on one dataset."""
    row = stability().set_index(["model", "dataset"]).loc[(model, dataset)]
    return float(row["mean"]) / 100, float(row["sd"]) / 100


def _read_table(name: str, dtype=None) -> pd.DataFrame:
    """A table in which every cell has a value: the paper prints them all."""
    return _full_table((PAPER_FOLDER / name).read_text(encoding="utf-8"), name, dtype).copy()


@cache
def _full_table(text: str, name: str, dtype) -> pd.DataFrame:
    table = _table(text, dtype)
    empty = table.isna() | (table.astype(str) == "")
    if empty.any(axis=None):
        row, column = np.argwhere(empty.to_numpy())[0]
        raise ConfigError(
            f"{name}: expected a value in every cell, found none in row {row + 1}, column {table.columns[column]!r}; "
            "take it from the paper"
        )
    return table


@cache
def _table(text: str, dtype=None) -> pd.DataFrame:
    """Parsed once for each content: the audit asks for some tables hundreds of times."""
    return pd.read_csv(io.StringIO(text), dtype=dtype, keep_default_na=dtype is not str)


def _of_dataset_in(name: str, dataset: str, counts: Sequence[str]) -> pd.DataFrame:
    return _of_dataset((PAPER_FOLDER / name).read_text(encoding="utf-8"), name, dataset, tuple(counts)).copy()


@cache
def _of_dataset(text: str, name: str, dataset: str, counts: tuple[str, ...]) -> pd.DataFrame:
    table = _full_table(text, name, None)
    rows = table[table["dataset"] == dataset].drop(columns="dataset").reset_index(drop=True)
    if rows.empty:
        raise ConfigError(f"expected a dataset of the paper, {sorted(set(table['dataset']))}, found {dataset!r}")
    return rows.astype(dict.fromkeys(counts, int))


# What each kind of test needs to know, and whether its claim has a printed value; see the head of claims.yml.
CLAIM_TESTS: Mapping[str, tuple[str, ...]] = {
    "audit": (),
    "accuracy": ("model", "dataset"),
    "ranking": ("models", "dataset"),
    "beats_prior": ("model", "dataset"),
    "kernel_best": ("kernel", "dataset"),
    "temporal": ("model", "dataset"),
    "saliency_rest": ("model", "dataset"),
    "stability": ("model", "dataset"),
}


@dataclass(frozen=True)
class Claim:
    """One claim of the paper and how a verdict on it is computed. The keys of `claims.yml`, which explains them.

    Attributes
    ----------
    id, statement, where, how : str
    test : str
        A kind of `CLAIM_TESTS`, or ``"audit:<finding id>"``.
    arguments : mapping
        What that kind needs: model, dataset, ...
    values : mapping
        The printed numbers.
    tolerance : float, "interval" or None
    arithmetic, caveats : tuple of str
        Ids of the findings of `lib.audit` that decide the claim without any data, and of those that only qualify it.
    chapter : str or None
        Name of the notebook that tests it; None if there is none yet.
    """

    id: str
    statement: str
    where: str
    how: str
    test: str
    arguments: Mapping = field(default_factory=dict)
    values: Mapping = field(default_factory=dict)
    tolerance: float | str | None = None
    arithmetic: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    chapter: str | None = None

    @property
    def kind(self) -> str:
        """The kind of test, without the finding's id."""
        return self.test.partition(":")[0]


def claims() -> list[Claim]:
    """Every claim of `claims.yml`, checked, in the order of the file.

    Raises
    ------
    ConfigError
        A key, a kind of test or an argument that is unknown or missing, an id that stands twice. The message names
        the claim.
    """
    found = [_claim(entry) for entry in _read_yaml("claims.yml")]
    twice = sorted({claim.id for claim in found if sum(other.id == claim.id for other in found) > 1})
    if twice:
        raise ConfigError(f"claims.yml: expected each id once, found {', '.join(twice)} more often")
    return found


def _claim(entry: dict) -> Claim:
    name = f"claims.yml, {entry.get('id', 'a claim without id')}"
    known = list(Claim.__dataclass_fields__)
    if unknown := [key for key in entry if key not in known]:
        raise ConfigError(
            f"{name}: expected keys {', '.join(known)}, found {unknown[0]!r}{suggestion(unknown[0], known)}"
        )
    if missing := [key for key in ("id", "statement", "where", "how", "test") if not entry.get(key)]:
        raise ConfigError(f"{name}: {', '.join(missing)} missing")
    kind, _, finding = entry["test"].partition(":")
    if kind not in CLAIM_TESTS or (kind == "audit") != bool(finding):
        raise ConfigError(
            f"{name}: expected a test among {', '.join(CLAIM_TESTS)}, audit with the id of a finding as in "
            f"'audit:table-iv-sums', found {entry['test']!r}{suggestion(kind, CLAIM_TESTS)}"
        )
    arguments = entry.get("arguments") or {}
    if sorted(arguments) != sorted(CLAIM_TESTS[kind]):
        raise ConfigError(f"{name}: a test {kind!r} takes {list(CLAIM_TESTS[kind])}, found {sorted(arguments)}")
    models = [*arguments.get("models", []), *([arguments["model"]] if "model" in arguments else [])]
    for model in models:
        if model not in METHOD_NAMES:
            raise ConfigError(f"{name}: unknown model {model!r}{suggestion(model, METHOD_NAMES)}")
    if arguments.get("dataset", DATASETS[0]) not in DATASETS:
        raise ConfigError(f"{name}: expected a dataset among {DATASETS}, found {arguments['dataset']!r}")
    tolerance = entry.get("tolerance")
    if tolerance not in (None, "interval") and not isinstance(tolerance, int | float):
        raise ConfigError(f"{name}: expected as tolerance a number, 'interval' or nothing, found {tolerance!r}")
    own = (finding,) if finding else ()
    others = tuple(one for one in entry.get("arithmetic") or () if one not in own)
    read = {
        "arguments": arguments,
        "values": entry.get("values") or {},
        "arithmetic": own + others,
        "caveats": tuple(entry.get("caveats") or ()),
    }
    return Claim(**{**entry, **read})


def _read_yaml(name: str):
    return copy.deepcopy(_parsed((PAPER_FOLDER / name).read_text(encoding="utf-8")))


@cache
def _parsed(text: str):
    """Parsing YAML takes tens of milliseconds, and the audit asks for some files dozens of times."""
    return yaml.safe_load(text)
