"""The tables of the prose pages, as Markdown or HTML; the sentences around them stand in `book/*.md`.

What a verdict is, `lib.book.verdicts` decides; here it is shown.
"""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from lib.audit import RESTS_ON, Finding, paper
from lib.audit.paper import STCNN
from lib.book.chapters import CHAPTERS, NO_DATASET
from lib.book.profiles import Profile
from lib.book.verdicts import VERDICTS, ClaimVerdict, Results, of_chapter
from lib.core import paths
from lib.core.catalogue import DATASET_TITLES, NETWORK_TITLES
from lib.report.wording import interval_in_points, interval_text, range_in_points
from lib.statistics.intervals import Interval, Range

COLUMNS = {"arithmetic": "by arithmetic", "standin": "stand-in data", "real": "real data"}
MEANINGS = {
    "contradicted": "published numbers, or the released code, exclude it",
    "holds": "the published numbers agree with it, which confirms nothing",
    "replicated": "measured on the real dataset, within its limits",
    "not replicated": "measured on the real dataset, and outside its limits",
    "underpowered": "measured on too few clips, people or seeds to say",
    "not testable here": "the numbers or the data at hand cannot decide it",
    "not run": "it can be tested, and has not been",
}
# what the front page says first -> the finding that carries it, and without whose contradiction it is not said
HEADLINES = {
    "The accuracies of MicroExpFuseNet were not measured on held-out clips.": "held-out-intermediate-casme2-sq",
    "On SMIC, MicroExpSTCNN's last epochs are on average below an earlier method.": "mean-beats-prior-smic",
    "On CAS(ME)² no method is listed that was measured there.": "prior-left-casme2-sq",
    "One network's last epochs do worse than one answer to every clip.": "mean-above-constant",
    "Table IX contradicts the conclusion that deeper kernels are better.": "deeper-kernels",
    "No code of that time trained on the eyes and the mouth of one clip.": "fused-version",
    "Most clips of CAS(ME)² cannot be micro-expressions.": "table-iv-casme2-sq",
}
RELEASED_RATE = 0.01  # the default of the Keras that the authors used
CALIBRATION = paths.REPOSITORY / "data" / "standin" / "difficulty.csv"
CONTROLS = {"none": "clips as they are", "shuffled_frames": "frames shuffled", "first_frame": "first frame repeated"}


def answers(chapter, found: Mapping, store) -> str:
    """What the judge says to a chapter's results, as Markdown: a line for each claim that they bear on.

    Parameters
    ----------
    chapter : lib.book.provenance.Chapter
    found : mapping
        The results that the chapter will finish with.
    store : ProcessedStore
    """
    content = {"results": found, "provenance": chapter.source(store)}
    lines = [
        f"- {badge(judgement.verdict)} {claim.statement} *({claim.where})* {judgement.evidence}"
        for claim, judgement in of_chapter(chapter.notebook, store.dataset, content)
    ]
    return "\n".join(lines) or "The paper claims nothing that these runs on these clips could test."


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict verdict-{verdict.replace(" ", "-")}" title="{MEANINGS[verdict]}">{verdict}</span>'


def headlines(findings: Sequence[Finding]) -> str:
    """Markdown: the findings of most consequence, a line each."""
    contradicted = {finding.id for finding in findings if finding.status == "contradicted"}
    return "\n".join(f"- {line}" for line, name in HEADLINES.items() if name in contradicted)


def measured(results: Results) -> str:
    """Markdown: what habits of training and reporting were worth where chapters measured it, a row each."""
    rows = []
    for (dataset, notebook), content in results.items():
        found = content["results"]
        if dataset == NO_DATASET:
            continue
        where = {"on": f"[{_data_title(dataset, content['provenance'])}](chapters/{dataset}/{notebook})"}
        permuted = found.get("scores", {}).get(f"{STCNN}/permuted_labels")
        if permuted is not None:
            gain = range_in_points(Range(**permuted["gain_of_best"]))
            title = "reporting the best epoch, where labels are permuted and nothing can be learned"
            rows.append({**where, "habit": title, "accuracy": gain, "UF1": ""})
        for row in found.get("switches", ()):
            if {*row["directions"].values()} != {"open"}:
                accuracy, uf1 = (Interval.from_dict(row[f"{name}_change"]) for name in ("accuracy", "uf1"))
                changes = {"accuracy": interval_in_points(accuracy), "UF1": interval_text(uf1, "+.3f")}
                rows.append({**where, "habit": row["title"], **changes})
    return _markdown(rows, "Nothing of this has been measured in this build.")


def verdict_counts(verdicts: Sequence[ClaimVerdict]) -> pd.DataFrame:
    """How many claims got each verdict in each of `COLUMNS`, what those by arithmetic rest on, and what it means."""
    spoken = {name: [getattr(one, name) for one in verdicts if getattr(one, name) is not None] for name in COLUMNS}
    rows = []
    for verdict in VERDICTS:
        counts = {name: Counter(one.verdict for one in judgements)[verdict] for name, judgements in spoken.items()}
        if any(counts.values()):
            basis = Counter(one.rests_on for one in spoken["arithmetic"] if one.verdict == verdict and one.rests_on)
            grounds = ", ".join(f"{basis[name]} {name}" for name in RESTS_ON if basis[name])
            shown = {title: counts[name] for name, title in COLUMNS.items()}
            rows.append({"verdict": verdict, **shown, "resting on": grounds, "meaning": MEANINGS[verdict]})
    return pd.DataFrame(rows)


def verdict_table(verdicts: Sequence[ClaimVerdict]) -> str:
    """HTML: every claim with its verdicts, its evidence behind a click; what arithmetic contradicts stands first."""
    rows = []
    for one in sorted(verdicts, key=_weight):
        judgements = {title: getattr(one, name) for name, title in COLUMNS.items()}
        told = {
            title: judged.evidence for title, judged in judgements.items() if judged and judged.verdict != "not run"
        }
        evidence = [*told.items(), *(("how to read it", caveat) for caveat in one.caveats)]
        lines = "".join(f"<div><b>{title}:</b> {_plain(text)}</div>" for title, text in evidence)
        claim = f"<summary>{_plain(one.claim.statement)} <small>({html.escape(one.claim.where)})</small></summary>"
        dataset, notebook = one.chapter or (NO_DATASET, "09_audit")
        link = f'<a href="chapters/{dataset}/{notebook}.html">the chapter</a>' if one.chapter or evidence else ""
        shown = {title: badge(judged.verdict) if judged else "" for title, judged in judgements.items()}
        rows.append({"what the paper says": f"<details>{claim}{lines}{link}</details>", **shown})
    return pd.DataFrame(rows).to_html(index=False, escape=False, border=0, classes="verdicts")


def accuracies(profile: Profile, results: Results) -> str:
    """Markdown: the accuracy of each chapter of one network beside the paper's."""
    rows, commits = [], set()
    for (dataset, notebook), content in results.items():
        model, found, provenance = CHAPTERS[notebook].network, content["results"], content["provenance"]
        commits.add(provenance["commit"])
        if model:
            known = model in paper.METHOD_NAMES and dataset in paper.DATASETS
            of_all = "" if model == STCNN else ", all clips"
            rate = provenance["parameters"].get("learning_rate", RELEASED_RATE)
            best = Interval(found["accuracy_best"], found["wilson_low_best"], found["wilson_high_best"])
            rows.append(
                {
                    "dataset": _data_title(dataset, provenance),
                    "network": f"[{NETWORK_TITLES[model]}](chapters/{dataset}/{notebook})"
                    + ("" if rate == RELEASED_RATE else f", learning rate {rate:g}"),
                    "paper": f"{paper.accuracy(model, dataset):.2%}{of_all}" if known else "",
                    "here, best epoch (95 % interval)": interval_text(best, ".1%"),
                    "here, last epoch": f"{found['accuracy_last']:.1%}",
                    "always the commonest class": f"{found['majority_share']:.1%}",
                    "epochs": found["epochs"],
                }
            )
    made = f"Profile *{profile.name}*, commit `{'`, `'.join(sorted(commits))}`."
    return f"{_markdown(rows, 'No chapter of a single network is in this build.')}\n\n{made}\n"


def run_table(profile: Profile, results: Results, with_page: Sequence[tuple[str, str]]) -> str:
    """Markdown: what is planned, finished and missing, a row for each chapter that stands on runs.

    `results` may hold None for a chapter that was not executed; those in `with_page` are linked.
    """
    rows, devices = [], set()
    for dataset, notebook in profile.chapters():
        planned = len(profile.runs(dataset, notebook)) if dataset != NO_DATASET else 0
        if not planned:
            continue
        content = results.get((dataset, notebook))
        provenance = content["provenance"] if content else {"runs": [], "devices": [], "run_seconds": 0.0}
        devices |= set(provenance["devices"])
        rows.append(
            {
                "dataset": DATASET_TITLES[dataset],
                "chapter": f"[{notebook}](chapters/{dataset}/{notebook})"
                if (dataset, notebook) in with_page
                else f"{notebook} ({'too little for a page' if content else 'not executed'})",
                "planned": planned,
                "finished": len(provenance["runs"]),
                # chapters 10 and 14 take others than are planned
                "missing or failed": max(0, planned - len(provenance["runs"])),
                "training time": f"{provenance['run_seconds'] / 3600:.2f} h",
            }
        )
    trained = f"Profile *{profile.name}*. Trained on: {'; '.join(sorted(devices)) or 'nothing yet'}."
    return f"{trained}\n\n{_markdown(rows, 'No runs are planned.')}\n"


def calibration() -> str:
    """Markdown: how hard the stand-ins are, as measured by `benchmarks/standin_difficulty.py`."""
    rows = []
    for (dataset, control), runs in pd.read_csv(CALIBRATION).groupby(["dataset", "control"], sort=False):
        rows.append(
            {
                "stand-in": DATASET_TITLES[dataset],
                "difficulty": f"{runs['difficulty'].iloc[0]:g}",
                "clips": CONTROLS[control],
                "accuracy, mean of the last ten epochs": ", ".join(
                    map("{:.1%}".format, runs["accuracy_mean_last_epochs"])
                ),
                "commonest class": f"{runs['majority_share'].iloc[0]:.1%}",
                "epochs": runs["epochs"].iloc[0],
                "seeds": ", ".join(map(str, runs["seed"])),
            }
        )
    rows.sort(key=lambda row: (row["stand-in"], list(CONTROLS.values()).index(row["clips"])))
    return _markdown(rows, "No measurement is recorded.")


def _markdown(rows: Sequence[Mapping], without: str) -> str:
    """A table of text, or a sentence if it has no rows."""
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True) if rows else without


def _data_title(dataset: str, provenance: Mapping) -> str:
    return f"{DATASET_TITLES[dataset]} ({'stand-in' if provenance['standin'] else 'real data'})"


def _plain(text: str) -> str:
    """Text as HTML; *emphasis* as Markdown writes it is kept."""
    return re.sub(r"\*([^*\s][^*]*)\*", r"<i>\1</i>", html.escape(text))


def _weight(one: ClaimVerdict) -> int:
    return VERDICTS.index(one.arithmetic.verdict) if one.arithmetic else len(VERDICTS)
