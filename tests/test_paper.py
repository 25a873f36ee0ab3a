import shutil

import pytest
import yaml

from lib.audit import paper
from lib.audit.claims import claims
from lib.core import paths
from lib.core.errors import ConfigError


@pytest.mark.parametrize("dataset", paper.DATASETS)
def test_rows_and_columns_of_a_confusion_matrix_are_the_same_classes(dataset):
    matrix = paper.confusion_matrix(dataset)
    assert list(matrix.index) == list(matrix.columns)
    assert set(matrix.index) == set(paper.class_counts(dataset).index) - {"all"}


def test_a_dataset_that_the_paper_does_not_use_is_named_in_the_error():
    for read in (paper.class_counts, paper.confusion_matrix, paper.dataset_facts):
        with pytest.raises(ConfigError, match="samm"):
            read("samm")


@pytest.mark.parametrize("name", ["table_I.csv", "table_IV.csv", "table_VI.csv", "table_VIII.csv", "table_IX.csv"])
def test_an_empty_cell_is_named_with_its_table_row_and_column(tmp_path, monkeypatch, name):
    shutil.copytree(paper.PAPER_FOLDER, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / name).read_text().splitlines()
    lines[2] = lines[2].rpartition(",")[0] + ","
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(paper, "PAPER_FOLDER", tmp_path)
    readers = {
        "table_I.csv": lambda: paper.architecture("micro_exp_stcnn"),
        "table_IV.csv": lambda: paper.class_counts("smic"),
        "table_VI.csv": lambda: paper.confusion_matrix("casme2_sq"),
        "table_VIII.csv": paper.stability,
        "table_IX.csv": paper.kernel_accuracies,
    }
    column = lines[0].split(",")[-1]
    with pytest.raises(ConfigError, match=rf"{name}.*row 2, column '{column}'"):
        readers[name]()


def test_layers_of_the_papers_tables_have_names_of_their_own():
    for model in paper.METHOD_NAMES:
        assert paper.architecture(model)["layer"].is_unique


@pytest.fixture
def claims_file(tmp_path, monkeypatch):
    """Write claims.yml in a folder of its own, from one good claim with some keys changed or left out (None)."""

    def write(*entries):
        good = {
            "id": "one",
            "group": "Claims",
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
    by_id = {claim.id: claim for claim in claims()}
    accuracy = by_id["accuracy-stcnn-casme2-sq"]
    assert accuracy.values["accuracy"] == pytest.approx(paper.accuracy("micro_exp_stcnn", "casme2_sq"))
    assert accuracy.kind == "accuracy"
    assert by_id["clips-smic"].kind == "audit"
    assert by_id["clips-smic"].arithmetic[0] == "table-iv-smic"


def test_every_accuracy_and_ranking_among_the_claims_is_that_of_table_v():
    for claim in claims():
        if claim.kind == "accuracy":
            assert claim.values["accuracy"] == pytest.approx(paper.accuracy(**claim.arguments))
        if claim.kind == "ranking":
            dataset = claim.arguments["dataset"]
            printed = [paper.accuracy(name, dataset) for name in claim.arguments["models"]]
            assert claim.values["accuracies"] == pytest.approx(printed)
            assert claim.values["accuracies"] == sorted(claim.values["accuracies"], reverse=True)


def test_means_and_deviations_among_the_claims_are_those_of_table_viii():
    stable = [claim for claim in claims() if claim.kind == "stability"]
    assert len(stable) == len(paper.stability())
    for claim in stable:
        assert [claim.values["mean"], claim.values["sd"]] == pytest.approx(list(paper.last_epochs(**claim.arguments)))


def test_every_chapter_that_a_claim_names_exists():
    for claim in claims():
        assert claim.chapter is None or (paths.NOTEBOOKS / f"{claim.chapter}.ipynb").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statment": "x"}, "did you mean 'statement'"),
        ({"how": None}, "how: Field required"),
        ({"test": "acuracy"}, "did you mean 'accuracy'"),
        ({"test": "audit", "arguments": {}}, "expected 'audit:<finding id>'"),
        ({"test": "accuracy:x"}, "expected 'audit:<finding id>'"),
        (
            {"arguments": {"model": "micro_exp_stcnn"}},
            "'model'\\], found \\['model'\\]",
        ),
        ({"arguments": {"model": "micro_exp_stcn", "dataset": "smic"}}, "did you mean 'micro_exp_stcnn'"),
        ({"arguments": {"model": "micro_exp_stcnn", "dataset": "samm"}}, "found 'samm'"),
        ({"tolerance": "wide"}, "found 'wide'"),
    ],
)
def test_a_claim_that_cannot_be_used_is_named_with_what_was_expected(claims_file, change, message):
    claims_file(change)
    with pytest.raises(ConfigError, match=message) as refused:
        claims()
    assert "claims.yml, one" in str(refused.value)


def test_an_id_that_stands_twice_is_refused(claims_file):
    claims_file({}, {})
    with pytest.raises(ConfigError, match="one more often"):
        claims()


def test_a_fact_that_a_caller_changes_is_read_unchanged_the_next_time():
    paper.released_files()[0]["epochs"] = 1
    assert paper.released_files()[0]["epochs"] == 100
