"""How many clips and people a question needs, and which differences a given number of them can show.

Accuracy is a share of clips, so the tests here are binomial; that clips of one person are alike is brought in by the
design effect. Pure functions; what was measured is judged by `lib.statistics.intervals`.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

LARGEST = 200_000  # clips; no dataset of this field is within two orders of magnitude


def binomial_power(n: int | np.ndarray, p: float, difference: float, alpha: float = 0.05) -> np.ndarray:
    """Probability that n independent clips reject accuracy p, when the true accuracy is p - difference.

    Exact, two-sided, equal-tailed: p is rejected where the number of hits has a probability of at most alpha / 2 of
    being so low, or so high, under p. The true accuracy is higher where `difference` is negative. The result has the
    shape of `n`, a number or an array.

    >>> round(float(binomial_power(41, p=0.878, difference=0.1)), 2)
    0.43
    """
    return _share_rejected(np.asarray(n), p, _true_accuracy(p, difference), alpha)


def clips_needed(p: float, difference: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Independent clips from which on a difference from accuracy p is found with at least this power.

    The power of an exact test goes up and down like a saw as clips are added; the number returned is the first that
    no larger one falls behind. Multiply by the design effect for clips of few people.

    >>> clips_needed(p=0.878, difference=0.1)
    119

    References
    ----------
    Chernick and Liu, "The saw-toothed behavior of power versus sample size and software solutions", The American
    Statistician 56 (2002).
    """
    true = _true_accuracy(p, difference)
    _check_power(power)
    # the normal approximation, with room for the steps of an exact test
    spreads = stats.norm.isf([alpha / 2, 1 - power]) * np.sqrt([p * (1 - p), true * (1 - true)])
    upper = math.ceil(4 * ((spreads.sum() / difference) ** 2 + 1 / abs(difference))) + 50
    if upper > LARGEST:
        raise ValueError(f"a difference of {difference:g} takes more than {LARGEST // 4} clips: choose a larger one")
    short = np.flatnonzero(binomial_power(np.arange(1, upper + 1), p, difference, alpha) < power)
    return int(short[-1]) + 2 if len(short) else 1


def detectable_difference(n: int, p: float, power: float = 0.8, alpha: float = 0.05, step: float = 0.001) -> float:
    """The smallest drop below accuracy p that n independent clips find with this power, in steps of `step`.

    Pass clips / `design_effect` for clips of few people. NaN if even an accuracy of zero would not be found.

    >>> detectable_difference(41, p=0.878)
    0.17
    """
    _check_power(power)
    if n < 1:
        return math.nan
    drops = np.minimum(np.arange(step, p + step / 2, step), p)
    found = drops[_share_rejected(int(n), p, p - drops, alpha) >= power]
    return round(float(found[0]), 6) if len(found) else math.nan


def intraclass_correlation(correct: Sequence[float], subjects: Sequence) -> float:
    """How alike the clips of one person are: the intraclass correlation of being classified correctly.

    One-way analysis of variance estimator, for groups of unequal size; it may come out below zero, which is chance.

    Parameters
    ----------
    correct : (n_clips,) bools, or shares over several runs
    subjects : (n_clips,)
        Who is seen in each clip.

    Returns
    -------
    float
        NaN if it cannot be estimated: one subject, one clip per subject, or clips that are all alike.

    References
    ----------
    Donner, "A review of inference procedures for the intraclass correlation coefficient in the one-way random effects
    model", International Statistical Review 54 (1986).

    Examples
    --------
    >>> intraclass_correlation([1, 1, 0, 0], ["a", "a", "b", "b"])
    1.0
    """
    correct = np.asarray(correct, dtype=float)
    _, codes = np.unique(np.asarray(subjects), return_inverse=True)
    if len(codes) != len(correct):
        raise ValueError(f"expected a subject for every clip, found {len(codes)} for {len(correct)}")
    sizes = np.bincount(codes)
    n, k = len(correct), len(sizes)
    if k < 2 or n == k:
        return math.nan
    means = np.bincount(codes, weights=correct) / sizes
    between = np.sum(sizes * (means - correct.mean()) ** 2) / (k - 1)
    within = np.sum((correct - means[codes]) ** 2) / (n - k)
    typical_size = (n - np.sum(sizes**2) / n) / (k - 1)
    spread = between + (typical_size - 1) * within
    return float((between - within) / spread) if spread > 0 else math.nan


def design_effect(cluster_sizes: float | Sequence[float], icc: float) -> float:
    """How many times more clips are needed because clips of one person are alike.

    Parameters
    ----------
    cluster_sizes : float or sequence of float
        Clips per person: one number if all have equally many, else the size of each.
    icc : float
        `intraclass_correlation`; below zero or NaN counts as zero, so that no clip ever counts for more than one.

    References
    ----------
    Kish, "Survey Sampling", 1965; for unequal sizes the mean size is weighted by size.

    Examples
    --------
    >>> design_effect(10, icc=0.1)
    1.9
    """
    sizes = np.atleast_1d(np.asarray(cluster_sizes, dtype=float))
    weighted_size = np.sum(sizes**2) / np.sum(sizes)
    return float(1 + (weighted_size - 1) * (0.0 if math.isnan(icc) else max(icc, 0.0)))


def _share_rejected(n: int | np.ndarray, p: float, true: float | np.ndarray, alpha: float) -> np.ndarray:
    """Probability of a number of hits that rejects p, under the true accuracy."""
    lowest = stats.binom.ppf(alpha / 2, n, p)  # the first whose lower tail reaches alpha / 2; it may exceed it
    below = np.where(stats.binom.cdf(lowest, n, p) <= alpha / 2, lowest, lowest - 1)
    above = stats.binom.isf(alpha / 2, n, p)  # the probability of more hits than this is at most alpha / 2
    return stats.binom.cdf(below, n, true) + stats.binom.sf(above, n, true)


def _true_accuracy(p: float, difference: float) -> float:
    if not (0 < p < 1 and 0 <= p - difference <= 1 and difference != 0):
        raise ValueError(f"expected 0 < p < 1 and an accuracy p - difference in [0, 1], found {p} and {difference}")
    return p - difference


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        raise ValueError(f"power: expected a probability between 0 and 1, found {power!r}")
