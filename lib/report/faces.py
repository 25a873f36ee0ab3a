"""The one door from recorded frames to figures, and the search for a face in figures that are made.

A licence lets a dataset be used, and the faces of few of its people be printed, or of none. So a page shows frames of
rendered people, and of those whom its parameter `publishable` names. Of anybody else it shows a drawing: landmarks,
and how far each pixel has moved.
"""

import base64
import re
from collections.abc import Collection, Iterator, Mapping

import cv2
import matplotlib.pyplot as plt
import numpy as np

from lib.datasets.clip import Clip
from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.landmarks import DlibDetector, fill_gaps, interocular_distance, track_landmarks
from lib.preprocessing.regions import cut_streams
from lib.saliency.regions import frames_at, optical_flow

FULL_COLOUR = 0.1  # distances between the eyes that a pixel has moved where the drawing is darkest
DRAWN = slice(None, None, 2)  # of the 68 landmarks; all of them look so much like a face that a detector finds one
DOT = (213, 94, 0)
CERTAIN = 0.8
"""The detector's score from which a picture holds a face. The best score is 2 or more in figures of frames (.5 in one
that landmarks and boxes cover), .4 at most in figures of drawings, .13 in any other figure of the book."""
SAMPLED = 8
PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=\s]+)")


def may_show(standin: Mapping | None, person: str, publishable: str) -> bool:
    """Whether frames of a person may be shown as they are: of a stand-in, or named in `publishable`."""
    return standin is not None or person in publishable.split()


def shown_frames(
    frames: np.ndarray, clip: Clip, standin: Mapping | None, publishable: str, points: np.ndarray | None = None
) -> np.ndarray:
    """Recorded frames of a clip as a figure may show them: the frames, (n, height, width, 3) uint8, or drawings.

    `standin` is the marker of the dataset, None for real data; `publishable` the chapter's parameter, subjects
    separated by spaces; `points` the landmarks of the frames, (n, 68, 2), by default found.
    """
    return frames if may_show(standin, clip.subject, publishable) else drawn(frames, points)


def shown_streams(
    volumes: Mapping[str, np.ndarray],
    points: np.ndarray,
    clip: Clip,
    config: PreprocessConfig,
    standin: Mapping | None,
    publishable: str,
) -> Mapping[str, np.ndarray]:
    """The streams of a clip as a figure may show them: `volumes`, (depth, size, size) uint8, or cut from a drawing.

    `points` are the landmarks of the frames that were read, (depth, 68, 2), `config` what the volumes were made with;
    `standin` and `publishable` as of `shown_frames`.
    """
    if may_show(standin, clip.subject, publishable):
        return volumes
    return cut_streams(drawn(frames_at(clip, config, np.arange(config.frames)), points), points, config)


def drawn(frames: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
    """Landmarks as dots on a white ground, bluer where a pixel has moved since the first frame; no pixel of a frame.

    Parameters and result as of `shown_frames`. Without a face there are no dots.
    """
    if points is None:
        try:
            points = fill_gaps(track_landmarks(frames, DlibDetector()), max_gap=len(frames)).points
        except ClipRejected:
            points = np.zeros((len(frames), 0, 2))
    scale = interocular_distance(points) if points.size else frames.shape[1] / 3
    moved = np.clip(optical_flow(frames) / (FULL_COLOUR * scale), 0, 1)
    pictures = np.rint(255 * plt.colormaps["Blues"](0.8 * moved)[..., :3]).astype(np.uint8)
    for picture, marks in zip(pictures, np.rint(points[:, DRAWN]).astype(int), strict=True):
        for mark in marks.tolist():
            cv2.circle(picture, mark, max(1, round(scale / 30)), DOT, thickness=-1, lineType=cv2.LINE_AA)
    return pictures


def pictures_in(outputs: Collection[Mapping]) -> Iterator[np.ndarray]:
    """The pictures in the outputs of a notebook's cell, as (height, width, 3) uint8.

    Those within HTML and SVG too; of a long row of them, as a player has, about `SAMPLED`.
    """
    for data in (output.get("data", {}) for output in outputs):
        texts = [text for name, text in data.items() if name in ("image/png", "image/jpeg")]
        for found in (PICTURE.findall(data.get(name, "")) for name in ("text/html", "image/svg+xml")):
            texts += found[:: max(1, len(found) // SAMPLED)]
        for text in texts:
            picture = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def holds_face(picture: np.ndarray, detector: DlibDetector) -> bool:
    """Whether dlib finds a face in a picture, enlarged until one of 20 pixels in a small picture is large enough."""
    longest = max(picture.shape[:2])
    doublings = 1 if longest > 700 else 2 if longest > 200 else 3
    return any(score >= CERTAIN for _, score in detector.faces(picture, doublings, shrink=False))
