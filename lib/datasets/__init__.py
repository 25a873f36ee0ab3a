"""Datasets on disk, read as they are: names and annotations become clips, and nothing is dropped without a reason."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lib.core.errors import ConfigError
from lib.datasets.casme2_sq import load_casme2_sq
from lib.datasets.class_folders import load_class_folders
from lib.datasets.clip import Clip, Dataset, Rejection, Trap, read_standin_marker, standin_folder
from lib.datasets.smic import load_smic

LOADERS: dict[str, Callable[..., Dataset]] = {
    "casme2_sq": load_casme2_sq,
    "smic": load_smic,
    "class_folders": load_class_folders,
}
DATASET_NAMES = tuple(LOADERS)
DEEPEST_CLIP = 6  # folders from a dataset's root to a clip, in SMIC's own layout
FOR_LOADERS = ("name", "aliases")  # parameters of `load_class_folders` by which other loaders call it
ROOT_VARIABLES = {"casme2_sq": "CASME2_SQ_ROOT", "smic": "SMIC_ROOT"}

__all__ = [
    "DATASET_NAMES",
    "ROOT_VARIABLES",
    "Clip",
    "Dataset",
    "Rejection",
    "Trap",
    "load_casme2_sq",
    "load_class_folders",
    "load_dataset",
    "load_smic",
]


def load_dataset(name: str, root: Path | str, /, **options) -> Dataset:
    """Read a dataset by its name.

    Parameters
    ----------
    name : str
        One of `DATASET_NAMES`.
    root : Path
        The folder that holds it.
    **options
        Passed to the dataset's loader: `load_casme2_sq`, `load_smic` or `load_class_folders`.

    Raises
    ------
    ConfigError
        If the dataset or an option is unknown.
    DatasetError
        If `root` does not hold the dataset in any known layout.
    """
    if name not in LOADERS:
        raise ConfigError(f"Unknown dataset {name!r}; known are {', '.join(DATASET_NAMES)}.")
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
