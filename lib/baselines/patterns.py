"""What local patterns on three orthogonal planes are made of: neighbours, differences of grey, histograms in blocks."""

import itertools
import math

import numpy as np

from lib.preprocessing.volumes import tim_matrix

# Axes of a volume, (time, height, width), that each plane spans: across, then along.
PLANES = {"XY": (2, 1), "XT": (2, 0), "YT": (1, 0)}


def interpolated(volume: np.ndarray, depth: int) -> np.ndarray:
    """(n, height, width) uint8 -> (depth, height, width) int16, interpolated in time and rounded to whole greys."""
    if len(volume) == depth:
        return volume.astype(np.int16)
    frames = np.tensordot(tim_matrix(len(volume), depth), volume.astype(np.float64), axes=1)
    return np.clip(np.rint(frames), 0, 255).astype(np.int16)


def circle(points: int, across: int, along: int) -> list[tuple[float, float]]:
    """Offsets of the neighbours, (across, along): anticlockwise in an image from the one on the right.

    >>> circle(4, 1, 4)
    [(1.0, 0.0), (0.0, -4.0), (-1.0, 0.0), (0.0, 4.0)]
    """
    angles = (2 * math.pi * number / points for number in range(points))
    # rounded, and + 0.0 for no negative zero: what is on the grid needs no interpolation
    return [(round(across * math.cos(a), 9) + 0.0, round(-along * math.sin(a), 9) + 0.0) for a in angles]


def differences(volume: np.ndarray, offset: dict[int, float], border: tuple[int, int, int]) -> np.ndarray:
    """Grey of a neighbour less grey of the pixel, at every position that is `border` away from the volume's sides.

    Parameters
    ----------
    volume : (depth, height, width) of whole numbers
    offset : axis -> distance
        Between grid points the neighbour is interpolated linearly.
    border : (time, height, width)

    Returns
    -------
    (depth, height, width) less twice the border; exact, and untouched by a constant that is added to all greys.
    """
    centre = moved(volume, {}, border)
    ways = []
    for axis, distance in offset.items():
        low = math.floor(distance)
        share = distance - low
        ways.append([(axis, step, weight) for step, weight in ((low, 1 - share), (low + 1, share)) if weight])
    found = None
    for steps in itertools.product(*ways):
        weight = math.prod(one for *_, one in steps)
        part = moved(volume, {axis: step for axis, step, _ in steps}, border) - centre
        part = part if weight == 1 else weight * part
        found = part if found is None else found + part
    return found


def moved(volume: np.ndarray, steps: dict[int, int], border: tuple[int, int, int]) -> np.ndarray:
    """The volume less its border, moved along some axes by no more than the border: a view."""
    return volume[
        tuple(
            slice(edge + steps.get(axis, 0), size - edge + steps.get(axis, 0))
            for axis, (edge, size) in enumerate(zip(border, volume.shape, strict=True))
        )
    ]


def block_histograms(labels: np.ndarray, n_labels: int, blocks: int) -> np.ndarray:
    """How often each label stands in each block: (blocks * blocks, n_labels) ints from (depth, height, width) ints."""
    rows, columns = (np.arange(size) * blocks // size for size in labels.shape[1:])
    block = rows[:, None] * blocks + columns  # (height, width)
    cells = (block * n_labels + labels).ravel()
    return np.bincount(cells, minlength=blocks * blocks * n_labels).reshape(blocks * blocks, n_labels)
