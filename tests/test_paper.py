import numpy as np
import pytest
import yaml

from lib import paper, paths
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


@pytest.fixture
def claims_file(tmp_path, monkeypatch):
    """Write claims.yml in a folder of its own, from one good claim with some keys changed or left out (None)."""

    def write(*entries):
        good = {
            "id": "one",
            "statement": "A network is good.",
            "where": "abstract",
            "how": "Train it.",
            "test": "accuracy",
            "arguments": {"model": "micro_exp_stcnn", "dataset": "smic"},
        }
        content = [{key: value for key, value in {**good, **entry}.items() if value is not None} for entry in entries]
        (tmp_path / "claims.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        monkeypatch.setattr(paper, "PAPER_FOLDER", tmp_path)

    return write


def test_the_claims_of_the_paper_are_read_with_their_defaults():
    claims = {claim.id: claim for claim in paper.claims()}
    accuracy = claims["accuracy-stcnn-casme2-sq"]
    assert accuracy.values["accuracy"] == pytest.approx(paper.accuracy("micro_exp_stcnn", "casme2_sq"))
    assert accuracy.kind == "accuracy"
    assert claims["clips-smic"].kind == "audit"
    assert claims["clips-smic"].arithmetic[0] == "table-iv-smic"
    assert claims["kernel-3x3x15-best"].values["accuracy"] is None


def test_every_accuracy_and_ranking_among_the_claims_is_that_of_table_v():
    for claim in paper.claims():
        if claim.kind == "accuracy":
            assert claim.values["accuracy"] == pytest.approx(paper.accuracy(**claim.arguments))
        if claim.kind == "ranking":
            dataset = claim.arguments["dataset"]
            printed = [paper.accuracy(name, dataset) for name in claim.arguments["models"]]
            assert claim.values["accuracies"] == pytest.approx(printed)
            assert claim.values["accuracies"] == sorted(claim.values["accuracies"], reverse=True)


def test_every_chapter_that_a_claim_names_exists():
    for claim in paper.claims():
        assert claim.chapter is None or (paths.NOTEBOOKS / f"{claim.chapter}.ipynb").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statment": "x"}, "did you mean 'statement'"),
        ({"how": None}, "how missing"),
        ({"test": "acuracy"}, "did you mean 'accuracy'"),
        ({"test": "audit", "arguments": {}}, "audit with the id of a finding"),
        ({"test": "accuracy:x"}, "audit with the id of a finding"),
        ({"arguments": {"model": "micro_exp_stcnn"}}, "takes \\['model', 'dataset'\\], found \\['model'\\]"),
        ({"arguments": {"model": "micro_exp_stcn", "dataset": "smic"}}, "did you mean 'micro_exp_stcnn'"),
        ({"arguments": {"model": "micro_exp_stcnn", "dataset": "samm"}}, "found 'samm'"),
        ({"tolerance": "wide"}, "found 'wide'"),
    ],
)
def test_a_claim_that_cannot_be_used_is_named_with_what_was_expected(claims_file, change, message):
    claims_file(change)
    with pytest.raises(ConfigError, match=message) as refused:
        paper.claims()
    assert "claims.yml, one" in str(refused.value)


def test_an_id_that_stands_twice_is_refused(claims_file):
    claims_file({}, {})
    with pytest.raises(ConfigError, match="one more often"):
        paper.claims()


def test_a_fact_that_a_caller_changes_is_read_unchanged_the_next_time():
    paper.released_files()[0]["epochs"] = 1
    assert paper.released_files()[0]["epochs"] == 100
