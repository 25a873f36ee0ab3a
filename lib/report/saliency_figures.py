"""The figures of the chapter on saliency maps. Each takes arrays or tables and says on itself what a stand-in made."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Patch

from lib.report.figures import MARK, PAPER, TRAINING, VALIDATION, finished
from lib.saliency.maps import binarise
from lib.saliency.regions import REGIONS

SALIENCY_COLOURS = "inferno"
REGION_COLOURS = dict(zip(REGIONS, (TRAINING, VALIDATION, MARK, PAPER), strict=True))
_WHITE = 0.995  # quantile of a clip's saliency that is drawn brightest: one large value would leave all others black


def saliency_strips(
    frames: Sequence[np.ndarray],
    maps: Sequence[np.ndarray],
    titles: Sequence[str],
    positions: Sequence[int],
    standin: bool,
) -> Figure:
    """A few frames of each clip in three rows: what the network reads, its saliency, the saliency made binary.

    Parameters
    ----------
    frames : sequence of ndarray, uint8, shape (depth, height, width)
        One volume for each clip.
    maps : sequence of ndarray, shape (height, width, depth)
    titles : sequence of str
    positions : sequence of int
        Which frames of the volume to show, one in each column.
    standin : bool
    """
    cell, labels, gap = 0.95, 1.45, 0.28  # inches: a picture, the names on the left, the space above a clip
    width, height = labels + cell * len(positions), (3 * cell + gap) * len(frames)
    figure = plt.figure(figsize=(width, height))
    outer = GridSpec(
        len(frames), 1, figure, left=labels / width, right=1, bottom=0, top=1 - gap / height, hspace=gap / (3 * cell)
    )
    for clip, (volume, saliency, title) in enumerate(zip(frames, maps, titles, strict=True)):
        binary = binarise(saliency)
        brightest = np.quantile(saliency, _WHITE) or saliency.max() or 1.0
        inner = outer[clip].subgridspec(3, len(positions), wspace=0.04, hspace=0.04)
        for column, position in enumerate(positions):
            shown = (
                (volume[position], {"cmap": "gray", "vmin": 0, "vmax": 255}),
                (saliency[..., position], {"cmap": SALIENCY_COLOURS, "vmin": 0, "vmax": brightest}),
                (binary[..., position], {"cmap": "gray", "vmin": 0, "vmax": 1}),
            )
            for row, (image, options) in enumerate(shown):
                axis = _bare(figure.add_subplot(inner[row, column]))
                axis.imshow(image, interpolation="nearest", **options)
                if row == 0:
                    axis.set_title(f"frame {position + 1}" if clip == 0 else f"{position + 1}", fontsize=8, pad=3)
                if column == 0:
                    label = (title, "saliency", "binary")[row]
                    axis.set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center", labelpad=6)
    return finished(figure, standin)


def region_panels(
    frames: Sequence[np.ndarray],
    regions: Mapping[str, Sequence[np.ndarray]],
    maps: Sequence[np.ndarray],
    motion: Sequence[np.ndarray],
    titles: Sequence[str],
    motion_name: str,
    standin: bool,
) -> Figure:
    """Regions, saliency summed over frames, and motion of each clip; a cross marks the largest saliency.

    Parameters
    ----------
    frames : sequence of ndarray, uint8, shape (height, width)
        One frame of each clip.
    regions : mapping of partition -> sequence of ndarray, shape (4, height, width)
        Shares of `REGIONS` in that frame, for each clip.
    maps, motion : sequence of ndarray, shape (height, width)
    titles : sequence of str
    motion_name : str
        Heading of the last column.
    standin : bool
    """
    headings = [*(f"regions: {name}" for name in regions), "saliency, summed", motion_name]
    size = 1.75
    figure, axes = plt.subplots(
        len(frames), len(headings), figsize=(size * len(headings) + 1, (size + 0.05) * len(frames) + 0.6), squeeze=False
    )
    for row, (frame, saliency, moved, title) in enumerate(zip(frames, maps, motion, titles, strict=True)):
        for column, partition in enumerate(regions):
            axes[row, column].imshow(_tinted(frame, regions[partition][row]), interpolation="nearest")
        axes[row, -2].imshow(saliency, cmap=SALIENCY_COLOURS, vmin=0, interpolation="nearest")
        axes[row, -1].imshow(moved, cmap="viridis", vmin=0, interpolation="nearest")
        peak = np.unravel_index(saliency.argmax(), saliency.shape)
        for axis in axes[row, -2:] if saliency.any() else ():
            axis.plot(peak[1], peak[0], "x", color="white", markersize=8, markeredgewidth=1.8)
        axes[row, 0].set_ylabel(title, fontsize=8, rotation=0, ha="right", va="center", labelpad=6)
    for axis, heading in zip(axes[0], headings, strict=True):
        axis.set_title(heading, fontsize=8)
    for axis in axes.flat:
        _bare(axis)
    figure.subplots_adjust(wspace=0.05, hspace=0.05)
    figure.legend(
        handles=[Patch(color=REGION_COLOURS[name], label=name) for name in REGIONS],
        loc="upper center", bbox_to_anchor=(0.5, axes[-1, 0].get_position().y0), ncols=4, fontsize=8, frameon=False,
    )  # fmt: skip
    return finished(figure, standin, axes[0, 0].get_position().y1 + 0.2 / figure.get_figheight())


def share_bars(tables: Mapping[str, pd.DataFrame], standin: bool) -> Figure | None:
    """Saliency share of each region with its interval, its area share, and the range of networks with random weights.

    None where no clip has saliency.

    Parameters
    ----------
    tables : mapping of partition -> DataFrame
        From `lib.saliency.measures.share_table`.
    standin : bool
    """
    if all(table["share"].isna().all() for table in tables.values()):
        return None
    figure, axes = plt.subplots(1, len(tables), figsize=(4.7 * len(tables), 3.3), sharey=True, squeeze=False)
    for axis, (partition, table) in zip(axes[0], tables.items(), strict=True):
        places = np.arange(len(table))
        axis.bar(places - 0.2, table["share"], 0.38, color=TRAINING, label="saliency, trained network")
        _whiskers(axis, places - 0.2, table, "share", "black")
        axis.bar(places + 0.2, table["random"], 0.38, color=VALIDATION, label="saliency, random weights")
        _whiskers(axis, places + 0.2, table, "random", "black")
        axis.hlines(table["area"], places - 0.42, places + 0.42, color="black", linewidth=2, label="share of the area")
        axis.set_xticks(places, [name.replace(" of ", "\nof ") for name in table.index], fontsize=9)
        axis.set_title(f"regions: {partition}", fontsize=10)
        axis.set_ylim(bottom=0)
        axis.grid(False, axis="x")
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes[0, 0].set_ylabel("share of the whole")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    return finished(figure, standin)


def sanity_curves(cascade: pd.DataFrame, others: pd.DataFrame, standin: bool) -> Figure | None:
    """Similarity to the trained network's maps as its layers are made random, and of two other networks' maps.

    None where no clip was measured.

    Parameters
    ----------
    cascade, others : DataFrame
        From `lib.saliency.measures.similarity_curve`: the steps of the cascade, and a row for each other network.
    standin : bool
    """
    if cascade.empty:
        return None
    measures = {"spearman": "Spearman's rank correlation", "ssim": "structural similarity (SSIM)"}
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.9), sharex=True)
    steps = ["nothing", *cascade["step"]]
    labels = [*steps, *(name.replace(" ", "\n") for name in others["step"])]
    for axis, (name, title) in zip(axes, measures.items(), strict=True):
        places = np.arange(len(steps))
        middle, low, high = (
            np.concatenate([[1.0], cascade[column].astype(float)]) for column in (name, f"{name}_low", f"{name}_high")
        )
        axis.plot(places, middle, "o-", color=TRAINING, label="layers made random, last to first")
        axis.fill_between(places, low, high, color=TRAINING, alpha=0.2, linewidth=0)
        beyond = len(steps) + np.arange(len(others))
        axis.plot(beyond, others[name].astype(float), "s", color=VALIDATION, label="another network")
        _whiskers(axis, beyond, others, name, VALIDATION)
        axis.axvline(len(steps) - 0.5, color=PAPER, linewidth=0.8, linestyle=":")
        axis.axhline(0, color="black", linewidth=0.8)
        crowded = len(labels) > 7
        axis.set_xticks([*places, *beyond], labels, fontsize=7 if crowded else 8)
        if crowded:
            axis.tick_params(axis="x", rotation=90)
        axis.set_title(title, fontsize=10)
        axis.set_ylim(top=1.05)
        axis.grid(False, axis="x")
    axes[0].set_ylabel("similarity to the trained network's maps")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    return finished(figure, standin)


def _whiskers(axis, places: np.ndarray, table: pd.DataFrame, name: str, colour: str) -> None:
    middle, low, high = (table[column].to_numpy(float) for column in (name, f"{name}_low", f"{name}_high"))
    axis.vlines(places, low, high, color=colour, linewidth=1.4)
    axis.scatter(places, middle, s=12, color=colour, zorder=3)


def _tinted(frame: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """A grey frame with its regions in colour, (height, width, 3) in 0 to 1."""
    colours = np.array([to_rgb(REGION_COLOURS[name]) for name in REGIONS])
    tint = np.tensordot(shares.astype(float), colours, axes=(0, 0))
    return 0.55 * frame[..., None] / 255 + 0.45 * tint


def _bare(axis):
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    return axis
