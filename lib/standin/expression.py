"""Facial action units (FACS) as displacement fields with shading, and their course in time.

A field says, at every point p of the moved picture, how far its content has come: the content at p lay at p - field(p).
Lengths are in head units (half an interpupillary distance, see `identity`), times in milliseconds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import yaml

from lib.standin.canvas import SHAPE, bump, grid, smoothstep, strokes
from lib.standin.identity import DATA, MIRROR, Identity

PUSHES = pd.read_csv(DATA / "action_units.csv")
"""The Gaussians of each unit's field on the image's left half, in head units; the right half mirrors them.

``anchor``: iBUG landmark (0-based) from which ``offset`` leads to the centre; ``shift``: displacement there at envelope
1, negative u outwards, negative v up; ``spread``: standard deviations.
"""
ACTION_UNITS = tuple(PUSHES["unit"].unique())
"""Order of the units in every array of envelopes and fields."""
RECIPES = yaml.safe_load((DATA / "expressions.yml").read_text(encoding="utf-8"))


def field(unit: str, u: np.ndarray, v: np.ndarray, landmarks: np.ndarray, sides: tuple[float, float]) -> np.ndarray:
    """Displacement of one of `ACTION_UNITS` at envelope 1, to the right and downwards: (2, height, width) float32.

    `u` and `v` (height, width) say where, and `landmarks` (68, 2) which neutral face, all in head units. `sides` are
    the strengths on the image's left and right half, (1, 1) for a symmetric movement.
    """
    total = np.zeros((2, *np.shape(u)), np.float32)
    for push in PUSHES[PUSHES["unit"] == unit].itertuples():
        for mirror, strength in zip((1, -1), sides, strict=True):
            anchor = landmarks[push.anchor if mirror == 1 else MIRROR[push.anchor]]
            centre = (anchor[0] + mirror * push.offset_u, anchor[1] + push.offset_v)
            weight = strength * bump(u, v, centre, (push.spread_u, push.spread_v))
            total[0] += mirror * push.shift_u * weight
            total[1] += push.shift_v * weight
    return total


def shading(unit: str, identity: Identity, sides: tuple[float, float]) -> np.ndarray:
    """Relative change of brightness by a unit's furrows and folds at envelope 1: canvas-sized, about -0.4 to 0.1.

    Older faces fold deeper.
    """
    (u, v), points = grid(), identity.landmarks
    change = np.zeros(SHAPE, np.float32)
    if unit in (furrows := _furrows(points)):
        lines, width, depth = furrows[unit]
        for mirror, strength in zip((1, -1), sides, strict=True):
            half = [np.asarray(line) * (mirror, 1) for line in lines]
            change -= strength * depth * strokes(half, width, 0.05)
            change += strength * 0.35 * depth * strokes([line - (0, 0.11) for line in half], width * 1.5, 0.06)
        change *= 0.75 + 0.5 * identity.age
    # gain, centre on the left half and spread: lifted cheeks catch the light, a raised chin and lowered brows lose it
    broad = {
        "AU4": (-0.10, (-0.75, points[20, 1] + 0.26), (0.4, 0.12)),
        "AU6": (0.10, (-1.2, 0.85), (0.35, 0.22)),
        "AU12": (0.08, (-1.15, 1.35), (0.32, 0.3)),
        "AU17": (-0.16, (0, points[57, 1] + 0.18), (0.35, 0.07)),
    }
    if unit in broad:
        gain, (x, y), spread = broad[unit]
        for mirror, strength in zip((1, -1), sides, strict=True):
            change += gain * strength * bump(u, v, (mirror * x, y), spread)
    return change


def _furrows(points: np.ndarray) -> dict[str, tuple[list, float, float]]:
    """Polylines on the image's left half (mirrored by the caller), their width and their darkness, of each unit."""
    left = np.where(points[:, :1] > 0, -1, 1) * points  # fold both halves onto the left one
    (corner, below), outer, brow = left[48], left[36, 0], left[21, 1]
    nose = [left[31] + step for step in ((-0.12, -0.22), (-0.36, 0.08))]
    nasolabial = [*nose, (corner - 0.24, below - 0.4)]
    dimple = [(corner - 0.05, below - 0.06), (corner - 0.1, below + 0.1)]
    crows_feet = [[(outer - 0.1, d * 0.5), (outer - 0.42, d)] for d in (-0.12, 0.05, 0.24)]
    root = [[(-0.12, d), (0.0, d + 0.02)] for d in (-0.12, 0.05, 0.22)]
    return {
        "AU1": ([[(-0.75, h + 0.04), (-0.35, h - 0.02), (0.0, h)] for h in (-1.15, -1.42)], 0.04, 0.24),
        "AU2": ([[(-1.55, h + 0.1), (-1.15, h - 0.02), (-0.6, h)] for h in (-1.18, -1.45)], 0.04, 0.22),
        "AU4": ([[(-0.13, brow - 0.28), (-0.17, brow + 0.22)], [(-0.3, -0.3), (0.0, -0.22)]], 0.05, 0.34),
        "AU6": ([*crows_feet, [(outer + 0.1, 0.3), (outer + 0.55, 0.42)]], 0.035, 0.24),
        "AU7": ([[(outer + 0.1, 0.22), (-1.0, 0.3), (outer + 0.75, 0.22)]], 0.04, 0.2),
        "AU9": ([*root, [(-0.16, 0.45), (-0.34, 0.72)], nasolabial], 0.04, 0.30),
        "AU10": ([nasolabial], 0.06, 0.34),
        "AU12": ([[*nasolabial, (corner - 0.28, below + 0.05)], dimple], 0.06, 0.30),
        "AU15": ([[(corner - 0.02, below + 0.06), (corner - 0.14, below + 0.4)]], 0.06, 0.32),
        "AU20": ([[(corner - 0.14, below - 0.15), (corner - 0.16, below + 0.2)]], 0.06, 0.24),
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
