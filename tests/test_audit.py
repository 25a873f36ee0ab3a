"""The audit on the tables as they are, and on copies with a cell changed: each finding must answer to its table."""

import itertools
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from lib import audit, paper, paths
from lib.audit import accuracies, architectures, counts, lattice, released, splits
from lib.cli import main
from lib.report import audit_figures, audit_tables

INTERMEDIATE, LATE = "micro_exp_fusenet_intermediate", "micro_exp_fusenet_late"


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
    for model in accuracies.FUSENETS:
        for dataset, clips in (("casme2_sq", 203), ("smic", 199)):
            found = accuracies.check_held_out(model, dataset)
            assert found.status == "contradicted"
            assert found.values["explaining_sizes"] == [clips]
            assert found.values["clips_fed"] == clips
            assert f"are explained by {clips}, and at most 15%" in found.evidence
            assert found.values["chance_of_fed"] == pytest.approx(((clips + 1) / 10001) ** 2, rel=0.01)
    assert "83.25 % is no k/41" in accuracies.check_held_out("micro_exp_fusenet_intermediate", "casme2_sq").evidence
    assert "It is 169/203" in accuracies.check_held_out("micro_exp_fusenet_intermediate", "casme2_sq").evidence


def test_a_fusenet_accuracy_that_is_a_share_of_the_validation_clips_would_hold_and_be_bounded_by_nothing(tables):
    change_csv(tables / "table_V.csv", "casme2_sq", f"{100 * 36 / 41:.2f}", method="Late MicroExpFuseNet")
    assert accuracies.check_held_out("micro_exp_fusenet_late", "casme2_sq").status == "holds"
    assert accuracies.check_held_out_bounds("micro_exp_fusenet_late", "casme2_sq").status == "not recorded"


def test_a_size_of_the_released_code_that_explains_no_accuracy_is_told(tables):
    change_csv(tables / "table_V.csv", "casme2_sq", "83.29", method="Late MicroExpFuseNet")
    found = accuracies.check_held_out("micro_exp_fusenet_late", "casme2_sq")
    assert "But the released code validates on all 203 that it reads" in found.evidence


def test_stcnn_accuracies_are_shares_and_one_hundredth_more_is_not(tables):
    assert accuracies.check_held_out("micro_exp_stcnn", "casme2_sq").status == "holds"
    change_csv(tables / "table_V.csv", "casme2_sq", "87.81", method="MicroExpSTCNN")
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


def test_a_few_cells_of_table_ix_take_nothing_from_what_is_known_of_it(tables):
    before = [accuracies.check_constant_kernels(), accuracies.check_kernel_lattice()]
    change_csv(tables / "table_IX.csv", "accuracy", "87.80", height=3, width=3, depth=15)
    after = [accuracies.check_constant_kernels(), accuracies.check_kernel_lattice()]
    assert [one.status for one in after] == [one.status for one in before] == ["contradicted", "contradicted"]
    assert after[0].values == before[0].values
    assert "29.27" in accuracies.check_kernel_best().evidence
    change_csv(tables / "table_IX.csv", "accuracy", "90.24", height=5, width=5, depth=7)
    assert accuracies.check_kernel_best().status == "contradicted"


def test_six_kernels_are_constant_by_the_facts_alone():
    found = accuracies.check_constant_kernels()
    assert found.status == "contradicted"
    assert (found.values["constant"], found.values["kernels"], found.values["unknown"]) == (6, 12, 5)


def test_without_any_constant_value_the_facts_decide_nothing(tables):
    change_yaml(tables / "table_IX_facts.yml", lambda facts: facts.update(known=[{"values": [63.30], "count": 1}]))
    assert accuracies.check_constant_kernels().status == "note"


@pytest.fixture
def filled_kernels(tables):
    """Table IX with every cell filled: eight shares of 41, three constant answers, 3x3x15 on top."""
    cells = pd.read_csv(tables / "table_IX.csv")
    cells["accuracy"] = [round(100 * k / 41, 2) for k in (20, 22, 36, 12, 21, 23, 24, 25, 26, 27, 21, 28)]
    cells.to_csv(tables / "table_IX.csv", index=False)
    return tables / "table_IX.csv"


def test_filled_cells_of_table_ix_replace_the_facts(filled_kernels):
    assert accuracies.check_constant_kernels().values["constant"] == 3
    assert accuracies.check_kernel_lattice().status == "holds"
    best = accuracies.check_kernel_best()
    assert best.status == "holds"
    assert best.values["best_other"] == pytest.approx(68.29)


def test_a_better_kernel_in_table_ix_contradicts_the_claim(filled_kernels):
    change_csv(filled_kernels, "accuracy", "90.24", height=7, width=7, depth=19)
    assert accuracies.check_kernel_best().status == "contradicted"


def test_a_filled_cell_that_is_no_share_contradicts_the_size(filled_kernels):
    change_csv(filled_kernels, "accuracy", "63.30", height=5, width=5, depth=3)
    assert accuracies.check_kernel_lattice().values["impossible"] == [63.30]


def test_one_missing_kernel_leaves_the_best_one_open(filled_kernels):
    change_csv(filled_kernels, "accuracy", "", height=7, width=7, depth=19)
    assert accuracies.check_kernel_best().status == "not recorded"
    assert accuracies.check_kernel_best().values["missing"] == 1
    assert accuracies.check_kernel_lattice().status == "contradicted"  # by a value known without its place


def test_empty_tables_are_said_to_be_not_recorded():
    assert accuracies.check_stability_means().status == "not recorded"
    assert accuracies.check_kernel_best().status == "not recorded"


def test_means_over_ten_epochs_lie_on_a_lattice_ten_times_as_fine(tables):
    method = "MicroExpSTCNN"
    change_csv(tables / "table_VIII.csv", "mean", f"{100 * 347 / 410:.2f}", method=method, dataset="casme2_sq")
    assert accuracies.check_stability_means().status == "not recorded"  # possible, but one mean of six
    change_csv(tables / "table_VIII.csv", "mean", "84.75", method=method, dataset="casme2_sq")
    found = accuracies.check_stability_means()
    assert found.status == "contradicted"
    assert found.values["impossible"] == [[method, "casme2_sq", 84.75]]


def test_a_full_table_viii_of_possible_means_holds(tables):
    table = pd.read_csv(tables / "table_VIII.csv")
    table["mean"] = [round(100 * 300 / (10 * {"casme2_sq": 41, "smic": 32}[name]), 2) for name in table["dataset"]]
    table.to_csv(tables / "table_VIII.csv", index=False)
    assert accuracies.check_stability_means().status == "holds"


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
    assert "12 + 21 + 9 = 42" in found.evidence


def test_smic_has_fewer_negative_clips_than_printed(tables):
    found = counts.check_official_counts()
    assert found.values["impossible"] == {"negative": [79, 70]}
    assert found.values["against_code"]["negative"] == -found.values["against_code"]["positive"] == 13
    change_csv(tables / "table_IV.csv", "printed_total", 66, dataset="smic", **{"class": "negative"})
    assert counts.check_official_counts().status == "holds"


def test_casme2_sq_has_fewer_micro_expressions_than_printed_clips(tables):
    assert counts.check_micro_expressions().status == "contradicted"
    change_csv(tables / "table_IV.csv", "printed_total", 57, dataset="casme2_sq", **{"class": "all"})
    assert counts.check_micro_expressions().status == "holds"


def test_a_clip_of_96_frames_is_longer_than_any_annotated_micro_expression(tables):
    durations = counts.clip_durations().loc["casme2_sq"]
    assert durations.round().tolist() == [300, 567, 3200, 5600]
    assert counts.check_durations().status == "contradicted"
    change_yaml(tables / "datasets.yml", lambda facts: facts["casme2_sq"].update(fps=200, micro_frames=[50, 100]))
    assert counts.check_durations().status == "holds"


def test_confusion_matrices_agree_until_a_row_or_a_diagonal_changes(tables):
    assert counts.check_confusion_matrices().status == "holds"
    change_yaml(tables / "table_VI_VII.yml", lambda facts: facts["smic"].update(correct=21))
    found = counts.check_confusion_matrices()
    assert found.status == "contradicted"
    assert "21 right" in found.evidence


def test_recalls_follow_from_the_matrices():
    assert counts.recalls("casme2_sq") == {"angry": (11, 12), "happy": (19, 21), "disgust": (6, 8)}
    assert sum(right for right, _ in counts.recalls("smic").values()) == 22


def test_the_best_earlier_method_lies_within_the_interval_on_both_datasets():
    for dataset in paper.DATASETS:
        found = counts.check_beats(dataset, "prior")
        assert found.status == "note"
        assert found.values["low"] < found.values["reference"] < found.values["published"]


@pytest.mark.parametrize(("prior", "status"), [("70.00", "holds"), ("80.00", "note"), ("90.00", "contradicted")])
def test_an_earlier_accuracy_below_within_or_above_the_interval_decides_the_comparison(tables, prior, status):
    change_csv(tables / "table_V.csv", "casme2_sq", prior, method="CNN with augmentation")
    assert counts.check_beats("casme2_sq", "prior").status == status


def test_the_majority_class_is_beaten_on_casme2_sq_and_not_excluded_on_smic():
    assert counts.check_beats("casme2_sq", "majority").status == "holds"
    assert counts.check_beats("smic", "majority").status == "note"


def test_an_accuracy_under_a_dataset_that_its_source_did_not_use_is_found(tables):
    found = counts.check_prior_dataset()
    assert [one["accuracy"] for one in found.values["misplaced"]] == [78.02]
    assert found.values["left"] == {"casme2_sq": 0, "smic": 3}
    change_csv(tables / "table_V.csv", "measured_on", "casme2_sq", method="CNN with augmentation")
    assert counts.check_prior_dataset().status == "holds"


def test_every_source_of_table_v_has_a_reference_and_is_cited_in_the_chapter():
    sources = set(paper.accuracies()["source"].dropna())
    references = (paths.REPOSITORY / "book" / "references.bib").read_text(encoding="utf-8")
    chapter = (paths.NOTEBOOKS / "09_audit.ipynb").read_text(encoding="utf-8")
    assert len(sources) > 1
    for source in sources:
        assert f"{{{source},\n" in references
        assert f"{{cite:p}}`{source}`" in chapter


def test_the_networks_are_ranked_on_different_clips():
    found = counts.check_same_clips()
    assert found.status == "contradicted"
    assert found.values == {"casme2_sq": [41, 203, 203], "smic": [32, 199, 199]}


# --- splits and labels ------------------------------------------------------------------------------------------------


def test_the_released_split_of_smic_gives_the_printed_counts_and_table_iv_does_not():
    table = splits.candidates("smic").set_index("source")
    assert table.loc["labels of the released code", "held_out"] == [19, 6, 7]
    assert not table.loc["Table IV", "reproduces"]
    assert splits.check_split("smic", radius=0).status == "holds"


def test_casme2_sq_fits_the_printed_counts_only_with_fewer_clips():
    table = splits.candidates("casme2_sq").set_index("source")
    assert not table.loc["labels of the released code", "reproduces"]
    assert table.loc["released labels, 2 files fewer", "counts"] == [76, 94, 34]
    assert table.loc["released labels, 2 files fewer", "reproduces"]
    assert splits.check_split("casme2_sq", radius=1).status == "contradicted"


def test_another_seed_does_not_give_the_printed_counts(tables):
    def reseed(content):
        for entry in content["files"]:
            entry["splits"][0]["seed"] = 5

    change_yaml(tables / "released_code.yml", reseed)
    assert splits.check_split("smic", radius=0).status == "contradicted"


def test_the_search_finds_what_it_lists_and_more_with_a_larger_radius():
    near, wide = (splits.search("smic", radius) for radius in (0, 1))
    assert near == [[66, 47, 43]]
    assert len(wide) > 1
    assert all(released.held_out_counts(one, 4) == [19, 6, 7] for one in wide)


def test_the_chance_of_counts_sums_to_one_over_all_counts():
    totals, held = [5, 4, 3], 3
    all_counts = [one for one in itertools.product(range(4), repeat=3) if sum(one) == held]
    assert sum(splits.chance_of_counts(totals, one) for one in all_counts) == pytest.approx(1)


def test_206_clips_give_42_validation_clips_and_204_give_41(tables):
    assert splits.check_validation_size("casme2_sq").values["expected"] == 42
    change_csv(tables / "table_IV.csv", "printed_total", 204, dataset="casme2_sq", **{"class": "all"})
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
    casme2_sq, smic = splits.unshuffled_counts("casme2_sq"), splits.unshuffled_counts("smic")
    assert casme2_sq["training"].tolist() == [75, 87, 0]
    assert casme2_sq["held out"].tolist() == [0, 6, 35]
    assert smic["held out"].tolist() == [0, 0, 40]


def test_the_unshuffled_split_cannot_give_the_intermediate_networks_accuracy(tables):
    found = splits.check_unshuffled()
    assert list(found.values["impossible"]) == [f"{INTERMEDIATE} casme2_sq"]
    change_csv(tables / "table_V.csv", "casme2_sq", "82.75", method="Intermediate MicroExpFuseNet")
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


def test_which_version_was_used_is_open_while_one_pairs_rightly_and_another_does_not(tables):
    found = splits.check_fused_version()
    assert found.status == "note"
    assert "3 of 4 files" in found.evidence
    assert "SMIC/Intermediate_MicroFuseNet.py trains both streams on the mouth" in found.evidence
    assert found.values["rightly"]["SMIC/Late_MicroFuseNet.py"] == [False, True, True]

    change_code(tables, lambda entry: entry.update(streams=["eyes", "mouth"]))
    assert splits.check_fused_version().status == "note"
    change_code(tables, lambda entry: entry.update(splits=entry["splits"][1:]))
    assert splits.check_fused_version().status == "holds"
    change_code(tables, lambda entry: entry.update(streams=["mouth", "mouth"]))
    assert splits.check_fused_version().status == "contradicted"


def test_a_split_is_not_said_to_fit_without_the_number_of_others_that_do():
    found = splits.check_split("smic", radius=1)
    (sentence,) = [one for one in found.evidence.split(". ") if "other seeds" in one]
    assert f"{len(found.values['found'])} of the 27 class counts within 1" in sentence


def test_a_split_that_no_source_gives_is_said_to_be_so(tables):
    change_csv(tables / "table_IV.csv", "validation", 20, dataset="smic", **{"class": "negative"})
    assert "No recorded source gives 20/6/7; 0 of the 1" in splits.check_split("smic", radius=0).evidence


# --- architectures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", list(paper.METHOD_NAMES))
def test_layer_arithmetic_gives_the_computed_column_of_every_table(model):
    table = paper.architecture(model)
    assert [layer.name for layer in architectures.layers(model, 96)] == table["layer"].tolist()
    assert [layer.printed for layer in architectures.layers(model, 96)] == table["computed"].tolist()


def test_table_ii_contradicts_itself_in_three_rows_and_the_others_do_not(tables):
    assert architectures.check_shapes("micro_exp_stcnn").status == "holds"
    assert architectures.check_shapes(LATE).status == "holds"
    wrong = architectures.check_shapes(INTERMEDIATE).values["wrong"]
    assert wrong["concatenate"] == ["86400", "172800"]
    assert len(wrong) == 3
    change_csv(tables / "table_I.csv", "printed", "32x20x20x28", layer="pool")
    assert architectures.check_shapes("micro_exp_stcnn").status == "contradicted"


def test_parameters_agree_and_a_changed_number_is_named(tables):
    assert architectures.check_parameters().status == "holds"
    change_csv(tables / "parameter_counts.csv", "parameters", 44241668, model="micro_exp_stcnn", depth=96)
    found = architectures.check_parameters()
    assert found.status == "contradicted"
    assert "44,241,668 recorded, 44,241,667 computed" in found.evidence


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
    facts = {"fps": 200, "micro_expressions": 500, "micro_frames": [5, 900]}
    change_yaml(tables / "datasets.yml", lambda content: [content[name].update(facts) for name in paper.DATASETS])
    for name in ("negative", "positive", "surprise"):
        change_csv(tables / "table_IV.csv", "official", 200, dataset="smic", **{"class": name})
    change_csv(tables / "table_V.csv", "measured_on", "casme2_sq", method="CNN with augmentation")
    assert statuses("printed", "code") == with_code
    assert set(statuses("literature").values()) == {"holds"}

    def rewrite(content):
        for entry in content["files"]:
            entry |= {"label_ends": [70, 150, 200], "copies": [1, 1, 1], "streams": ["eyes", "mouth"]}
            entry["splits"] = [{"seed": 5, "shuffled": True}]
            entry["checkpoint"]["accuracy"] = 0.5

    change_yaml(tables / "released_code.yml", rewrite)
    assert statuses("printed") == printed
    assert statuses("printed", "code") != with_code


def test_an_unknown_ground_for_a_finding_is_refused():
    with pytest.raises(ValueError, match="expected rests_on among.*'hearsay'"):
        audit.Finding("x", "V", "A statement", "holds", "Evidence.", {}, "hearsay")
    assert audit.Finding("x", "V", "A statement", "holds", "Evidence.", {}).as_dict()["rests_on"] == "printed"


def test_a_negative_radius_and_an_unknown_status_are_refused():
    with pytest.raises(ValueError, match="split_radius"):
        audit.findings(split_radius=-1)
    with pytest.raises(ValueError, match="expected a status"):
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
    used = set(itertools.chain(*((*claim.arithmetic, *claim.caveats) for claim in paper.claims())))
    assert used == ids


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_command_prints_every_finding_and_as_json_the_same_ones(capsys):
    assert main(["audit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["audit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(lines) == len(found)
    assert all(one["id"] in line and one["statement"] in line for one, line in zip(found, lines, strict=True))
    assert "✗" in lines[0]


def test_a_paragraph_gives_statement_verdict_and_evidence_and_an_unknown_id_is_an_error():
    found = audit.findings(split_radius=0)
    text = audit_tables.verdicts(found, "held-out-stcnn-smic", "beats-prior-smic")
    assert "✓ *The 68.75 % of MicroExpSTCNN" in text
    assert "**left open**" in text
    assert "22/32" in text
    with pytest.raises(KeyError, match="none"):
        audit_tables.verdicts(found, "none")


def test_the_summary_counts_what_is_in_the_table():
    found = audit.findings(split_radius=0)
    contradicted = sum(one.status == "contradicted" for one in found)
    told = audit_tables.summary_sentences(found)
    assert f"Of {len(found)} checks, **{contradicted}** contradict" in told
    assert "some facts are counted in several" in told
    printed = sum(one.status == "contradicted" and one.rests_on == "printed" for one in found)
    assert f"{printed} rest on the printed numbers alone" in told
    html = audit_tables.findings_table(found).to_html()
    assert html.count("✗ contradicted") == contradicted
    assert html.count("also on the code") == sum(one.rests_on == "code" for one in found)
    assert all(one.statement in html for one in found)


def test_differences_that_move_the_number_come_first():
    effects = audit_tables.differences().data["effect on the number"].tolist()
    assert effects == sorted(effects, key=["raises", "changes", "unknown", "none"].index)
    assert "not recorded here" in audit_tables.differences().data["paper"].tolist()


def test_files_that_are_all_of_a_network_are_told_in_few_words():
    files = audit_tables.differences().data.set_index("code")["files"]
    code = paper.code_differences().set_index("id")["code"]
    assert files[code["validates-on-all-clips"]] == "MicroExpFuseNet"
    assert files[code["smic-surprise-twice"]] == "MicroExpFuseNet on SMIC"
    assert files[code["mouth-twice"]] == "SMIC/Intermediate_MicroFuseNet.py"


def test_what_is_read_of_a_micro_expression_is_told_from_its_frames(tables):
    told = audit_tables.clip_sentences()
    assert "On CAS(ME)² at least 82%" in told
    assert "On SMIC it sees 18 of up to 58 frames, and which ones depends on the file system." in told
    assert "CAS(ME)^2code_final.xlsx" in told
    change_yaml(tables / "datasets.yml", lambda facts: facts["casme2_sq"].update(micro_frames=[50, 120]))
    assert "On CAS(ME)² it sees 96 of up to 120 frames." in audit_tables.clip_sentences()


def test_the_table_of_sizes_marks_the_four_impossible_accuracies():
    table = audit_tables.accuracy_sizes()
    assert (table["possible"] == "no").sum() == 4
    assert table.loc[("MicroExpSTCNN", "SMIC"), "nearest share of the validation clips"] == "22/32 = 68.75 %"


def test_the_grim_picture_crosses_out_what_its_lattice_cannot_give():
    for axis in audit_figures.lattices().axes:
        markers = {(line.get_ydata()[0], line.get_marker()) for line in axis.lines if line.get_marker() != "None"}
        points = [(line.get_ydata()[0], line.get_marker()) for line in axis.lines if line.get_marker() != "None"]
        assert points.count((0, "X")) == 2  # two FuseNets against the validation clips
        assert points.count((1, "o")) == 2  # the same two against all clips
        assert markers == {(0, "X"), (0, "o"), (1, "X"), (1, "o")}


def test_the_figure_of_kernels_shows_the_cells_once_they_are_filled(filled_kernels):
    labels = [text.get_text() for text in audit_figures.kernel_scores().axes[0].texts]
    assert "3x3x15" in labels
    assert "63.30" not in labels
