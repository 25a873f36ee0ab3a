"""Dense optical flow between grey images: OpenCV's DIS, at the resolution of the image itself.

References
----------
Kroeger, Timofte, Dai, Van Gool, "Fast optical flow using dense inverse search", ECCV 2016.
"""

import cv2
import numpy as np


def flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far each pixel of `first` has moved in `second`.

    Parameters
    ----------
    first, second : (height, width) uint8

    Returns
    -------
    (height, width, 2) float32
        Pixels to the right and downwards.
    """
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)  # the preset stops at half the resolution, which is too coarse for crops of 64 pixels
    return method.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None)


def flow_from_first(volume: np.ndarray) -> np.ndarray:
    """Flow from the first frame to each later one: (depth - 1, height, width, 2) from (depth, height, width) uint8."""
    return np.stack([flow(volume[0], frame) for frame in volume[1:]])


def flow_between_neighbours(volume: np.ndarray) -> np.ndarray:
    """Flow from each frame to the next: (depth - 1, height, width, 2) from (depth, height, width) uint8."""
    return np.stack([flow(one, other) for one, other in zip(volume[:-1], volume[1:], strict=True)])


def strain(field: np.ndarray) -> np.ndarray:
    """Size of the strain tensor of a flow field, (height, width) from (height, width, 2): how skin is deformed.

    A movement of the whole face has none.
    """
    across_y, across_x = np.gradient(field[..., 0])
    down_y, down_x = np.gradient(field[..., 1])
    return np.sqrt(across_x**2 + down_y**2 + 0.5 * (across_y + down_x) ** 2)
