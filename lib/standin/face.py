"""A face painted from an identity: albedo, relief, and what the camera model needs to light and move it.

A face is a 2.5-D relief over its own picture plane: elliptic cross sections inside the head's outline, plus bumps for
nose, brow ridge, sockets, cheeks, lips and chin. It is lit later (`scene`), so nothing here depends on a clip.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from lib.standin import hair
from lib.standin.canvas import PIXELS_PER_UNIT, SHAPE, blur, bump, grid, noise, over, polygon, smoothstep, strokes
from lib.standin.identity import Identity, head_half_width


@dataclass(frozen=True)
class Portrait:
    """A painted person on the canvas of `canvas`: float32 arrays of its height and width.

    Attributes
    ----------
    albedo : ndarray, shape (height, width, 3)
        sRGB 0-255, eyes open and mouth closed.
    eyes_shut : ndarray, shape (height, width, 3)
        The same with closed lids.
    lid_travel : ndarray
        How far a lid must have fallen (0-1) to cover this pixel; 2 outside the eyes.
    mouth_gap : ndarray, shape (height, width, 4)
        What parted lips show: sRGB and its opacity when wide open.
    normal : ndarray, shape (height, width, 3)
        Unit surface normals (right, down, towards the camera).
    depth : ndarray
        z in head units, 0 at the ears' plane.
    occlusion : ndarray
        Factor on ambient light: folds and hollows get less.
    gloss : ndarray
        Strength of the specular highlight.
    alpha : ndarray
        1 on the person, 0 on the background.
    """

    albedo: np.ndarray
    eyes_shut: np.ndarray
    lid_travel: np.ndarray
    mouth_gap: np.ndarray
    normal: np.ndarray
    depth: np.ndarray
    occlusion: np.ndarray
    gloss: np.ndarray
    alpha: np.ndarray


def paint(identity: Identity) -> Portrait:
    """Paint a person. The same identity gives the same portrait, byte for byte."""
    rng = np.random.default_rng(identity.texture_seed)
    u, v = grid()
    points = identity.landmarks
    texture = noise(rng, 0.16, 4)
    blotches = noise(rng, 1.1, 3)

    # === Shapes ===
    squared = head_half_width(identity)(v[:, 0]).astype(np.float32)
    half_width = np.sqrt(np.nan_to_num(np.maximum(squared, 0)))[:, None]
    centre = _midline(points, v)
    edge = 1.6 / PIXELS_PER_UNIT
    head = smoothstep(half_width - np.abs(u - centre), -edge, edge) * (half_width > 0)
    # the chin closes too fast for a test along rows alone: the outline's polygon rounds it
    head = np.minimum(head, polygon(_outline(identity, centre), 0.02))
    depth = _face_relief(u - centre, v, half_width, points, identity)
    body = _body(u, v, identity)

    # === Skin ===
    face_skin = _skin(u, v, identity, texture, blotches, rng)
    eyes_open, eyes_shut, lid_travel = _paint_eyes(u, v, face_skin, identity, texture)
    for face in (eyes_open, eyes_shut):
        _paint_brows(face, identity, np.random.default_rng(identity.texture_seed + 1))
        _paint_nose(u, v, face, points)
        _paint_mouth(u, v, face, identity, texture)

    # === Layers: hair behind, body, ears, head, hair in front ===
    face_normal = _normals(depth)
    hair_normal = _normals(1.6 * np.sqrt(np.clip(1 - (u / 2.75) ** 2 - ((v - 0.2) / 3.9) ** 2, 0.02, 1)))
    occlusion = np.clip(1 + 1.5 * (depth - blur(depth, 0.22)) + 0.5 * (depth - blur(depth, 0.7)), 0.55, 1.25)
    layers = [hair.behind(u, v, identity, rng)]
    layers += [hair.Layer(body.colour, body.alpha), _ears(u, v, identity)]
    front = hair.in_front(u, v, identity, rng)
    glasses = _glasses(identity)
    composed = []
    for face in (eyes_open, eyes_shut):
        image = np.zeros((*SHAPE, 3), np.float32)
        for layer in layers:
            over(image, layer.colour, layer.alpha)
        over(image, face, head)
        over(image, np.multiply(image, 0.62), np.clip(blur(front.alpha, 0.1) - front.alpha, 0, 1) * head)
        over(image, front.colour, front.alpha)
        over(image, glasses.colour, glasses.alpha)
        composed.append(image)

    alpha = np.maximum.reduce([layer.alpha for layer in layers] + [head, front.alpha])
    normal = hair_normal.copy()
    over(normal, body.normal, body.alpha)
    over(normal, face_normal, head)
    over(normal, hair_normal, front.alpha)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    bare = head * (1 - front.alpha)
    return Portrait(
        albedo=composed[0],
        eyes_shut=composed[1],
        lid_travel=lid_travel,
        mouth_gap=_mouth_gap(u, v, points),
        normal=normal,
        depth=np.where(head > 0.5, depth, 0).astype(np.float32),
        occlusion=(1 + (occlusion - 1) * bare).astype(np.float32),
        gloss=(bare * (0.8 + 0.35 * bump(u, v, (0, 0.6), (0.5, 0.9)))).astype(np.float32),
        alpha=alpha.astype(np.float32),
    )


def _midline(points: np.ndarray, v: np.ndarray) -> np.ndarray:
    """u of the middle of the head at every row: asymmetric jaws lean a little."""
    middle = (points[16::-1, 0] + points[:17, 0])[9:] / 2
    levels = (points[16::-1, 1] + points[:17, 1])[9:] / 2
    order = np.argsort(levels)
    return np.interp(v[:, 0], levels[order], middle[order]).astype(np.float32)[:, None]


def _outline(identity: Identity, centre: np.ndarray) -> np.ndarray:
    del centre
    jaw = identity.landmarks[:17]
    # through the jaw's points, then around a skull wider than the rows' own test, which decides there
    dense = CubicSpline(np.arange(17), jaw)(np.linspace(0, 16, 120))
    return np.concatenate([[(-4, dense[0, 1])], dense, [(4, dense[-1, 1]), (4, -5), (-4, -5)]])


def _face_relief(u, v, half_width, points, identity: Identity) -> np.ndarray:
    profile = PchipInterpolator(
        [identity.crown, -2.2, -1.2, 0, 1.0, 2.2, 3.2, 4.2], [0, 1.35, 1.9, 2.0, 2.1, 2.1, 1.9, 1.2]
    )
    across = np.clip(np.abs(u) / np.maximum(half_width, 1e-3), 0, 1)
    z = np.nan_to_num(profile(v[:, 0])).astype(np.float32)[:, None] * (1 - across**2.4) ** (1 / 2.0)
    tip, mouth, chin = points[30], points[62], points[8]
    base = points[33, 1]
    wide = identity.nose_width
    nose = np.interp(v[:, 0], [-0.5, 0.1, tip[1] - 0.1, base, base + 0.15], [0.0, 0.25, 0.62, 0.4, 0]).astype(
        np.float32
    )
    nose = blur(np.repeat(nose[:, None], 4, axis=1), 0.05)[:, :1]
    spread = np.interp(v[:, 0], [-0.4, 0.2, tip[1], base], [0.17, 0.15, 0.24, 0.3]).astype(np.float32)[:, None] * wide
    z = z + identity.nose_height * nose * np.exp(-0.5 * (u / spread) ** 2)
    z += identity.nose_height * 0.22 * bump(u, v, (0, tip[1] + 0.05), (0.2 * wide, 0.17))
    for side, eye, wing, cheek in ((-1, slice(36, 42), 31, -1.25), (1, slice(42, 48), 35, 1.25)):
        pupil = points[eye].mean(axis=0)
        z += 0.2 * bump(u, v, (points[wing, 0] * 1.02, base - 0.14), (0.14, 0.13))  # wings of the nose
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


def _normals(z: np.ndarray) -> np.ndarray:
    down, right = np.gradient(z.astype(np.float32), 1 / PIXELS_PER_UNIT)
    normal = np.stack([-right, -down, np.ones_like(z, dtype=np.float32)], axis=2).astype(np.float32)
    return normal / np.linalg.norm(normal, axis=2, keepdims=True)


def _skin(u, v, identity: Identity, texture, blotches, rng) -> np.ndarray:
    points, age = identity.landmarks, identity.age
    mouth = points[62, 1]
    skin = np.broadcast_to(identity.skin, (*SHAPE, 3)).astype(np.float32).copy()
    red = np.zeros(SHAPE, np.float32)
    for side in (-1, 1):
        red += 0.8 * bump(u, v, (side * 1.25, 1.25), (0.5, 0.45))
    red += 0.7 * bump(u, v, (0, points[30, 1] + 0.1), (0.35, 0.3)) + 0.3 * bump(
        u, v, (0, points[8, 1] - 0.3), (0.4, 0.3)
    )
    skin *= 1 + red[..., None] * np.array((0.0, -0.075, -0.07), np.float32)
    skin *= (1 + 0.022 * blotches + 0.02 * texture)[..., None]
    # shadows of the eyes, deeper with age
    for eye in (slice(36, 42), slice(42, 48)):
        centre = points[eye].mean(axis=0)
        under = bump(u, v, (centre[0] * 0.97, centre[1] + 0.33), (0.38, 0.12))
        skin *= 1 - (0.08 + 0.10 * age) * under[..., None] * np.array((0.8, 1.0, 0.9), np.float32)
    skin *= 1 - _fold_depth(u, v, identity)[..., None] * np.array((0.85, 1.0, 1.0), np.float32)
    if identity.freckles > 0:
        spots = smoothstep(noise(rng, 0.07, 1), 1.3, 2.2) * (bump(u, v, (0, 0.9), (1.5, 0.7)))
        skin *= 1 - 0.3 * identity.freckles * spots[..., None] * np.array((0.7, 1.0, 1.1), np.float32)
    for _ in range(rng.poisson(2.0)):
        centre = (rng.uniform(-1.7, 1.7), rng.uniform(0.4, 3.2))
        size = rng.uniform(0.025, 0.05)
        skin *= 1 - 0.55 * bump(u, v, centre, (size, size))[..., None]
    if identity.stubble > 0:
        beard = smoothstep(np.hypot(u / 1.95, (v - 0.6) / 2.9), 0.66, 0.95) * (v > 0.5)
        beard = np.maximum(beard * smoothstep(v, 0.6, 1.9), bump(u, v, (0, points[51, 1] - 0.2), (0.62, 0.16)))
        beard = np.maximum(beard, bump(u, v, (0, points[57, 1] + 0.45), (0.45, 0.35)))
        beard *= 1 - bump(u, v, (0, mouth), (0.6, 0.2))
        grain = 0.75 + 0.25 * noise(rng, 0.05, 1)
        over(skin, identity.hair * 0.7 + identity.skin * 0.2, np.clip(0.62 * identity.stubble * beard * grain, 0, 0.8))
    return np.clip(skin, 0, 255)


def _fold_depth(u, v, identity: Identity) -> np.ndarray:
    """Darkness 0-1 of the lines a neutral face carries."""
    points, age = identity.landmarks, identity.age
    depth = np.zeros(SHAPE, np.float32)
    for side, wing, corner, outer in ((-1, 31, 48, 36), (1, 35, 54, 45)):
        wing, corner, outer = points[wing], points[corner], points[outer]
        fold = [wing + (side * 0.12, -0.22), wing + (side * 0.32, 0.05), corner + (side * 0.26, -0.42)]
        fold += [corner + (side * 0.27, -0.05)]
        depth += (0.07 + 0.30 * age) * strokes([_smooth(fold)], 0.05, 0.05)
        bag = [outer + (side * -0.05, 0.2), outer + (side * -0.42, 0.36), outer + (side * -0.75, 0.27)]
        depth += (0.05 + 0.22 * age) * strokes([_smooth(bag)], 0.04, 0.035)
        feet = [[outer + (side * 0.12, d * 0.4), outer + (side * 0.4, d)] for d in (-0.1, 0.05, 0.2)]
        depth += 0.28 * age**1.5 * strokes(feet, 0.03, 0.025)
        sag = [corner + (side * 0.06, 0.1), corner + (side * 0.16, 0.5)]
        depth += 0.25 * age**1.5 * strokes([sag], 0.05, 0.05)
    rows = [-1.05, -1.3, -1.55]
    lines = [[(x, row + 0.05 * np.cos(2.2 * x)) for x in np.linspace(-1.0, 1.0, 12)] for row in rows]
    depth += 0.30 * age**1.6 * strokes(lines, 0.04, 0.04)
    depth += 0.25 * age**1.5 * strokes([[(-0.14, -0.75), (-0.12, -0.45)], [(0.13, -0.72), (0.12, -0.45)]], 0.04, 0.03)
    return np.clip(depth, 0, 0.6)


def _smooth(points: list) -> np.ndarray:
    points = np.asarray(points, dtype=float)
    return CubicSpline(np.arange(len(points)), points)(np.linspace(0, len(points) - 1, 24))


def lid_curves(points: np.ndarray, eye: int):
    """Cubic (upper, lower) lids v(u) through the landmarks of eye 36 or 42, and the corners' u."""
    outer_to_inner = points[[eye, eye + 1, eye + 2, eye + 3]]
    below = points[[eye, eye + 5, eye + 4, eye + 3]]
    left, right = sorted((points[eye, 0], points[eye + 3, 0]))
    return np.poly1d(np.polyfit(*outer_to_inner.T, 3)), np.poly1d(np.polyfit(*below.T, 3)), left, right


def _paint_eyes(u, v, skin, identity: Identity, texture):
    opened, shut = skin, skin.copy()
    travel = np.full(SHAPE, 2.0, np.float32)
    edge = 1.2 / PIXELS_PER_UNIT
    for eye in (36, 42):
        points = identity.landmarks
        upper, lower, left, right = lid_curves(points, eye)
        side = -1 if eye == 36 else 1
        inside = (u > left) & (u < right)
        x = np.clip(u, left, right)
        up, low = upper(x).astype(np.float32), lower(x).astype(np.float32)
        hole = smoothstep(v - up, -edge, edge) * smoothstep(low - v, -edge, edge) * inside
        centre = (side * 1.0 + points[eye : eye + 6, 0].mean() * 0.0, points[eye : eye + 6, 1].mean() - 0.02)
        radius = np.hypot(u - centre[0], v - centre[1])
        # the ball: sclera darker under the upper lid and towards the corners
        white = np.full((*SHAPE, 3), (226, 219, 213), np.float32)
        white *= (
            1 - 0.30 * np.exp(-np.clip(v - up, 0, None) / 0.07) - 0.22 * smoothstep(np.abs(u - centre[0]), 0.2, 0.45)
        )[..., None]
        iris = identity.iris * (0.75 + 0.5 * smoothstep(radius, 0.05, 0.17))[..., None]
        iris = iris * (1 - 0.65 * smoothstep(radius, 0.15, 0.2))[..., None]
        iris = iris * (1 - 0.35 * np.exp(-np.clip(v - up, 0, None) / 0.06))[..., None]
        over(white, iris, smoothstep(0.2 - radius, -edge, edge))
        over(white, (10, 8, 8), smoothstep(0.085 - radius, -edge, edge))
        over(white, (250, 250, 250), 0.9 * bump(u, v, (centre[0] + 0.06, centre[1] - 0.07), (0.028, 0.028)))
        tear = bump(u, v, points[eye + 3] - (side * -0.05 * -1, 0), (0.05, 0.05))
        over(white, (196, 130, 120), 0.6 * tear)
        over(opened, white, hole)
        # lids: crease above, lashes along the rim
        corners = np.linspace(left, right, 24)
        rim = np.stack([corners, upper(corners)], axis=1)
        arch = np.sin(np.pi * (corners - left) / (right - left))
        crease = rim - np.stack([0 * arch, 0.04 + 0.10 * arch], axis=1)
        lower_rim = np.stack([corners, lower(corners)], axis=1)
        for image in (opened, shut):
            fade = 0.45 if image is opened else 0.3
            over(image, identity.skin * 0.45, fade * strokes([crease], 0.03, 0.02))
        lashes = 0.25 * identity.hair + np.float32(10)
        over(opened, lashes, 0.9 * strokes([rim - (0, 0.015)], 0.05, 0.012))
        wing = [[rim[0 if side < 0 else -1], rim[0 if side < 0 else -1] + (side * 0.09, 0.0)]]
        over(opened, lashes, 0.5 * strokes(wing, 0.03, 0.015))
        over(opened, identity.skin * np.float32(0.55), 0.55 * strokes([lower_rim + (0, 0.015)], 0.035, 0.015))
        over(shut, lashes, 0.85 * strokes([lower_rim], 0.045, 0.012))
        # a falling lid covers the aperture from above
        aperture = np.maximum(low - up, 0.02)
        covered = (v - up) / aperture
        region = inside & (covered > -0.45) & (covered < 1.5)
        travel[region] = np.clip(covered, 0, 1)[region]
    return opened, shut, travel


def _paint_brows(image, identity: Identity, rng) -> None:
    for brow in (range(17, 22), range(26, 21, -1)):
        line = CubicSpline(np.arange(5), identity.landmarks[list(brow)])
        n = int(170 * identity.brow_density)
        along = np.sort(rng.beta(1.0, 1.0, n)) * 3.95 + 0.03  # 0 outer end, 4 inner end
        thick = identity.brow_thickness * np.interp(along, [0, 1, 3.3, 4], [0.25, 0.75, 1.0, 0.75])
        root = line(along) + np.stack([np.zeros(n), thick * rng.uniform(-0.55, 0.85, n)], axis=1)
        tangent = -line(along, 1)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        lift = np.interp(along, [0, 2, 3.2, 4], [0.05, -0.25, -0.7, -1.6])
        direction = tangent + np.stack([np.zeros(n), lift + rng.normal(0, 0.12, n)], axis=1)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        tip = root + direction * (rng.uniform(0.12, 0.24, n) * np.interp(along, [0, 1, 4], [0.7, 1, 0.9]))[:, None]
        base = strokes([line(np.linspace(0.2, 3.8, 20)) + (0, 0.02)], identity.brow_thickness, 0.05)
        over(image, identity.hair * 0.8, 0.45 * base)
        hairs = strokes([[a, b] for a, b in zip(root, tip, strict=True)], 0.022, 0.008)
        over(image, identity.hair * 0.75, np.clip(0.85 * hairs, 0, 1))


def _paint_nose(u, v, image, points) -> None:
    base, tip = points[33], points[30]
    for side, wing in ((-1, 31), (1, 35)):
        nostril = (points[wing, 0] * 0.52, base[1] - 0.055)
        over(image, image * np.array((0.30, 0.22, 0.22), np.float32), 0.85 * bump(u, v, nostril, (0.085, 0.04)))
        crease = _smooth(
            [points[wing] + (side * 0.02, -0.3), points[wing] + (side * 0.1, -0.14), points[wing] + (side * 0.02, 0.01)]
        )
        over(image, image * 0.6, 0.55 * strokes([crease], 0.04, 0.03))
        over(image, image * 0.86, bump(u, v, (side * 0.24, tip[1] - 0.5), (0.1, 0.45)))
    under = _smooth(
        [
            points[31] + (0.06, 0.02),
            points[32] + (0, 0.0),
            points[33],
            points[34] + (0, 0.0),
            points[35] + (-0.06, 0.02),
        ]
    )
    over(image, image * 0.6, 0.5 * strokes([under + (0, 0.015)], 0.05, 0.03))


def lip_curves(points: np.ndarray):
    """(top, seam, bottom): v(u) of the outer upper edge, the closed seam and the outer lower edge of the lips."""
    top = PchipInterpolator(*points[48:55].T)
    bottom = PchipInterpolator(*points[[48, 59, 58, 57, 56, 55, 54]].T)
    inner = (points[[61, 62, 63]] + points[[67, 66, 65]]) / 2
    seam = PchipInterpolator(*np.concatenate([points[[48]], points[[60]], inner, points[[64]], points[[54]]]).T)
    return top, seam, bottom


def _paint_mouth(u, v, image, identity: Identity, texture) -> None:
    points = identity.landmarks
    top, seam, bottom = lip_curves(points)
    left, right = points[48, 0], points[54, 0]
    row = np.clip(u[0], left, right)
    high, middle, low = (curve(row).astype(np.float32)[None, :] for curve in (top, seam, bottom))
    inside = (u > left) & (u < right)
    soft = 0.045
    upper = smoothstep(v - high, -soft, soft) * smoothstep(middle - v, -0.02, 0.02) * inside
    lower = smoothstep(v - middle, -0.02, 0.02) * smoothstep(low - v, -soft, soft) * inside
    ends = smoothstep(np.minimum(u - left, right - u), 0, 0.3)
    wrinkles = 1 + 0.05 * np.sin(u * 60 + 3 * texture)
    over(image, identity.lips[None, None] * (0.86 * wrinkles)[..., None], 0.85 * upper * ends)
    over(image, identity.lips[None, None] * (0.99 * wrinkles)[..., None], 0.75 * lower * ends)
    shine = bump(u, v, (0, (middle + low) / 2 - 0.02), (0.3, 0.05))
    over(image, np.clip(identity.lips * 1.25 + 15, 0, 255), 0.28 * shine * lower)
    # the seam: soft, deepest at the corners and under the tubercle; never a drawn black line
    line = np.stack(
        [np.linspace(left + 0.01, right - 0.01, 40), seam(np.linspace(left + 0.01, right - 0.01, 40))], axis=1
    )
    dark = identity.lips * np.array((0.42, 0.34, 0.34), np.float32)
    strength = (
        0.62 + 0.2 * bump(u, v, (left + 0.1, middle), (0.15, 1)) + 0.2 * bump(u, v, (right - 0.1, middle), (0.15, 1))
    )
    over(image, dark, np.clip(strength * strokes([line], 0.03, 0.018) * 1.5, 0, 0.9))
    over(image, image * 0.8, 0.5 * strokes([line + (0, 0.03)], 0.05, 0.04))
    for corner in (points[48], points[54]):
        over(image, image * 0.7, 0.6 * bump(u, v, corner, (0.07, 0.06)))
    over(image, image * 0.82, 0.7 * bump(u, v, (0, points[57, 1] + 0.1), (0.33, 0.06)))


def _mouth_gap(u, v, points) -> np.ndarray:
    """Dark mouth with a hint of teeth along the seam, at the opacity it has when the lips are fully parted."""
    _, seam, _ = lip_curves(points)
    left, right = points[48, 0], points[54, 0]
    row = np.clip(u[0], left, right)
    middle = seam(row).astype(np.float32)[None, :]
    width = np.clip(1 - (2 * (u - (left + right) / 2) / (right - left)) ** 2, 0, 1)
    alpha = np.exp(-0.5 * ((v - middle) / (0.015 + 0.035 * width)) ** 2) * smoothstep(width, 0.1, 0.6)
    gap = np.empty((*SHAPE, 4), np.float32)
    gap[..., :3] = (48, 20, 20)
    over(gap[..., :3], (196, 188, 176), 0.55 * bump(u, v, (0, middle - 0.01), (0.3, 0.02)))
    gap[..., 3] = alpha
    return gap


@dataclass(frozen=True)
class _Body:
    colour: np.ndarray
    alpha: np.ndarray
    normal: np.ndarray


def _body(u, v, identity: Identity) -> _Body:
    chin = identity.landmarks[8, 1]
    neck_half = 0.62 * identity.landmarks[13, 0] * (1.0 if identity.hair_style in ("buzz", "short") else 0.95)
    flare = np.clip((v - chin - 0.1) / 1.4, 0, 1.2)
    neck_width = neck_half + 0.5 * flare**2.2
    neck = smoothstep(neck_width - np.abs(u), -0.03, 0.03) * smoothstep(v, 1.2, 1.6)
    shoulder = (
        chin
        + 0.75
        + 0.42 * np.clip(np.abs(u) - neck_half, 0, None) ** 0.85
        + 0.05 * np.clip(np.abs(u) - 3.4, 0, None) ** 2.2
    )
    neckline = {
        "crew": chin + 1.15 - 0.28 * np.clip(np.abs(u) / 1.7, 0, 1) ** 2,
        "v": chin + 1.9 - 0.62 * np.abs(u),
        "collar": chin + 1.5 - 0.5 * np.abs(u) - 0.25 * smoothstep(np.abs(u), 0.5, 1.4),
    }[identity.neckline]
    cloth = smoothstep(v - np.maximum(shoulder - 0.04, np.where(np.abs(u) < 2.4, neckline, -9)), -0.03, 0.03)
    skin = np.broadcast_to(identity.skin * 0.96, (*SHAPE, 3)).astype(np.float32).copy()
    under_jaw = np.interp(
        np.abs(u[0]), [0, 0.6, 1.1, 1.5, 1.8], [chin, chin - 0.1, chin - 0.36, chin - 0.75, chin - 1.3]
    )
    drop = np.clip(v - under_jaw[None, :].astype(np.float32), 0, None)
    skin *= (1 - 0.55 * np.exp(-drop / 0.35) * (drop >= 0))[..., None] * np.array((1.0, 0.97, 0.96), np.float32)
    for side in (-1, 1):  # the sternomastoid's cord
        skin *= 1 - 0.09 * strokes([[(side * 1.25, chin - 0.5), (side * 0.35, chin + 1.4)]], 0.12, 0.1)[..., None]
    colour = skin
    fabric = identity.cloth * (1 + 0.03 * np.sin(14 * u + 3 * np.sin(2 * v)))[..., None]
    over(colour, fabric, cloth)
    rim = np.clip(blur(cloth, 0.04) * (1 - cloth) * 2.5, 0, 1) * neck
    over(colour, colour * 0.7, rim)
    over(
        colour,
        identity.cloth * 0.7,
        0.8 * np.clip(cloth - smoothstep(v - np.maximum(shoulder, neckline), 0.08, 0.14), 0, 1),
    )
    z = 1.3 * np.sqrt(np.clip(1 - (u / (neck_width + 0.05)) ** 2, 0, 1))
    z = z * (1 - cloth) + cloth * (
        1.6 * np.sqrt(np.clip(1 - (u / 5.6) ** 2, 0, 1)) - 0.55 * np.exp(-np.clip(v - shoulder, 0, 9) / 0.5)
    )
    return _Body(colour, np.maximum(neck, cloth).astype(np.float32), _normals(blur(z.astype(np.float32), 0.06)))


def _ears(u, v, identity: Identity) -> "hair.Layer":
    colour = (
        np.broadcast_to(identity.skin * np.array((0.94, 0.86, 0.84), np.float32), (*SHAPE, 3)).astype(np.float32).copy()
    )
    alpha = np.zeros(SHAPE, np.float32)
    if identity.hair_style in ("bob", "fringe", "long", "scarf"):
        return hair.Layer(colour, alpha)
    for side, jaw in ((-1, 0), (1, 16)):
        x = identity.landmarks[jaw, 0] + side * 0.08
        shape = np.hypot((u - x - side * 0.12 * (0.35 - v)) / 0.26, (v - 0.42) / 0.68)
        alpha = np.maximum(alpha, smoothstep(1 - shape, -0.06, 0.06))
        colour *= (1 - 0.35 * np.exp(-(((shape - 0.6) / 0.16) ** 2)))[..., None]
    return hair.Layer(colour, alpha)


def _glasses(identity: Identity) -> "hair.Layer":
    alpha = np.zeros(SHAPE, np.float32)
    if identity.glasses:
        lines = []
        power = 2.0 if identity.glasses == "round" else 4.0
        angle = np.linspace(0, 2 * np.pi, 60)
        cos, sin = np.cos(angle), np.sin(angle)
        for side in (-1, 1):
            x = side * 1.03 + 0.66 * np.sign(cos) * np.abs(cos) ** (2 / power)
            y = 0.1 + (0.56 if power == 2 else 0.47) * np.sign(sin) * np.abs(sin) ** (2 / power)
            lines.append(np.stack([x, y], axis=1))
            lines.append([(side * 1.68, 0.0), (identity.landmarks[16 if side > 0 else 0, 0], -0.02)])
        lines.append([(x, 0.02 - 0.08 * np.cos(4 * x)) for x in np.linspace(-0.38, 0.38, 9)])
        alpha = 0.85 * strokes(lines, 0.05, 0.01)
    return hair.Layer(np.full((*SHAPE, 3), (38, 34, 34), np.float32), alpha)


def shrink(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Resample a canvas image to a square frame: `matrix` (2, 3) maps frame pixels to canvas pixels."""
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
