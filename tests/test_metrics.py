import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from lib.statistics import metrics

# The row sums and hits of the paper's Tables VI and VII leave one (SMIC) and two matrices with the scores below.
CASME2_SQ = np.array([[11, 0, 1], [1, 19, 1], [1, 1, 6]])
SMIC = np.array([[14, 0, 5], [2, 2, 2], [1, 0, 6]])


@pytest.mark.parametrize(
    ("matrix", "hits", "uf1", "uar", "majority"),
    [(CASME2_SQ, 36 / 41, 0.852, 0.857, 0.512), (SMIC, 22 / 32, 0.626, 0.642, 0.594)],
)
def test_scores_of_the_papers_confusion_matrices_are_the_ones_worked_out_for_them(matrix, hits, uf1, uar, majority):
    assert metrics.accuracy(matrix) == pytest.approx(hits)
    assert metrics.uf1(matrix) == pytest.approx(uf1, abs=5e-4)
    assert metrics.uar(matrix) == pytest.approx(uar, abs=5e-4)
    assert metrics.majority_share(matrix) == pytest.approx(majority, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.permutation(np.repeat(np.arange(4), 8)), rng.integers(0, 4, 32)
    matrix = confusion_matrix(truth, predicted, labels=range(4))
    assert metrics.uf1(matrix) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert metrics.uar(matrix) == pytest.approx(balanced_accuracy_score(truth, predicted))


def test_a_constant_prediction_scores_the_majority_share_and_a_poor_uf1():
    matrix = np.array([[0, 12, 0], [0, 21, 0], [0, 8, 0]])
    assert metrics.accuracy(matrix) == metrics.majority_share(matrix)
    assert metrics.uar(matrix) == pytest.approx(1 / 3)
    assert metrics.uf1(matrix) == pytest.approx(2 * 21 / (21 + 41) / 3)


def test_a_class_that_the_truth_lacks_takes_no_part_in_the_means():
    matrix = np.array([[2, 0, 0], [0, 2, 0], [0, 0, 0]])
    assert metrics.uf1(matrix) == 1.0
    assert metrics.uar(matrix) == 1.0


def test_scores_without_any_clip_are_not_numbers():
    nothing = np.zeros((3, 3), dtype=int)
    assert all(math.isnan(score(nothing)) for score in (metrics.accuracy, metrics.uf1, metrics.uar))


@pytest.mark.parametrize("score", [metrics.accuracy, metrics.uf1, metrics.uar])
def test_a_stack_of_matrices_scores_as_each_of_them_alone(score):
    stack = np.array([[CASME2_SQ, SMIC], [np.diag([2, 0, 1]), np.zeros((3, 3), dtype=int)]])
    alone = [[score(matrix) for matrix in row] for row in stack]
    np.testing.assert_allclose(score(stack), alone)
    assert isinstance(score(CASME2_SQ), float)
