"""Hair: a mass between two outlines, and single strands that follow its flow."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from lib.standin.canvas import (
    PIXELS_PER_UNIT,
    SHAPE,
    Layer,
    blur,
    bump,
    draw_lines,
    noise,
    over,
    plain,
    smoothstep,
    to_pixels,
)
from lib.standin.identity import Identity, head_half_width

FALLING = ("bob", "fringe", "long")
N_STRANDS = 2400
EDGES = {"buzz": (0.14, 0.05), "receding": (0.16, 0.06), "curly": (0.05, 0.07), "scarf": (0.02, 0.0)}
"""Softness and raggedness of the hairline (head units) where a style differs from the rest's 0.07 and 0.035."""


def behind(u: np.ndarray, v: np.ndarray, identity: Identity, rng: np.random.Generator) -> Layer:
    """What is seen beside the neck and above the head: falling hair, a bun, the back of a scarf."""
    chin = identity.landmarks[8, 1]
    alpha = np.zeros(SHAPE, np.float32)
    colour = plain(identity.hair * 0.72)
    if identity.hair_style in FALLING:
        length = {"bob": chin - 0.3, "fringe": chin + 0.4, "long": 7.0}[identity.hair_style]
        wave = 0.09 * np.sin(2.3 * v + 2 * identity.part) + 0.05 * noise(rng, 1.2, 2)
        half = 2.3 + identity.hair_volume + 0.12 * np.clip(v - 1, 0, 3)
        half = half - 0.5 * smoothstep(v, length - 0.7, length + 0.3)
        alpha = smoothstep(half + wave - np.abs(u), -0.06, 0.06) * smoothstep(v, -0.7, -0.4)
        alpha *= smoothstep(length + 0.08 * noise(rng, 0.25, 2) - v, -0.06, 0.06)
        colour *= (1 + 0.16 * noise(rng, 0.12, 2, stretch=14.0))[..., None]
    elif identity.hair_style == "bun":
        centre = (0.25 * identity.part, identity.crown - 0.28)
        ball = np.hypot((u - centre[0]) / 0.85, (v - centre[1]) / 0.66) + 0.03 * noise(rng, 0.3, 2)
        alpha = smoothstep(1 - ball, -0.06, 0.06)
        shine = 0.25 * bump(u, v, (centre[0], centre[1] - 0.2), (0.4, 0.2))
        colour *= (1 + shine + 0.15 * noise(rng, 0.1, 2))[..., None]
    elif identity.hair_style == "scarf":
        alpha = smoothstep(_scarf_half_width(v) - np.abs(u), -0.05, 0.05) * smoothstep(v, 0.0, 0.3)
        colour = _cloth(u, v, identity, rng)
    return Layer(np.clip(colour, 0, 255), alpha)


def in_front(u: np.ndarray, v: np.ndarray, identity: Identity, rng: np.random.Generator) -> Layer:
    """The hair (or the scarf) that frames the face."""
    style = identity.hair_style
    ragged = np.clip(noise(rng, 0.18, 2), -1.7, 1.7)  # no tufts that float apart
    outer = _outer_half_width(v, identity)
    opening = _opening_half_width(v, identity)
    # the parting lowers the hairline on its heavier side
    lean = np.clip(0.16 * identity.part * u, -0.25, 0.25) * smoothstep(-v, 0.4, 1.6) * (style not in ("buzz", "scarf"))
    opening = np.interp(v + lean, v[:, 0], opening[:, 0]).astype(np.float32)
    softness, roughness = EDGES.get(style, (0.07, 0.035))
    mass = smoothstep(outer + (1.6 if style == "curly" else 0.6) * roughness * ragged - np.abs(u), -0.05, 0.05)
    mass *= 1 - smoothstep(opening + roughness * ragged - np.abs(u), -softness, softness)
    if style == "bald":
        return Layer(plain(0), np.zeros(SHAPE, np.float32))
    if style == "scarf":
        chin = identity.landmarks[8, 1]
        drape = _scarf_half_width(v) - np.abs(u)
        under = smoothstep(v, chin - 0.02, chin + 0.1) * smoothstep(drape, -0.05, 0.05)
        return Layer(_cloth(u, v, identity, rng), np.maximum(mass, under).astype(np.float32))

    shine = bump(u, v, (0.5 * identity.part, identity.crown + 0.75), (1.5, 0.42))
    light = 0.72 + 0.5 * shine + 0.05 * noise(rng, 0.5, 2)
    colour = identity.hair * 0.75 * light[..., None]
    if style == "buzz":
        colour *= (1 + 0.15 * noise(rng, 0.05, 1))[..., None]
        return Layer(np.clip(colour, 0, 255), (0.82 * mass).astype(np.float32))
    canvas = np.clip(colour, 0, 255).astype(np.uint8)
    cover = (np.clip(mass, 0, 1) * 255).astype(np.uint8)
    _draw_strands(canvas, cover, mass, light, identity, rng)
    colour = blur(canvas.astype(np.float32), 0.012)
    return Layer(colour, blur(cover.astype(np.float32) / 255, 0.012))


def _outer_half_width(v: np.ndarray, identity: Identity) -> np.ndarray:
    """Half width of the hair's silhouette on each row."""
    volume, style = identity.hair_volume, identity.hair_style
    squared = head_half_width(identity)
    levels = np.linspace(identity.crown, 1.2, 60)
    stretched = identity.crown - volume + (levels - identity.crown) * (1 + volume / (1.2 - identity.crown))
    sides = 0.3 + 0.7 * smoothstep(-levels, -0.4, 1.6) if style in ("short", "swept", "receding") else 1.0
    widths = np.sqrt(squared(levels)) + volume * sides * smoothstep(levels, identity.crown, identity.crown + 0.5)
    ends = {"bob": 3.4, "fringe": 3.6, "long": 7.5, "curly": 1.3, "scarf": 9.0}.get(style, 0.55)
    half = PchipInterpolator(stretched, widths, extrapolate=True)(np.minimum(v[:, 0], 1.0))
    half = np.where(v[:, 0] < stretched[0], -0.3, half)
    half = half - 0.4 * smoothstep(v[:, 0], ends - 0.45, ends) - 9 * (v[:, 0] > ends)
    return half.astype(np.float32)[:, None]


def _opening_half_width(v: np.ndarray, identity: Identity) -> np.ndarray:
    """Half width of the bare face on each row: nothing above the hairline, the whole face below the sideburns."""
    top, style = identity.hairline, identity.hair_style
    temple = identity.landmarks[16, 0]
    shape = [0.0, 0.62, 0.80, 0.88, 0.94, 1.03]
    if style == "fringe":
        top, shape = -1.02, [0.0, 0.70, 0.86, 0.90, 0.93, 0.95]
    elif style in ("bob", "long"):
        shape = [0.0, 0.58, 0.76, 0.86, 0.91, 0.95]
    elif style == "receding":
        top, shape = top - 0.55, [0.0, 0.66, 0.84, 0.93, 0.97, 1.05]
    elif style == "scarf":
        top, shape = -1.6, [0.0, 0.62, 0.80, 0.90, 0.95, 0.97]
    end = 0.1 if style == "fringe" else 0.4
    levels = top + (end - top) * np.array([0.0, 0.09, 0.28, 0.5, 0.75, 1.0])
    widths = np.array(shape) * temple
    half = np.sqrt(np.maximum(PchipInterpolator(levels, widths**2, extrapolate=False)(v[:, 0]), 0))
    half = np.where(v[:, 0] < top, -1.0, half)
    below = v[:, 0] >= end
    if style in (*FALLING, "scarf"):
        jaw = np.sqrt(np.nan_to_num(np.maximum(head_half_width(identity)(v[:, 0]), 0)))
        half = np.where(below, np.maximum(0.97 * jaw, widths[-1] - 0.35 * smoothstep(v[:, 0], 2, 4.5)), half)
        if style == "scarf":
            half = np.where(below, np.where(v[:, 0] < identity.landmarks[8, 1], 0.98 * jaw, 0.0), half)
    else:
        half = np.where(below, 9.0 if style != "curly" else temple + 0.2, half)
    return half.astype(np.float32)[:, None]


def _draw_strands(canvas, cover, mass, light, identity: Identity, rng) -> None:
    """Draw single hairs over the mass, each along the style's flow, with its own brightness."""
    style = identity.hair_style
    weight = np.clip(mass, 0, 1).ravel().astype(np.float64)
    n = N_STRANDS
    chosen = rng.choice(weight.size, n, p=weight / weight.sum())
    rows, columns = np.unravel_index(chosen, mass.shape)
    position = np.stack([columns, rows], axis=1) + rng.uniform(-0.5, 0.5, (n, 2))
    steps, stride = (7, 0.05) if style == "curly" else (10, 0.085)
    crown = to_pixels((identity.part * 0.9, identity.crown - identity.hair_volume + 0.15))
    bend = rng.normal(0, 0.10, n)
    turn = rng.choice((-1, 1), n) * rng.uniform(0.5, 1.1, n)
    path = [position]
    heading = rng.uniform(0, 2 * np.pi, n)
    for _ in range(steps):
        here = path[-1]
        radial = here - crown
        radial = radial / (np.linalg.norm(radial, axis=1, keepdims=True) + 1e-6)
        side = np.clip((np.abs(here[:, 0] - SHAPE[1] / 2) / PIXELS_PER_UNIT - 1.2) / 0.9, 0, 1)[:, None]
        if style == "curly":
            heading = heading + turn
            direction = np.stack([np.cos(heading), np.sin(heading)], axis=1)
        else:
            swept = style in ("swept", "tied", "bun")
            direction = (0, -0.15) - radial if swept else radial * (1 - 0.75 * side) + (0.15 + side) * (0.0, 1.0)
            direction = direction / (np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6)
            direction = direction + bend[:, None] * direction[:, ::-1] * (-1, 1)
        path.append(here + direction * (stride * PIXELS_PER_UNIT))
    path = np.stack(path, axis=1)  # (n, steps + 1, 2)
    shade = light[rows, columns] * np.exp(rng.normal(0, 0.20, n))
    colours = np.clip(identity.hair * 0.95 * shade[:, None] + 4, 0, 255)
    for i in np.argsort(shade):
        draw_lines(canvas, [path[i]], colours[i].astype(int).tolist())
        if i % 3 == 0:  # a third of the hairs may leave the mass: loose ends
            draw_lines(cover, [path[i]], 210)
    # loose ends stay near the mass, and a hair over half-covered skin must not thin what is there already
    reach = np.clip(2.2 * blur(np.clip(mass, 0, 1).astype(np.float32), 0.10), 0, 1)
    np.maximum(cover * reach, 255 * np.clip(mass, 0, 1), out=cover, casting="unsafe")


def _scarf_half_width(v: np.ndarray) -> np.ndarray:
    return 2.25 + 0.3 * np.clip(v - 1.8, 0, 9) ** 1.4


def _cloth(u, v, identity: Identity, rng) -> np.ndarray:
    tint = identity.cloth[::-1] * 0.5 + 60
    folds = 0.10 * np.sin(7 * np.hypot(u, 0.6 * (v + 3)) + 1.5 * noise(rng, 1.5, 2)) + 0.03 * noise(rng, 0.3, 2)
    colour = plain(tint)
    over(colour, tint * 1.3, np.clip(folds, 0, 1))
    over(colour, tint * 0.5, np.clip(-folds, 0, 1))
    return colour
