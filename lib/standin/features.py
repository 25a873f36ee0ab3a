"""The features a face is known by: eyes, brows, nose and mouth, painted where the identity's landmarks are.

Each painter works on the canvas grid (u, v) of `canvas.grid` and changes an sRGB image in place.
"""

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from lib.standin.canvas import PIXELS_PER_UNIT, SHAPE, bump, curve_through, darken, over, plain, smoothstep, strokes
from lib.standin.identity import Identity

IRIS_RADIUS, PUPIL_RADIUS = 0.19, 0.08
NOSE_ABOVE_BASE = 0.12  # the iBUG base of the nose (31-35) lies this far below what is painted as nostrils and wings
BROW_BELOW_POINTS = 0.09  # the iBUG points of a brow (17-26) run along its upper edge, this far above its middle


def paint_eyes(u, v, skin: np.ndarray, identity: Identity) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eyes on `skin`: (image with open eyes, image with closed lids, travel of the lids), see `face.Portrait`."""
    opened, shut = skin, skin.copy()
    travel = np.full(SHAPE, 2.0, np.float32)
    edge = 1.2 / PIXELS_PER_UNIT
    points = identity.landmarks
    for side, eye in ((-1, 36), (1, 42)):
        upper, lower, left, right = _lid_curves(points, eye)
        inside = (u > left) & (u < right)
        across = np.clip(u, left, right)
        up, low = upper(across).astype(np.float32), lower(across).astype(np.float32)
        hole = smoothstep(v - up, -edge, edge) * smoothstep(low - v, -edge, edge) * inside
        centre = (float(side), points[eye : eye + 6, 1].mean() - 0.02)
        radius = np.hypot(u - centre[0], v - centre[1])
        under_lid = np.exp(-np.clip(v - up, 0, None) / 0.07)
        # the ball: white darker under the upper lid and towards the corners
        ball = plain((224, 216, 209))
        ball *= (1 - 0.32 * under_lid - 0.22 * smoothstep(np.abs(u - centre[0]), 0.2, 0.45))[..., None]
        ring = (0.75 + 0.5 * smoothstep(radius, 0.05, 0.17)) * (1 - 0.65 * smoothstep(radius, 0.14, 0.19))
        iris = identity.iris * (ring * (1 - 0.35 * under_lid))[..., None]
        over(ball, iris, smoothstep(IRIS_RADIUS - radius, -edge, edge))
        over(ball, (10, 8, 8), smoothstep(PUPIL_RADIUS - radius, -edge, edge))
        over(ball, (250, 250, 250), 0.9 * bump(u, v, (centre[0] + 0.06, centre[1] - 0.07), (0.026, 0.026)))
        inner = points[eye + 3 if side < 0 else eye]
        over(ball, (196, 130, 120), 0.6 * bump(u, v, inner + (side * 0.04, 0), (0.05, 0.05)))
        over(opened, ball, hole)
        _paint_lids(opened, shut, side, upper, lower, left, right, identity)
        # a falling lid covers the aperture from above
        covered = (v - up) / np.maximum(low - up, 0.02)
        region = inside & (covered > -0.45) & (covered < 1.5)
        travel[region] = np.clip(covered, 0, 1)[region]
    return opened, shut, travel


def _paint_lids(opened, shut, side: int, upper, lower, left: float, right: float, identity: Identity) -> None:
    """Crease above the eye, lashes along the rims; on closed eyes the lashes lie where the lower rim is."""
    along = np.linspace(left, right, 24)
    rim = np.stack([along, upper(along)], axis=1)
    lower_rim = np.stack([along, lower(along)], axis=1)
    arch = np.sin(np.pi * (along - left) / (right - left))
    crease = strokes([rim - np.stack([0 * arch, 0.04 + 0.10 * arch], axis=1)], 0.03, 0.02)
    darken(opened, 0.45, 0.45 * crease)
    darken(shut, 0.45, 0.3 * crease)
    lashes = 0.25 * identity.hair + np.float32(10)
    over(opened, lashes, 0.85 * strokes([rim - (0, 0.012)], 0.045, 0.014))
    outer = rim[0 if side < 0 else -1]
    over(opened, lashes, 0.5 * strokes([[outer, outer + (side * 0.08, 0.0)]], 0.03, 0.015))
    darken(opened, 0.55, 0.5 * strokes([lower_rim + (0, 0.015)], 0.035, 0.018))
    over(shut, lashes, 0.8 * strokes([lower_rim], 0.045, 0.014))


def _lid_curves(points: np.ndarray, eye: int):
    """Cubics (upper, lower) v(u) through the landmarks of the eye that begins at 36 or 42, and its ends in u."""
    above = points[[eye, eye + 1, eye + 2, eye + 3]]
    below = points[[eye, eye + 5, eye + 4, eye + 3]]
    left, right = sorted((points[eye, 0], points[eye + 3, 0]))
    return np.poly1d(np.polyfit(*above.T, 3)), np.poly1d(np.polyfit(*below.T, 3)), left, right


def paint_brows(image: np.ndarray, identity: Identity, rng: np.random.Generator) -> None:
    """Brows of single hairs: upright at the inner end, lying down along the arch, thin at the tail."""
    n = int(190 * identity.brow_density)
    colour = identity.hair * 0.72 + identity.skin * 0.05
    for brow in (range(17, 22), range(26, 21, -1)):
        line = CubicSpline(np.arange(5), identity.landmarks[list(brow)] + (0, BROW_BELOW_POINTS))
        along = rng.uniform(0.03, 3.98, n)  # 0 outer end, 4 inner end
        thick = identity.brow_thickness * np.interp(along, [0, 1, 3.3, 4], [0.3, 0.8, 1.0, 0.7])
        root = line(along) + np.stack([np.zeros(n), thick * rng.uniform(-0.5, 0.85, n)], axis=1)
        tangent = -line(along, 1)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        lift = np.interp(along, [0, 2, 3.2, 4], [0.05, -0.2, -0.55, -1.2]) + rng.normal(0, 0.10, n)
        direction = tangent + np.stack([np.zeros(n), lift], axis=1)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = rng.uniform(0.10, 0.20, n) * np.interp(along, [0, 1, 4], [0.8, 1, 0.8])
        tip = root + direction * length[:, None]
        base = strokes([line(np.linspace(0.15, 3.8, 20)) + (0, 0.01)], identity.brow_thickness, 0.045)
        over(image, colour, 0.5 * identity.brow_density * base)
        hairs = strokes([[a, b] for a, b in zip(root, tip, strict=True)], 0.022, 0.012)
        over(image, colour, np.clip(0.75 * hairs, 0, 1))


def paint_nose(u, v, image: np.ndarray, points: np.ndarray) -> None:
    """Nostrils, the creases of the wings, the shade beside the bridge and below the tip."""
    raised = points - (0, NOSE_ABOVE_BASE)
    base, tip = raised[33], raised[30]
    for side, wing in ((-1, 31), (1, 35)):
        nostril = (raised[wing, 0] * 0.52, base[1] - 0.05)
        darken(image, np.array((0.36, 0.27, 0.27), np.float32), 0.85 * bump(u, v, nostril, (0.09, 0.04)))
        around = [(side * 0.02, -0.3), (side * 0.1, -0.14), (side * 0.02, 0.01)]
        crease = curve_through([raised[wing] + step for step in around])
        darken(image, 0.6, 0.5 * strokes([crease], 0.04, 0.03))
        darken(image, 0.88, bump(u, v, (side * 0.24, tip[1] - 0.5), (0.1, 0.45)))
    under = curve_through([raised[31] + (0.06, 0.02), *raised[32:35], raised[35] + (-0.06, 0.02)])
    darken(image, 0.62, 0.5 * strokes([under + (0, 0.015)], 0.05, 0.035))


def paint_mouth(u, v, image: np.ndarray, identity: Identity, texture: np.ndarray) -> None:
    """Closed lips: the upper darker than the lower, a soft seam between them, shade below."""
    points = identity.landmarks
    top, seam, bottom = _lip_curves(points)
    left, right = points[48, 0], points[54, 0]
    row = np.clip(u, left, right)
    high, middle, low = (curve(row).astype(np.float32) for curve in (top, seam, bottom))
    inside = (u > left) & (u < right)
    soft = 0.055
    upper = smoothstep(v - high, -soft, soft) * smoothstep(middle - v, -0.02, 0.02) * inside
    lower = smoothstep(v - middle, -0.02, 0.02) * smoothstep(low - v, -soft, soft) * inside
    ends = smoothstep(np.minimum(u - left, right - u), 0, 0.3)
    creases = (1 + 0.04 * np.sin(u * 60 + 3 * texture))[..., None]
    over(image, identity.lips * 0.88 * creases, 0.75 * upper * ends)
    over(image, identity.lips * 1.0 * creases, 0.65 * lower * ends)
    shine = bump(u, v, (0, (middle + low) / 2 - 0.02), (0.3, 0.05))
    over(image, np.clip(identity.lips * 1.2 + 18, 0, 255), 0.3 * shine * lower)
    # the seam is soft and deepest near the corners; a drawn black line would look like a slit
    along = np.linspace(left + 0.01, right - 0.01, 40)
    line = np.stack([along, seam(along)], axis=1)
    strength = 0.9 + 0.3 * sum(bump(u, v, (x, middle), (0.15, 1)) for x in (left + 0.1, right - 0.1))
    over(image, identity.lips * (0.42, 0.34, 0.34), np.clip(strength * strokes([line], 0.03, 0.02), 0, 0.9))
    darken(image, 0.8, 0.5 * strokes([line + (0, 0.03)], 0.05, 0.04))
    for corner in (points[48], points[54]):
        darken(image, 0.7, 0.6 * bump(u, v, corner, (0.07, 0.06)))
    darken(image, 0.82, 0.7 * bump(u, v, (0, points[57, 1] + 0.1), (0.33, 0.06)))


def mouth_gap(u, v, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What parted lips show (sRGB: a dark mouth with a hint of teeth) and its opacity when they are wide apart."""
    _, seam, _ = _lip_curves(points)
    left, right = points[48, 0], points[54, 0]
    middle = seam(np.clip(u, left, right)).astype(np.float32)
    width = np.clip(1 - (2 * (u - (left + right) / 2) / (right - left)) ** 2, 0, 1)
    colour = plain((48, 20, 20))
    over(colour, (196, 188, 176), 0.55 * bump(u, v, (0, middle - 0.01), (0.3, 0.02)))
    opacity = np.exp(-0.5 * ((v - middle) / (0.015 + 0.035 * width)) ** 2) * smoothstep(width, 0.1, 0.6)
    return colour, opacity.astype(np.float32)


def _lip_curves(points: np.ndarray):
    """(top, seam, bottom): v(u) of the outer upper edge, the closed seam and the outer lower edge of the lips."""
    top = PchipInterpolator(*points[48:55].T)
    bottom = PchipInterpolator(*points[[48, 59, 58, 57, 56, 55, 54]].T)
    inner = (points[[61, 62, 63]] + points[[67, 66, 65]]) / 2
    seam = PchipInterpolator(*np.concatenate([points[[48]], points[[60]], inner, points[[64]], points[[54]]]).T)
    return top, seam, bottom
