"""Figures that several chapters share. Each function takes arrays or tables and returns what a notebook cell shows."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# One colour per role throughout the book; they keep their order in greyscale print and for colour-blind readers.
TRAINING, VALIDATION, PAPER, MARK = "#4c72b0", "#dd8452", "#8c8c8c", "#55a868"
STANDIN = "stand-in data, not the paper's"


def use_style() -> None:
    """Set the book's figure style; every chapter calls it once."""
    sns.set_theme(context="notebook", style="whitegrid", font_scale=0.9)
    plt.rcParams.update({"figure.dpi": 110, "savefig.bbox": "tight", "image.cmap": "gray", "axes.grid": True})


def film_strips(strips: Sequence[np.ndarray], titles: Sequence[str], positions: Sequence[Sequence[int]]) -> Figure:
    """Rows of frames, one clip a row.

    Parameters
    ----------
    strips : sequence of ndarray, uint8, shape (n_frames, height, width[, 3])
        The frames to show of each clip.
    titles : sequence of str
        A label for each row.
    positions : sequence of sequence of int
        The position in its clip of each frame, written above it.
    """
    n_columns = max(len(strip) for strip in strips)
    height, width = strips[0].shape[1:3]
    figure, axes = plt.subplots(
        len(strips), n_columns, figsize=(1.25 * n_columns, 1.25 * height / width * len(strips) + 0.3), squeeze=False
    )
    for row, (strip, title, numbers) in enumerate(zip(strips, titles, positions, strict=True)):
        for column in range(n_columns):
            axis = axes[row, column]
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            if column < len(strip):
                axis.imshow(strip[column], vmin=0, vmax=255)
                axis.set_title(f"{numbers[column]}", fontsize=8, pad=2)
            else:
                axis.axis("off")
        axes[row, 0].set_ylabel(title, fontsize=8, rotation=0, ha="right", va="center", labelpad=6)
    figure.subplots_adjust(wspace=0.04, hspace=0.22)
    return finished(figure)


def training_curves(record) -> Figure:
    """Accuracy and loss per epoch, with the best epoch and the final epochs that Table VIII averages over.

    Parameters
    ----------
    record : lib.training.records.RunRecord
        Of a protocol with one fold.
    """
    history, scores = record.history, record.summary()
    best_epoch, chance = scores["best_epoch"], scores["majority_share"]
    window = (scores["epochs"] - scores["last_epochs"] + 1, scores["epochs"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    left.plot(history["epoch"], history["accuracy"], color=TRAINING, label="training")
    left.plot(history["epoch"], history["val_accuracy"], color=VALIDATION, label="validation")
    left.axhline(chance, color=PAPER, linestyle=":", label="majority class")
    best = history.loc[history["epoch"] == best_epoch, "val_accuracy"].iloc[0]
    left.plot(best_epoch, best, "o", color=VALIDATION, markeredgecolor="black", label=f"best epoch ({best_epoch})")
    left.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    right.plot(history["epoch"], history["loss"], color=TRAINING, label="training")
    right.plot(history["epoch"], history["val_loss"], color=VALIDATION, label="validation")
    right.set(xlabel="epoch", ylabel="categorical cross-entropy")
    right.set_ylim(bottom=0)
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.axvspan(window[0] - 0.5, window[1] + 0.5, color=MARK, alpha=0.15, label=f"epochs {window[0]}–{window[1]}")
    left.legend(fontsize=8, loc="lower right")
    right.legend(fontsize=8)
    figure.tight_layout()
    return finished(figure, record.provenance["data"]["standin"] is not None)


def confusion_matrices(matrices: dict[str, np.ndarray], classes: Sequence[str], standin: bool) -> Figure:
    """Confusion matrices side by side: counts written in the cells, rows coloured by share.

    Parameters
    ----------
    matrices : dict of title -> ndarray of int, shape (n_classes, n_classes)
        Rows are true classes, columns predicted ones.
    classes : sequence of str
    standin : bool
        Whether the matrices come from a stand-in; the title of each that is not the paper's then says so.
    """
    figure, axes = plt.subplots(1, len(matrices), figsize=(3.5 * len(matrices), 3.3), squeeze=False)
    for axis, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        sns.heatmap(
            share, annot=matrix, fmt="d", vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=axis,
            xticklabels=list(classes), yticklabels=list(classes), linewidths=0.5,
        )  # fmt: skip
        axis.set(xlabel="predicted", ylabel="true")
        axis.set_title(title if title.startswith("paper") or not standin else f"{title}, stand-in", fontsize=10)
        axis.tick_params(axis="both", labelsize=8)
    figure.tight_layout()
    return finished(figure)


def finished(figure: Figure, standin: bool = False, top: float = 1.0) -> Figure:
    """Hand over a figure that the notebook shows because a cell returns it; left open, it would be shown twice.

    One that shows scores on a stand-in says so, at the height `top`: figures travel without their page.
    """
    if standin:
        figure.text(0.995, top, STANDIN, ha="right", va="bottom", fontsize=8, color="#b3541e")
    plt.close(figure)
    return figure
