"""Where things are in what a network reads: parts of the face, and what moves, as maps over the pixels of a stream.

Landmarks and true motion are in pixels of the recorded frame; everything here ends in pixels of a stream. A clip's
landmarks are (depth, 68, 2), a frame's shape begins with height and width.
"""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from lib.datasets.clip import Clip, Dataset
from lib.datasets.frames import iter_frames
from lib.preprocessing.config import PreprocessConfig
from lib.preprocessing.landmarks import LEFT_EYE, RIGHT_EYE
from lib.preprocessing.regions import region_box
from lib.preprocessing.volumes import frame_range
from lib.standin import read_truth

REGIONS = ("eyes", "mouth", "rest of the face", "background")
PARTITIONS = ("crops", "parts")  # what counts as eyes and mouth; see `face_regions`
MARGIN = 0.12  # by which outlines are grown, in distances between the eyes: skin that moves with eye or mouth
FLOW_FRAMES = 8

_PARTS = {
    "eyes": ([*range(17, 22), *range(36, 42)], [*range(22, 27), *range(42, 48)]),  # a brow with the eye below it
    "mouth": ([*range(48, 68)],),
}
_BROWS, _NOSE_BASE = slice(17, 27), 33
_SHIFT = 4  # bits after the point in the coordinates of OpenCV's drawing


# === Parts of the face ===


def face_regions(points: np.ndarray, frame_shape: Sequence[int], partition: str) -> np.ndarray:
    """Divide a frame among `REGIONS`: (4, height, width) bool, each pixel in exactly one, eyes before mouth.

    ``"crops"``: eyes and mouth are the rectangles of `lib.preprocessing.regions.region_box`, which span the face's
    whole width, the mouth's with the tip of the nose in it; they leave the forehead, the chin and a strip between.
    ``"parts"``: the outline of each eye with its brow, and of the lips, each grown by `MARGIN`; cheeks and nose are
    then rest. The face is the hull of the landmarks (68, 2), which end at the brows, and of a forehead as high as the
    nose is long (the distance from brows to the base of the nose: the equal thirds of a drawn face).
    """
    forehead = points[_BROWS] + (points[_BROWS].mean(axis=0) - points[_NOSE_BASE])
    face = _filled([np.concatenate([points, forehead])], frame_shape)
    if partition == "crops":
        inside = {}
        for name in _PARTS:
            left, top, right, bottom = region_box(name, points, tuple(frame_shape))
            inside[name] = np.zeros(frame_shape[:2], bool)
            inside[name][top:bottom, left:right] = True
    elif partition == "parts":
        distance = np.linalg.norm(points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0))
        radius = max(1, round(MARGIN * distance))
        grown = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        inside = {
            name: cv2.dilate(_filled([points[part] for part in parts], frame_shape).astype(np.uint8), grown) > 0
            for name, parts in _PARTS.items()
        }
    else:
        raise ValueError(f"partition: expected one of {', '.join(PARTITIONS)}, found {partition!r}")
    eyes = inside["eyes"]
    mouth = inside["mouth"] & ~eyes
    rest = face & ~eyes & ~mouth
    return np.stack([eyes, mouth, rest, ~(eyes | mouth | rest)])


def _filled(outlines: Sequence[np.ndarray], frame_shape: Sequence[int]) -> np.ndarray:
    """The pixels inside the convex hull of each outline, (height, width) bool."""
    canvas = np.zeros(frame_shape[:2], np.uint8)
    for outline in outlines:
        hull = cv2.convexHull(np.asarray(outline, np.float32))
        cv2.fillConvexPoly(canvas, np.rint(hull * 2**_SHIFT).astype(np.int32), 1, shift=_SHIFT)
    return canvas > 0


def as_stream(images: np.ndarray, stream: str, points: np.ndarray, size: int) -> np.ndarray:
    """Bring maps over a recorded frame into the pixels of a stream, as `lib.preprocessing.regions` does with frames.

    (n, height, width) bool or float become (n, size, size) float32, means over the area that a pixel of the stream
    covers. `stream` is "frame", "eyes" or "mouth", and `points` (68, 2) bound its crop in this frame.
    """
    if stream != "frame":
        left, top, right, bottom = region_box(stream, points, images.shape[1:])
        images = images[:, top:bottom, left:right]
    return np.stack(
        [cv2.resize(image.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) for image in images]
    )


def crop_points(points: np.ndarray, config: PreprocessConfig) -> np.ndarray:
    """The landmarks that bound the crops of each frame of a clip, (depth, 68, 2); see `PreprocessConfig.crop`."""
    return points if config.crop == "authors" else np.broadcast_to(np.median(points, axis=0), points.shape)


def clip_regions(
    points: np.ndarray, frame_shape: Sequence[int], stream: str, config: PreprocessConfig, partition: str
) -> np.ndarray:
    """The share of each of `REGIONS` in every pixel of a clip's volume: (4, size, size, depth) float16, adding up to 1.

    `stream` and `config` say which volume, and how it was made from the frames in which `points` are.
    """
    frames = [
        as_stream(face_regions(marks, frame_shape, partition), stream, bounds, config.size(stream))
        for marks, bounds in zip(points, crop_points(points, config), strict=True)
    ]
    return np.stack(frames, axis=-1).astype(np.float16)


# === What moves ===


def frame_positions(config: PreprocessConfig, n_frames: int) -> np.ndarray:
    """The clip's frame that each frame of a volume was made from, (depth,) int; with interpolation the nearest one.

    >>> frame_positions(PreprocessConfig(frames=3, sampling="window", start=5), 20).tolist()
    [5, 6, 7]
    >>> frame_positions(PreprocessConfig(frames=3, sampling="tim"), 9).tolist()
    [0, 4, 8]
    """
    if config.sampling == "tim":
        return np.rint(np.linspace(0, n_frames - 1, config.frames)).astype(int)
    return config.start + np.arange(config.frames)


def optical_flow(frames: np.ndarray) -> np.ndarray:
    """How many pixels every pixel of each frame has moved since the first, movement of the head included.

    RGB frames (n, height, width, 3) uint8 give (n, height, width) float32, by OpenCV's DIS flow with its medium preset
    (Kroeger, Timofte, Dai, Van Gool, "Fast optical flow using dense inverse search", ECCV 2016).
    """
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    moved = [np.linalg.norm(flow.calc(greys[0], grey, None), axis=-1) for grey in greys[1:]]
    return np.stack([np.zeros(greys[0].shape, np.float32), *moved]).astype(np.float32)


def clip_motion(
    data: Dataset, clip: Clip, points: np.ndarray, streams: Sequence[str], config: PreprocessConfig
) -> tuple[np.ndarray, ...]:
    """Mean displacement of each pixel of a clip's streams over the frames of its volume.

    Of a stand-in, what was drawn in every frame, without the sway of the head; of real data, what `optical_flow` finds
    between the first and up to `FLOW_FRAMES` frames, evenly spaced. One (size, size) float32 for each stream, in
    pixels of the recorded frame, where the clip's landmarks `points` are too.
    """
    depth = np.arange(config.frames)
    if data.is_standin:
        truth = read_truth(data.standin_root, clip.clip_id)
        moved = [truth.motion_magnitude(position) for position in frame_positions(config, len(truth.landmarks))]
    else:
        depth = np.unique(np.linspace(0, config.frames - 1, min(FLOW_FRAMES, config.frames)).astype(int))
        moved = optical_flow(frames_at(clip, config, depth))
    bounds = crop_points(points, config)[depth]

    def mean_in(stream: str) -> np.ndarray:
        pairs = zip(moved, bounds, strict=True)
        return np.mean([as_stream(image[None], stream, marks, config.size(stream)) for image, marks in pairs], axis=0)

    return tuple(mean_in(stream)[0] for stream in streams)


def frames_at(clip: Clip, config: PreprocessConfig, depth: np.ndarray) -> np.ndarray:
    """The recorded frames behind some positions of a volume, (n, height, width, 3) uint8."""
    frames = list(itertools.islice(iter_frames(clip), frame_range(config)[1]))
    return np.stack([frames[position] for position in frame_positions(config, len(frames))[depth]])
