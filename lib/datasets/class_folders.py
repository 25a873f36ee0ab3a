"""One folder per class: how the authors of the paper arranged both datasets, and how to bring clips of your own.

A clip is a video file, or a folder of frames. The subject is read from the beginning of the clip's name (``s15_…``,
``S01-…``, ``sub01_…``, ``006_…``).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lib.core.catalogue import UNKNOWN_SUBJECT
from lib.core.checks import positive_number
from lib.core.errors import ConfigError
from lib.datasets.clip import Clip, Dataset, natural_key
from lib.datasets.findings import Findings, safe_id, subject_parts
from lib.datasets.folders import entries, existing_folder, plain, subfolders
from lib.datasets.images import IMAGE_FORMATS
from lib.datasets.text import printable
from lib.datasets.videos import is_video

LAYOUT = "class_folders"


def load_class_folders(
    root: Path | str,
    classes: tuple[str, ...] | None = None,
    fps: float = 30.0,
    name: str = "class_folders",
    aliases: Mapping[str, str] | None = None,
) -> Dataset:
    """Read a dataset that has one folder per class.

    Parameters
    ----------
    root : Path
        The folder that holds the class folders.
    classes : tuple of str, optional
        The classes wanted, in this order; by default every folder with clips in it, in natural order (with
        `aliases`: every class that they name).
    fps : float
        Frames per second of all clips; it is not read from the files.
    aliases : mapping of str to str, optional
        Folder name -> class, for folders that go by several names (``anger`` -> ``angry``). Folders that are not
        named here are then no classes, and are reported. With them the folder is of one dataset, and 15, s15 and sub15
        are one person; without, clips may come from several, and are three people.

    Returns
    -------
    Dataset
        With layout ``"class_folders"``. Reasons of rejection: ``"no_frames"``, ``"duplicate_clip"``,
        ``"class_not_asked"``.

    Raises
    ------
    DatasetError
        If there is no such folder, or no clip in it.
    ConfigError
        If a class is asked for that is not there, or `fps` is no positive number.
    """
    positive_number("fps", fps)
    if aliases is not None and not isinstance(aliases, Mapping):
        raise ConfigError(f"aliases: expected a mapping of folder names to classes, found {aliases!r}.")
    findings = Findings()
    root = findings.undoubled(existing_folder(root))
    findings.left_out(root)
    read: list[tuple[Path, Clip]] = []
    for label, folders in _class_folders(root, aliases, findings).items():
        if len(folders) > 1:
            names = ", ".join(folder.name for folder in folders)
            findings.trap("several_folders_for_a_class", folders[1], f"{names} are read together as class {label}")
        for folder in folders:
            read += _read_class(folder, label, fps, name, findings)
    findings.clips = _with_classes(_without_copies(read, findings), findings)
    _name_subjects(findings, root, one_dataset=aliases is not None)
    found = tuple(dict.fromkeys(clip.label for clip in sorted(findings.clips, key=lambda one: natural_key(one.label))))
    known = tuple(dict.fromkeys(aliases.values())) if aliases else found
    expected = "one folder per class, each with videos or with folders of frames"
    return findings.dataset(name, root, LAYOUT, known, classes, expected)


def has_class_folders(root: Path, aliases: Mapping[str, str]) -> bool:
    """Whether at least one folder in `root` is named like a class."""
    names = {plain(alias) for alias in aliases}
    return any(plain(path.name) in names for path in subfolders(root))


def _class_folders(root: Path, aliases: Mapping[str, str] | None, findings: Findings) -> dict[str, list[Path]]:
    """Class -> its folders, in natural order."""
    labels = {plain(alias): label for alias, label in (aliases or {}).items()}
    folders: dict[str, list[Path]] = defaultdict(list)
    for path in entries(root):
        label = labels.get(plain(path.name)) if aliases else printable(path.name)
        if not path.is_dir():
            findings.trap("stray_file", path, "lies beside the class folders; left out")
        elif label is None:
            known = ", ".join(dict.fromkeys(labels.values()))
            findings.trap("unknown_folder", path, f"is none of the classes {known}; left out")
        else:
            folders[label].append(path)
    return folders


def _read_class(folder: Path, label: str, fps: float, name: str, findings: Findings) -> list[tuple[Path, Clip]]:
    """The entries of a class folder that are clips, each with its clip, whose subject is not known yet."""
    findings.left_out(folder)
    read, loose_images = [], 0
    for path in entries(folder):
        if path.is_dir():
            clip_id, source = safe_id(path.name), findings.undoubled(path)
            with findings.rejecting(clip_id, source):
                n_frames = len(findings.frames_of(source).frames)
                read.append((path, Clip(clip_id, name, UNKNOWN_SUBJECT, label, source, 0, n_frames, fps)))
        elif is_video(path):
            read.append((path, Clip(safe_id(path.stem), name, UNKNOWN_SUBJECT, label, path, 0, None, fps)))
        elif path.suffix.lower() in IMAGE_FORMATS:
            loose_images += 1
        else:
            findings.trap("stray_file", path, "is neither a video nor a folder of frames; left out")
    if loose_images:
        detail = f"{loose_images} images lie directly in it; a clip is a video or a folder of frames; left out"
        findings.trap("loose_frames", folder, detail)
    if not entries(folder):
        findings.trap("empty_folder", folder, "neither a video nor a folder of frames lies in it")
    return read


def _without_copies(read: list[tuple[Path, Clip]], findings: Findings) -> list[Clip]:
    """Reject what lies in a class twice under one name: as video and as frames, as two videos, in two folders."""
    kept: dict[tuple[str, str], tuple[Path, Clip]] = {}
    clips = []
    # A folder of frames goes before the video of the same name: its length is known without decoding.
    for path, clip in sorted(read, key=lambda one: (one[1].n_frames is None, natural_key(str(one[0])))):
        key = (clip.label, (path.stem if clip.n_frames is None else path.name).lower())
        first, other = kept.setdefault(key, (path, clip))
        # two folders side by side whose names differ in their letters' case are two clips
        if other is clip or (clip.n_frames is not None and first.parent == path.parent):
            clips.append(clip)
        else:
            detail = f"class {clip.label} holds this clip already, as {other.source.name}"
            findings.reject(clip.clip_id, clip.source, "duplicate_clip", detail)
    return clips


def _with_classes(clips: list[Clip], findings: Findings) -> list[Clip]:
    """Put the class in front of identifiers that several classes use."""
    users: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        users[clip.clip_id].add(clip.label)
    named = []
    for clip in clips:
        if len(users[clip.clip_id]) > 1:
            detail = f"several classes have clips named {clip.clip_id}; the class is put in front of their identifiers"
            findings.trap("name_in_several_classes", clip.source, detail)
            clip = replace(clip, clip_id=f"{safe_id(clip.label)}_{clip.clip_id}")
        named.append(clip)
    return named


def _name_subjects(findings: Findings, root: Path, one_dataset: bool) -> None:
    """Read whose face it is from the names of the clips; say where they do not tell, or not alike."""
    parts = [subject_parts(clip.source.name) for clip in findings.clips]
    words = sorted({word for word, number in parts if number is not None})
    # Numbers alone, as CAS(ME)^2 and SAMM have them, go by "s" where no clip's name has it.
    apart = not one_dataset and len(words) > 1
    subjects = [UNKNOWN_SUBJECT if number is None else f"{word if apart else 's'}{number}" for word, number in parts]
    findings.clips = [replace(clip, subject=subject) for clip, subject in zip(findings.clips, subjects, strict=True)]
    if apart:
        ways = ", ".join(f"{word}1_…" for word in words)
        detail = f"names begin in several ways ({ways}); the same number in two of them is taken for two people"
        findings.trap("several_namings", root, detail)
    unknown = [clip.source.name for clip in findings.clips if clip.subject == UNKNOWN_SUBJECT]
    if unknown:
        detail = (
            f"{len(unknown)} clips such as {unknown[0]} do not say whose face it is, and cannot be divided by subject; "
            "let their names begin like s15_, sub15_ or 015_"
        )
        findings.trap("unknown_subject", root, detail)
