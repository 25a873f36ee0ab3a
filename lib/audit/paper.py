"""What the paper prints and claims, read from `data/paper/`. Nothing here is measured by this package.

Source: Reddy, Karri, Dubey and Mukherjee, "Spontaneous Facial Micro-Expression Recognition using 3D Spatiotemporal
Convolutional Neural Networks", IJCNN 2019, arXiv:1904.01390.
"""

import copy
import io
from functools import cache

import numpy as np
import pandas as pd
import yaml

from lib.core import catalogue
from lib.core.checks import one_of
from lib.core.errors import ConfigError
from lib.core.paths import REPOSITORY

PAPER_FOLDER = REPOSITORY / "data" / "paper"

DATASETS = catalogue.PAPER_DATASETS
DATASET_TITLES = {name: catalogue.DATASETS[name].title for name in DATASETS}
ARCHITECTURE_TABLES = {name: catalogue.NETWORKS[name].table for name in catalogue.PAPER_NETWORKS}
CONFUSION_TABLES = {name: catalogue.DATASETS[name].table for name in DATASETS}
KERNEL_DATASET = "casme2_sq"  # of Table IX
METHOD_NAMES = {name: catalogue.NETWORKS[name].title for name in catalogue.PAPER_NETWORKS}
SHORT_NAMES = dict(zip(METHOD_NAMES, ("MicroExpSTCNN", "FuseNet, intermediate", "FuseNet, late"), strict=True))
STCNN = "micro_exp_stcnn"


def architecture(model: str) -> pd.DataFrame:
    """Tables I, II and III as printed, misprints included, channels first; all columns are strings.

    ``layer`` is the name of that layer in `lib.networks`, or of the input that it stands for.
    """
    return _read_table(f"table_{ARCHITECTURE_TABLES[one_of('model', model, ARCHITECTURE_TABLES)]}.csv", dtype=str)


def class_counts(dataset: str) -> pd.DataFrame:
    """Table IV for one dataset: total, training, validation by class; the last row is of class "all"."""
    return _read_table("table_IV.csv").set_index(["dataset", "class"]).loc[_known(dataset)]


def accuracies() -> pd.DataFrame:
    """Table V: method, year, kind (HCM or DLM) and the accuracy in percent on each dataset (NaN: a dash in the table).

    ``model`` is empty for earlier methods; ``source`` is a method's reference in `book/references.bib`.
    """
    return _read_table("table_V.csv", dashes=True).fillna({"model": ""})


def earlier_accuracies(dataset: str) -> pd.Series:
    """The accuracies in percent that Table V gives for earlier methods on a dataset, by method."""
    table = accuracies()
    return table[table["model"] == ""].set_index("method")[dataset].dropna()


def confusion_matrix(dataset: str) -> pd.DataFrame:
    """Table VI (CAS(ME)²) or VII (SMIC): MicroExpSTCNN's validation clips by true class (rows) and predicted class."""
    return _read_table(f"table_{CONFUSION_TABLES[_known(dataset)]}.csv").set_index("class")


def stability() -> pd.DataFrame:
    """Table VIII: dataset, model, mean and sd in percent of the accuracy over epochs 91 to 100."""
    return _read_table("table_VIII.csv")


def kernel_accuracies() -> pd.DataFrame:
    """Table IX: height, width, depth of MicroExpSTCNN's kernel, and its accuracy in percent on `KERNEL_DATASET`."""
    return _read_table("table_IX.csv")


def text() -> dict:
    """What the paper's text says in numbers and names; the keys are explained in `text.yml`."""
    return read_yaml("text.yml")


def dataset_facts(dataset: str) -> dict:
    """What a dataset holds according to its authors: fps, micro_expressions, micro_frames, ..."""
    return read_yaml("datasets.yml")[_known(dataset)]


def released_code() -> dict:
    """What the authors' code does; the keys are explained in `released_code.yml`."""
    return read_yaml("released_code.yml")


def released_files() -> list[dict]:
    """What each of the six files of the authors' code does."""
    return released_code()["files"]


def released_file(model: str, dataset: str) -> dict:
    """The entry of `released_code.yml` for one network on one dataset."""
    entries = {(entry["model"], entry["dataset"]): entry for entry in released_files()}
    if (model, dataset) not in entries:
        raise ConfigError(f"expected a network and a dataset of the released code, found {model!r} on {dataset!r}")
    return entries[model, dataset]


def code_differences() -> pd.DataFrame:
    """Paper against released code: id, files, version, paper, code, consequence, effect, computed_by, here."""
    return pd.DataFrame(read_yaml("code_differences.yml"))


def accuracy(model: str, dataset: str) -> float:
    """The accuracy, between 0 and 1, that Table V gives for one of the three networks."""
    return float(accuracies().set_index("model").loc[model, dataset]) / 100


def last_epochs(model: str, dataset: str) -> tuple[float, float]:
    """Mean and standard deviation, between 0 and 1, that Table VIII gives for one network on one dataset."""
    row = stability().set_index(["model", "dataset"]).loc[(model, dataset)]
    return float(row["mean"]) / 100, float(row["sd"]) / 100


def _known(dataset: str) -> str:
    return one_of("dataset of the paper", dataset, DATASETS)


def _read_table(name: str, dtype=None, dashes: bool = False) -> pd.DataFrame:
    """A table of `PAPER_FOLDER`. A cell without a value is an error, unless the paper prints `dashes` there."""
    return _table((PAPER_FOLDER / name).read_text(encoding="utf-8"), name, dtype, dashes).copy()


@cache
def _table(text: str, name: str, dtype, dashes: bool) -> pd.DataFrame:
    """Parsed once for each content: the audit asks for some tables hundreds of times."""
    table = pd.read_csv(io.StringIO(text), dtype=dtype, keep_default_na=dtype is not str)
    empty = table.isna() | (table.astype(str) == "")
    if empty.any(axis=None) and not dashes:
        row, column = np.argwhere(empty.to_numpy())[0]
        raise ConfigError(
            f"{name}: expected a value in every cell, found none in row {row + 1}, column {table.columns[column]!r}; "
            "take it from the paper"
        )
    return table


def read_yaml(name: str):
    """The content of a file of `PAPER_FOLDER`, the caller's own."""
    return copy.deepcopy(_parsed((PAPER_FOLDER / name).read_text(encoding="utf-8")))


@cache
def _parsed(text: str):
    """Parsing YAML takes tens of milliseconds, and the audit asks for some files dozens of times."""
    return yaml.safe_load(text)
