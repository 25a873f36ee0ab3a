"""From one RGB frame and its landmarks to small grey images: the whole frame, the aligned face, the eyes, the mouth.

Nothing here finds landmarks or picks frames.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.landmarks import LEFT_EYE, RIGHT_EYE

# Landmark indices (0-based, iBUG 68 points) that bound each crop: top, bottom, left, right.
_BOUNDS = {"eyes": (19, 1, 1, 15), "mouth": (2, 6, 2, 14)}

# Where the eye centres come to lie in an aligned face, as shares of its width and height. The face then reaches from
# the forehead above the brows to the chin.
_LEFT_EYE_AT = (0.32, 0.32)
_RIGHT_EYE_AT = (0.68, 0.32)
# One alignment serves a whole clip; it comes from the median landmarks of this many frames at its beginning, where
# a micro-expression's face is still near neutral.
ALIGNMENT_FRAMES = 5

_CONVERSIONS = {"luma": cv2.COLOR_RGB2GRAY, "rgb_as_bgr": cv2.COLOR_BGR2GRAY}


def grey(image: np.ndarray, size: int, weights: str = "luma") -> np.ndarray:
    """Resize an RGB image to (size, size), then make it grey, in the order of the authors' code.

    The aspect ratio is not kept: a 640x480 frame is squashed, as it is by the authors' ``cv2.resize(image, (64, 64),
    interpolation=cv2.INTER_AREA)``. What red and blue weigh: see `grey` of `lib.preprocessing.PreprocessConfig`.
    """
    resized = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(resized, _CONVERSIONS[weights])


def region_box(region: str, points: np.ndarray, frame_shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The authors' rectangle around the eyes or the mouth, cut off at the frame's border.

    The eyes reach down from brow point 19 to jaw point 1 and across from jaw point 1 to 15; the mouth down from jaw
    point 2 to 6 and across from 2 to 14 (it holds the nose as well: the authors call it ``nose_mouth_image``)::

        eye_image = image[numpylandmarks[19][1]:numpylandmarks[1][1], numpylandmarks[1][0]:numpylandmarks[15][0]]
        nose_mouth_image = image[numpylandmarks[2][1]:numpylandmarks[6][1], numpylandmarks[2][0]:numpylandmarks[14][0]]

    (github.com/bogireddytejareddy/micro-expression-recognition, ``CASME-SQUARE/Intermediate_MicroExpFuseNet.py`` at
    34210db, lines 58 and 61; the same in the three other FuseNet files; MIT licence). There a landmark left of or
    above the frame is a negative index and counts from the far side; here it means the border.

    Parameters
    ----------
    region : str
        ``"eyes"`` or ``"mouth"``.
    points : (68, 2)
        Landmarks of the frame, in pixels; rounded, for interpolated landmarks are no integers.

    Returns
    -------
    left, top, right, bottom : int
        Right and bottom are exclusive.

    Raises
    ------
    ClipRejected
        ``"empty_crop"`` if nothing of the rectangle lies in the frame.
    """
    height, width = frame_shape[:2]
    x, y = np.rint(points).astype(int).T
    top, bottom, left, right = _BOUNDS[region]
    left, right = (int(np.clip(x[index], 0, width)) for index in (left, right))
    top, bottom = (int(np.clip(y[index], 0, height)) for index in (top, bottom))
    if left >= right or top >= bottom:
        raise ClipRejected(
            "empty_crop",
            f"the {region} crop has no pixels: rows {top} to {bottom} and columns {left} to {right} of a frame of "
            f"{width}x{height}",
        )
    return left, top, right, bottom


def face_alignment(points: np.ndarray) -> tuple[np.ndarray, int]:
    """The similarity transform that levels, scales and places the eyes of a clip.

    One transform for all frames of a clip: one for each frame would turn the landmarks' jitter into motion of the
    whole image and cancel true head motion only in part.

    Returns
    -------
    matrix : (2, 3) float64
        From source pixels to a square in which a pixel is as large as in the source.
    side : int
        Height and width of that square, in pixels.

    Raises
    ------
    ClipRejected
        ``"empty_crop"`` if both eyes lie in one point.
    """
    median = np.median(points[:ALIGNMENT_FRAMES], axis=0)
    left, right = median[LEFT_EYE].mean(axis=0), median[RIGHT_EYE].mean(axis=0)
    across = right - left
    distance = float(np.hypot(*across))
    if distance < 1:
        raise ClipRejected("empty_crop", f"the eyes are {distance:.2f} pixels apart: there is no face to align")
    side = max(1, round(distance / (_RIGHT_EYE_AT[0] - _LEFT_EYE_AT[0])))
    cosine, sine = across / distance
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    shift = side * np.array(_LEFT_EYE_AT) - rotation @ left
    return np.column_stack([rotation, shift]), side


def align_face(image: np.ndarray, matrix: np.ndarray, side: int, size: int, weights: str = "luma") -> np.ndarray:
    """The aligned face as a (size, size) uint8 grey image.

    The turn is made at the source's own scale and the reduction by area averaging after it: a warp straight to a small
    image would sample single pixels and alias.
    """
    upright = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return grey(upright, size, weights)


def cut_streams(frames: Iterable[np.ndarray], points: np.ndarray, config: PreprocessConfig) -> dict[str, np.ndarray]:
    """Every stream of a clip, (n, size, size) uint8: one small grey image per frame.

    Parameters
    ----------
    frames : iterable of n (height, width, 3) uint8
        RGB, read once and not kept.
    points : (n, 68, 2)
        Their landmarks, without NaN.

    Raises
    ------
    ClipRejected
        ``"empty_crop"``; see `region_box` and `face_alignment`.
    """
    images = {stream: [] for stream in config.streams}
    # A steady crop is the authors' rectangle around the clip's median landmarks.
    bounds = points if config.crop == "authors" else np.broadcast_to(np.median(points, axis=0), points.shape)
    alignment = face_alignment(points) if "face" in config.streams else None
    for frame, frame_points in zip(frames, bounds, strict=True):
        for stream in config.streams:
            size = config.size(stream)
            if stream == "frame":
                image = grey(frame, size, config.grey)
            elif stream == "face":
                image = align_face(frame, *alignment, size, config.grey)
            else:
                left, top, right, bottom = region_box(stream, frame_points, frame.shape)
                image = grey(frame[top:bottom, left:right], size, config.grey)
            images[stream].append(image)
    return {stream: np.stack(stack) for stream, stack in images.items()}
