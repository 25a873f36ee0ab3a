"""The audit on the tables as they are, and on copies with a cell changed: each finding must answer to its table."""

import itertools
import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from IPython import display

from lib import audit
from lib.audit import (
    accuracies,
    architectures,
    counts,
    epochs,
    kernels,
    lattice,
    method,
    paper,
    prior,
    released,
    splits,
)
from lib.audit.claims import claims
from lib.book import provenance
from lib.cli import main
from lib.core import paths
from lib.report import figures

STCNN, INTERMEDIATE, LATE = paper.METHOD_NAMES


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A copy of data/paper in place of the real one."""
    folder = tmp_path / "paper"
    shutil.copytree(paper.PAPER_FOLDER, folder)
    monkeypatch.setattr(paper, "PAPER_FOLDER", folder)
    return folder


def change_csv(path, column, value, **where):
    """Set cells of one column, in the rows where the other columns have the given values."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = np.logical_and.reduce([table[name] == str(wanted) for name, wanted in where.items()])
    assert rows.any()
    table.loc[rows, column] = str(value)
    table.to_csv(path, index=False)


def change_yaml(path, change):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def change_code(tables, change, dataset=None):
    """Change the entries of the released FuseNets' files."""

    def apply(content):
        for entry in content["files"]:
            if entry["model"] != "micro_exp_stcnn" and entry["dataset"] == (dataset or entry["dataset"]):
                change(entry)

    change_yaml(tables / "released_code.yml", apply)


# --- lattice ----------------------------------------------------------------------------------------------------------


def test_every_share_of_a_size_is_found_again_from_its_two_decimals():
    for trials in (7, 32, 41, 203):
        for count in range(trials + 1):
            assert lattice.successes(round(100 * count / trials, 2), trials) == count


def test_a_percentage_between_two_shares_has_no_count():
    assert lattice.successes(83.25, 41) is None
    assert lattice.nearest_count(83.25, 41) == 34


def test_both_roundings_of_a_tie_are_allowed():
    assert lattice.successes(3.12, 32) == lattice.successes(3.13, 32) == 1  # 3.125


def test_one_size_explains_both_fusenets_of_a_dataset():
    assert lattice.explaining_sizes([83.25, 79.31], 357) == [203]
    assert lattice.explaining_sizes([54.77, 64.82], 357) == [199]


def test_arbitrary_pairs_are_explained_as_rarely_as_simulated():
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 10001, size=(20000, 2)) / 100
    sizes = [11, 17, 29]
    explained = np.mean([bool(set(sizes) & set(lattice.explaining_sizes(pair, 29))) for pair in pairs[:2000]])
    assert explained <= lattice.chance_of_explaining(2, sizes) + 0.003
    alone = np.mean([all(lattice.successes(one, 357) is not None for one in pair) for pair in pairs])
    assert lattice.chance_of_explaining(2, [357]) == pytest.approx(alone, abs=0.0015)
    assert lattice.chance_of_explaining(1, range(1, 358)) == 1


def test_a_size_below_one_is_refused():
    with pytest.raises(ValueError, match="found 0"):
        lattice.nearest_count(50, 0)


# --- accuracies -------------------------------------------------------------------------------------------------------


def test_fusenet_accuracies_are_no_shares_of_the_validation_clips_but_of_all_that_the_code_reads():
    for model in released.FUSENETS:
        for dataset, clips in (("casme2_sq", 203), ("smic", 199)):
            found = accuracies.check_held_out(model, dataset)
            assert found.status == "contradicted"
            assert found.values["explaining_sizes"] == [clips]
            assert found.values["clips_fed"] == clips
            assert found.values["chance_of_fed"] == pytest.approx(((clips + 1) / 10001) ** 2, rel=0.01)


def test_a_fusenet_accuracy_that_is_a_share_of_the_validation_clips_would_hold_and_be_bounded_by_nothing(tables):
    change_csv(tables / "table_V.csv", "casme2_sq", f"{100 * 36 / 41:.2f}", model="micro_exp_fusenet_late")
    assert accuracies.check_held_out("micro_exp_fusenet_late", "casme2_sq").status == "holds"
    assert accuracies.check_held_out_bounds("micro_exp_fusenet_late", "casme2_sq").status == "holds"


def test_a_size_of_the_released_code_that_explains_no_accuracy_has_no_chance(tables):
    change_csv(tables / "table_V.csv", "casme2_sq", "83.29", model="micro_exp_fusenet_late")
    values = accuracies.check_held_out("micro_exp_fusenet_late", "casme2_sq").values
    assert values["clips_fed"] == 203
    assert "chance_of_fed" not in values


def test_stcnn_accuracies_are_shares_and_one_hundredth_more_is_not(tables):
    assert accuracies.check_held_out("micro_exp_stcnn", "casme2_sq").status == "holds"
    change_csv(tables / "table_V.csv", "casme2_sq", "87.81", model="micro_exp_stcnn")
    found = accuracies.check_held_out("micro_exp_stcnn", "casme2_sq")
    assert found.status == "contradicted"
    assert all(lattice.successes(87.81, size) is not None for size in found.values["explaining_sizes"])


def test_the_intermediate_network_scores_on_smic_what_one_constant_answer_scores(tables):
    found = accuracies.check_constant_in_table_v()
    assert found.values == {f"{INTERMEDIATE} smic": {"class": "negative", "count": 109, "n": 199}}
    change_code(tables, lambda entry: entry.update(copies=[1, 1, 1]), dataset="smic")
    assert accuracies.check_constant_in_table_v().status == "holds"


def test_held_out_bounds_are_reached_by_a_network_that_learned_all_by_heart():
    training, held = 162, 41
    low, high = accuracies.held_out_bounds(100 * 169 / 203, training + held)
    assert low == pytest.approx(100 * (169 - training) / held)
    assert high == 100


def test_a_network_with_fewer_right_answers_than_held_out_clips_is_bounded_from_above():
    low, high = accuracies.held_out_bounds(10, 200)
    assert (low, high) == (0, 50)


# --- Table VIII -------------------------------------------------------------------------------------------------------


def test_pairs_of_mean_and_deviation_are_those_of_all_epochs_that_can_be():
    rng = np.random.default_rng(0)
    clips, runs = 7, rng.integers(0, 8, size=(200, 4))
    for ddof in (0, 1):
        pairs = lattice.epoch_pairs(clips, ddof, (0, 100), (0, 60), n_epochs=4)
        known = {(pair.total, pair.squares) for pair in pairs}
        assert {(int(run.sum()), int((run**2).sum())) for run in runs} <= known
        every = itertools.product(range(clips + 1), repeat=4)
        assert known == {(sum(run), sum(one**2 for one in run)) for run in every}
        by_sums = {(pair.total, pair.squares): pair for pair in pairs}
        for run in runs[:20]:
            pair = by_sums[int(run.sum()), int((run**2).sum())]
            assert pair.mean == pytest.approx(100 * run.mean() / clips)
            assert pair.sd == pytest.approx(100 * run.std(ddof=ddof) / clips)


@pytest.mark.parametrize("dataset", paper.DATASETS)
def test_stcnn_s_last_epochs_fit_the_validation_clips_by_the_sample_formula_only(dataset):
    found = epochs.check_cell(STCNN, dataset)
    assert found.status == "holds"
    assert found.values["ddof"] == [1]


def test_the_fusenets_last_epochs_fit_no_validation_clips_but_all_that_are_fed():
    for model, dataset in itertools.product(released.FUSENETS, paper.DATASETS):
        found = epochs.check_cell(model, dataset)
        assert found.status == "contradicted"
        rounded = (model, dataset) == (INTERMEDIATE, "smic")
        assert (found.values["total_of_fed"] is None) == rounded
        assert ("of_rounded_logs" in found.values) == rounded


@pytest.mark.parametrize(("column", "value"), [("mean", "82.21"), ("sd", "5.03")])
def test_a_hundredth_more_in_table_viii_is_impossible(tables, column, value):
    change_csv(tables / "table_VIII.csv", column, value, model=STCNN, dataset="casme2_sq")
    assert epochs.check_cell(STCNN, "casme2_sq").status == "contradicted"


def test_the_last_epochs_decide_whether_an_earlier_method_is_beaten_at_the_end_of_training(tables):
    assert epochs.check_mean_beats_prior("smic").status == "contradicted"
    assert epochs.check_mean_beats_prior("casme2_sq").status == "holds"
    change_csv(tables / "table_VIII.csv", "mean", "65.00", model=STCNN, dataset="smic")
    assert epochs.check_mean_beats_prior("smic").status == "holds"


def test_table_v_is_above_the_last_epochs_of_all_six_networks_until_one_is_not(tables):
    assert epochs.check_best_above_mean().status == "contradicted"
    change_csv(tables / "table_VIII.csv", "mean", "68.75", model=STCNN, dataset="smic")
    assert epochs.check_best_above_mean().status == "note"


def test_one_network_does_worse_than_a_constant_answer_at_its_end(tables):
    assert list(epochs.check_mean_above_constant().values) == [f"{INTERMEDIATE} smic"]
    change_csv(tables / "table_VIII.csv", "mean", "54.80", model=INTERMEDIATE, dataset="smic")
    assert epochs.check_mean_above_constant().status == "holds"


def test_stability_on_two_datasets_differs_once_an_f_test_says_so(tables):
    assert {epochs.check_steadier(model).status for model in paper.METHOD_NAMES} == {"note"}
    change_csv(tables / "table_VIII.csv", "sd", "2.00", model=STCNN, dataset="smic")
    assert epochs.check_steadier(STCNN).status == "holds"
    change_csv(tables / "table_VIII.csv", "sd", "20.00", model=STCNN, dataset="smic")
    assert epochs.check_steadier(STCNN).status == "contradicted"


# --- Table IX ---------------------------------------------------------------------------------------------------------


def test_six_kernels_score_as_constant_answers_and_a_corrected_cell_takes_one_away(tables):
    assert len(kernels.check_constant().values["constant"]) == 6
    change_csv(tables / "table_IX.csv", "accuracy", "53.66", height=7, width=7, depth=19)
    assert len(kernels.check_constant().values["constant"]) == 5
    assert kernels.check_constant().status == "contradicted"


def test_a_better_kernel_in_table_ix_contradicts_the_best_one(tables):
    assert kernels.check_best().status == "holds"
    change_csv(tables / "table_IX.csv", "accuracy", "90.24", height=7, width=7, depth=19)
    assert kernels.check_best().status == "contradicted"


def test_a_share_in_place_of_an_impossible_value_lets_table_ix_fit_its_clips(tables):
    assert kernels.check_lattice().values["impossible"] == [63.30]
    change_csv(tables / "table_IX.csv", "accuracy", "63.41", height=5, width=5, depth=3)
    assert kernels.check_lattice().status == "holds"


@pytest.fixture
def rising(tables):
    """Table IX as the conclusion has it: every deeper kernel better, every larger one worse."""
    cells = pd.read_csv(tables / "table_IX.csv")
    order = (cells["depth"].rank(method="dense") * 5 - cells["height"]).astype(int)
    cells["accuracy"] = (100 * (order + 13) / 41).round(2)
    cells.to_csv(tables / "table_IX.csv", index=False)
    return cells


def test_depth_helps_in_a_table_that_rises_with_it_and_not_in_the_printed_one(rising):
    assert kernels.check_deeper().status == "holds"
    assert kernels.check_smaller().status == "holds"
    assert kernels.check_deep_and_small().status == "holds"


def test_the_printed_table_falls_with_depth():
    found = kernels.check_deeper()
    assert found.status == "contradicted"
    assert list(found.values["means"].values()) == sorted(found.values["means"].values(), reverse=True)


def test_larger_kernels_that_do_better_contradict_that_smaller_ones_do(tables):
    for depth in (3, 7, 15, 19):
        change_csv(tables / "table_IX.csv", "accuracy", "97.56", height=7, width=7, depth=depth)
    assert kernels.check_smaller().status == "contradicted"
    assert kernels.check_deep_and_small().status == "contradicted"


def test_the_number_of_weights_separates_constant_kernels_best():
    wrong = kernels.check_taps().values["wrong"]
    assert wrong["taps"] == min(wrong.values())
    table = kernels.kernels()
    by_hand = min(int(((table["taps"] >= cut) != (table["constant"] != "")).sum()) for cut in range(1, 1000))
    assert wrong["taps"] == by_hand


def test_a_constant_of_the_commonest_class_is_what_a_network_can_learn(tables):
    assert kernels.check_first_class().status == "note"
    for height, depth in ((3, 19), (5, 19), (7, 15)):
        change_csv(tables / "table_IX.csv", "accuracy", "51.22", height=height, width=height, depth=depth)
    assert kernels.check_first_class().status == "holds"


def test_the_weights_that_the_code_names_carry_table_v_in_their_names(tables):
    assert len(accuracies.check_best_epoch().values["epochs"]) == 4

    def rename(content):
        for entry in content["files"]:
            entry["checkpoint"]["accuracy"] = 0.5

    change_yaml(tables / "released_code.yml", rename)
    assert accuracies.check_best_epoch().status == "note"


# --- counts -----------------------------------------------------------------------------------------------------------


def test_sums_of_table_iv_hold_until_a_cell_changes(tables):
    assert counts.check_sums().status == "holds"
    change_csv(tables / "table_IV.csv", "validation", 9, dataset="casme2_sq", **{"class": "disgust"})
    found = counts.check_sums()
    assert found.status == "contradicted"
    assert len(found.values["wrong"]) == 2  # the sum of the column, and of the row


def test_a_class_is_the_sum_of_its_training_and_validation_clips_until_a_cell_changes(tables):
    change_csv(tables / "table_IV.csv", "training", 61, dataset="smic", **{"class": "negative"})
    assert any("61 + 19 = 80" in one for one in counts.check_sums().values["wrong"])


def test_smic_has_fewer_negative_clips_than_printed(tables):
    assert counts.check_official_counts().values["impossible"] == {"negative": [79, 70]}
    change_csv(tables / "table_IV.csv", "total", 66, dataset="smic", **{"class": "negative"})
    assert counts.check_official_counts().status == "holds"


def test_two_validation_counts_of_smic_were_exchanged_and_none_of_casme2_sq(tables):
    assert counts.check_exchange().values["exchanged"] == {"smic": {"negative": "positive", "positive": "negative"}}
    change_csv(tables / "table_IV.csv", "training", 66 - 19, dataset="smic", **{"class": "negative"})
    change_csv(tables / "table_IV.csv", "training", 47 - 6, dataset="smic", **{"class": "positive"})
    assert counts.check_exchange().status == "holds"


def test_training_counts_that_no_exchange_explains_prove_none(tables):
    change_csv(tables / "table_IV.csv", "training", 1, dataset="smic", **{"class": "negative"})
    assert counts.check_exchange().status == "holds"


def test_long_videos_are_counted_by_the_annotations_and_may_be_enough(tables):
    assert counts.check_long_videos().status == "contradicted"
    change_yaml(tables / "datasets.yml", lambda facts: facts["casme2_sq"].update(shorter_than_96=100))
    assert counts.check_long_videos().status == "holds"


def test_a_code_that_skips_no_frame_would_read_the_early_ones(tables):
    assert counts.check_early_frames().values["skipped"] == 72

    def start(content):
        for entry in content["files"]:
            entry["first_frame"] = 0

    change_yaml(tables / "released_code.yml", start)
    assert counts.check_early_frames().status == "holds"


def test_other_profiles_of_smic_suit_no_deep_filter_unless_they_were_faster(tables):
    assert counts.check_smic_profiles().status == "holds"
    change_yaml(tables / "datasets.yml", lambda facts: facts["smic"].update(other_profiles_fps=50))
    assert counts.check_smic_profiles().status == "contradicted"


def test_casme2_sq_has_fewer_micro_expressions_than_printed_clips(tables):
    assert counts.check_micro_expressions().status == "contradicted"
    change_csv(tables / "table_IV.csv", "total", 57, dataset="casme2_sq", **{"class": "all"})
    assert counts.check_micro_expressions().status == "holds"


def test_a_clip_of_96_frames_is_longer_than_any_annotated_micro_expression(tables):
    durations = counts.clip_durations().loc["casme2_sq"]
    assert durations.round().tolist() == [300, 567, 3200, 5600]
    assert counts.check_durations().status == "contradicted"
    change_yaml(tables / "datasets.yml", lambda facts: facts["casme2_sq"].update(fps=200, micro_frames=[50, 100]))
    assert counts.check_durations().status == "holds"


@pytest.mark.parametrize("told", ["rows of [18, 6, 7]", "21 right"])
def test_confusion_matrices_agree_until_a_cell_of_the_diagonal_changes(tables, told):
    assert counts.check_confusion_matrices().status == "holds"
    change_csv(tables / "table_VII.csv", "negative", 13, **{"class": "negative"})
    found = counts.check_confusion_matrices()
    assert found.status == "contradicted"
    assert any(told in one for one in found.values["wrong"])


def test_class_scores_follow_from_the_matrices(tables):
    before = counts.check_class_scores("smic").values
    assert before["weak"] == ["positive"]
    change_csv(tables / "table_VII.csv", "positive", 6, **{"class": "positive"})
    after = counts.check_class_scores("smic").values
    assert after["uar"] > before["uar"]
    assert after["recall"]["positive"] == [6, 10]


def test_the_best_earlier_method_lies_within_the_interval_on_both_datasets():
    for dataset in paper.DATASETS:
        found = prior.check_beats(dataset, "prior")
        assert found.status == "note"
        assert found.values["low"] < found.values["reference"] < found.values["published"]


@pytest.mark.parametrize(("earlier", "status"), [("70.00", "holds"), ("80.00", "note"), ("90.00", "contradicted")])
def test_an_earlier_accuracy_below_within_or_above_the_interval_decides_the_comparison(tables, earlier, status):
    change_csv(tables / "table_V.csv", "casme2_sq", earlier, method="CNN with Augmentation")
    assert prior.check_beats("casme2_sq", "prior").status == status


def test_the_majority_class_is_beaten_on_casme2_sq_and_not_excluded_on_smic():
    assert prior.check_beats("casme2_sq", "majority").status == "holds"
    assert prior.check_beats("smic", "majority").status == "note"


def test_an_accuracy_under_a_dataset_that_its_source_did_not_use_leaves_nothing_to_outperform(tables):
    found = prior.check_prior_dataset()
    assert [one["accuracy"] for one in found.values["misplaced"]] == [78.02]
    assert prior.check_prior_left("casme2_sq").status == "contradicted"
    assert prior.check_prior_left("smic").values["left"] == 3
    change_yaml(tables / "datasets.yml", lambda facts: facts["measured_on"].update(takalkar2017=["casme2_sq"]))
    assert prior.check_prior_dataset().status == "holds"
    assert prior.check_prior_left("casme2_sq").status == "holds"


def test_earlier_accuracies_on_smic_are_shares_of_all_its_clips_but_one(tables):
    counts_of = prior.check_prior_sizes().values["counts"]
    assert [name for name, count in counts_of.items() if count is None] == ["LBP-TOP"]
    change_csv(tables / "table_V.csv", "smic", f"{100 * 70 / 164:.2f}", method="LBP-TOP")
    assert prior.check_prior_sizes().status == "holds"


def test_a_method_that_the_text_calls_better_is_missing_until_a_row_names_its_source(tables):
    assert prior.check_prior_complete().status == "contradicted"
    change_csv(tables / "table_V.csv", "source", "liu2016", method="LBP-TOP")
    assert prior.check_prior_complete().status == "holds"


def test_intermediate_fusion_beats_half_of_the_earlier_methods_and_late_fusion_all(tables):
    assert prior.check_beats_most(INTERMEDIATE).values == {"won": 2, "of": 4}
    assert prior.check_beats_most(LATE).values == {"won": 4, "of": 4}
    change_csv(tables / "table_V.csv", "smic", "56.00", model=INTERMEDIATE)
    assert prior.check_beats_most(INTERMEDIATE).status == "holds"


@pytest.mark.parametrize(("best_hand_crafted", "status"), [("64.02", "note"), ("40.00", "holds"), ("90.00", "note")])
def test_deep_learning_is_better_only_where_every_deep_method_is_above_every_hand_crafted_one(
    best_hand_crafted, status, tables
):
    change_csv(tables / "table_V.csv", "smic", best_hand_crafted, method="STCLQP")
    assert prior.check_learned_better().status == status


def test_deep_learning_is_worse_where_no_deep_method_is_above_a_hand_crafted_one(tables):
    for earlier in ("STCLQP", "LBP-TOP"):
        change_csv(tables / "table_V.csv", "smic", "90.00", method=earlier)
    assert prior.check_learned_better().status == "contradicted"


def test_an_accuracy_of_all_clips_is_compared_with_one_class_for_all_of_them_and_has_no_limits():
    table = prior.compared()
    held_out, on_all_clips = table.loc[(STCNN, "smic")], table.loc[(INTERMEDIATE, "smic")]
    assert held_out["low"] < held_out["percent"] < held_out["high"]
    assert on_all_clips[["low", "high"]].isna().all()
    assert on_all_clips["commonest"].round(2) == on_all_clips["percent"]
    assert held_out["commonest"].round(2) == 59.38


def test_one_split_is_excluded_unless_one_number_of_clips_explains_all(tables):
    assert prior.check_one_split().status == "contradicted"
    for model, k in ((STCNN, 36), (INTERMEDIATE, 34), (LATE, 33)):
        change_csv(tables / "table_V.csv", "casme2_sq", f"{100 * k / 41:.2f}", model=model)
    for model, k in ((STCNN, 22), (INTERMEDIATE, 18), (LATE, 20)):
        change_csv(tables / "table_V.csv", "smic", f"{100 * k / 32:.2f}", model=model)
    assert prior.check_one_split().status == "holds"


def test_every_source_of_table_v_has_a_reference_and_is_cited_in_the_chapter():
    sources = set(paper.accuracies()["source"])
    references = (paths.REPOSITORY / "book" / "references.bib").read_text(encoding="utf-8")
    chapter = (paths.NOTEBOOKS / "09_audit.ipynb").read_text(encoding="utf-8")
    assert len(sources) > 1
    for source in sources:
        assert f"{{{source},\n" in references
        assert f"{{cite:p}}`{source}`" in chapter


# --- splits and labels ------------------------------------------------------------------------------------------------


def test_the_released_split_of_smic_gives_the_printed_counts_and_table_iv_does_not():
    table = splits.candidates("smic").set_index("source")
    assert table.loc["labels of the released code", "held_out"] == [19, 6, 7]
    assert not table.loc["Table IV", "reproduces"]
    assert splits.check_split("smic", 0).status == "holds"


def test_casme2_sq_fits_the_printed_counts_only_with_fewer_clips():
    table = splits.candidates("casme2_sq").set_index("source")
    assert not table.loc["labels of the released code", "reproduces"]
    assert table.loc["released labels, 2 files fewer", "counts"] == [76, 94, 34]
    assert table.loc["released labels, 2 files fewer", "reproduces"]
    assert splits.check_split("casme2_sq", 1).status == "contradicted"


def test_another_seed_does_not_give_the_printed_counts(tables):
    def reseed(content):
        for entry in content["files"]:
            entry["splits"][0]["seed"] = 5

    change_yaml(tables / "released_code.yml", reseed)
    assert splits.check_split("smic", 0).status == "contradicted"


def test_the_search_finds_what_it_lists_and_more_with_a_larger_radius():
    near, wide = (splits.search("smic", radius) for radius in (0, 1))
    assert near == [[66, 47, 43]]
    assert len(wide) > 1
    assert all(released.held_out_counts(one, 4) == [19, 6, 7] for one in wide)


def test_206_clips_give_42_validation_clips_and_204_give_41(tables):
    assert splits.check_validation_size("casme2_sq").values["expected"] == 42
    change_csv(tables / "table_IV.csv", "total", 204, dataset="casme2_sq", **{"class": "all"})
    assert splits.check_validation_size("casme2_sq").status == "holds"


def test_slices_label_by_position_and_leave_the_rest_in_class_0():
    assert released.assigned_labels([2, 3], 5).tolist() == [0, 0, 1, 0, 0]
    assert released.assigned_labels([2, 6], 4).tolist() == [0, 0, 1, 1]


def test_smic_surprise_clips_stand_twice_side_by_side_and_the_later_half_is_called_negative():
    clips, classes, labels = released.clips_and_labels(INTERMEDIATE, "smic")
    assert clips[113:117].tolist() == [113, 113, 114, 114]
    assert (classes[113:] == 2).all()
    assert (labels[156:] == 0).all()
    values = splits.check_smic_labels().values
    assert (values["entries"], values["clips"], values["copies"], values["wrong"]) == (199, 156, 43, 43)
    assert (values["wrong_in_both"], values["both_labels"]) == (21, 1)


def test_one_copy_of_each_clip_would_give_every_clip_its_label(tables):
    change_code(tables, lambda entry: entry.update(copies=[1, 1, 1]))
    assert splits.check_smic_labels().status == "holds"


def test_the_unshuffled_split_trains_on_no_disgust_and_holds_out_surprise_only():
    parts = splits.check_unshuffled().values["counts"]
    assert parts["casme2_sq"]["training"] == [75, 87, 0]
    assert parts["casme2_sq"]["held out"] == [0, 6, 35]
    assert parts["smic"]["held out"] == [0, 0, 40]


def test_the_unshuffled_split_cannot_give_the_intermediate_networks_accuracy(tables):
    found = splits.check_unshuffled()
    assert list(found.values["impossible"]) == [f"{INTERMEDIATE} casme2_sq"]
    change_csv(tables / "table_V.csv", "casme2_sq", "82.75", model="micro_exp_fusenet_intermediate")
    assert splits.check_unshuffled().status == "note"


def test_two_unseeded_draws_pair_as_simulated(tables):
    labels = released.clips_and_labels(LATE, "casme2_sq")[2]
    rng = np.random.default_rng(0)
    draws = [(rng.permutation(203)[:162], rng.permutation(203)[:162]) for _ in range(2000)]
    values = splits.check_unseeded_pairs().values["casme2_sq"]
    assert np.mean([(eyes == mouths).sum() for eyes, mouths in draws]) == pytest.approx(values["same_clip"], abs=0.1)
    same = np.mean([(labels[eyes] == labels[mouths]).mean() for eyes, mouths in draws])
    assert same == pytest.approx(values["same_label"], abs=0.005)
    change_code(tables, lambda entry: entry["splits"][0].update(seed=42))
    assert splits.check_unseeded_pairs().status == "holds"


def test_no_version_of_the_time_pairs_rightly_and_later_ones_do(tables):
    found = splits.check_fused_version()
    assert found.status == "contradicted"
    versions = splits.versions()
    assert versions.loc[~versions["in_time"], "pairs"].any()
    assert not versions.loc[versions["path"] == "SMIC/Intermediate_MicroFuseNet.py", "pairs"].any()


@pytest.mark.parametrize(
    ("published", "streams", "status"),
    [
        ("2019-08-04", ["eyes", "mouth"], "note"),
        ("2019-08-04", ["mouth", "mouth"], "contradicted"),
        ("2019-04-13", ["eyes", "mouth"], "contradicted"),
    ],
)
def test_which_versions_count_depends_on_the_day_of_the_numbers(tables, published, streams, status):
    change_yaml(tables / "released_code.yml", lambda content: content["numbers_published"].update(date=published))
    change_code(tables, lambda entry: entry.update(streams=streams))
    assert splits.check_fused_version().status == status


def test_versions_that_all_pair_rightly_decide_for_the_paper(tables):
    seeded = {"seed": 42, "shuffled": True, "since": "2019-04-12"}
    change_code(tables, lambda entry: entry.update(streams=["eyes", "mouth"], splits=[seeded]))
    assert splits.check_fused_version().status == "holds"


def test_203_files_read_by_stcnn_s_slices_hold_out_the_printed_counts_with_three_wrong_labels():
    values = splits.check_casme2_readings().values
    assert (values["fused"], values["mislabelled"]) == (203, 3)
    assert values["held_out"] == list(accuracies.validation_counts("casme2_sq").values())


# --- architectures and method -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", list(paper.METHOD_NAMES))
def test_layer_arithmetic_lists_the_rows_of_every_table(model):
    names = [layer.name for layer in architectures.layers(model)]
    assert sorted(names) == sorted(paper.architecture(model)["layer"])


def test_table_ii_contradicts_itself_in_three_rows_and_the_others_do_not(tables):
    assert architectures.check_shapes("micro_exp_stcnn").status == "holds"
    assert architectures.check_shapes(LATE).status == "holds"
    wrong = architectures.check_shapes(INTERMEDIATE).values["wrong"]
    assert wrong["concatenate"] == ["86400", "172800"]
    assert len(wrong) == 3
    change_csv(tables / "table_I.csv", "output", "32x20x20x28", layer="pool")
    assert architectures.check_shapes("micro_exp_stcnn").status == "contradicted"


def test_a_fusenet_takes_less_work_and_more_memory():
    for model in released.FUSENETS:
        found = architectures.check_efficiency(model)
        assert found.status == "note"
        assert found.values["multiply_adds"] < 1 < found.values["parameters"]


def test_settings_of_text_and_code_agree_once_the_code_has_them(tables):
    assert method.check_settings().values["batch_size"] == {"16": 5, "4": 1}

    def agree(content):
        for entry in content["files"]:
            entry |= {"batch_size": 8, "epochs": 100}

    change_yaml(tables / "released_code.yml", agree)
    assert method.check_settings().status == "holds"


def test_regions_alignment_and_activation_follow_the_code(tables):
    checks = (method.check_input_region, method.check_fusenet_regions, method.check_alignment)
    assert {check().status for check in checks} == {"contradicted"}
    assert method.check_dense_activation().status == "holds"

    def agree(content):
        content["crops"] = {"eyes": {"left": 36, "right": 45}, "mouth": {"left": 48, "right": 54}}
        for entry in content["files"]:
            entry |= {"aligns": True, "dense_activation": False}
            if entry["model"] == STCNN:
                entry["streams"] = ["face"]

    change_yaml(tables / "released_code.yml", agree)
    assert {check().status for check in checks} == {"holds"}
    assert method.check_dense_activation().status == "contradicted"


# --- all of it --------------------------------------------------------------------------------------------------------


def test_ids_are_unique_findings_can_be_written_as_json_and_the_weightiest_comes_first():
    found = audit.findings(split_radius=0)
    assert len({one.id for one in found}) == len(found)
    assert json.loads(json.dumps([one.as_dict() for one in found]))[0]["id"] == "held-out-intermediate-casme2-sq"
    assert all(one.evidence.endswith(".") and "nan" not in one.evidence for one in found)


def test_what_rests_on_the_printed_numbers_changes_with_no_code_and_no_literature(tables):
    def statuses(*kinds):
        return {one.id: one.status for one in audit.findings(split_radius=0) if one.rests_on in kinds}

    printed, with_code = statuses("printed"), statuses("printed", "code")
    literature = statuses("literature")
    facts = {"fps": 200, "micro_expressions": 500, "micro_frames": [5, 900], "shorter_than_96": 0}

    def rewrite_facts(content):
        content["casme2_sq"] |= facts
        content["smic"] |= facts | {"clips": {"negative": 200, "positive": 200, "surprise": 200}}
        content["measured_on"]["takalkar2017"] = ["casme2_sq"]

    change_yaml(tables / "datasets.yml", rewrite_facts)
    assert statuses("printed", "code") == with_code
    assert statuses("literature") != literature

    def rewrite(content):
        for entry in content["files"]:
            entry |= {"label_ends": [70, 150, 200], "copies": [1, 1, 1], "streams": ["eyes", "mouth"]}
            entry["splits"] = [{"seed": 5, "shuffled": True, "since": "2019-04-12"}]
            entry["checkpoint"]["accuracy"] = 0.5

    change_yaml(tables / "released_code.yml", rewrite)
    assert statuses("printed") == printed
    assert statuses("printed", "code") != with_code


def test_an_unknown_ground_for_a_finding_is_refused():
    with pytest.raises(ValueError, match="rests_on: expected one of .*'hearsay'"):
        audit.Finding("x", "V", "A statement", "holds", "Evidence.", {}, "hearsay")
    assert audit.Finding("x", "V", "A statement", "holds", "Evidence.", {}).as_dict()["rests_on"] == "printed"


def test_a_negative_radius_and_an_unknown_status_are_refused():
    with pytest.raises(ValueError, match="split_radius"):
        audit.findings(split_radius=-1)
    with pytest.raises(ValueError, match="status: expected"):
        audit.Finding("x", "V", "A statement", "true", "Evidence.", {})


def test_every_difference_names_a_file_and_a_finding_that_exist():
    differences, ids = paper.code_differences(), {one.id for one in audit.findings(split_radius=0)}
    paths = {entry["path"] for entry in paper.released_files()} | {"all six"}
    assert set(differences["computed_by"].dropna()) <= ids
    assert set(itertools.chain(*differences["files"])) <= paths
    assert all(isinstance(text, str) for name in ("paper", "code", "consequence") for text in differences[name])
    assert set(differences["effect"]) <= {"raises", "changes", "none", "unknown"}


def test_every_claim_refers_to_findings_that_exist_and_every_finding_bears_on_a_claim():
    ids = {one.id for one in audit.findings(split_radius=0)}
    used = set(itertools.chain(*((*claim.arithmetic, *claim.caveats) for claim in claims())))
    assert used == ids


CORRECTIONS = {
    "table_I.csv": ("output", "7", {"layer": "dense_1"}),
    "table_II.csv": ("output", "172800", {"layer": "concatenate"}),
    "table_III.csv": ("output", "7", {"layer": "dense_3"}),
    "table_IV.csv": ("training", 47, {"dataset": "smic", "class": "negative"}),
    "table_V.csv": ("smic", "99.99", {"model": "micro_exp_fusenet_intermediate"}),
    "table_VI.csv": ("happy", 20, {"class": "happy"}),
    "table_VII.csv": ("surprise", 9, {"class": "negative"}),
    "table_VIII.csv": ("mean", "99.99", {"dataset": "smic", "model": "micro_exp_stcnn"}),
    "table_IX.csv": ("accuracy", "99.99", {"height": 7, "depth": 19}),
}


@pytest.fixture(scope="module")
def as_printed():
    """Every finding on the tables as they are, by id."""
    return {one.id: one.as_dict() for one in audit.findings(split_radius=0)}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_corrected_cell_of_any_table_changes_findings_and_breaks_nothing(as_printed, tables, name):
    column, value, where = CORRECTIONS[name]
    change_csv(tables / name, column, value, **where)
    after = {one.id: one.as_dict() for one in audit.findings(split_radius=0)}
    assert set(after) == set(as_printed)
    assert after != as_printed


def executed_chapter(monkeypatch):
    """Execute the audit's chapter in this process: what its cells say, and the figures that they draw, in order."""
    said, drawn = [], []
    monkeypatch.setattr(provenance, "begin", lambda *_: None)
    monkeypatch.setattr(display, "Markdown", said.append)
    monkeypatch.setattr(figures, "finished", lambda figure, *_, **__: drawn.append(figure))
    cells = json.loads((paths.NOTEBOOKS / "09_audit.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = {}
    for cell in code:
        if "chapter." not in cell:
            exec(cell.replace("split_radius: int = 3", "split_radius: int = 0"), names)
    plt.close("all")
    return said, drawn


def test_the_chapter_still_speaks_when_every_table_has_a_corrected_cell(tables, monkeypatch):
    for name, (column, value, where) in CORRECTIONS.items():
        change_csv(tables / name, column, value, **where)
    said, drawn = executed_chapter(monkeypatch)
    assert any(text.startswith(("✗", "✓", "○")) for text in said)
    assert len(drawn) == 7


def test_the_chapter_s_pictures_cross_out_what_its_lattices_cannot_give(monkeypatch):
    def markers(axis):
        return [line.get_marker() for line in axis.lines if line.get_marker() in ("X", "o")]

    _, (shares, pairs, *_) = executed_chapter(monkeypatch)
    for axis in shares.axes:  # accuracies from low to high or by network: each fits one of the two sizes
        assert markers(axis).count("o") == markers(axis).count("X") == 3
    assert [markers(axis) for axis in pairs.axes] == [["o"], ["X"], ["X"]] * 2


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_command_prints_every_finding_and_as_json_the_same_ones(capsys):
    assert main(["audit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["audit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(lines) == len(found)
    assert all(one["id"] in line and one["statement"] in line for one, line in zip(found, lines, strict=True))
    assert "✗" in lines[0]
