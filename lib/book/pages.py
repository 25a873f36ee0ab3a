"""The tables of the prose pages, as Markdown; sentences around them stand in `book/*.md`, the front page's in `front`.

What a verdict is, `lib.book.verdicts` decides; here it is shown.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from lib.analysis.comparisons import direction
from lib.audit.paper import METHOD_NAMES, STCNN
from lib.book.chapters import NO_DATASET, OF_A_DATASET
from lib.book.profiles import Profile
from lib.book.verdicts import VERDICTS, Results, of_chapter
from lib.core import paths
from lib.core.catalogue import DATASET_TITLES
from lib.report.wording import interval_in_points, interval_text, percent, range_in_points
from lib.statistics.intervals import Interval, Range
from lib.training.records import record_in

UNFOLDED = 3  # so many answers of the judge are read at a glance
CALIBRATION = paths.REPOSITORY / "data" / "standin" / "difficulty.csv"
CONTROLS = {"none": "clips as they are", "shuffled_frames": "frames shuffled", "first_frame": "first frame repeated"}


def answers(chapter, found: Mapping, store) -> str:
    """What the judge says to the results `found` of a `lib.book.provenance.Chapter`, read from `store`, as Markdown.

    A line for each claim that they bear on; many are folded.
    """
    content = {"results": found, "provenance": chapter.source(store)}
    said = of_chapter(chapter.notebook, store.dataset, content)
    lines = [
        f"- {badge(judgement.verdict)} {claim.statement} *({claim.where})* {judgement.evidence}"
        for claim, judgement in said
    ]
    if len(lines) > UNFOLDED:
        counted = tally((judgement.verdict for _, judgement in said), ", ")
        lines = [f"<details><summary>{len(lines)} claims of the paper: {counted}</summary>\n", *lines, "\n</details>"]
    return "\n".join(lines) or "The paper claims nothing that these runs on these clips could test."


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict verdict-{verdict.replace(" ", "-")}" title="{VERDICTS[verdict]}">{verdict}</span>'


def tally(verdicts: Iterable[str], separator: str) -> str:
    """How often each verdict was given."""
    counts = Counter(verdicts)
    return separator.join(f"{badge(name)} {counts[name]}" for name in VERDICTS if counts[name])


def measured(results: Results) -> str:
    """Markdown: what habits of training and reporting were worth, where chapters measured it; largest gains first."""
    rows, tried = [], 0
    for (dataset, notebook), content in results.items():
        found, provenance = content["results"], content["provenance"]
        if dataset == NO_DATASET:
            continue
        title = f"{DATASET_TITLES[dataset]} ({data_kind(provenance)})"
        where = {"on": f"[{title}](chapters/{dataset}/{notebook})"}
        if permuted := found.get("scores", {}).get(f"{STCNN}/permuted_labels"):
            gain = Range(**permuted["gain_of_best"])
            best, one_class = percent(permuted["accuracy_best"]["estimate"]), percent(permuted["majority_share"])
            habit = f"reporting the best epoch, where labels are permuted: {best}, one class for all {one_class}"
            rows.append((gain.mean, {**where, "habit": habit, "accuracy": range_in_points(gain), "UF1": ""}))
        for row in found.get("switches", ()):
            tried += sum(row[f"{name}_change"]["low"] is not None for name in ("accuracy", "uf1"))
            if {*row["directions"].values()} != {"open"}:
                accuracy, uf1 = (Interval.from_dict(row[f"{name}_change"]) for name in ("accuracy", "uf1"))
                worth = uf1 if row["directions"]["accuracy"] == "open" else accuracy
                changes = {"accuracy": interval_in_points(accuracy), "UF1": interval_text(uf1, "+.3f")}
                rows.append((worth.estimate, {**where, "habit": row["title"], **changes}))
        for row in found.get("as_released", ()):
            change = Interval.from_dict(row["change"])
            tried += not math.isnan(change.low)
            if direction(change, row["pairs"]) != "open":
                habit = f"the released code's protocol, scored on its clips and labels, {METHOD_NAMES[row['model']]}"
                row_of = {**where, "habit": habit, "accuracy": interval_in_points(change), "UF1": ""}
                rows.append((change.estimate, row_of))
    ordered = [row for _, row in sorted(rows, key=lambda one: -one[0])]
    chance = f"\n\n{tried} intervals were looked at; by chance {0.05 * tried:.1f} of them would exclude zero."
    return _markdown(ordered, "Nothing of this has been measured in this build.") + (chance if tried else "")


def run_table(profile: Profile, results: Results, with_page: Sequence[tuple[str, str]], folders: Sequence[Path]) -> str:
    """Markdown: what is planned, finished and missing, a row for each chapter that stands on runs.

    `results` may hold None for a chapter that was not executed; those in `with_page` are linked. Run records are
    looked for in each of the `folders`.
    """
    rows, devices = [], set()
    commits = {content["provenance"]["commit"] for content in results.values() if content}
    for dataset, notebook in profile.chapters():
        planned = len(profile.runs(dataset, notebook)) if dataset != NO_DATASET else 0
        if not planned:
            continue
        content = results.get((dataset, notebook))
        provenance = content["provenance"] if content else {"runs": [], "devices": [], "run_seconds": 0.0}
        devices |= set(provenance["devices"])
        beside = _on_other_arrays(provenance, folders)
        finished = len(provenance["runs"]) - beside
        rows.append(
            {
                "dataset": DATASET_TITLES[dataset],
                "chapter": f"[{notebook}](chapters/{dataset}/{notebook})"
                if (dataset, notebook) in with_page
                else f"{notebook} ({'too little for a page' if content else 'not executed'})",
                "planned": planned,
                "finished": finished,
                "missing or failed": planned - finished,
                "on other arrays": beside or "",
                "training time": f"{provenance['run_seconds'] / 3600:.2f} h",
            }
        )
    executed = f"Profile *{profile.name}*, executed at commit `{'`, `'.join(sorted(commits))}`."
    trained = f"{executed} Trained on: {'; '.join(sorted(devices)) or 'nothing yet'}."
    return f"{trained}\n\n{_markdown(rows, 'No runs are planned.')}\n\n{_not_planned(profile)}"


def _on_other_arrays(provenance: Mapping, folders: Sequence[Path]) -> int:
    """How many of a chapter's runs read other arrays than those of its own store: a second store, a view."""
    records = filter(None, (record_in(folders, run) for run in provenance["runs"]))
    return sum(one.provenance["data"]["fingerprint"] != provenance["data_fingerprint"] for one in records)


def _not_planned(profile: Profile) -> str:
    """Which chapters of which dataset a profile leaves out; empty if it has all."""
    lacking = {
        dataset: [f"`{one}`" for one in OF_A_DATASET if (dataset, one) not in profile.chapters()]
        for dataset in profile.datasets
    }
    told = "; ".join(f"{DATASET_TITLES[dataset]}: {', '.join(names)}" for dataset, names in lacking.items() if names)
    return f"Not planned, for want of a line in `profiles/{profile.name}.yml`: {told}.\n" if told else ""


def calibration() -> str:
    """Markdown: how hard the stand-ins are, as measured by `benchmarks/standin_difficulty.py`."""
    measured_runs = pd.read_csv(CALIBRATION)
    rows = [
        {
            "stand-in": DATASET_TITLES[dataset],
            "difficulty": f"{runs['difficulty'].iloc[0]:g}",
            "clips": CONTROLS[control],
            "accuracy, mean of the last ten epochs": ", ".join(map(percent, runs["accuracy_mean_last_epochs"])),
            "commonest class": percent(runs["majority_share"].iloc[0]),
            "epochs": runs["epochs"].iloc[0],
            "seeds": ", ".join(map(str, runs["seed"])),
        }
        for (dataset, control), runs in measured_runs.groupby(["dataset", "control"], sort=False)
    ]
    rows.sort(key=lambda row: (row["stand-in"], list(CONTROLS.values()).index(row["clips"])))
    return _markdown(rows, "No measurement is recorded.")


def _markdown(rows: Sequence[Mapping], without: str) -> str:
    """A table of text, or a sentence if it has no rows."""
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True) if rows else without


def data_kind(provenance: Mapping) -> str:
    return "stand-in" if provenance["standin"] else "real data"
