"""LBP-TOP: histograms of local binary patterns on three orthogonal planes of a clip, and a support vector machine.

By default with the settings of the Micro-Expression Grand Challenge of 2019: four neighbours, radii 1, 1 and 4, 5x5
blocks, clips interpolated to 10 frames. The row `lbp_top_smic` is after the first work on SMIC: eight neighbours, 8x8
blocks, 10 frames. Chosen here: the machine, linear with C = 10,000 as is common in the field; for SMIC's row radii of
1, 1 and 2 and a polynomial kernel of degree 6.

References
----------
Zhao and Pietikäinen, "Dynamic texture recognition using local binary patterns with an application to facial
expressions", TPAMI 29 (2007). See et al., "MEGC 2019", FG 2019. Li et al., "A spontaneous micro-expression database:
inducement, collection and baseline", FG 2013.
"""

from dataclasses import dataclass

import numpy as np

from lib.baselines.patterns import PLANES, block_histograms, circle, differences, interpolated
from lib.baselines.svm import FittedSVM, fit_svm
from lib.core.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """What the method leaves open.

    Attributes
    ----------
    points : (XY, XT, YT)
        Neighbours on each plane.
    radii : (x, y, t)
        In pixels, pixels and frames.
    blocks : int
        Blocks along the height and along the width; one in time.
    depth : int
        Frames after temporal interpolation. Interpolated greys are rounded, as in an image.
    kernel, cost, degree
        Of the machine, as of `lib.baselines.svm.fit_svm`.
    """

    points: tuple[int, int, int] = (4, 4, 4)
    radii: tuple[int, int, int] = (1, 1, 4)
    blocks: int = 5
    depth: int = 10
    kernel: str = "linear"
    cost: float = 10_000.0
    degree: int = 6


def pattern_codes(volume: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """The binary pattern of every pixel that has all its neighbours, on each plane.

    Bit p of a code is 1 where neighbour p of `circle` is at least as bright as the pixel.

    Parameters
    ----------
    volume : (depth, height, width) of whole numbers

    Returns
    -------
    dict of plane -> (depth, height, width) less twice the radii, int

    Raises
    ------
    ConfigError
        If the volume is too small for the radii.
    """
    x, y, t = settings.radii
    border = (t, y, x)
    if any(size <= 2 * edge for size, edge in zip(volume.shape, border, strict=True)):
        raise ConfigError(f"radii: expected less than half of a volume of {volume.shape}, found {border} (t, y, x)")
    codes = {}
    for (plane, (across, along)), points in zip(PLANES.items(), settings.points, strict=True):
        code = 0
        for bit, (right, down) in enumerate(circle(points, border[across], border[along])):
            code = code + ((differences(volume, {across: right, along: down}, border) >= 0).astype(np.int32) << bit)
        codes[plane] = code
    return codes


def uniform_labels(points: int) -> np.ndarray:
    """A label for each of the 2**points codes: its own if it changes at most twice around the circle, else the last.

    >>> uniform_labels(2)
    array([0, 1, 2, 3])
    >>> [int(uniform_labels(points).max()) + 1 for points in (4, 8)]
    [15, 59]
    """
    codes = np.arange(2**points)
    turned = (codes >> 1) | ((codes & 1) << (points - 1))
    changes = np.array([int(code).bit_count() for code in codes ^ turned])
    uniform = changes <= 2
    labels = np.cumsum(uniform) - 1
    return np.where(uniform, labels, labels.max() + 1)


def features(volume: np.ndarray, settings: Settings) -> np.ndarray:
    """Histograms of uniform patterns in blocks, each with the sum 1, one after another.

    Parameters
    ----------
    volume : (depth, height, width) uint8

    Returns
    -------
    (blocks * blocks * sum of labels on the planes,) float32
        1,125 by default.
    """
    codes = pattern_codes(interpolated(volume, settings.depth), settings)
    parts = []
    for (_, code), points in zip(codes.items(), settings.points, strict=True):
        labels = uniform_labels(points)
        parts.append(block_histograms(labels[code], labels.max() + 1, settings.blocks))
    return np.concatenate([part / part.sum(axis=1, keepdims=True) for part in parts], axis=1).ravel().astype(np.float32)


def fit(features: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> FittedSVM:
    """Fit the machine on histograms, (n, d); nothing is drawn."""
    return fit_svm(features, labels, n_classes, settings.kernel, settings.cost, settings.degree)
