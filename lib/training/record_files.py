"""How a record is made, alike for runs of networks and of other methods: by one process, in files of one form."""

import contextlib
import datetime
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from lib.core import machine
from lib.core.files import locked
from lib.core.paths import commit
from lib.training.config import BaselineConfig, RunConfig, deciding_code, run_id
from lib.training.protocols import PROTOCOLS, require_people
from lib.training.records import HISTORY_COLUMNS, RunRecord, find_run
from lib.training.splits import Fold, Samples

SECONDS_BETWEEN_LINES = 10.0  # of a progress that is shown as lines


def found_or_made(
    config: RunConfig | BaselineConfig,
    store,
    runs_dir: Path,
    progress: str | None,
    make: Callable[[Path], RunRecord],
    own_backend: bool = False,
) -> RunRecord:
    """The record of this run; if there is none, what `make` makes in the folder that it is given.

    A process that finds another one at it waits, and then reads. `TrainingError` if the run divides clips by subject,
    and a subject is unknown. `own_backend` as of `lib.training.records.find_run`.
    """
    require_people(PROTOCOLS[config.protocol], store.clips)
    if (found := find_run(config, store, runs_dir, own_backend)) is not None:
        return found
    folder = Path(runs_dir) / run_id(config, store)
    with lock(runs_dir, folder.name, progress):
        return find_run(config, store, runs_dir, own_backend) or make(folder)


def lock(folder: Path, identity: str, progress: str | None):
    return locked(Path(folder) / ".locks" / f"{identity}.lock", f"making run {identity}", progress is not None)


def weights_lock(path: Path, progress: str | None):
    """Held by the one process that makes the weights at `path`, of `lib.training.records.weights_path`."""
    return lock(path.parent, path.stem, progress)


@contextlib.contextmanager
def reporter(name: str, total: int, unit: str, progress: str | None, done: int = 0) -> Iterator[Callable]:
    """Yield a function that is told of each step what it was and how it went, and shows it as `progress` asks."""
    told_at = -math.inf
    with tqdm(total=total, initial=done, unit=unit, desc=name, disable=progress != "bar") as bar:

        def report(step: str, outcome: str) -> None:
            nonlocal done, told_at
            bar.set_postfix_str(outcome, refresh=False)
            bar.update()
            done += 1
            if progress == "lines" and (done >= total or time.monotonic() - told_at >= SECONDS_BETWEEN_LINES):
                told_at = time.monotonic()
                print(f"{name} {step}: {outcome}", flush=True)

        yield report


def common_files(config: RunConfig | BaselineConfig, store, history: Sequence[dict], **provenance: Any) -> dict:
    """The text of config.json, history.csv and provenance.json, which says more than what is given to it."""
    data = {name: getattr(store, name) for name in ("dataset", "key", "fingerprint")}
    data |= {"classes": list(store.classes), "clips": len(store.labels)}
    provenance |= {
        "instructions": machine.vector_instructions(),
        "settings": machine.settings(),
        "commit": commit(),
        "code": deciding_code(config),
        "data": data | {"standin": None if store.standin is None else dict(store.standin)},
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    return {
        "config.json": to_json(config.to_dict()),
        "history.csv": pd.DataFrame(history, columns=list(HISTORY_COLUMNS)).to_csv(index=False),
        "provenance.json": to_json(provenance),
    }


def predictions_table(store, samples: Samples, folds: Sequence[Fold], finished: Sequence[dict]) -> pd.DataFrame:
    """The content of predictions.csv, as `lib.training.records.RunRecord.predictions` describes it.

    Parameters
    ----------
    finished : sequence of dict
        For each fold ``best`` and ``last``, each with ``epoch`` and ``probabilities`` (n_validation, n_classes).
    """
    classes = np.asarray(store.classes, dtype=object)
    clip_ids = store.clips["clip_id"].to_numpy()
    tables = []
    for at in ("best", "last"):
        for fold, chosen in zip(folds, finished, strict=True):
            probabilities = np.asarray(chosen[at]["probabilities"])  # (n_validation, n_classes)
            table = {
                "clip": clip_ids[samples.clips[fold.validation]],
                "fold": fold.name,
                "at": at,
                "epoch": chosen[at]["epoch"],
                "truth": classes[samples.labels[fold.validation]],
                "predicted": classes[probabilities.argmax(axis=1)],
                **{f"p_{name}": probabilities[:, i] for i, name in enumerate(classes)},
            }
            tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def to_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
