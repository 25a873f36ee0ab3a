"""Tables that several chapters show."""

import numpy as np
import pandas as pd
import pytest
from fake_outcomes import FakeRecord
from fake_store import FakeStore

from lib.audit import paper
from lib.audit.accuracies import validation_counts
from lib.core.errors import ConfigError
from lib.networks import NETWORKS, build
from lib.networks.layers import architecture_table, unallocated
from lib.report import tables
from lib.training.records import RunConfig


def test_examples_show_different_people_where_there_are_any():
    clips = pd.DataFrame({"label": ["a", "a", "b", "b", "c"], "subject": ["s1", "s2", "s1", "s2", "s1"]})
    assert tables.one_of_each_class(clips, ("a", "b", "c")) == [0, 3, 4]
    assert tables.one_of_each_class(clips, ("a", "none of this", "c")) == [0, 4]


def test_the_papers_matrix_has_our_order_of_classes_in_rows_and_columns():
    ((title, matrix),) = tables.published_matrices("casme2_sq", ("angry", "happy", "disgust")).items()
    assert title == "paper's Table VI"
    assert matrix.sum(axis=1).tolist() == list(validation_counts("casme2_sq").values())
    assert np.trace(matrix) / matrix.sum() == pytest.approx(paper.accuracy("micro_exp_stcnn", "casme2_sq"), abs=5e-5)
    assert tables.published_matrices("class_folders", ("angry", "happy", "disgust")) == {}


@pytest.mark.parametrize(
    "classes", [("anger", "disgust", "happiness"), ("happy", "angry", "disgust"), ("angry", "happy")]
)
def test_the_papers_matrix_is_not_shown_under_the_names_of_other_classes(classes):
    assert tables.published_matrices("casme2_sq", classes) == {}


@pytest.mark.parametrize("model", sorted(NETWORKS))
def test_an_architecture_agrees_with_the_paper_s_table_but_for_the_marked_cells(model):
    side = 64 if model == "micro_exp_stcnn" else 32
    with unallocated():
        layers = architecture_table(build(model, (side, side, 96)))
    shown = tables.architecture(layers, model, depth=96)
    printed = shown[f"paper, Table {paper.ARCHITECTURE_TABLES[model]}"]
    rows = printed[printed != ""]
    assert len(rows) == len(paper.architecture(model))
    for layer, size in rows.items():
        if shown.loc[layer, "kind"] == "not in the code":
            assert (model, layer) == ("micro_exp_stcnn", "dropout_3")
        else:
            assert size.endswith("✗") == (size != shown.loc[layer, "output"])


def test_settings_stand_beside_the_published_ones_and_those_of_the_released_code():
    config = RunConfig("micro_exp_fusenet_intermediate", epochs=6, learning_rate=0.001)
    shown = tables.settings(config, "smic")
    assert shown["epochs"].to_dict() == {"here": 6, "published": 100, "released code": 250}
    assert shown["batch size"].to_dict() == {"here": 8, "published": 8, "released code": 4}
    assert shown["learning rate"].to_dict() == {"here": 0.001, "published": 0.01, "released code": ""}
    assert list(tables.settings(config, "class_folders").index) == ["here", "published"]


@pytest.mark.parametrize("dataset", ["casme2_sq", "class_folders"])
def test_the_parts_of_a_split_are_counted_beside_the_papers(dataset):
    store = FakeStore(dataset=dataset)
    training, validation = tables.divided(RunConfig("micro_exp_stcnn"), store)
    shown = tables.split(store, training, validation)
    parts = shown[["training", "validation"]].drop("all")
    assert parts.sum(axis=1).to_dict() == dict(zip(store.classes, store.clips_per_class, strict=True))
    assert shown.loc["all", ["training", "validation"]].tolist() == [len(training), len(validation)]
    assert shown.get("validation, paper", pd.Series()).to_dict() == (
        {**validation_counts(dataset), "all": 41} if dataset in paper.DATASETS else {}
    )


def test_what_a_run_is_scored_on_is_that_of_its_own_protocol():
    store = FakeStore()
    training, validation = tables.divided(RunConfig("micro_exp_stcnn", "validated_on_training_clips"), store)
    assert len(validation) == len(store.labels) > len(training)
    with pytest.raises(ConfigError, match="'loso' with"):
        tables.divided(RunConfig("micro_exp_stcnn", "loso"), store)


@pytest.mark.parametrize(("model", "clips"), [(NETWORKS[0], "the real dataset"), (NETWORKS[1], "all real clips")])
def test_the_scores_of_a_training_stand_beside_the_commonest_class_and_the_papers_accuracy(model, clips):
    truth = pd.DataFrame({"clip": list("abcd"), "fold": "0", "truth": ["negative", "negative", "positive", "surprise"]})
    record = FakeRecord(RunConfig(model), truth, right=0.0, gain=1.0)  # all right at the best epoch, none at the last
    shown = tables.scores(record, "smic").data
    accuracies = {"best epoch": 1, "last epoch": 0, "mean of the last ten": 0.5, "always the commonest class": 0.5}
    assert shown["accuracy"].to_dict() == {**accuracies, f"paper, on {clips}": paper.accuracy(model, "smic")}
    assert shown.loc["best epoch", ["UF1", "UAR", "high"]].tolist() == [1, 1, 1]
    assert list(tables.scores(record, "class_folders").data.index) == list(accuracies)


@pytest.mark.parametrize("standin", [True, False])
def test_only_a_table_of_a_stand_in_is_marked_as_such(standin):
    page = tables.marked(pd.DataFrame({"accuracy": [0.5]}), standin).to_html()
    assert ("stand-in" in page) == standin
