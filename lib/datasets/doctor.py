"""What is wrong with my copy of a dataset? Counts against the published ones, traps, rejected clips, damaged frames."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lib.core.errors import DatasetError, FrameError
from lib.datasets import load_dataset
from lib.datasets.clip import Clip, Dataset, Rejection, Trap, natural_key
from lib.datasets.fingerprint import damage_traps
from lib.datasets.frames import iter_frames, list_frames, read_image

MIN_CLASSES = 2  # a classifier needs two classes,
MIN_CLIPS_PER_CLASS = 2  # and each needs a clip to train on and one to test


@dataclass(frozen=True)
class Published:
    """What the publication of a dataset says of it. None where it says nothing that can be compared."""

    classes: Mapping[str, int]
    clips: int | None = None
    subjects: int | None = None
    fps: float | None = None
    frames_per_clip: tuple[int, int] | None = None


# Li et al., FG 2013.
SMIC_HS = Published(
    classes={"negative": 70, "positive": 51, "surprise": 43},
    clips=164,
    subjects=16,
    fps=100.0,
    frames_per_clip=(11, 58),
)
# Qu et al., IEEE Transactions on Affective Computing, 2018.
CASME2_SQ = Published(classes={}, subjects=22, fps=30.0)
CASME2_SQ_CLIPS = {"micro": 57, "macro": 300, "all": 357}


@dataclass(frozen=True)
class Comparison:
    """One count beside the published one."""

    what: str
    found: str
    published: str
    agrees: bool


@dataclass(frozen=True)
class FrameProblem:
    """A frame, or the rest of a video, that cannot be used. `reason` is that of `lib.core.errors.FrameError`."""

    clip_id: str
    path: Path
    reason: str
    detail: str


@dataclass(frozen=True)
class Report:
    """What `examine` found.

    Attributes
    ----------
    dataset, root, layout
        What was read; `layout` is None if nothing could be.
    standin : mapping or None
        The marker of the stand-in that this is; None for anything else.
    error : str or None
        Why nothing could be read.
    class_counts : dict of str to int
        Clips per class.
    subject_counts : dict of str to dict of str to int
        Subject -> clips per class.
    sound_counts : dict of str to int
        Clips per class all of whose frames decode; equal to `class_counts` if nothing was decoded.
    comparisons : tuple of Comparison
        Counts beside the published ones; empty for a stand-in, and where nothing is published for what was read.
    traps, rejected
        As in `Dataset`.
    frame_problems : tuple of FrameProblem
        Every frame that does not decode, changes size or is missing.
    frames_decoded : int or None
        None if decoding was not asked for.
    usable : bool
        At least two classes with at least two sound clips each.
    """

    dataset: str
    root: Path
    layout: str | None
    standin: Mapping | None
    error: str | None
    class_counts: Mapping[str, int]
    subject_counts: Mapping[str, Mapping[str, int]]
    sound_counts: Mapping[str, int]
    comparisons: tuple[Comparison, ...]
    traps: tuple[Trap, ...]
    rejected: tuple[Rejection, ...]
    frame_problems: tuple[FrameProblem, ...]
    frames_decoded: int | None
    usable: bool


def examine(dataset_name: str, root: Path | str, decode: bool = True, progress: bool = True, **options) -> Report:
    """Read a copy of a dataset, decode every frame of every clip in it, and compare a stand-in with its digests.

    Parameters
    ----------
    dataset_name : str
        As for `lib.datasets.load_dataset`.
    root : Path
        The folder that holds the copy.
    decode : bool
        Whether frames are decoded; without it only names and annotations are looked at, and a stand-in's digests.
    progress : bool
        Whether a progress bar is shown while frames are decoded.
    **options
        Of the dataset's loader.

    Raises
    ------
    ConfigError
        If the dataset or an option is unknown. A copy that cannot be read raises nothing: the report says so.
    """
    try:
        dataset = load_dataset(dataset_name, root, **options)
    except DatasetError as error:
        return Report(dataset_name, Path(root), None, None, str(error), {}, {}, {}, (), (), (), (), None, usable=False)
    problems: list[FrameProblem] = []
    traps = [*dataset.traps, *damage_traps(dataset)]
    lengths = {clip.clip_id: clip.n_frames for clip in dataset.clips}
    if decode:
        lengths, problems, same = _decode(dataset, progress)
        traps += same
    unsound = {problem.clip_id for problem in problems}
    sound = Counter(clip.label for clip in dataset.clips if clip.clip_id not in unsound)
    subjects: dict[str, Counter] = defaultdict(Counter)
    for clip in dataset.clips:
        subjects[clip.subject][clip.label] += 1
    return Report(
        dataset=dataset.name,
        root=dataset.root,
        layout=dataset.layout,
        standin=dataset.standin,
        error=None,
        class_counts=dataset.counts().to_dict(),
        subject_counts={name: dict(counts) for name, counts in subjects.items()},
        sound_counts={name: sound[name] for name in dataset.classes},
        comparisons=_compare(dataset, lengths, options),
        traps=tuple(traps),
        rejected=dataset.rejected,
        frame_problems=tuple(problems),
        frames_decoded=sum(lengths.values()) if decode else None,
        usable=sum(count >= MIN_CLIPS_PER_CLASS for count in sound.values()) >= MIN_CLASSES,
    )


def _decode(dataset: Dataset, progress: bool) -> tuple[dict[str, int], list[FrameProblem], list[Trap]]:
    """Frames that decode in each clip, the problems, and a trap for each clip that repeats another's frames."""
    lengths: dict[str, int] = {}
    problems: list[FrameProblem] = []
    traps: list[Trap] = []
    by_content: dict[str, Clip] = {}
    for clip in tqdm(dataset.clips, desc="decoding", unit="clip", disable=not progress):
        digest = hashlib.sha256()
        lengths[clip.clip_id] = 0
        for item in _attempts(clip):
            if isinstance(item, FrameError):
                problems.append(FrameProblem(clip.clip_id, item.path, item.reason, item.detail))
            else:
                lengths[clip.clip_id] += 1
                digest.update(str(item.shape).encode())
                digest.update(item)
        if not lengths[clip.clip_id]:
            continue
        first = by_content.setdefault(digest.hexdigest(), clip)
        if first is not clip:
            detail = f"{clip.clip_id} ({clip.label}) has the same frames as {first.clip_id} ({first.label})"
            traps.append(Trap("same_frames", clip.source, detail))
    return lengths, problems, traps


def _attempts(clip: Clip) -> Iterator[np.ndarray | FrameError]:
    """Each frame of a clip, or the FrameError in its place: in a folder, one bad frame does not hide the next."""
    if not clip.source.is_dir():
        try:
            yield from iter_frames(clip)
        except FrameError as error:
            yield error
        return
    shape = None
    stop = None if clip.n_frames is None else clip.first_frame + clip.n_frames
    for path in list_frames(clip.source).frames[clip.first_frame : stop]:
        try:
            frame = read_image(path)
        except FrameError as error:
            yield error
            continue
        shape = shape or frame.shape
        if frame.shape == shape:
            yield frame
        else:
            sizes = [f"{width}x{height} pixels" for height, width, _ in (shape, frame.shape)]
            yield FrameError("size_changed", path, f"expected {sizes[0]}, found {sizes[1]}")


def _compare(dataset: Dataset, lengths: Mapping[str, int | None], options: Mapping) -> tuple[Comparison, ...]:
    """Counts beside the published ones, for what is published: whole datasets, not a choice of classes from them."""
    published = _published(dataset, options)
    if published is None:
        return ()
    counts = dataset.counts()
    rows = [(name, int(counts[name]), published.classes[name]) for name in dataset.classes if name in published.classes]
    rows += [("clips", len(dataset.clips), published.clips)]
    rows += [("subjects", len({clip.subject for clip in dataset.clips}), published.subjects)]
    rows += [("frames per second", dataset.clips[0].fps, published.fps)]
    comparisons = [
        Comparison(what, f"{found:g}", f"{expected:g}", found == expected)
        for what, found, expected in rows
        if expected is not None
    ]
    known = [length for length in lengths.values() if length is not None]
    if published.frames_per_clip and known:
        low, high = published.frames_per_clip
        agrees = low <= min(known) and max(known) <= high
        comparisons.append(Comparison("frames per clip", f"{min(known)}-{max(known)}", f"{low}-{high}", agrees))
    return tuple(comparisons)


def _published(dataset: Dataset, options: Mapping) -> Published | None:
    if options.get("classes") is not None or dataset.is_standin:
        return None
    if dataset.name == "smic":
        # SMIC-E leaves out some of the clips; who is in it, and the camera, are the same.
        return replace(SMIC_HS, classes={}, clips=None) if dataset.layout == "smic_e" else SMIC_HS
    if dataset.name == "casme2_sq" and dataset.layout != "class_folders":
        return replace(CASME2_SQ, clips=CASME2_SQ_CLIPS[options.get("expression", "micro")])
    return None


def format_report(report: Report, limit: int = 12) -> str:
    """The report for a terminal.

    Parameters
    ----------
    report : Report
        What `examine` returned.
    limit : int
        How many lines each list of findings may have; how many more there are is said.

    Returns
    -------
    str
        Lines of text; the last one is the verdict.
    """
    lines = [f"{report.dataset} in {report.root}", ""]
    if report.error:
        return "\n".join([*lines, "Nothing could be read.", f"  {report.error}", "", "NOT USABLE"])
    if report.standin is not None:
        statement = report.standin.get("statement", "Rendered faces of people who do not exist.")
        lines += ["THIS IS A STAND-IN, not the dataset.", f"  {statement}", ""]
    n_clips, n_sound = sum(report.class_counts.values()), sum(report.sound_counts.values())
    decoded = "nothing decoded" if report.frames_decoded is None else f"{report.frames_decoded} frames decoded"
    lines += [f"Layout {report.layout}: {n_clips} clips of {len(report.subject_counts)} subjects, {decoded}", ""]
    lines += _class_table(report)
    lines += _comparison_table(report)
    lines += _section(
        "Frames that cannot be used",
        [(one.reason, f"{_inside(one.path, report.root)}: {one.detail}") for one in report.frame_problems],
        limit,
    )
    lines += _section(
        "Rejected clips", [(one.reason, f"{one.clip_id}: {one.detail}") for one in report.rejected], limit
    )
    lines += _section(
        "Traps", [(one.kind, f"{_inside(one.path, report.root)}: {one.detail}") for one in report.traps], limit
    )
    if report.usable:
        enough = [name for name, count in report.sound_counts.items() if count >= MIN_CLIPS_PER_CLASS]
        few = ", ".join(name for name in report.sound_counts if name not in enough)
        if few:
            hint = f"leave them out by classes={','.join(enough)}"
            lines += [
                f"Classes with fewer than {MIN_CLIPS_PER_CLASS} sound clips, on which nothing trains: {few}; {hint}",
                "",
            ]
        lines.append("USABLE" if n_sound == n_clips else f"USABLE: {n_sound} of {n_clips} clips are sound")
    else:
        lines.append(
            f"NOT USABLE: fewer than {MIN_CLASSES} classes have {MIN_CLIPS_PER_CLASS} clips whose frames all decode"
        )
    return "\n".join(lines)


def _class_table(report: Report) -> list[str]:
    """Subjects down, classes across, sums at the edges."""
    classes = list(report.class_counts)
    width = max(7, *(len(name) for name in classes))
    first = max(8, *(len(name) for name in report.subject_counts))
    header = "  ".join([f"{'subject':<{first}}", *(f"{name:>{width}}" for name in classes), f"{'all':>{width}}"])
    rule = "-" * len(header)
    lines = [header, rule]
    rows = [*report.subject_counts.items(), ("all", report.class_counts)]
    for name, counts in sorted(rows[:-1], key=lambda row: natural_key(row[0])) + rows[-1:]:
        values = [counts.get(label, 0) for label in classes]
        lines.append("  ".join([f"{name:<{first}}", *(f"{value or '·':>{width}}" for value in (*values, sum(values)))]))
    lines.insert(-1, rule)
    if report.sound_counts != report.class_counts:
        values = [*report.sound_counts.values(), sum(report.sound_counts.values())]
        lines.append("  ".join([f"{'sound':<{first}}", *(f"{value:>{width}}" for value in values)]))
    return [*lines, ""]


def _comparison_table(report: Report) -> list[str]:
    if not report.comparisons:
        return []
    width = max(len(one.what) for one in report.comparisons)
    lines = [f"{'':<{width}}  {'found':>9}  {'published':>9}"]
    for one in report.comparisons:
        mark = "" if one.agrees else "  differs"
        lines.append(f"{one.what:<{width}}  {one.found:>9}  {one.published:>9}{mark}")
    return [*lines, ""]


def _section(title: str, findings: list[tuple[str, str]], limit: int) -> list[str]:
    """A titled list: findings of one kind are counted, and the first few shown."""
    if not findings:
        return [f"{title}: none", ""]
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, detail in findings:
        by_kind[kind].append(detail)
    # Every kind is shown at least once, however long the list of another kind is.
    shown_of_each = max(1, limit // len(by_kind))
    lines = [f"{title}: {len(findings)}"]
    for kind, details in by_kind.items():
        lines.append(f"  {kind} ({len(details)})")
        lines += [f"    {detail}" for detail in details[:shown_of_each]]
        if len(details) > shown_of_each:
            lines.append(f"    and {len(details) - shown_of_each} more")
    return [*lines, ""]


def _inside(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path != root and path.is_relative_to(root) else str(path)
