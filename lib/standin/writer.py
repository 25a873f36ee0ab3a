"""Stand-ins on disk: the layouts of the real datasets, the marker, and the promise of whole or not at all."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd
from tqdm import tqdm

from lib.core import workers
from lib.core.checks import one_of, whole_number
from lib.core.errors import ConfigError, DatasetError
from lib.core.files import locked, whole_folder
from lib.datasets.clip import STANDIN_MARKER, read_standin_marker
from lib.datasets.digests import differences, write_digests
from lib.standin.images import write_image, write_video
from lib.standin.official import plan_official, write_recording, write_spreadsheet
from lib.standin.plan import ClipPlan, plan_standin
from lib.standin.scene import render
from lib.standin.truth import TRUTH_FOLDER, write_truth

GENERATOR_VERSION = 1
"""Part of a stand-in's identity, raised by hand whenever the same arguments give other pictures.

No more than rounding is allowed under one version: processors round differently, in a few pixels of 100,000 (see
`tests/standin/test_reference.py`, which compares with stored frames).
"""
STANDINS = ("smic", "casme2_sq", "casme2_sq_official")
DEFAULT_DIFFICULTY = {"smic": 2.0, "casme2_sq": 1.1, "casme2_sq_official": 1.0}
DIFFICULTY_RANGE = (0.7, 10.0)  # below, the strongest movements would fold the picture over itself
STATEMENT = (
    "Rendered faces of people who do not exist. The motion was prescribed, not observed: nothing measured on these "
    "clips says anything about how well a method recognises real micro-expressions."
)
_GROUP = 6  # clips of one subject that a worker renders in a row, so that it paints the person once


def write_standin(
    dataset: str,
    out: Path,
    clips: int | None = None,
    seed: int = 0,
    difficulty: float | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a stand-in for a dataset, in the real dataset's layout, and return its folder.

    It is written beside its place and renamed when it is whole. Same arguments, same bytes on one machine, whatever
    `jobs` is, and the same identity on all of them.

    Parameters
    ----------
    dataset : {"smic", "casme2_sq", "casme2_sq_official"}
        The SMIC-HS raw layout; the class folders of videos of the paper's authors; CAS(ME)2's own layout (small).
    out : Path
        The folder to make. If it holds this very stand-in already, nothing is done.
    clips : int, optional
        Fewer clips than the real dataset has, with its class shares.
    seed : int
    difficulty : float, optional
        d divides every action unit's strength, and multiplies the amplitude of head sway, lamp flicker and sensor
        noise: signal to nuisance falls with the square of d. None for the dataset's `DEFAULT_DIFFICULTY`.
    jobs : int, optional
        Worker processes; None for one per core.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ConfigError
        Unknown dataset, impossible `clips`, `difficulty` or `jobs`.
    DatasetError
        `out` holds something else, or this stand-in with files that have changed since.
    DiskError, WorkerError
        `out` cannot be written, the disk is full, or a worker process was killed.
    """
    out = Path(out)
    one_of("dataset", dataset, STANDINS)
    difficulty = DEFAULT_DIFFICULTY[dataset] if difficulty is None else float(difficulty)
    least, most = DIFFICULTY_RANGE
    if not least <= difficulty <= most:
        raise ConfigError(f"difficulty = {difficulty}: expected a number from {least} to {most}.")
    seed = whole_number("seed", seed, 0)
    official = dataset == "casme2_sq_official"
    plan = plan_official(clips, seed) if official else plan_standin(dataset, clips, seed)
    marker = {
        "standin": True,
        "dataset": dataset,
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "clips": sum(len(one.clips) for one in plan) if official else len(plan),
        "difficulty": difficulty,
        "statement": STATEMENT,
    }
    if _holds(out, marker):
        return out
    workers.check(jobs)
    with locked(out.parent / f".{out.name}.lock", f"writing {out}", progress):
        if _holds(out, marker):
            return out
        with whole_folder(out) as draft:
            (draft / TRUTH_FOLDER).mkdir()
            truth = pd.DataFrame(_render_all(dataset, plan, draft, seed, difficulty, jobs, progress))
            truth.to_csv(draft / TRUTH_FOLDER / "clips.csv", index=False, lineterminator="\n")
            if official:
                write_spreadsheet(draft, plan)
            (draft / STANDIN_MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
            write_digests(draft)
    return out


def _holds(out: Path, marker: dict) -> bool:
    """Whether `out` is this stand-in already, whole; an error if it is anything else than absent or empty."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    path = out / STANDIN_MARKER
    if not path.is_file():
        raise DatasetError(f"{out} exists and is not a stand-in: choose another folder, or move that one away.")
    found = read_standin_marker(out)
    different = [key for key in marker if key != "statement" and found.get(key) != marker[key]]
    if different:
        told = ", ".join(f"{key} {found.get(key)!r} instead of {marker[key]!r}" for key in different)
        raise DatasetError(f"{out} holds another stand-in ({told}): delete it, or choose another folder.")
    if told := differences(out):
        raise DatasetError(f"{out} is not as it was rendered: {told}. Delete that folder; it is rendered again.")
    return True


def _render_all(dataset, plan, root: Path, seed: int, difficulty: float, jobs, progress: bool) -> list[dict]:
    write = write_recording if dataset == "casme2_sq_official" else _write_clip
    by_subject = defaultdict(list)
    for one in plan:
        by_subject[one.subject].append(one)
    groups = [clips[i : i + _GROUP] for clips in by_subject.values() for i in range(0, len(clips), _GROUP)]
    tasks = [(write, group, root, seed, difficulty) for group in groups]
    with tqdm(total=len(plan), desc=f"stand-in {dataset}", unit="clip", disable=not progress) as bar:
        done = workers.work_through(_render_group, tasks, jobs, lambda position: bar.update(len(groups[position])))
    rows = {index: own for group in done for index, own in group.items()}
    return [row for index in sorted(rows) for row in rows[index]]


def _render_group(write: Callable, group: list, root: Path, seed: int, difficulty: float) -> dict[int, list[dict]]:
    cv2.setNumThreads(1)  # one process per core already
    return {one.index: write(root, one, seed, difficulty) for one in group}


def _write_clip(root: Path, plan: ClipPlan, seed: int, difficulty: float) -> list[dict]:
    motion, frames = render(plan, seed, difficulty)
    path = root / plan.path
    if path.suffix:
        write_video(path, frames, plan.fps)
    else:
        path.mkdir(parents=True)
        for number, frame in enumerate(frames, start=plan.first_number):
            write_image(path / f"image{number:06d}.bmp", frame)
    return [write_truth(root, plan, motion)]
