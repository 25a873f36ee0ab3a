"""Tables and sentences of the audit chapter, made from findings. Each sentence function returns Markdown text."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from lib import paper
from lib.audit import STATUSES, Finding, accuracies, counts, released, splits
from lib.audit.accuracies import FUSENETS, LARGEST
from lib.audit.lattice import explaining_sizes, nearest_count
from lib.audit.splits import STCNN
from lib.paper import DATASET_TITLES as TITLES
from lib.report.tables import files_text, readable

SYMBOLS = {"contradicted": "✗", "holds": "✓", "note": "○", "not recorded": "–"}
LABELS = {"contradicted": "contradicted", "holds": "holds", "note": "left open", "not recorded": "not recorded"}
RESTS_ON = {"printed": "printed numbers", "code": "also on the code", "literature": "also on literature"}
COLOURS = {"contradicted": "#b3541e", "holds": "#2e7d4f", "note": "#4c72b0", "not recorded": "#8c8c8c"}
DATASET_NAMES = {**TITLES, "casme": "CASME", "casme2": "CASME II"}


def findings_table(findings: Iterable[Finding]) -> Styler:
    """Every finding in the order given: verdict, table, statement, evidence, what it rests on; verdicts in colour."""
    table = pd.DataFrame(
        [
            {
                "": f"{SYMBOLS[one.status]} {LABELS[one.status]}",
                "table": one.table,
                "statement": one.statement,
                "evidence": one.evidence.replace("*", ""),
                "rests on": RESTS_ON[one.rests_on],
            }
            for one in findings
        ]
    )
    colours = {f"{SYMBOLS[status]} {LABELS[status]}": colour for status, colour in COLOURS.items()}
    widths = {"": "15%", "table": "8%", "statement": "24%", "evidence": "41%", "rests on": "12%"}
    return readable(table, widths).map(lambda cell: f"color: {colours[cell]}; font-weight: bold", subset=[""])


def text_table(findings: Sequence[Finding]) -> str:
    """The findings as plain text for a terminal: a line each with verdict, id, table and statement."""
    width = max(len(one.id) for one in findings)
    lines = [
        f"{SYMBOLS[one.status]} {LABELS[one.status]:12}  {one.id:{width}}  {one.table:9}  {one.statement}"
        for one in findings
    ]
    return "\n".join(lines)


def summary_sentences(findings: Sequence[Finding]) -> str:
    """How many checks there are, what became of them, and on what the contradictions rest."""
    number = Counter(one.status for one in findings)
    told = {
        "contradicted": "contradict what the paper says or implies",
        "holds": "agree with it",
        "note": "leave it open",
        "not recorded": "need cells that are not recorded here",
    }
    parts = [f"**{number[status]}** {told[status]}" for status in STATUSES if number[status]]
    text = (
        f"Of {len(findings)} checks, {', '.join(parts[:-1])} and {parts[-1]}. They are not independent: some facts are "
        "counted in several."
    )
    resting = Counter(one.rests_on for one in findings if one.status == "contradicted")
    if resting:
        text += (
            f" Of the contradictions {resting['printed']} rest on the printed numbers alone, {resting['code']} also on "
            f"the released code, and {resting['literature']} on what others published of datasets and earlier methods."
        )
    return text


def verdicts(findings: Sequence[Finding], *ids: str) -> str:
    """One paragraph for each finding: its statement, the verdict, and the evidence.

    Raises
    ------
    KeyError
        An id that no finding has.
    """
    known = {one.id: one for one in findings}
    return "\n\n".join(
        f"{SYMBOLS[one.status]} *{one.statement}*: **{LABELS[one.status]}**. {one.evidence}"
        for one in (known[name] for name in ids)
    )


def accuracy_sizes() -> pd.DataFrame:
    """Table V's accuracies against Table IV's validation clips, and the sizes that each could be a share of.

    Returns
    -------
    DataFrame
        Index (network, dataset); columns printed, nearest share of the validation clips, possible, sizes.
    """
    rows = {}
    for row in accuracies.printed_accuracies().itertuples():
        nearest = nearest_count(row.percent, row.n)
        rows[(paper.METHOD_NAMES[row.model], TITLES[row.dataset])] = {
            "printed": f"{row.percent:.2f} %",
            "nearest share of the validation clips": f"{nearest}/{row.n} = {100 * nearest / row.n:.2f} %",
            "possible": "yes" if pd.notna(row.k) else "no",
            "first sizes that explain it": ", ".join(map(str, explaining_sizes([row.percent], LARGEST)[:6])),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["network", "dataset"])


def intervals() -> pd.DataFrame:
    """Table V's accuracies as k/n with Wilson's interval, the majority share and the best earlier method."""
    table = counts.published_intervals()
    return pd.DataFrame(
        {
            "accuracy": [f"{row.percent:.2f} %" for row in table.itertuples()],
            "share": [f"{round(row.percent * row.n / 100)}/{row.n}" for row in table.itertuples()],
            "clips": ["held out" if held_out else "all, training clips too" for held_out in table["held_out"]],
            "95 % interval": [f"{row.low:.1f} to {row.high:.1f} %" for row in table.itertuples()],
            "commonest class": [f"{value:.1f} %" for value in table["majority"]],
            "best earlier method": [f"{row.prior:.2f} % ({row.prior_method})" for row in table.itertuples()],
        },
        index=pd.MultiIndex.from_arrays(
            [table["model"].map(paper.METHOD_NAMES), table["dataset"].map(TITLES)], names=["network", "dataset"]
        ),
    )


def candidate_splits(dataset: str) -> pd.DataFrame:
    """Class counts from every source, what the released seed holds out of them, and whether Table IV prints that."""
    table = splits.candidates(dataset)
    return pd.DataFrame(
        {
            "clips by class": ["/".join(map(str, row)) for row in table["counts"]],
            "clips": table["clips"].to_numpy(),
            "held out by class": ["/".join(map(str, row)) for row in table["held_out"]],
            "as printed": ["yes" if fits else "no" for fits in table["reproduces"]],
            "chance with another seed": [f"{chance:.1%}" for chance in table["chance"]],
        },
        index=pd.Index(table["source"], name=f"{TITLES[dataset]}, class counts of"),
    )


def chances_of_a_pair() -> dict[str, str]:
    """How easily two arbitrary percentages would be explained as the two FuseNets' are, by dataset."""
    told = {}
    for dataset in paper.DATASETS:
        fed = released.clip_count(FUSENETS[0], dataset)
        chances = accuracies.chances_of_a_pair(fed)
        told[f"{TITLES[dataset]}, exactly {fed} clips"] = f"{chances['chance_of_fed']:.2%}"
    told[f"any size up to {LARGEST}"] = f"at most {chances['chance_of_any']:.0%}"
    return told


def clip_sentences() -> str:
    """What a network reads of an annotated micro-expression, and where the annotation is from."""
    table, told = counts.clip_durations(), []
    unordered = paper.code_differences().set_index("id")["files"]["frame-order"]
    for dataset, row in table.iterrows():
        entry, facts = released.released_file(STCNN, dataset), paper.dataset_facts(dataset)
        if row["read_ms"] > row["longest_ms"]:
            share = row["longest_ms"] / row["read_ms"]
            told.append(
                f"On {TITLES[dataset]} at least {1 - share:.0%} of what a network reads is no micro-expression."
            )
        else:
            told.append(
                f"On {TITLES[dataset]} it sees {entry['frames']} of up to {facts['micro_frames'][1]} frames"
                + (", and which ones depends on the file system." if entry["path"] in unordered else ".")
            )
    sources = "; ".join(f"{TITLES[name]}, {paper.dataset_facts(name)['micro_frames_from']}" for name in table.index)
    return f"{' '.join(told)} Durations are from: {sources}."


def durations() -> pd.DataFrame:
    """What an annotated micro-expression lasts, what a network reads, and what a video must hold: seconds."""
    table = counts.clip_durations() / 1000
    table.index = table.index.map(TITLES)
    return table.set_axis(
        ["shortest micro-expression (s)", "longest (s)", "read by the network (s)", "length of video needed (s)"],
        axis="columns",
    )


def differences() -> Styler:
    """Paper against released code, those first that move the printed accuracy."""
    table = paper.code_differences()
    order = {"raises": 0, "changes": 1, "unknown": 2, "none": 3}
    table = table.sort_values("effect", key=lambda effects: effects.map(order), kind="stable")
    shown = pd.DataFrame(
        {
            "effect on the number": table["effect"],
            "paper": table["paper"].where(table["paper"] != "", "not recorded here"),
            "code": table["code"],
            "so that": table["consequence"],
            "files": [files_text(files) for files in table["files"]],
            "version": table["version"],
        }
    )
    widths = {"effect on the number": "11%", "paper": "18%", "code": "22%", "so that": "22%"}
    return readable(shown, {**widths, "files": "16%", "version": "11%"})
