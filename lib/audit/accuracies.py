"""The printed accuracies, Tables V, VIII and IX, against the numbers of clips they can have been measured on."""

import numpy as np
import pandas as pd

from lib import paper
from lib.audit import released
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS, chance_of_explaining, explaining_sizes, nearest_count, successes
from lib.metrics import wilson_interval
from lib.paper import DATASET_TITLES as TITLES

FUSENETS = ("micro_exp_fusenet_intermediate", "micro_exp_fusenet_late")
LARGEST = 357  # all expressions of the larger dataset, CAS(ME)²: no accuracy can be of more clips
EPOCHS_OF_TABLE_VIII = 10  # 91 to 100
NOT_AT_HAND = "the paper's full text was not at hand"


def validation_counts(dataset: str) -> dict[str, int]:
    """Validation clips of each class as Table IV prints them."""
    table = paper.class_counts(dataset).set_index("class")["validation"].drop("all")
    return {name: int(count) for name, count in table.items()}


def validation_size(dataset: str) -> int:
    """Validation clips that Table IV prints in all."""
    return int(paper.class_counts(dataset).set_index("class").loc["all", "validation"])


def printed_accuracies() -> pd.DataFrame:
    """The six accuracies of Table V: model, dataset, percent, validation clips `n`, `k` with k/n (NA if none)."""
    rows = []
    for model in paper.METHOD_NAMES:
        for dataset in paper.DATASETS:
            percent, trials = round(100 * paper.accuracy(model, dataset), 2), validation_size(dataset)
            rows.append((model, dataset, percent, trials, successes(percent, trials)))
    table = pd.DataFrame(rows, columns=["model", "dataset", "percent", "n", "k"])
    return table.astype({"k": "Int64"})


def check_held_out(model: str, dataset: str) -> Finding:
    """Whether an accuracy of Table V is a share of the validation clips, and of how many clips it is if not."""
    row = _printed(model, dataset)
    values = {"percent": row.percent, "n": row.n, "k": None if pd.isna(row.k) else int(row.k)}
    if values["k"] is not None:
        evidence = f"{row.percent:.2f} % is {row.k}/{row.n}."
    else:
        nearest = nearest_count(row.percent, row.n)
        evidence = (
            f"{row.percent:.2f} % is no k/{row.n}; the nearest is {nearest}/{row.n} = {100 * nearest / row.n:.2f} %. "
            f"{_explanation(model, dataset, values)}"
        )
    return Finding(
        id=f"held-out-{_cell(model, dataset)}",
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
    if model not in FUSENETS:
        values["explaining_sizes"] = explaining_sizes([values["percent"]], LARGEST)
        return f"Sizes up to {LARGEST} that explain it: {_listed(values['explaining_sizes'])}."
    # both FuseNets of a dataset were validated alike: a size must explain both
    percents = [_printed(one, dataset).percent for one in FUSENETS]
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
    return {name: chance_of_explaining(len(FUSENETS), which) for name, which in sizes.items()}


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
    row = _printed(model, dataset)
    status, evidence, values = "not recorded", "It was not measured on all clips.", {}
    if pd.isna(row.k):
        fed = released.clip_count(model, dataset)
        low, high = held_out_bounds(row.percent, fed)
        status, values = "contradicted", {"low": round(low, 2), "high": round(high, 2)}
        evidence = (
            f"Four in five of the {fed} entries were trained on: {row.percent:.2f} % of all goes with any accuracy "
            f"from {low:.1f} to {high:.1f} % on the others."
        )
    return Finding(
        id=f"held-out-bounds-{_cell(model, dataset)}",
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


def check_constant_in_table_v() -> Finding:
    """Which accuracies of Table V equal what one constant answer scores on the labels that the code assigns."""
    equal, told = {}, []
    for row in printed_accuracies().itertuples():
        if pd.notna(row.k):
            counts = validation_counts(row.dataset)
        else:  # not measured on the validation clips: on all that the code feeds, under the labels it assigns
            entry = released.released_file(row.model, row.dataset)
            labels = released.clips_and_labels(row.model, row.dataset)[2]
            counts = dict(zip(entry["classes"], np.bincount(labels, minlength=3).tolist(), strict=True))
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
        evidence=(
            f"{'; '.join(told)}: one answer to every clip scores the same. The number alone cannot tell whether the "
            "network gave it."
            if equal
            else "None of the six equals the share of a class."
        ),
        values=equal,
        rests_on="code",
    )


def kernel_values() -> tuple[list[float], bool]:
    """The values of Table IX that are known, and whether every cell is: until then, of the facts and of a few cells."""
    cells = paper.kernel_accuracies()["accuracy"].dropna()
    if len(cells) == paper.kernel_facts()["kernels"]:
        return cells.tolist(), True
    return sorted({*cells, *(value for fact in paper.kernel_facts()["known"] for value in fact["values"])}), False


def check_constant_kernels() -> Finding:
    """How many kernels of Table IX score exactly what one constant answer scores: networks that learned nothing."""
    facts, cells = paper.kernel_facts(), paper.kernel_accuracies()
    scores = constant_scores(validation_counts(facts["dataset"]))

    def classes_of(value: float) -> list[str]:
        return [name for name, score in scores.items() if abs(score - value) <= TWO_DECIMALS]

    if cells["accuracy"].notna().all():
        total = len(cells)
        constant = sum(bool(classes_of(value)) for value in cells["accuracy"].dropna())
        unknown = 0
    else:  # a few cells add nothing to how often each value is known to occur
        total = facts["kernels"]
        constant = sum(fact["count"] for fact in facts["known"] if all(classes_of(value) for value in fact["values"]))
        unknown = total - sum(fact["count"] for fact in facts["known"])
    values = sorted({value for value in kernel_values()[0] if classes_of(value)})
    clips = validation_counts(facts["dataset"])
    shares = " and ".join(
        f"{value:.2f} % = {clips[classes_of(value)[0]]}/{sum(clips.values())} (always *{classes_of(value)[0]}*)"
        for value in values
    )
    return Finding(
        id="constant-answer-table-ix",
        table="IX",
        statement="The kernels of Table IX are compared by networks that learned something",
        status="contradicted" if constant else "note" if unknown else "holds",
        evidence=(
            (f"{constant} of {total} kernels score exactly what a constant answer scores: {shares}. " if constant else
             "No recorded value is what a constant answer scores. ")
            + (f"{unknown} cells are not recorded here, where {NOT_AT_HAND}." if unknown else "")
        ).strip(),
        values={"constant": constant, "kernels": total, "unknown": unknown, "values": values},
    )  # fmt: skip


def check_kernel_lattice() -> Finding:
    """Whether the values of Table IX are shares of the validation clips."""
    trials = validation_size(paper.kernel_facts()["dataset"])
    values, complete = kernel_values()
    impossible = sorted({value for value in values if successes(value, trials) is None})
    told = [
        f"{value:.2f} % is no k/{trials}: the nearest is {nearest_count(value, trials)}/{trials} = "
        f"{100 * nearest_count(value, trials) / trials:.2f} %, and sizes that explain it are "
        f"{_listed(explaining_sizes([value], LARGEST)[:3])}"
        for value in impossible
    ]
    return Finding(
        id="grim-table-ix",
        table="IX",
        statement="Every accuracy of Table IX was measured on the validation clips of Table IV",
        status="contradicted" if impossible else "holds" if complete else "not recorded",
        evidence=f"{'; '.join(told)}." if impossible else f"{len(values)} recorded values are possible.",
        values={"impossible": impossible, "n": trials, "recorded": len(values), "complete": complete},
    )


def check_kernel_best() -> Finding:
    """Whether 3x3x15 has the highest accuracy of Table IX, and whether the second best lies within its interval."""
    cells, facts = paper.kernel_accuracies(), paper.kernel_facts()
    kernel = facts["inferred"][0]["kernel"]
    name, statement = "x".join(map(str, kernel)), "The 3x3x15 kernel has the highest accuracy of Table IX"
    trials = validation_size(facts["dataset"])
    if cells["accuracy"].isna().any():
        missing = int(cells["accuracy"].isna().sum())
        inferred = facts["inferred"][0]["accuracy"]
        others = [value for value in kernel_values()[0] if abs(value - inferred) > TWO_DECIMALS]
        higher = [value for value in others if value > inferred]
        shown = ", ".join(f"{value:.2f}" for value in higher or others)
        return Finding(
            "kernel-best", "IX", statement, "contradicted" if higher else "not recorded",
            f"Table V implies {inferred:.2f} % for {name}; the other values that are known are "
            f"{'in part higher' if higher else 'all lower'} ({shown}). {missing} of {len(cells)} cells are not "
            f"recorded here, where {NOT_AT_HAND}.",
            {"missing": missing, "inferred": inferred, "higher": higher},
        )  # fmt: skip
    key = (cells[["height", "width", "depth"]] == kernel).all(axis=1)
    own, others = float(cells.loc[key, "accuracy"].iloc[0]), cells[~key].sort_values("accuracy", ascending=False)
    second = float(others["accuracy"].iloc[0])
    low, high = wilson_interval(nearest_count(own, trials), trials)
    inside = 100 * low <= second <= 100 * high
    return Finding(
        "kernel-best", "IX", statement, "holds" if own > second else "contradicted",
        f"{name} has {own:.2f} %, the best other kernel {second:.2f} %, which lies "
        f"{'within' if inside else 'outside'} the 95 % interval of the former, {low:.1%} to {high:.1%}.",
        {"accuracy": own, "best_other": second, "low": low, "high": high, "inside": inside},
    )  # fmt: skip


def check_stability_means() -> Finding:
    """Whether the means of Table VIII can be means over ten epochs of shares of the validation clips."""
    table = paper.stability().dropna(subset=["mean"])
    statement = "Every mean of Table VIII can be one over ten epochs on the validation clips of Table IV"
    if table.empty:
        return Finding(
            "grim-table-viii", "VIII", statement, "not recorded",
            f"No cell of Table VIII is recorded here, where {NOT_AT_HAND}. The granularity would be one in ten "
            f"times {' or '.join(str(validation_size(name)) for name in paper.DATASETS)} clips.",
            {"recorded": 0},
        )  # fmt: skip
    trials = {dataset: EPOCHS_OF_TABLE_VIII * validation_size(dataset) for dataset in paper.DATASETS}
    impossible = [
        [row.method, row.dataset, row.mean]
        for row in table.itertuples()
        if successes(row.mean, trials[row.dataset]) is None
    ]
    told = "; ".join(f"{mean:.2f} % of {method} is no k/{trials[dataset]}" for method, dataset, mean in impossible)
    recorded, expected = len(table), len(paper.stability())
    return Finding(
        "grim-table-viii", "VIII", statement,
        "contradicted" if impossible else "holds" if recorded == expected else "not recorded",
        f"{told}." if told else f"{recorded} of {expected} means are recorded, and all are possible.",
        {"recorded": recorded, "impossible": impossible},
    )  # fmt: skip


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


def _printed(model: str, dataset: str):
    """The row of `printed_accuracies` for one cell of Table V."""
    table = printed_accuracies()
    return next(table[(table["model"] == model) & (table["dataset"] == dataset)].itertuples())


def _cell(model: str, dataset: str) -> str:
    """A cell of Table V as part of an id: ``"late-casme2-sq"``."""
    return f"{model.rpartition('_')[2]}-{dataset.replace('_', '-')}"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
