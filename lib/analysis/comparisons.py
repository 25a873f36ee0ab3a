"""Runs that differ in one thing, compared: paired by seed, by one rule for all chapters."""

from collections.abc import Sequence

import pandas as pd

from lib.statistics.intervals import Interval, Range, mean_interval
from lib.training.records import RunRecord, settings_of

# The three ways to read one training that the tables and figures set side by side
READINGS = {
    "accuracy_best": "best epoch",
    "accuracy_last": "last epoch",
    "accuracy_mean_last_epochs": "mean of the last ten",
}
FEWEST_SEEDS = 3  # fewer decide nothing
# Equal changes of a clip or two have an interval of no width, and prove nothing.
LARGE_CHANGE = 0.05


def paired_change(
    runs: pd.DataFrame, variant: str, changed: object, usual: object, score: str, level: float = 0.95
) -> Interval:
    """How a score changes between runs of equal seeds that differ in one thing, with Student's t interval.

    Over the seeds that have both runs; all NaN where there is none, limits NaN for one.

    Parameters
    ----------
    runs : DataFrame
        Finished runs as `lib.training.plans.table` lists them; one run for each seed and variant.
    variant : str
        The column that tells the two apart, such as ``"control"``.
    changed, usual
        Its values: the score of the first less that of the second.

    >>> runs = pd.DataFrame({"seed": [0, 1, 0, 1], "control": ["none", "none", "shuffled", "shuffled"],
    ...                      "accuracy_last": [0.7, 0.8, 0.5, 0.5]})
    >>> round(paired_change(runs, "control", "shuffled", "none", "accuracy_last").estimate, 3)
    -0.25
    """
    pairs = runs.pivot(index="seed", columns=variant, values=score)  # noqa: PD010 (two runs of one seed: an error)
    pairs = pairs.reindex(columns=[changed, usual]).dropna()
    return mean_interval(pairs[changed] - pairs[usual], level, bounds=(-1, 1))


def direction(change: Interval, seeds: int) -> str:
    """Whether a change between paired runs is shown: "up", "down", or "open".

    >>> direction(Interval(0.03, 0.01, 0.05), 5), direction(Interval(0.03, 0.01, 0.05), 2)
    ('up', 'open')
    """
    equal_and_small = change.low == change.high and abs(change.estimate) <= LARGE_CHANGE
    if seeds < FEWEST_SEEDS or equal_and_small:
        return "open"
    return "up" if change.low > 0 else "down" if change.high < 0 else "open"


def scores(records: Sequence[RunRecord]) -> dict:
    """What runs that differ in their seed alone score, as JSON and as `lib.book.verdicts` reads it.

    ``seeds``, ``settings``, ``clips`` validated, ``majority_share``, ``runs``; as means over seeds with t intervals the
    three readings of accuracy, ``uf1_best``, ``uf1_last`` and ``sd_last_epochs``, the standard deviation between the
    last epochs of a run; ``gain_of_best``, the mean and the range of best less last, which cannot be negative.
    """
    table = pd.DataFrame([record.summary() for record in records])
    spread = table["accuracy_std_last_epochs"].dropna().astype(float)
    return {
        "seeds": [record.config.seed for record in records],
        "settings": settings_of(records[0].config),
        "clips": int(table["n"].iloc[0]),
        "majority_share": float(table["majority_share"].mean()),  # labels that are permuted differ by seed
        **{name: mean_interval(table[name], bounds=(0, 1)).to_dict() for name in (*READINGS, "uf1_best", "uf1_last")},
        "sd_last_epochs": mean_interval(spread, bounds=(0, 1)).to_dict(),
        "gain_of_best": Range.of(table["accuracy_best"] - table["accuracy_last"]).to_dict(),
        "runs": [record.id for record in records],
    }
