"""The front page's parts, from findings, verdicts and what chapters found; sentences around them are `book/index.md`'s.

No number stands in two of them with two meanings: what was measured here is one column of one table.
"""

import html
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from lib.audit import Finding, paper, prior
from lib.audit.accuracies import Printed, held_out_bounds, printed
from lib.audit.paper import METHOD_NAMES, SHORT_NAMES
from lib.audit.released import clip_count
from lib.book.chapters import CHAPTERS, NO_DATASET
from lib.book.pages import badge, data_kind, tally
from lib.book.verdicts import COLUMNS, VERDICTS, ClaimVerdict, Judgement, Results
from lib.core.catalogue import DATASET_TITLES
from lib.report import figures
from lib.report.wording import interval_text, percent
from lib.statistics.intervals import Interval

DECIDED = ("contradicted", "not replicated", "replicated", "holds")
ROWS = [(model, dataset) for dataset in paper.DATASETS for model in METHOD_NAMES]  # of Table V, as it prints them
PICTURE = "table_v.svg"


def headlines(findings: Sequence[Finding]) -> str:
    """Markdown: what a reader of the paper should know first, a line for each that the audit still contradicts."""
    by_id = {finding.id: finding for finding in findings}
    contradicted = {name for name, finding in by_id.items() if finding.status == "contradicted"}
    elsewhere = [one for one in contradicted if re.match(r"held-out-(?!bounds)", one)]
    constant = by_id["constant-answer-table-ix"].values
    below = by_id["mean-beats-prior-smic"].values
    lines = [
        (
            elsewhere,
            f"**{len(elsewhere)} of the {len(ROWS)} new accuracies cannot come from held-out clips**: no number of "
            "right answers on so few clips gives them; one on all clips does, those trained on included.",
        ),
        (
            "constant-answer-table-ix" in contradicted,
            f"**{len(constant.get('constant', ()))} of the {constant.get('kernels')} kernels of Table IX score what "
            "one answer to every clip scores**, as if nothing had been learned.",
        ),
        (
            "mean-beats-prior-smic" in contradicted,
            f"**On SMIC MicroExpSTCNN's average is below an earlier method**: {below['mean']:.2f}\xa0% over its last "
            f"ten epochs, against {below['prior']:.2f}\xa0%; Table V prints its best epoch, {below['best']:.2f}\xa0%.",
        ),
    ]
    return "\n".join(f"- {line}" for stands, line in lines if stands)


def table_v(results: Results) -> str:
    """HTML: each accuracy of Table V, what arithmetic says of it, and what was measured here on which data."""
    rows = [
        {
            "dataset": DATASET_TITLES[dataset],
            "network": SHORT_NAMES[model],
            "paper": percent(paper.accuracy(model, dataset), 2),
            "arithmetic": _held_out(printed(model, dataset), f"; {_of_all(model, dataset)}"),
            "measured here": _measured_here(model, dataset, results),
        }
        for model, dataset in ROWS
    ]
    return f'<div class="table-v">{_table(rows, "table-v")}</div>'


def _held_out(row: Printed, otherwise: str = "") -> str:
    """How many held-out clips give an accuracy, or that none do, and what does then."""
    clips = f"{row.n} held-out clips"
    return f"{row.k} of {clips}" if row.k is not None else f"impossible on {clips}{otherwise}"


def _of_all(model: str, dataset: str) -> str:
    fed = clip_count(model, dataset)
    return f"{printed(model, dataset).percent * fed / 100:.0f} of all {fed}"


def _table(rows: Sequence[Mapping[str, str]], name: str) -> str:
    return pd.DataFrame(rows).to_html(index=False, escape=False, border=0, classes=name)


def _measured_here(model: str, dataset: str, results: Results) -> str:
    """The mean accuracy of several seeds, or else of one training, with what it was measured on."""
    of_model = next(name for name, row in CHAPTERS.items() if row.network == model)
    for notebook in ("06_comparison", of_model):
        content = results.get((dataset, notebook), {"results": {}})
        found = content["results"]
        if "accuracy_best" in found:
            interval = Interval(*(found[f"{name}_best"] for name in ("accuracy", "wilson_low", "wilson_high")))
            trainings = "1 training"
        elif scores := found.get("scores", {}).get(f"{model}/none"):
            interval, trainings = Interval.from_dict(scores["accuracy_best"]), f"{len(scores['seeds'])} trainings"
        else:
            continue
        link = f'<a href="chapters/{dataset}/{notebook}.html">{interval_text(interval, ".1%")}</a>'
        return f"{link}, {trainings}, {data_kind(content['provenance'])}"
    return "not run"


def picture(folder: Path) -> str:
    """Markdown: what each accuracy of Table V says of clips that were not trained on, drawn into a file in `folder`."""
    figure, axis = plt.subplots(figsize=(5.6, 2.3))  # so narrow that its labels can be read on a phone
    for place, row in enumerate(prior.compared().loc[ROWS].itertuples()):
        held_out = pd.notna(row.k)
        low, high = (row.low, row.high) if held_out else held_out_bounds(row.percent, int(row.clips))
        colour = figures.TRAINING if held_out else figures.VALIDATION
        pale = figures.PALE_TRAINING if held_out else figures.PALE_VALIDATION
        axis.barh(place, high - low, left=low, height=0.56, color=pale)
        axis.plot(row.percent, place, "o", color=colour, markerfacecolor=colour if held_out else "white", markersize=6)
        axis.plot(row.mean, place, "D", color=figures.MARK, markersize=4)
        axis.plot([row.earlier] * 2, [place - 0.5, place + 0.5], color="black", linewidth=1.5)
        axis.plot([row.commonest] * 2, [place - 0.5, place + 0.5], color="black", linewidth=1, linestyle=":")
    axis.set_yticks(range(len(ROWS)), [f"{SHORT_NAMES[model]}, {DATASET_TITLES[dataset]}" for model, dataset in ROWS])
    axis.set(xlim=(0, 100), xlabel="accuracy (%)")
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    figure.tight_layout()
    told = "; ".join(
        f"{SHORT_NAMES[one.model]} on {DATASET_TITLES[one.dataset]}: {one.percent:.2f} %, {_held_out(one)}"
        for one in itertools.starmap(printed, ROWS)
    )
    caption = (
        "Dots: the paper's accuracies, hollow where no held-out clips give them. Bars: where the accuracy on clips "
        "that were not trained on may lie, by its 95 % interval (blue) or by arithmetic (orange). Diamonds: the "
        "paper's mean over its last ten epochs. Lines: the best earlier method, and one class for all clips that are "
        "scored (dotted)."
    )
    with plt.rc_context({"svg.hashsalt": PICTURE}):  # the same picture is the same file
        figure.savefig(folder / PICTURE, metadata={"Date": None})
    plt.close(figure)
    return f":::{{figure}} {PICTURE}\n:alt: {told}\n:width: 100%\n\n{caption}\n:::"


def claims(verdicts: Sequence[ClaimVerdict]) -> str:
    """HTML: the claims, folded by group, each with its verdicts, the evidence that weighs most, and a link."""
    groups = []
    for name, members in itertools.groupby(verdicts, key=lambda one: one.claim.group):
        own = list(members)
        judged = tally((_weightiest(one).verdict for one in own), " ")
        summary = f"{html.escape(name)} <small>{len(own)} claims</small> {judged}"
        groups.append(f'<details class="claims"><summary>{summary}</summary>{_claim_table(own)}</details>')
    return "\n".join(groups)


def _weightiest(one: ClaimVerdict) -> Judgement:
    """The judgement that decides the most; what was measured on real data goes before arithmetic of the same weight."""
    spoken = [judged for judged in (one.real, one.arithmetic, one.standin) if judged]
    return min(spoken, key=lambda judged: (judged.verdict not in DECIDED, judged.verdict == "not run"))


def _claim_table(verdicts: Sequence[ClaimVerdict]) -> str:
    rows = []
    for one in sorted(verdicts, key=lambda one: list(VERDICTS).index(_weightiest(one).verdict)):
        main, judgements = _weightiest(one), {COLUMNS[name]: judged for name, judged in one.judgements().items()}
        dataset, notebook = one.chapter or (NO_DATASET, "09_audit")
        others = {title: judged for title, judged in judgements.items() if judged is not main}
        told = [(title, judged.evidence) for title, judged in others.items() if judged.verdict != "not run"]
        told += [("how to read it", caveat) for caveat in one.caveats]
        beside = "".join(f"<div><b>{title}:</b> {_plain(text)}</div>" for title, text in told)
        evidence = f'<div>{_plain(main.evidence)} <a href="chapters/{dataset}/{notebook}.html">The chapter</a></div>'
        evidence += f"<details><summary>Also</summary>{beside}</details>" if beside else ""
        claim = f"{_plain(one.claim.statement)} <small>({html.escape(one.claim.where)})</small>"
        shown = {title: badge(judgements[title].verdict) if title in judgements else "" for title in COLUMNS.values()}
        rows.append({"the paper says": f"{claim}{evidence}", **shown})
    return _table(rows, "verdicts")


def meanings(verdicts: Sequence[ClaimVerdict]) -> str:
    """HTML: what each verdict means that a claim got."""
    given = {judged.verdict for one in verdicts for judged in one.judgements().values()}
    items = (f"<li>{badge(name)} {meaning}</li>" for name, meaning in VERDICTS.items() if name in given)
    return f"<ul>{''.join(items)}</ul>"


def _plain(text: str) -> str:
    """Text as HTML; *emphasis* as Markdown writes it is kept, and no line breaks before a per cent sign."""
    return re.sub(r"\*([^*\s][^*]*)\*", r"<i>\1</i>", html.escape(text)).replace(" %", "\xa0%")
