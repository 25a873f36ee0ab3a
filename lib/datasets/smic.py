"""SMIC-HS as it comes: the raw or cropped clips, the long clips of SMIC-E, or one folder per class.

Li, Pfister, Huang, Zhao, Pietikainen: A Spontaneous Micro-expression Database: Inducement, Collection and Baseline
(FG 2013). 164 clips of 16 subjects at 100 frames per second. The VIS and NIR recordings are not read.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from lib.core.catalogue import UNKNOWN_SUBJECT
from lib.core.checks import one_of
from lib.core.errors import DatasetError
from lib.datasets.annotation import cleaned, place_annotated
from lib.datasets.class_folders import LAYOUT as CLASS_FOLDERS
from lib.datasets.class_folders import has_class_folders, load_class_folders
from lib.datasets.clip import Clip, Dataset
from lib.datasets.findings import Findings, Refused, safe_id, subject_of
from lib.datasets.folders import child, entries, existing_folder, found_here, plain, subfolders, walk
from lib.datasets.frames import list_frames
from lib.datasets.spreadsheets import Cell, best_first, find_columns, find_spreadsheets, read_sheets, whole
from lib.datasets.text import normal

NAME = "smic"
CLASSES = ("negative", "positive", "surprise")
FPS = 100.0
LAYOUTS = ("raw", "cropped", "smic_e", CLASS_FOLDERS)  # in the order in which they are preferred
EXPECTED = (
    "SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image*.bmp, SMIC_all_cropped/HS/…/reg_image*.bmp, "
    "SMIC-E_raw image/HS_long/SMIC-HS-E/s03/s3_sur_01/image*.jpg with SMIC-HS-E_annotation.xlsx, "
    "or the folders negative, positive and surprise"
)

CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}
ALIASES = {label: label for label in CLASSES} | CODES | {"neg": "negative", "pos": "positive", "surprised": "surprise"}
CLIP_NAME = re.compile(r"s(\d+)_(ne|po|sur)[a-z]*_(\d+)", re.IGNORECASE)
SUBJECT_FOLDER = re.compile(r"s\d+", re.IGNORECASE)
# The headers that a column may have, best first.
COLUMNS = {
    "clip": ("filename", "clip", "clipname", "video", "videoname", "name"),
    "subject": ("subject", "subjectid", "subjectnumber", "subjectno"),
    **{name: (f"{name}f", f"{name}frame", f"{name}framenumber", name) for name in ("onset", "apex", "offset")},
    "label": ("emotion", "emotionlabel", "emotionclass", "expression", "expressionlabel", "label", "class"),
}


def load_smic(root: Path | str, layout: str | None = None, classes: tuple[str, ...] | None = None) -> Dataset:
    """Read SMIC-HS.

    The label is that of the annotation: the emotion folder, or the cell of SMIC-E's spreadsheet. Where the code in
    the clip's name says otherwise (``s18_sur_03`` is labelled negative in one copy), the annotation stands and a
    trap names the clip. The subject is the one in the clip's name.

    Parameters
    ----------
    root : Path
        The folder of any of the layouts, or one that holds it: the parent of ``SMIC_all_raw``, itself, its ``HS``.
    layout : str, optional
        ``"raw"``, ``"cropped"``, ``"smic_e"`` or ``"class_folders"``; by default the first of these that is found.
        In ``smic_e`` a clip is the annotated onset to offset within a longer folder of frames.
    classes : tuple of str, optional
        The classes wanted; by default negative, positive, surprise.

    Returns
    -------
    Dataset
        Reasons of rejection: ``"no_frames"``, ``"duplicate_clip"``, ``"class_not_asked"``, ``"unknown_label"``; in
        ``smic_e`` also ``"listed_but_absent"``, ``"present_but_unlisted"``, ``"duplicate_row"``, ``"no_onset"``,
        ``"no_offset"``, ``"offset_before_onset"``, ``"annotated_frames_absent"``, ``"no_clip_name"``.

    Raises
    ------
    DatasetError
        If none of the layouts is there, a part of one is missing, or no clip is left.
    ConfigError
        If the layout or a class is unknown.
    """
    if layout is not None:
        one_of("layout", layout, LAYOUTS)
    root = existing_folder(root)
    found = _find_layouts(root)
    layout = layout or next((one for one in LAYOUTS if one in found), None)
    if layout not in found:
        raise DatasetError(
            f"No SMIC-HS in {root}{f' in the layout {layout}' if layout else ''}. Expected {EXPECTED}; "
            f"found {found_here(root)}. Give the folder that holds one of these."
        )
    findings = Findings()
    folder = findings.only(found[layout], "several_copies", "of the same layout and ")
    for inner, outer in pairwise((folder, *folder.parents[: len(folder.relative_to(root).parts)])):
        findings.doubled(inner, outer)
    if layout == CLASS_FOLDERS:
        dataset = load_class_folders(folder, classes, fps=FPS, name=NAME, aliases=ALIASES)
        _compare_with_names(dataset.clips, findings)
        return replace(dataset, traps=(*dataset.traps, *findings.traps))
    findings.left_out(folder)
    if layout == "smic_e":
        _read_smic_e(folder, root, findings)
    else:
        _read_hs(folder, findings)
    _compare_with_names(findings.clips, findings)
    return findings.dataset(NAME, root, layout, CLASSES, classes, EXPECTED)


def _find_layouts(root: Path) -> dict[str, list[Path]]:
    """Layout -> the folders of that layout at or below `root`; only folders named like parts of SMIC-HS are entered."""
    found = defaultdict(list)
    others = ("vis", "nir")  # the other cameras
    for folder in walk(root, lambda name: name.startswith(("smic", "hs")) and not any(one in name for one in others)):
        if layout := _layout_of(folder):
            found[layout].append(folder)
    return found


def _layout_of(folder: Path) -> str | None:
    subjects = _subjects(folder)
    if any(child(subject, "micro") for subject in subjects):
        return "cropped" if _is_cropped(folder) else "raw"
    if any(CLIP_NAME.match(normal(path.name)) for subject in subjects for path in subfolders(subject)):
        return "smic_e"
    return CLASS_FOLDERS if has_class_folders(folder, ALIASES) else None


def _is_cropped(folder: Path) -> bool:
    """Cropped frames are named ``reg_image…``; where a copy renamed them, the name of the archive tells."""
    archives = [plain(one.name) for one in (folder, *list(folder.resolve().parents)[:2])]
    if any(name.startswith("smicall") and "crop" in name for name in archives):
        return True
    first = next((frames[0] for _, _, path in _hs_clips(folder) if (frames := list_frames(path).frames)), None)
    return first is not None and first.name.lower().startswith("reg")


def _subjects(folder: Path) -> list[Path]:
    return [path for path in subfolders(folder) if SUBJECT_FOLDER.fullmatch(normal(path.name))]


def _hs_clips(folder: Path) -> Iterator[tuple[Path, Path, Path]]:
    """(subject folder, emotion folder, clip folder) of every clip below an ``HS`` folder."""
    for subject in _subjects(folder):
        micro = child(subject, "micro")
        for emotion in subfolders(micro) if micro else ():
            for path in subfolders(emotion):
                yield subject, emotion, path


def _read_hs(folder: Path, findings: Findings) -> None:
    """Clips of the raw or the cropped layout; ``non_micro`` holds no micro-expressions and is passed over."""
    subjects = _subjects(folder)
    _report_others(folder, subjects, findings)
    for subject in subjects:
        micro = child(subject, "micro")
        if micro is None:
            findings.trap("no_micro_folder", subject, f"expected a folder micro, found {found_here(subject)}")
        _report_others(subject, [micro, child(subject, "non_micro")], findings)
        for place in (subject, *((micro, *subfolders(micro)) if micro else ())):
            findings.left_out(place)
            if place != subject:
                _report_others(place, subfolders(place), findings)
    seen: dict[str, Path] = {}
    for subject, emotion, path in _hs_clips(folder):
        label, clip_id, name = ALIASES.get(plain(emotion.name)), safe_id(path.name), normal(path.name).lower()
        path = findings.undoubled(path)
        with findings.rejecting(clip_id, path):
            if label is None:
                findings.trap("unknown_folder", emotion, f"is none of {', '.join(CLASSES)}")
                raise Refused("unknown_label", f"{emotion.name} is none of {', '.join(CLASSES)}")
            if name in seen:
                raise Refused("duplicate_clip", f"a clip of this name is {seen[name]}")
            n_frames = len(findings.frames_of(path).frames)
            seen[name] = path
            subject = _subject(path, subject, findings)
            findings.clips.append(Clip(clip_id, NAME, subject, label, path, 0, n_frames, FPS))


def _report_others(folder: Path, known: Iterable[Path | None], findings: Findings) -> None:
    """A trap for each entry that is none of those that are read, or known not to be."""
    for path in entries(folder):
        if path not in known:
            kind = "unknown_folder" if path.is_dir() else "stray_file"
            findings.trap(kind, path, f"is no part of SMIC-HS in {folder.name}; left out")


def _subject(clip_folder: Path, subject_folder: Path, findings: Findings) -> str:
    """The subject that a clip's name says; its folder says it where the name does not."""
    held_by = subject_of(f"{subject_folder.name}_")
    named = subject_of(clip_folder.name)
    if named == UNKNOWN_SUBJECT:
        findings.trap("odd_name", clip_folder, f"expected a name like s1_ne_01; taken as a clip of {held_by}")
        return held_by
    if named != held_by:
        findings.trap("misfiled", clip_folder, f"lies in {subject_folder.name}; its name says {named}, which stands")
    return named


def _compare_with_names(clips: Iterable[Clip], findings: Findings) -> None:
    """A trap for each clip in whose name the code is not that of its label."""
    for clip in clips:
        match = CLIP_NAME.match(normal(clip.source.name))
        named = CODES[match[2].lower()] if match else clip.label
        if named != clip.label:
            detail = f"{clip.clip_id} is annotated {clip.label}, which stands; its name says {named}"
            findings.trap("label_disagrees", clip.source, detail)


def _read_smic_e(folder: Path, root: Path, findings: Findings) -> None:
    """Clips of SMIC-E: the spreadsheet's rows, each the onset to offset of a folder named like the row."""
    sheet, rows = _annotation(folder, root, findings)
    subjects = _subjects(folder)
    sheets = [path for path in entries(folder) if path.suffix.lower().startswith(".xls")]
    _report_others(folder, [*subjects, *sheets], findings)
    for subject in subjects:
        findings.left_out(subject)
        _report_others(subject, subfolders(subject), findings)
    present = findings.by_key((_clip_key(path.name), path) for subject in subjects for path in subfolders(subject))
    listed = set()
    for row in rows:
        key, clip_id, told = _clip_key(row["clip"]), safe_id(row["clip"]), row["clip"].told
        if not row["clip"]:
            if any(row[name] for name in ("onset", "apex", "offset", "label")):
                row_id = f"row_of_{row['clip'].coordinate}"
                findings.reject(row_id, sheet, "no_clip_name", f"the name of a clip: {told}")
        elif key in listed:
            detail = f"an earlier row has the same clip as {told}; the earlier one stands"
            findings.reject(clip_id, sheet, "duplicate_row", detail)
        elif key not in present:
            detail = f"the spreadsheet lists {told}; no such folder in {folder}"
            findings.reject(clip_id, sheet, "listed_but_absent", detail)
        else:
            _read_row(row, present[key], findings)
        listed.add(key)
    findings.reject_unlisted(present, listed, sheet)


def _annotation(folder: Path, root: Path, findings: Findings) -> tuple[Path, list[dict[str, Cell]]]:
    """The spreadsheet that is read, and the rows below its header by the names of `COLUMNS`; a missing one is empty."""
    places = dict.fromkeys((folder, folder.parent, root))
    sheets = [path for place in places for path in find_spreadsheets(place, "annotation")]
    sheets = [path for path in sheets if not any(camera in plain(path.name) for camera in ("vis", "nir"))]
    if not sheets:
        raise DatasetError(
            f"SMIC-E in {folder} lacks its annotation. Expected SMIC-HS-E_annotation.xlsx there or in {folder.parent}: "
            "without it the onset and offset of a clip within its folder are unknown. Unpack it too."
        )
    # Copies come with …_orig.xlsx and …_2019.xlsx: the latest correction counts.
    sheet = findings.only(best_first(sheets, r"smichseannotation(\d{4})?"), "several_spreadsheets")
    for rows in read_sheets(sheet).values():
        for i, row in enumerate(rows[:10]):
            if columns := find_columns(row, COLUMNS, needed=("clip", "onset", "offset", "label")):
                empty = dict.fromkeys(COLUMNS, Cell(""))
                return sheet, [{**empty, **{name: row[at] for name, at in columns.items()}} for row in rows[i + 1 :]]
    raise DatasetError(
        f"{sheet} has no row with the headers Filename, OnsetF, OffsetF and Emotion. Expected SMIC-E's annotation."
    )


def _read_row(row: dict[str, Cell], path: Path, findings: Findings) -> None:
    subject_folder, clip_id, label = path.parent, safe_id(path.name), ALIASES.get(row["label"].lower())
    path = findings.undoubled(path)
    with findings.rejecting(clip_id, path):
        annotation = cleaned(clip_id, path, row["onset"], row["apex"], row["offset"], findings)
        frames = findings.frames_of(path)
        if label is None:
            raise Refused("unknown_label", f"the emotion {row['label'].told} is none of {', '.join(CLASSES)}")
        place = place_annotated(annotation, frames, findings)
        subject = _subject(path, subject_folder, findings)
        listed = whole(row["subject"].lower().lstrip("s"))  # "3" or "s03"
        if row["subject"] and f"s{listed}" != subject:
            detail = f"the spreadsheet says {row['subject'].told}, the name says {subject}, which stands"
            findings.trap("subject_disagrees", path, detail)
        findings.clips.append(Clip(clip_id, NAME, subject, label, path, fps=FPS, **place))


def _clip_key(name: str) -> tuple:
    """What makes two spellings of a clip's name the same: ``s03_sur_01``, ``s3_sur_1`` and ``S3_SUR_01`` are one."""
    match = CLIP_NAME.fullmatch(normal(name))
    return (int(match[1]), match[2].lower(), int(match[3])) if match else (normal(name).lower(),)
