"""Datasets on disk, read as they are: names and annotations become clips, and nothing is dropped without a reason.

A dataset is a file here with a function `load_<name>`, and a row in `lib.core.catalogue`.
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from lib.core.catalogue import DATASETS, ROOT_VARIABLES
from lib.core.checks import one_of
from lib.core.errors import ConfigError
from lib.datasets.clip import Clip, Dataset

LOADERS: dict[str, Callable[..., Dataset]] = {
    name: getattr(import_module(f"lib.datasets.{name}"), f"load_{name}") for name in DATASETS
}
FOR_LOADERS = ("name", "aliases")  # parameters of `load_class_folders` by which other loaders call it

__all__ = ["LOADERS", "ROOT_VARIABLES", "Clip", "Dataset", "load_dataset"]


def load_dataset(name: str, root: Path | str, /, **options) -> Dataset:
    """Read a dataset of `lib.core.catalogue` from the folder that holds it. Options are its loader's, as `load_smic`.

    Raises
    ------
    ConfigError
        If the dataset or an option is unknown.
    DatasetError
        If `root` does not hold the dataset in any known layout.
    """
    one_of("dataset", name, DATASETS)
    known = [one for one in inspect.signature(LOADERS[name]).parameters if one not in ("root", *FOR_LOADERS)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(f"{name} has no option {', '.join(unknown)}; known are {', '.join(known)}.")
    return LOADERS[name](root, **options)
