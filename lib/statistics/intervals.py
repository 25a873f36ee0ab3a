"""What a handful of runs, or the predictions for a few hundred clips, allow to be said: intervals.

Randomness comes only through a `numpy.random.Generator` that is passed in. Scores are those of
`lib.statistics.metrics`: a stack of confusion matrices in, a score of each out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

Score = Callable[[np.ndarray], np.ndarray]
LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with its confidence limits; the limits are NaN where the data allow none."""

    estimate: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """As JSON can hold it: what is not a number becomes None."""
        return {name: float(value) if math.isfinite(value) else None for name, value in self._asdict().items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, float | None]) -> "Interval":
        """From what `to_dict` gave."""
        return cls(**{name: math.nan if value is None else value for name, value in values.items()})


class Range(NamedTuple):
    """A mean over seeds with the lowest and the highest of them; NaN where there is none.

    For what cannot be negative, as the gain of the best epoch over the last: an interval around zero would ask whether
    it can.
    """

    mean: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        values = _finite(values)
        return cls(*(float(one(values)) if len(values) else math.nan for one in (np.mean, np.min, np.max)))

    to_dict = Interval.to_dict


def mean_interval(
    values: Sequence[float], level: float = LEVEL, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Interval:
    """Mean of independent values and its Student's t interval: the choice for the scores of a few seeds.

    A bootstrap of five values knows nothing of the tails and comes out under two thirds as wide. The t interval is
    exact for normal values and close for scores, which are means over many clips.

    Parameters
    ----------
    values : (n,) floats
        One score per run. A single one gives NaN limits, none gives NaN, equal ones an interval of no width.
    level : float
        Confidence, between 0 and 1.
    bounds : (float, float)
        What the mean can be, (0, 1) for a score: limits are cut there, which loses no coverage.

    >>> [round(number, 3) for number in mean_interval([0.60, 0.65, 0.70])]
    [0.65, 0.526, 0.774]
    """
    if not 0 < level < 1:
        raise ValueError(f"level: expected a confidence between 0 and 1, found {level!r}")
    values = _finite(values)
    if len(values) < 2:
        return Interval(float(values[0]) if len(values) else math.nan, math.nan, math.nan)
    mean = float(values.mean())
    low, high = mean + stats.sem(values) * np.array(stats.t.interval(level, len(values) - 1))
    return Interval(mean, max(float(low), bounds[0]), min(float(high), bounds[1]))


def percentile_limits(resampled: np.ndarray, n_units: int) -> np.ndarray:
    """The expanded 95 % percentile limits of resampled statistics, (n_resamples, ...) floats: low and high, (2, ...).

    Resampling ``n_units`` units with replacement underestimates variance by (n - 1) / n and ignores that it is
    estimated at all. The expansion reads the percentiles further out, where the normal distribution has
    ``sqrt(n / (n - 1))`` times the t quantile; for many units it is the plain percentile interval.

    References
    ----------
    Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69 (2015).
    """
    quantile = stats.t.ppf((1 + LEVEL) / 2, n_units - 1) * math.sqrt(n_units / (n_units - 1))
    tail = stats.norm.sf(quantile)
    return np.nanquantile(resampled, [tail, 1 - tail], axis=0)


def subject_bootstrap(
    predictions: pd.DataFrame, classes: Sequence[str], score: Score, rng: np.random.Generator, n: int = 10_000
) -> Interval:
    """A pooled score with a 95 % interval that takes *people*, not clips, as what was sampled.

    Clips of one person are alike, so that resampling clips would promise too much. Whole subjects are drawn with
    replacement, `n` times, and the score is taken from the pooled confusion matrix of the draw. Of several runs it is
    the mean: one draw of subjects serves all of them, and runs are drawn too, so that the interval covers other people
    and other seeds, erring a little on the wide side. What training on other people would change is not in it. A class
    that a draw lacks takes no part in its UF1 and UAR. One subject alone gives NaN limits.

    Parameters
    ----------
    predictions : DataFrame
        A row for each clip, with columns truth, predicted (names of classes) and subject; a column run for several.

    Raises
    ------
    ValueError
        A column is missing, there is no row, a class is unknown, or runs differ in their clips.

    References
    ----------
    Field and Welsh, "Bootstrapping clustered data", JRSS B 69 (2007); Owen, "The pigeonhole bootstrap", Annals of
    Applied Statistics 1 (2007), for drawing subjects and runs at once; limits as in `percentile_limits`.
    """
    counts = _counts_by_subject(predictions, classes)  # (n_runs, n_subjects, k, k)
    n_runs, n_subjects = counts.shape[:2]
    estimate = float(np.mean(score(counts.sum(axis=1))))
    if n_subjects < 2:
        return Interval(estimate, math.nan, math.nan)
    subjects = rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), size=n)  # how often each is drawn
    matrices = np.einsum("ns,rsij->nrij", subjects, counts)
    runs = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=n) / n_runs
    resampled = (score(matrices) * runs).sum(axis=1)
    return Interval(estimate, *percentile_limits(resampled, n_subjects))


def _counts_by_subject(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Confusion matrices, (n_runs, n_subjects, k, k)."""
    needed = ("truth", "predicted", "subject")
    missing = [name for name in needed if name not in predictions]
    if missing or predictions.empty:
        found = f"without {', '.join(missing)}" if missing else "without a row"
        raise ValueError(f"expected a table of predictions with columns {', '.join(needed)}, found one {found}")
    names = predictions[["truth", "predicted"]]
    if unknown := sorted({str(name) for name in names.to_numpy().ravel()} - set(classes)):
        raise ValueError(f"expected classes among {', '.join(classes)}, found {', '.join(unknown)}")
    table = predictions.assign(run=predictions.get("run", 0))
    runs, subjects = (pd.factorize(table[name])[0] for name in ("run", "subject"))
    truth, predicted = (pd.Index(list(classes)).get_indexer(names[name]) for name in names)
    counts = np.zeros((runs.max() + 1, subjects.max() + 1, len(classes), len(classes)), dtype=int)
    np.add.at(counts, (runs, subjects, truth, predicted), 1)
    if (counts.sum(axis=(2, 3)) != counts[:1].sum(axis=(2, 3))).any():
        raise ValueError("expected every run to predict the same clips of the same subjects, found runs that differ")
    return counts


def _finite(values: Sequence[float]) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"expected a list of finite numbers, found {values!r}")
    return values
