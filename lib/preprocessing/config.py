"""What preprocessing is asked to do, and the one way in which a clip can fail it."""

from dataclasses import asdict, dataclass

from lib.core.checks import one_of, whole_number
from lib.core.errors import ConfigError

STREAMS = ("frame", "face", "eyes", "mouth")
SAMPLINGS = ("first", "window", "tim")
CROPS = ("authors", "steady")
GREYS = ("luma", "rgb_as_bgr")
DETECTIONS = ("tracked", "released")
PREPROCESSING_VERSION = 1
"""Part of the identity of a stand-in's store, raised by hand whenever the same clips and settings give other streams.

No more than rounding is allowed under one version (see `tests/standin/test_reference.py`). Real data need no
version: the streams themselves are their store's identity.
"""
ADDED_SINCE: dict[str, object] = {"grey": "luma", "detection": "tracked"}
"""Settings added after version 1, each with the value that stands for what was done before: it renames no store."""


class ClipRejected(Exception):
    """A clip cannot become volumes. Never leaves this package: it ends as a row of the rejected clips.

    Its reason is a stable code: ``"no_face"``, ``"face_lost"``, ``"not_upright"``, ``"too_short"``, ``"empty_crop"``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{detail} [{reason}]")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class PreprocessConfig:
    """How clips become volumes.

    Raises
    ------
    ConfigError
        For an unknown name, or a number that is not an integer in its range.
    """

    # Depth of every volume, in frames; at least 2.
    frames: int = 96
    # "first": the clip's first `frames` frames. "window": `frames` frames from the clip's frame `start` on. "tim": all
    # frames of the clip, interpolated in time to `frames` (see `lib.preprocessing.volumes`).
    sampling: str = "first"
    # 0-based position, within the clip, of a window's first frame; only with sampling="window".
    start: int = 0
    # Some of `STREAMS`; kept in this order however they are given.
    streams: tuple[str, ...] = STREAMS
    # Height and width, in pixels, of the streams `frame` and `face`, and of `eyes` and `mouth`.
    frame_size: int = 64
    region_size: int = 32
    # "authors": eyes and mouth are cut by each frame's own landmarks, as the authors' code does. "steady": by the
    # clip's median landmarks, so that the detector's jitter does not become motion of the crop: for a still face with
    # camera noise of 2 grey levels, the authors' eye crop changes by 2 to 4 grey levels from one frame to the next, the
    # steady one by 0.7.
    crop: str = "authors"
    # "luma": red weighs .299 and blue .114, as the authors' code for SMIC has it. "rgb_as_bgr": the other way round, as
    # their code for CAS(ME)² does, which reads red-green-blue and converts it as blue-green-red.
    grey: str = "luma"
    # "tracked": one face is followed through the clip, the one that is largest over all of it, and a frame is enlarged
    # for the search only where it is not found. "released": as the authors' code does, each frame is doubled in size
    # and the first face found is taken; the search takes three to four times as long.
    detection: str = "tracked"
    # Longest run of frames without a face that is filled by interpolating landmarks; a longer one rejects the clip.
    max_gap: int = 3
    # How often a frame is doubled in size for a second search where the first misses the face, 0 for no such search;
    # frames are first shrunk to 640 pixels, where larger. Not read with detection="released".
    upsample: int = 1

    def __post_init__(self) -> None:
        smallest = {"frames": 2, "start": 0, "frame_size": 1, "region_size": 1, "max_gap": 0, "upsample": 0}
        for name, least in smallest.items():
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        choices = {"sampling": SAMPLINGS, "crop": CROPS, "grey": GREYS, "detection": DETECTIONS}
        for name, known in choices.items():
            one_of(name, getattr(self, name), known)
        if isinstance(self.streams, str) or not self.streams or not set(self.streams) <= set(STREAMS):
            raise ConfigError(f"streams: expected some of {', '.join(STREAMS)}, found {self.streams!r}.")
        if self.start and self.sampling != "window":
            raise ConfigError(f"start={self.start} needs sampling='window', found sampling={self.sampling!r}.")
        # One order, so that the same streams in another order are the same store.
        object.__setattr__(self, "streams", tuple(stream for stream in STREAMS if stream in self.streams))

    def size(self, stream: str) -> int:
        """Height and width of a stream, in pixels."""
        return self.frame_size if stream in ("frame", "face") else self.region_size

    def to_dict(self) -> dict:
        """The settings as JSON can hold them."""
        return {**asdict(self), "streams": list(self.streams)}

    def identity(self) -> dict:
        """The settings that name a stand-in's store: all but later ones at the value that changes nothing."""
        settings = self.to_dict()
        unchanged = {name for name, before in ADDED_SINCE.items() if settings[name] == before}
        return {name: value for name, value in settings.items() if name not in unchanged}


# The authors' code reads frames 72-167 of each CAS(ME)² video and the first 18 frames of each SMIC clip.
_PRESETS = {
    "casme2_sq": PreprocessConfig(frames=96, sampling="window", start=72),
    "smic": PreprocessConfig(frames=18),
    "class_folders": PreprocessConfig(frames=18),
}

# How that code turns its datasets' frames grey and finds faces in them.
RELEASED_READING = {
    "casme2_sq": {"grey": "rgb_as_bgr", "detection": "released"},
    "smic": {"grey": "luma", "detection": "released"},
}


def default_config(dataset: str) -> PreprocessConfig:
    """The settings under which the authors' code reads a dataset; ConfigError for an unknown one."""
    return _PRESETS[one_of("dataset", dataset, _PRESETS)]
