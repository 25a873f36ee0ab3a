"""The front page's parts, from findings, verdicts and what chapters found; the sentences around them are `book/index.md`'s.

No number stands in two of them with two meanings: what was measured here is one column of one table.
"""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from lib.audit import Finding, paper, prior
from lib.audit.accuracies import held_out_bounds, printed, validation_counts
from lib.audit.paper import METHOD_NAMES, STCNN
from lib.audit.released import clip_count
from lib.book.chapters import CHAPTERS, NO_DATASET
from lib.book.pages import MEANINGS, badge
from lib.book.verdicts import VERDICTS, ClaimVerdict, Judgement, Results
from lib.core.catalogue import DATASET_TITLES
from lib.report import figures
from lib.report.wording import interval_text, percent
from lib.statistics.intervals import Interval

COLUMNS = {"arithmetic": "by arithmetic", "standin": "stand-in data", "real": "real data"}
DECIDED = ("contradicted", "not replicated", "replicated", "holds", "underpowered")
ROWS = [(model, dataset) for dataset in paper.DATASETS for model in METHOD_NAMES]  # of Table V, as it prints them
PICTURE = "table_v.svg"
SHORT = dict(zip(METHOD_NAMES, ("MicroExpSTCNN", "FuseNet, intermediate", "FuseNet, late"), strict=True))


def headlines(findings: Sequence[Finding]) -> str:
    """Markdown: what a reader of the paper should know first, a line for each that the audit still contradicts."""
    by_id = {finding.id: finding for finding in findings}
    contradicted = {name for name, finding in by_id.items() if finding.status == "contradicted"}
    elsewhere = [one for one in contradicted if re.match(r"held-out-(?!bounds)", one)]
    constant = by_id["constant-answer-table-ix"].values
    _, earlier = prior.best_prior("smic")
    lines = [
        (
            elsewhere,
            f"**{len(elsewhere)} of the {len(ROWS)} new accuracies cannot come from held-out clips**: no number of right "
            "answers on so few clips gives them; one on all clips does, those trained on included.",
        ),
        (
            "constant-answer-table-ix" in contradicted,
            f"**{len(constant.get('constant', ()))} of the {constant.get('kernels')} kernels of Table IX score what one "
            "answer to every clip scores**, as if nothing had been learned.",
        ),
        (
            "mean-beats-prior-smic" in contradicted,
            "**On SMIC MicroExpSTCNN lies below an earlier method, except at its best epoch**: "
            f"{percent(paper.last_epochs(STCNN, 'smic')[0], 2)} over its last ten epochs, against {earlier:.2f}\xa0%.",
        ),
    ]
    return "\n".join(f"- {line}" for stands, line in lines if stands)


def table_v(results: Results) -> str:
    """HTML: each accuracy of Table V, what arithmetic says of it, and what was measured here on which data."""
    rows = []
    for model, dataset in ROWS:
        row, fed = printed(model, dataset), clip_count(model, dataset)
        on_all = f"{row.percent * fed / 100:.0f} of all {fed}"
        said = f"{row.k} of {row.n} held-out clips" if row.k is not None else f"impossible on {row.n} held-out clips; {on_all}"
        rows.append(
            {
                "dataset": DATASET_TITLES[dataset],
                "network": SHORT[model],
                "paper": percent(paper.accuracy(model, dataset), 2),
                "arithmetic": said,
                "measured here": _measured_here(model, dataset, results),
            }
        )
    table = pd.DataFrame(rows).to_html(index=False, escape=False, border=0, classes="table-v")
    return f'<div class="table-v">{table}</div>'


def _measured_here(model: str, dataset: str, results: Results) -> str:
    """The mean accuracy of several seeds, or else of one training, with what it was measured on."""
    content = results.get((dataset, "06_comparison"))
    scores = content["results"].get("scores", {}).get(f"{model}/none") if content else None
    notebook = "06_comparison"
    if scores is None:
        notebook = next(name for name, row in CHAPTERS.items() if row.network == model)
        content = results.get((dataset, notebook))
        if content is None:
            return "not run"
        found = content["results"]
        interval, n = Interval(*(found[f"{name}_best"] for name in ("accuracy", "wilson_low", "wilson_high"))), 1
    else:
        interval, n = Interval.from_dict(scores["accuracy_best"]), len(scores["seeds"])
    link = f'<a href="chapters/{dataset}/{notebook}.html">{interval_text(interval, ".1%")}</a>'
    return f"{link}, {n} {'training' if n == 1 else 'trainings'}, {_kind(content['provenance'])}"


def _kind(provenance: Mapping) -> str:
    return "stand-in" if provenance["standin"] else "real data"


def picture(folder: Path) -> str:
    """Markdown: what each accuracy of Table V says of clips that were not trained on, drawn into a file in `folder`."""
    figure, axis = plt.subplots(figsize=(7.4, 2.6))
    for place, (model, dataset) in enumerate(ROWS):
        row, fed = printed(model, dataset), clip_count(model, dataset)
        held_out = row.k is not None
        if held_out:
            low, high = (100 * limit for limit in proportion_confint(row.k, row.n, method="wilson"))
        else:
            low, high = held_out_bounds(row.percent, fed)
        colour = figures.TRAINING if held_out else figures.VALIDATION
        pale = figures.PALE_TRAINING if held_out else figures.PALE_VALIDATION
        axis.barh(place, high - low, left=low, height=0.56, color=pale)
        axis.plot(row.percent, place, "o", color=colour, markerfacecolor=colour if held_out else "white", markersize=7)
        axis.plot(100 * paper.last_epochs(model, dataset)[0], place, "D", color=figures.MARK, markersize=4)
        validation, (_, earlier) = validation_counts(dataset).values(), prior.best_prior(dataset)
        axis.plot([earlier] * 2, [place - 0.5, place + 0.5], color="black", linewidth=1.5)
        commonest = 100 * max(validation) / sum(validation)
        axis.plot([commonest] * 2, [place - 0.5, place + 0.5], color="black", linewidth=1, linestyle=":")
    axis.set_yticks(range(len(ROWS)), [f"{SHORT[model]}, {DATASET_TITLES[dataset]}" for model, dataset in ROWS])
    axis.set(xlim=(0, 100), xlabel="accuracy (%)")
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    figure.tight_layout()
    told = "; ".join(
        f"{SHORT[model]} on {DATASET_TITLES[dataset]}: {row.percent:.2f} %, "
        + (f"{row.k} of {row.n} held-out clips" if row.k is not None else f"impossible on {row.n} held-out clips")
        for (model, dataset), row in ((one, printed(*one)) for one in ROWS)
    )
    caption = (
        "Dots: the paper's accuracies, hollow where no held-out clips give them. Bars: where the accuracy on clips that were "
        "not trained on may lie, by its 95 % interval (blue) or by arithmetic (orange). Diamonds: the paper's mean over its "
        "last ten epochs. Lines: the best earlier method, and always the commonest class (dotted)."
    )
    figure.savefig(folder / PICTURE, metadata={"Date": None})  # the same picture is the same file
    plt.close(figure)
    return f":::{{figure}} {PICTURE}\n:alt: {told}\n:width: 100%\n\n{caption}\n:::"


def claims(verdicts: Sequence[ClaimVerdict]) -> str:
    """HTML: the claims, folded by group, each with its verdicts, the evidence that weighs most, and a link."""
    groups = [(name, list(own)) for name, own in groupby(verdicts, key=lambda one: one.claim.group)]
    return "\n".join(
        f'<details class="claims"><summary>{html.escape(name)} <small>{len(own)} claims</small> {_tally(own)}</summary>'
        f"{_claim_table(own)}</details>"
        for name, own in groups
    )


def _tally(verdicts: Sequence[ClaimVerdict]) -> str:
    """How many claims got each verdict that decides something."""
    counts = Counter(judged.verdict for one in verdicts if (judged := _weightiest(one)).verdict in DECIDED)
    return " ".join(f"{badge(name)} {counts[name]}" for name in VERDICTS if counts[name])


def _weightiest(one: ClaimVerdict) -> Judgement:
    """The judgement that decides the most; what was measured on real data goes before arithmetic of the same weight."""
    spoken = [judged for judged in (one.real, one.arithmetic, one.standin) if judged]
    decided = [judged for judged in spoken if judged.verdict in DECIDED]
    seen = [judged for judged in spoken if judged.verdict != "not run"]
    return (decided or seen or spoken)[0]


def _claim_table(verdicts: Sequence[ClaimVerdict]) -> str:
    rows = []
    for one in sorted(verdicts, key=lambda one: VERDICTS.index(_weightiest(one).verdict)):
        judgements = {title: getattr(one, name) for name, title in COLUMNS.items()}
        main = _weightiest(one)
        dataset, notebook = one.chapter or (NO_DATASET, "09_audit")
        others = [(title, judged) for title, judged in judgements.items() if judged and judged is not main]
        told = [(title, judged.evidence) for title, judged in others if judged.verdict != "not run"]
        told += [("how to read it", caveat) for caveat in one.caveats]
        beside = "".join(f"<div><b>{title}:</b> {_plain(text)}</div>" for title, text in told)
        evidence = f'<div>{_plain(main.evidence)} <a href="chapters/{dataset}/{notebook}.html">The chapter</a></div>'
        evidence += f"<details><summary>Also</summary>{beside}</details>" if beside else ""
        claim = f"{_plain(one.claim.statement)} <small>({html.escape(one.claim.where)})</small>"
        shown = {title: badge(judged.verdict) if judged else "" for title, judged in judgements.items()}
        rows.append({"the paper says": f"{claim}{evidence}", **shown})
    return pd.DataFrame(rows).to_html(index=False, escape=False, border=0, classes="verdicts")


def meanings(verdicts: Sequence[ClaimVerdict]) -> str:
    """HTML: what each verdict means that a claim got."""
    given = {judged.verdict for one in verdicts for judged in (one.arithmetic, one.standin, one.real) if judged}
    return "".join(f"<li>{badge(name)} {MEANINGS[name]}</li>" for name in VERDICTS if name in given).join(("<ul>", "</ul>"))


def _plain(text: str) -> str:
    """Text as HTML; *emphasis* as Markdown writes it is kept, and no line breaks before a per cent sign."""
    return re.sub(r"\*([^*\s][^*]*)\*", r"<i>\1</i>", html.escape(text)).replace(" %", "\xa0%")
