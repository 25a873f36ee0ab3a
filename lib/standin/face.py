"""A face painted from an identity: albedo, relief, and what the camera model needs to light and move it.

A face is a 2.5-D relief over its own picture plane: elliptic cross sections inside the head's outline, plus bumps for
nose, brow ridge, sockets, cheeks, lips and chin. It is lit later (`scene`), so nothing here depends on a clip.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from lib.standin import hair
from lib.standin.body import glasses_frame, paint_body, paint_ears
from lib.standin.canvas import (
    PIXELS_PER_UNIT,
    SHAPE,
    blur,
    bump,
    curve_through,
    darken,
    grid,
    noise,
    normals,
    over,
    plain,
    polygon,
    smoothstep,
    strokes,
)
from lib.standin.features import NOSE_ABOVE_BASE, mouth_gap, paint_brows, paint_eyes, paint_mouth, paint_nose
from lib.standin.identity import Identity, head_half_width


@dataclass(frozen=True)
class Portrait:
    """A painted person on the canvas of `canvas`: float32 arrays (height, width), three channels where it is said."""

    albedo: np.ndarray  # (height, width, 3) sRGB 0-255, eyes open and mouth closed
    eyes_shut: np.ndarray  # (height, width, 3), the same with closed lids
    lid_travel: np.ndarray  # how far a lid must have fallen (0-1) to cover this pixel; 2 outside the eyes
    gap: np.ndarray  # (height, width, 3), what parted lips show
    gap_alpha: np.ndarray  # its opacity when the lips are wide apart
    glasses: np.ndarray | None  # their opacity; kept apart, for they follow the head and not the skin
    normal: np.ndarray  # (height, width, 3) surface normals: right, down, towards the camera
    depth: np.ndarray  # z in head units, 0 at the ears' plane
    occlusion: np.ndarray  # factor on ambient light: folds and hollows get less
    gloss: np.ndarray  # strength of the specular highlight
    alpha: np.ndarray  # 1 on the person, 0 on the background


def paint(identity: Identity) -> Portrait:
    """Paint a person. The same identity gives the same portrait, byte for byte."""
    rng = np.random.default_rng(identity.texture_seed)
    u, v = grid()
    points = identity.landmarks
    texture = noise(rng, 0.16, 4)

    # === Shapes ===
    squared = head_half_width(identity)(v).astype(np.float32)
    half_width = np.sqrt(np.nan_to_num(np.maximum(squared, 0)))
    centre = _midline(points, v)
    edge = 1.6 / PIXELS_PER_UNIT
    head = smoothstep(half_width - np.abs(u - centre), -edge, edge) * (half_width > 0)
    # the chin closes too fast for a test along rows alone: the jaw's own curve rounds it
    head = np.minimum(head, polygon(_jaw_and_all_above(points), 0.02))
    depth = _face_relief(u - centre, v, half_width, points, identity)

    # === Skin and features ===
    skin = _skin(u, v, identity, texture, rng)
    eyes_open, eyes_shut, lid_travel = paint_eyes(u, v, skin, identity)
    for face in (eyes_open, eyes_shut):
        paint_brows(face, identity, np.random.default_rng(identity.texture_seed + 1))
        paint_nose(u, v, face, points)
        paint_mouth(u, v, face, identity, texture)

    # === Layers: hair behind, body, ears, head, hair in front ===
    body, body_relief = paint_body(u, v, identity, rng)
    behind = [hair.behind(u, v, identity, rng), body, paint_ears(u, v, identity)]
    front = hair.in_front(u, v, identity, rng)
    albedo = plain(0)
    for layer in behind:
        over(albedo, layer.colour, layer.alpha)
    closed = albedo.copy()
    shadow = np.clip(blur(front.alpha, 0.1) - front.alpha, 0, 1) * head
    for image, face in ((albedo, eyes_open), (closed, eyes_shut)):
        over(image, face, head)
        darken(image, 0.62, shadow)
        over(image, front.colour, front.alpha)

    # === What light needs to know ===
    hair_normal = normals(1.6 * np.sqrt(np.clip(1 - (u / 2.75) ** 2 - ((v - 0.2) / 3.9) ** 2, 0.02, 1)))
    normal = hair_normal.copy()
    over(normal, normals(body_relief), body.alpha)
    over(normal, normals(depth), head)
    over(normal, hair_normal, front.alpha)
    hollow = 1.5 * (depth - blur(depth, 0.22)) + 0.5 * (depth - blur(depth, 0.7))
    bare = head * (1 - front.alpha)
    gap_colour, gap_alpha = mouth_gap(u, v, points)
    return Portrait(
        albedo=albedo,
        eyes_shut=closed,
        lid_travel=lid_travel,
        gap=gap_colour,
        gap_alpha=gap_alpha,
        glasses=glasses_frame(identity),
        normal=normal,
        depth=np.where(head > 0.5, depth, 0).astype(np.float32),
        occlusion=(1 + np.clip(hollow, -0.45, 0.25) * bare).astype(np.float32),
        gloss=(bare * (0.8 + 0.35 * bump(u, v, (0, 0.6), (0.5, 0.9)))).astype(np.float32),
        alpha=np.maximum.reduce([*(layer.alpha for layer in behind), head, front.alpha]).astype(np.float32),
    )


def _midline(points: np.ndarray, v: np.ndarray) -> np.ndarray:
    """u of the middle of the head on every row (height, 1): asymmetric jaws lean a little."""
    middle = (points[16::-1] + points[:17])[9:] / 2
    order = np.argsort(middle[:, 1])
    return np.interp(v, middle[order, 1], middle[order, 0]).astype(np.float32)


def _jaw_and_all_above(points: np.ndarray) -> np.ndarray:
    dense = CubicSpline(np.arange(17), points[:17])(np.linspace(0, 16, 120))
    return np.concatenate([[(-4, dense[0, 1])], dense, [(4, dense[-1, 1]), (4, -5), (-4, -5)]])


def _face_relief(u, v, half_width, points, identity: Identity) -> np.ndarray:
    profile = PchipInterpolator(
        [identity.crown, -2.2, -1.2, 0, 1.0, 2.2, 3.2, 4.2], [0, 1.35, 1.9, 2.0, 2.1, 2.1, 1.9, 1.2]
    )
    across = np.clip(np.abs(u) / np.maximum(half_width, 1e-3), 0, 1)
    z = np.nan_to_num(profile(v)).astype(np.float32) * (1 - across**2.4) ** (1 / 2.0)
    raised = points - (0, NOSE_ABOVE_BASE)
    tip, mouth, chin = raised[30], points[62], points[8]
    base = raised[33, 1]
    wide = identity.nose_width
    ridge = np.interp(v, [-0.5, 0.1, tip[1] - 0.1, base, base + 0.15], [0.0, 0.25, 0.62, 0.4, 0]).astype(np.float32)
    ridge = blur(np.repeat(ridge, 4, axis=1), 0.05)[:, :1]
    spread = np.interp(v, [-0.4, 0.2, tip[1], base], [0.17, 0.15, 0.24, 0.3]).astype(np.float32) * wide
    z = z + identity.nose_height * ridge * np.exp(-0.5 * (u / spread) ** 2)
    z += identity.nose_height * 0.22 * bump(u, v, (0, tip[1] + 0.05), (0.2 * wide, 0.17))
    for side, eye, wing, cheek in ((-1, slice(36, 42), 31, -1.25), (1, slice(42, 48), 35, 1.25)):
        pupil = points[eye].mean(axis=0)
        z += 0.2 * bump(u, v, (points[wing, 0] * 1.12, base - 0.14), (0.14, 0.13))  # wings of the nose
        z -= 0.26 * bump(u, v, (pupil[0], pupil[1] - 0.05), (0.5, 0.3))  # socket
        z += 0.17 * bump(u, v, pupil, (0.3, 0.2))  # eyeball behind its lids
        z += 0.12 * identity.brow_ridge * bump(u, v, (side * 1.05, points[19, 1] + 0.08), (0.55, 0.13))
        z += 0.16 * identity.cheekbones * bump(u, v, (cheek, 1.05), (0.5, 0.42))
        z -= 0.10 * identity.cheekbones * bump(u, v, (side * 1.45, 2.0), (0.35, 0.5))
        z -= 0.07 * bump(u, v, (side * 0.62, mouth[1] - 0.55), (0.13, 0.35)) * (0.4 + identity.age)
        z -= 0.05 * bump(u, v, (points[48 if side < 0 else 54, 0] * 1.06, mouth[1] + 0.03), (0.12, 0.12))
        z += 0.05 * bump(u, v, (side * 0.55, -1.45), (0.55, 0.35))
    z += 0.14 * bump(u, v, (0, mouth[1]), (0.75, 0.5))  # the teeth push the mouth forward
    z += 0.10 * bump(u, v, (0, (points[51, 1] + mouth[1]) / 2), (0.42, 0.10))
    z += 0.14 * bump(u, v, (0, (points[57, 1] + mouth[1]) / 2 + 0.02), (0.36, 0.12))
    z -= 0.06 * bump(u, v, (0, mouth[1]), (0.55, 0.03))
    z -= 0.05 * bump(u, v, (0, points[51, 1] - 0.2), (0.08, 0.16))  # philtrum
    z -= 0.10 * bump(u, v, (0, points[57, 1] + 0.17), (0.5, 0.13))
    z += 0.17 * bump(u, v, (0, chin[1] - 0.42), (0.42, 0.3))
    return blur(z.astype(np.float32), 0.035)


def _skin(u, v, identity: Identity, texture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    points, age = identity.landmarks, identity.age
    mouth = points[62, 1]
    skin = plain(identity.skin)
    blotches = noise(rng, 1.1, 3)
    red = np.zeros(SHAPE, np.float32)
    for side in (-1, 1):
        red += 0.8 * bump(u, v, (side * 1.25, 1.25), (0.5, 0.45))
    red += 0.7 * bump(u, v, (0, points[30, 1]), (0.35, 0.3))
    red += 0.3 * bump(u, v, (0, points[8, 1] - 0.3), (0.4, 0.3))
    darken(skin, np.array((1.0, 0.925, 0.93), np.float32), red)
    skin *= (1 + 0.022 * blotches + 0.02 * texture)[..., None]
    # shadows of the eyes, deeper with age
    for eye in (slice(36, 42), slice(42, 48)):
        centre = points[eye].mean(axis=0)
        under = bump(u, v, (centre[0] * 0.97, centre[1] + 0.33), (0.38, 0.12))
        darken(skin, 1 - (0.08 + 0.10 * age) * np.array((0.8, 1.0, 0.9)), under)
    darken(skin, np.array((0.15, 0.0, 0.0), np.float32), _fold_depth(identity))
    if identity.freckles > 0:
        spots = smoothstep(noise(rng, 0.07, 1), 1.3, 2.2) * (bump(u, v, (0, 0.9), (1.5, 0.7)))
        darken(skin, np.array((0.79, 0.70, 0.67), np.float32), identity.freckles * spots)
    for _ in range(rng.poisson(1.3)):
        centre = (rng.uniform(-1.7, 1.7), rng.uniform(0.4, 3.2))
        size = rng.uniform(0.025, 0.05)
        darken(skin, 0.45, bump(u, v, centre, (size, size)))
    if identity.stubble > 0:
        beard = smoothstep(np.hypot(u / 1.95, (v - 0.6) / 2.9), 0.66, 0.95) * (v > 0.5)
        beard = np.maximum(beard * smoothstep(v, 0.6, 1.9), bump(u, v, (0, points[51, 1] - 0.2), (0.62, 0.16)))
        beard = np.maximum(beard, bump(u, v, (0, points[57, 1] + 0.45), (0.45, 0.35)))
        beard *= 1 - bump(u, v, (0, mouth), (0.6, 0.2))
        grain = 0.75 + 0.25 * noise(rng, 0.05, 1)
        over(skin, identity.hair * 0.7 + identity.skin * 0.2, np.clip(0.62 * identity.stubble * beard * grain, 0, 0.8))
    return np.clip(skin, 0, 255)


def _fold_depth(identity: Identity) -> np.ndarray:
    """Darkness 0-1 of the lines a neutral face carries."""
    points, age = identity.landmarks, identity.age
    depth = np.zeros(SHAPE, np.float32)
    for side, wing, corner, outer in ((-1, 31, 48, 36), (1, 35, 54, 45)):
        wing, corner, outer = points[wing], points[corner], points[outer]
        fold = [wing + (side * 0.12, -0.22), wing + (side * 0.32, 0.05), corner + (side * 0.26, -0.42)]
        fold += [corner + (side * 0.27, -0.05)]
        depth += (0.07 + 0.30 * age) * strokes([curve_through(fold)], 0.05, 0.05)
        bag = [outer + (side * -0.05, 0.2), outer + (side * -0.42, 0.36), outer + (side * -0.75, 0.27)]
        depth += (0.05 + 0.22 * age) * strokes([curve_through(bag)], 0.04, 0.035)
        feet = [[outer + (side * 0.12, d * 0.4), outer + (side * 0.4, d)] for d in (-0.1, 0.05, 0.2)]
        depth += 0.28 * age**1.5 * strokes(feet, 0.03, 0.025)
        sag = [corner + (side * 0.06, 0.1), corner + (side * 0.16, 0.5)]
        depth += 0.25 * age**1.5 * strokes([sag], 0.05, 0.05)
    rows = [-1.05, -1.3, -1.55]
    lines = [[(x, row + 0.05 * np.cos(2.2 * x)) for x in np.linspace(-1.0, 1.0, 12)] for row in rows]
    depth += 0.30 * age**1.6 * strokes(lines, 0.04, 0.04)
    depth += 0.25 * age**1.5 * strokes([[(-0.14, -0.75), (-0.12, -0.45)], [(0.13, -0.72), (0.12, -0.45)]], 0.04, 0.03)
    return np.clip(depth, 0, 0.6)
