"""The figures of chapter 7, laid out like Table IX: a row for each size in space, a column for each depth in frames.

A cell without a number says why: nothing is left blank but combinations that are neither the paper's nor planned.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, NullLocator, PercentFormatter

from lib.report.figures import MARK, PAPER, TRAINING, VALIDATION, finished
from lib.report.kernel_study import PAPER_KERNEL, Kernel, collapse, name_of
from lib.training.plans import Outcome

EMPTY = {  # how a cell without a number looks: what is written in it, face colour, hatch
    "does not fit": ("does not\nfit", "#c9c9c9", ""),
    "not planned": ("not\nplanned", "#ffffff", ""),
    "missing": ("not\ntrained", "#f4f1e4", "..."),
    "failed": ("diverged", "#f2c9bd", ""),
}
EDGE = "#9a9a9a"
COLLAPSED = "#c0392b"  # an edge that is seen on pale and on dark blue
COLOURS = plt.colormaps["Blues"]


def heat_maps(
    table: pd.DataFrame, learning_rate: float, standin: bool, published: pd.DataFrame | None = None
) -> Figure:
    """Accuracy of each kernel at the best and at the last epoch; with `published`, Table IX beside them.

    Parameters
    ----------
    table : DataFrame
        From `lib.report.kernel_study.study`. A cell holds the mean over seeds, their range and, with a frame, how many
        of the finished runs give every clip one class at that epoch.
    learning_rate : float
    standin : bool
        Whether our numbers come from a stand-in; the figure and our panels then say so.
    published : DataFrame, optional
        From `lib.report.kernel_study.published_table`.
    """
    rows = table[table["learning_rate"] == learning_rate]
    layout = _layout(list(rows["kernel"]))
    n_rows, n_columns = (2 if published is not None else 1), 2
    height, width = 0.72 * len(layout[0]) + 0.85, 1.02 * len(layout[1]) + 0.75
    figure, axes = plt.subplots(n_rows, n_columns, figsize=(width * n_columns, height * n_rows), squeeze=False)
    ours = axes[0] if published is None else axes[:, 1]
    suffix = ", stand-in" if standin else ""
    for axis, at in zip(ours, ("best", "last"), strict=True):
        _grid(axis, layout, f"here, {at} epoch, learning rate {learning_rate:g}{suffix}")
        for row in rows.to_dict("records"):
            _our_cell(axis, layout, row, at)
    if published is not None:
        _grid(axes[0, 0], layout, "paper, Table IX (CAS(ME)²)")
        for row in published.to_dict("records"):
            _paper_cell(axes[0, 0], layout, row)
        _key(axes[1, 0])
    figure.tight_layout()
    return finished(figure, standin)


def accuracy_curves(
    table: pd.DataFrame, outcomes: Sequence[Outcome], learning_rate: float, standin: bool
) -> Figure | None:
    """Validation accuracy per epoch of every seed, one panel per kernel; epochs after a collapse in another colour.

    Dotted lines are the shares of the classes: a curve that lies on one of them to the end answers that class only.
    None if no run at this learning rate finished or diverged.
    """
    tried = table[table["learning_rate"] == learning_rate]
    if not tried[["finished", "failed"]].to_numpy().any():
        return None
    rows = {row["kernel"]: row for row in tried.to_dict("records")}
    sides, depths = _layout(list(rows))
    figure, axes = plt.subplots(
        len(sides), len(depths), figsize=(2.3 * len(depths), 1.65 * len(sides) + 0.6), squeeze=False,
        sharex=True, sharey=True,
    )  # fmt: skip
    longest = max([outcome.config.epochs for outcome in outcomes], default=1)
    for (i, side), (j, depth) in ((a, b) for a in enumerate(sides) for b in enumerate(depths)):
        axis, kernel = axes[i, j], (*side, depth)
        axis.set_title(name_of(kernel), fontsize=8, pad=3, weight="bold" if kernel == PAPER_KERNEL else "normal")
        axis.tick_params(labelsize=7)
        axis.set(ylim=(0, 1.02), xlim=(1 - 0.02 * longest, 1.02 * longest))
        found = [
            one for one in outcomes if one.record and (one.config.learning_rate, one.config.kernel_size) ==
            (learning_rate, kernel)
        ]  # fmt: skip
        for outcome in found:
            _curve(axis, outcome)
        row = rows.get(kernel, {"status": "not planned", "failed": 0})
        if not found:
            text, colour, _ = EMPTY[row["status"]]
            axis.set_facecolor(colour)
            axis.grid(False)
            axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=8, color="#555555")
        elif row["failed"]:
            text = f"{row['failed']} diverged"
            axis.text(0.97, 0.04, text, transform=axis.transAxes, ha="right", fontsize=7, color=COLLAPSED)
    axes[0, 0].xaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))
    axes[0, 0].yaxis.set_major_locator(MultipleLocator(0.5))
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.supxlabel(f"epoch (learning rate {learning_rate:g})", fontsize=9)
    figure.supylabel("validation accuracy", fontsize=9)
    handles = [
        Line2D([], [], color=TRAINING, label="a seed"),
        Line2D([], [], color=VALIDATION, linewidth=2.4, label="one class for every clip, to the end"),
        Line2D([], [], color=PAPER, linestyle=":", label="share of a class"),
    ]
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.12 / figure.get_figheight()))
    figure.legend(handles=handles, loc="upper left", ncols=3, fontsize=8, frameon=False)
    return finished(figure, standin)


def cost_ratios(costs: pd.DataFrame) -> Figure:
    """Parameters and FLOPs of each kernel relative to 3x3x15, on a logarithmic axis.

    Measured times have no place beside counts: those of a training hold what else its machine did.

    Parameters
    ----------
    costs : DataFrame
        From `lib.networks.layers.kernel_costs`, with the paper's kernel in it.
    """
    numbers, names = costs.astype(float), list(costs.index)
    relative = numbers / numbers.loc[name_of(PAPER_KERNEL)]  # NaN throughout if that kernel does not fit
    figure, axis = plt.subplots(figsize=(7.5, 0.29 * len(names) + 1.3))
    series = {
        "parameters": (relative["parameters"], PAPER, "s"),
        "FLOPs of a clip, forward": (relative["flops"], TRAINING, "o"),
    }
    for label, (ratio, colour, marker) in series.items():
        axis.plot(ratio, np.arange(len(names)), marker, color=colour, label=label, markersize=6, alpha=0.9)
    for position, name in enumerate(names):
        if costs.loc[name].isna().all():
            axis.text(1, position, EMPTY["does not fit"][0].replace("\n", " "), ha="center", va="center", fontsize=8,
                      color="#777777", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    axis.axvline(1, color=MARK, linewidth=1, zorder=0)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel=f"ratio to {name_of(PAPER_KERNEL)}", ylim=(len(names) - 0.4, -0.6))
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    figure.tight_layout()
    return finished(figure)


def _layout(kernels: Sequence[Kernel]) -> tuple[list[tuple[int, int]], list[int]]:
    """Sizes in space and depths in frames, each once and in order."""
    return sorted({kernel[:2] for kernel in kernels}), sorted({kernel[2] for kernel in kernels})


def _grid(axis: Axes, layout: tuple, title: str) -> None:
    sides, depths = layout
    axis.set(xlim=(-0.5, len(depths) - 0.5), ylim=(len(sides) - 0.5, -0.5), xlabel="depth in frames")
    axis.set_xticks(range(len(depths)), depths)
    axis.set_yticks(range(len(sides)), [f"{height}×{width}" for height, width in sides])
    axis.tick_params(labelsize=8, length=0)
    axis.xaxis.label.set_size(8)
    axis.set_title(title, fontsize=9)
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _our_cell(axis: Axes, layout: tuple, row: Mapping, at: str) -> None:
    if not row["finished"]:
        _cell(axis, layout, row["kernel"], None, [], row["status"])
        return
    below = []
    if row["finished"] > 1:
        below.append(f"{row[f'low_{at}']:.1%}–{row[f'high_{at}']:.1%}".replace("%–", "–"))
    if row["finished"] < row["planned"]:
        below.append(f"{row['finished']} of {row['planned']} runs")
    constant = row[f"constant_{at}"]
    if constant:
        below.append(f"one class: {constant}/{row['finished']}")
    _cell(axis, layout, row["kernel"], row[f"accuracy_{at}"], below, framed=bool(constant))


def _paper_cell(axis: Axes, layout: tuple, row: Mapping) -> None:
    below = [f"always {row['constant']}"] if row["constant"] else []
    _cell(axis, layout, row["kernel"], row["accuracy"] / 100, below, framed=bool(row["constant"]), decimals=2)


def _cell(
    axis: Axes, layout: tuple, kernel: Kernel, value: float | None, below: Sequence[str], empty: str = "",
    framed: bool = False, decimals: int = 1,
) -> None:  # fmt: skip
    """One cell: a number on its colour with small print below it, or the reason why there is none."""
    y, x = layout[0].index(kernel[:2]), layout[1].index(kernel[2])
    text, colour, hatch = ("", COLOURS(value), "") if value is not None else EMPTY[empty]
    edge = "white" if value is not None else EDGE
    axis.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=colour, edgecolor=edge, hatch=hatch, lw=0.6))
    if framed:
        frame = Rectangle((x - 0.455, y - 0.455), 0.91, 0.91, fill=False, edgecolor=COLLAPSED, lw=1.6)
        axis.add_patch(frame)
    if value is None:
        box = {"facecolor": colour, "edgecolor": "none", "pad": 1.5} if hatch else None
        axis.text(x, y, text, ha="center", va="center", fontsize=7, color="#444444", bbox=box)
        return
    ink = "white" if value > 0.55 else "#1a1a1a"
    shift = 0.16 if below else 0.0
    axis.text(x, y - shift, f"{value:.{decimals}%}", ha="center", va="center", fontsize=9, weight="bold", color=ink)
    axis.text(x, y - shift + 0.17, "\n".join(below), ha="center", va="top", fontsize=6.2, color=ink, linespacing=1.15)


def _key(axis: Axes) -> None:
    """What the cells' looks mean, in the panel that would otherwise be empty."""
    axis.axis("off")
    meanings = {
        "does not fit": "the kernel does not fit the volume",
        "not planned": "not in this page's list",
        "missing": "in the list, not trained yet",
        "failed": "no seed finished, its loss not finite",
    }
    patches = [
        Patch(facecolor=EMPTY[name][1], edgecolor=EDGE, hatch=EMPTY[name][2], label=text)
        for name, text in meanings.items()
    ]
    patches.append(
        Patch(facecolor="none", edgecolor=COLLAPSED, linewidth=1.6, label="some runs give every clip one class")
    )
    axis.legend(
        handles=patches, loc="center left", fontsize=8, frameon=False, handlelength=1.8, handleheight=1.4,
        title="Accuracy: mean over seeds, below it their range", title_fontsize=8, alignment="left",
    )  # fmt: skip


def _curve(axis: Axes, outcome: Outcome) -> None:
    history = outcome.record.history.sort_values("epoch")
    epochs, accuracy = history["epoch"].to_numpy(), history["val_accuracy"].to_numpy()
    for share in outcome.record.predictions("last")["truth"].value_counts(normalize=True):
        axis.axhline(share, color=PAPER, linestyle=":", linewidth=0.9, zorder=1)
    marker = "o" if len(epochs) == 1 else None  # a line through one point would not be seen
    axis.plot(epochs, accuracy, color=TRAINING, linewidth=0.9, alpha=0.8, marker=marker, markersize=4)
    found = collapse(outcome.record)
    if found is not None:
        after = epochs >= found.since_epoch
        axis.plot(epochs[after], accuracy[after], color=VALIDATION, linewidth=2.4, alpha=0.9, marker=marker or "")
