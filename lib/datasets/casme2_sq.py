"""CAS(ME)^2 as it comes, with its spreadsheet, or arranged in one folder per class.

Qu, Wang, Yan, Li, Wu, Fu: CAS(ME)^2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and
Recognition (IEEE Transactions on Affective Computing, 2018). 57 micro- and 300 macro-expressions of 22 subjects at 30
frames per second.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from lib.core.errors import ConfigError, DatasetError
from lib.datasets.annotation import (
    Annotation,
    Placement,
    Window,
    cleaned,
    place_in_folder,
    place_in_video,
    place_window,
)
from lib.datasets.casme2_coding import Expression, read_coding
from lib.datasets.class_folders import LAYOUT as CLASS_FOLDERS
from lib.datasets.class_folders import has_class_folders, load_class_folders
from lib.datasets.clip import Clip, Dataset
from lib.datasets.findings import Findings, safe_id
from lib.datasets.folders import (
    child,
    entries,
    existing_folder,
    found_here,
    junk_traps,
    plain,
    subfolders,
    undoubled,
    walk,
)
from lib.datasets.frames import FrameList, is_video
from lib.datasets.spreadsheets import find_spreadsheets

NAME = "casme2_sq"
FPS = 30.0
FILM_CLASSES = ("angry", "happy", "disgust")  # the paper's classes, named after the film that was watched
POLARITIES = ("negative", "positive", "surprise", "others")
FILM_LABELS = {
    "angry": "angry",
    "anger": "angry",
    "happy": "happy",
    "happiness": "happy",
    "happyiness": "happy",
    "disgust": "disgust",
    "disgusted": "disgust",
    "disgusting": "disgust",
}
LONG_LAYOUTS = ("rawpic", "rawvideo")  # whole recordings
OFFICIAL_LAYOUTS = ("rawpic", "selectedpic", "rawvideo", "cropped")  # in the order in which they are preferred
LAYOUTS = (*OFFICIAL_LAYOUTS, CLASS_FOLDERS)
LABEL_SOURCES = ("film", "self_report", "polarity")
EXPRESSIONS = ("micro", "macro", "all")
EXTENTS = ("annotated", "window")
EXPECTED = (
    "CAS(ME)^2code_final.xlsx beside rawpic/s15/15_0101disgustingteeth/img001.jpg, "
    "selectedpic/s15/anger1_1/img557.jpg, cropped/15/anger1_1/img557.jpg or rawvideo/s15/15_0101disgustingteeth.avi; "
    "or the folders angry, happy and disgust with videos or folders of frames"
)
SUBJECT_FOLDER = re.compile(r"s?(\d+)", re.IGNORECASE)
RECORDING = re.compile(r"s?(\d+)_(\d{4})", re.IGNORECASE)


@dataclass
class _Copy:
    """What was found of a copy: spreadsheets, official folders by layout, folders that hold class folders."""

    spreadsheets: list[Path] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)
    class_roots: list[Path] = field(default_factory=list)


def load_casme2_sq(
    root: Path | str,
    layout: str | None = None,
    label_source: str = "film",
    expression: str = "micro",
    extent: str = "annotated",
    window: int = 96,
    start: int | None = None,
    classes: tuple[str, ...] | None = None,
) -> Dataset:
    """Read CAS(ME)^2.

    Parameters
    ----------
    root : Path
        The folder with the spreadsheet and ``rawpic`` (``selectedpic``, ``rawvideo``, ``cropped``), one of these
        folders itself, the parent of it all, or a folder with one folder per class.
    layout : str, optional
        ``"rawpic"``, ``"selectedpic"``, ``"rawvideo"``, ``"cropped"`` or ``"class_folders"``; by default the first of
        these that is found.
    label_source : str
        ``"film"``: what the film watched was to elicit (angry, happy, disgust; the paper's classes).
        ``"self_report"``: the emotion that the subject reported; the classes are those in the sheet, by alphabet.
        ``"polarity"``: negative, positive, surprise, others.
    expression : str
        ``"micro"``, ``"macro"`` or ``"all"``.
    extent : str
        ``"annotated"``: onset to offset. An expression without an annotated offset is rejected in ``rawpic`` and
        ``rawvideo``, for the apex is not its end; in ``selectedpic`` and ``cropped`` the last frame cut out ends it.
        ``"window"``: `window` frames of the long recording around the apex (without one: the middle of onset and
        offset, or the onset), shifted to lie inside the recording. Windows of one recording may overlap. In
        ``rawvideo`` the end is known only when it is decoded: a window that passes it is too short there.
    window : int
        Length of a window in frames; 96 is the depth of the paper's network.
    start : int, optional
        With ``extent="window"`` and ``label_source="film"``: the window begins at this frame of the recording, counted
        from 0, wherever the expressions lie. Each recording is then one clip, named by the first of its expressions
        that the sheet lists; the others are rejected. The authors' code reads frames 72 to 167 of each video.
    classes : tuple of str, optional
        The classes wanted; clips of others are rejected.

    Returns
    -------
    Dataset
        Reasons of rejection: ``"expression_not_asked"``, ``"unknown_label"``, ``"unknown_subject"``,
        ``"unknown_film"``, ``"duplicate_row"``, ``"listed_but_absent"``, ``"present_but_unlisted"``, ``"no_frames"``,
        ``"no_onset"``, ``"no_offset"``, ``"offset_before_onset"``, ``"annotated_frames_absent"``, ``"too_short"``,
        ``"duplicate_clip"``, ``"class_not_asked"``.

    Raises
    ------
    DatasetError
        If none of the layouts is there, the spreadsheet or the frames are missing, or no clip is left.
    ConfigError
        If an option has an unknown value, or one that the layout cannot serve.
    """
    for name, value, known in (
        ("layout", layout, (None, *LAYOUTS)),
        ("label_source", label_source, LABEL_SOURCES),
        ("expression", expression, EXPRESSIONS),
        ("extent", extent, EXTENTS),
    ):
        if value not in known:
            raise ConfigError(f"Unknown {name} {value!r} for casme2_sq; known are {', '.join(filter(None, known))}.")
    if extent == "window" and (isinstance(window, bool) or not isinstance(window, int) or window < 1):
        raise ConfigError(f"window: expected a whole number of at least 1 frame, found {window!r}.")
    if start is not None:
        if isinstance(start, bool) or not isinstance(start, int) or start < 0:
            raise ConfigError(f"start: expected a whole number of at least 0 frames, found {start!r}.")
        if (extent, label_source) != ("window", "film"):
            raise ConfigError(
                "start: a window at a fixed frame needs extent=window, and label_source=film, for a recording has one "
                f"film and many expressions; found extent={extent} and label_source={label_source}."
            )
    if extent == "window" and layout not in (None, *LONG_LAYOUTS):
        raise ConfigError(f"A window needs the whole recording: layout {' or '.join(LONG_LAYOUTS)}, not {layout}.")

    root = existing_folder(root)
    findings = Findings()
    copy = _find_copy(root, findings)
    layout = _chosen_layout(copy, layout, extent, root)
    if layout == CLASS_FOLDERS:
        if (label_source, expression, extent) != ("film", "micro", "annotated"):
            raise ConfigError(
                f"Class folders ({copy.class_roots[0]}) carry their own labels and lengths: label_source, expression "
                "and extent need the official layout with its spreadsheet."
            )
        return load_class_folders(copy.class_roots[0], classes, fps=FPS, name=NAME, aliases=FILM_LABELS)

    spreadsheet = copy.spreadsheets[0]
    if len(copy.spreadsheets) > 1:
        others = ", ".join(map(str, copy.spreadsheets[1:]))
        findings.trap("several_spreadsheets", spreadsheet, f"is read; not read: {others}")
    folder = copy.folders[layout]
    rows = read_coding(spreadsheet, findings)
    wanted = [row for row in rows if expression in ("all", row.kind)]
    for row in rows:
        if expression not in ("all", row.kind):
            findings.reject(row.clip_id, spreadsheet, "expression_not_asked", f"{row.kind or 'no'} expression")
    sources = _index(folder, layout, findings)
    chosen = Window(window, start) if extent == "window" else None
    _read_rows(wanted, sources, layout, spreadsheet, label_source, chosen, findings)
    listed = {_source_key(row, layout) for row in rows}
    for key, path in sources.items():
        if key not in listed:
            findings.reject(safe_id(path.stem), path, "present_but_unlisted", f"no row of {spreadsheet.name} lists it")
    return findings.dataset(NAME, root, layout, _known_classes(label_source, wanted), classes, EXPECTED)


def _find_copy(root: Path, findings: Findings) -> _Copy:
    """Look at `root`, above it where it is a part of a copy, and below it where a folder is named like the dataset."""
    copy = _Copy()
    start = root
    while plain(start.name) in OFFICIAL_LAYOUTS:
        start = start.parent
    for folder in walk(start, lambda name: name.startswith("casme")):
        findings.traps += junk_traps(folder)
        copy.spreadsheets += find_spreadsheets(folder, "code") or find_spreadsheets(folder, "casme")
        for name in OFFICIAL_LAYOUTS:
            path = child(folder, name)
            if path is not None and path.is_dir() and name not in copy.folders:
                copy.folders[name], doubled = undoubled(path)
                findings.traps += doubled
        if has_class_folders(folder, FILM_LABELS):
            copy.class_roots.append(folder)
    return copy


def _chosen_layout(copy: _Copy, layout: str | None, extent: str, root: Path) -> str:
    """The layout to read: the one asked for, or the first that is whole. DatasetError says what is missing."""
    eligible = LONG_LAYOUTS if extent == "window" else OFFICIAL_LAYOUTS
    if layout is None and plain(root.name) in OFFICIAL_LAYOUTS:
        layout = plain(root.name)
    present = [name for name in eligible if name in copy.folders and layout in (None, name)]
    if present and copy.spreadsheets:
        return present[0]
    if copy.class_roots and layout in (None, CLASS_FOLDERS):
        return CLASS_FOLDERS
    if copy.spreadsheets and layout != CLASS_FOLDERS:
        names = layout or ", ".join(eligible)
        missing = f"the spreadsheet {copy.spreadsheets[0].name} is there, its frames are not ({names}): unpack them too"
    elif copy.folders and layout != CLASS_FOLDERS:
        missing = f"{', '.join(copy.folders)} found, but not the spreadsheet (CAS(ME)^2code_final.xlsx): put it beside"
    else:
        missing = "give the folder that holds one of these"
    wanted = f" in the layout {layout}" if layout else ""
    raise DatasetError(f"No CAS(ME)^2 in {root}{wanted}. Expected {EXPECTED}; found {found_here(root)}; {missing}.")


def _known_classes(label_source: str, rows: list[Expression]) -> tuple[str, ...]:
    if label_source == "film":
        return FILM_CLASSES
    if label_source == "polarity":
        return POLARITIES
    return tuple(sorted({row.self_report for row in rows if row.self_report}))


def _label(row: Expression, label_source: str) -> str | None:
    if label_source == "film":
        return FILM_LABELS.get(row.film)
    if label_source == "polarity":
        return row.polarity if row.polarity in POLARITIES else None
    return row.self_report or None


def _source_key(row: Expression, layout: str) -> tuple[int | None, str | None]:
    """What a row's source is found by: the subject's folder, and the recording's code or the clip's name."""
    return row.folder, row.film_code if layout in LONG_LAYOUTS else row.name


def _index(folder: Path, layout: str, findings: Findings) -> dict[tuple, Path]:
    """`_source_key` -> folder of frames, or video. The name of a recording outweighs the folder that it lies in."""
    index: dict[tuple, Path] = {}
    misfiled: list[tuple[tuple, Path]] = []
    findings.traps += junk_traps(folder)
    for subject in subfolders(folder):
        match = SUBJECT_FOLDER.fullmatch(subject.name)
        if match is None:
            findings.trap("unknown_folder", subject, "expected folders named by subject (s15); left out")
            continue
        findings.traps += junk_traps(subject)
        for path in entries(subject):
            if not (is_video(path) if layout == "rawvideo" else path.is_dir()):
                findings.trap("stray_file", path, f"is no {'video' if layout == 'rawvideo' else 'folder'}; left out")
                continue
            recording = RECORDING.match(path.name)
            if layout not in LONG_LAYOUTS:
                key = (int(match[1]), path.name.lower())
                if key in index:
                    findings.reject(safe_id(path.name), path, "duplicate_clip", f"is also {index[key]}")
                else:
                    index[key] = path
            elif recording is None:
                findings.trap("odd_name", path, "expected a name like 15_0101disgustingteeth; left out")
            elif recording[1].lstrip("0") != match[1].lstrip("0"):
                misfiled.append(((int(recording[1]), recording[2]), path))
            elif (key := (int(recording[1]), recording[2])) in index:
                findings.reject(safe_id(path.stem), path, "duplicate_clip", f"is also {index[key].name}")
            else:
                index[key] = path
    for key, path in misfiled:
        if key in index:
            findings.reject(safe_id(path.stem), path, "duplicate_clip", f"misfiled, and also at {index[key]}")
        else:
            findings.trap("misfiled", path, f"lies in {path.parent.name}; its name says s{key[0]}, which stands")
            index[key] = path
    return index


def _read_rows(
    rows: list[Expression],
    sources: dict[tuple, Path],
    layout: str,
    spreadsheet: Path,
    label_source: str,
    window: Window | None,
    findings: Findings,
) -> None:
    """Turn annotated expressions into clips."""
    listings: dict[Path, FrameList] = {}  # a recording holds several expressions: its names are read once
    seen, whole = set(), {}
    for row in rows:
        clip_id, label, source = row.clip_id, _label(row, label_source), sources.get(_source_key(row, layout))
        refusal = _row_refusal(row, label, layout, clip_id in seen, label_source)
        seen.add(clip_id)
        if refusal is None and source is None:
            refusal = "listed_but_absent", f"the spreadsheet lists it; {layout} does not hold it"
        if refusal is None and source in whole:
            refusal = "duplicate_clip", f"its recording is the clip {whole[source]} already"
        if refusal:
            findings.reject(clip_id, source or spreadsheet, *refusal)
            continue
        if source.is_dir() and source not in listings:
            listings[source] = findings.frames_of(source)
        annotation = cleaned(row.onset, row.apex, row.offset, clip_id, source, findings)
        placed = _placed(annotation, listings.get(source), layout, window, clip_id, source, findings)
        if placed is not None:
            if window is not None and window.start is not None:
                whole[source] = clip_id
            findings.clips.append(
                Clip(safe_id(clip_id), NAME, f"s{row.folder}", label, source, fps=FPS, **vars(placed))
            )


def _row_refusal(
    row: Expression, label: str | None, layout: str, seen: bool, label_source: str
) -> tuple[str, str] | None:
    if seen:
        return "duplicate_row", "an earlier row has the same subject and clip; the earlier one stands"
    if row.folder is None:
        return "unknown_subject", f"the second sheet has no folder for subject {row.subject or '(empty)'}"
    if row.film_code is None and layout in LONG_LAYOUTS:
        return "unknown_film", f"the third sheet has no code for the film of {row.name or '(empty)'}"
    if label is None:
        value = {"film": row.film, "polarity": row.polarity, "self_report": row.self_report}[label_source]
        return "unknown_label", f"{value or 'an empty cell'!r} is no known {label_source.replace('_', ' ')}"
    return None


def _placed(
    annotation: Annotation,
    frames: FrameList | None,
    layout: str,
    window: Window | None,
    clip_id: str,
    source: Path,
    findings: Findings,
) -> Placement | None:
    """Where a clip lies in its source; None, with a rejection, where it cannot lie anywhere."""
    refusal = _placement_refusal(annotation, frames, layout, window, source)
    if refusal:
        findings.reject(clip_id, source, *refusal)
        return None
    if frames is None:
        return place_in_video(annotation, window)
    if window is not None:
        placed = place_window(annotation, frames, window)
    else:
        placed = place_in_folder(annotation, frames, clip_id, source, findings)
    if placed is None:
        numbers = f"{annotation.onset or '(missing)'} to {annotation.offset or '(missing)'}"
        findings.reject(clip_id, source, "annotated_frames_absent", f"no frame is numbered {numbers}")
    return placed


def _placement_refusal(
    annotation: Annotation, frames: FrameList | None, layout: str, window: Window | None, source: Path
) -> tuple[str, str] | None:
    if frames is not None and not frames.frames:
        return "no_frames", f"expected frames in it, found {found_here(source)}"
    if window is not None:
        if window.start is None and annotation.centre is None:
            return "no_onset", "neither apex nor onset is annotated: nothing to centre a window on"
        needed = window.length + (window.start or 0)
        if frames is not None and len(frames.frames) < needed:
            return "too_short", f"the recording has {len(frames.frames)} frames, the window needs {needed}"
        return None
    cut_out = layout not in LONG_LAYOUTS  # the folder itself goes from onset to offset
    if annotation.refusal and not (cut_out and annotation.refusal[0] in ("no_onset", "no_offset")):
        return annotation.refusal
    return None
