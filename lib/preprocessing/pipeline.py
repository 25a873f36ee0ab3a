"""From the clips of a dataset to its processed store: one clip at a time, over several processes, resumable."""

import json
import os
import platform
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import current_process, get_context, parent_process
from pathlib import Path
from zipfile import BadZipFile

import cv2
import dlib
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from lib.core.errors import ConfigError, FrameError, PreprocessingError
from lib.datasets.clip import REJECTION_COLUMNS, Clip, Dataset
from lib.datasets.frames import iter_frames
from lib.preprocessing import landmarks as faces
from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.regions import cut_streams
from lib.preprocessing.store import (
    LANDMARKS,
    QUALITY_TYPES,
    ProcessedStore,
    cached_key,
    open_store,
    write_store,
    writing,
)
from lib.preprocessing.volumes import frame_range, interpolate_in_time, require_frames


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip.

    Attributes
    ----------
    quality : dict
        The clip's row of the quality table (see `lib.preprocessing.store.ProcessedStore`).
    detail : str
        Why it was rejected; empty if it was not. The code of the reason is ``quality["reason"]``.
    arrays : dict of str to ndarray
        Its streams, (depth, size, size) uint8, and ``landmarks``, (depth, 68, 2) float32; empty if it was rejected.
    """

    quality: dict
    detail: str = ""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        return self.quality["kept"]


def process_clip(clip: Clip, config: PreprocessConfig, detector: faces.FaceDetector) -> ClipResult:
    """Make the volumes of one clip, or say why there are none.

    The frames are decoded twice, once for the landmarks and once for the crops, so that no more than one full frame
    is in memory: finding a face takes many times as long as decoding.

    Parameters
    ----------
    clip : Clip
    config : PreprocessConfig
    detector : FaceDetector
    """
    start, stop = frame_range(config)

    def frames() -> Iterator[np.ndarray]:
        with closing(iter_frames(clip)) as decoded:
            yield from islice(decoded, start, stop)

    found = None
    try:
        if clip.n_frames is not None:
            require_frames(clip.n_frames, config)
        if config.detection == "released":
            found = faces.first_landmarks(frames(), detector)
        else:
            found = faces.track_landmarks(frames(), detector, config.upsample)
        # Where nothing was left to read after the skipped frames, only counting them tells how many there are.
        n_frames = start + len(found.found) if found.found else sum(1 for _ in iter_frames(clip))
        require_frames(n_frames, config)
        filled = faces.fill_gaps(found, config.max_gap)
        arrays = {**cut_streams(frames(), filled.points, config), LANDMARKS: filled.points}
        if config.sampling == "tim":
            arrays = {name: interpolate_in_time(array, config.frames) for name, array in arrays.items()}
        return ClipResult(_quality(clip, filled, found), arrays=arrays)
    except (ClipRejected, FrameError) as error:
        detail = error.detail if isinstance(error, ClipRejected) else f"{error.path.name}: {error.detail}"
        return ClipResult(_quality(clip, found, found, error.reason), detail)


def _quality(clip: Clip, filled: faces.Landmarks | None, found: faces.Landmarks | None, reason: str = "") -> dict:
    row = {"clip_id": clip.clip_id, "kept": not reason, "reason": reason, "frames": 0}
    if found is None or not found.found:
        return row
    has_face = ~np.isnan(found.scores)
    return {
        **row,
        "frames": len(has_face),
        "detection_rate": float(has_face.mean()),
        "upsampled": found.found.count("upsampled"),
        "filled": filled.found.count("filled"),
        "longest_gap": faces.longest_gap(found),
        "several_faces": int((found.faces > 1).sum()),
        "score": float(found.scores[has_face].mean()) if has_face.any() else None,
        "interocular_px": faces.interocular_distance(found.points),
        "jitter": faces.jitter(found.points),
    }


def preprocess(
    dataset: Dataset, config: PreprocessConfig, out: Path, jobs: int | None = None, progress: bool = True
) -> ProcessedStore:
    """Make the processed store of a dataset, or return the one that is there.

    Two processes that ask for the same store wait for each other and the second gets the first one's. An interrupted
    call leaves the clips it finished in ``<key>.partial``; the next one goes on from there.

    Parameters
    ----------
    dataset : Dataset
    config : PreprocessConfig
    out : Path
        Parent folder of stores, usually ``data/processed``.
    jobs : int, optional
        Processes that share the clips; by default one per core. 1 runs in this process.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ProcessedStore
        Its content does not depend on `jobs`.

    Raises
    ------
    LandmarkModelError
        If the landmark model is missing or is another file.
    PreprocessingError
        If no clip, or none of some class, is left; if the disk is full; if a worker process died; if the store is
        there but damaged.
    ConfigError
        If `jobs` is no positive integer.
    """
    if jobs is not None and (not isinstance(jobs, int) or jobs < 1):
        raise ConfigError(f"jobs: expected a positive integer, or None for one per core, found {jobs!r}.")
    _require_main_guard()
    out = Path(out)
    key = cached_key(dataset, config)
    final, partial = out / key, out / f"{key}.partial"
    if final.is_dir():
        return open_store(final)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        lock = _acquire(out / f"{key}.lock", progress)
    try:
        if final.is_dir():  # made by another process while this one waited
            return open_store(final)
        with writing(final, discard=partial):
            _process_clips(dataset, config, partial, jobs or os.cpu_count() or 1, progress)
            _assemble(dataset, config, partial, key)
            (partial / "store").rename(final)
        shutil.rmtree(partial, ignore_errors=True)
    finally:
        lock.release()
    return open_store(final)


def _require_main_guard() -> None:
    # A spawned worker runs the calling script's top level again. If that calls `preprocess`, the worker would wait for
    # the lock that its own parent holds. The flag is the one by which multiprocessing itself refuses such a start.
    if getattr(current_process(), "_inheriting", False):
        raise PreprocessingError(
            "preprocess was called while a worker process was starting: a script must call it below "
            "`if __name__ == '__main__':`, or with jobs=1."
        )


def _acquire(path: Path, progress: bool) -> FileLock:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress:
            tqdm.write(f"Another process is making {path.stem}: waiting for it.")
        lock.acquire()
    return lock


def _clip_file(partial: Path, position: int) -> Path:
    return partial / f"{position:05d}.npz"


def _process_clips(dataset: Dataset, config: PreprocessConfig, partial: Path, jobs: int, progress: bool) -> None:
    """Leave one readable file per clip in `partial`."""
    todo = [
        (position, clip)
        for position, clip in enumerate(dataset.clips)
        if _read_result(_clip_file(partial, position), clip) is None
    ]
    if not todo:
        return
    faces.find_model()  # a missing model is one clear error here, not one per worker, and leaves nothing behind
    partial.mkdir(exist_ok=True)
    with tqdm(
        total=len(dataset.clips),
        initial=len(dataset.clips) - len(todo),
        desc=f"preprocessing {dataset.name}",
        unit="clip",
        disable=not progress,
    ) as bar:
        if jobs == 1 or len(todo) == 1:
            detector = faces.DlibDetector()
            for position, clip in todo:
                _save_result(_clip_file(partial, position), process_clip(clip, config, detector))
                bar.update()
        else:
            _process_in_parallel(todo, config, partial, min(jobs, len(todo)), bar.update)


def _process_in_parallel(
    todo: list[tuple[int, Clip]], config: PreprocessConfig, partial: Path, jobs: int, advance: Callable[[], object]
) -> None:
    # Spawned, not forked: a fork of a process in which TensorFlow has started its threads may hang.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_worker)
    clips: dict[Future, Clip] = {}
    try:
        for position, clip in todo:
            clips[pool.submit(_work, clip, config, _clip_file(partial, position))] = clip
        for future in as_completed(clips):
            future.result()
            advance()
    except BrokenProcessPool as error:
        raise PreprocessingError(
            "A worker process died: out of memory, killed, or started by a script that calls preprocess outside "
            "`if __name__ == '__main__':`. The clips finished so far are kept; run it again, with jobs=1 if it "
            "happens again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_worker_detector: faces.DlibDetector | None = None


def _start_worker() -> None:
    global _worker_detector
    cv2.setNumThreads(1)  # the processes share the cores already
    # A parent that is killed cannot stop its workers, which would wait for work for ever.
    threading.Thread(target=_exit_with, args=(parent_process(),), daemon=True).start()
    _worker_detector = faces.DlibDetector()


def _exit_with(parent) -> None:
    parent.join()
    os._exit(1)


def _work(clip: Clip, config: PreprocessConfig, path: Path) -> None:
    _save_result(path, process_clip(clip, config, _worker_detector))


def _save_result(path: Path, result: ClipResult) -> None:
    """Write the file of one clip, whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    record = json.dumps({"quality": result.quality, "detail": result.detail})
    with unfinished.open("wb") as file:
        np.savez(file, record=np.array(record), **result.arrays)
    unfinished.replace(path)


def _read_result(path: Path, clip: Clip) -> tuple[dict, str] | None:
    """Quality row and detail of a finished clip; None if it is not finished, or its file cannot be read."""
    try:
        with np.load(path) as arrays:
            record = json.loads(str(arrays["record"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return (record["quality"], record["detail"]) if record["quality"]["clip_id"] == clip.clip_id else None


def _assemble(dataset: Dataset, config: PreprocessConfig, partial: Path, key: str) -> None:
    """Put the files of single clips together to `partial`/store."""
    kept, qualities, rejected = [], [], []
    for position, (clip, source) in enumerate(zip(dataset.clips, dataset.table()["source"], strict=True)):
        path = _clip_file(partial, position)
        quality, detail = _read_result(path, clip)
        qualities.append(quality)
        if quality["kept"]:
            kept.append((position, path))
        else:
            rejected.append((clip.clip_id, source, quality["reason"], detail))
    try:
        _require_clips(dataset, config, kept=[position for position, _ in kept], reasons=[row[2] for row in rejected])
    except PreprocessingError:
        shutil.rmtree(partial, ignore_errors=True)  # there is nothing to go on from
        raise
    loading = dataset.rejected_table().assign(stage="loading")
    preprocessing = pd.DataFrame(rejected, columns=list(REJECTION_COLUMNS)).assign(stage="preprocessing")
    versions = {"dlib": dlib.__version__, "cv2": cv2.__version__, "numpy": np.__version__}
    write_store(
        partial / "store",
        dataset,
        config,
        kept,
        quality=pd.DataFrame(qualities, columns=list(QUALITY_TYPES)).astype(QUALITY_TYPES),
        rejected=pd.concat([loading, preprocessing], ignore_index=True),
        versions={"python": platform.python_version(), **versions},
        key=key,
    )


def _require_clips(dataset: Dataset, config: PreprocessConfig, kept: list[int], reasons: list[str]) -> None:
    counts = Counter(reasons)
    told = ", ".join(f"{reason}: {count}" for reason, count in counts.most_common()) or "none rejected"
    hint = ""
    if counts["too_short"] and config.sampling != "tim":
        hint = (
            f" {frame_range(config)[1]} frames of every clip are read: set `frames` lower, or sampling='tim', which "
            "interpolates shorter clips in time."
        )
        if dataset.name == "casme2_sq":
            hint += (
                " The annotated expressions of CAS(ME)² last 9 to 17 frames: load it with extent='window' (and "
                "sampling='first') to take more of the long video around each of them."
            )
    if not kept:
        raise PreprocessingError(f"No clip of {len(dataset.clips)} is left in {dataset.name} ({told}).{hint}")
    present = {dataset.clips[position].label for position in kept}
    missing = [name for name in dataset.classes if name not in present]
    if missing:
        left = ",".join(name for name in dataset.classes if name in present)
        raise PreprocessingError(
            f"No clip is left of {', '.join(missing)} in {dataset.name}: {len(kept)} of {len(dataset.clips)} clips are "
            f"usable ({told}). Without them, load it with classes={left}.{hint}"
        )
