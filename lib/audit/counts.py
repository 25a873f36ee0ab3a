"""Table IV, the confusion matrices of Tables VI and VII, and the clips themselves: how many there are, how long "
"they last."""

import itertools

import numpy as np
import pandas as pd

from lib.audit import paper, released
from lib.audit.accuracies import printed_counts, validation_counts
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS
from lib.audit.paper import CONFUSION_TABLES
from lib.audit.paper import DATASET_TITLES as TITLES
from lib.statistics.metrics import uar, uf1, wilson_interval

STCNN = "micro_exp_stcnn"
KERNEL_DEPTH = 15  # of the convolution in Tables I to III


def check_sums() -> Finding:
    """Whether the classes of Table IV sum to its totals, and training and validation clips to the clips of a class."""
    wrong, checked = [], 0
    for dataset in paper.DATASETS:
        table = paper.class_counts(dataset).set_index("class")
        for column, title in (("total", "clips"), ("training", "training clips"), ("validation", "validation clips")):
            classes, total = table[column].drop("all"), table.loc["all", column]
            checked += 1
            if classes.sum() != total:
                wrong.append(
                    f"{' + '.join(map(str, classes))} = {classes.sum()} {title} of {TITLES[dataset]}, where {total} "
                    "is printed"
                )
        for row in table.itertuples():
            checked += 1
            if row.training + row.validation != row.total:
                wrong.append(
                    f"{row.training} + {row.validation} = {row.training + row.validation} clips of *{row.Index}* of "
                    f"{TITLES[dataset]}, where {row.total} is printed"
                )
    return Finding(
        id="table-iv-sums",
        table="IV",
        statement="The rows and the columns of Table IV sum to its totals",
        status="contradicted" if wrong else "holds",
        evidence=f"{'; '.join(wrong)}." if wrong else f"All {checked} sums are right.",
        values={"wrong": wrong, "checked": checked},
    )


def exchanged(dataset: str) -> dict[str, str]:
    """Whose validation clips each class of Table IV was deprived of, if that explains its training clips: by class.

    The released code says how many clips a class has. Less its validation clips, that leaves its training clips; where
    Table IV prints others, they may be left by the validation clips of another class. Empty if nothing explains them.
    """
    names = released.classes(dataset)
    clips = dict(zip(names, released.class_sizes(STCNN, dataset), strict=True))
    training, validation = printed_counts(dataset, "training"), validation_counts(dataset)
    for order in itertools.permutations(names):  # the first is the identity
        if all(clips[name] - validation[other] == training[name] for name, other in zip(names, order, strict=True)):
            return dict(zip(names, order, strict=True))
    return {}


def check_exchange() -> Finding:
    """Whether Table IV takes from each class its own validation clips, given the clips that the code labels."""
    moved, told = {}, []
    for dataset in paper.DATASETS:
        clips = dict(zip(released.classes(dataset), released.class_sizes(STCNN, dataset), strict=True))
        validation = validation_counts(dataset)
        wrong = {name: other for name, other in exchanged(dataset).items() if name != other}
        if wrong:
            moved[dataset] = wrong
            told += [
                f"of {clips[name]} {name} clips the {validation[other]} validation clips of *{other}* are taken "
                "away, not its "
                f"own {validation[name]}"
                for name, other in wrong.items()
            ]
    return Finding(
        id="table-iv-exchange",
        table="IV",
        statement="Table IV's training clips are each class's clips less its own validation clips",
        status="contradicted" if moved else "holds",
        evidence=f"On {' and '.join(TITLES[name] for name in moved)} the validation counts were exchanged: "
        f"{'; '.join(told)}."
        if told
        else "They are, or no exchange of validation counts explains them.",
        values={"exchanged": moved},
        rests_on="code",
    )


def check_official_counts() -> Finding:
    """Whether SMIC holds as many clips of each class as Table IV counts."""
    printed, official = printed_counts("smic", "total"), paper.dataset_facts("smic")["clips"]
    too_many = {name: [count, official[name]] for name, count in printed.items() if count > official[name]}
    told = "; ".join(
        f"{count} clips of class *{name}* are printed where SMIC has {has}" for name, (count, has) in too_many.items()
    )
    return Finding(
        id="table-iv-smic",
        table="IV",
        statement="SMIC holds the clips that Table IV counts",
        status="contradicted" if too_many else "holds",
        evidence=f"{told}." if told else "No class has more clips than SMIC holds.",
        values={"impossible": too_many},
        rests_on="literature",
    )


def check_smic_total() -> Finding:
    """Whether the high-speed part of SMIC consists of as many clips as the text says."""
    total, official = printed_total("smic"), paper.dataset_facts("smic")["micro_expressions"]
    return Finding(
        id="smic-total",
        table="IV, text IV-A",
        statement=f"The HS profile of SMIC consists of {total} micro-expression videos",
        status="holds" if total == official else "contradicted",
        evidence=f"It has {official}. Those that last more than {paper.text()['frames_more_than']['smic']} frames "
        f"may be {total}; "
        "that they are all of it is wrong."
        if total != official
        else f"It has {official}.",
        values={"printed": total, "official": official},
        rests_on="literature",
    )


def check_smic_profiles() -> Finding:
    """Whether the 25 frames a second of SMIC's other profiles are too few for a kernel of 15 frames."""
    facts = paper.dataset_facts("smic")
    longest = int(facts["micro_frames"][1] / facts["fps"] * facts["other_profiles_fps"])
    return Finding(
        id="smic-profiles",
        table="text IV-A",
        statement="The other profiles of SMIC do not suit deep 3-D filters",
        status="holds" if longest < KERNEL_DEPTH else "contradicted",
        evidence=f"SMIC's longest micro-expression, {facts['micro_frames'][1] / facts['fps']:.2f} s, has {longest} "
        "frames at "
        f"{facts['other_profiles_fps']} a second; the filter is {KERNEL_DEPTH} deep.",
        values={"longest": longest, "depth": KERNEL_DEPTH},
        rests_on="literature",
    )


def printed_total(dataset: str) -> int:
    """Clips that Table IV prints in all."""
    return int(paper.class_counts(dataset).set_index("class").loc["all", "total"])


def check_micro_expressions() -> Finding:
    """Whether CAS(ME)² holds as many micro-expressions as Table IV counts clips of micro-expressions."""
    facts, printed = paper.dataset_facts("casme2_sq"), printed_total("casme2_sq")
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


def check_long_videos() -> Finding:
    """Whether CAS(ME)² has as many annotated clips of more than 96 frames as Table IV counts."""
    facts, printed = paper.dataset_facts("casme2_sq"), printed_total("casme2_sq")
    needed = paper.text()["frames_more_than"]["casme2_sq"]
    most = facts["with_offset"] - facts["shorter_than_96"] + facts["without_offset"]
    return Finding(
        id="long-videos",
        table="IV, text IV-A",
        statement=f"CAS(ME)² holds {printed} expressions of more than {needed} frames",
        status="contradicted" if printed > most else "holds",
        evidence=(
            f"{facts['shorter_than_96']} of the {facts['with_offset']} clips whose offset is annotated are shorter "
            f"than {needed} "
            f"frames; with those that have no offset, at most {most} are left. No label that a clip carries gives "
            "Table IV's "
            "classes: by eliciting film "
            + ", ".join(f"{count} {name}" for name, count in facts["by_film"].items())
            + ", by self-report "
            + ", ".join(f"{count} {name}" for name, count in facts["by_self_report"].items())
            + "."
        ),
        values={"printed": printed, "most": most},
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
        facts, entry = paper.dataset_facts(dataset), released.released_file(STCNN, dataset)
        frames = [*facts["micro_frames"], entry["frames"], entry["first_frame"] + entry["frames"]]
        rows[dataset] = [1000 * number / facts["fps"] for number in frames]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["shortest_ms", "longest_ms", "read_ms", "needed_ms"])


def check_durations() -> Finding:
    """Whether the frames that are read can be one micro-expression of CAS(ME)²."""
    row, frames = clip_durations().loc["casme2_sq"], released.released_file(STCNN, "casme2_sq")["frames"]
    return Finding(
        id="clip-duration",
        table="IV",
        statement=f"The {frames} frames of a CAS(ME)² clip show a micro-expression",
        status="contradicted" if row["read_ms"] > row["longest_ms"] else "holds",
        evidence=(
            f"{frames} frames at {paper.dataset_facts('casme2_sq')['fps']} a second last {row['read_ms'] / 1000:.1f} "
            "s; "
            f"micro-expressions last {row['shortest_ms']:.0f} to {row['longest_ms']:.0f} ms by the dataset's "
            "annotation, so at "
            f"most {row['longest_ms'] / row['read_ms']:.0%} of what a network reads can be one."
        ),
        values={name: round(float(value), 1) for name, value in row.items()},
        rests_on="literature",
    )


def check_early_frames() -> Finding:
    """Whether the code reads the early frames of a video, in which the text says that a micro-expression is."""
    row, entry, said = clip_durations().loc["casme2_sq"], released.released_file(STCNN, "casme2_sq"), paper.text()
    skipped, times = entry["first_frame"], row["read_ms"] / said["micro_expression_ms"]
    return Finding(
        id="early-frames",
        table="text I",
        statement="The networks read the early frames of a CAS(ME)² video, where the text says that a "
        "micro-expression is",
        status="contradicted" if skipped else "holds",
        evidence=(
            f"The code skips the first {skipped} frames, {(row['needed_ms'] - row['read_ms']) / 1000:.1f} s, and reads "
            f"{entry['frames']}, {times:.0f} times the {said['micro_expression_ms']} ms that the text gives a "
            "micro-expression."
        ),
        values={"skipped": skipped, "read": entry["frames"], "times": round(times, 1)},
        rests_on="code",
    )


def matrix(dataset: str) -> pd.DataFrame:
    """Table VI or VII, rows and columns in the order of the released code's labels."""
    names = released.classes(dataset)
    return paper.confusion_matrix(dataset).loc[names, names]


def check_confusion_matrices() -> Finding:
    """Whether the matrices of Tables VI and VII agree with Table IV's counts and Table V's accuracies."""
    wrong, told = [], []
    for dataset, title in CONFUSION_TABLES.items():
        cells, counts = matrix(dataset).to_numpy(), list(validation_counts(dataset).values())
        rows, right = cells.sum(axis=1).tolist(), int(np.trace(cells))
        score, printed = 100 * right / cells.sum(), 100 * paper.accuracy(STCNN, dataset)
        if rows != counts:
            wrong.append(f"Table {title} has rows of {rows}, Table IV counts {counts}")
        if abs(score - printed) > TWO_DECIMALS + 1e-9:
            wrong.append(f"Table {title} has {right} right, {score:.2f} %, Table V prints {printed:.2f} %")
        told.append(f"Table {title}: {right} of {cells.sum()} right, {score:.2f} %, as Table V prints")
    return Finding(
        id="confusion-matrices",
        table="VI, VII",
        statement="The confusion matrices agree with Table IV's counts and Table V's accuracies",
        status="contradicted" if wrong else "holds",
        evidence="; ".join(wrong or told) + ".",
        values={"wrong": wrong},
    )


def check_class_scores(dataset: str) -> Finding:
    """UF1, UAR and the recall of each class of a confusion matrix; and which classes may be no better than a guess."""
    table, title = matrix(dataset), CONFUSION_TABLES[dataset]
    cells = table.to_numpy()
    recall = {name: (int(table.loc[name, name]), int(table.loc[name].sum())) for name in table.index}
    weak = [name for name, (right, total) in recall.items() if wilson_interval(right, total)[0] <= 1 / len(recall)]
    return Finding(
        id=f"class-scores-{dataset.replace('_', '-')}",
        table=title,
        statement=f"Scores that weigh the classes of {TITLES[dataset]} alike, computed from Table {title}",
        status="note",
        evidence=(
            f"UF1 is {uf1(cells):.3f} and UAR {uar(cells):.3f} beside an accuracy of "
            f"{np.trace(cells) / cells.sum():.3f}; recall by "
            "class: " + ", ".join(f"{name} {right}/{total}" for name, (right, total) in recall.items())
            + (f". On so few clips, that of {' and '.join(weak)} may be a guess among {len(recall)}." if weak else ".")
        ),
        values={
            "uf1": round(uf1(cells), 4), "uar": round(uar(cells), 4), "weak": weak,
            "recall": {name: list(pair) for name, pair in recall.items()},
        },
    )  # fmt: skip
