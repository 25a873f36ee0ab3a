"""Figures that several chapters share. Each function takes arrays or tables and returns what a notebook cell shows."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from lib.audit.finding import listed
from lib.report.wording import number, percent
from lib.training.records import RunRecord

# One colour per role throughout the book, told apart by colour-blind readers and visible on white and on black; the
# pale ones are grounds for marks of the same role.
TRAINING, VALIDATION, PAPER, MARK = "#2a7fbf", "#d55e00", "#949494", "#3d1f66"
PALE_TRAINING, PALE_VALIDATION, PALE_PAPER = "#bcd6ea", "#f3cdb0", "#dddddd"
STANDIN = "stand-in data, not the paper's"
DENSITY = 2  # pixels of a picture for each that it takes on the page, as screens of phones and most laptops have
LARGEST_DIAGRAM = 32  # rows or columns of what is no photograph: one is a tenth of the bytes as JPEG
LONGEST_TEXT = 1000  # characters of an alternative text; a screen reader reads it in one go


def use_style() -> None:
    """Set the book's figure style; every chapter calls it once."""
    sns.set_theme(context="notebook", style="whitegrid", font_scale=0.9)
    sns.set_palette([TRAINING, VALIDATION, MARK, PAPER])
    plt.rcParams.update({"figure.dpi": 110, "savefig.bbox": "tight", "image.cmap": "gray", "axes.grid": True})


@dataclass(frozen=True)
class Picture:
    """A figure as a cell shows it: sharp on a dense screen, with a caption and a text for who cannot see it.

    Both travel as metadata of the output; the book puts them on the page (`lib.book.page`).
    """

    figure: Figure
    caption: str
    text: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        file, pictures = io.BytesIO(), [image for axis in self.figure.axes for image in axis.images]
        kind = "jpeg" if any(min(image.get_size()) > LARGEST_DIAGRAM for image in pictures) else "png"
        self.figure.savefig(file, format=kind, dpi=DENSITY * self.figure.dpi)
        width = Image.open(file).width // DENSITY
        text = self.text or described(self.figure)
        shown = {"width": width, "alt": text, "caption": self.caption}
        data = {f"image/{kind}": base64.b64encode(file.getvalue()).decode(), "text/plain": self.caption or text}
        return data, {f"image/{kind}": shown}


def film_strips(
    strips: Sequence[np.ndarray], titles: Sequence[str], positions: Sequence[Sequence[int]], caption: str
) -> Picture:
    """Rows of frames, one clip a row, each uint8 of shape (n_frames, height, width[, 3]) with its title.

    `positions` are those of the frames in their clips, written above them.
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
    rows = (f"{title}, frames {listed(shown)}" for title, shown in zip(titles, positions, strict=True))
    return finished(figure, caption=caption, text=f"Rows of frames. {'; '.join(rows)}.".replace("\n", ", "))


def training_curves(record: RunRecord) -> Picture:
    """Accuracy and loss per epoch of a run of one fold, with its best epoch and those that Table VIII averages over."""
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
    in_percent(left.yaxis)
    figure.tight_layout()
    caption = (
        f"Accuracy and loss of {scores['epochs']} epochs. Validation accuracy is highest at epoch {best_epoch}, "
        f"{percent(best)}; always the commonest class scores {percent(chance)} (dotted). Table VIII of the "
        "paper averages over epochs like the shaded ones."
    )
    return finished(figure, record.provenance["data"]["standin"] is not None, caption=caption)


def confusion_matrices(matrices: dict[str, np.ndarray], classes: Sequence[str], standin: bool) -> Picture:
    """Confusion matrices side by side: counts written in the cells, rows coloured by share.

    `matrices` are int of shape (n_classes, n_classes) by title: rows are true classes, columns predicted ones. From a
    stand-in, the title of each that is not the paper's says so.
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
    right = "; ".join(f"{title}: {np.trace(one)} of {one.sum()}" for title, one in matrices.items())
    told = "; ".join(f"{title}: {listed(map(listed, one), ' | ')}" for title, one in matrices.items())
    return finished(
        figure,
        caption=f"Rows are true classes, columns predicted ones. Right are, on the diagonal, {right} clips.",
        text=f"Confusion matrices of the classes {listed(classes)}, a row for each true class. {told}.",
    )


def in_percent(axis: Axis) -> None:
    """Write the shares along an axis as the text does."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol="\xa0%"))


def finished(figure: Figure, standin: bool = False, caption: str = "", text: str = "") -> Picture:
    """Hand over a figure that the notebook shows because a cell returns it; left open, it would be shown twice.

    One that shows scores on a stand-in says so: figures travel without their page. `caption` is a
    paragraph of Markdown below the picture: what is seen, in numbers, and how to read it. `text` is for who cannot see
    it; if empty, what `described` reads off the drawing.
    """
    if standin:
        figure.text(0.995, 1, STANDIN, ha="right", va="bottom", fontsize=8, color="#a34700")
    plt.close(figure)
    return Picture(figure, caption, text)


def described(figure: Figure) -> str:
    """Each panel of a figure as text: its title, its axes, the range of each series, and what is written in it."""
    panels = [panel for axis in figure.axes if axis.get_visible() and (panel := "; ".join(_facts(axis)))]
    told = ". ".join(panels).replace("\n", " ")
    return f"{len(panels)} panels. {told}."[:LONGEST_TEXT] if len(panels) > 1 else f"{told}."[:LONGEST_TEXT]


def _facts(axis: Axes) -> Iterator[str]:
    titles = filter(None, (axis.get_title(where) for where in ("left", "center")))
    yield from titles
    labels = [label for label in (axis.get_ylabel(), axis.get_xlabel()) if label]
    if labels:
        yield " by ".join(labels)
    if axis.images:
        yield "a picture"
    for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
        extent = _extent(handle)
        yield f"{label}: {extent}" if extent else label
    curves = [line for line in axis.lines if _nameless(line) and len(line.get_ydata()) > 2]
    dots = [one for one in axis.collections if isinstance(one, PathCollection) and _nameless(one)]
    nameless = {"curves": [line.get_ydata() for line in curves], "groups of points": list(map(_heights, dots))}
    for kind, values in nameless.items():
        if values:
            yield f"{len(values)} {kind}: {_range(np.concatenate(values))}"
    if written := [text.get_text() for text in axis.texts if text.get_text()]:
        yield f"written in it: {listed(written)}"


def _nameless(artist: Artist) -> bool:
    return str(artist.get_label()).startswith("_")  # as matplotlib labels what no legend names


def _heights(dots: PathCollection) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(dots.get_offsets(), dtype=float)[:, 1], np.nan)


def _extent(handle) -> str:
    """The lowest and the highest value that a series reaches on the vertical axis; empty where it has none."""
    if hasattr(handle, "get_ydata"):
        x = handle.get_xdata()
        return f"at {number(x[0], '.3g')}" if len(x) == 2 and x[0] == x[1] else _range(handle.get_ydata())
    if isinstance(handle, PathCollection):
        return _range(_heights(handle))
    if hasattr(handle, "patches"):
        return _range([bar.get_height() for bar in handle.patches])
    return ""


def _range(values: Sequence[float]) -> str:
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return ""
    low, high = (number(value, ".3g") for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
