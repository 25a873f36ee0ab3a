"""Stand-ins on disk: the layouts of the real datasets, the marker, and the promise of whole or not at all."""

import errno
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import cv2
from filelock import FileLock, Timeout
from tqdm import tqdm

from lib.core.errors import ConfigError, DatasetError
from lib.datasets.clip import STANDIN_MARKER, read_standin_marker
from lib.datasets.digests import differences, write_digests
from lib.standin.images import write_image, write_video
from lib.standin.official import plan_official, write_official_recording, write_spreadsheet
from lib.standin.plan import ClipPlan, plan_standin
from lib.standin.scene import render
from lib.standin.truth import TRUTH_FOLDER, truth_row, write_truth, write_truth_table

GENERATOR_VERSION = 1
"""Part of a stand-in's identity, raised by hand whenever the same arguments give other pictures.

No more than rounding is allowed under one version: processors round differently, in a few pixels of 100,000 (see
`tests/standin/test_reference.py`, which compares with stored frames).
"""
STANDINS = ("smic", "casme2_sq", "casme2_sq_official")
DEFAULT_DIFFICULTY = {"smic": 2.0, "casme2_sq": 1.1, "casme2_sq_official": 1.0}
DIFFICULTY_RANGE = (0.7, 10.0)
"""Below, the strongest movements would fold the picture over itself."""
STATEMENT = (
    "Rendered faces of people who do not exist. The motion was prescribed, not observed: nothing measured on these "
    "clips says anything about how well a method recognises real micro-expressions."
)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
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
    """Write a stand-in for a dataset, in the real dataset's layout.

    Parameters
    ----------
    dataset : {"smic", "casme2_sq", "casme2_sq_official"}
        The SMIC-HS raw layout; the class folders of videos of the paper's authors; CAS(ME)2's own layout (small).
    out : Path
        The folder to make. If it holds this very stand-in already, nothing is done.
    clips : int, optional
        Fewer clips than the real dataset has, with its class shares.
    seed : int
        Same arguments, same bytes on one machine, whatever `jobs` is, and the same identity on all of them.
    difficulty : float, optional
        d divides every action unit's strength, and multiplies the amplitude of head sway, lamp flicker and sensor
        noise: signal to nuisance falls with the square of d. None for the dataset's `DEFAULT_DIFFICULTY`.
    jobs : int, optional
        Worker processes; None for one per core.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        `out`, complete: it is written beside its place and renamed when it is whole.

    Raises
    ------
    ConfigError
        Unknown dataset, impossible `clips`, `difficulty` or `jobs`.
    DatasetError
        `out` holds something else, or this stand-in with files that have changed since; it cannot be written, the disk
        is full, or a worker process was killed.
    """
    out = Path(out)
    if dataset not in STANDINS:
        raise ConfigError(f"No stand-in is called {dataset!r}; choose one of {', '.join(STANDINS)}.")
    difficulty = DEFAULT_DIFFICULTY[dataset] if difficulty is None else float(difficulty)
    if not DIFFICULTY_RANGE[0] <= difficulty <= DIFFICULTY_RANGE[1]:
        raise ConfigError(
            f"difficulty = {difficulty}: expected a number from {DIFFICULTY_RANGE[0]} to {DIFFICULTY_RANGE[1]}."
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed = {seed!r}: expected a whole number, 0 or more.")
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs = {jobs}: expected at least 1, or None for one per core.")
    plan = plan_official(clips, seed) if dataset == "casme2_sq_official" else plan_standin(dataset, clips, seed)
    marker = {
        "standin": True,
        "dataset": dataset,
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "clips": len(plan) if dataset != "casme2_sq_official" else sum(len(one.clips) for one in plan),
        "difficulty": difficulty,
        "statement": STATEMENT,
    }
    if _holds(out, marker):
        return out
    _require_main_guard()
    with _writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(out, progress)
    with lock:
        if _holds(out, marker):
            return out
        with _whole_or_not_at_all(out) as partial:
            (partial / TRUTH_FOLDER).mkdir()
            rows = _render_all(dataset, plan, partial, seed, difficulty, jobs, progress)
            write_truth_table(partial / TRUTH_FOLDER, rows)
            if dataset == "casme2_sq_official":
                write_spreadsheet(partial, plan)
            (partial / STANDIN_MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
            write_digests(partial)
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


def _require_main_guard() -> None:
    # A spawned worker runs the calling script's top level again. If that asks for the stand-in, the worker would wait
    # for the lock that its own parent holds. The flag is the one by which multiprocessing refuses such a start.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DatasetError(
            "A stand-in was asked for while a worker process was starting: a script must ask for it below "
            "`if __name__ == '__main__':`."
        )


def _acquire(out: Path, progress: bool):
    """Take the lock of `out`; leaving what is returned releases it.

    The file of the lock stays: removing it would let two waiting processes hold two different locks.
    """
    lock = FileLock(out.parent / f".{out.name}.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        if progress:
            tqdm.write(f"Another process is writing {out}: waiting for it.")
        return lock.acquire()


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A sibling folder that becomes `out` if the block succeeds and vanishes if it does not. Call under the lock."""
    partial = out.parent / f".{out.name}.partial"
    try:
        with _writing(out):
            if partial.exists():  # left by a process that was killed
                shutil.rmtree(partial)
            partial.mkdir()
            yield partial
            if out.exists():
                out.rmdir()  # empty, or it would have been refused
            os.replace(partial, out)  # noqa: PTH105
    except BrokenProcessPool as error:
        raise DatasetError(
            f"A process that rendered {out} died, most likely for want of memory: ask for fewer jobs."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn a failure to write `out` into a DatasetError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DatasetError(f"No space left on the disk of {out}: free some, or ask for fewer clips.") from error
        raise DatasetError(f"{out} cannot be written: {error}. Check that folder and its rights.") from error


def _render_all(dataset, plan, root: Path, seed: int, difficulty: float, jobs, progress: bool) -> list[dict]:
    write: Callable = {"smic": _write_frames, "casme2_sq": _write_video}.get(dataset, write_official_recording)
    groups = _groups(plan)
    jobs = min(jobs or os.cpu_count() or 1, len(groups))
    rows: dict[int, list[dict]] = {}
    with tqdm(total=len(plan), desc=f"stand-in {dataset}", unit="clip", disable=not progress) as bar:
        if jobs == 1:
            for group in groups:
                rows.update(_render_group(write, group, root, seed, difficulty))
                bar.update(len(group))
        else:
            # spawn: forking a process that holds TensorFlow's threads can deadlock
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent) as pool:
                waiting = {pool.submit(_render_group, write, g, root, seed, difficulty): g for g in groups}
                try:
                    for done in as_completed(waiting):
                        rows.update(done.result())
                        bar.update(len(waiting[done]))
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
    return [row for index in sorted(rows) for row in rows[index]]


def _end_with_parent() -> None:
    # A parent that is killed cannot stop its workers. They would go on writing where the next call begins anew.
    threading.Thread(target=_exit_after, args=(multiprocessing.parent_process(),), daemon=True).start()


def _exit_after(parent) -> None:
    parent.join()
    os._exit(1)


def _groups(plan: tuple) -> list[list]:
    """Clips in groups of one subject of at most `_GROUP`."""
    by_subject: dict[str, list] = {}
    for one in plan:
        by_subject.setdefault(one.subject, []).append(one)
    return [clips[i : i + _GROUP] for clips in by_subject.values() for i in range(0, len(clips), _GROUP)]


def _render_group(write: Callable, group: list, root: Path, seed: int, difficulty: float) -> dict[int, list[dict]]:
    cv2.setNumThreads(1)  # one process per core already
    return {one.index: write(root, one, seed, difficulty) for one in group}


def _write_frames(root: Path, plan: ClipPlan, seed: int, difficulty: float) -> list[dict]:
    folder = root / plan.path
    folder.mkdir(parents=True)
    motion, frames = render(plan, seed, difficulty)
    for number, frame in enumerate(frames, start=plan.first_number):
        write_image(folder / f"image{number:06d}.bmp", frame)
    write_truth(root / TRUTH_FOLDER, plan, motion)
    return [truth_row(plan, motion.envelopes)]


def _write_video(root: Path, plan: ClipPlan, seed: int, difficulty: float) -> list[dict]:
    motion, frames = render(plan, seed, difficulty)
    write_video(root / plan.path, frames, plan.fps)
    write_truth(root / TRUTH_FOLDER, plan, motion)
    return [truth_row(plan, motion.envelopes)]
