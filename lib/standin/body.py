"""What surrounds a face: neck and clothes, ears, glasses."""

import numpy as np

from lib.standin.canvas import SHAPE, Layer, blur, darken, noise, over, plain, smoothstep, strokes
from lib.standin.identity import Identity

COVERS_EARS = ("bob", "fringe", "long", "scarf")


def paint_body(u, v, identity: Identity, rng: np.random.Generator) -> tuple[Layer, np.ndarray]:
    """Neck, shoulders and clothes as a layer, and their relief z (height, width)."""
    chin = identity.landmarks[8, 1]
    beside = np.abs(u)
    neck_half = 0.60 * identity.landmarks[13, 0]
    neck_width = neck_half + 0.5 * np.clip((v - chin - 0.1) / 1.4, 0, 1.2) ** 2.2
    neck = smoothstep(neck_width - beside, -0.03, 0.03) * smoothstep(v, 1.2, 1.6)
    shoulder = chin + 0.75 + 0.42 * np.clip(beside - neck_half, 0, None) ** 0.85
    shoulder = shoulder + 0.05 * np.clip(beside - 3.4, 0, None) ** 2.2
    neckline = {
        "crew": chin + 1.15 - 0.28 * np.clip(beside / 1.7, 0, 1) ** 2,
        "v": chin + 1.9 - 0.62 * beside,
        "collar": chin + 1.5 - 0.5 * beside - 0.25 * smoothstep(beside, 0.5, 1.4),
    }[identity.neckline]
    edge = np.maximum(shoulder - 0.04, np.where(beside < 2.4, neckline, -9))
    cloth = smoothstep(v - edge, -0.03, 0.03)
    colour = plain(identity.skin * np.float32(0.96))
    below_jaw = np.clip(v - chin + np.interp(beside, [0, 0.6, 1.1, 1.5, 1.8], [0.0, 0.1, 0.36, 0.75, 1.3]), 0, None)
    darken(colour, np.array((0.45, 0.42, 0.41), np.float32), np.exp(-below_jaw / 0.35))
    cords = [[(side * 1.25, chin - 0.5), (side * 0.35, chin + 1.4)] for side in (-1, 1)]
    darken(colour, 0.9, strokes(cords, 0.12, 0.1))
    drape = 1 + 0.05 * noise(rng, 1.4, 2, stretch=1.6) + 0.012 * noise(rng, 0.08, 1)
    over(colour, identity.cloth * drape[..., None], cloth)
    darken(colour, 0.7, np.clip(blur(cloth, 0.04) * (1 - cloth) * 2.5, 0, 1) * neck)
    hem = np.clip(cloth - smoothstep(v - np.maximum(shoulder, neckline), 0.08, 0.14), 0, 1)
    darken(colour, 0.8, hem)
    round_neck = 1.3 * np.sqrt(np.clip(1 - (u / (neck_width + 0.05)) ** 2, 0, 1))
    chest = 1.6 * np.sqrt(np.clip(1 - (u / 5.9) ** 2, 0, 1)) - 0.55 * np.exp(-np.clip(v - shoulder, 0, 9) / 0.5)
    relief = round_neck * (1 - cloth) + chest * cloth
    return Layer(colour, np.maximum(neck, cloth)), blur(relief.astype(np.float32), 0.06)


def paint_ears(u, v, identity: Identity) -> Layer:
    """Ears, where the hair shows them."""
    colour = plain(identity.skin * (0.94, 0.86, 0.84))
    alpha = np.zeros(SHAPE, np.float32)
    if identity.hair_style in COVERS_EARS:
        return Layer(colour, alpha)
    for side, jaw in ((-1, 0), (1, 16)):
        x = identity.landmarks[jaw, 0] + side * 0.05
        shape = np.hypot((u - x - side * 0.12 * (0.35 - v)) / 0.24, (v - 0.42) / 0.64)
        alpha = np.maximum(alpha, smoothstep(1 - shape, -0.06, 0.06))
        darken(colour, 0.65, np.exp(-(((shape - 0.6) / 0.16) ** 2)))
    return Layer(colour, alpha)


def glasses_frame(identity: Identity) -> np.ndarray | None:
    """Opacity (height, width) of a pair of glasses, if the person wears one."""
    if identity.glasses is None:
        return None
    power, height = {"round": (2.0, 0.54), "square": (4.0, 0.46)}[identity.glasses]
    angle = np.linspace(0, 2 * np.pi, 60)
    cos, sin = np.cos(angle), np.sin(angle)
    lines = [[(x, 0.02 - 0.08 * np.cos(4 * x)) for x in np.linspace(-0.38, 0.38, 9)]]
    for side, jaw in ((-1, 0), (1, 16)):
        x = side * 1.03 + 0.66 * np.sign(cos) * np.abs(cos) ** (2 / power)
        y = 0.1 + height * np.sign(sin) * np.abs(sin) ** (2 / power)
        lines += [np.stack([x, y], axis=1), [(side * 1.68, 0.0), (identity.landmarks[jaw, 0], -0.02)]]
    return 0.85 * strokes(lines, 0.04, 0.015)
