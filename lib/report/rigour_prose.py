"""Sentences of chapters 10 and 11 that state a number or a finding, made from results.

Each function returns Markdown text. What a stand-in allows to be said is said of the stand-in only.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from lib.analysis.comparisons import FEWEST_SEEDS
from lib.audit import paper
from lib.report.wording import interval_in_points, interval_text, range_in_points, uf1_change
from lib.statistics.intervals import Interval, PermutationTest, Range, RetrainedTest

STANDIN_ONLY = (
    " All of this was measured on a **stand-in**; it says how the method behaves, nothing about the paper's data."
)


def outcome_sentences(outcomes: Sequence) -> str:
    """What became of the runs that were planned: how many there are, which failed and why, which are missing."""
    counts = {status: sum(one.status == status for one in outcomes) for status in ("finished", "failed", "missing")}
    text = f"**{counts['finished']} of {len(outcomes)} runs** are finished."
    if counts["failed"]:
        seeds = {}
        for one in outcomes:
            if one.status == "failed":
                config = one.config
                what = (config.protocol, config.model, config.batch_size, config.control)
                seeds.setdefault(what, []).append(str(config.seed))
        named = "; ".join(
            f"`{protocol}` of {paper.METHOD_NAMES[model]}, batches of {batch_size}"
            + (f", {control.replace('_', ' ')}" if control != "none" else "")
            + f", seed {', '.join(which)}"
            for (protocol, model, batch_size, control), which in seeds.items()
        )
        text += f" {counts['failed']} **failed**, their loss being no finite number: {named}. Failing is a result too."
    if counts["missing"]:
        text += f" {counts['missing']} have **not been trained**; what stands on them is left open below."
    return text


def shortcut_sentences(book: pd.DataFrame, standin: bool, level: float = 0.95) -> str:
    """What the ledger of shortcuts shows, by accuracy and by UF1, and what it cannot show."""
    measured = book[book["status"] == "measured"]
    single = int((book["status"] == "one seed").sum())
    open_rows = book[book["status"].isin(["failed", "missing"])]
    sentences, intervals = [], 0
    for score, title, form in (("accuracy", "accuracy", interval_in_points), ("uf1", "UF1", uf1_change)):
        known = [row for row in measured.itertuples() if not math.isnan(getattr(row, score).low)]
        intervals += len(known)
        for way, word in (("up", "rises"), ("down", "falls")):
            named = [f"*{row.title}* ({form(getattr(row, score))})" for row in known if row.directions[score] == way]
            if named:
                opening = f"{title[0].upper()}{title[1:]} **{word}**"
                sentences.append(f"{opening}, with an interval that excludes zero, by {'; '.join(named)}.")
        unclear = sum(row.directions[score] == "open" for row in known)
        if unclear:
            sentences.append(
                f"For {unclear} of {len(known)} departures neither a gain nor a loss in {title} is shown, nor is "
                f"either ruled out: the interval includes zero, or stands on fewer than {FEWEST_SEEDS} pairs of runs."
            )
    if intervals:
        sentences.append(
            f"If no departure mattered at all, {intervals * (1 - level):.1f} of these {intervals} intervals at "
            f"{level:.0%} would still be expected to exclude zero."
        )
    for row in book.itertuples():
        if row.never_less is not None and row.n_seeds:
            sentences.append(f"*{row.title}* cannot lower accuracy: {range_in_points(row.never_less)}.")
    if single:
        sentences.append(f"With one pair of runs only, and so without an interval: {single}.")
    if len(open_rows):
        named = ", ".join(f"*{row.title}* ({row.status})" for row in open_rows.itertuples())
        sentences.append(f"**Without a number:** {named}.")
    return " ".join(sentences) + (STANDIN_ONLY if standin else "")


def people_sentences(predictions: pd.DataFrame) -> str:
    """How many clips and people were scored, and how unevenly."""
    if predictions.empty:
        return "There is no finished run, and so nothing to score: train the runs, then execute this page again."
    sizes = predictions.drop_duplicates("clip").groupby("subject").size()
    return (
        f"**{sizes.sum()} clips of {len(sizes)} people** are scored, each by networks that never saw that person. The "
        f"number of clips of a person is {sizes.min()} at least, {sizes.median():g} in the middle and {sizes.max()} at "
        "most."
    )


def chance_sentences(tests: Mapping[str, PermutationTest], retrained: RetrainedTest | None) -> str:
    """Whether the predictions are better than chance, under each null."""
    if not tests:
        return ""
    test = tests["uf1"]
    clear = test.p_value < 0.05
    text = (
        f"With labels dealt out anew, UF1 is {test.null_median:.3f} in the middle and reaches {test.null_high:.3f} in "
        f"one draw of twenty; the networks' predictions score {test.observed:.3f} (**p = {p_text(test.p_value)}**, "
        f"{test.n:,} draws). Their predictions "
        + ("tell something about the labels." if clear else "are **not shown to be better than chance**.")
        + " Labels are dealt out among all clips, as if those of one person were not alike; where they are, p is too "
        "small."
    )
    if retrained is None:
        return text + " No run was trained on permuted labels, so the stricter null remains untested here."
    return text + (
        f" Against networks that were *trained* on permuted labels, p = {p_text(retrained.p_value)}; with so few of "
        f"them ({retrained.n}) no p is smaller than {p_text(retrained.smallest_p)}."
    )


def p_text(p: float) -> str:
    """A p value with as many decimals as it deserves.

    >>> p_text(0.0000999), p_text(0.0421), p_text(1.0)
    ('0.0001', '0.042', '1')
    """
    return f"{p:.1g}" if p < 0.001 else f"{p:.3f}".rstrip("0").rstrip(".")


def epoch_choice_sentences(gains: Mapping[str, Interval | Range], n_folds: int) -> str:
    """What choosing the best epoch in each fold, on the clips it is scored on, would have added."""
    gain = gains["accuracy"]
    if math.isnan(gain.mean):
        return "There is no finished run to read this from."
    uf1 = interval_text(gains["uf1"], "+.3f")
    return (
        f"Had the best epoch been chosen in each of the {n_folds} folds, on the very clips that it is scored on, "
        f"accuracy, which cannot fall by it, would change by **{range_in_points(gain)}** and UF1 by {uf1}. The smaller "
        "a fold, the easier it is to find an epoch that suits it: leave-one-subject-out does not protect from this "
        "choice, it makes it worth more."
    )


def power_sentences(plan: Mapping[str, float]) -> str:
    """What clips and people of this number can show, and how many would be needed."""
    if not plan:
        return (
            "Nothing is planned here: either no run is finished, so that it is unknown how alike a person's clips are, "
            "or the accuracy leaves no room for the margin."
        )
    alike = (
        "cannot be estimated from these clips and is taken as zero, which is the best case"
        if math.isnan(plan["icc"])
        else f"is estimated as {plan['icc']:.2f}" + (", which counts as zero" if plan["icc"] < 0 else "")
    )
    smallest = plan["detectable_difference"]
    shown = (
        "no drop of any size is likely to be found"
        if math.isnan(smallest)
        else f"a drop must be **{100 * smallest:.1f} points** or more to be found with a probability of "
        f"{plan['power']:.0%}"
    )
    return (
        f"How alike the clips of a person are in being right or wrong (intraclass correlation) {alike}. So "
        f"{plan['clips']} clips of {plan['subjects']} people are worth {plan['effective_clips']:.0f} independent ones: "
        f"from an accuracy of {plan['base']:.1%}, {shown}. To find a drop of the margin, "
        f"{100 * plan['margin']:.1f} points, takes {plan['independent_clips_needed']:,} independent clips: about "
        f"**{plan['clips_needed']:,} clips of {plan['subjects_needed']:,} people** like those here."
    )
