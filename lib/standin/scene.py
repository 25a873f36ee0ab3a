"""A clip: a portrait lit, framed and moved. Frames come with the landmarks and the motion that made them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from lib.standin.canvas import PIXELS_PER_UNIT, U_RANGE, V_RANGE, noise, over, smoothstep, to_pixels
from lib.standin.expression import envelope, field, shading
from lib.standin.face import Portrait, paint
from lib.standin.identity import Identity, draw_identity
from lib.standin.plan import ClipPlan

FRAME_SIZE = 224  # side of every frame in pixels: a head fills about two thirds of its height, as a talking head does
GAMMA = 2.2
# Standard deviations at difficulty 1: shift right and down (head units), roll (radians), nearing (relative), yaw and
# pitch (radians); of the lamp's relative brightness; of the sensor's noise in grey levels.
SWAY_PER_AXIS = np.array([0.018, 0.016, 0.003, 0.002, 0.006, 0.006])
FLICKER = 0.005
SENSOR_NOISE = 2.0
SWAY_SMOOTHNESS_MS, FLICKER_SMOOTHNESS_MS = 180.0, 40.0
BLINK_MS = (75.0, 115.0, 260.0)  # lids shut, begin to open, are open: after the blink began
GLASSES_COLOUR, LAMP_COLOUR = (46, 40, 40), (255, 255, 255)
LAMP_WIDTH, LAMP_HEIGHT = 16, 26  # in pixels
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]


@dataclass(frozen=True)
class Motion:
    """What moves in a clip."""

    landmarks: np.ndarray  # (n_frames, 68, 2) float32, pixel (x, y) of the iBUG points
    units: tuple[str, ...]  # action units of the clip
    envelopes: np.ndarray  # (n_units, n_frames) float32
    fields: np.ndarray  # (n_units, 2, FRAME_SIZE, FRAME_SIZE) float32, displacement in pixels at envelope 1


@dataclass(frozen=True)
class Room:
    """Where a dataset was recorded: what stands behind the people, and how the camera is set."""

    wall: tuple[float, float]  # range of the wall's grey level; one draw for each person
    brightness: float = 1.0  # factor on the people's grey levels and the sensor's noise: a bright room darkens them
    lamp: bool = False  # in the upper left corner, as bright as a pixel can be


# The network's input is divided by the brightest pixel of the dataset. At 96 frames, clips that fill the range of grey
# levels make the first steps of its training so large that it ends as a constant; SMIC's 18 frames leave room. So the
# stand-in of CAS(ME)² is recorded in one dim laboratory with a lamp in the picture.
ROOMS = {"smic": Room(wall=(60, 205)), "casme2_sq": Room(wall=(66, 74), brightness=0.55, lamp=True)}


def render(plan: ClipPlan, seed: int, difficulty: float = 1.0) -> tuple[Motion, Iterator[np.ndarray]]:
    """Render a clip: what moves in it, and its RGB frames (FRAME_SIZE, FRAME_SIZE, 3) uint8 as they are asked for.

    The stand-in's seed decides, with the plan's index and subject, everything that is random. Action units are divided
    by `difficulty`; head sway, flicker and sensor noise are multiplied by it.
    """
    identity, portrait = _person(plan.subject, seed)
    # streams of their own, so that no draw of one shifts another
    sitting = np.random.default_rng((seed, 3, *plan.subject.encode()))
    light_rng, sway_rng, noise_rng = (np.random.default_rng((seed, 4 + i, plan.index)) for i in range(3))

    # === Framing: where the head is in the picture ===
    to_canvas, tilt, scale = _framing(sitting, light_rng)
    to_head = _in_head_units(to_canvas)
    x, y = np.meshgrid(np.arange(FRAME_SIZE), np.arange(FRAME_SIZE))
    u, v = ((a * x + b * y + c).astype(np.float32) for a, b, c in to_head)
    room = ROOMS[plan.dataset]
    lit = _lit(portrait, room, to_canvas, u, v, sitting, light_rng)

    # === Motion ===
    times = plan.times_ms
    units = tuple(plan.units)
    course = envelope(plan.events, times) / difficulty
    envelopes = np.array([course * plan.units[unit] for unit in units], dtype=np.float32)
    turn = scale * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]], dtype=np.float32)
    unit_fields = [_turned(field(unit, u, v, identity.landmarks, plan.sides[unit]), turn) for unit in units]
    sway_fields = [_turned(mode, turn) for mode in _sway_modes(u, v, cv2.GaussianBlur(lit.depth, (0, 0), 3))]
    sway = _smooth_process(sway_rng, times, len(SWAY_PER_AXIS), SWAY_SMOOTHNESS_MS) * SWAY_PER_AXIS * difficulty
    sway = sway.astype(np.float32)
    lids = _blinks(plan.blinks_ms, times)

    fields, weights = np.array([*unit_fields, *sway_fields]), np.concatenate([envelopes.T, sway], axis=1)
    neutral = cv2.transform(identity.landmarks[None], cv2.invertAffineTransform(to_head))[0]
    landmarks = [_moved(neutral, fields, own, lid) for own, lid in zip(weights, lids, strict=True)]
    motion = Motion(np.array(landmarks, dtype=np.float32), units, envelopes, np.array(unit_fields))

    # === Frames ===
    shades = [_shrink(shading(unit, identity, plan.sides[unit]), to_canvas) for unit in units]
    slow = _smooth_process(light_rng, times, 1, FLICKER_SMOOTHNESS_MS)[:, 0]
    flicker = 1 + FLICKER * difficulty * (0.8 * slow + 0.6 * light_rng.standard_normal(len(times)))
    parted = np.clip(1.6 * envelopes[units.index("AU25")], 0, 1) if "AU25" in units else np.zeros(len(times))
    noise_level = np.float32(SENSOR_NOISE * difficulty * room.brightness)

    def frames() -> Iterator[np.ndarray]:
        columns, rows = np.meshgrid(*[np.arange(FRAME_SIZE, dtype=np.float32)] * 2)
        grain = _grain()
        for t, activation in enumerate(envelopes.T):
            image = _face(lit, lids[t], parted[t])
            if activation.any():
                gain = _summed(activation, shades, np.ones((FRAME_SIZE, FRAME_SIZE), np.float32))
                image = image * np.clip(gain, 0.4, 1.4)[..., None]
            by_expression = _summed(activation, unit_fields, np.zeros((2, FRAME_SIZE, FRAME_SIZE), np.float32))
            by_sway = _summed(sway[t], sway_fields, np.zeros((2, FRAME_SIZE, FRAME_SIZE), np.float32))
            image = _warp(image, columns - by_expression[0] - by_sway[0], rows - by_expression[1] - by_sway[1])
            if lit.glasses is not None:
                over(image, GLASSES_COLOUR, _warp(lit.glasses, columns - by_sway[0], rows - by_sway[1]))
            image *= np.float32(flicker[t])
            if room.lamp:
                over(image, LAMP_COLOUR, _lamp())
            top, left = noise_rng.integers(0, grain.shape[0] - FRAME_SIZE, 2)
            # Sums and warps above differ in their last bits between processors: where a value lies on the edge of two
            # grey levels, rounding goes either way (see `GENERATOR_VERSION`).
            image += noise_level * grain[top : top + FRAME_SIZE, left : left + FRAME_SIZE]
            yield cv2.convertScaleAbs(np.maximum(image, 0))

    return motion, frames()


def _face(lit: Portrait, lid: float, parted: float) -> np.ndarray:
    """With lids that have fallen so far, and lips parted so far, 0-1."""
    image = lit.albedo
    if lid > 0:
        covered = smoothstep(1.2 * lid - lit.lid_travel, 0, 0.2).astype(np.float32)
        image = image + (lit.eyes_shut - image) * covered[..., None]
    if parted > 0:
        image = image + (lit.gap - image) * (lit.gap_alpha * parted)[..., None]
    return image


def _summed(weights: np.ndarray, images: list[np.ndarray], total: np.ndarray) -> np.ndarray:
    """`total` plus the weighted images, added in their order: a matrix product would round in an order of its own."""
    for weight, image in zip(weights, images, strict=True):
        total += weight * image
    return total


def _warp(image: np.ndarray, from_x: np.ndarray, from_y: np.ndarray) -> np.ndarray:
    return cv2.remap(image, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=1)
def _lamp() -> np.ndarray:
    """Opacity (H, W) of the lamp: sharp, with a faint glow."""
    opacity = np.zeros((FRAME_SIZE, FRAME_SIZE), np.float32)
    opacity[10 : 10 + LAMP_HEIGHT, 10 : 10 + LAMP_WIDTH] = 1
    return np.maximum(cv2.GaussianBlur(opacity, (0, 0), 0.8), 0.5 * cv2.GaussianBlur(opacity, (0, 0), 7))


@lru_cache(maxsize=3)
def _person(subject: str, seed: int) -> tuple[Identity, Portrait]:
    identity = draw_identity(np.random.default_rng((seed, 7, *subject.encode())))
    return identity, paint(identity)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Sensor noise of unit variance, cut anew for every frame; mostly common to the channels, as after demosaicing."""
    rng = np.random.default_rng(8)
    shape = (FRAME_SIZE + 160, FRAME_SIZE + 160)
    common = rng.standard_normal((*shape, 1), dtype=np.float32)
    return 0.8 * common + 0.6 * rng.standard_normal((*shape, 3), dtype=np.float32)


def _framing(sitting: np.random.Generator, clip_rng: np.random.Generator) -> tuple[np.ndarray, float, float]:
    """Affine (2, 3) from frame pixels to canvas pixels, the head's tilt (radians), pixels per head unit."""
    scale = sitting.uniform(20.5, 23.5) * (1 + 0.01 * clip_rng.normal())
    centre = np.array([0.5, 0.43]) * FRAME_SIZE + sitting.uniform(-6, 6, 2) + clip_rng.normal(0, 1.5, 2)
    tilt = sitting.normal(0, 0.02) + clip_rng.normal(0, 0.008)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) * PIXELS_PER_UNIT / scale
    return np.column_stack([turn, to_pixels((0, 0)) - turn @ centre]), tilt, scale


def _in_head_units(to_canvas: np.ndarray) -> np.ndarray:
    """Affine (2, 3) from frame pixels to head units."""
    affine = to_canvas / PIXELS_PER_UNIT
    affine[:, 2] += (U_RANGE[0] + 0.5 / PIXELS_PER_UNIT, V_RANGE[0] + 0.5 / PIXELS_PER_UNIT)
    return affine


def _shrink(image: np.ndarray, to_canvas: np.ndarray) -> np.ndarray:
    soft = cv2.GaussianBlur(image, (0, 0), 0.75)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(soft, to_canvas, (FRAME_SIZE, FRAME_SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _turned(displacement: np.ndarray, turn: np.ndarray) -> np.ndarray:
    return turn[:, 0, None, None] * displacement[0] + turn[:, 1, None, None] * displacement[1]


def _lit(
    portrait: Portrait, room: Room, to_canvas, u, v, sitting: np.random.Generator, clip_rng: np.random.Generator
) -> Portrait:
    """A portrait at the size of a frame, its colours those that the camera sees before a plain background.

    Lambert's law under a key and a fill light, and a little gloss.
    """
    azimuth = sitting.uniform(-0.75, 0.75) + clip_rng.normal(0, 0.06)
    height = sitting.uniform(0.15, 0.7) + clip_rng.normal(0, 0.04)
    key = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)], np.float32)
    strength = sitting.uniform(0.62, 0.92) * (1 + 0.03 * clip_rng.normal())
    ambient = sitting.uniform(0.36, 0.52)
    warmth = np.array([1.0, 1.0, 1.0], np.float32) + sitting.normal(0, 0.03) * np.array([1, 0, -1], np.float32)
    small = {name: None if image is None else _shrink(image, to_canvas) for name, image in vars(portrait).items()}
    seen = Portrait(**small)
    normal = seen.normal / np.linalg.norm(seen.normal, axis=2, keepdims=True)
    diffuse = np.clip(normal @ key, 0, None)
    fill = np.clip(normal @ np.array([-key[0], 0.0, key[2]], np.float32), 0, None)
    halfway = key + np.array([0, 0, 1], np.float32)
    gleam = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 28 * seen.gloss
    light = ambient * seen.occlusion + strength * diffuse * (0.5 + 0.5 * seen.occlusion) + 0.15 * fill

    backdrop = np.empty((FRAME_SIZE, FRAME_SIZE, 3), np.float32)
    backdrop[:] = sitting.uniform(*room.wall) + room.brightness * sitting.normal(0, 8, 3)
    slope = sitting.uniform(-0.03, 0.03, 2)
    backdrop *= (1 + slope[0] * u + slope[1] * v + 0.01 * _shrink(noise(sitting, 2.5, 2), to_canvas))[..., None]

    def radiance(albedo: np.ndarray) -> np.ndarray:
        linear = (np.clip(albedo, 0, 255) / 255) ** GAMMA * light[..., None] * warmth
        return linear + (0.05 * strength * gleam)[..., None]

    # a camera exposes for the face, though not all the way
    face = (seen.gloss > 0.5) & (seen.alpha > 0.9)
    exposure = (0.33 / np.median(radiance(seen.albedo)[face].mean(axis=1))) ** 0.45

    def picture(albedo: np.ndarray) -> np.ndarray:
        composed, exposed = backdrop.copy(), np.clip(exposure * radiance(albedo), 0, 1)
        over(composed, room.brightness * 255 * exposed ** (1 / GAMMA), seen.alpha)
        return composed

    pictures = {name: picture(getattr(seen, name)) for name in ("albedo", "eyes_shut", "gap")}
    return replace(seen, **pictures)


def _sway_modes(u: np.ndarray, v: np.ndarray, depth: np.ndarray) -> list[np.ndarray]:
    """Unit displacement (2, H, W) of each axis of `SWAY_PER_AXIS`; shoulders follow the head less than fully."""
    follow = (1 - 0.7 * smoothstep(v, 2.8, 6.0)) * (1 - smoothstep(np.abs(u), 3.4, 5.5))
    zero, one = np.zeros_like(u), np.ones_like(u)
    pivot = v - 3.5
    modes = [(one, zero), (zero, one), (-pivot, u), (u, pivot), (depth, zero), (zero, depth)]
    return [np.stack([follow * a, follow * b]) for a, b in modes]


def _smooth_process(rng: np.random.Generator, times_ms: np.ndarray, n: int, smoothness_ms: float) -> np.ndarray:
    """(len(times), n) Gaussian processes of unit variance: sums of slow sinusoids with random frequency and phase."""
    waves = 6
    omega = rng.normal(0, 1 / smoothness_ms, (n, waves))
    phase = rng.uniform(0, 2 * np.pi, (n, waves))
    return np.sqrt(2 / waves) * np.cos(times_ms[:, None, None] * omega + phase).sum(axis=2)


def _blinks(starts_ms: tuple[float, ...], times_ms: np.ndarray) -> np.ndarray:
    """How far the lids have fallen at each time, 0-1."""
    lids = np.zeros(len(times_ms))
    shut, opening, over_ = BLINK_MS
    for start in starts_ms:
        since = times_ms - start
        lids = np.maximum(lids, smoothstep(since, 0, shut) * (1 - smoothstep(since, opening, over_)))
    return lids


def _moved(neutral: np.ndarray, fields: np.ndarray, weights: np.ndarray, lid: float) -> np.ndarray:
    """Where the neutral points (68, 2) have gone: solves p = neutral + shift(p), the shift being small and smooth."""
    points = neutral.copy()
    points[UPPER_LIDS] += lid * 0.9 * (points[LOWER_LIDS] - points[UPPER_LIDS])
    start = moved = points.astype(np.float32)
    for _ in range(3):
        nearest = np.clip(np.rint(moved).astype(int), 0, FRAME_SIZE - 1)
        shift = np.tensordot(weights, fields[:, :, nearest[:, 1], nearest[:, 0]], axes=1)  # (2, 68)
        moved = start + shift.T
    return moved
