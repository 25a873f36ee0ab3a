"""The canvas a person is painted on, and the few brushes: soft masks, strokes, noise.

The canvas is a grid in head units (see `identity`), finer than any frame, so that a frame is made by shrinking it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

PIXELS_PER_UNIT = 44
U_RANGE = (-5.7, 5.7)
V_RANGE = (-5.0, 6.7)
_SUBPIXEL_BITS = 4  # of coordinates as OpenCV draws them
SHAPE = (round((V_RANGE[1] - V_RANGE[0]) * PIXELS_PER_UNIT), round((U_RANGE[1] - U_RANGE[0]) * PIXELS_PER_UNIT))


def grid() -> tuple[np.ndarray, np.ndarray]:
    """(u, v): head coordinates of the canvas pixels, float32, as an open mesh of shapes (1, width) and (height, 1)."""
    u = U_RANGE[0] + (np.arange(SHAPE[1], dtype=np.float32) + 0.5) / PIXELS_PER_UNIT
    v = V_RANGE[0] + (np.arange(SHAPE[0], dtype=np.float32) + 0.5) / PIXELS_PER_UNIT
    return u[None, :], v[:, None]


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Canvas pixel coordinates (x, y) of points (..., 2) in head units."""
    return (np.asarray(points, dtype=np.float64) - (U_RANGE[0], V_RANGE[0])) * PIXELS_PER_UNIT - 0.5


def smoothstep(x: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """0 below `low`, 1 above `high`, with zero slope at both ends."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(u: np.ndarray, v: np.ndarray, centre: tuple[float, float], spread: tuple[float, float]) -> np.ndarray:
    """Gaussian of height 1 at `centre` with standard deviations `spread`, all in head units."""
    # a product of two factors, which an open mesh evaluates along its axes only
    return np.exp(-0.5 * ((u - centre[0]) / spread[0]) ** 2) * np.exp(-0.5 * ((v - centre[1]) / spread[1]) ** 2)


def draw_lines(image: np.ndarray, lines: list, colour: int | tuple, thickness: int = 1) -> None:
    """Draw polylines, given in pixels of `image`, into it."""
    cv2.polylines(image, [_fixed_point(line) for line in lines], False, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def strokes(lines: list, width: float, softness: float = 0.0) -> np.ndarray:
    """Mask 0-1 (float32) of polylines given in head units, `width` wide and blurred by `softness` head units."""
    mask = np.zeros(SHAPE, np.uint8)
    draw_lines(mask, [to_pixels(line) for line in lines], 255, max(1, round(width * PIXELS_PER_UNIT)))
    return _softened(mask, softness)


def polygon(points: np.ndarray, softness: float = 0.0) -> np.ndarray:
    """Mask 0-1 (float32) of a filled polygon in head units."""
    mask = np.zeros(SHAPE, np.uint8)
    cv2.fillPoly(mask, [_fixed_point(to_pixels(points))], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return _softened(mask, softness)


def _fixed_point(pixels: np.ndarray) -> np.ndarray:
    return np.round(pixels * 2**_SUBPIXEL_BITS).astype(np.int32)


def _softened(mask: np.ndarray, softness: float) -> np.ndarray:
    mask = mask.astype(np.float32) / 255
    return blur(mask, softness) if softness else mask


def plain(colour: np.ndarray) -> np.ndarray:
    """The whole canvas in one sRGB colour, (height, width, 3) float32."""
    return np.full((*SHAPE, 3), colour, np.float32)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur by `sigma` head units; wide blurs are made on a shrunken copy, which looks the same."""
    pixels = sigma * PIXELS_PER_UNIT
    if pixels < 6:
        return cv2.GaussianBlur(image, (0, 0), pixels)
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), pixels / 4)
    return cv2.resize(small, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def noise(rng: np.random.Generator, feature: float, octaves: int = 3, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise of about unit variance whose coarsest features measure `feature` head units.

    `stretch` > 1 makes features that much taller than wide.
    """
    height, width = V_RANGE[1] - V_RANGE[0], U_RANGE[1] - U_RANGE[0]
    total = np.zeros(SHAPE, np.float32)
    for octave in range(octaves):
        size = feature / 2**octave
        cells = (max(2, int(height / (size * stretch))), max(2, int(width / size)))
        coarse = rng.standard_normal(cells, dtype=np.float32)
        total += cv2.resize(coarse, SHAPE[::-1], interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total / total.std()


@dataclass(frozen=True)
class Layer:
    """Something to composite: sRGB colour (height, width, 3) and opacity (height, width), float32."""

    colour: np.ndarray
    alpha: np.ndarray


def over(image: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> None:
    """Paint `colour` (an sRGB triple or an image) over `image` (H, W, 3) in place, by `alpha` (H, W)."""
    window = _touched(alpha)
    colour = np.asarray(colour, np.float32)
    part = image[window]
    part += ((colour[window] if colour.ndim == 3 else colour) - part) * alpha[window][..., None].astype(np.float32)


def darken(image: np.ndarray, factor: float | np.ndarray, alpha: np.ndarray) -> None:
    """Multiply `image` (H, W, 3) in place by `factor` (one number, or one per channel) where `alpha` (H, W) is 1."""
    window = _touched(alpha)
    loss = np.float32(1) - np.asarray(factor, np.float32)
    image[window] *= 1 - alpha[window][..., None].astype(np.float32) * loss


def _touched(alpha: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns where `alpha` is visibly above 0: most strokes are small, and the canvas is large."""
    left, top, width, height = cv2.boundingRect((alpha > 1e-3).astype(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def curve_through(points: list) -> np.ndarray:
    """24 points of a smooth curve through a few: (24, 2)."""
    points = np.asarray(points, dtype=float)
    return CubicSpline(np.arange(len(points)), points)(np.linspace(0, len(points) - 1, 24))


def normals(z: np.ndarray) -> np.ndarray:
    """Unit normals (H, W, 3) of a relief z (H, W) in head units: right, down, towards the camera."""
    down, right = np.gradient(z.astype(np.float32), 1 / PIXELS_PER_UNIT)
    normal = np.stack([-right, -down, np.ones_like(down)], axis=2)
    return normal / np.linalg.norm(normal, axis=2, keepdims=True)
