"""The parts of a record's files that runs of networks and of other methods have alike."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lib.training.splits import Fold, Samples


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


def about_data(store) -> dict[str, Any]:
    """What provenance.json says of the data."""
    return {
        "dataset": store.dataset,
        "key": store.key,
        "fingerprint": store.fingerprint,
        "classes": list(store.classes),
        "clips": len(store.labels),
        "standin": None if store.standin is None else dict(store.standin),
    }


def to_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
