"""Tables and sentences of the chapters: what they must say, and what they must never say."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lib.audit import paper
from lib.audit.accuracies import validation_counts
from lib.datasets.clip import Clip, Dataset
from lib.networks import NETWORKS, build
from lib.networks.layers import architecture_table, unallocated
from lib.preprocessing import PreprocessConfig
from lib.report import prose, tables
from lib.training.records import RunConfig
from lib.training.splits import Fold

SCORES = {
    "epochs": 100,
    "best_epoch": 40,
    "n": 32,
    "majority_share": 0.59375,
    "last_epochs": 10,
    "accuracy_mean_last_epochs": 0.7,
    "accuracy_std_last_epochs": 0.02,
    **{
        f"{name}_{at}": value for at, value in (("best", 0.75), ("last", 0.6875)) for name in ("accuracy", "uf1", "uar")
    },
    "wilson_low_best": 0.579,
    "wilson_high_best": 0.867,
    "wilson_low_last": 0.514,
    "wilson_high_last": 0.820,
}


def record(standin, **scores):
    return SimpleNamespace(
        config=SimpleNamespace(model="micro_exp_stcnn"),
        provenance={"data": {"standin": {"standin": True} if standin else None}},
        summary=lambda: {**SCORES, **scores},
        confusion=lambda at: pd.DataFrame([[2, 1, 0], [0, 2, 0], [0, 1, 1]]),
    )


def smic(per_class=(3, 2, 1), standin=None):
    classes = ("negative", "positive", "surprise")
    clips = tuple(
        Clip(f"s{number}_{label}", "smic", f"s{number}", label, "nowhere", 0, 20, 100.0)
        for label, count in zip(classes, per_class, strict=True)
        for number in range(count)
    )
    return Dataset("smic", "nowhere", "raw", classes, clips, standin=standin)


def test_own_clips_are_compared_with_nothing():
    assert "paper, on the real dataset" not in tables.run_scores(record(standin=False), "class_folders").index


def test_the_gain_of_the_best_epoch_over_the_last_is_stated():
    assert "**+6.2 points**" in prose.run_sentences(record(standin=True))


@pytest.mark.parametrize(("majority", "word"), [(0.5, "above"), (0.6, "includes"), (0.95, "below")])
def test_a_run_is_compared_with_the_commonest_class(majority, word):
    assert word in prose.run_sentences(record(standin=True, majority_share=majority))


def test_settings_that_differ_from_the_paper_are_named():
    assert "These are the settings of the paper" in prose.settings_sentences(RunConfig("micro_exp_stcnn"), "smic")
    text = prose.settings_sentences(RunConfig("micro_exp_stcnn", epochs=6, learning_rate=0.001), "smic")
    assert "epochs 6 instead of 100; learning rate 0.001 instead of 0.01" in text


def test_settings_of_the_released_code_that_differ_from_the_papers_are_named():
    text = prose.settings_of_networks([RunConfig(model) for model in reversed(NETWORKS)], "smic")
    assert [line.split(":")[0] for line in text.splitlines()] == [
        f"- {paper.METHOD_NAMES[model]}" for model in NETWORKS
    ]
    intermediate = text.splitlines()[1]
    assert "4 clips a step where the paper has 8 and 250 epochs where the paper has 100" in intermediate
    assert "released code itself" not in prose.settings_sentences(RunConfig("micro_exp_stcnn"), "class_folders")


@pytest.mark.parametrize("standin", [True, False])
def test_clips_that_were_drawn_too_short_are_no_finding(standin):
    text = prose.length_sentences(pd.Series([11, 30, 40]), pd.Series([110.0, 300.0, 400.0]), 18, standin)
    assert "**1** of 3 clips have fewer" in text
    assert ("is no finding" in text) == standin


def test_examples_show_different_people_where_there_are_any():
    clips = pd.DataFrame({"label": ["a", "a", "b", "b", "c"], "subject": ["s1", "s2", "s1", "s2", "s1"]})
    assert tables.one_of_each_class(clips, ("a", "b", "c")) == [0, 3, 4]


def test_the_papers_matrix_has_our_order_of_classes_in_rows_and_columns():
    ((title, matrix),) = tables.published_matrices("casme2_sq").items()
    assert title == "paper's Table VI"
    assert matrix.sum(axis=1).tolist() == list(validation_counts("casme2_sq").values())
    assert np.trace(matrix) / matrix.sum() == pytest.approx(paper.accuracy("micro_exp_stcnn", "casme2_sq"), abs=5e-5)
    assert tables.published_matrices("class_folders") == {}


def test_a_network_that_answers_with_one_class_is_called_collapsed():
    run = record(standin=True)
    assert "collapsed" not in prose.run_sentences(run)
    constant = pd.DataFrame([[0, 3, 0], [0, 2, 0], [0, 2, 0]])
    run.confusion = lambda at: constant
    assert "at its best and its last epoch" in prose.run_sentences(run)
    run.confusion = lambda at: constant if at == "best" else pd.DataFrame([[1, 2, 0], [0, 2, 0], [0, 2, 0]])
    assert "at its best epoch it gives" in prose.run_sentences(run)


def test_the_scores_show_best_and_last_epoch_the_window_and_the_paper():
    shown = tables.run_scores(record(standin=True), "smic")
    assert shown.loc["best epoch (40), stand-in", "accuracy"] == "75.00%"
    assert shown.loc["last epoch (100), stand-in", "95 % interval"] == "51.4% to 82.0%"
    assert shown.loc["mean ± sd of the last 10 epochs, stand-in", "accuracy"] == "70.00% ± 2.00 points"
    assert shown.loc["paper, on the real dataset", "accuracy"] == "68.75%"


def test_only_scores_on_a_stand_in_are_marked_as_such():
    rows = tables.run_scores(record(standin=False), "smic").index
    assert not any("stand-in" in row for row in rows)
    rows = tables.run_scores(record(standin=True), "smic").index
    assert all("stand-in" in row or row.startswith("paper") for row in rows)


def test_counts_stand_beside_the_published_ones_and_their_contradiction_is_stated():
    data = smic()
    counts = tables.class_counts(data)
    assert counts.loc["all", "on disk"] == 6
    assert counts.loc["negative"].tolist() == [3, 66, 70, 79]
    text = prose.count_sentences(counts, data)
    assert "79 clips of class *negative* where the whole dataset has 70" in text
    assert "rendered" not in text
    assert "all of them rendered" in prose.count_sentences(counts, smic(standin={"standin": True}))


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


def test_the_contradicted_sizes_of_table_ii_are_told_and_those_of_table_i_are_none():
    with unallocated():
        second = architecture_table(build("micro_exp_fusenet_intermediate", (32, 32, 96)))
        first = architecture_table(build("micro_exp_stcnn", (64, 64, 96)))
    assert "`concatenate` 86400 for 172800" in prose.architecture_sentences(
        second, "micro_exp_fusenet_intermediate", 96
    )
    assert "contradict" not in prose.architecture_sentences(first, "micro_exp_stcnn", 96)
    assert "44,241,667 parameters" in prose.architecture_sentences(first, "micro_exp_stcnn", 96)


def test_shares_of_variance_sum_to_one_and_find_pure_movement():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (4, 5, 6, 6)).astype(np.uint8)
    assert sum(tables.variance_shares(noise).values()) == pytest.approx(1)
    still = np.repeat(noise[:, :1], 5, axis=1)
    assert tables.variance_shares(still)["over time"] == pytest.approx(0)
    flicker = np.broadcast_to(np.array([0, 200], np.uint8)[None, :, None, None], (3, 2, 4, 4))
    assert tables.variance_shares(flicker)["over time"] == pytest.approx(1)


def test_landmark_errors_are_in_units_of_the_distance_between_the_eyes():
    right = np.zeros((20, 68, 2), np.float32)
    right[:, 36:42, 0], right[:, 42:48, 0] = -5, 5  # eye centres 10 pixels apart
    found = right[2:6].copy()
    found[:, 48:68, 1] += 2  # the mouth is found 2 pixels too low
    store = SimpleNamespace(
        config=PreprocessConfig(frames=4, sampling="window", start=2),
        clips=pd.DataFrame({"clip_id": ["a"]}),
        landmarks=lambda: found[None],
    )
    errors = tables.landmark_errors(store, {"a": SimpleNamespace(landmarks=right)})
    assert errors.loc["mouth", "median"] == pytest.approx(0.2)
    assert errors.loc["eyes", "95th percentile"] == 0


def test_a_split_that_shares_people_says_how_many_validation_clips_it_concerns():
    store = SimpleNamespace(
        labels=np.array([0, 0, 1, 1]),
        classes=("negative", "positive"),
        dataset="class_folders",
        clips=pd.DataFrame({"subject": ["s1", "s2", "s1", "s3"]}),
    )
    fold = Fold("holdout", np.array([0, 1]), np.array([2, 3]))
    assert "50% of the validation clips show a person" in prose.split_sentences(store, fold)
    assert tables.split_counts(store, fold).loc["all"].tolist() == [2, 2]


def test_crop_movement_is_told_as_a_ratio():
    motion = pd.DataFrame({"authors' crop": [3.0, 4.0], "steady crop": [1.0, 2.0]})
    assert "2.0 to 3.0 times" in prose.crop_sentences(motion)
