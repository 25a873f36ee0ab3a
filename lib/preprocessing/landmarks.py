"""Where the face is in every frame of a clip: dlib's frontal detector and its 68-point predictor.

What is done with the landmarks (crops, alignment) is the business of `lib.preprocessing.regions`.
"""

import functools
import hashlib
import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path

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

# The detector's mean score in a clip below which `require_upright` looks again, and how much better a turned picture
# must be. Upright faces, recorded and rendered, score 0.7 to 3, the same upside down 0.3 at most.
SURE_SCORE = 1.0
TURNED_MARGIN = 0.5


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of one clip of n frames, in pixels of the source frames, (x, y) order; NaN where no face was found."""

    points: np.ndarray  # (n, 68, 2) float32
    boxes: np.ndarray  # (n, 4) float32, the face as left, top, right, bottom
    scores: np.ndarray  # (n,) float32, the detector's confidence: a distance from its decision boundary, unbounded
    faces: np.ndarray  # (n,) int, how many faces were seen in each frame
    found: tuple[str, ...]  # how: "plain", "upsampled", "full" (unshrunk), "filled" (interpolated), "none"


class DlibDetector:
    """dlib's frontal face detector (HOG) and 68-point predictor (an ensemble of regression trees).

    The predictor, from the file that `find_model` finds, was trained on iBUG 300-W, whose licence excludes commercial
    use.

    References
    ----------
    King, "Dlib-ml: a machine learning toolkit", JMLR 10, 2009. Kazemi and Sullivan, "One millisecond face alignment
    with an ensemble of regression trees", CVPR 2014. Sagonas et al., "300 faces in-the-wild challenge", 2016.
    """

    def __init__(self, model: Path | None = None) -> None:
        self._predictor = dlib.shape_predictor(str(find_model(model)))
        self._detector = dlib.get_frontal_face_detector()

    def faces(self, image: np.ndarray, upsample: int, shrink: bool = True) -> list[tuple[np.ndarray, float]]:
        """Boxes (left, top, right, bottom) in pixels of `image`, each with a score, in dlib's order.

        The search is in `image` doubled in size `upsample` times, after a large one is shrunk if `shrink`.
        """
        scale = min(1.0, DETECTION_SIDE / max(image.shape[:2])) if shrink else 1.0
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rectangles, scores, _ = self._detector.run(image, upsample, 0.0)
        return [
            (np.array([r.left(), r.top(), r.right(), r.bottom()], np.float32) / np.float32(scale), float(score))
            for r, score in zip(rectangles, scores, strict=True)
        ]

    def points(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The (68, 2) landmarks of the face in a box."""
        shape = self._predictor(image, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return np.array([(point.x, point.y) for point in shape.parts()], np.float32)


def find_model(path: Path | None = None) -> Path:
    """The file of the 68-point predictor, its content checked (once per process).

    By default it is the file named by the environment variable ``LANDMARK_MODEL``, else the one that the package
    ``face-recognition-models`` carries.

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
    if package is None:
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


@dataclass(frozen=True, eq=False)
class _Face:
    box: np.ndarray  # (4,) float32
    score: float
    points: np.ndarray  # (68, 2) float32
    how: str  # as in `Landmarks.found`

    @property
    def area(self) -> float:
        return float(np.prod(self.box[2:] - self.box[:2]))


def track_landmarks(frames: Iterable[np.ndarray], detector: DlibDetector, upsample: int = 1) -> Landmarks:
    """Find one face, the same throughout, in every frame of a clip.

    Every frame is searched afresh. Each face is followed from frame to frame while its centre moves by less than one
    face width. The one whose mean area is largest is taken, of those that are seen in at least half as many frames as
    any: somebody in the background never becomes the subject, though the subject be missed here and there. Frames
    without it are searched again, doubled in size `upsample` times, and where that is less than their own size, as they
    are.

    Parameters
    ----------
    frames : iterable of (height, width, 3) uint8
        RGB, not kept; a list, or what can be iterated again, for that is done where a frame lacks the face.
    """
    seen: dict[int, list[_Face]] = {}  # by a frame's position, as the last search of it found
    subject: dict[int, _Face] = {}

    def search(how: str, doublings: int, shrink: bool = True) -> int:
        nonlocal subject
        longest_side = 0
        for position, frame in enumerate(frames):
            longest_side = max(longest_side, *frame.shape[:2])
            if position not in subject:
                seen[position] = [
                    _Face(box, score, np.asarray(detector.points(frame, box), np.float32), how)
                    for box, score in detector.faces(frame, doublings, shrink)
                ]
        subject = _largest_track(list(seen.values()))
        return longest_side

    longest_side = search("plain", 0)
    if len(subject) < len(seen) and upsample:
        search("upsampled", upsample)
    if len(subject) < len(seen) and longest_side > DETECTION_SIDE * 2**upsample:
        search("full", 0, shrink=False)
    return _landmarks([subject.get(position) for position in seen], [len(faces) for faces in seen.values()])


def first_landmarks(frames: Iterable[np.ndarray], detector: DlibDetector) -> Landmarks:
    """Find a face in every frame as the authors' code does: ``predictor(image, detector(image, 1)[0])``.

    Each frame is doubled in size, whatever that is, and the detector's first face taken, whoever that is. Their code
    stops at a frame without a face; here it is NaN, as in `track_landmarks`, whose parameters these are. On frames
    where both find the face the landmarks are half a pixel apart.
    """
    chosen, counts = [], []
    for frame in frames:
        candidates = detector.faces(frame, 1, shrink=False)
        first = [_Face(box, score, detector.points(frame, box), "plain") for box, score in candidates[:1]]
        chosen.append(first[0] if first else None)
        counts.append(len(candidates))
    return _landmarks(chosen, counts)


def _landmarks(chosen: list[_Face | None], counts: list[int]) -> Landmarks:
    missing = _Face(np.full(4, np.nan), np.nan, np.full((N_POINTS, 2), np.nan), "none")
    faces = [face or missing for face in chosen]
    return Landmarks(
        points=np.array([face.points for face in faces], np.float32).reshape(-1, N_POINTS, 2),
        boxes=np.array([face.box for face in faces], np.float32).reshape(-1, 4),
        scores=np.array([face.score for face in faces], np.float32),
        faces=np.array(counts, int),
        found=tuple(face.how for face in faces),
    )


def _largest_track(seen: list[list[_Face]]) -> dict[int, _Face]:
    """Follow every face through the clip; return the largest, as `track_landmarks` has it, by the frames it is in."""
    tracks: list[dict[int, _Face]] = []
    last: list[_Face] = []  # of each track
    for position, faces in enumerate(seen):
        pairs = [(_distance(face, before), face, track) for track, before in enumerate(last) for face in faces]
        free = list(faces)
        for distance, face, track in sorted(pairs, key=lambda pair: pair[0]):  # the nearest belong together first
            within_reach = distance <= last[track].box[2] - last[track].box[0]
            if within_reach and face in free and position not in tracks[track]:
                tracks[track][position] = face
                free.remove(face)
        tracks += [{position: face} for face in free]
        last = [track.get(position, before) for track, before in zip(tracks, [*last, *free], strict=True)]
    longest = max(map(len, tracks), default=0)
    lasting = [track for track in tracks if 2 * len(track) >= longest]  # a false alarm is seen in a frame or two
    return max(lasting, key=lambda track: np.mean([face.area for face in track.values()]), default={})


def _distance(one: _Face, other: _Face) -> float:
    return float(np.linalg.norm((one.box[:2] + one.box[2:] - other.box[:2] - other.box[2:]) / 2))


def require_upright(frames: Iterable[np.ndarray], found: Landmarks, detector: DlibDetector) -> None:
    """Reject a clip whose picture must be turned for its face to be upright.

    The landmarks cannot tell: the predictor fits an upright face into any box. The detector can: upside down it misses
    most faces and scores the others far lower. Where the mean score of what was `found` is below `SURE_SCORE`, or no
    face was found, one frame (its part around the best face) is searched in all four positions.

    Raises
    ------
    ClipRejected
        ``"not_upright"`` if a turned position scores better by `TURNED_MARGIN`; a position without a face counts as 0.
    """
    has_face = ~np.isnan(found.scores)
    if not len(has_face) or (has_face.any() and found.scores[has_face].mean() >= SURE_SCORE):
        return
    position = int(np.nanargmax(found.scores)) if has_face.any() else len(has_face) // 2
    picture = next(islice(frames, position, None))
    if has_face.any():
        left, top, right, bottom = found.boxes[position].astype(int)
        margin = right - left
        picture = picture[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]
    turned = [np.ascontiguousarray(np.rot90(picture, quarters)) for quarters in range(4)]
    scores = [max((score for _, score in detector.faces(image, 1)), default=0.0) for image in turned]
    best = int(np.argmax(scores))
    if scores[best] - scores[0] >= TURNED_MARGIN:
        turn = ("", "by 90 degrees counterclockwise", "by 180 degrees", "by 90 degrees clockwise")[best]
        raise ClipRejected(
            "not_upright",
            f"the face is not upright: turned {turn} it scores {scores[best]:.2f}, as it is {scores[0]:.2f} (0: not "
            f"found). Turn the clip's frames {turn} and preprocess again",
        )


def longest_gap(landmarks: Landmarks) -> int:
    """Length of the longest run of frames without a face, in frames."""
    return max((len(list(run)) for how, run in groupby(landmarks.found) if how == "none"), default=0)


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

    Frames of `points`, (n, 68, 2), with NaN are left out; NaN is returned if no frame remains.
    """
    distances = np.linalg.norm(np.diff(points[:, OUTER_EYE_CORNERS], axis=1)[:, 0], axis=-1)
    distances = distances[~np.isnan(distances)]
    return float(np.median(distances)) if len(distances) else float("nan")


def jitter(points: np.ndarray) -> float:
    """Mean movement of a landmark from one frame to the next, in interocular distances.

    It holds true motion as well as the detector's noise; for a clip that hardly moves it is the noise. Of `points`,
    (n, 68, 2), only neighbouring frames that both have landmarks count; NaN is returned if there are none.
    """
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)  # (n - 1, 68)
    steps = steps[~np.isnan(steps).any(axis=1)]
    return float(steps.mean() / interocular_distance(points)) if len(steps) else float("nan")
