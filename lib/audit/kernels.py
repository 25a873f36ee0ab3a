"""Table IX: twelve kernels of MicroExpSTCNN, one accuracy each, and what the conclusion reads out of them."""

import pandas as pd

from lib.audit import paper
from lib.audit.accuracies import LARGEST, constant_scores, validation_counts, validation_size
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS, explaining_sizes, nearest_count, successes
from lib.audit.paper import KERNEL_DATASET

BEST = (3, 3, 15)  # the kernel that the paper prefers


def kernels() -> pd.DataFrame:
    """Table IX with what follows from it.

    Returns
    -------
    DataFrame
        height, width, depth, accuracy as printed; ``name`` (``"3x3x15"``), ``taps``: weights of one filter;
        ``constant``: the class whose constant answer scores this accuracy on the validation clips, empty if none does.
    """
    table = paper.kernel_accuracies()
    sizes = table[["height", "width", "depth"]]
    scores = constant_scores(validation_counts(KERNEL_DATASET))
    return table.assign(
        name=["x".join(map(str, row)) for row in sizes.itertuples(index=False)],
        taps=sizes.prod(axis=1),
        constant=[
            next((name for name, score in scores.items() if abs(score - value) <= TWO_DECIMALS), "")
            for value in table["accuracy"]
        ],
    )


def check_constant() -> Finding:
    """How many kernels of Table IX score exactly what one constant answer scores: networks that learned nothing."""
    table, clips = kernels(), validation_counts(KERNEL_DATASET)
    constant = table[table["constant"] != ""]
    shares = " and ".join(
        f"{rows['accuracy'].iloc[0]:.2f} % = {clips[name]}/{sum(clips.values())} (always *{name}*)"
        for name, rows in constant.groupby("constant")
    )
    return Finding(
        id="constant-answer-table-ix",
        table="IX",
        statement="The kernels of Table IX are compared by networks that learned something",
        status="contradicted" if len(constant) else "holds",
        evidence=f"{len(constant)} of {len(table)} kernels score exactly what a constant answer scores: {shares}."
        if len(constant)
        else "No kernel scores what a constant answer scores.",
        values={"constant": constant["name"].tolist(), "kernels": len(table)},
    )


def check_lattice() -> Finding:
    """Whether the values of Table IX are shares of the validation clips."""
    trials, table = validation_size(KERNEL_DATASET), kernels()
    impossible = table[[successes(value, trials) is None for value in table["accuracy"]]]
    told = []
    for row in impossible.itertuples():
        count = nearest_count(row.accuracy, trials)
        sizes = ", ".join(map(str, explaining_sizes([row.accuracy], LARGEST)[:3]))
        told.append(
            f"{row.accuracy:.2f} % of {row.name} is no k/{trials}: the nearest is {count}/{trials} = "
            f"{100 * count / trials:.2f} %, and the smallest sizes that explain it are {sizes}"
        )
    return Finding(
        id="grim-table-ix",
        table="IX",
        statement="Every accuracy of Table IX was measured on the validation clips of Table IV",
        status="contradicted" if told else "holds",
        evidence=f"{'; '.join(told)}." if told else f"All {len(table)} are k/{trials}.",
        values={"impossible": impossible["accuracy"].tolist(), "n": trials},
    )


def check_best() -> Finding:
    """Whether 3x3x15 has the highest accuracy of Table IX, and by how much."""
    table, trials = kernels(), validation_size(KERNEL_DATASET)
    own = float(table.set_index(["height", "width", "depth"]).loc[BEST, "accuracy"])
    others = table[table["name"] != "x".join(map(str, BEST))]
    second = others.loc[others["accuracy"].idxmax()]
    lead, sd = own - second["accuracy"], 100 * paper.last_epochs("micro_exp_stcnn", KERNEL_DATASET)[1]
    clips = nearest_count(own, trials) - nearest_count(second["accuracy"], trials)
    return Finding(
        id="kernel-best",
        table="IX",
        statement="The 3x3x15 kernel has the highest accuracy of Table IX",
        status="holds" if lead > 0 else "contradicted",
        evidence=(
            f"{own:.2f} % against {second['accuracy']:.2f} % of {second['name']}: {clips} clips of {trials}, or "
            f"{lead:.1f} "
            f"points, where Table VIII gives the accuracy of one network a deviation of {sd:.2f} from epoch to epoch."
        ),
        values={"accuracy": own, "best_other": float(second["accuracy"]), "clips": clips, "sd": round(sd, 2)},
    )


def check_deeper() -> Finding:
    """Whether accuracy rises with the kernel's depth, as the conclusion says."""
    means = kernels().groupby("depth")["accuracy"].mean()
    best = kernels().loc[kernels().groupby("height")["accuracy"].idxmax()].set_index("height")["depth"]
    rising = means.is_monotonic_increasing
    return Finding(
        id="deeper-kernels",
        table="IX",
        statement="Kernels that reach further in time do better",
        status="holds" if rising else "contradicted",
        evidence=(
            f"The mean accuracy at depths {_listed(means.index)} is {_listed(f'{mean:.1f}' for mean in means)} %. "
            "The best "
            f"depth is {_listed(f'{depth} at {side}x{side}' for side, depth in best.items())}."
        ),
        values={"means": {str(depth): round(mean, 2) for depth, mean in means.items()},
                "best": {str(side): int(depth) for side, depth in best.items()}},
    )  # fmt: skip


def check_smaller() -> Finding:
    """Whether accuracy is highest for kernels of the smallest side, as the conclusion says."""
    means = kernels().groupby("height")["accuracy"].mean()
    return Finding(
        id="smaller-kernels",
        table="IX",
        statement="Kernels of 3x3 pixels do better than larger ones",
        status="holds" if means.idxmax() == means.index.min() else "contradicted",
        evidence=(
            f"The mean accuracy of 3x3, 5x5 and 7x7 kernels is {_listed(f'{mean:.1f}' for mean in means)} %, "
            "constant answers "
            "included."
        ),
        values={"means": {str(side): round(mean, 2) for side, mean in means.items()}},
    )


def check_deep_and_small() -> Finding:
    """Whether deep kernels do best with the smallest side, at every depth at which a kernel learned anything."""
    table = kernels()
    deep = table[table["depth"] > table["depth"].min()]
    learned = deep.groupby("depth").filter(lambda rows: (rows["constant"] == "").any())
    best = learned.loc[learned.groupby("depth")["accuracy"].idxmax()].set_index("depth")["height"]
    silent = sorted(set(deep["depth"]) - set(learned["depth"]))
    return Finding(
        id="deep-kernels-small",
        table="IX",
        statement="Deeper kernels work better with smaller sides",
        status="holds" if (best == table["height"].min()).all() else "contradicted",
        evidence=(
            f"The best side is {_listed(f'{side}x{side} at depth {depth}' for depth, side in best.items())}"
            + (f"; at depth {_listed(silent)} all kernels score as constant answers." if silent else ".")
        ),
        values={
            "best": {str(depth): int(side) for depth, side in best.items()},
            "silent": [int(one) for one in silent],
        },
    )


def cuts() -> dict[str, int]:
    """How many kernels lie on the wrong side of the best cut between those that learned and those that did not.

    By one property of the kernel at a time: its depth, its side, or its taps, the number of weights of one filter.
    """
    table = kernels()
    constant = table["constant"] != ""
    return {
        what: min(int(((table[what] >= cut) != constant).sum()) for cut in table[what])
        for what in ("depth", "height", "taps")
    }


def check_taps() -> Finding:
    """What separates the kernels that learned from those that did not: their number of weights, nearly."""
    table, wrong = kernels(), cuts()
    learned = table.loc[table["constant"] == "", "taps"]
    constant = table.loc[table["constant"] != "", "taps"]
    return Finding(
        id="kernel-taps",
        table="IX",
        statement="What separates the kernels that learned from those that answer one class",
        status="note",
        evidence=(
            f"Kernels of {_listed(sorted(learned))} weights learned, those of {_listed(sorted(constant))} did not. A "
            "cut in the "
            f"number of weights puts {wrong['taps']} of {len(table)} on the wrong side, one in depth "
            f"{wrong['depth']}, one in "
            f"side {wrong['height']}."
            if len(constant) and len(learned)
            else "All kernels learned, or none."
        ),
        values={"wrong": wrong, "taps": dict(zip(table["name"], map(int, table["taps"]), strict=True))},
    )


def check_first_class() -> Finding:
    """Whether the constant answers are of the commonest class, as a network that learned only the shares would give."""
    table, scores = kernels(), constant_scores(validation_counts(KERNEL_DATASET))
    first, commonest = next(iter(scores)), max(scores, key=scores.get)
    of_first = table.loc[table["constant"] == first, "name"].tolist() if first != commonest else []
    return Finding(
        id="constant-of-first-class",
        table="IX",
        statement="The constant answers of Table IX are what a network can have learned",
        status="note" if of_first else "holds",
        evidence=(
            f"{_listed(of_first)} answer *{first}* to every clip, {scores[first]:.2f} %. A network that learned only "
            "how common "
            f"the classes are would answer *{commonest}*, {scores[commonest]:.2f} %. *{first}* is class 0, and class "
            "0 is what "
            "is printed once a loss is not finite."
            if of_first
            else f"None is of class 0, *{first}*, unless that is the commonest."
        ),
        values={"kernels": of_first, "class": first, "commonest": commonest},
        rests_on="code",
    )


def _listed(items) -> str:
    *others, last = [str(item) for item in items]
    return f"{', '.join(others)} and {last}" if others else last
