"""What a loader gathers while it walks through a copy: clips, rejections, traps; and how they become a `Dataset`."""

import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lib.core.catalogue import UNKNOWN_SUBJECT
from lib.core.errors import ConfigError, DatasetError, FrameError
from lib.datasets.clip import (
    STANDIN_MARKER,
    Clip,
    Dataset,
    Rejection,
    Trap,
    read_standin_marker,
    relative_to,
    sort_clips,
    standin_folder,
)
from lib.datasets.folders import child, entries, found_here, is_junk, listed
from lib.datasets.frames import FrameList, list_frames
from lib.datasets.images import IMAGE_FORMATS
from lib.datasets.text import normal
from lib.datasets.videos import is_video

# "s15_…", "S01-…", "sub01_…", "subject 3", or a number of up to three digits before "_" or "-": more are a date.
SUBJECT = re.compile(
    r"(?P<word>s|sub|subj|subject)[ _-]?(?P<number>\d+)(?![^\W_])|(?P<bare>\d{1,3})[_-]",
    re.IGNORECASE,
)


class Refused(Exception):
    """A clip cannot be read: the reason, which is a stable code, and a detail for people. Never leaves a loader."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)


@dataclass
class Findings:
    """Clips, rejections and traps of one walk through a dataset."""

    clips: list[Clip] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)

    def reject(self, clip_id: str, source: Path, reason: str, detail: str) -> None:
        self.rejected.append(Rejection(clip_id, source, reason, detail))

    def trap(self, kind: str, path: Path, detail: str) -> None:
        self.traps.append(Trap(kind, path, detail))

    @contextmanager
    def rejecting(self, clip_id: str, source: Path) -> Iterator[None]:
        """Where `Refused` is raised within, the clip is rejected."""
        try:
            yield
        except Refused as refused:
            self.reject(clip_id, source, *refused.args)

    def only(self, found: Sequence[Path], kind: str, what: str = "") -> Path:
        """The first of several files or folders that could all be read; a trap names the others."""
        if len(found) > 1:
            self.trap(kind, found[0], f"is read; {what}not read: {', '.join(map(str, found[1:]))}")
        return found[0]

    def by_key(self, found: Iterable[tuple[Hashable, Path]]) -> dict[Hashable, Path]:
        """Key -> the first folder or file that has it; the others are rejected."""
        index: dict[Hashable, Path] = {}
        for key, path in found:
            if index.setdefault(key, path) is not path:
                self.reject(id_of(path), path, "duplicate_clip", f"is also {index[key]}")
        return index

    def reject_unlisted(self, index: Mapping[Hashable, Path], listed: Set[Hashable], sheet: Path) -> None:
        for path in (path for key, path in index.items() if key not in listed):
            self.reject(id_of(path), path, "present_but_unlisted", f"no row of {sheet.name} lists it")

    def undoubled(self, folder: Path) -> Path:
        """The folder that really holds the data where unpacking has doubled it, with a trap if so.

        A folder that holds data beside the one of its own name is not doubled.
        """
        inner = child(folder, folder.name)
        if inner is None or not inner.is_dir():
            return folder
        others = (path for path in entries(folder) if path != inner)
        if any(path.is_dir() or is_video(path) or path.suffix.lower() in IMAGE_FORMATS for path in others):
            return folder
        self.doubled(inner, folder)
        return inner

    def doubled(self, inner: Path, outer: Path) -> None:
        """A trap where a folder lies in another of its own name."""
        if inner.name.lower() == outer.name.lower():
            self.trap("doubled_folder", inner, f"{inner.name} lies inside another {outer.name}; read from there")

    def left_out(self, folder: Path) -> None:
        """Traps that name what `lib.datasets.folders.entries` leaves out of a folder; a stand-in's truth is no clip."""
        found = listed(folder)
        self._junk(folder, [path.name for path in found if is_junk(path)])
        names = sorted(path.name for path in found if path.name.startswith("_"))
        if names and not (folder / STANDIN_MARKER).exists():
            detail = f"left out, for their names begin with an underscore: {', '.join(names)}"
            self.trap("underscored", folder, detail)

    def _junk(self, folder: Path, names: list[str]) -> None:
        if names:
            self.trap("junk_files", folder, "left out: " + ", ".join(names))

    def frames_of(self, folder: Path) -> FrameList:
        """The frames in a folder, or Refused, ``"no_frames"``; whatever is odd about the names there becomes a trap."""
        try:
            frames = list_frames(folder)
        except FrameError as error:
            raise Refused("no_frames", error.detail) from error
        self._junk(folder, [f"{path.name} ({reason})" for path, reason in frames.junk])
        if frames.gaps:
            shown = ", ".join(map(str, frames.gaps[:5])) + (" …" if len(frames.gaps) > 5 else "")
            self.trap("missing_frames", folder, f"{len(frames.gaps)} numbers are missing: {shown}")
        doubled = [path.name for path in frames.frames if Path(path.stem).suffix.lower() == path.suffix.lower()]
        if doubled:
            self.trap("doubled_extension", folder, f"{len(doubled)} frames such as {doubled[0]}; read as frames")
        if not frames.frames:
            raise Refused("no_frames", f"expected frames in it, found {found_here(folder)}")
        return frames

    def dataset(
        self,
        name: str,
        root: Path,
        layout: str,
        known_classes: tuple[str, ...],
        asked_classes: tuple[str, ...] | None,
        expected: str,
    ) -> Dataset:
        """Keep the clips of the classes asked for (None: all), order everything, and say what is odd about the whole.

        ConfigError if a class is asked for that the dataset does not have; DatasetError if no clip is left, which says
        what was `expected` of a full copy.
        """
        self._tell_ids_apart(root)
        classes = known_classes if asked_classes is None else tuple(asked_classes)
        if isinstance(asked_classes, str) or len(set(classes)) < len(classes):
            raise ConfigError(f"classes: expected names, each once, such as {known_classes}; found {asked_classes!r}.")
        if unknown := [one for one in classes if one not in known_classes]:
            known = ", ".join(known_classes) or "none"
            raise ConfigError(f"No class {', '.join(unknown)} in {root}; known are {known}.")
        clips = [clip for clip in self.clips if clip.label in classes]
        for clip in (clip for clip in self.clips if clip.label not in classes):
            detail = f"class {clip.label} is not among {', '.join(classes)}"
            self.reject(clip.clip_id, clip.source, "class_not_asked", detail)
        if not clips:
            counts = Counter(one.reason for one in self.rejected)
            reasons = "".join(f"; {n} rejected as {reason}" for reason, n in sorted(counts.items()))
            raise DatasetError(f"No clip in {root}. Expected {expected}; found {found_here(root)}{reasons}.")
        per_class = Counter(clip.label for clip in clips)
        for one in classes:
            if per_class[one] == 0:
                self.trap("empty_class", root, f"no clip of class {one}")
            elif per_class[one] == 1:
                detail = f"one clip of class {one}: it cannot be both trained on and tested"
                self.trap("single_clip_class", root, detail)
        standin = next(filter(None, (standin_folder(clip.source) for clip in clips)), None)
        return Dataset(
            name=name,
            root=root,
            layout=layout,
            classes=classes,
            clips=sort_clips(clips, classes),
            rejected=tuple(self.rejected),
            traps=tuple(dict.fromkeys(self.traps)),
            standin=None if standin is None else read_standin_marker(standin),
            standin_root=standin,
        )

    def _tell_ids_apart(self, root: Path) -> None:
        """Names may differ in signs alone, which no identifier holds: those get a digest of what they stand for."""
        uses = Counter(clip.clip_id.casefold() for clip in self.clips)
        clips, self.clips = self.clips, []
        for clip in clips:
            if uses[clip.clip_id.casefold()] > 1:
                told = f"{clip.label}\0{relative_to(clip.source, root)}\0{clip.first_frame}\0{clip.n_frames}"
                clip_id = f"{clip.clip_id}-{hashlib.blake2b(told.encode(), digest_size=3).hexdigest()}"
                if any(clip_id == other.clip_id for other in self.clips):
                    self.reject(clip_id, clip.source, "duplicate_clip", "another clip has the same frames and label")
                    continue
                detail = f"several clips are called {clip.clip_id} without the signs in their names; this is {clip_id}"
                self.trap("similar_names", clip.source, detail)
                clip = replace(clip, clip_id=clip_id)
            self.clips.append(clip)


def subject_of(clip_name: str) -> str:
    """The subject that a clip's name begins with, as ``"s15"``; ``"unknown"`` if it names none.

    >>> subject_of("s15_0101_01"), subject_of("15_0101disgustingteeth"), subject_of("s03_sur_01"), subject_of("clip7")
    ('s15', 's15', 's3', 'unknown')
    """
    _, number = subject_parts(clip_name)
    return UNKNOWN_SUBJECT if number is None else f"s{number}"


def subject_parts(clip_name: str) -> tuple[str, int | None]:
    """How a clip's name names its subject, and the number: the word before it, in lower case, and empty for none.

    >>> subject_parts("sub01_EP02_01f"), subject_parts("006_1_2"), subject_parts("S01-x"), subject_parts("clip7")
    (('sub', 1), ('', 6), ('s', 1), ('', None))
    """
    match = SUBJECT.match(normal(clip_name))
    if match is None:
        return "", None
    return (match["word"] or "").lower(), int(match["number"] or match["bare"])


def safe_id(name: str) -> str:
    """A name as an identifier that can be a file name everywhere.

    >>> safe_id("my clip (2)")
    'my_clip_2'
    """
    return re.sub(r"[^\w.-]+", "_", name).strip("_.") or "clip"


def id_of(source: Path) -> str:
    """The identifier of a clip that is named like its folder of frames or its video."""
    return safe_id(source.name if source.is_dir() else source.stem)
