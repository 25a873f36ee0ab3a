import numpy as np
import pytest

from lib import paper
from lib.errors import ConfigError
from lib.metrics import uar, uf1


@pytest.mark.parametrize("dataset", ["casme2_sq", "smic"])
def test_feasible_matrices_agree_with_every_published_fact(dataset):
    facts = paper.confusion_facts(dataset)
    matrices = paper.feasible_confusion_matrices(dataset)
    assert matrices
    for matrix in matrices:
        assert matrix.sum(axis=1).tolist() == facts["row_totals"]
        assert np.trace(matrix) == facts["correct"]
        assert round(uf1(matrix), 3) == facts["uf1"]
        assert round(uar(matrix), 3) == facts["uar"]


def test_the_published_facts_leave_one_matrix_for_smic_and_one_diagonal_for_casme2_sq():
    assert len(paper.feasible_confusion_matrices("smic")) == 1
    diagonals = {tuple(np.diag(matrix)) for matrix in paper.feasible_confusion_matrices("casme2_sq")}
    assert len(diagonals) == 1


@pytest.mark.parametrize("dataset", ["casme2_sq", "smic"])
def test_the_confusion_facts_give_the_accuracy_of_table_v(dataset):
    facts = paper.confusion_facts(dataset)
    accuracy = facts["correct"] / sum(facts["row_totals"])
    assert accuracy == pytest.approx(paper.accuracy("micro_exp_stcnn", dataset), abs=5e-5)


def test_class_counts_keep_unknown_cells_missing():
    counts = paper.class_counts("casme2_sq").set_index("class")
    assert counts.loc["angry", "released_code"] == 76
    assert counts["printed_total"].isna().sum() == 3


def test_a_dataset_that_the_paper_does_not_use_is_named_in_the_error():
    with pytest.raises(ConfigError, match="samm"):
        paper.class_counts("samm")
    with pytest.raises(ConfigError, match="samm"):
        paper.confusion_facts("samm")
