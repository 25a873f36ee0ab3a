"""What is wrong with my copy of a dataset? Counts against the published ones, traps, rejected clips, damaged frames."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

from lib.core.catalogue import UNKNOWN_SUBJECT
from lib.core.errors import DatasetError, FrameError
from lib.datasets import load_dataset
from lib.datasets.clip import Clip, Dataset, Rejection, Trap, natural_key
from lib.datasets.fingerprint import damage_traps
from lib.datasets.frames import frames_or_errors
from lib.datasets.text import printable

MIN_CLASSES, MIN_CLIPS_PER_CLASS = 2, 2  # a classifier needs two classes, and each a clip to train on and one to test

# Li et al., FG 2013. SMIC-E leaves out some of the clips; who is in it, and the camera, are the same.
SMIC_HS = {"negative": 70, "positive": 51, "surprise": 43, "clips": 164}
SMIC = {"subjects": 16, "frames per second": 100, "frames per clip": (11, 58)}
# Qu et al., IEEE Transactions on Affective Computing, 2018.
CASME2_SQ = {"subjects": 22, "frames per second": 30}
CASME2_SQ_CLIPS = {"micro": 57, "macro": 300, "all": 357}


@dataclass(frozen=True)
class Report:
    """What `examine` found in `root`. Where nothing could be read there is an error and no dataset."""

    name: str
    root: Path
    dataset: Dataset | None = None
    error: str = ""
    # clips per class all of whose frames decode; all clips if nothing was decoded
    sound: Mapping[str, int] | None = None
    # found and published (as text) and agrees, a row for each count that is published for what was read
    comparisons: pd.DataFrame | None = None
    # those of the dataset, clips that repeat another's frames, and what differs in a stand-in from what was rendered
    traps: tuple[Trap, ...] = ()
    # each frame that cannot be used, and the rest of a video: the file, and the reason of its `FrameError`
    frame_problems: tuple[Rejection, ...] = ()
    frames_decoded: int | None = None  # None if decoding was not asked for

    @property
    def usable(self) -> bool:
        """At least two classes have at least two sound clips each."""
        return self.dataset is not None and len(self.trainable) >= MIN_CLASSES

    @property
    def trainable(self) -> list[str]:
        """The classes that have at least two sound clips."""
        return [name for name, count in self.sound.items() if count >= MIN_CLIPS_PER_CLASS]


def examine(dataset_name: str, root: Path | str, decode: bool = True, progress: bool = True, **options) -> Report:
    """Read a copy of a dataset, decode every frame of every clip in it, and compare a stand-in with its digests.

    Dataset, root and options are those of `lib.datasets.load_dataset`. Without `decode` only names and annotations are
    looked at, and a stand-in's digests.

    Raises
    ------
    ConfigError
        If the dataset or an option is unknown. A copy that cannot be read raises nothing: the report says so.
    """
    try:
        dataset = load_dataset(dataset_name, root, **options)
    except DatasetError as error:
        return Report(dataset_name, Path(root), error=str(error))
    problems: list[Rejection] = []
    traps = [*dataset.traps, *damage_traps(dataset)]
    lengths = {clip.clip_id: clip.n_frames for clip in dataset.clips}
    if decode:
        lengths, problems, same = _decode(dataset, progress)
        traps += same
    unsound = {problem.clip_id for problem in problems}
    sound = Counter(clip.label for clip in dataset.clips if clip.clip_id not in unsound)
    return Report(
        dataset.name,
        dataset.root,
        dataset,
        sound={name: sound[name] for name in dataset.classes},
        comparisons=_compare(dataset, lengths, options),
        traps=tuple(traps),
        frame_problems=tuple(problems),
        frames_decoded=sum(lengths.values()) if decode else None,
    )


def _decode(dataset: Dataset, progress: bool) -> tuple[dict[str, int], list[Rejection], list[Trap]]:
    """Frames that decode in each clip, the problems, and a trap for each clip that repeats another's frames."""
    lengths: dict[str, int] = {}
    problems: list[Rejection] = []
    traps: list[Trap] = []
    by_content: dict[str, Clip] = {}
    for clip in tqdm(dataset.clips, desc="decoding", unit="clip", disable=not progress):
        digest, n_frames = hashlib.sha256(), 0
        for frame in frames_or_errors(clip.source, clip.first_frame, clip.n_frames):
            if isinstance(frame, FrameError):
                problems.append(Rejection(clip.clip_id, frame.path, frame.reason, frame.detail))
            else:
                n_frames += 1
                digest.update(str(frame.shape).encode())
                digest.update(frame)
        lengths[clip.clip_id] = n_frames
        first = by_content.setdefault(digest.hexdigest(), clip) if n_frames else clip
        if first is not clip:
            detail = f"{clip.clip_id} ({clip.label}) has the same frames as {first.clip_id} ({first.label})"
            traps.append(Trap("same_frames", clip.source, detail))
    return lengths, problems, traps


def _compare(dataset: Dataset, lengths: Mapping[str, int | None], options: Mapping) -> pd.DataFrame:
    """Counts beside the published ones, for what is published: whole datasets, not a choice of classes from them."""
    published = {}
    if options.get("classes") is None and not dataset.is_standin:
        if dataset.name == "smic":
            published = SMIC if dataset.layout == "smic_e" else {**SMIC_HS, **SMIC}
        elif dataset.name == "casme2_sq" and dataset.layout != "class_folders":
            published = {"clips": CASME2_SQ_CLIPS[options.get("expression", "micro")], **CASME2_SQ}
    found = {
        **dataset.counts(),
        "clips": len(dataset.clips),
        "subjects": len({clip.subject for clip in dataset.clips} - {UNKNOWN_SUBJECT}),
        "frames per second": dataset.clips[0].fps,
    }
    both = {name: (found[name], count) for name, count in published.items() if name in found}
    rows = {name: (f"{ours:g}", f"{count:g}", ours == count) for name, (ours, count) in both.items()}
    known = [length for length in lengths.values() if length is not None]
    if "frames per clip" in published and known:
        low, high = published["frames per clip"]
        agrees = low <= min(known) and max(known) <= high
        rows["frames per clip"] = (f"{min(known)}-{max(known)}", f"{low}-{high}", agrees)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["found", "published", "agrees"])


def format_report(report: Report, limit: int = 12) -> str:
    """The report for a terminal, the verdict in its last line; lists show about `limit` findings and count the rest."""
    lines = [f"{report.name} in {printable(str(report.root))}", ""]
    dataset = report.dataset
    if dataset is None:
        return "\n".join([*lines, "Nothing could be read.", f"  {printable(report.error)}", "", "NOT USABLE"])
    if dataset.is_standin:
        statement = dataset.standin.get("statement", "Rendered faces of people who do not exist.")
        lines += ["THIS IS A STAND-IN, not the dataset.", f"  {statement}", ""]
    decoded = "nothing decoded" if report.frames_decoded is None else f"{report.frames_decoded} frames decoded"
    subjects = [clip.subject for clip in dataset.clips]
    unknown = subjects.count(UNKNOWN_SUBJECT)
    of = f"{len(set(subjects) - {UNKNOWN_SUBJECT})} subjects" + (f" and {unknown} of unknown ones" if unknown else "")
    lines += [f"Layout {dataset.layout}: {len(dataset.clips)} clips of {of}, {decoded}", ""]
    lines += [_aligned(_class_table(report).replace(0, "·")), ""]
    if len(report.comparisons):
        differs = report.comparisons["agrees"].map({True: "", False: "differs"})
        lines += [_aligned(report.comparisons[["found", "published"]].assign(**{"": differs})), ""]
    problems = [(one.reason, f"{_inside(one.source, dataset.root)}: {one.detail}") for one in report.frame_problems]
    rejected = [(one.reason, f"{one.clip_id}: {one.detail}") for one in dataset.rejected]
    traps = [(one.kind, f"{_inside(one.path, dataset.root)}: {one.detail}") for one in report.traps]
    lines += _section("Frames that cannot be used", problems, limit)
    lines += _section("Rejected clips", rejected, limit)
    lines += _section("Traps", traps, limit)
    if not report.usable:
        wanted = f"{MIN_CLASSES} classes have {MIN_CLIPS_PER_CLASS} clips whose frames all decode"
        return "\n".join([*lines, f"NOT USABLE: fewer than {wanted}"])
    if few := [name for name in dataset.classes if name not in report.trainable]:
        told = f"on which nothing trains: {', '.join(few)}; leave them out by classes={','.join(report.trainable)}"
        lines += [f"Classes with fewer than {MIN_CLIPS_PER_CLASS} sound clips, {told}", ""]
    n_sound, n_clips = sum(report.sound.values()), len(dataset.clips)
    limits = [f"{n_sound} of {n_clips} clips are sound"] if n_sound < n_clips else []
    limits += ["protocols that divide by subject refuse it, for some subjects are unknown"] if unknown else []
    return "\n".join([*lines, ": ".join(filter(None, ["USABLE", "; ".join(limits)]))])


def _class_table(report: Report) -> pd.DataFrame:
    """Subjects down, classes across, sums at the edges; a row for the sound clips where not all are."""
    clips = report.dataset.table()
    counts = pd.crosstab(clips["subject"], clips["label"])
    subjects = sorted(counts.index, key=natural_key)
    counts = counts.reindex(index=subjects, columns=list(report.dataset.classes), fill_value=0)
    sums = pd.DataFrame({"all": report.dataset.counts(), "sound": pd.Series(report.sound)}).T
    counts = pd.concat([counts, sums.drop_duplicates()])
    counts.insert(counts.shape[1], "all", counts.sum(axis=1), allow_duplicates=True)  # a class may have that name
    return counts.rename_axis("subject")


def _aligned(table: pd.DataFrame) -> str:
    headers = [table.index.name or "", *table.columns]
    return tabulate(table, headers, tablefmt="simple", stralign="right", colalign=("left",))


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
    return printable(str(path.relative_to(root) if path != root and path.is_relative_to(root) else path))
