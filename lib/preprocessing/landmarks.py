"""Where the face is in every frame of a clip: dlib's frontal detector and its 68-point predictor.

What is done with the landmarks (crops, alignment) is the business of `lib.preprocessing.regions`.
"""

import functools
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import dlib
import numpy as np

from lib.core.errors import LandmarkModelError
from lib.preprocessing.config import ClipRejected

N_POINTS = 68
LEFT_EYE = slice(36, 42)  # the subject's right eye, on the left of the image
RIGHT_EYE = slice(42, 48)
OUTER_EYE_CORNERS = (36, 45)

MODEL_VARIABLE = "LANDMARK_MODEL"
MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"
MODEL_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
_INSTALL = (
    "Install it with `pip install face-recognition-models==0.3.0` (it is in requirements.txt), "
    f"or name the file in the environment variable {MODEL_VARIABLE}."
)

# Faces are searched in frames of at most this many pixels on the longer side; larger ones are shrunk for the search
# alone, and the landmarks are then placed in the full frame. CAS(ME)² and SMIC (640x480) are searched as they are:
# dlib needs a face of about 80 pixels, theirs have about 200, and the search of such a frame takes some 25 ms.
DETECTION_SIDE = 640


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of one clip of n frames, in pixels of the source frames, (x, y) order; NaN where no face was found."""

    points: np.ndarray  # (n, 68, 2) float32
    boxes: np.ndarray  # (n, 4) float32, the face as left, top, right, bottom
    scores: np.ndarray  # (n,) float32, the detector's confidence: a distance from its decision boundary, unbounded
    faces: np.ndarray  # (n,) int, how many faces were seen in each frame
    found: tuple[str, ...]  # how each frame's face was found: "plain", "upsampled", "filled" (interpolated), "none"


class FaceDetector(Protocol):
    """What `track_landmarks` needs of a detector."""

    def faces(self, image: np.ndarray, upsample: int, shrink: bool = True) -> list[tuple[np.ndarray, float]]:
        """Boxes (left, top, right, bottom) in pixels of `image`, each with a score, in the detector's order.

        The search is in `image` doubled in size `upsample` times, after a large one is shrunk if `shrink`.
        """

    def points(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The (68, 2) landmarks of the face in a box."""


class DlibDetector:
    """dlib's frontal face detector (HOG) and 68-point predictor (an ensemble of regression trees).

    The predictor was trained on iBUG 300-W, whose licence excludes commercial use.

    Parameters
    ----------
    model : Path, optional
        The predictor's file; by default the one that `find_model` finds.

    Raises
    ------
    LandmarkModelError
        If the file is missing or is not the published one.

    References
    ----------
    King, "Dlib-ml: a machine learning toolkit", JMLR 10, 2009. Kazemi and Sullivan, "One millisecond face alignment
    with an ensemble of regression trees", CVPR 2014. Sagonas et al., "300 faces in-the-wild challenge", 2016.
    """

    def __init__(self, model: Path | None = None) -> None:
        self._predictor = dlib.shape_predictor(str(find_model(model)))
        self._detector = dlib.get_frontal_face_detector()

    def faces(self, image: np.ndarray, upsample: int, shrink: bool = True) -> list[tuple[np.ndarray, float]]:
        scale = min(1.0, DETECTION_SIDE / max(image.shape[:2])) if shrink else 1.0
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rectangles, scores, _ = self._detector.run(image, upsample, 0.0)
        return [
            (np.array([r.left(), r.top(), r.right(), r.bottom()], np.float32) / np.float32(scale), float(score))
            for r, score in zip(rectangles, scores, strict=True)
        ]

    def points(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        shape = self._predictor(image, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return np.array([(point.x, point.y) for point in shape.parts()], np.float32)


def find_model(path: Path | None = None) -> Path:
    """The file of the 68-point predictor, its content checked (once per process).

    Parameters
    ----------
    path : Path, optional
        Where to look; by default the file named by the environment variable ``LANDMARK_MODEL``, else the one that
        the package ``face-recognition-models`` carries.

    Raises
    ------
    LandmarkModelError
        If there is no such file, or its sha256 is not that of the published model.
    """
    named = path or os.environ.get(MODEL_VARIABLE)
    if named:
        return _checked(Path(named))
    # The package is located, never imported: importing it needs pkg_resources, which current setuptools lacks.
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations:
        raise LandmarkModelError(
            f"The 68-point landmark model is missing: the package face-recognition-models is not installed. {_INSTALL}"
        )
    return _checked(Path(package.submodule_search_locations[0]) / MODEL_FILE)


@functools.cache
def _checked(path: Path) -> Path:
    if not path.is_file():
        raise LandmarkModelError(f"The 68-point landmark model is missing: there is no file {path}. {_INSTALL}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MODEL_SHA256:
        raise LandmarkModelError(
            f"{path} is not the published 68-point landmark model: expected sha256 {MODEL_SHA256}, found {found}. "
            f"{_INSTALL}"
        )
    return path


# A box with its score (None: no face), how it was found, and how many faces there were.
_Search = tuple[tuple[np.ndarray, float] | None, str, int]


def track_landmarks(frames: Iterable[np.ndarray], detector: FaceDetector, upsample: int = 1) -> Landmarks:
    """Find one face, the same throughout, in every frame of a clip.

    Every frame is searched afresh. Of several faces the largest is taken in the first frame with a face, and from
    then on the largest of those whose centre lies within one face width of the last one: somebody in the background
    never becomes the subject. Where this finds nothing the frame is searched again, doubled in size `upsample` times.

    Parameters
    ----------
    frames : iterable of (height, width, 3) uint8
        RGB, read once and not kept.
    detector : FaceDetector
        Usually a `DlibDetector`.
    upsample : int
        Doublings of the second search; 0 for none.

    Returns
    -------
    Landmarks
        With NaN for frames without a face; see `fill_gaps`.
    """
    last = None

    def search(frame: np.ndarray) -> _Search:
        nonlocal last
        candidates = detector.faces(frame, 0)
        chosen, how = _largest_near(candidates, last), "plain"
        if chosen is None and upsample:
            candidates = detector.faces(frame, upsample)
            chosen, how = _largest_near(candidates, last), "upsampled"
        last = last if chosen is None else chosen[0]
        return chosen, how, len(candidates)

    return _landmarks(frames, detector, search)


def first_landmarks(frames: Iterable[np.ndarray], detector: FaceDetector) -> Landmarks:
    """Find a face in every frame as the authors' code does: ``predictor(image, detector(image, 1)[0])``.

    Each frame is doubled in size, whatever that is, and the detector's first face taken, whoever that is. Their code
    stops at a frame without a face; here it is NaN, as in `track_landmarks`, whose parameters these are. On frames
    where both find the face the landmarks are half a pixel apart.
    """

    def search(frame: np.ndarray) -> _Search:
        candidates = detector.faces(frame, 1, shrink=False)
        return next(iter(candidates), None), "plain", len(candidates)

    return _landmarks(frames, detector, search)


def _landmarks(
    frames: Iterable[np.ndarray], detector: FaceDetector, search: Callable[[np.ndarray], _Search]
) -> Landmarks:
    points, boxes, scores, n_faces, found = [], [], [], [], []
    for frame in frames:
        chosen, how, n_candidates = search(frame)
        n_faces.append(n_candidates)
        if chosen is None:
            points.append(np.full((N_POINTS, 2), np.nan, np.float32))
            boxes.append(np.full(4, np.nan, np.float32))
            scores.append(np.nan)
            found.append("none")
            continue
        box, score = chosen
        points.append(np.asarray(detector.points(frame, box), np.float32))
        boxes.append(np.asarray(box, np.float32))
        scores.append(score)
        found.append(how)
    return Landmarks(
        points=np.array(points, np.float32).reshape(-1, N_POINTS, 2),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        faces=np.array(n_faces, int),
        found=tuple(found),
    )


def _largest_near(
    candidates: list[tuple[np.ndarray, float]], last: np.ndarray | None
) -> tuple[np.ndarray, float] | None:
    if last is not None:
        reach = last[2] - last[0]
        candidates = [one for one in candidates if np.linalg.norm(_centre(one[0]) - _centre(last)) <= reach]
    return max(candidates, key=lambda one: (one[0][2] - one[0][0]) * (one[0][3] - one[0][1]), default=None)


def _centre(box: np.ndarray) -> np.ndarray:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def longest_gap(landmarks: Landmarks) -> int:
    """Length of the longest run of frames without a face, in frames."""
    longest = run = 0
    for how in landmarks.found:
        run = run + 1 if how == "none" else 0
        longest = max(longest, run)
    return longest


def fill_gaps(landmarks: Landmarks, max_gap: int) -> Landmarks:
    """Interpolate the landmarks of frames without a face, linearly in time.

    At either end of the clip, where there is nothing to interpolate between, the nearest frame's landmarks are held.
    Boxes and scores stay NaN: nothing was detected there.

    Raises
    ------
    ClipRejected
        ``"no_face"`` if no frame has a face, ``"face_lost"`` if a gap is longer than `max_gap` frames.
    """
    has_face = np.array([how != "none" for how in landmarks.found])
    if not has_face.any():
        raise ClipRejected("no_face", f"no face in any of {len(has_face)} frames")
    gap = longest_gap(landmarks)
    if gap > max_gap:
        raise ClipRejected(
            "face_lost",
            f"no face in {gap} frames on end ({(~has_face).sum()} of {len(has_face)} in all), at most {max_gap} are "
            "filled",
        )
    times = np.arange(len(has_face))
    known = landmarks.points[has_face].reshape(has_face.sum(), -1)  # (known frames, 136)
    points = np.stack([np.interp(times, times[has_face], coordinate) for coordinate in known.T], axis=1)
    found = tuple("filled" if how == "none" else how for how in landmarks.found)
    return replace(landmarks, points=points.reshape(-1, N_POINTS, 2).astype(np.float32), found=found)


def interocular_distance(points: np.ndarray) -> float:
    """Median over frames of the distance between the outer eye corners, in pixels (the measure of 300-W).

    Parameters
    ----------
    points : (n, 68, 2)
        Frames with NaN are left out; NaN is returned if no frame remains.
    """
    left, right = OUTER_EYE_CORNERS
    distances = np.linalg.norm(points[:, left] - points[:, right], axis=-1)
    distances = distances[~np.isnan(distances)]
    return float(np.median(distances)) if len(distances) else float("nan")


def jitter(points: np.ndarray) -> float:
    """Mean movement of a landmark from one frame to the next, in interocular distances.

    It holds true motion as well as the detector's noise; for a clip that hardly moves it is the noise.

    Parameters
    ----------
    points : (n, 68, 2)
        Only neighbouring frames that both have landmarks count; NaN is returned if there are none.
    """
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)  # (n - 1, 68)
    steps = steps[~np.isnan(steps).any(axis=1)]
    return float(steps.mean() / interocular_distance(points)) if len(steps) else float("nan")
