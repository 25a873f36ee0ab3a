"""Datasets on disk, read as they are: names and annotations become clips, and nothing is dropped without a reason.

A dataset is a file here with a function `load_<name>`, and a row in `lib.core.catalogue`.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from lib.core.catalogue import DATASETS, ROOT_VARIABLES
from lib.core.checks import one_of
from lib.core.errors import ConfigError
from lib.datasets.clip import Clip, Dataset, Rejection, Trap, read_standin_marker, standin_folder

DATASET_NAMES = tuple(DATASETS)
LOADERS: dict[str, Callable[..., Dataset]] = {
    name: getattr(import_module(f"lib.datasets.{name}"), f"load_{name}") for name in DATASET_NAMES
}
DEEPEST_CLIP = 6  # folders from a dataset's root to a clip, in SMIC's own layout
FOR_LOADERS = ("name", "aliases")  # parameters of `load_class_folders` by which other loaders call it

__all__ = [
    "DATASET_NAMES", "LOADERS", "ROOT_VARIABLES", "Clip", "Dataset", "Rejection", "Trap", "load_dataset",
]  # fmt: skip


def load_dataset(name: str, root: Path | str, /, **options) -> Dataset:
    """Read a dataset by its name.

    Parameters
    ----------
    name : str
        One of `DATASET_NAMES`.
    root : Path
        The folder that holds it.
    **options
        Passed to the dataset's loader, as `load_smic`.

    Raises
    ------
    ConfigError
        If the dataset or an option is unknown.
    DatasetError
        If `root` does not hold the dataset in any known layout.
    """
    one_of("dataset", name, DATASET_NAMES)
    known = [one for one in inspect.signature(LOADERS[name]).parameters if one not in ("root", *FOR_LOADERS)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(f"{name} has no option {', '.join(unknown)}; known are {', '.join(known)}.")
    loaded = LOADERS[name](root, **options)
    if loaded.is_standin:
        return loaded
    # clips linked into another folder are what they link to
    linked = (standin_folder(clip.source, DEEPEST_CLIP) for clip in loaded.clips)
    folder = next((one for one in linked if one is not None), None)
    return loaded if folder is None else replace(loaded, standin=read_standin_marker(folder), standin_root=folder)
