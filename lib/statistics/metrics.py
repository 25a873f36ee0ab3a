"""Scores of a set of predictions, each from its confusion matrix.

Each takes one matrix (k, k), true classes as rows, or a stack (..., k, k) of them, as resampling makes it: of one
matrix the score is a float, of a stack an array. NaN where there is no clip.
"""

import math

import numpy as np


def accuracy(confusion: np.ndarray) -> float | np.ndarray:
    """Share of clips on the diagonal.

    >>> accuracy(np.array([[1, 1], [0, 2]]))
    0.75
    """
    confusion = np.asarray(confusion)
    return _share(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def uf1(confusion: np.ndarray) -> float | np.ndarray:
    """Unweighted F1: the mean over classes of F1, from counts pooled over all folds, as MEGC 2019 defines it.

    The mean runs over the classes that have a clip in the truth: F1 says nothing about a class that could not be
    found. A class that is never predicted scores 0.

    References
    ----------
    See, Yap, Li, Hong, Wang, "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.

    >>> round(uf1(np.array([[1, 1], [0, 2]])), 4)
    0.7333
    """
    confusion = np.asarray(confusion)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_over_present(2 * hits / np.maximum(true + predicted, 1), true > 0)


def uar(confusion: np.ndarray) -> float | np.ndarray:
    """Unweighted average recall: the mean of recall over the classes that have a clip in the truth (MEGC 2019).

    >>> uar(np.array([[1, 1], [0, 2]]))
    0.75
    """
    confusion = np.asarray(confusion)
    true, hits = confusion.sum(axis=-1), np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_over_present(hits / np.maximum(true, 1), true > 0)


def majority_share(confusion: np.ndarray) -> float:
    """Accuracy of always answering the commonest class of the truth, of one matrix: the score to beat.

    >>> majority_share(np.array([[1, 1], [0, 2]]))
    0.5
    """
    true = np.sum(confusion, axis=1)
    return _share(true.max(), true.sum())


def _mean_over_present(by_class: np.ndarray, present: np.ndarray) -> float | np.ndarray:
    return _share(np.where(present, by_class, 0.0).sum(axis=-1), present.sum(axis=-1))


def _share(part: np.ndarray, whole: np.ndarray) -> float | np.ndarray:
    share = np.where(whole > 0, part / np.maximum(whole, 1), math.nan)
    return float(share) if share.ndim == 0 else share
