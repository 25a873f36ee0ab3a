"""The words every dataset is spoken of in: a clip, a rejected clip, a trap, and the dataset that holds them.

Nothing here reads a frame: a clip table is made from names and annotations alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pandas as pd

from lib.core.errors import DatasetError
from lib.datasets.text import printable

STANDIN_MARKER = "STANDIN.json"


@dataclass(frozen=True)
class Clip:
    """One sample: a short frame sequence with one label.

    Positions are 0-based indices into the source's frames in natural order; they are not the numbers in file names.
    """

    clip_id: str  # unique within the dataset, made of names found in it ("s1_ne_01"), usable as a file name
    dataset: str
    subject: str  # whose face it is, or `UNKNOWN_SUBJECT` where neither name nor layout says it
    label: str  # one of the dataset's classes
    source: Path  # a folder of frame images, or a video file
    first_frame: int  # position of the clip's first frame in the source
    n_frames: int | None  # None where only decoding can tell (a video), meaning "to the end"
    fps: float  # frames per second at which the clip was recorded
    # annotated positions in the source; None where the annotation is missing
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None


class _Told:
    """A finding whose `detail`, for people, may quote a name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", printable(self.detail))


@dataclass(frozen=True)
class Rejection(_Told):
    """A clip that a loader found and does not return. `reason` is a stable code."""

    clip_id: str
    source: Path
    reason: str
    detail: str


@dataclass(frozen=True)
class Trap(_Told):
    """Something odd in a copy of a dataset that costs no clip by itself (junk files, a doubled extension …)."""

    kind: str
    path: Path
    detail: str


CLIP_COLUMNS = tuple(f.name for f in fields(Clip))
CLIP_INTEGERS = ("first_frame", "n_frames", "onset", "apex", "offset")
REJECTION_COLUMNS = tuple(f.name for f in fields(Rejection))


@dataclass(frozen=True)
class Dataset:
    """What a loader returns: clips in an order that no file system decides, and whatever it left out.

    Clips are ordered by class (in the order of `classes`), then by `natural_key(clip_id)`.
    """

    name: str  # a row of `lib.core.catalogue.DATASETS`
    root: Path  # the folder that was read
    layout: str  # which of the dataset's layouts was found there
    classes: tuple[str, ...]  # the index of a class is its label as a number
    clips: tuple[Clip, ...]
    rejected: tuple[Rejection, ...] = ()
    traps: tuple[Trap, ...] = ()
    standin: Mapping | None = field(default=None, compare=False)  # a stand-in's marker; None for anything else
    # the folder of that marker: all of the stand-in, where `root` may be a part of it
    standin_root: Path | None = field(default=None, compare=False)

    @property
    def is_standin(self) -> bool:
        return self.standin is not None

    def table(self) -> pd.DataFrame:
        """One row per clip, with the columns `CLIP_COLUMNS`; `source` is relative to the root where it can be."""
        return self._rows(self.clips, CLIP_COLUMNS).astype(dict.fromkeys(CLIP_INTEGERS, "Int64"))

    def rejected_table(self) -> pd.DataFrame:
        """One row per rejected clip: clip_id, source (relative to the root), reason, detail."""
        return self._rows(self.rejected, REJECTION_COLUMNS)

    def _rows(self, records: tuple, columns: tuple[str, ...]) -> pd.DataFrame:
        rows = [{**asdict(one), "source": relative_to(one.source, self.root)} for one in records]
        return pd.DataFrame(rows, columns=list(columns))

    def counts(self) -> pd.Series:
        """Clips per class, in the order of `classes`, with zeros."""
        return self.table()["label"].value_counts().reindex(list(self.classes), fill_value=0).rename("clips")


def natural_key(name: str) -> tuple:
    """Sort key that orders numbers in names by value, whatever their padding.

    >>> sorted(["img10.jpg", "img9.jpg", "img001.jpg"], key=natural_key)
    ['img001.jpg', 'img9.jpg', 'img10.jpg']
    """
    parts = re.split(r"(\d+)", name.lower())
    return (tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part), name)


def sort_clips(clips: list[Clip], classes: tuple[str, ...]) -> tuple[Clip, ...]:
    """The order in which every loader returns its clips: by class, then naturally by identifier."""
    return tuple(sorted(clips, key=lambda clip: (classes.index(clip.label), natural_key(clip.clip_id))))


def standin_folder(source: Path) -> Path | None:
    """The folder of the stand-in that a clip's source, or what it links to, lies in; None if it lies in none."""
    folders = (one for path in (source.resolve(), source.absolute()) for one in (path, *path.parents))
    return next((one.resolve() for one in folders if (one / STANDIN_MARKER).is_file()), None)


def read_standin_marker(folder: Path) -> Mapping:
    """The marker of the stand-in in `folder`; DatasetError if it cannot be read: that is not real data."""
    path = folder / STANDIN_MARKER
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}): delete that stand-in and make it again.") from error
    if not isinstance(marker, dict):
        raise DatasetError(f"{path}: expected a JSON object, found {marker!r}: delete that stand-in and make it again.")
    return marker


def relative_to(path: Path, root: Path) -> str:
    """A path as a dataset's tables show it: relative to the dataset's root where it lies in it, and printable."""
    path, root = Path(path), Path(root)
    return printable(path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix())
