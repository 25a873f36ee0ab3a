"""Table IV, the confusion matrices of Tables VI and VII, and the clips themselves: how many there are, and how long."""

import itertools

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from lib.audit import paper, released
from lib.audit.accuracies import printed_counts, printed_total, validation_counts
from lib.audit.architectures import KERNEL
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import TWO_DECIMALS
from lib.audit.paper import CONFUSION_TABLES, DATASET_TITLES, STCNN
from lib.statistics.metrics import uar, uf1


@check("table-iv-sums", "IV")
def check_sums() -> Outcome:
    """The rows and the columns of Table IV sum to its totals."""
    sums = []  # (what is summed, its parts, the printed sum)
    for dataset, title in DATASET_TITLES.items():
        table = paper.class_counts(dataset)
        sums += [(f"{name} of {title}", part.drop("all").tolist(), part["all"]) for name, part in table.items()]
        sums += [(f"*{name}* of {title}", [row.training, row.validation], row.total) for name, row in table.iterrows()]
    wrong = [
        f"{listed(parts, ' + ')} = {sum(parts)} ({what}), where {printed} is printed"
        for what, parts, printed in sums
        if sum(parts) != printed
    ]
    evidence = f"{len(wrong)} of {len(sums)} sums are wrong: {listed(wrong, '; ')}."
    return not wrong, evidence, {"wrong": wrong, "checked": len(sums)}


@check("table-iv-exchange", "IV", "code")
def check_exchange() -> Outcome:
    """Table IV's training clips are each class's clips less its own validation clips.

    Where they are not, the validation clips of another class may have been taken away: an order of the classes is
    sought that explains all of a dataset's training clips.
    """
    moved = {}
    for dataset in paper.DATASETS:
        clips = np.array(released.class_sizes(STCNN, dataset))
        parts = (printed_counts(dataset, column).values() for column in ("training", "validation"))
        training, validation = (np.array(list(part)) for part in parts)
        names, orders = released.classes(dataset), map(list, itertools.permutations(range(len(clips))))
        order = next((one for one in orders if (clips - validation[one] == training).all()), [])
        if wrong := {names[k]: names[other] for k, other in enumerate(order) if k != other}:
            moved[dataset] = wrong
    told = (
        f"*{name}* of {DATASET_TITLES[dataset]}, {printed_counts(dataset, 'training')[name]}, are the code's less "
        f"the {validation_counts(dataset)[other]} of *{other}*"
        for dataset, wrong in moved.items()
        for name, other in wrong.items()
    )
    evidence = f"Training clips that miss those of another class: {listed(told, '; ')}."
    return not moved, evidence, {"exchanged": moved}


@check("table-iv-smic", "IV", "literature")
def check_official_counts() -> Outcome:
    """SMIC holds the clips that Table IV counts."""
    printed, official = printed_counts("smic", "total"), paper.dataset_facts("smic")["clips"]
    too_many = {name: [count, official[name]] for name, count in printed.items() if count > official[name]}
    told = (f"{count} *{name}*, where SMIC has {has}" for name, (count, has) in too_many.items())
    evidence = f"More clips than the dataset has: {listed(told, '; ')}."
    return not too_many, evidence, {"impossible": too_many}


@check("smic-total", "IV, text IV-A", "literature")
def check_smic_total() -> Outcome:
    """The HS profile of SMIC consists of {printed} micro-expression videos."""
    total, official = printed_total("smic"), paper.dataset_facts("smic")["micro_expressions"]
    more_than = paper.text()["frames_more_than"]["smic"]
    evidence = f"It has {official}. Those of more than {more_than} frames may be {total}."
    return (True if total == official else None), evidence, {"printed": total, "official": official}


@check("smic-profiles", "text IV-A", "literature")
def check_smic_profiles() -> Outcome:
    """The other profiles of SMIC do not suit deep 3-D filters."""
    facts = paper.dataset_facts("smic")
    seconds = facts["micro_frames"][1] / facts["fps"]
    longest = int(seconds * facts["other_profiles_fps"])
    evidence = (
        f"SMIC's longest micro-expression, {seconds:.2f} s, has {longest} frames at {facts['other_profiles_fps']} "
        f"a second; the filter is {KERNEL[2]} deep."
    )
    return longest < KERNEL[2], evidence, {"longest": longest, "depth": KERNEL[2]}


@check("table-iv-casme2-sq", "IV", "literature")
def check_micro_expressions() -> Outcome:
    """CAS(ME)² holds the {printed} micro-expression videos that Table IV counts."""
    facts, printed = paper.dataset_facts("casme2_sq"), printed_total("casme2_sq")
    micro, macro = facts["micro_expressions"], facts["macro_expressions"]
    evidence = (
        f"CAS(ME)² has {micro} micro-expressions and {macro} macro-expressions. At least "
        f"{max(printed - micro, 0)} of the {printed} clips must be something else."
    )
    return printed <= micro, evidence, {"printed": printed, "micro_expressions": micro, "macro_expressions": macro}


@check("long-videos", "IV, text IV-A", "literature")
def check_long_videos() -> Outcome:
    """CAS(ME)² holds {printed} expressions of more than 96 frames."""
    facts, printed = paper.dataset_facts("casme2_sq"), printed_total("casme2_sq")
    most = facts["with_offset"] - facts["shorter_than_96"] + facts["without_offset"]
    by_film, by_report = (
        listed(f"{count} {name}" for name, count in facts[how].items()) for how in ("by_film", "by_self_report")
    )
    evidence = (
        f"{facts['shorter_than_96']} of the {facts['with_offset']} clips whose offset is annotated are shorter; "
        f"with those that have no offset, at most {most} are left. By eliciting film the clips are {by_film}, by "
        f"self-report {by_report}."
    )
    return printed <= most, evidence, {"printed": printed, "most": most}


def clip_durations() -> pd.DataFrame:
    """Milliseconds by dataset: of the shortest and longest annotated micro-expression, and of what the code reads.

    ``needed_ms`` is the shortest video from which the frames of ``read_ms`` can be taken.
    """
    rows = {}
    for dataset in paper.DATASETS:
        facts, entry = paper.dataset_facts(dataset), released.released_file(STCNN, dataset)
        frames = [*facts["micro_frames"], entry["frames"], entry["first_frame"] + entry["frames"]]
        rows[dataset] = [1000 * number / facts["fps"] for number in frames]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["shortest_ms", "longest_ms", "read_ms", "needed_ms"])


@check("clip-duration", "IV", "literature")
def check_durations() -> Outcome:
    """The frames that are read of a CAS(ME)² clip show a micro-expression."""
    row, frames = clip_durations().loc["casme2_sq"], released.released_file(STCNN, "casme2_sq")["frames"]
    evidence = (
        f"{frames} frames at {paper.dataset_facts('casme2_sq')['fps']} a second last {row['read_ms'] / 1000:.1f} "
        f"s; micro-expressions last {row['shortest_ms']:.0f} to {row['longest_ms']:.0f} ms by the dataset's "
        f"annotation, {100 * row['longest_ms'] / row['read_ms']:.0f} % of that at most."
    )
    return row["read_ms"] <= row["longest_ms"], evidence, {name: round(float(value), 1) for name, value in row.items()}


@check("annotated-durations", "text I", "literature")
def check_annotated_durations() -> Outcome:
    """A micro-expression lasts the {said} ms that the text gives it."""
    said, rows = paper.text()["micro_expression_ms"], clip_durations()
    told = (
        f"those of {DATASET_TITLES[dataset]} {row['shortest_ms']:.0f} to {row['longest_ms']:.0f} ms"
        for dataset, row in rows.iterrows()
    )
    agrees = bool((rows["shortest_ms"] <= said).any())
    return agrees, f"By their annotation {listed(told, ', ')} last.", {"said": said}


@check("early-frames", "text I", "code")
def check_early_frames() -> Outcome:
    """The networks read the early frames of a CAS(ME)² video, where the text says that a micro-expression is."""
    row, entry, said = clip_durations().loc["casme2_sq"], released.released_file(STCNN, "casme2_sq"), paper.text()
    skipped, times = entry["first_frame"], row["read_ms"] / said["micro_expression_ms"]
    evidence = (
        f"The code skips the first {skipped} frames, {(row['needed_ms'] - row['read_ms']) / 1000:.1f} s, and reads "
        f"{entry['frames']}, {times:.0f} times the {said['micro_expression_ms']} ms that the text gives a "
        "micro-expression."
    )
    return not skipped, evidence, {"skipped": skipped, "read": entry["frames"], "times": round(times, 1)}


def matrix(dataset: str) -> pd.DataFrame:
    """Table VI or VII, rows and columns in the order of the released code's labels."""
    names = released.classes(dataset)
    return paper.confusion_matrix(dataset).loc[names, names]


@check("confusion-matrices", "VI, VII")
def check_confusion_matrices() -> Outcome:
    """The confusion matrices agree with Table IV's counts and Table V's accuracies."""
    wrong, told = [], []
    for dataset, title in CONFUSION_TABLES.items():
        cells, counts = matrix(dataset).to_numpy(), list(validation_counts(dataset).values())
        rows, right = cells.sum(axis=1).tolist(), int(np.trace(cells))
        score, printed = 100 * right / cells.sum(), 100 * paper.accuracy(STCNN, dataset)
        if rows != counts:
            wrong.append(f"Table {title} has rows of {rows}, Table IV counts {counts}")
        if abs(score - printed) > TWO_DECIMALS + 1e-9:
            wrong.append(f"Table {title} has {right} right, {score:.2f} %, Table V prints {printed:.2f} %")
        told.append(f"Table {title}: {right} of {cells.sum()} right, {score:.2f} %")
    evidence = f"{listed(told, '; ')}. Disagreements: {listed(wrong, '; ')}."
    return not wrong, evidence, {"wrong": wrong}


@check("class-scores-{dataset}", "{table}")
def check_class_scores(dataset: str) -> Outcome:
    """Scores that weigh the classes of {dataset} alike, computed from Table {table}."""
    table = matrix(dataset)
    cells = table.to_numpy()
    recall = {name: (int(table.loc[name, name]), int(table.loc[name].sum())) for name in table.index}
    lowest = {name: proportion_confint(*own, method="wilson")[0] for name, own in recall.items()}
    weak = [name for name, low in lowest.items() if low <= 1 / len(recall)]
    evidence = (
        f"UF1 is {uf1(cells):.3f} and UAR {uar(cells):.3f}, accuracy {np.trace(cells) / cells.sum():.3f}. Recall: "
        f"{listed(f'{name} {right}/{total}' for name, (right, total) in recall.items())}; that may be a guess "
        f"among {len(recall)}, by its 95 % interval: {listed(weak)}."
    )
    values = {"uf1": round(uf1(cells), 4), "uar": round(uar(cells), 4), "weak": weak}
    return None, evidence, values | {"recall": {name: list(pair) for name, pair in recall.items()}}
