"""The figures of chapter 11: scores beside chance and the paper, people, and what numbers of people can show."""

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from lib.report.figures import MARK, PAPER, TRAINING, VALIDATION, finished
from lib.report.rigour import SCORE_TITLES
from lib.statistics import power
from lib.statistics.intervals import Interval, PermutationTest

ROUND_NUMBERS = [step * 10**exponent for exponent in range(5) for step in (1, 2, 5)]  # ticks of a logarithmic axis


def evidence(
    intervals: Mapping[str, Interval],
    by_seed: pd.DataFrame,
    tests: Mapping[str, PermutationTest],
    permuted: pd.DataFrame,
    published: Mapping[str, float],
    standin: bool,
) -> Figure:
    """Each score with its interval, its seeds, what permuted labels give, and the paper's value.

    Parameters
    ----------
    intervals : mapping of score -> Interval
        95 %, from `lib.report.rigour.people_intervals`.
    by_seed, permuted : DataFrame
        From `lib.report.rigour.seed_scores`: of the runs, and of those trained on permuted labels.
    tests : mapping of score -> PermutationTest
    published : mapping of score -> float
    standin : bool
    """
    figure, axis = plt.subplots(figsize=(9, 2.9), layout="constrained")
    for position, name in zip((2, 1, 0), SCORE_TITLES, strict=True):
        once = position == 2  # labelled once for the legend
        if name in tests:
            null = tests[name]
            axis.barh(position, null.null_high - null.null_low, left=null.null_low, height=0.56, color="#d9d9d9",
                      zorder=1, label="permuted labels, 5 % to 95 %" if once else None)  # fmt: skip
            axis.plot([null.null_median] * 2, [position - 0.28, position + 0.28], color=PAPER, linewidth=1.2)
        estimate, low, high = intervals[name]
        if not math.isnan(estimate):
            if not math.isnan(low):
                axis.plot([low, high], [position, position], color=TRAINING, linewidth=2.4, zorder=3,
                          label="95 %, other people and seeds" if once else None)  # fmt: skip
            axis.plot(estimate, position, "o", color=TRAINING, markersize=8, zorder=4,
                      label="mean over seeds" if once else None)  # fmt: skip
        seeds = by_seed[name].to_numpy()
        axis.plot(seeds, np.full(len(seeds), position - 0.17), "o", color=VALIDATION, markersize=4, zorder=4,
                  label="each seed" if once and len(seeds) else None)  # fmt: skip
        retrained = permuted[name].to_numpy()
        axis.plot(retrained, np.full(len(retrained), position + 0.17), "x", color="black", markersize=5, zorder=4,
                  label="trained on permuted labels" if once and len(retrained) else None)  # fmt: skip
        if name in published:
            axis.plot(published[name], position, "D", color=MARK, markeredgecolor="black", markersize=7, zorder=4)
    if published:
        axis.plot([], [], "D", color=MARK, markeredgecolor="black", markersize=7, linestyle="none",
                  label="paper, people seen in training" + (", real data" if standin else ""))  # fmt: skip
    axis.set_yticks((2, 1, 0), list(SCORE_TITLES.values()))
    axis.set(xlim=(0, 1), ylim=(-0.5, 2.5), xlabel="score, pooled over all left-out people, last epoch")
    axis.grid(False, axis="y")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    return finished(figure, standin)


def people(by_subject: pd.DataFrame, majority: float, standin: bool) -> Figure:
    """Accuracy for each person: mean over seeds, from the worst to the best seed; larger dots have more clips.

    Parameters
    ----------
    by_subject : DataFrame
        From `lib.report.rigour.by_subject`.
    majority : float
        Accuracy of always answering the commonest class.
    standin : bool
    """
    figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
    positions = np.arange(len(by_subject))
    axis.vlines(positions, by_subject["low"], by_subject["high"], color="#b9c7e0", linewidth=3, zorder=1,
                label="worst to best seed")  # fmt: skip
    axis.scatter(positions, by_subject["accuracy"], s=12 + 5 * by_subject["clips"], color=TRAINING, zorder=2,
                 label="mean over seeds; larger: more clips")  # fmt: skip
    axis.axhline(majority, color=PAPER, linestyle=":", label="commonest class")
    axis.set_xticks(positions, [f"{name}\n{clips}" for name, clips in by_subject["clips"].items()], fontsize=8)
    axis.set(ylim=(-0.05, 1.05), ylabel="accuracy", xlabel="person, and number of clips")
    axis.grid(False, axis="x")
    axis.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return finished(figure, standin)


def power_curve(plan: Mapping, standin: bool) -> Figure:
    """The smallest drop in accuracy that is likely to be found, by number of people.

    Parameters
    ----------
    plan : mapping
        From `lib.report.rigour.planning`.
    standin : bool
    """
    figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
    sizes = np.array(plan["clips_of_subjects"])
    most = 1.6 * max(plan["subjects_needed"], plan["subjects"])
    numbers = np.unique(np.geomspace(3, max(most, 10), 60).astype(int))
    curves = [(plan["icc"], TRAINING, "-", "clips of a person as alike as here")]
    if plan["design_effect"] > 1:
        curves.append((0.0, PAPER, "--", "if clips were independent"))
    for icc, colour, line, label in curves:
        worth = numbers * sizes.mean() / power.design_effect(sizes, icc)
        drops = [power.detectable_difference(int(n), plan["base"], plan["power"]) for n in worth]
        axis.plot(numbers, drops, line, color=colour, label=label)
    axis.axhline(plan["margin"], color=VALIDATION, linewidth=1.2, label=f"the margin, {plan['margin']:.0%}")
    here = plan["detectable_difference"]
    if not math.isnan(here):
        axis.plot(plan["subjects"], here, "o", color=TRAINING, markersize=8, label=f"here: {plan['subjects']} people")
    axis.plot(plan["subjects_needed"], plan["margin"], "D", color=MARK, markeredgecolor="black", markersize=7,
              label=f"needed: {plan['subjects_needed']:,} people")  # fmt: skip
    axis.set(xscale="log", xlabel="people", ylabel=f"drop found with power {plan['power']:.0%}", ylim=(0, None))
    axis.set_xticks([number for number in ROUND_NUMBERS if numbers[0] <= number <= numbers[-1]], minor=False)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.legend(fontsize=8)
    return finished(figure, standin)
