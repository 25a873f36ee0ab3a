"""Table IV, the confusion matrices of Tables VI and VII, and what follows from them; and how long a clip lasts."""

import numpy as np
import pandas as pd

from lib import paper
from lib.audit import released
from lib.audit.accuracies import printed_accuracies, validation_counts
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS
from lib.metrics import uar, uf1, wilson_interval
from lib.paper import DATASET_TITLES as TITLES


def check_sums() -> Finding:
    """Whether the classes of Table IV sum to its totals, wherever all classes are recorded."""
    right, wrong, missing = [], [], []
    for dataset in paper.DATASETS:
        table = paper.class_counts(dataset).set_index("class")
        for column, title in (("printed_total", "clips"), ("validation", "validation clips")):
            classes, total = table[column].drop("all"), table.loc["all", column]
            if classes.isna().any() or pd.isna(total):
                missing.append(f"{title} of {TITLES[dataset]}")
                continue
            told = f"{' + '.join(map(str, classes))} = {classes.sum()} {title} of {TITLES[dataset]}"
            (right if classes.sum() == total else wrong).append(
                told if classes.sum() == total else f"{told}, where {total} is printed"
            )
    return Finding(
        id="table-iv-sums",
        table="IV",
        statement="The classes of Table IV sum to its totals",
        status="contradicted" if wrong else "holds",
        evidence="; ".join(wrong + right) + (f"; not recorded here: {', '.join(missing)}." if missing else "."),
        values={"right": right, "wrong": wrong, "not_recorded": missing},
    )


def check_official_counts() -> Finding:
    """Whether SMIC holds as many clips of each class as Table IV counts; the released code's counts beside them."""
    table = paper.class_counts("smic").set_index("class").drop("all")
    too_many = table[(table["printed_total"] > table["official"]).fillna(False)]
    told = [
        f"{row.printed_total} clips of class *{row.Index}* are printed where SMIC has {row.official}"
        for row in too_many.itertuples()
    ]
    moved = (table["printed_total"] - table["released_code"]).dropna()
    moves = ", ".join(f"{name} {int(change):+d}" for name, change in moved.items() if change)
    return Finding(
        id="table-iv-smic",
        table="IV",
        statement="SMIC holds the clips that Table IV counts",
        status="contradicted" if told else "holds",
        evidence=(
            (f"{'; '.join(told)}. " if told else "No class has more clips than SMIC holds. ")
            + (f"Against the classes that the released code labels, Table IV counts {moves}." if moves else "")
        ).strip(),
        values={
            "impossible": {row.Index: [int(row.printed_total), int(row.official)] for row in too_many.itertuples()},
            "against_code": {name: int(change) for name, change in moved.items()},
        },
        rests_on="literature",
    )


def check_micro_expressions() -> Finding:
    """Whether CAS(ME)² holds as many micro-expressions as Table IV counts clips of micro-expressions."""
    facts = paper.dataset_facts("casme2_sq")
    printed = int(paper.class_counts("casme2_sq").set_index("class").loc["all", "printed_total"])
    micro, macro = facts["micro_expressions"], facts["macro_expressions"]
    return Finding(
        id="table-iv-casme2-sq",
        table="IV",
        statement=f"CAS(ME)² holds the {printed} micro-expression videos that Table IV counts",
        status="contradicted" if printed > micro else "holds",
        evidence=f"CAS(ME)² has {micro} micro-expressions and {macro} macro-expressions. At least {printed - micro} of "
        f"the {printed} clips, {(printed - micro) / printed:.0%}, must be something else."
        if printed > micro
        else f"CAS(ME)² has {micro} micro-expressions.",
        values={"printed": printed, "micro_expressions": micro, "macro_expressions": macro},
        rests_on="literature",
    )


def clip_durations() -> pd.DataFrame:
    """How long an annotated micro-expression lasts and how much the released code reads: milliseconds, by dataset.

    Returns
    -------
    DataFrame
        Index dataset; columns shortest_ms, longest_ms (of an annotated micro-expression), read_ms (the frames that a
        network gets), needed_ms (the shortest video from which they can be taken).
    """
    rows = {}
    for dataset in paper.DATASETS:
        facts, entry = paper.dataset_facts(dataset), released.released_file("micro_exp_stcnn", dataset)
        frames = [*facts["micro_frames"], entry["frames"], entry["first_frame"] + entry["frames"]]
        rows[dataset] = [1000 * number / facts["fps"] for number in frames]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["shortest_ms", "longest_ms", "read_ms", "needed_ms"])


def check_durations() -> Finding:
    """Whether the frames that are read can be one micro-expression of CAS(ME)²."""
    row, entry = clip_durations().loc["casme2_sq"], released.released_file("micro_exp_stcnn", "casme2_sq")
    fps, last = paper.dataset_facts("casme2_sq")["fps"], entry["first_frame"] + entry["frames"] - 1
    longer = row["read_ms"] > row["longest_ms"]
    return Finding(
        id="clip-duration",
        table="IV",
        statement=f"The {entry['frames']} frames of a CAS(ME)² clip show a micro-expression",
        status="contradicted" if longer else "holds",
        evidence=(
            f"{entry['frames']} frames at {fps} fps last {row['read_ms'] / 1000:.1f} s; micro-expressions last "
            f"{row['shortest_ms']:.0f} to {row['longest_ms']:.0f} ms by the dataset's annotation, so at most "
            f"{row['longest_ms'] / row['read_ms']:.0%} of what a network reads can be one. The code reads frames "
            f"{entry['first_frame']} to {last}, for which a video must last {row['needed_ms'] / 1000:.1f} s."
        ),
        values={name: round(float(value), 1) for name, value in row.items()},
        rests_on="literature",
    )


def check_confusion_matrices() -> Finding:
    """Whether the matrices of Tables VI and VII agree with Table IV's counts and Table V's accuracies."""
    wrong, told = [], []
    for dataset in paper.DATASETS:
        facts = paper.confusion_facts(dataset)
        counts, title = list(validation_counts(dataset).values()), f"Table {facts['table']}"
        if facts["row_totals"] != counts:
            wrong.append(f"{title} has rows of {facts['row_totals']}, Table IV counts {counts}")
        score, printed = (
            100 * facts["correct"] / sum(facts["row_totals"]),
            100 * paper.accuracy("micro_exp_stcnn", dataset),
        )
        if abs(score - printed) > TWO_DECIMALS + 1e-9:
            wrong.append(f"{title} has {facts['correct']} right, {score:.2f} %, Table V prints {printed:.2f} %")
        matrices = paper.feasible_confusion_matrices(dataset)
        if not matrices:
            wrong.append(f"no matrix has the rows, the correct predictions, the UF1 and the UAR of {title}")
        told.append(f"{title}: rows {facts['row_totals']}, {facts['correct']} right, {len(matrices)} possible")
    return Finding(
        id="confusion-matrices",
        table="VI, VII",
        statement="The confusion matrices agree with Table IV's counts and Table V's accuracies",
        status="contradicted" if wrong else "holds",
        evidence="; ".join(wrong or told) + ".",
        values={"wrong": wrong},
    )


def recalls(dataset: str) -> dict[str, tuple[int, int]]:
    """Correct predictions and clips of every class, which all matrices that agree with the facts have in common."""
    facts, matrices = paper.confusion_facts(dataset), paper.feasible_confusion_matrices(dataset)
    diagonals = {tuple(int(value) for value in np.diag(matrix)) for matrix in matrices}
    if len(diagonals) != 1:
        return {}
    return dict(zip(facts["classes"], zip(diagonals.pop(), facts["row_totals"], strict=True), strict=True))


def check_class_scores(dataset: str) -> Finding:
    """UF1, UAR and the recall of each class that follow from a confusion matrix; whether each class beats a guess."""
    facts, found = paper.confusion_facts(dataset), recalls(dataset)
    matrices = paper.feasible_confusion_matrices(dataset)
    chance = 1 / len(facts["classes"])
    weak = [name for name, (right, total) in found.items() if wilson_interval(right, total)[0] <= chance]
    scores = [(uf1(matrix), uar(matrix)) for matrix in matrices]
    if not scores:
        status, told = "not recorded", f"No matrix agrees with what is recorded of Table {facts['table']}."
    else:
        status = "note"
        told = (
            f"The printed matrix has UF1 {float(scores[0][0]):.3f} and UAR {float(scores[0][1]):.3f} beside an "
            f"accuracy of {facts['correct'] / sum(facts['row_totals']):.3f}; recall by class: "
            + ", ".join(f"{name} {right}/{total}" for name, (right, total) in found.items())
            + (f". With so few clips, that of {' and '.join(weak)} may be a guess among three." if weak else ".")
        )
    return Finding(
        id=f"class-scores-{dataset.replace('_', '-')}",
        table=facts["table"],
        statement=f"Scores that weigh the classes of {TITLES[dataset]} alike, computed from Table {facts['table']}",
        status=status,
        evidence=told,
        values={"uf1": facts["uf1"], "uar": facts["uar"], "recall": {name: list(pair) for name, pair in found.items()}},
    )


def published_intervals() -> pd.DataFrame:
    """The accuracies of Table V with the number of clips that explains them, Wilson's 95 % interval, and references.

    Returns
    -------
    DataFrame
        ``model``, ``dataset``, ``percent``; ``n``: Table IV's validation clips if the percentage is a share of them,
        else the entries that the released code feeds; ``held_out``; ``low``, ``high`` in percent; ``majority``: what
        always answering the commonest class scores on Table IV's validation clips; ``prior``, ``prior_method``: the
        best earlier method of Table V.
    """
    rows = []
    for row in printed_accuracies().itertuples():
        held_out = bool(pd.notna(row.k))
        n = row.n if held_out else released.clip_count(row.model, row.dataset)
        low, high = wilson_interval(round(row.percent * n / 100), n)
        counts = validation_counts(row.dataset)
        prior = best_prior(row.dataset)
        rows.append(
            {
                "model": row.model, "dataset": row.dataset, "percent": row.percent, "n": n, "held_out": held_out,
                "low": 100 * low, "high": 100 * high, "majority": 100 * max(counts.values()) / sum(counts.values()),
                "prior": prior[1], "prior_method": prior[0],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def best_prior(dataset: str) -> tuple[str, float]:
    """The earlier method with the highest accuracy that Table V lists under a dataset, and that accuracy in percent."""
    table = paper.accuracies()
    earlier = table[table["year"] != "proposed"].dropna(subset=[dataset]).set_index("method")[dataset]
    return str(earlier.idxmax()), float(earlier.max())


def check_beats(dataset: str, reference: str) -> Finding:
    """Whether MicroExpSTCNN's interval lies above the best earlier method's accuracy, or above the majority class.

    `note`: the accuracy is higher, but the other number lies within the interval.

    Parameters
    ----------
    reference : {"prior", "majority"}
    """
    table = published_intervals()
    row = table[(table["model"] == "micro_exp_stcnn") & (table["dataset"] == dataset)].iloc[0]
    other = float(row[reference])
    name = row["prior_method"] if reference == "prior" else "always answering the commonest class"
    status = "contradicted" if row["percent"] <= other else "holds" if row["low"] > other else "note"
    place = "below" if row["low"] > other else "within" if row["high"] >= other else "above"
    subject = "every earlier method of Table V" if reference == "prior" else name
    return Finding(
        id=f"beats-{reference}-{dataset.replace('_', '-')}",
        table="V",
        statement=f"MicroExpSTCNN's accuracy on {TITLES[dataset]} is above that of {subject}",
        status=status,
        evidence=(
            f"{row['percent']:.2f} % of {row['n']} clips has a 95 % interval of {row['low']:.1f} to "
            f"{row['high']:.1f} %; the {other:.2f} % of {name} lies {place} it."
        ),
        values={
            "published": float(row["percent"]), "n": int(row["n"]),
            "low": round(float(row["low"]), 2), "high": round(float(row["high"]), 2),
            "reference": round(other, 2), "reference_name": name,
        },
    )  # fmt: skip


def check_prior_dataset() -> Finding:
    """Whether the earlier methods of Table V were measured on the dataset under which they stand."""
    table = paper.accuracies()
    misplaced = []
    for row in table[table["year"] != "proposed"].to_dict("records"):
        own = row["measured_on"].split()
        misplaced += [
            {"method": row["method"], "accuracy": row[dataset], "under": dataset, "measured_on": own}
            for dataset in paper.DATASETS
            if pd.notna(row[dataset]) and own and dataset not in own
        ]
    names = {"casme": "CASME", "casme2": "CASME II", **TITLES}
    told = [
        f"{one['accuracy']:.2f} % of {one['method']} stands under {TITLES[one['under']]}; its source worked on "
        f"{' and '.join(names[name] for name in one['measured_on'])}"
        for one in misplaced
    ]
    left = {
        dataset: int(table[table["year"] != "proposed"][dataset].notna().sum())
        - sum(one["under"] == dataset for one in misplaced)
        for dataset in paper.DATASETS
    }
    empty = [TITLES[dataset] for dataset, count in left.items() if count == 0]
    return Finding(
        id="prior-dataset",
        table="V",
        statement="The earlier methods of Table V were measured on the dataset under which they stand",
        status="contradicted" if misplaced else "holds",
        evidence=(
            f"{'; '.join(told)}."
            + (f" No earlier method is left to compare with on {', '.join(empty)}." if empty else "")
            if told
            else "No source that is recorded here worked on another dataset."
        ),
        values={"misplaced": misplaced, "left": left},
        rests_on="literature",
    )


def check_same_clips() -> Finding:
    """Whether the three networks were ranked on the same clips."""
    table = published_intervals()
    told, different = [], []
    for dataset, rows in table.groupby("dataset", sort=False):
        sizes = rows["n"].tolist()
        if len(set(sizes)) > 1:
            different.append(dataset)
        told.append(f"on {TITLES[dataset]} {', '.join(f'{row.percent:.2f} % of {row.n}' for row in rows.itertuples())}")
    return Finding(
        id="ranking-same-clips",
        table="V",
        statement="The three networks are ranked by their accuracy on the same clips",
        status="contradicted" if different else "holds",
        evidence=f"{'; '.join(told)[:1].upper()}{'; '.join(told)[1:]}.",
        values={dataset: rows["n"].tolist() for dataset, rows in table.groupby("dataset", sort=False)},
        rests_on="code",
    )
