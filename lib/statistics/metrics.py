"""Scores of a set of predictions, each from its confusion matrix or from counts.

A score of one matrix is a float; of a stack of matrices, as resampling makes them, it is an array.
"""

import math

import numpy as np


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count clips by true class (rows) and predicted class (columns), (n_classes, n_classes) ints.

    `truth` and `predicted` are class indices in ``range(n_classes)``, (n,) ints.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), n_classes=2)
    array([[1, 1],
           [0, 1]])
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape:
        raise ValueError(f"expected as many predictions as truths, found {predicted.shape} and {truth.shape}")
    matrix = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def accuracy(confusion: np.ndarray) -> float | np.ndarray:
    """Share of clips on the diagonal, of one (k, k) matrix or a stack (..., k, k) of them; NaN without clips.

    >>> accuracy(np.array([[1, 1], [0, 2]]))
    0.75
    """
    confusion = np.asarray(confusion)
    return _share(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def uf1(confusion: np.ndarray) -> float | np.ndarray:
    """Unweighted F1: the mean over classes of F1, from counts pooled over all folds, as MEGC 2019 defines it.

    The mean runs over the classes that have a clip in the truth: F1 says nothing about a class that could not be
    found. A class that is never predicted scores 0. Takes one (k, k) matrix or a stack (..., k, k); NaN without clips.

    References
    ----------
    See, Yap, Li, Hong, Wang, "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.

    Examples
    --------
    >>> round(uf1(np.array([[1, 1], [0, 2]])), 4)
    0.7333
    """
    confusion = np.asarray(confusion)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_over_present(2 * hits / np.maximum(true + predicted, 1), true > 0)


def uar(confusion: np.ndarray) -> float | np.ndarray:
    """Unweighted average recall: the mean of recall over the classes that have a clip in the truth (MEGC 2019).

    Takes one (k, k) matrix or a stack (..., k, k) of them; NaN without clips.

    >>> uar(np.array([[1, 1], [0, 2]]))
    0.75
    """
    confusion = np.asarray(confusion)
    true, hits = confusion.sum(axis=-1), np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_over_present(hits / np.maximum(true, 1), true > 0)


def majority_share(confusion: np.ndarray) -> float:
    """Accuracy of always answering the commonest class of the truth: the score to beat.

    >>> majority_share(np.array([[1, 1], [0, 1]]))  # doctest: +ELLIPSIS
    0.666...
    """
    true = np.sum(confusion, axis=1)
    return float(true.max() / true.sum()) if true.sum() else math.nan


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for a proportion: within [0, 1], and good for a few dozen clips.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(36, 41)]
    [0.745, 0.947]
    """
    from statsmodels.stats.proportion import proportion_confint  # here: it takes a second to load

    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"expected 0 <= successes <= trials and at least one trial, found {successes} of {trials}")
    low, high = proportion_confint(successes, trials, method="wilson")
    return float(low), float(high)


def _mean_over_present(by_class: np.ndarray, present: np.ndarray) -> float | np.ndarray:
    return _share(np.where(present, by_class, 0.0).sum(axis=-1), present.sum(axis=-1))


def _share(part: np.ndarray, whole: np.ndarray) -> float | np.ndarray:
    share = np.where(whole > 0, part / np.maximum(whole, 1), math.nan)
    return float(share) if share.ndim == 0 else share
