"""Figures of the audit chapter, drawn from `data/paper/` alone. Each function returns what a notebook cell shows."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lib.audit import accuracies, counts, epochs, paper, prior, released
from lib.audit.kernels import kernels as kernels_of_table_ix
from lib.audit.lattice import epoch_pairs, successes
from lib.audit.paper import DATASET_TITLES as TITLES
from lib.audit.released import FUSENETS
from lib.report.figures import MARK, PAPER, TRAINING, VALIDATION

MISS = "#b3541e"
SHORT_NAMES = {
    "micro_exp_stcnn": "STCNN",
    "micro_exp_fusenet_intermediate": "FuseNet, intermediate",
    "micro_exp_fusenet_late": "FuseNet, late",
}
SKIPPED, LONGEST = "#dddddd", "#f2cfb8"  # paler than the bars beside them
_ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # so that lines do not cross the text
CLASS_COLOURS = (TRAINING, VALIDATION, MARK)


def lattices() -> Figure:
    """The GRIM picture: printed accuracies as lines, and the shares that a number of clips can give as ticks.

    A filled dot: the line meets a share of that many clips. A cross: it falls between two.
    """
    table = pd.DataFrame(accuracies.printed_accuracies())
    figure, axes = plt.subplots(len(paper.DATASETS), 1, figsize=(9.5, 4.8))
    for axis, dataset in zip(axes, paper.DATASETS, strict=True):
        rows = table[table["dataset"] == dataset].sort_values("percent")
        sizes = (int(rows["n"].iloc[0]), released.clip_count(FUSENETS[0], dataset))
        low, high = rows["percent"].min() - 2.5, rows["percent"].max() + 2.5
        for height, size in enumerate(sizes):
            shares = 100 * np.arange(size + 1) / size
            axis.vlines(shares, height - 0.17, height + 0.17, color=PAPER, linewidth=1)
        for row in rows.itertuples():
            axis.axvline(row.percent, color=TRAINING, linewidth=1, linestyle="--", zorder=0)
            axis.text(
                row.percent, len(sizes) - 0.42, f"{row.percent:.2f}\n{SHORT_NAMES[row.model]}",
                ha="center", va="bottom", fontsize=8, color=TRAINING,
            )  # fmt: skip
            for height, size in enumerate(sizes):
                met = successes(row.percent, size) is not None
                axis.plot(
                    row.percent, height, "o" if met else "X", markersize=9, color=MARK if met else MISS,
                    markeredgecolor="white",
                )  # fmt: skip
        axis.set(
            xlim=(low, high), ylim=(-0.5, len(sizes) - 0.45), xlabel="accuracy (%)", yticks=range(len(sizes)),
            yticklabels=[f"k/{sizes[0]}\nvalidation clips, Table IV", f"k/{sizes[1]}\nall that FuseNets are fed with"],
        )  # fmt: skip
        axis.set_title(TITLES[dataset], loc="left", fontsize=10, pad=28)
        axis.grid(False)
        _small(axis)
    figure.tight_layout(h_pad=1.5)
    return _closed(figure)


def epoch_lattice() -> Figure:
    """The GRIMMER picture: each mean and deviation of Table VIII among the pairs that ten epochs can have.

    Dots: pairs that ten epochs on the validation clips of Table IV can have, by the sample formula (ddof = 1). Ticks
    below: means that ten epochs on all clips can have that the FuseNets are fed with. Ring: printed, and possible.
    """
    figure, axes = plt.subplots(len(paper.DATASETS), len(paper.METHOD_NAMES), figsize=(9.5, 4.6))
    for (row, dataset), (column, model) in itertools.product(enumerate(paper.DATASETS), enumerate(paper.METHOD_NAMES)):
        axis = axes[row, column]
        mean, sd = (100 * value for value in paper.last_epochs(model, dataset))
        means, sds = (mean - 0.62, mean + 0.62), (sd - 0.32, sd + 0.32)
        clips, fed = accuracies.printed_total(dataset, "validation"), released.clip_count(model, dataset)
        pairs = epoch_pairs(clips, 1, means, sds, epochs.n_epochs())
        axis.plot([pair.mean for pair in pairs], [pair.sd for pair in pairs], ".", color=PAPER, markersize=5)
        if model in FUSENETS:
            step = 100 / (fed * epochs.n_epochs())
            shares = step * np.arange(np.ceil(means[0] / step), means[1] / step)
            axis.vlines(shares, sds[0], sds[0] + 0.06, color=TRAINING, linewidth=0.8)
        fits = bool(epochs.fitting_pairs(model, dataset, clips, 1))
        ring = {"markerfacecolor": "none", "markeredgecolor": MARK, "markeredgewidth": 2.5, "markersize": 11}
        cross = {"color": MISS, "markeredgecolor": "white", "markersize": 9}
        axis.plot(mean, sd, "o" if fits else "X", **(ring if fits else cross))
        axis.set_title(f"{SHORT_NAMES[model]}, {mean:.2f} ± {sd:.2f} %", fontsize=9)
        axis.set(xlim=means, ylim=sds)
        axis.grid(False)
        _small(axis)
        axis.yaxis.label.set_size(9)
        if column == 0:
            axis.set_ylabel(f"{TITLES[dataset]}, {clips} clips\nsd over ten epochs (%)")
        if row == len(paper.DATASETS) - 1:
            axis.set_xlabel("mean over ten epochs (%)")
    figure.tight_layout()
    return _closed(figure)


def intervals(table: pd.DataFrame) -> Figure:
    """Table V with what it lacks: 95 % intervals (Wilson), the last epochs, the commonest class, the best earlier one.

    Hollow: an accuracy on all clips, training clips included, so that its interval says nothing about new clips.

    Parameters
    ----------
    table : DataFrame
        Index model, dataset; in percent ``percent``, ``low``, ``high``, ``mean``, ``sd``, ``commonest``, ``earlier``;
        ``clips``, and ``k``, missing where the accuracy is no share of the validation clips.
    """
    table = table.reset_index()
    figure, axes = plt.subplots(1, len(paper.DATASETS), figsize=(9.5, 3.8), sharex=True, sharey=True)
    for axis, dataset in zip(axes, paper.DATASETS, strict=True):
        rows = table[table["dataset"] == dataset].iloc[::-1]
        for height, row in enumerate(rows.itertuples()):
            held_out = pd.notna(row.k)
            colour = TRAINING if held_out else PAPER
            axis.hlines(height, row.low, row.high, color=colour, linewidth=2.5)
            axis.plot(
                row.percent, height, "o", color=colour, markersize=8, markeredgewidth=2,
                markerfacecolor=colour if held_out else "white",
            )  # fmt: skip
            axis.errorbar(
                row.mean, height - 0.24, xerr=row.sd, fmt="D", color=MARK, markersize=5, capsize=3, linewidth=1,
                label="mean ± sd, last ten epochs" if height == 0 else None,
            )  # fmt: skip
            share = f"{round(row.percent * row.clips / 100)}/{row.clips:.0f}"
            axis.text(
                row.percent, height + 0.2, share, ha="center", va="bottom", fontsize=8, color=colour, bbox=_ON_WHITE
            )
        first = rows.iloc[0]
        commonest, method = first["commonest"], prior.best_prior(dataset)[0]
        axis.axvline(commonest, color=MISS, linestyle=":", label=f"commonest class, {commonest:.1f} %")
        misplaced = dataset in {one["under"] for one in prior.misplaced()}
        axis.axvline(
            first["earlier"], color=VALIDATION, linestyle="--",
            label=f"{method}, {first['earlier']:.2f} %" + (" (other datasets)" if misplaced else ""),
        )  # fmt: skip
        axis.set(
            xlim=(38, 100), ylim=(-0.5, 2.6), xlabel="accuracy (%)", yticks=range(3),
            yticklabels=[SHORT_NAMES[row.model] for row in rows.itertuples()],
        )  # fmt: skip
        axis.set_title(TITLES[dataset], loc="left", fontsize=10)
        axis.grid(False, axis="y")
        _small(axis)
        axis.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False)
    figure.tight_layout()
    return _closed(figure)


def label_strips(dataset: str) -> Figure:
    """The list that the FuseNets' code is fed with, one cell per entry: what the clip is, how it is labelled, its part.

    The part is that of the last released version, which splits without shuffling.
    """
    entry = released.released_file(FUSENETS[0], dataset)
    _, classes, labels = released.clips_and_labels(FUSENETS[0], dataset)
    _, held_out = released.unshuffled_parts(len(labels))
    figure, axis = plt.subplots(figsize=(9.5, 1.7))
    for height, values in ((1, classes), (0, labels)):
        for start, stop in _stretches(values):
            axis.barh(
                height, stop - start, left=start, height=0.72, color=CLASS_COLOURS[values[start]], edgecolor="white"
            )
            near_line = start < held_out.start <= start + 10  # the line would cross the number
            left = held_out.start if near_line else start
            axis.text(left + 2, height, f"{stop - start}", ha="left", va="center", color="white", fontsize=9)
    axis.axvline(held_out.start, color="black", linestyle="--", linewidth=1)
    axis.text(len(labels), 1.47, "held out by the last version", fontsize=8, ha="right", va="bottom")
    axis.set(
        xlim=(0, len(labels)), ylim=(-0.5, 1.45), yticks=[0, 1], yticklabels=["label in the code", "class of the clip"],
        xlabel="position in the list",
    )  # fmt: skip
    axis.grid(False)
    _small(axis)
    axis.set_title(TITLES[dataset], loc="left", fontsize=10)
    axis.legend(
        handles=[Patch(color=colour, label=name) for colour, name in zip(CLASS_COLOURS, entry["classes"], strict=True)],
        fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.05), frameon=False,
    )  # fmt: skip
    figure.tight_layout()
    return _closed(figure)


def durations() -> Figure:
    """On one time axis: an annotated micro-expression, the frames that are read, and the video that they need.

    The micro-expression is drawn as long as the shortest, paler up to the longest, and black as long as the text says.
    """
    table = counts.clip_durations() / 1000
    figure, axes = plt.subplots(len(table), 1, figsize=(9.5, 3.0), sharex=True)
    for axis, (dataset, row) in zip(axes, table.iterrows(), strict=True):
        first = row["needed_ms"] - row["read_ms"]
        axis.barh(0, row["read_ms"], left=first, color=TRAINING, height=0.6)
        if first:
            axis.barh(0, first, color=SKIPPED, height=0.6)
            axis.text(first / 2, 0, "skipped", ha="center", va="center", fontsize=8)
        axis.barh(1, row["longest_ms"], left=first, color=LONGEST, height=0.6)
        axis.barh(1, row["shortest_ms"], left=first, color=VALIDATION, height=0.6)
        axis.barh(1, paper.text()["micro_expression_ms"] / 1000, left=first, color="black", height=0.6)
        frames = released.released_file("micro_exp_stcnn", dataset)["frames"]
        lasts = f"shortest {row['shortest_ms']:.2f} s, longest {row['longest_ms']:.2f} s"
        for height, end, text in (
            (0, row["needed_ms"], f"{frames} frames, {row['read_ms']:.2f} s"),
            (1, first + row["longest_ms"], lasts),
        ):
            axis.text(end + 0.06, height, text, va="center", fontsize=8, bbox=_ON_WHITE)
        axis.set(yticks=[0, 1], yticklabels=["read by the code", "micro-expression"], ylim=(-0.5, 1.5))
        axis.set_axisbelow(True)
        axis.set_title(TITLES[dataset], loc="left", fontsize=10)
        _small(axis)
        axis.grid(False, axis="y")
    axes[-1].set(xlim=(0, table["needed_ms"].max() * 1.18))
    axes[-1].set_xlabel("seconds from the start of the video", fontsize=9)
    figure.tight_layout()
    return _closed(figure)


def kernels() -> Figure:
    """Table IX three ways: by depth, by side, and by the number of weights. Hollow: what a constant answer scores."""
    table, trials = kernels_of_table_ix(), accuracies.printed_total(paper.KERNEL_DATASET, "validation")
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.2), sharey=True)
    lines = {"depth": "height", "height": "depth", "taps": None}
    titles = {"depth": "depth (frames)", "height": "side (pixels)", "taps": "weights of a filter"}
    for axis, (x, series) in zip(axes, lines.items(), strict=True):
        groups = table.groupby(series) if series else [("", table.sort_values(x))]
        for colour, (name, rows) in zip((TRAINING, VALIDATION, MARK, "#8172b3"), groups, strict=False):
            label = f"{name}x{name}" if series == "height" else f"depth {name}"
            axis.plot(rows[x], rows["accuracy"], color=colour, linewidth=1 if series else 0, label=label)
            for row in rows.to_dict("records"):
                face = "white" if row["constant"] else colour
                axis.plot(row[x], row["accuracy"], "o", color=colour, markerfacecolor=face, markersize=7)
        if series:
            means = table.groupby(x)["accuracy"].mean()
            axis.plot(means.index, means, color="black", linewidth=2, linestyle="--", label="mean")
            axis.set_xticks(means.index)
            axis.legend(
                fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, columnspacing=1
            )
        else:
            axis.set_xscale("log")
            axis.set_xticks([27, 63, 135, 343, 931], ["27", "63", "135", "343", "931"])
            axis.minorticks_off()
        for name, score in accuracies.constant_scores(accuracies.validation_counts(paper.KERNEL_DATASET)).items():
            if name in set(table["constant"]):
                axis.axhline(score, color=MISS, linestyle=":", zorder=0)
                if not series:
                    axis.text(25, score + 1, f"always {name}", color=MISS, fontsize=8, bbox=_ON_WHITE)
        axis.set(xlabel=titles[x], ylim=(20, 95))
        axis.grid(False, axis="x")
        _small(axis)
    axes[0].set_ylabel(f"accuracy (%) on {trials} clips", fontsize=9)
    figure.tight_layout()
    return _closed(figure)


def _small(axis) -> None:
    """Ticks and axis label in the size of the annotations."""
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(9)


def _stretches(values: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of every run of equal values."""
    changes = np.flatnonzero(np.diff(values)) + 1
    return list(zip([0, *changes.tolist()], [*changes.tolist(), len(values)], strict=True))


def _closed(figure: Figure) -> Figure:
    """A figure that the notebook shows because a cell returns it; left open, it would be shown twice."""
    plt.close(figure)
    return figure
