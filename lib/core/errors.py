"""The errors a user can act on. Each message says what was expected, what was found and what to do.

The command line prints the message of a `ReplicationError` without a traceback; any other exception is a
defect of this package and keeps its traceback.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path


def suggestion(name: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the known one that it is nearest to, if any is near.

    >>> suggestion("epoch", ["epochs", "seed"])
    " (did you mean 'epochs'?)"
    >>> suggestion("x", ["epochs", "seed"])
    ''
    """
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


class ReplicationError(Exception):
    """Base of every error that the user, not the author of this package, can mend."""


class ConfigError(ReplicationError, ValueError):
    """A parameter has a value that cannot be used: an unknown name, a wrong type, an impossible combination."""


class DatasetError(ReplicationError):
    """A dataset is absent, incomplete or not in any layout that its loader knows."""


class FrameError(ReplicationError):
    """A frame of `path`, a file or a video, cannot be used; `detail`: what was expected and found.

    `reason` is a stable code: missing, empty_file, misnamed, truncated, damaged, undecodable, unknown_depth,
    size_changed or too_short.
    """

    def __init__(self, reason: str, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail} [{reason}]")
        self.reason = reason
        self.path = Path(path)
        self.detail = detail

    def __reduce__(self):
        return (FrameError, (self.reason, self.path, self.detail))


class LandmarkModelError(ReplicationError):
    """The 68-point landmark model is missing or is not the file it should be."""


class PreprocessingError(ReplicationError):
    """Clips cannot be turned into a processed store (none left, store damaged)."""


class TrainingError(ReplicationError):
    """A run cannot be trained or has failed: too few clips for the split, a loss that is not finite."""


class DivergedError(TrainingError):
    """A run whose loss is not finite. It is an outcome: the same run ends the same way each time."""


class DiskError(ReplicationError):
    """A place cannot be written: read-only, without rights, or something else is in the way."""


class DiskFullError(DiskError):
    """No space is left at a place, or no quota."""


class WorkerError(ReplicationError):
    """Processes that share work died, or were asked for where they cannot be started."""
