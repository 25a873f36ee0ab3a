"""The processed store: what preprocessing leaves on disk, how it is named, written whole, and read.

`<parent>/<key>/` holds one ``uint8`` array per stream (``eyes.npy`` …), ``landmarks.npy``, ``clips.csv``,
``quality.csv``, ``rejected.csv`` and ``store.json``. While it is made, `<parent>/<key>.partial/` holds the results of
single clips, so that an interrupted preprocessing goes on where it was.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import dlib
import numpy as np
import pandas as pd

from lib.core.digest import definitions_digest, json_digest
from lib.core.errors import PreprocessingError
from lib.datasets import containers, folders, frames, images, videos
from lib.datasets.clip import CLIP_COLUMNS, CLIP_INTEGERS, Dataset
from lib.datasets.fingerprint import fingerprint, recipe_digest, rendering_digest
from lib.preprocessing.config import PREPROCESSING_VERSION, PreprocessConfig
from lib.preprocessing.landmarks import N_POINTS

RECORD_FILE = "store.json"
LANDMARKS = "landmarks"
TABLES = ("clips", "quality", "rejected")

QUALITY_TYPES = {
    "clip_id": "str",
    "kept": "bool",
    "reason": "str",
    "frames": "Int64",
    "detection_rate": "float64",
    **dict.fromkeys(("upsampled", "filled", "longest_gap", "several_faces"), "Int64"),
    **dict.fromkeys(("score", "interocular_px", "jitter"), "float64"),
}
# A subject "01" is no number, and one called "NA" is not missing.
_TEXT = {"clip_id", "dataset", "subject", "label", "source", "reason", "detail", "stage"}
_TYPES = {**dict.fromkeys(_TEXT, "str"), **dict.fromkeys(CLIP_INTEGERS, "Int64"), **QUALITY_TYPES}


@dataclass(frozen=True, eq=False)
class ProcessedStore:
    """A finished store; open one with `open_store`."""

    path: Path
    key: str  # names the dataset's content, the preprocessing parameters and the code that applied them
    # What names the data of a training, 64 hexadecimal digits. Of a stand-in: digest of its recipe, the clips kept,
    # `config` and the version of the preprocessing, the same on every machine. Otherwise: `content`.
    fingerprint: str
    # Digest of the streams' bytes and of the clips' identifiers, subjects and labels: what a training can see here.
    content: str
    dataset: str
    layout: str  # that the dataset was read from
    classes: tuple[str, ...]  # the index of a class is its label as a number
    standin: Mapping | None  # the marker of a stand-in; None for anything else
    config: PreprocessConfig
    clips: pd.DataFrame  # the columns of `lib.datasets.clip.CLIP_COLUMNS`; row i is clip i of every array
    # One row per clip of the dataset, kept or not: clip_id, kept, reason (empty if kept), frames (that were searched
    # for a face), detection_rate (share of them with a face), upsampled (frames that needed another search, enlarged),
    # filled (frames whose landmarks are interpolated), longest_gap (frames), several_faces (frames with more than one),
    # score (mean confidence of the detector), interocular_px, jitter (see `lib.preprocessing.landmarks.jitter`).
    quality: pd.DataFrame
    rejected: pd.DataFrame  # clip_id, source, reason, detail, stage ("loading" or "preprocessing")
    versions: Mapping  # of the libraries that decide the arrays' content

    def load(self, stream: str) -> np.ndarray:
        """A stream of all clips, memory-mapped and read-only: (clips, depth, height, width) uint8.

        Raises
        ------
        PreprocessingError
            If the store was made without that stream.
        """
        if stream not in self.config.streams:
            raise PreprocessingError(
                f"{self.path}: expected one of its streams {', '.join(self.config.streams)}, found {stream!r}. "
                "Preprocess again with that name in `streams`."
            )
        return _map(self.path / f"{stream}.npy")

    def landmarks(self) -> np.ndarray:
        """Landmarks of all clips, (clips, depth, 68, 2) float32, (x, y) in pixels of the source frames."""
        return _map(self.path / f"{LANDMARKS}.npy")

    @property
    def labels(self) -> np.ndarray:
        """The class index of every clip, (clips,) int64."""
        return self.clips["label"].map(self.classes.index).to_numpy(np.int64)


def cached_key(dataset: Dataset, config: PreprocessConfig) -> str:
    """The name of the store that a dataset has under a configuration, whether it has been made or not.

    It changes with the dataset's content, with any parameter, and with the code that reads and preprocesses frames
    (comments, formatting, imports and the words of errors aside). For a stand-in that is its recipe and its bytes:
    what another processor rendered, or an earlier state of the code, is not mixed up with it.
    """
    readers = [Path(module.__file__) for module in (containers, folders, frames, images, videos)]
    modules = [*Path(__file__).parent.glob("*.py"), *readers]
    content = {
        "dataset": fingerprint(dataset),
        "rendering": rendering_digest(dataset),
        "config": config.to_dict(),
        "code": definitions_digest(modules),
    }
    return f"{dataset.name}-{json_digest(content)[:12]}"


def _shapes(config: PreprocessConfig) -> dict[str, tuple[tuple[int, ...], type]]:
    """Shape and type of what one clip adds to each array of a store."""
    sizes = {stream: config.size(stream) for stream in config.streams}
    streams = {stream: ((config.frames, size, size), np.uint8) for stream, size in sizes.items()}
    return {**streams, LANDMARKS: ((config.frames, N_POINTS, 2), np.float32)}


def write_store(
    folder: Path,
    dataset: Dataset,
    config: PreprocessConfig,
    key: str,
    files: Sequence[Path],
    quality: Sequence[Mapping],
    details: Sequence[str],
) -> None:
    """Write a store from the files of single clips, one clip in memory at a time.

    Parameters
    ----------
    folder : Path
        Where to write, empty; the caller moves it to its final name when this returns.
    files, quality, details
        Of every clip of the dataset: an .npz file, with an array per stream and ``landmarks`` if the clip is kept; its
        row of the quality table; why it was rejected.
    """
    quality = pd.DataFrame(quality, columns=list(QUALITY_TYPES)).astype(QUALITY_TYPES)
    kept = quality["kept"].to_numpy()
    everything = dataset.table().assign(reason=quality["reason"], detail=details)
    table = everything.loc[kept, list(CLIP_COLUMNS)]
    lost = everything.loc[~kept, ["clip_id", "source", "reason", "detail"]]
    stages = [dataset.rejected_table().assign(stage="loading"), lost.assign(stage="preprocessing")]
    digest = hashlib.sha256(table[["clip_id", "subject", "label"]].to_csv(index=False, lineterminator="\n").encode())
    digest.update("\n".join(dataset.classes).encode())
    for name, (shape, dtype) in _shapes(config).items():
        # Not np.lib.format.open_memmap: on a full disk a write to a mapped file kills the process instead of raising.
        with (folder / f"{name}.npy").open("wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, {**header, "shape": (len(table), *shape)})
            for path in np.array(files)[kept]:
                with np.load(path) as arrays:
                    array = np.ascontiguousarray(arrays[name], dtype)
                file.write(array.data)
                # Landmarks stay out: no network sees them, and their last bits may differ between machines.
                if name != LANDMARKS:
                    digest.update(array.data)
            file.flush()
            os.fsync(file.fileno())
    for name, frame in zip(TABLES, (table, quality, pd.concat(stages)), strict=True):
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    content = digest.hexdigest()
    record = {
        "key": key,
        "fingerprint": _recipe_of_store(dataset, config, table) or content,
        "content": content,
        "dataset": dataset.name,
        "layout": dataset.layout,
        "classes": list(dataset.classes),
        "standin": dict(dataset.standin) if dataset.standin is not None else None,
        "config": config.to_dict(),
        "clips": len(table),
        "versions": {
            "python": platform.python_version(),
            "dlib": dlib.__version__,
            "cv2": cv2.__version__,
            "numpy": np.__version__,
        },
    }
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _recipe_of_store(dataset: Dataset, config: PreprocessConfig, kept: pd.DataFrame) -> str | None:
    """Identity of the store of an unchanged stand-in; None for anything else."""
    recipe = recipe_digest(dataset)
    if recipe is None:
        return None
    parts = {
        "dataset": recipe,  # with all that the clip table says of each clip
        "clips": kept["clip_id"].tolist(),
        "config": config.identity(),
        "version": PREPROCESSING_VERSION,
    }
    return json_digest(parts)


def open_store(path: Path) -> ProcessedStore:
    """Open a store and check that it is whole: every file there, every array of the shape it should have.

    Raises
    ------
    PreprocessingError
        If the folder is no store, or a damaged one.
    """
    path = Path(path)
    if not (path / RECORD_FILE).is_file():
        raise PreprocessingError(f"{path} is no processed store: it has no {RECORD_FILE}. Run the preprocessing first.")
    try:
        record = json.loads((path / RECORD_FILE).read_text(encoding="utf-8"))
        n_clips, config = record.pop("clips"), PreprocessConfig(**record.pop("config"))
        tables = {name: _read_table(path / f"{name}.csv") for name in TABLES}
        store = ProcessedStore(path, config=config, **{**record, "classes": tuple(record["classes"])}, **tables)
        _require("clips.csv", "the columns", CLIP_COLUMNS, tuple(store.clips.columns))
        _require("clips.csv", "rows", n_clips, len(store.clips))
        _require("clips.csv", "labels beside its classes", set(), set(store.clips["label"]) - set(store.classes))
        for name, (shape, dtype) in _shapes(config).items():
            array = _map(path / f"{name}.npy")  # fails if the file is shorter than its header says
            _require(f"{name}.npy", "an array", ((n_clips, *shape), np.dtype(dtype)), (array.shape, array.dtype))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PreprocessingError(
            f"{path} is a damaged store ({type(error).__name__}: {error}). Delete the folder and run the "
            "preprocessing again."
        ) from error
    return store


def _require(file: str, what: str, expected: object, found: object) -> None:
    if found != expected:
        raise ValueError(f"{file}: expected {what} {expected}, found {found}")


def _map(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _read_table(path: Path) -> pd.DataFrame:
    columns = pd.read_csv(path, nrows=0).columns
    types = {name: _TYPES[name] for name in columns if name in _TYPES}
    missing = {name: [""] for name in columns if name not in _TEXT}
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=missing)
