"""From the clips of a dataset to its processed store: one clip at a time, over several processes, resumable."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from tqdm import tqdm

from lib.core import workers
from lib.core.errors import DiskFullError, FrameError, PreprocessingError
from lib.core.files import locked, whole_file, whole_folder
from lib.datasets.clip import Clip, Dataset
from lib.datasets.frames import iter_frames
from lib.datasets.text import printable
from lib.preprocessing import landmarks as faces
from lib.preprocessing.config import ClipRejected, PreprocessConfig
from lib.preprocessing.regions import cut_streams
from lib.preprocessing.store import LANDMARKS, ProcessedStore, cached_key, open_store, write_store
from lib.preprocessing.volumes import frame_range, interpolate_in_time, require_frames


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip."""

    quality: dict  # its row of the quality table (see `lib.preprocessing.store.ProcessedStore`)
    detail: str = ""  # why it was rejected; empty if it was not. The code of the reason is quality["reason"]
    # Its streams, (depth, size, size) uint8, and landmarks, (depth, 68, 2) float32; empty if it was rejected.
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        return self.quality["kept"]


@dataclass(frozen=True)
class _Frames:
    """The frames of a clip that are read, decoded anew whenever they are iterated."""

    clip: Clip
    config: PreprocessConfig

    def __iter__(self) -> Iterator[np.ndarray]:
        with closing(iter_frames(self.clip)) as decoded:
            yield from islice(decoded, *frame_range(self.config))


def process_clip(clip: Clip, config: PreprocessConfig, detector: faces.DlibDetector) -> ClipResult:
    """Make the volumes of one clip, or say why there are none.

    The frames are decoded at least twice, for the landmarks and for the crops, so that no more than one full frame
    is in memory: finding a face takes many times as long as decoding.
    """
    frames, (start, _) = _Frames(clip, config), frame_range(config)
    found = None
    try:
        if clip.n_frames is not None:
            require_frames(clip.n_frames, config)
        if config.detection == "released":
            found = faces.first_landmarks(frames, detector)
        else:
            found = faces.track_landmarks(frames, detector, config.upsample)
        # Where nothing was left to read after the skipped frames, only counting them tells how many there are.
        n_frames = start + len(found.found) if found.found else sum(1 for _ in iter_frames(clip))
        require_frames(n_frames, config)
        faces.require_upright(frames, found, detector)
        filled = faces.fill_gaps(found, config.max_gap)
        arrays = {**cut_streams(frames, filled.points, config), LANDMARKS: filled.points}
        if config.sampling == "tim":
            arrays = {name: interpolate_in_time(array, config.frames) for name, array in arrays.items()}
        return ClipResult(_quality(clip, filled, found), arrays=arrays)
    except (ClipRejected, FrameError) as error:
        detail = error.detail if isinstance(error, ClipRejected) else f"{error.path.name}: {error.detail}"
        return ClipResult(_quality(clip, found, found, error.reason), printable(detail))


def _quality(clip: Clip, filled: faces.Landmarks | None, found: faces.Landmarks | None, reason: str = "") -> dict:
    row = {"clip_id": clip.clip_id, "kept": not reason, "reason": reason, "frames": 0}
    if found is None or not found.found:
        return row
    has_face = ~np.isnan(found.scores)
    return {
        **row,
        "frames": len(has_face),
        "detection_rate": float(has_face.mean()),
        "upsampled": found.found.count("upsampled") + found.found.count("full"),
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
    out : Path
        Parent folder of stores, usually ``data/processed``.
    jobs : int, optional
        Processes that share the clips; by default one per core. 1 runs in this process. The content is the same.

    Raises
    ------
    LandmarkModelError
        If the landmark model is missing or is another file.
    PreprocessingError
        If no clip, or none of some class, is left; if the store is there but damaged.
    DiskError, WorkerError
        If the store cannot be written; if a worker process died.
    ConfigError
        If `jobs` is no positive integer.
    """
    workers.check(jobs)
    out = Path(out)
    key = cached_key(dataset, config)
    final, partial = out / key, out / f"{key}.partial"
    if final.is_dir():
        return open_store(final)
    with locked(out / f"{key}.lock", f"making {key}", progress):
        if final.is_dir():  # made by another process while this one waited
            return open_store(final)
        try:
            results = _process_clips(dataset, config, partial, jobs, progress)
            _require_clips(dataset, config, [quality for _, quality, _ in results])
            with whole_folder(final) as draft:
                write_store(draft, dataset, config, key, *zip(*results, strict=True))
        except (DiskFullError, PreprocessingError):  # there is no room, or nothing to go on from
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(partial, ignore_errors=True)
    return open_store(final)


def _process_clips(
    dataset: Dataset, config: PreprocessConfig, partial: Path, jobs: int | None, progress: bool
) -> list[tuple[Path, dict, str]]:
    """The file in `partial` that holds the arrays of each clip, its quality row, and why it was rejected."""
    files = {partial / f"{position:05d}.npz": clip for position, clip in enumerate(dataset.clips)}
    tasks = [(clip, config, path) for path, clip in files.items() if _read_result(path, clip) is None]
    if tasks:
        faces.find_model()  # a missing model is one clear error here, not one per worker, and leaves nothing behind
    name, n_done = f"preprocessing {dataset.name}", len(files) - len(tasks)
    with tqdm(total=len(files), initial=n_done, desc=name, unit="clip", disable=not progress) as bar:
        workers.work_through(_work, tasks, jobs, lambda _: bar.update(), _start_worker)
    return [(path, *_read_result(path, clip)) for path, clip in files.items()]


_detector: faces.DlibDetector | None = None


def _start_worker() -> None:
    global _detector
    cv2.setNumThreads(1)  # the processes share the cores already
    _detector = faces.DlibDetector()


def _work(clip: Clip, config: PreprocessConfig, path: Path) -> None:
    _save_result(path, process_clip(clip, config, _detector))


def _save_result(path: Path, result: ClipResult) -> None:
    record = json.dumps({"quality": result.quality, "detail": result.detail})
    with whole_file(path) as draft:
        np.savez(draft, record=np.array(record), **result.arrays)


def _read_result(path: Path, clip: Clip) -> tuple[dict, str] | None:
    """Quality row and detail of a finished clip; None if it is not finished, or its file cannot be read."""
    try:
        with np.load(path) as arrays:
            record = json.loads(str(arrays["record"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return (record["quality"], record["detail"]) if record["quality"]["clip_id"] == clip.clip_id else None


def _require_clips(dataset: Dataset, config: PreprocessConfig, quality: list[dict]) -> None:
    """PreprocessingError if no clip is left, or none of a class."""
    left = {clip.label for clip, row in zip(dataset.clips, quality, strict=True) if row["kept"]}
    missing = [name for name in dataset.classes if name not in left]
    if left and not missing:
        return
    counts = Counter(row["reason"] for row in quality if not row["kept"])
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
    if not left:
        raise PreprocessingError(f"No clip of {len(quality)} is left in {dataset.name} ({told}).{hint}")
    classes = ",".join(name for name in dataset.classes if name in left)
    raise PreprocessingError(
        f"No clip is left of {', '.join(missing)} in {dataset.name}: {len(quality) - counts.total()} of {len(quality)} "
        f"clips are usable ({told}). Without them, load it with classes={classes}.{hint}"
    )
