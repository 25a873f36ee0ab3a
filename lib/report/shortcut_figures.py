"""The figure of chapter 10: what each departure from the clean baseline is worth."""

import functools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lib.analysis.comparisons import FEWEST_SEEDS
from lib.report.figures import PAPER, TRAINING, VALIDATION, finished
from lib.statistics.intervals import Interval

LEAST_REACH = 0.1  # of an axis, so that changes near zero do not fill the picture


def ledger_chart(book: pd.DataFrame, changes: pd.DataFrame, standin: bool) -> Figure:
    """Horizontal bars of the change in accuracy and in UF1 with 95 % intervals, the largest gain on top.

    Every planned departure has its line: one without a number says why. Small dots are the pairs of runs. Where an
    interval reaches beyond the axis, as those of two seeds do, an arrow shows it.

    Parameters
    ----------
    book : DataFrame
        From `lib.report.shortcuts.ledger`.
    changes : DataFrame
        From `lib.report.shortcuts.pairs`.
    standin : bool
    """
    height = 0.46 * len(book) + 1.3
    figure, axes = plt.subplots(1, 2, figsize=(10, height), sharey=True, layout="constrained")
    positions = np.arange(len(book))[::-1]
    titles = {"accuracy": "change in accuracy (points)", "uf1": "change in UF1"}
    for axis, (score, title) in zip(axes, titles.items(), strict=True):
        reach = _reach(changes[score].dropna().to_numpy(), [one for one in book[score] if not math.isnan(one.estimate)])
        for position, row in zip(positions, book.itertuples(), strict=True):
            own = changes[(changes["switch"] == row.switch) & (changes["model"] == row.model)]
            _line(axis, position, score, own[score].dropna().to_numpy(), reach, row)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(xlim=(-reach, reach), xlabel=title, ylim=(-0.6, len(book) - 0.4))
        axis.grid(False, axis="y")
        form, scale = ("{:+.0f}", 100) if score == "accuracy" else ("{:+.2f}", 1)
        axis.xaxis.set_major_formatter(FuncFormatter(functools.partial(_tick, form, scale)))
    axes[0].set_yticks(positions, [row.title.replace(" (", "\n(") for row in book.itertuples()])
    figure.supxlabel(
        f"dots: pairs of runs; lines: 95 % interval; dark bars: it excludes zero, with {FEWEST_SEEDS} pairs or more",
        fontsize=8,
        color=PAPER,
    )
    return finished(figure, standin)


def _tick(form: str, scale: float, value: float, _: int) -> str:
    return form.format(scale * value) if value else "0"


def _line(axis: Axes, position: float, score: str, dots: np.ndarray, reach: float, row) -> None:
    change = getattr(row, score)
    if math.isnan(change.estimate):
        axis.text(0, position, _gap_text(row), ha="center", va="center", fontsize=8, style="italic", color=PAPER,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
        return
    colour = "#b9c7e0" if row.directions[score] == "open" else TRAINING
    axis.barh(position, change.estimate, height=0.62, color=colour, zorder=2)
    if not math.isnan(change.low):
        low, high = max(change.low, -reach), min(change.high, reach)
        axis.plot([low, high], [position, position], color="black", linewidth=1.3, zorder=3)
        for end, cut, marker in ((low, change.low < -reach, "<"), (high, change.high > reach, ">")):
            axis.plot(end, position, marker if cut else "|", color="black", markersize=6, zorder=3, clip_on=False)
    axis.plot(dots, np.full(len(dots), position - 0.2), "o", color=VALIDATION, markersize=3, zorder=4)


def _reach(dots: np.ndarray, intervals: list[Interval]) -> float:
    """How far the axis goes: to every dot, and to interval ends as long as these do not dwarf the dots."""
    farthest_dot = float(np.abs(dots).max(initial=0.0))
    ends = [abs(end) for one in intervals for end in (one.low, one.high) if not math.isnan(end)]
    return 1.08 * max(LEAST_REACH, farthest_dot, min(max(ends, default=0.0), 2 * farthest_dot))


def _gap_text(row) -> str:
    parts = [f"{count} {what}" for count, what in ((row.n_failed, "failed"), (row.n_missing, "not trained")) if count]
    return ", ".join(parts) or "other classes are scored"
