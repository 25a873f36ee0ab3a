"""What a method makes of each clip by itself, made once for a store and kept in its folder."""

import importlib
import time
from dataclasses import asdict
from functools import cache
from importlib import metadata
from types import ModuleType

import numpy as np
from tqdm.auto import tqdm

from lib.baselines import METHODS, STREAM, source_files
from lib.core import workers
from lib.core.digest import definitions_digest, json_digest
from lib.core.files import locked, whole_file

FOLDER = "features"


@cache
def module_of(method: str) -> ModuleType:
    """The method's own module."""
    return importlib.import_module(f"lib.baselines.{METHODS[method].files[0]}")


def settings_of(method: str) -> object:
    """The method's settings, those of its row among them."""
    return module_of(method).Settings(**METHODS[method].settings)


def clip_features(method: str, store, jobs: int | None = None, progress: bool = False) -> tuple[np.ndarray, float]:
    """The features of all clips of a store, read or made; no label and no other clip has a part in them.

    They are kept in ``features/`` in the store's folder, in one file that is written whole or not at all and whose name
    covers the streams' content, settings, code, and the versions of NumPy and OpenCV.

    Parameters
    ----------
    method : str
        A name in `lib.baselines.METHODS`.
    store : ProcessedStore
        ``load(stream)``, ``content`` and ``path`` are read.
    jobs : int, optional
        Processes; None for one per core.

    Returns
    -------
    (n_clips, ...) array
        A method without features of its own gets the clips' volumes.
    float
        Processor seconds that they took when they were made.
    """
    volumes = store.load(STREAM)
    if not hasattr(module_of(method), "features"):
        return volumes, 0.0
    identity = {
        "content": store.content,
        "settings": asdict(settings_of(method)),
        "code": definitions_digest(source_files(method)),
        "versions": [metadata.version(name) for name in ("numpy", "opencv-python-headless")],
    }
    path = store.path / FOLDER / f"{METHODS[method].files[0]}-{json_digest(identity)[:12]}.npz"
    if not path.is_file():
        workers.check(jobs)
        with locked(path.with_suffix(".lock"), f"making {path.stem}", progress):
            if not path.is_file():
                _make(method, volumes, path, jobs, progress)
    with np.load(path) as kept:
        return kept["features"], float(kept["seconds"])


def _make(method: str, volumes: np.ndarray, path, jobs: int | None, progress: bool) -> None:
    tasks = [(method, np.asarray(volume)) for volume in volumes]
    with tqdm(total=len(tasks), unit="clip", desc=f"{method} features", disable=not progress) as bar:
        made = workers.work_through(_features_of, tasks, jobs, lambda position: bar.update())
    with whole_file(path) as draft:
        np.savez(draft, features=np.stack([one for one, _ in made]), seconds=sum(seconds for _, seconds in made))


def _features_of(method: str, volume: np.ndarray) -> tuple[np.ndarray, float]:
    begun = time.process_time()
    return module_of(method).features(volume, settings_of(method)), time.process_time() - begun
