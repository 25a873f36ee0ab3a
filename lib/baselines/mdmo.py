"""MDMO-style: the main direction of movement in each region of a face, averaged over the clip, and a machine.

After Liu et al., "A Main Directional Mean Optical Flow Feature for Spontaneous Micro-Expression Recognition", IEEE
Transactions on Affective Computing 7 (2016), which the paper's text praises and its Table V leaves out. There the 36
regions follow landmarks, and the head's movement is taken out by an affine fit; here they are the cells of a 6x6 grid
on the face, which is aligned once a clip, and the head's movement is the median flow. Flow is DIS; the machine has a
Gaussian kernel and C = 10.
"""

from dataclasses import dataclass

import numpy as np

from lib.baselines.flow import flow_from_first
from lib.baselines.svm import FittedSVM, fit_svm


@dataclass(frozen=True)
class Settings:
    """What the source leaves open.

    Attributes
    ----------
    regions : int
        Cells of the grid along the height and along the width.
    directions : int
        Bins of the histogram of directions.
    kernel, cost
        Of the machine, on features of mean 0 and deviation 1.
    """

    regions: int = 6
    directions: int = 8
    kernel: str = "rbf"
    cost: float = 10.0


def main_direction(vectors: np.ndarray, directions: int) -> np.ndarray:
    """Mean of the flow vectors that point into the commonest of so many directions: (2,) from (n, 2).

    >>> main_direction(np.array([[1.0, 0.1], [3.0, 0.1], [-2.0, 0.0]]), 8).round(2)
    array([2. , 0.1])
    """
    angle = np.arctan2(vectors[:, 1], vectors[:, 0])
    # bins are centred on the axes, so that a movement along one is not split between two
    bins = np.rint(angle / (2 * np.pi / directions)).astype(int) % directions
    return vectors[bins == np.bincount(bins, minlength=directions).argmax()].mean(axis=0)


def features(volume: np.ndarray, settings: Settings) -> np.ndarray:
    """The main movement of each region against the first frame, averaged over frames: its size and its direction.

    Parameters
    ----------
    volume : (depth, height, width) uint8

    Returns
    -------
    (regions * regions * 4,) float32
        Of each region the mean movement to the right and down in pixels, its length, and its length as a share of the
        largest: the source's two, with the angle written as components so that it has no jump.
    """
    fields = flow_from_first(volume)  # (depth - 1, height, width, 2)
    fields = fields - np.median(fields, axis=(1, 2), keepdims=True)  # the head
    rows = np.array_split(np.arange(fields.shape[1]), settings.regions)
    columns = np.array_split(np.arange(fields.shape[2]), settings.regions)
    means = np.array(
        [
            np.mean(
                [main_direction(field[np.ix_(row, column)].reshape(-1, 2), settings.directions) for field in fields],
                axis=0,
            )
            for row in rows
            for column in columns
        ]
    )  # (regions, 2)
    lengths = np.linalg.norm(means, axis=1)
    shares = lengths / max(lengths.max(), np.finfo(np.float32).eps)
    return np.column_stack([means, lengths, shares]).ravel().astype(np.float32)


def fit(features: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> FittedSVM:
    """Fit the machine on (n, d) features; nothing is drawn."""
    return fit_svm(features, labels, n_classes, settings.kernel, settings.cost, scale=True)
