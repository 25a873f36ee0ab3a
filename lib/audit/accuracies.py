"""The accuracies of Table V against the numbers of clips that they can have been measured on."""

from typing import NamedTuple

import numpy as np

from lib.audit import paper, released
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import TWO_DECIMALS, chance_of_explaining, explaining_sizes, nearest_count, successes
from lib.audit.paper import DATASET_TITLES, METHOD_NAMES

LARGEST = 357  # all expressions of the larger dataset, CAS(ME)²: no accuracy can be of more clips


def printed_counts(dataset: str, column: str) -> dict[str, int]:
    """A column of Table IV, total, training or validation, by class in the order of the released code's labels."""
    return paper.class_counts(dataset).loc[released.classes(dataset), column].to_dict()


def validation_counts(dataset: str) -> dict[str, int]:
    """Validation clips of each class as Table IV prints them, in the order of the released code's labels."""
    return printed_counts(dataset, "validation")


def printed_total(dataset: str, column: str = "total") -> int:
    """Clips that Table IV prints in all."""
    return int(paper.class_counts(dataset).loc["all", column])


class Printed(NamedTuple):
    """One accuracy of Table V: `percent`, the validation clips `n` of Table IV, and `k` with k/n; None if none has."""

    model: str
    dataset: str
    percent: float
    n: int
    k: int | None


def printed(model: str, dataset: str) -> Printed:
    """The accuracy of one network on one dataset."""
    percent, trials = round(100 * paper.accuracy(model, dataset), 2), printed_total(dataset, "validation")
    return Printed(model, dataset, percent, trials, successes(percent, trials))


def printed_accuracies() -> list[Printed]:
    """The six accuracies of Table V that are of the proposed networks."""
    return [printed(model, dataset) for model in METHOD_NAMES for dataset in paper.DATASETS]


@check("held-out-{model}-{dataset}", "V")
def check_held_out(model: str, dataset: str) -> Outcome:
    """The {percent:.2f} % of {model} on {dataset} is a share of the {n} validation clips of Table IV."""
    row = printed(model, dataset)
    values = {"percent": row.percent, "n": row.n, "k": row.k}
    evidence = f"{row.percent:.2f} % is {row.k}/{row.n}."
    if row.k is None:
        # both FuseNets of a dataset were validated alike: a size must explain both
        together = released.FUSENETS if model in released.FUSENETS else [model]
        percents = [printed(one, dataset).percent for one in together]
        values["explaining_sizes"] = explaining_sizes(percents, LARGEST)
        evidence = (
            f"{row.percent:.2f} % is no k/{row.n}. Numbers of clips up to {LARGEST} that explain "
            f"{listed((f'{percent:.2f} %' for percent in percents), ' and ')}: {listed(values['explaining_sizes'])}."
        )
    if row.k is None and model in released.FUSENETS:
        fed = values["clips_fed"] = released.clip_count(model, dataset)
        evidence += f" The released code validates on all {fed} that it reads, those trained on included."
        if fed in values["explaining_sizes"]:
            sizes = {"chance_of_fed": [fed], "chance_of_any": range(1, LARGEST + 1)}
            values |= {name: round(chance_of_explaining(2, tried), 6) for name, tried in sizes.items()}
    return row.k is not None, evidence, values


def held_out_bounds(percent: float, n_clips: int) -> tuple[float, float]:
    """Between which accuracies on its held-out clips, in percent, a network lies that scores `percent` on all clips.

    The lower bound: all training clips are answered rightly. The upper one: all mistakes are made on them.

    >>> [round(bound, 1) for bound in held_out_bounds(83.25, 203)]
    [17.1, 100.0]
    """
    right, held = nearest_count(percent, n_clips), released.held_out(n_clips)
    return 100 * max(right - (n_clips - held), 0) / held, 100 * min(right, held) / held


@check("held-out-bounds-{model}-{dataset}", "V", "code")
def check_held_out_bounds(model: str, dataset: str) -> Outcome:
    """The accuracy of {model} on {dataset} says how well it does on clips it was not trained on."""
    row, fed = printed(model, dataset), released.clip_count(model, dataset)
    low, high = held_out_bounds(row.percent, fed)
    evidence = (
        f"Measured on all {fed} entries, four in five of their eyes, and of their mouths, trained on, "
        f"{row.percent:.2f} % goes with any accuracy from {low:.1f} to {high:.1f} % on those whose eyes were held out."
    )
    return row.k is not None, evidence, {"low": round(low, 2), "high": round(high, 2)} if row.k is None else {}


def constant_scores(counts: dict[str, int]) -> dict[str, float]:
    """What answering one class to every clip scores, in percent, by class."""
    total = sum(counts.values())
    return {name: 100 * count / total for name, count in counts.items()}


def scored_counts(model: str, dataset: str) -> dict[str, int]:
    """Clips by label on which an accuracy of Table V can be: the validation clips, or else all that the code feeds."""
    if printed(model, dataset).k is not None:
        return validation_counts(dataset)
    labels, names = released.clips_and_labels(model, dataset)[2], released.classes(dataset)
    return dict(zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True))


@check("constant-answer-table-v", "V", "code")
def check_constant_in_table_v() -> Outcome:
    """No accuracy of Table V is what one constant answer scores."""
    equal = {}
    for row in printed_accuracies():
        counts = scored_counts(row.model, row.dataset)
        for name, score in constant_scores(counts).items():
            if abs(score - row.percent) <= TWO_DECIMALS:
                equal[f"{row.model} {row.dataset}"] = {"class": name, "count": counts[name], "n": sum(counts.values())}
    told = (
        f"{cell_title(cell)}, {one['count']}/{one['n']}, the share of *{one['class']}*" for cell, one in equal.items()
    )
    evidence = f"{len(equal)} of 6 accuracies are what one answer to every entry scores: {listed(told, '; ')}."
    return not equal, evidence, equal


@check("best-epoch", "V", "code")
def check_best_epoch() -> Outcome:
    """The epoch that Table V reports was fixed before its accuracy on the validation clips was known."""
    own, matches = [entry for entry in paper.released_files() if entry["checkpoint"]["own"]], {}
    for model, dataset, file in ((entry["model"], entry["dataset"], entry["checkpoint"]) for entry in own):
        if abs(file["accuracy"] - paper.accuracy(model, dataset)) <= TWO_DECIMALS:
            matches[f"{model} {dataset}"] = file["epoch"]
    evidence = (
        f"{len(matches)} of {len(own)} files of weights that the code names for a network of its own carry Table "
        f"V's accuracy in their names, of epochs {listed(matches.values())}. The code writes such a file when the "
        "accuracy on the validation data is the best so far."
    )
    return (False if matches else None), evidence, {"epochs": matches, "named": len(own)}


def cell_title(cell: str) -> str:
    """A cell of Table V, given as ``"model dataset"``, in words."""
    model, dataset = cell.split()
    return f"{METHOD_NAMES[model]} on {DATASET_TITLES[dataset]}"
