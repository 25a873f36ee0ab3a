"""From a dataset's name to its clips and its processed store: the one place that chooses real data or stand-in.

The folder of a dataset is, in this order: the `root` given; the environment variable of that dataset
(`CASME2_SQ_ROOT`, `SMIC_ROOT`); the stand-in, made under `data/raw` if it is not there yet.
"""

import itertools
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lib import paths
from lib.datasets import DATASET_NAMES, ROOT_VARIABLES, load_dataset
from lib.datasets.clip import Clip, Dataset
from lib.datasets.frames import iter_frames
from lib.errors import ConfigError, DatasetError, FrameError
from lib.preprocessing import PreprocessConfig, ProcessedStore, default_config, preprocess
from lib.standin import write_standin


@dataclass(frozen=True)
class Location:
    """Where a dataset lies and why there: `how` is "parameter", "environment" or "standin"."""

    root: Path
    how: str


def locate(
    dataset: str,
    root: str | Path | None = None,
    clips: int | None = None,
    standin_seed: int = 0,
    progress: bool = True,
) -> Location:
    """Find the folder of a dataset; make its stand-in where no folder is given.

    Parameters
    ----------
    dataset : str
        One of `lib.datasets.DATASET_NAMES`.
    root : path, optional
        Folder of the dataset; empty or None to look at the environment variable.
    clips : int, optional
        Size of the stand-in; None or 0 for the whole one. Real data is never cut.
    standin_seed : int
        Seed of the stand-in.

    Raises
    ------
    ConfigError
        Unknown dataset, or one without a stand-in and no folder given.
    DatasetError
        The folder does not exist.
    """
    if dataset not in DATASET_NAMES:
        raise ConfigError(f"expected a dataset among {', '.join(DATASET_NAMES)}, found {dataset!r}")
    variable = ROOT_VARIABLES.get(dataset)
    if root:
        return Location(_existing(Path(root), "the parameter `root`"), "parameter")
    if variable and os.environ.get(variable):
        return Location(_existing(Path(os.environ[variable]), f"the environment variable {variable}"), "environment")
    if variable is None:
        raise ConfigError(f"{dataset} has no stand-in: give the folder of your clips as `root`")
    size = clips or None
    folder = paths.raw_folder() / f"standin-{dataset}-{size or 'all'}-seed{standin_seed}"
    return Location(write_standin(dataset, folder, clips=size, seed=standin_seed, progress=progress), "standin")


def load(
    dataset: str,
    root: str | Path | None = None,
    clips: int | None = None,
    standin_seed: int = 0,
    progress: bool = True,
    **options,
) -> Dataset:
    """Locate a dataset and read its clip table; `options` go to its loader (see `lib.datasets.load_dataset`).

    Says on standard error when what was loaded is a stand-in, so that no log hides it.
    """
    location = locate(dataset, root, clips, standin_seed, progress)
    loaded = load_dataset(dataset, location.root, **options)
    if loaded.is_standin:
        print(
            f"{dataset}: STAND-IN data (rendered faces) from {display_path(location.root)}; "
            "nothing measured on it is a result on the real dataset.",
            file=sys.stderr,
        )
    return loaded


def preprocessing_config(dataset: str, frames: int = 0, sampling: str = "", start: int | None = None):
    """The preprocessing of a dataset: what the paper does with it, except where a value is given.

    Parameters
    ----------
    dataset : str
    frames : int
        Clip depth; 0 keeps the dataset's default (96 for CAS(ME)², 18 otherwise).
    sampling : {"", "first", "window", "tim"}
        How the frames are picked; "" keeps the default.
    start : int, optional
        First frame of the window; None or a negative number keeps the default.
    """
    config: PreprocessConfig = default_config(dataset)
    changes = {}
    if frames:
        changes["frames"] = frames
    if sampling:
        changes["sampling"] = sampling
    if start is not None and start >= 0:
        changes["start"] = start
    elif sampling and sampling != config.sampling:
        changes["start"] = 0
    return replace(config, **changes)


def processed_store(
    dataset: str,
    root: str | Path | None = None,
    clips: int | None = None,
    standin_seed: int = 0,
    frames: int = 0,
    sampling: str = "",
    start: int | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> ProcessedStore:
    """The processed store of a dataset, made if it is not there yet."""
    loaded = load(dataset, root, clips, standin_seed, progress)
    config = preprocessing_config(dataset, frames, sampling, start)
    return preprocess(loaded, config, out or paths.processed_folder(), jobs=jobs, progress=progress)


def read_frames(clip: Clip, first: int, stop: int) -> np.ndarray:
    """Frames `first` to `stop` (exclusive) of a clip, as uint8 of shape (n, height, width, 3), RGB.

    Raises
    ------
    FrameError
        A frame cannot be decoded, or the clip has fewer.
    """
    frames = list(itertools.islice(iter_frames(clip), first, stop))
    if len(frames) < stop - first:
        raise FrameError(
            "too_short", clip.source, f"expected frames {first} to {stop - 1}, found {len(frames)} of them"
        )
    return np.stack(frames)


def display_path(path: Path) -> str:
    """A path as shown to people and written to records: relative to the checkout where it lies in it."""
    path = Path(path)
    return path.relative_to(paths.REPOSITORY).as_posix() if path.is_relative_to(paths.REPOSITORY) else path.name


def _existing(folder: Path, origin: str) -> Path:
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise DatasetError(
            f"expected the dataset's folder at {folder} (from {origin}), found {what} there. "
            "Correct the path, or leave it out to use the stand-in."
        )
    return folder
