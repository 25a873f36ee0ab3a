"""What the front page says first: the findings of most consequence, and what the habits behind them were worth.

Nothing is written here that the audit or a chapter did not find: a line whose finding no longer contradicts, or whose
runs are missing, disappears.
"""

from collections.abc import Mapping, Sequence

from lib.audit import Finding
from lib.core.catalogue import DATASET_TITLES
from lib.statistics.intervals import Interval, Range
from lib.book.verdicts import Results
from lib.report.wording import count, interval_in_points, range_in_points, uf1_change

# line -> the finding that carries it, if it contradicts; its numbers stand with the claims below and in the audit
LINES_BY_FINDING = {
    "The accuracies of MicroExpFuseNet were not measured on held-out clips.": "held-out-intermediate-casme2-sq",
    "On SMIC, MicroExpSTCNN's last epochs are on average below an earlier method.": "mean-beats-prior-smic",
    "On CAS(ME)² no method is listed that was measured there.": "prior-left-casme2-sq",
    "One network's last epochs do worse than one answer to every clip.": "mean-above-constant",
    "Table IX contradicts the conclusion that deeper kernels are better.": "deeper-kernels",
    "No code of that time trained on the eyes and the mouth of one clip.": "fused-version",
    "Most clips of CAS(ME)² cannot be micro-expressions.": "table-iv-casme2-sq",
}
LARGEST_CHANGES = 4


def headlines(findings: Sequence[Finding], results: Results) -> str:
    """Markdown: a list by arithmetic, and a list by measurement where chapters have measured something."""
    by_id = {finding.id: finding for finding in findings}
    told = [f"- {line}" for line, name in LINES_BY_FINDING.items() if by_id[name].status == "contradicted"]
    text = ""
    if told:
        text += (
            "By arithmetic on printed numbers, released code and the literature ([how](chapters/paper/09_audit)):\n\n"
            + "\n".join(told)
            + "\n"
        )
    measured = [line for where, content in results.items() for line in _measured(where, content)]
    if measured:
        text += (
            "\nBy training again, how such habits change an accuracy, or UF1 where accuracy shows nothing (95 % "
            "intervals over seeds; the range where a change cannot be negative):\n\n" + "\n".join(measured) + "\n"
        )
    return text


def _measured(where: tuple[str, str], content: Mapping) -> list[str]:
    """The lines of one chapter; most have none."""
    dataset, notebook = where
    if notebook not in LINES:
        return []
    data = DATASET_TITLES[dataset]
    if content["provenance"]["standin"]:
        data = f"rendered faces in place of {data}"
    return LINES[notebook](content["results"], f"[{data}](chapters/{dataset}/{notebook})")


def _best_epoch(found: Mapping, place: str) -> list[str]:
    scores = found["scores"].get("micro_exp_stcnn/permuted_labels")
    if scores is None or "mean" not in scores["gain_of_best"]:  # kept from an earlier version
        return []
    told = "one seed" if len(scores["seeds"]) == 1 else count(len(scores["seeds"]), "seed")
    return [
        "- **Reporting the best epoch.** Where labels are permuted and there is nothing to learn, on "
        f"{place}: {range_in_points(Range(**scores['gain_of_best']))}, {told}."
    ]


def _shortcuts(found: Mapping, place: str) -> list[str]:
    rows = [row for row in found["switches"] if "directions" in row]  # lacking in what an earlier version kept
    told, n_measured = [], 0
    for name, written in (("accuracy", interval_in_points), ("uf1", uf1_change)):
        changes = {row["title"]: Interval.from_dict(row[f"{name}_change"]) for row in rows}
        n_measured += sum(change.low == change.low for change in changes.values())
        shown = [row["title"] for row in rows if row["directions"][name] != "open"]
        if name == "uf1":  # where accuracy is blind
            shown = [row["title"] for row in rows if row["title"] in shown and row["directions"]["accuracy"] == "open"]
        largest = sorted(shown, key=lambda title: -abs(changes[title].estimate))[:LARGEST_CHANGES]
        told += [f"{title} {'UF1 ' if name == 'uf1' else ''}{written(changes[title])}" for title in largest]
    if not told:
        return []
    return [
        f"- **One shortcut at a time**, on {place}: {'; '.join(told)}. Of {n_measured} intervals, "
        f"{0.05 * n_measured:.1f} would exclude zero by chance."
    ]


LINES = {"06_comparison": _best_epoch, "10_shortcuts": _shortcuts}
