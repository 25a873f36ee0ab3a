"""One folder per class: how the authors of the paper arranged both datasets, and how to bring clips of your own.

A clip is a video file, or a folder of frames. The subject is read from the clip's name (``s15_…``, ``15_…``).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lib.core.checks import positive_number
from lib.core.errors import ConfigError
from lib.datasets.clip import Clip, Dataset, natural_key
from lib.datasets.findings import Findings, safe_id, subject_of
from lib.datasets.folders import entries, existing_folder, junk_traps, plain, subfolders
from lib.datasets.images import IMAGE_FORMATS
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
    name : str
        What `Dataset.name` and `Clip.dataset` say.
    aliases : mapping of str to str, optional
        Folder name -> class, for folders that go by several names (``anger`` -> ``angry``). Folders that are not
        named here are then no classes, and are reported.

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
    findings.traps += junk_traps(root)
    for label, folders in _class_folders(root, aliases, findings).items():
        if len(folders) > 1:
            names = ", ".join(folder.name for folder in folders)
            findings.trap("several_folders_for_a_class", folders[1], f"{names} are read together as class {label}")
        for folder in folders:
            _read_class(folder, label, fps, name, findings)
    _make_ids_unique(findings)
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
        label = labels.get(plain(path.name)) if aliases else path.name
        if not path.is_dir():
            findings.trap("stray_file", path, "lies beside the class folders; left out")
        elif label is None:
            known = ", ".join(dict.fromkeys(labels.values()))
            findings.trap("unknown_folder", path, f"is none of the classes {known}; left out")
        else:
            folders[label].append(path)
    return folders


def _read_class(folder: Path, label: str, fps: float, name: str, findings: Findings) -> None:
    findings.traps += junk_traps(folder)
    loose_images = 0
    for path in entries(folder):
        if path.is_dir():
            clip_id, subject, path = safe_id(path.name), subject_of(path.name), findings.undoubled(path)
            with findings.rejecting(clip_id, path):
                n_frames = len(findings.frames_of(path).frames)
                findings.clips.append(Clip(clip_id, name, subject, label, path, 0, n_frames, fps))
        elif is_video(path):
            clip_id, subject = safe_id(path.stem), subject_of(path.stem)
            findings.clips.append(Clip(clip_id, name, subject, label, path, 0, None, fps))
        elif path.suffix.lower() in IMAGE_FORMATS:
            loose_images += 1
        else:
            findings.trap("stray_file", path, "is neither a video nor a folder of frames; left out")
    if loose_images:
        detail = f"{loose_images} images lie directly in it; a clip is a video or a folder of frames; left out"
        findings.trap("loose_frames", folder, detail)


def _make_ids_unique(findings: Findings) -> None:
    """Reject second copies within a class; put the class in front of identifiers that several classes use."""
    kept: dict[tuple[str, str], Clip] = {}
    # A folder of frames goes before the video of the same name: its length is known without decoding.
    for clip in sorted(findings.clips, key=lambda clip: (clip.n_frames is None, natural_key(str(clip.source)))):
        key = (clip.label, clip.clip_id.lower())
        if key in kept:
            detail = f"class {clip.label} holds this clip already, as {kept[key].source.name}"
            findings.reject(clip.clip_id, clip.source, "duplicate_clip", detail)
        else:
            kept[key] = clip
    uses = Counter(clip_id for _, clip_id in kept)
    findings.clips = []
    for (label, clip_id), clip in kept.items():
        if uses[clip_id] > 1:
            detail = (
                f"clips of several classes are named {clip.clip_id}; the class is put in front of their identifiers"
            )
            findings.trap("name_in_several_classes", clip.source, detail)
            clip = replace(clip, clip_id=f"{safe_id(label)}_{clip.clip_id}")
        findings.clips.append(clip)
