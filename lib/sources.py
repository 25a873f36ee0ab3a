"""From a dataset's name to its clips and its processed store: the one place that chooses real data or stand-in.

The folder of a dataset is, in this order: the `root` given; the environment variable of its row in
`lib.core.catalogue`; the stand-in, made under `data/raw` if it is not there yet.
"""

import itertools
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from lib.core import paths
from lib.core.catalogue import DATASETS, PAPER_DATASETS
from lib.core.checks import one_of
from lib.core.errors import ConfigError, DatasetError, FrameError
from lib.datasets import load_dataset
from lib.datasets.clip import Clip, Dataset
from lib.datasets.fingerprint import damage_traps
from lib.datasets.frames import iter_frames
from lib.preprocessing import PreprocessConfig, ProcessedStore, default_config, preprocess
from lib.preprocessing.config import RELEASED_READING
from lib.standin import write_standin


def locate(dataset: str, root: Path | str = "", clips: int = 0, standin_seed: int = 0, progress: bool = True) -> Path:
    """Find the folder of a dataset; make its stand-in where no folder is given. Parameters as of `load`.

    A `ConfigError` tells that the dataset is unknown, or has no stand-in and no folder is given; a `DatasetError` that
    the folder does not exist, or the stand-in made here is no longer as it was rendered.
    """
    row = DATASETS[one_of("dataset", dataset, DATASETS)]
    named = root or os.environ.get(row.root_variable)
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            what = "a file" if folder.exists() else "nothing"
            origin = "the parameter `root`" if root else f"the environment variable {row.root_variable}"
            raise DatasetError(
                f"expected the dataset's folder at {folder} (from {origin}), found {what} there. "
                "Correct the path, or leave it out to use the stand-in."
            )
        return folder
    if not row.standins:
        variable = row.root_variable and f" or in the environment variable {row.root_variable}"
        raise ConfigError(f"{dataset} has no stand-in: give the folder of your clips as `root`{variable}")
    folder = paths.data_folder() / "raw" / f"standin-{dataset}-{clips or 'all'}-seed{standin_seed}"
    return write_standin(row.standins[0], folder, clips=clips or None, seed=standin_seed, progress=progress)


def load(
    dataset: str,
    root: Path | str = "",
    clips: int = 0,
    standin_seed: int = 0,
    options: str = "",
    progress: bool = True,
) -> Dataset:
    """Locate a dataset and read its clip table.

    Says on standard error when what was loaded is a stand-in, and when that is not as it was rendered, so that no log
    hides it. The latter is also a trap.

    Parameters
    ----------
    dataset : str
        Its name in `lib.core.catalogue`.
    root : Path
        The dataset's folder; empty for what its environment variable names (such as SMIC_ROOT), else the stand-in.
    clips : int
        Size of the stand-in; 0: all of it. Real data is never cut.
    standin_seed : int
        Seed of the stand-in.
    options : str
        Options of the dataset's loader, as in 'label_source=polarity extent=window'.
    """
    chosen = parse_options(options)
    folder = locate(dataset, root, clips, standin_seed, progress)
    loaded = load_dataset(dataset, folder, **chosen)
    if loaded.is_standin:
        print(
            f"{dataset}: STAND-IN data (rendered faces) from {paths.display_path(folder)}; "
            "nothing measured on it is a result on the real dataset.",
            file=sys.stderr,
        )
    damaged = damage_traps(loaded)
    for trap in damaged:
        print(f"{dataset}: {paths.display_path(trap.path)} is {trap.detail}.", file=sys.stderr)
    return replace(loaded, traps=(*loaded.traps, *damaged))


def parse_options(text: str) -> dict[str, object]:
    """Options of a loader from one line of text, as a notebook's parameter or a command's option holds them.

    >>> parse_options("label_source=polarity window=64 fps=29.97 classes=negative,positive")
    {'label_source': 'polarity', 'window': 64, 'fps': 29.97, 'classes': ('negative', 'positive')}
    """
    options = {}
    for item in text.split():
        name, equals, value = item.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"loader options: expected name=value separated by spaces, found {item!r} in {text!r}")
        options[name] = tuple(value.split(",")) if name == "classes" else _number_or_text(value)
    return options


def _number_or_text(value: str) -> int | float | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def preprocessing_config(
    data: Dataset,
    frames: int = 0,
    sampling: str = "",
    start: int = -1,
    grey: str = "",
    detection: str = "",
    upsample: int = 1,
) -> PreprocessConfig:
    """The preprocessing of a dataset: what the paper does with it, except where a value is given.

    The paper reads frames 72 to 167 of CAS(ME)² videos that its authors had arranged in class folders. The official
    layouts have no such videos: there an annotated expression, shorter than 96 frames, is interpolated in time, and a
    window of the long recording is read from its beginning. Of other datasets the first frames are read.

    Real CAS(ME)² and SMIC are turned grey, and searched for faces, as the authors' code does. On a stand-in, which no
    number of the paper came from, and on your own clips that is done right and fast.

    Parameters as of `processed_store`.
    """
    of_paper = data.name in PAPER_DATASETS
    config = default_config(data.name) if of_paper else PreprocessConfig(frames=DATASETS[data.name].frames)
    reading = {} if data.is_standin else RELEASED_READING.get(data.name, {})
    given = {name: value for name, value in (("grey", grey), ("detection", detection)) if value}
    config = replace(config, **{**reading, **given})
    frames = frames or config.frames
    if data.name == "casme2_sq" and data.layout != "class_folders":
        long_enough = all(clip.n_frames is None or clip.n_frames >= frames for clip in data.clips)
        config = replace(config, sampling="first" if long_enough else "tim", start=0)
    if start >= 0:
        sampling = sampling or "window"
    else:
        start = config.start if sampling in ("", config.sampling) else 0
    return replace(config, frames=frames, sampling=sampling or config.sampling, start=start, upsample=upsample)


def processed_store(
    dataset: str,
    root: Path | str = "",
    clips: int = 0,
    standin_seed: int = 0,
    options: str = "",
    frames: int = 0,
    sampling: str = "",
    start: int = -1,
    grey: str = "",
    detection: str = "",
    upsample: int = 1,
    out: Path | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> ProcessedStore:
    """The processed store of a dataset, made if it is not there yet.

    The first parameters are those of `load`.

    Parameters
    ----------
    frames : int
        Depth of a volume; 0 for the dataset's own: 96 for CAS(ME)², 18 for SMIC and your own clips.
    sampling : str
        How the frames are picked; by default as the paper does.
    start : int
        First frame of the window (implies sampling by window); negative for the paper's.
    grey : str
        Weights of the colours; by default rgb_as_bgr, as released, for real CAS(ME)², else luma.
    detection : str
        How faces are found; by default released, slow, for real CAS(ME)² and SMIC, else tracked.
    upsample : int
        How often a frame is doubled in size where the face is not found at first; more finds smaller faces, and takes
        four times as long each. Only with detection tracked.
    out : Path
        Folder of the stores; by default data/processed.
    jobs : int
        Processes; by default one per core.
    """
    data = load(dataset, root, clips, standin_seed, options, progress)
    config = preprocessing_config(data, frames, sampling, start, grey, detection, upsample)
    return preprocess(data, config, out or paths.processed_folder(), jobs=jobs, progress=progress)


def read_frames(clip: Clip, first: int, stop: int) -> np.ndarray:
    """Frames `first` to `stop` (exclusive) of a clip, as uint8 of shape (n, height, width, 3), RGB.

    `FrameError` if one cannot be decoded, or the clip has fewer.
    """
    frames = list(itertools.islice(iter_frames(clip), first, stop))
    if len(frames) < stop - first:
        raise FrameError(
            "too_short", clip.source, f"expected frames {first} to {stop - 1}, found {len(frames)} of them"
        )
    return np.stack(frames)
