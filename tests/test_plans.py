import dataclasses
import inspect

import pytest
from fake_store import FakeStore

from lib.audit import paper, released
from lib.book.chapters import PLANS
from lib.core.errors import ConfigError, TrainingError
from lib.training import plans
from lib.training.plans import collect, parse_kernels, parse_numbers
from lib.training.protocols import PROTOCOLS, SHORTCUTS
from lib.training.records import RunConfig

TINY = RunConfig("micro_exp_stcnn", kernel_size=(3, 3, 3), epochs=1)
DIVERGING = dataclasses.replace(TINY, model="micro_exp_fusenet_late", learning_rate=1e30)


@pytest.mark.parametrize("notebook", PLANS)
def test_a_chapter_plans_each_run_once_and_slugs_tell_them_apart(notebook):
    asks_for_dataset = "dataset" in inspect.signature(PLANS[notebook]).parameters
    configs = PLANS[notebook](*["smic"] * asks_for_dataset)
    assert len(set(configs)) == len(configs) == len({config.slug for config in configs})


def test_what_the_released_code_does_is_planned_beside_the_clean_runs():
    configs = PLANS["15_as_released"]("smic", epochs=7, learning_rate=0.001, seeds=2)
    assert {(one.epochs, one.learning_rate) for one in configs if one.protocol == "clean"} == {(7, 0.001)}
    assert {(one.epochs, one.learning_rate) for one in configs if one.protocol != "clean"} == {(250, 0.01)}
    assert len(configs) == 2 * 2 * 2


def test_the_comparison_trains_three_networks_with_each_seed_and_three_controls():
    configs = plans.comparison_runs(seeds=2, control_seeds=1)
    assert len(configs) == 3 * 2 + 3
    assert {config.control for config in configs if config.model != "micro_exp_stcnn"} == {"none"}


def test_the_comparison_asks_for_the_runs_of_the_chapters_before_it():
    single = [PLANS[notebook]()[0] for notebook in list(PLANS)[:3]]
    assert set(single) <= set(plans.comparison_runs())


def test_the_kernel_study_has_the_twelve_kernels_of_table_ix_with_two_learning_rates():
    configs = plans.kernel_runs(seeds=1, control_seeds=2)
    studied, still = ([one for one in configs if (one.control == "none") == moves] for moves in (True, False))
    assert len(studied) == 24
    assert {config.kernel_size[2] for config in studied} == {3, 7, 15, 19}
    assert {config.learning_rate for config in studied} == {0.01, 0.001}
    told = {(config.control, config.kernel_size, config.learning_rate, config.seed) for config in still}
    assert told == {("first_frame", (3, 3, 15), rate, seed) for rate in (0.01, 0.001) for seed in (0, 1)}


def test_each_shortcut_is_measured_on_a_network_that_can_take_it_and_beside_its_own_baseline():
    configs = plans.shortcut_runs(seeds=2, fusenet_seeds=2)
    measured = {(config.protocol, config.model) for config in configs}
    assert {protocol for protocol, _ in measured} == {"clean", *SHORTCUTS}
    for protocol, model in measured:
        assert ("clean", model) in measured
        if PROTOCOLS[protocol].pairing != "clip":
            assert model == "micro_exp_fusenet_intermediate"
    assert {config.batch_size for config in configs if config.protocol == "clean"} == {8, 16}


def test_a_missing_run_is_listed_when_nothing_may_be_trained_and_trained_when_it_may(tmp_path):
    (before,) = collect([TINY], FakeStore(), tmp_path, train_missing=False)
    assert (before.status, before.record) == ("missing", None)
    (trained,) = collect([TINY], FakeStore(), tmp_path)
    (found,) = collect([TINY], FakeStore(), tmp_path, train_missing=False)
    assert found.status == trained.status == "finished"
    assert found.record.id == trained.record.id


def test_a_run_whose_loss_is_not_finite_is_an_outcome_with_its_reason(tmp_path):
    outcomes = collect([DIVERGING, TINY], FakeStore(), tmp_path)
    assert [one.status for one in outcomes] == ["failed", "finished"]
    assert "loss was not finite" in outcomes[0].reason
    (again,) = collect([DIVERGING], FakeStore(), tmp_path, train_missing=False)
    assert again.status == "failed"


def test_the_table_has_a_row_for_every_planned_run_and_scores_of_the_finished(tmp_path):
    other = dataclasses.replace(TINY, seed=1)
    outcomes = [*collect([TINY], FakeStore(), tmp_path), *collect([other], FakeStore(), tmp_path, train_missing=False)]
    table = plans.table(outcomes)
    assert table["status"].tolist() == ["finished", "missing"]
    assert table["accuracy_best"].notna().tolist() == [True, False]
    assert len(plans.records(outcomes)) == 1


@pytest.mark.parametrize("text", ["3x3", "3x3xd", "0x3x3", "3,3,3"])
def test_a_kernel_that_is_none_is_named(text):
    with pytest.raises(ConfigError, match="height x width x depth"):
        parse_kernels(text)


def test_numbers_that_are_none_are_named():
    with pytest.raises(ConfigError, match="0.01 high"):
        parse_numbers("0.01 high")


def test_clips_that_cannot_be_divided_by_person_are_refused_with_what_is_needed(tmp_path):
    clean = dataclasses.replace(TINY, protocol="clean")
    with pytest.raises(TrainingError, match="at least 5 subjects"):
        collect([clean], FakeStore(people=4), tmp_path)
    with pytest.raises(TrainingError, match="5 clips of the commonest class"):
        collect([clean], FakeStore(clips_per_class=(3, 4, 2)), tmp_path)


@pytest.mark.parametrize("entry", paper.released_files(), ids=lambda entry: entry["path"])
def test_a_run_as_released_has_the_batches_and_epochs_of_its_file(entry):
    config = RunConfig(entry["model"], **released.released_settings(entry["model"], entry["dataset"]))
    assert (config.batch_size, config.epochs) == (entry["batch_size"], entry["epochs"])


def test_clips_that_the_released_code_does_not_read_have_no_settings_of_it():
    with pytest.raises(ConfigError, match="found 'micro_exp_stcnn' on 'class_folders'"):
        released.released_settings("micro_exp_stcnn", "class_folders")


def test_clips_of_unknown_people_are_refused_before_a_run_by_person_is_looked_for(tmp_path, monkeypatch):
    unknown = FakeStore().clips.assign(subject="unknown")
    monkeypatch.setattr(FakeStore, "clips", unknown)
    with pytest.raises(TrainingError, match="24 of 24 do not say whose face it is"):
        collect([dataclasses.replace(TINY, protocol="loso")], FakeStore(), tmp_path, train_missing=False)
    (by_clip,) = collect([TINY], FakeStore(), tmp_path, train_missing=False)
    assert by_clip.status == "missing"
