"""Views of a processed store: its stream `frame` with a part of the picture taken away, at equal size.

Training reads a view as it reads a store. What a network scores on one tells what it can do without the rest.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lib.core.checks import one_of
from lib.core.digest import json_digest
from lib.preprocessing.regions import ALIGNMENT_FRAMES
from lib.saliency.regions import as_stream, face_regions

VERSION = 1  # of the rule, here and in `face_regions`: raised by hand whenever a store gives other pixels of a view

# What stays of the frame, from its regions by rectangles and by outlines, (4, height, width) bool in the order of
# `lib.saliency.regions.REGIONS`. Eyes and mouth are shown as MicroExpFuseNet reads them; brows reach beyond that
# rectangle, so both are hidden where neither is to be seen.
_VISIBLE: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "no_background": lambda crops, parts: parts[:3].any(axis=0),
    "eyes_and_mouth": lambda crops, parts: crops[:2].any(axis=0),
    "all_but_eyes_and_mouth": lambda crops, parts: ~(crops[:2] | parts[:2]).any(axis=0),
}
VIEWS = ("face", *_VISIBLE)
"""``"face"`` is the stream of that name: the eyes are level and as large in every clip."""


class View:
    """What training reads of a store, with another stream `frame`: that of the view `name`, one of `VIEWS`.

    Its ``fingerprint`` is a digest of the store's, of the view's name and of `VERSION`, and of no pixel, so that a view
    of a stand-in has the same on every machine. Its runs have names of their own. `frame_shapes` are (height, width)
    of the recorded frames of each clip, in which its landmarks are.
    """

    def __init__(self, store, name: str, frame_shapes: Sequence[Sequence[int]]) -> None:
        self.store, self.name, self.frame_shapes = store, one_of("view", name, VIEWS), frame_shapes
        self.clips, self.labels, self.classes = store.clips, store.labels, store.classes
        self.dataset, self.standin, self.key = store.dataset, store.standin, f"{store.key}-{name}"
        self.fingerprint = json_digest({"store": store.fingerprint, "view": name, "version": VERSION})

    def load(self, stream: str) -> np.ndarray:
        """A stream of all clips, (clips, depth, height, width) uint8; all but `frame` are the store's.

        What is hidden is the mean of the clip's visible pixels: a grey that tells nothing of what it hides, and makes
        the least of an edge.
        """
        if stream != "frame" or self.name == "face":
            return self.store.load("face" if stream == "frame" else stream)
        volumes = np.array(self.store.load("frame"))
        for volume, points, shape in zip(volumes, self.store.landmarks(), self.frame_shapes, strict=True):
            visible = visible_pixels(self.name, points, shape, volume.shape[-1])
            volume[:, ~visible] = np.rint(volume[:, visible].mean())
        return volumes


def visible_pixels(view: str, points: np.ndarray, frame_shape: Sequence[int], size: int) -> np.ndarray:
    """Which pixels of a clip's stream `frame` a view shows, (size, size) bool: those that lie wholly in what stays.

    One mask serves all frames of a clip: one that follows the landmarks, (depth, 68, 2), would move with what it hides.
    It comes from the frames that `face` is aligned by, which are still near neutral, so that its outline tells little
    of the rest.
    """
    neutral = np.median(points[:ALIGNMENT_FRAMES], axis=0)
    stays = _VISIBLE[view](*(face_regions(neutral, frame_shape, partition) for partition in ("crops", "parts")))
    return as_stream(stays[None], "frame", neutral, size)[0] > 0.999
