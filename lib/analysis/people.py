"""Predictions for people who were left out, pooled over folds, and what they score: over all clips, and by person.

Intervals and tests of these scores are `lib.statistics.intervals`'.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from lib.statistics import metrics
from lib.training.protocols import PROTOCOLS, require_people
from lib.training.records import RunRecord

SCORES: Mapping[str, Callable] = MappingProxyType(
    {"uf1": metrics.uf1, "uar": metrics.uar, "accuracy": metrics.accuracy}
)
COLUMNS = ["run", "clip", "subject", "truth", "predicted"]


def pooled_predictions(records: Sequence[RunRecord], store, at: str = "last") -> pd.DataFrame:
    """The predictions of all folds of some runs in one table, with who is seen.

    Parameters
    ----------
    records : sequence of RunRecord
        Runs that differ in their seed.
    store : ProcessedStore
        That they were trained on: it knows who is seen.
    at : {"last", "best"}
        The epoch, as `RunRecord.predictions` takes it.

    Returns
    -------
    DataFrame
        One row for each run and clip: ``run`` (the seed), ``clip``, ``subject``, ``truth``, ``predicted``; none
        without a run.

    Raises
    ------
    TrainingError
        If the runs divide clips by subject, and a subject is unknown.
    """
    for record in records:
        require_people(PROTOCOLS[record.config.protocol], store.clips)
    subjects = store.clips.astype({"clip_id": str}).set_index("clip_id")["subject"]
    tables = [record.predictions(at).assign(run=record.config.seed) for record in records]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    pooled = pd.concat(tables, ignore_index=True)
    return pooled.assign(subject=pooled["clip"].map(subjects))[COLUMNS]


def scores_by_run(predictions: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Each run's scores, from one confusion matrix over all folds: a row for each run, columns as in `SCORES`."""
    rows = {}
    for run, own in predictions.groupby("run"):
        truth, predicted = (pd.Categorical(own[name], classes).codes for name in ("truth", "predicted"))
        confusion = metrics.confusion_matrix(truth, predicted, len(classes))
        rows[run] = {name: score(confusion) for name, score in SCORES.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SCORES), dtype=float).rename_axis("run")


def scores_by_person(predictions: pd.DataFrame) -> pd.DataFrame:
    """Accuracy for each person, the best recognised first.

    Returns
    -------
    DataFrame indexed by subject
        ``clips``; ``accuracy``, the mean over runs, between ``low`` and ``high``, the worst and the best run.
    """
    right = predictions.assign(right=predictions["truth"] == predictions["predicted"])
    by_run = right.groupby(["subject", "run"])["right"].agg(["mean", "size"]).astype(float)
    people = by_run.groupby("subject").agg(
        clips=("size", "first"), accuracy=("mean", "mean"), low=("mean", "min"), high=("mean", "max")
    )
    return people.astype({"clips": int}).sort_values(["accuracy", "clips"], ascending=False)
