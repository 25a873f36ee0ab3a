"""Predictions for people who were left out, pooled over folds."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from lib.statistics import metrics
from lib.training.records import RunRecord

SCORES: Mapping[str, Callable] = {"uf1": metrics.uf1, "uar": metrics.uar, "accuracy": metrics.accuracy}
COLUMNS = ["run", "clip", "subject", "truth", "predicted"]


def pooled_predictions(records: Sequence[RunRecord], store, at: str = "last") -> pd.DataFrame:
    """The predictions of all folds of runs that differ in their seed, with who is seen.

    Columns `COLUMNS`, a row for each run (its seed) and clip of the store that they were trained on; no row without a
    run. `at` is the epoch, as `RunRecord.predictions` takes it.
    """
    person = store.clips.astype({"clip_id": str}).set_index("clip_id")["subject"]
    tables = [record.predictions(at).assign(run=record.config.seed) for record in records]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    return table.assign(subject=table["clip"].map(person))[COLUMNS]
