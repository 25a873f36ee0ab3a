"""The processed store: what preprocessing leaves on disk, how it is named, written whole, and read.

`<parent>/<key>/` holds one ``uint8`` array per stream (``eyes.npy`` …), ``landmarks.npy``, ``clips.csv``,
``quality.csv``, ``rejected.csv`` and ``store.json``. While it is made, `<parent>/<key>.partial/` holds the results of
single clips, so that an interrupted preprocessing goes on where it was.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lib.core.digest import definitions_digest, json_digest
from lib.core.errors import PreprocessingError
from lib.datasets import containers, folders, frames, images, videos
from lib.datasets.clip import CLIP_COLUMNS, Dataset
from lib.datasets.fingerprint import fingerprint, recipe_digest, rendering_digest
from lib.preprocessing.config import PREPROCESSING_VERSION, PreprocessConfig
from lib.preprocessing.landmarks import N_POINTS

RECORD_FILE = "store.json"
LANDMARKS = "landmarks"
TABLES = ("clips", "quality", "rejected")
KEY_LENGTH = 12  # hexadecimal digits: chance collisions among a few thousand stores are out of the question

_CLIP_INTEGERS = ("first_frame", "n_frames", "onset", "apex", "offset")
QUALITY_TYPES = {
    "clip_id": "str",
    "kept": "bool",
    "reason": "str",
    "frames": "Int64",
    "detection_rate": "float64",
    **dict.fromkeys(("upsampled", "filled", "longest_gap", "several_faces"), "Int64"),
    **dict.fromkeys(("score", "interocular_px", "jitter"), "float64"),
}


@dataclass(frozen=True, eq=False)
class ProcessedStore:
    """A finished store; open one with `open_store`.

    Attributes
    ----------
    path : Path
        Its folder.
    key : str
        Names the dataset's content, the preprocessing parameters and the code that applied them.
    fingerprint : str
        What names the data of a training, 64 hexadecimal digits. Of a stand-in: digest of its recipe, the clips kept,
        `config` and the version of the preprocessing, the same on every machine. Otherwise: `content`.
    content : str
        Digest of the streams' bytes and of the clips' identifiers, subjects and labels: what a training can see here.
    dataset, layout : str
        The dataset's name and the layout it was read from.
    classes : tuple of str
        The index of a class is its label as a number.
    standin : mapping or None
        The marker of a stand-in; None for anything else.
    config : PreprocessConfig
    clips : DataFrame
        The columns of `lib.datasets.clip.CLIP_COLUMNS`; row i is clip i of every array.
    quality : DataFrame
        One row per clip of the dataset, kept or not: `clip_id`, `kept`, `reason` (empty if kept), `frames` (that were
        searched for a face), `detection_rate` (share of them with a face), `upsampled` (frames that needed another
        search, enlarged), `filled` (frames whose landmarks are interpolated), `longest_gap` (frames), `several_faces`
        (frames with more than one), `score` (mean confidence of the detector), `interocular_px`, `jitter` (see
        `lib.preprocessing.landmarks.jitter`).
    rejected : DataFrame
        `clip_id`, `source`, `reason`, `detail`, `stage` (``"loading"`` or ``"preprocessing"``).
    versions : mapping
        Versions of the libraries that decide the arrays' content.
    """

    path: Path
    key: str
    fingerprint: str
    content: str
    dataset: str
    layout: str
    classes: tuple[str, ...]
    standin: Mapping | None
    config: PreprocessConfig
    clips: pd.DataFrame
    quality: pd.DataFrame
    rejected: pd.DataFrame
    versions: Mapping

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
    return f"{dataset.name}-{json_digest(content)[:KEY_LENGTH]}"


def stream_shapes(config: PreprocessConfig) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of what one clip adds to each array of a store."""
    shapes = {
        stream: ((config.frames, config.size(stream), config.size(stream)), np.dtype(np.uint8))
        for stream in config.streams
    }
    return {**shapes, LANDMARKS: ((config.frames, N_POINTS, 2), np.dtype(np.float32))}


def write_store(
    folder: Path,
    dataset: Dataset,
    config: PreprocessConfig,
    kept: Sequence[tuple[int, Path]],
    quality: pd.DataFrame,
    rejected: pd.DataFrame,
    versions: Mapping,
    key: str,
) -> None:
    """Write a store from the files of single clips, one clip in memory at a time.

    Parameters
    ----------
    folder : Path
        Where to write, empty; the caller moves it to its final name when this returns.
    kept : sequence of (position in `dataset.clips`, .npz file with an array per stream and ``landmarks``)
        In the order of the dataset.
    quality, rejected, versions, key
        See `ProcessedStore`.
    """
    table = dataset.table().iloc[[position for position, _ in kept]]
    digest = hashlib.sha256(table[["clip_id", "subject", "label"]].to_csv(index=False, lineterminator="\n").encode())
    digest.update("\n".join(dataset.classes).encode())
    for name, (shape, dtype) in stream_shapes(config).items():
        # Not np.lib.format.open_memmap: on a full disk a write to a mapped file kills the process instead of raising.
        with (folder / f"{name}.npy").open("wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, {**header, "shape": (len(kept), *shape)})
            for _, path in kept:
                with np.load(path) as arrays:
                    array = np.ascontiguousarray(arrays[name], dtype)
                file.write(array.data)
                # Landmarks stay out: no network sees them, and their last bits may differ between machines.
                if name != LANDMARKS:
                    digest.update(array.data)
            file.flush()
            os.fsync(file.fileno())
    for name, frame in zip(TABLES, (table, quality, rejected), strict=True):
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
        "clips": len(kept),
        "versions": dict(versions),
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
        config = PreprocessConfig(**{**record["config"], "streams": tuple(record["config"]["streams"])})
        tables = {name: _read_table(path / f"{name}.csv") for name in TABLES}
        store = ProcessedStore(
            path=path,
            key=record["key"],
            fingerprint=record["fingerprint"],
            content=record["content"],
            dataset=record["dataset"],
            layout=record["layout"],
            classes=tuple(record["classes"]),
            standin=record["standin"],
            config=config,
            versions=record["versions"],
            **tables,
        )
        _check_table(store, record["clips"])
        for name, (shape, dtype) in stream_shapes(config).items():
            _check_array(path / f"{name}.npy", (record["clips"], *shape), dtype)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PreprocessingError(
            f"{path} is a damaged store ({type(error).__name__}: {error}). Delete the folder and run the "
            "preprocessing again."
        ) from error
    return store


def _check_table(store: ProcessedStore, n_clips: int) -> None:
    if tuple(store.clips.columns) != CLIP_COLUMNS:
        raise ValueError(f"clips.csv: expected the columns {CLIP_COLUMNS}, found {tuple(store.clips.columns)}")
    if len(store.clips) != n_clips:
        raise ValueError(f"clips.csv: expected {n_clips} rows, found {len(store.clips)}")
    unknown = set(store.clips["label"]) - set(store.classes)
    if unknown:
        raise ValueError(f"clips.csv: expected labels among {store.classes}, found {sorted(unknown)}")


def _check_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    array = _map(path)  # fails if the file is shorter than its header says
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{path.name}: expected {shape} {dtype}, found {array.shape} {array.dtype}")


def _map(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _read_table(path: Path) -> pd.DataFrame:
    """Read a table of a store with names as text: a subject "01" is no number, and one called "NA" is not missing."""
    columns = pd.read_csv(path, nrows=0).columns
    text = {"clip_id", "dataset", "subject", "label", "source", "reason", "detail", "stage"}.intersection(columns)
    types = {**dict.fromkeys(text, "str"), **dict.fromkeys(_CLIP_INTEGERS, "Int64"), **QUALITY_TYPES}
    return pd.read_csv(
        path,
        dtype={name: types[name] for name in columns if name in types},
        keep_default_na=False,
        na_values={name: [""] for name in columns if name not in text},
    )
