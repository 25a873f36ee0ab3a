"""What the paper prints, read from `data/paper/`. Nothing here is measured by this package.

Source: Reddy, Karri, Dubey and Mukherjee, "Spontaneous Facial Micro-Expression Recognition using 3D Spatiotemporal
Convolutional Neural Networks", IJCNN 2019, arXiv:1904.01390.
"""

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from lib.errors import ConfigError

PAPER_FOLDER = Path(__file__).resolve().parent.parent / "data" / "paper"

DATASETS = ("casme2_sq", "smic")
ARCHITECTURE_TABLES = {
    "micro_exp_stcnn": "I",
    "micro_exp_fusenet_intermediate": "II",
    "micro_exp_fusenet_late": "III",
}
METHOD_NAMES = {
    "micro_exp_stcnn": "MicroExpSTCNN",
    "micro_exp_fusenet_intermediate": "Intermediate MicroExpFuseNet",
    "micro_exp_fusenet_late": "Late MicroExpFuseNet",
}


def architecture(model: str) -> pd.DataFrame:
    """Tables I, II and III: layer, kind, printed and computed output size, channels first as the paper writes it."""
    if model not in ARCHITECTURE_TABLES:
        raise ConfigError(f"expected a model among {sorted(ARCHITECTURE_TABLES)}, found {model!r}")
    return pd.read_csv(PAPER_FOLDER / f"table_{ARCHITECTURE_TABLES[model]}.csv", dtype=str)


def class_counts(dataset: str) -> pd.DataFrame:
    """Table IV for one dataset: class, printed_total, released_code, official, validation (Int64, NA where unknown)."""
    table = pd.read_csv(PAPER_FOLDER / "table_IV.csv")
    rows = table[table["dataset"] == dataset].drop(columns="dataset").reset_index(drop=True)
    if rows.empty:
        raise ConfigError(f"expected a dataset of the paper, {sorted(set(table['dataset']))}, found {dataset!r}")
    return rows.astype(dict.fromkeys(("printed_total", "released_code", "official", "validation"), "Int64"))


def accuracies() -> pd.DataFrame:
    """Table V: method, year, kind and the accuracy in percent on each dataset (NaN where none is given)."""
    return pd.read_csv(PAPER_FOLDER / "table_V.csv")


def accuracy(model: str, dataset: str) -> float:
    """The accuracy, between 0 and 1, that Table V gives for one of the three networks."""
    table = accuracies().set_index("method")
    return float(table.loc[METHOD_NAMES[model], dataset]) / 100


@cache
def confusion_facts(dataset: str) -> dict:
    """What is known of Table VI (CAS(ME)²) or VII (SMIC): table, classes, row_totals, correct, uf1, uar."""
    facts = yaml.safe_load((PAPER_FOLDER / "table_VI_VII.yml").read_text(encoding="utf-8"))
    if dataset not in facts:
        raise ConfigError(f"expected a dataset with a published confusion matrix, {sorted(facts)}, found {dataset!r}")
    return facts[dataset]


def feasible_confusion_matrices(dataset: str, tolerance: float = 0.0005) -> list[np.ndarray]:
    """Every confusion matrix that agrees with the published facts of a dataset.

    All matrices with the row totals and the number of correct predictions are enumerated; those whose UF1 and UAR
    round to the known three decimals are returned.

    Parameters
    ----------
    dataset : {"casme2_sq", "smic"}
    tolerance : float
        Half a unit of the last decimal of UF1 and UAR.

    Returns
    -------
    list of ndarray, shape (n_classes, n_classes)
        Rows are true classes, columns predicted ones.
    """
    facts = confusion_facts(dataset)
    totals = np.array(facts["row_totals"])
    matrices = []
    for diagonal in itertools.product(*(range(total + 1) for total in totals)):
        if sum(diagonal) != facts["correct"] or abs(np.mean(diagonal / totals) - facts["uar"]) > tolerance:
            continue
        rows = [
            _rows_with(total, right, position)
            for position, (total, right) in enumerate(zip(totals, diagonal, strict=True))
        ]
        for candidate in itertools.product(*rows):
            matrix = np.array(candidate)
            f1 = 2 * np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1))
            if abs(f1.mean() - facts["uf1"]) <= tolerance:
                matrices.append(matrix)
    return matrices


def _rows_with(total: int, right: int, position: int) -> list[list[int]]:
    """The rows of three cells that sum to `total` and hold `right` at `position`."""
    wrong = total - right
    rows = []
    for first in range(wrong + 1):
        row = [first, wrong - first]
        row.insert(position, right)
        rows.append(row)
    return rows
