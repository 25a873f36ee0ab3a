"""What the paper prints and claims, read from `data/paper/`. Nothing here is measured by this package.

Source: Reddy, Karri, Dubey and Mukherjee, "Spontaneous Facial Micro-Expression Recognition using 3D Spatiotemporal
Convolutional Neural Networks", IJCNN 2019, arXiv:1904.01390.
"""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from lib.errors import ConfigError, suggestion

PAPER_FOLDER = Path(__file__).resolve().parent.parent / "data" / "paper"

DATASET_TITLES = {"casme2_sq": "CAS(ME)²", "smic": "SMIC"}
DATASETS = tuple(DATASET_TITLES)
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
    """Table V: method, year, kind and the accuracy in percent on each dataset (NaN where none is given).

    The column `measured_on` names the datasets that a method's own source worked on, empty where not recorded.
    """
    return pd.read_csv(PAPER_FOLDER / "table_V.csv", dtype={"measured_on": str}).fillna({"measured_on": ""})


def parameter_counts() -> pd.DataFrame:
    """Number of parameters recorded for each network: model, depth in frames, parameters."""
    return pd.read_csv(PAPER_FOLDER / "parameter_counts.csv")


def stability() -> pd.DataFrame:
    """Table VIII: method, dataset, mean and sd in percent of the accuracy over epochs 91-100 (NaN: not recorded)."""
    return pd.read_csv(PAPER_FOLDER / "table_VIII.csv", dtype={"mean": float, "sd": float})


def kernel_accuracies() -> pd.DataFrame:
    """Table IX: height, width, depth of MicroExpSTCNN's kernel, and accuracy in percent (NaN: not recorded)."""
    return pd.read_csv(PAPER_FOLDER / "table_IX.csv", dtype={"accuracy": float})


def kernel_facts() -> dict:
    """What is known of Table IX without the position of its values: dataset, kernels, known, inferred."""
    return _read_yaml("table_IX_facts.yml")


def dataset_facts(dataset: str) -> dict:
    """What a dataset holds according to its authors: fps, micro_expressions, micro_frames, ..."""
    return _of_dataset(_read_yaml("datasets.yml"), dataset)


def released_files() -> list[dict]:
    """What each of the six files of the authors' code does; the keys are explained in `released_code.yml`."""
    return _read_yaml("released_code.yml")["files"]


def code_differences() -> pd.DataFrame:
    """Paper against released code: id, files, version, paper, code, consequence, effect, computed_by."""
    return pd.DataFrame(_read_yaml("code_differences.yml"))


def accuracy(model: str, dataset: str) -> float:
    """The accuracy, between 0 and 1, that Table V gives for one of the three networks."""
    table = accuracies().set_index("method")
    return float(table.loc[METHOD_NAMES[model], dataset]) / 100


def confusion_facts(dataset: str) -> dict:
    """What is known of Table VI (CAS(ME)²) or VII (SMIC): table, classes, row_totals, correct, uf1, uar."""
    return _of_dataset(_read_yaml("table_VI_VII.yml"), dataset)


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
        The printed numbers; None where one is not recorded.
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


def _of_dataset(facts: dict, dataset: str) -> dict:
    if dataset not in facts:
        raise ConfigError(f"expected a dataset of the paper, {sorted(facts)}, found {dataset!r}")
    return facts[dataset]
