"""Facial action units (FACS) as displacement fields with shading, and their course in time.

A field says, at every point p of the moved picture, how far its content has come: the content at p lay at p - field(p).
Lengths are in head units (half an interpupillary distance, see `identity`), times in milliseconds.
"""

from dataclasses import dataclass

import numpy as np

from lib.standin.canvas import SHAPE, bump, smoothstep, strokes
from lib.standin.identity import MIRROR, Identity

ACTION_UNITS = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU15", "AU17", "AU20", "AU25")
"""Order of the units in every array of envelopes and fields."""


@dataclass(frozen=True)
class Push:
    """One Gaussian of a field, in head units. For the subject's right side (image left); the other side mirrors it."""

    anchor: int  # iBUG landmark on the image's left half (0-based) that the centre is measured from
    offset: tuple[float, float]  # centre minus anchor (u, v)
    shift: tuple[float, float]  # displacement at the centre (u, v) at envelope 1: negative u outwards, negative v up
    spread: tuple[float, float]  # standard deviations (u, v)


PUSHES = {
    # inner brow raiser, outer brow raiser, brow lowerer
    "AU1": (Push(20, (0.22, -0.12), (0.0, -0.24), (0.36, 0.42)), Push(20, (0.3, -0.7), (0.0, -0.10), (0.5, 0.4))),
    "AU2": (Push(18, (0.15, -0.12), (0.0, -0.24), (0.42, 0.40)), Push(18, (0.2, -0.6), (0.0, -0.09), (0.5, 0.4))),
    "AU4": (Push(20, (0.0, 0.0), (0.10, 0.19), (0.42, 0.34)), Push(18, (0.2, 0.0), (0.03, 0.07), (0.4, 0.3))),
    # upper lid raiser, cheek raiser, lid tightener
    "AU5": (Push(37, (0.16, 0.0), (0.0, -0.10), (0.36, 0.12)),),
    "AU6": (Push(41, (-0.08, 0.72), (0.03, -0.19), (0.5, 0.42)), Push(41, (0.12, 0.02), (0.0, -0.05), (0.4, 0.1))),
    "AU7": (Push(40, (-0.14, 0.02), (0.0, -0.10), (0.40, 0.12)), Push(37, (0.16, 0.0), (0.0, 0.05), (0.36, 0.10))),
    # nose wrinkler, upper lip raiser
    "AU9": (
        Push(31, (-0.12, -0.3), (0.02, -0.17), (0.32, 0.40)),
        Push(21, (0.0, 0.2), (0.05, 0.10), (0.30, 0.25)),
        Push(50, (-0.1, 0.0), (0.0, -0.08), (0.35, 0.2)),
    ),
    "AU10": (
        Push(49, (0.12, -0.05), (-0.03, -0.19), (0.36, 0.20)),
        Push(31, (-0.4, 0.2), (-0.04, -0.10), (0.32, 0.36)),
    ),
    # lip corner puller, lip corner depressor, chin raiser, lip stretcher, lips part
    "AU12": (
        Push(48, (0.0, 0.0), (-0.20, -0.20), (0.36, 0.30)),
        Push(48, (-0.45, -0.75), (-0.06, -0.11), (0.45, 0.45)),
    ),
    "AU15": (Push(48, (0.0, 0.04), (-0.02, 0.20), (0.32, 0.26)),),
    "AU17": (Push(8, (-0.2, -0.4), (0.0, -0.15), (0.45, 0.38)),),
    "AU20": (Push(48, (0.0, 0.02), (-0.18, 0.04), (0.36, 0.28)),),
    "AU25": (Push(58, (0.1, -0.1), (0.0, 0.08), (0.36, 0.22)), Push(50, (0.05, 0.05), (0.0, -0.025), (0.36, 0.14))),
}


def field(unit: str, u: np.ndarray, v: np.ndarray, landmarks: np.ndarray, sides: tuple[float, float]) -> np.ndarray:
    """Displacement of one action unit at envelope 1.

    Parameters
    ----------
    unit : str
        One of `ACTION_UNITS`.
    u, v : ndarray, shape (height, width)
        Where, in head units.
    landmarks : ndarray, shape (68, 2)
        The neutral face.
    sides : tuple of float
        Strength on the image's left and right half, (1, 1) for a symmetric movement.

    Returns
    -------
    ndarray of float32, shape (2, height, width)
        Shift to the right and downwards, in head units.
    """
    total = np.zeros((2, *np.shape(u)), np.float32)
    for push in PUSHES[unit]:
        for mirror, strength in zip((1, -1), sides, strict=True):
            anchor = landmarks[push.anchor if mirror == 1 else MIRROR[push.anchor]]
            centre = (anchor[0] + mirror * push.offset[0], anchor[1] + push.offset[1])
            weight = strength * bump(u, v, centre, push.spread)
            total[0] += mirror * push.shift[0] * weight
            total[1] += push.shift[1] * weight
    return total


def shading(unit: str, identity: Identity, u: np.ndarray, v: np.ndarray, sides: tuple[float, float]) -> np.ndarray:
    """Relative change of brightness by a unit's furrows and folds at envelope 1: canvas-sized, about -0.4 to 0.1.

    `u`, `v` are the canvas grid; older faces fold deeper.
    """
    points = identity.landmarks
    lines, width, depth = _furrows(unit, points)
    change = np.zeros(SHAPE, np.float32)
    if lines:
        for mirror, strength in zip((1, -1), sides, strict=True):
            half = [np.asarray(line) * (mirror, 1) for line in lines]
            furrow = strokes(half, width, 0.05)
            change -= strength * depth * furrow
            change += strength * 0.35 * depth * strokes([line - (0, 0.11) for line in half], width * 1.5, 0.06)
        change *= 0.75 + 0.5 * identity.age
    for mirror, strength in zip((1, -1), sides, strict=True):
        if unit == "AU6":  # the lifted cheek catches the light
            change += 0.10 * strength * bump(u, v, (mirror * -1.2, 0.85), (0.35, 0.22))
        elif unit == "AU12":
            change += 0.08 * strength * bump(u, v, (mirror * -1.15, 1.35), (0.32, 0.3))
        elif unit == "AU17":
            change -= 0.16 * strength * bump(u, v, (0, points[57, 1] + 0.18), (0.35, 0.07))
        elif unit == "AU4":
            change -= 0.10 * strength * bump(u, v, (mirror * -0.75, points[20, 1] + 0.26), (0.4, 0.12))
    return change


def _furrows(unit: str, points: np.ndarray) -> tuple[list, float, float]:
    """Polylines on the image's left half (mirrored by the caller), their width and their darkness."""
    right = np.where(points[:, :1] > 0, -1, 1) * points  # fold both halves onto the left one
    wing, corner, outer, brow = right[31], right[48], right[36], right[21]
    nasolabial = [
        (wing[0] - 0.12, wing[1] - 0.22),
        (wing[0] - 0.36, wing[1] + 0.08),
        (corner[0] - 0.24, corner[1] - 0.4),
    ]
    if unit == "AU1":
        return [[(-0.75, h + 0.04), (-0.35, h - 0.02), (0.0, h)] for h in (-1.15, -1.42)], 0.04, 0.24
    if unit == "AU2":
        return [[(-1.55, h + 0.1), (-1.15, h - 0.02), (-0.6, h)] for h in (-1.18, -1.45)], 0.04, 0.22
    if unit == "AU4":
        return [[(-0.13, brow[1] - 0.28), (-0.17, brow[1] + 0.22)], [(-0.3, -0.3), (0.0, -0.22)]], 0.05, 0.34
    if unit == "AU5":
        return [], 0.0, 0.0
    if unit == "AU6":
        fan = [[(outer[0] - 0.1, d * 0.5), (outer[0] - 0.42, d)] for d in (-0.12, 0.05, 0.24)]
        return [*fan, [(outer[0] + 0.1, 0.3), (outer[0] + 0.55, 0.42)]], 0.035, 0.24
    if unit == "AU7":
        return [[(outer[0] + 0.1, 0.22), (-1.0, 0.3), (outer[0] + 0.75, 0.22)]], 0.04, 0.2
    if unit == "AU9":
        root = [[(-0.12, d), (0.0, d + 0.02)] for d in (-0.12, 0.05, 0.22)]
        return [*root, [(-0.16, 0.45), (-0.34, 0.72)], nasolabial], 0.04, 0.30
    if unit == "AU10":
        return [nasolabial], 0.06, 0.34
    if unit == "AU12":
        deep = [*nasolabial, (corner[0] - 0.28, corner[1] + 0.05)]
        return [deep, [(corner[0] - 0.05, corner[1] - 0.06), (corner[0] - 0.1, corner[1] + 0.1)]], 0.06, 0.30
    if unit == "AU15":
        return [[(corner[0] - 0.02, corner[1] + 0.06), (corner[0] - 0.14, corner[1] + 0.4)]], 0.06, 0.32
    if unit == "AU20":
        return [[(corner[0] - 0.14, corner[1] - 0.15), (corner[0] - 0.16, corner[1] + 0.2)]], 0.06, 0.24
    return [], 0.0, 0.0


# === Which units make which expression ===
# Each class is a set of variants (prototypes of Ekman & Friesen, and combinations coded in micro-expression datasets):
# the units that carry it with their typical strength, then units that come along with a probability.
RECIPES = {
    "negative": (
        ({"AU4": 1.0, "AU7": 0.6}, {"AU15": 0.3, "AU17": 0.2}),
        ({"AU4": 0.8, "AU9": 0.9}, {"AU10": 0.3, "AU7": 0.3}),
        ({"AU15": 1.0, "AU17": 0.5}, {"AU4": 0.6, "AU1": 0.2}),
        ({"AU10": 0.9, "AU4": 0.7}, {"AU7": 0.4, "AU17": 0.2}),
    ),
    "positive": (
        ({"AU12": 1.0, "AU6": 0.6}, {"AU25": 0.2, "AU7": 0.15}),
        ({"AU12": 0.9}, {"AU6": 0.4, "AU10": 0.1}),
    ),
    "surprise": (
        ({"AU1": 1.0, "AU2": 1.0}, {"AU5": 0.5, "AU25": 0.4}),
        ({"AU1": 0.7, "AU2": 0.8, "AU5": 0.8}, {"AU25": 0.4}),
    ),
    "angry": (
        ({"AU4": 1.0, "AU7": 0.8}, {"AU17": 0.4, "AU15": 0.2}),
        ({"AU4": 1.0, "AU5": 0.6}, {"AU7": 0.4, "AU20": 0.2}),
    ),
    "happy": (
        ({"AU12": 1.0, "AU6": 0.7}, {"AU25": 0.4, "AU7": 0.15}),
        ({"AU12": 0.9}, {"AU6": 0.5, "AU10": 0.1}),
    ),
    "disgust": (
        ({"AU9": 1.0, "AU4": 0.5}, {"AU10": 0.5, "AU7": 0.3}),
        ({"AU10": 1.0, "AU4": 0.5}, {"AU9": 0.3, "AU17": 0.4}),
    ),
}


def draw_units(rng: np.random.Generator, label: str) -> dict[str, float]:
    """Action units of one clip of class `label` and their relative strengths (about 0.3 to 1.2)."""
    variants = RECIPES[label]
    core, extra = variants[int(rng.integers(len(variants)))]
    units = {unit: strength * rng.uniform(0.75, 1.2) for unit, strength in core.items()}
    for unit, probability in extra.items():
        if rng.random() < probability:
            units[unit] = rng.uniform(0.3, 0.7)
    return {unit: float(units[unit]) for unit in ACTION_UNITS if unit in units}


@dataclass(frozen=True)
class Event:
    """One expression: starts from neutral at `onset_ms`, peaks, holds and returns to neutral at `offset_ms`."""

    onset_ms: float
    apex_ms: float
    release_ms: float
    offset_ms: float
    strength: float


def envelope(events: tuple[Event, ...], times_ms: np.ndarray) -> np.ndarray:
    """Activation at `times_ms`, 0 outside all events: smooth rise to the event's strength, hold, smooth fall."""
    total = np.zeros(len(times_ms))
    for event in events:
        rise = smoothstep(times_ms, event.onset_ms, event.apex_ms)
        fall = smoothstep(times_ms, event.release_ms, event.offset_ms)
        total = np.maximum(total, event.strength * rise * (1 - fall))
    return total
