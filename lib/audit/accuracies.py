"""The accuracies of Table V against the numbers of clips that they can have been measured on."""

from dataclasses import dataclass

import numpy as np

from lib.audit import paper, released
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS, chance_of_explaining, explaining_sizes, nearest_count, successes
from lib.audit.paper import DATASET_TITLES as TITLES

LARGEST = 357  # all expressions of the larger dataset, CAS(ME)²: no accuracy can be of more clips


def printed_counts(dataset: str, column: str) -> dict[str, int]:
    """A column of Table IV, total, training or validation, by class in the order of the released code's labels."""
    table = paper.class_counts(dataset).set_index("class")[column]
    return {name: int(table[name]) for name in released.classes(dataset)}


def validation_counts(dataset: str) -> dict[str, int]:
    """Validation clips of each class as Table IV prints them, in the order of the released code's labels."""
    return printed_counts(dataset, "validation")


def validation_size(dataset: str) -> int:
    """Validation clips that Table IV prints in all."""
    return int(paper.class_counts(dataset).set_index("class").loc["all", "validation"])


@dataclass(frozen=True)
class Printed:
    """One accuracy of Table V: `percent`, the validation clips `n` of Table IV, and `k` with k/n; None if none has."""

    model: str
    dataset: str
    percent: float
    n: int
    k: int | None


def printed(model: str, dataset: str) -> Printed:
    """The accuracy of one network on one dataset."""
    percent, trials = round(100 * paper.accuracy(model, dataset), 2), validation_size(dataset)
    return Printed(model, dataset, percent, trials, successes(percent, trials))


def printed_accuracies() -> list[Printed]:
    """The six accuracies of Table V that are of the proposed networks."""
    return [printed(model, dataset) for model in paper.METHOD_NAMES for dataset in paper.DATASETS]


def check_held_out(model: str, dataset: str) -> Finding:
    """Whether an accuracy of Table V is a share of the validation clips, and of how many clips it is if not."""
    row = printed(model, dataset)
    values = {"percent": row.percent, "n": row.n, "k": row.k}
    if values["k"] is not None:
        evidence = f"{row.percent:.2f} % is {row.k}/{row.n}."
    else:
        nearest = nearest_count(row.percent, row.n)
        evidence = (
            f"{row.percent:.2f} % is no k/{row.n}; the nearest is {nearest}/{row.n} = {100 * nearest / row.n:.2f} %. "
            f"{_explanation(model, dataset, values)}"
        )
    return Finding(
        id=f"held-out-{cell_name(model, dataset)}",
        table="V",
        statement=(
            f"The {row.percent:.2f} % of {paper.METHOD_NAMES[model]} on {TITLES[dataset]} is a share of the "
            f"{row.n} validation clips of Table IV"
        ),
        status="contradicted" if values["k"] is None else "holds",
        evidence=evidence,
        values=values,
    )


def _explanation(model: str, dataset: str, values: dict) -> str:
    """Of how many clips an impossible accuracy is, as a sentence; the sizes are added to `values`."""
    if model not in released.FUSENETS:
        values["explaining_sizes"] = explaining_sizes([values["percent"]], LARGEST)
        return f"Sizes up to {LARGEST} that explain it: {_listed(values['explaining_sizes'])}."
    # both FuseNets of a dataset were validated alike: a size must explain both
    percents = [printed(one, dataset).percent for one in released.FUSENETS]
    sizes, fed = explaining_sizes(percents, LARGEST), released.clip_count(model, dataset)
    values |= {"explaining_sizes": sizes, "clips_fed": fed}
    share = successes(values["percent"], fed)
    told = f"It is {share}/{fed}, and" if share is not None else "But"
    only = "only " if len(sizes) == 1 else ""
    told = (
        f"{told} the released code validates on all {fed} that it reads, those trained on included. Of all sizes up to "
        f"{LARGEST}, {only}{_listed(sizes)} explains both FuseNets' accuracies on {TITLES[dataset]}."
    )
    if fed in sizes:
        chances = chances_of_a_pair(fed)
        values |= {name: round(chance, 6) for name, chance in chances.items()}
        told += (
            f" Of arbitrary pairs of percentages, {chances['chance_of_fed']:.2%} are explained by {fed}, and at most "
            f"{chances['chance_of_any']:.0%} by any of these sizes."
        )
    return told


def chances_of_a_pair(fed: int) -> dict[str, float]:
    """How easily two arbitrary percentages are explained: by exactly `fed` clips, and by any size up to `LARGEST`.

    The latter is an upper bound; see `lib.audit.lattice.chance_of_explaining`.
    """
    sizes = {"chance_of_fed": [fed], "chance_of_any": range(1, LARGEST + 1)}
    return {name: chance_of_explaining(len(released.FUSENETS), which) for name, which in sizes.items()}


def held_out_bounds(percent: float, n_clips: int) -> tuple[float, float]:
    """Between which accuracies on its held-out clips, in percent, a network lies that scores `percent` on all clips.

    The lower bound is that of a network which has learned every training clip by heart, the upper one that of a network
    which makes all its mistakes on training clips.

    >>> [round(bound, 1) for bound in held_out_bounds(83.25, 203)]
    [17.1, 100.0]
    """
    right, held = nearest_count(percent, n_clips), released.held_out(n_clips)
    return 100 * max(right - (n_clips - held), 0) / held, 100 * min(right, held) / held


def check_held_out_bounds(model: str, dataset: str) -> Finding:
    """What an accuracy on all clips leaves open about clips that the network was not trained on."""
    row = printed(model, dataset)
    status, evidence, values = "holds", f"It is a share of the {row.n} validation clips.", {}
    if row.k is None:
        fed = released.clip_count(model, dataset)
        low, high = held_out_bounds(row.percent, fed)
        status, values = "contradicted", {"low": round(low, 2), "high": round(high, 2)}
        evidence = (
            f"Four in five of the {fed} entries were trained on: {row.percent:.2f} % of all goes with any accuracy "
            f"from {low:.1f} to {high:.1f} % on the others."
        )
    return Finding(
        id=f"held-out-bounds-{cell_name(model, dataset)}",
        table="V",
        statement=(
            f"The {row.percent:.2f} % of {paper.METHOD_NAMES[model]} on {TITLES[dataset]} says how well it does on "
            "clips it was not trained on"
        ),
        status=status,
        evidence=evidence,
        values=values,
        rests_on="code",
    )


def constant_scores(counts: dict[str, int]) -> dict[str, float]:
    """What answering one class to every clip scores, in percent, by class.

    >>> constant_scores({"angry": 12, "happy": 21, "disgust": 8})["happy"]
    51.21951219512195
    """
    total = sum(counts.values())
    return {name: 100 * count / total for name, count in counts.items()}


def scored_counts(model: str, dataset: str) -> dict[str, int]:
    """Clips of each label on which an accuracy of Table V can have been measured.

    Table IV's validation clips if the accuracy is a share of them; else all that the code feeds, by the labels that it
    assigns.
    """
    if printed(model, dataset).k is not None:
        return validation_counts(dataset)
    labels = released.clips_and_labels(model, dataset)[2]
    names = released.classes(dataset)
    return dict(zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True))


def check_constant_in_table_v() -> Finding:
    """Which accuracies of Table V equal what one constant answer scores on the labels that the code assigns."""
    equal, told = {}, []
    for row in printed_accuracies():
        counts = scored_counts(row.model, row.dataset)
        for name, score in constant_scores(counts).items():
            if abs(score - row.percent) <= TWO_DECIMALS:
                equal[f"{row.model} {row.dataset}"] = {"class": name, "count": counts[name], "n": sum(counts.values())}
                told.append(
                    f"{row.percent:.2f} % of {paper.METHOD_NAMES[row.model]} on {TITLES[row.dataset]} is "
                    f"{counts[name]}/{sum(counts.values())}, the share of entries labelled *{name}*"
                )
    return Finding(
        id="constant-answer-table-v",
        table="V",
        statement="No accuracy of Table V is what one constant answer scores",
        status="contradicted" if equal else "holds",
        evidence=f"{'; '.join(told)}: one answer to every clip scores the same."
        if equal
        else "None of the six equals the share of a class.",
        values=equal,
        rests_on="code",
    )


def check_best_epoch() -> Finding:
    """Whether the accuracies of Table V are those of the weights that the code kept at its best validation epoch."""
    matches, told = {}, []
    own = [entry for entry in paper.released_files() if entry["checkpoint"]["own"]]
    for entry in own:
        checkpoint, printed = entry["checkpoint"], paper.accuracy(entry["model"], entry["dataset"])
        if abs(checkpoint["accuracy"] - printed) <= TWO_DECIMALS:
            matches[f"{entry['model']} {entry['dataset']}"] = checkpoint["epoch"]
            told.append(
                f"{100 * printed:.2f} % is the file of epoch {checkpoint['epoch']}, {checkpoint['accuracy']:.2f}"
            )
    return Finding(
        id="best-epoch",
        table="V",
        statement="The epoch that Table V reports was fixed before its accuracy on the validation clips was known",
        status="contradicted" if matches else "note",
        evidence=(
            f"Table V's accuracy stands in the name of {len(matches)} of the {len(own)} files of weights that the code "
            "names for a network of its own. The code writes such a file when the accuracy on the validation data is "
            f"the best so far: {'; '.join(told) or 'none'}."
        ),
        values={"epochs": matches, "named": len(own)},
        rests_on="code",
    )


def cell_name(model: str, dataset: str) -> str:
    """A cell of Table V as part of an id: ``"late-casme2-sq"``."""
    return f"{model.rpartition('_')[2]}-{dataset.replace('_', '-')}"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
