"""Table IX: twelve kernels of MicroExpSTCNN, one accuracy each, and what the conclusion reads out of them."""

import pandas as pd

from lib.audit import paper
from lib.audit.accuracies import LARGEST, constant_scores, printed_total, validation_counts
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import explaining_sizes, nearest_count, successes
from lib.audit.paper import KERNEL_DATASET, STCNN

BEST = "3x3x15"  # the kernel that the paper prefers


def kernels() -> pd.DataFrame:
    """Table IX with each kernel's ``name``, ``"3x3x15"``, its ``taps``, the weights of one filter, and ``constant``.

    The latter is the class whose constant answer scores this accuracy on the validation clips, empty if none does.
    """
    table = paper.kernel_accuracies()
    sizes = table[["height", "width", "depth"]]
    answers = {round(score, 2): name for name, score in constant_scores(validation_counts(KERNEL_DATASET)).items()}
    return table.assign(
        name=["x".join(map(str, row)) for row in sizes.itertuples(index=False)],
        taps=sizes.prod(axis=1),
        constant=[answers.get(round(percent, 2), "") for percent in table["accuracy"]],
    )


def _rounded(means: pd.Series) -> dict[str, float]:
    return {str(name): round(mean, 2) for name, mean in means.items()}


@check("constant-answer-table-ix", "IX")
def check_constant() -> Outcome:
    """No accuracy of Table IX is what one constant answer scores."""
    table = kernels()
    constant = table[table["constant"] != ""]
    groups = constant.groupby("constant")["accuracy"]
    shares = (f"{len(rows)} have {rows.iloc[0]:.2f} % (always *{name}*)" for name, rows in groups)
    evidence = f"{len(constant)} of {len(table)} kernels score exactly what a constant answer scores: {listed(shares)}."
    return constant.empty, evidence, {"constant": constant["name"].tolist(), "kernels": len(table)}


@check("grim-table-ix", "IX")
def check_lattice() -> Outcome:
    """Every accuracy of Table IX was measured on the validation clips of Table IV."""
    trials, table = printed_total(KERNEL_DATASET, "validation"), kernels()
    impossible = table[[successes(value, trials) is None for value in table["accuracy"]]]
    told = (
        f"{row.accuracy:.2f} % of {row.name}, which {listed(explaining_sizes([row.accuracy], LARGEST)[:3])} or more "
        "clips explain"
        for row in impossible.itertuples()
    )
    evidence = f"{len(impossible)} of {len(table)} are no k/{trials}: {listed(told, '; ')}."
    return impossible.empty, evidence, {"impossible": impossible["accuracy"].tolist(), "n": trials}


@check("kernel-best", "IX")
def check_best() -> Outcome:
    """The 3x3x15 kernel has the highest accuracy of Table IX."""
    table, trials = kernels().set_index("name")["accuracy"], printed_total(KERNEL_DATASET, "validation")
    own, others = float(table[BEST]), table.drop(BEST)
    second, sd = float(others.max()), 100 * paper.last_epochs(STCNN, KERNEL_DATASET)[1]
    clips = nearest_count(own, trials) - nearest_count(second, trials)
    evidence = (
        f"{own:.2f} % against {second:.2f} % of {others.idxmax()}: {clips} clips of {trials}, or "
        f"{own - second:.1f} points, where Table VIII gives the accuracy of one network a deviation of {sd:.2f} "
        "from epoch to epoch."
    )
    return own > second, evidence, {"accuracy": own, "best_other": second, "clips": clips, "sd": round(sd, 2)}


@check("deeper-kernels", "IX")
def check_deeper() -> Outcome:
    """Kernels that reach further in time do better."""
    table = kernels()
    means = table.groupby("depth")["accuracy"].mean()
    best = table.loc[table.groupby("height")["accuracy"].idxmax()].set_index("height")["depth"]
    evidence = (
        f"The mean accuracy is {listed(f'{mean:.1f} % at depth {depth}' for depth, mean in means.items())}. The "
        f"best depth is {listed(f'{depth} at {side}x{side}' for side, depth in best.items())}."
    )
    values = {"means": _rounded(means), "best": {str(side): int(depth) for side, depth in best.items()}}
    return means.is_monotonic_increasing, evidence, values


@check("smaller-kernels", "IX")
def check_smaller() -> Outcome:
    """Kernels of 3x3 pixels do better than larger ones."""
    means = kernels().groupby("height")["accuracy"].mean()
    told = listed(f"{mean:.1f} % for {side}x{side}" for side, mean in means.items())
    evidence = f"The mean accuracy is {told}, constant answers included."
    return means.idxmax() == means.index.min(), evidence, {"means": _rounded(means)}


@check("deep-kernels-small", "IX")
def check_deep_and_small() -> Outcome:
    """Deeper kernels work better with smaller sides."""
    table = kernels()
    deep = table[table["depth"] > table["depth"].min()]
    learned = deep.groupby("depth").filter(lambda rows: (rows["constant"] == "").any())
    best = learned.loc[learned.groupby("depth")["accuracy"].idxmax()].set_index("depth")["height"]
    silent = sorted(set(deep["depth"]) - set(learned["depth"]))
    evidence = (
        f"The best side is {listed(f'{side}x{side} at depth {depth}' for depth, side in best.items())}. Depths at "
        f"which all kernels score as constant answers: {listed(silent)}."
    )
    values = {"best": {str(depth): int(side) for depth, side in best.items()}, "silent": [int(one) for one in silent]}
    return (best == table["height"].min()).all(), evidence, values


@check("kernel-taps", "IX")
def check_taps() -> Outcome:
    """What separates the kernels that score as a constant answer does from the others."""
    table = kernels()
    constant = table["constant"] != ""
    wrong = {
        what: min(int(((table[what] >= cut) != constant).sum()) for cut in table[what])
        for what in ("depth", "height", "taps")
    }
    evidence = (
        f"Kernels of {listed(sorted(table.loc[constant, 'taps']))} weights score as a constant answer does, those of "
        f"{listed(sorted(table.loc[~constant, 'taps']))} do not. The best cut in the "
        f"number of weights puts {wrong['taps']} of {len(table)} on the wrong side, in depth {wrong['depth']}, in "
        f"side {wrong['height']}."
    )
    return None, evidence, {"wrong": wrong, "taps": dict(zip(table["name"], map(int, table["taps"]), strict=True))}


@check("constant-of-first-class", "IX", "code")
def check_first_class() -> Outcome:
    """The constant answers of Table IX are what a network can have learned."""
    table, scores = kernels(), constant_scores(validation_counts(KERNEL_DATASET))
    first, commonest = next(iter(scores)), max(scores, key=scores.get)
    of_first = table.loc[table["constant"] == first, "name"].tolist() if first != commonest else []
    evidence = (
        f"{len(of_first)} kernels score what *{first}* to every clip does, {scores[first]:.2f} %: {listed(of_first)}. "
        f"A network that learned only how common the classes are answers *{commonest}*, {scores[commonest]:.2f} %; "
        f"*{first}* is class 0, which is printed once a loss is not finite."
    )
    return (None if of_first else True), evidence, {"kernels": of_first, "class": first, "commonest": commonest}
