"""CAS(ME)^2 as it comes, with its spreadsheet, or arranged in one folder per class.

Qu, Wang, Yan, Li, Wu, Fu: CAS(ME)^2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and
Recognition (IEEE Transactions on Affective Computing, 2018). 57 micro- and 300 macro-expressions of 22 subjects at 30
frames per second.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lib.core.checks import one_of, whole_number
from lib.core.errors import ConfigError, DatasetError
from lib.datasets.annotation import Window, cleaned, place_annotated, place_window
from lib.datasets.casme2_coding import CLIP, EXPRESSION, POLARITY, SELF_REPORT, Expression, read_coding
from lib.datasets.class_folders import LAYOUT as CLASS_FOLDERS
from lib.datasets.class_folders import has_class_folders, load_class_folders
from lib.datasets.clip import Clip, Dataset
from lib.datasets.findings import Findings, Refused
from lib.datasets.folders import child, entries, existing_folder, found_here, plain, walk
from lib.datasets.spreadsheets import Cell, best_first, find_spreadsheets
from lib.datasets.text import normal
from lib.datasets.videos import is_video

NAME = "casme2_sq"
FPS = 30.0
FILM_CLASSES = ("angry", "happy", "disgust")  # the paper's classes, named after the film that was watched
POLARITIES = ("negative", "positive", "surprise", "others")
FILM_LABELS = {
    **dict.fromkeys(("angry", "anger"), "angry"),
    **dict.fromkeys(("happy", "happiness", "happyiness"), "happy"),
    **dict.fromkeys(("disgust", "disgusted", "disgusting"), "disgust"),
}
LONG_LAYOUTS = ("rawpic", "rawvideo")  # whole recordings
OFFICIAL_LAYOUTS = ("rawpic", "selectedpic", "rawvideo", "cropped")  # in the order in which they are preferred
LAYOUTS = (*OFFICIAL_LAYOUTS, CLASS_FOLDERS)
LABEL_SOURCES = {"film": CLIP, "self_report": SELF_REPORT, "polarity": POLARITY}  # the column that holds it
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
        ``"no_onset"``, ``"no_apex"``, ``"no_offset"``, ``"offset_before_onset"``, ``"annotated_frames_absent"``,
        ``"too_short"``, ``"duplicate_clip"``, ``"class_not_asked"``.

    Raises
    ------
    DatasetError
        If none of the layouts is there, the spreadsheet or the frames are missing, or no clip is left.
    ConfigError
        If an option has an unknown value, or one that the layout cannot serve.
    """
    if layout is not None:
        one_of("layout", layout, LAYOUTS)
    one_of("label_source", label_source, LABEL_SOURCES)
    one_of("expression", expression, EXPRESSIONS)
    one_of("extent", extent, EXTENTS)
    if extent == "window":
        whole_number("window", window, 1)
    if start is not None:
        whole_number("start", start, 0)
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

    spreadsheet = findings.only(best_first(copy.spreadsheets, "casme2codefinal"), "several_spreadsheets")
    rows = read_coding(spreadsheet, findings)
    wanted = [row for row in rows if expression in ("all", row.kind)]
    for row in rows:
        if expression not in ("all", row.kind):
            detail = f"{row.cells[EXPRESSION].told} is no {expression}-expression"
            findings.reject(row.clip_id, spreadsheet, "expression_not_asked", detail)
    sources = _index(copy.folders[layout], layout, findings)
    chosen = Window(window, start) if extent == "window" else None
    _read_rows(wanted, sources, layout, spreadsheet, label_source, chosen, findings)
    findings.reject_unlisted(sources, {_source_key(row, layout) for row in rows}, spreadsheet)
    return findings.dataset(NAME, root, layout, _known_classes(label_source, wanted), classes, EXPECTED)


def _find_copy(root: Path, findings: Findings) -> _Copy:
    """Look at `root`, above it where it is a part of a copy, and below it where a folder is named like the dataset."""
    copy = _Copy()
    start = root
    while plain(start.name) in OFFICIAL_LAYOUTS:
        start = start.parent
    for folder in walk(start, lambda name: name.startswith("casme")):
        findings.left_out(folder)
        copy.spreadsheets += find_spreadsheets(folder, "code") or find_spreadsheets(folder, "casme")
        for name in OFFICIAL_LAYOUTS:
            path = child(folder, name)
            if path is not None and path.is_dir() and name not in copy.folders:
                copy.folders[name] = findings.undoubled(path)
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
    if label_source == "self_report":
        return tuple(sorted({row.self_report for row in rows if row.self_report}))
    return FILM_CLASSES if label_source == "film" else POLARITIES


def _source_key(row: Expression, layout: str) -> tuple[int | None, str | None]:
    """What a row's source is found by: the subject's folder, and the recording's code or the clip's name."""
    return row.folder, row.film_code if layout in LONG_LAYOUTS else row.name


def _index(folder: Path, layout: str, findings: Findings) -> dict[tuple, Path]:
    """`_source_key` -> folder of frames, or video. The name of a recording outweighs the folder that it lies in."""
    found: list[tuple[bool, tuple, Path]] = []  # whether it is misfiled, its key, itself
    findings.left_out(folder)
    for subject in entries(folder):
        match = SUBJECT_FOLDER.fullmatch(normal(subject.name))
        if not subject.is_dir():
            findings.trap("stray_file", subject, "lies beside the folders of the subjects; left out")
            continue
        if match is None:
            findings.trap("unknown_folder", subject, "expected folders named by subject (s15); left out")
            continue
        findings.left_out(subject)
        for path in entries(subject):
            if not (is_video(path) if layout == "rawvideo" else path.is_dir()):
                findings.trap("stray_file", path, f"is no {'video' if layout == 'rawvideo' else 'folder'}; left out")
                continue
            if layout not in LONG_LAYOUTS:
                found.append((False, (int(match[1]), normal(path.name).lower()), path))
            elif recording := RECORDING.match(normal(path.name)):
                key = (int(recording[1]), f"{int(recording[2]):04d}")
                found.append((key[0] != int(match[1]), key, path))
            else:
                findings.trap("odd_name", path, "expected a name like 15_0101disgustingteeth; left out")
    found.sort(key=lambda one: one[0])  # a misfiled recording stands only where no other has its name
    index = findings.by_key((key, path) for _, key, path in found)
    for is_misfiled, key, path in found:
        if is_misfiled:
            findings.trap("misfiled", path, f"lies in {path.parent.name}; its name says s{key[0]}, which stands")
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
    list_once = cache(findings.frames_of)  # a recording holds several expressions: its names are read once
    seen, whole = set(), {}
    for row in rows:
        clip_id, source = row.clip_id, sources.get(_source_key(row, layout))
        with findings.rejecting(clip_id, source or spreadsheet):
            label = _label(row, layout, row.key in seen, label_source)
            if source is None:
                detail = f"the spreadsheet lists {row.cells[CLIP].told}; {layout} does not hold it"
                raise Refused("listed_but_absent", detail)
            if source in whole:
                raise Refused("duplicate_clip", f"its recording is the clip {whole[source]} already")
            annotation = cleaned(clip_id, source, *row.annotation, findings)
            frames = list_once(source) if source.is_dir() else None
            if window is not None:
                place = place_window(annotation, frames, window)
            else:
                # a folder that is no whole recording was cut out from onset to offset
                place = place_annotated(annotation, frames, findings, cut_out=layout not in LONG_LAYOUTS)
            if window is not None and window.start is not None:
                whole[source] = clip_id
            findings.clips.append(Clip(clip_id, NAME, f"s{row.folder}", label, source, fps=FPS, **place))
        seen.add(row.key)


def _label(row: Expression, layout: str, seen: bool, label_source: str) -> str:
    """The class of an expression, if the sheets say all that is needed to look for it; Refused otherwise."""
    if seen:
        raise Refused("duplicate_row", "an earlier row has the same subject and clip; the earlier one stands")
    if row.folder is None:
        detail = f"the second sheet has no folder for subject {row.subject.told}{_instead(row.folders)}"
        raise Refused("unknown_subject", detail)
    if row.film_code is None and layout in LONG_LAYOUTS:
        detail = f"the third sheet has no code for the film of {row.cells[CLIP].told}{_instead(row.film_codes)}"
        raise Refused("unknown_film", detail)
    value = getattr(row, label_source)
    label = FILM_LABELS.get(value) if label_source == "film" else value
    if not label or (label_source == "polarity" and label not in POLARITIES):
        told = row.cells[LABEL_SOURCES[label_source]].told
        raise Refused("unknown_label", f"{told} is no known {label_source.replace('_', ' ')}")
    return label


def _instead(cells: tuple[Cell, ...]) -> str:
    """What a sheet holds where one number was expected."""
    return f", but {' and '.join(cell.told for cell in cells)}" if cells else ""
