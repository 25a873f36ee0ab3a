"""Chapter 11's tables, results and sentences, on predictions that are known."""

import json
import math

import numpy as np
import pytest
from fake_outcomes import FakeStore, failed, finished, missing, with_seeds

from lib.core.errors import ConfigError
from lib.report import rigour, rigour_figures, rigour_prose
from lib.statistics import metrics
from lib.statistics.intervals import Interval
from lib.training.plans import STCNN, rigorous_runs
from lib.training.records import RunConfig

STORE = FakeStore()
LOSO = RunConfig(STCNN, "loso")


def found(outcomes, store=STORE, margin=0.05, n=400):
    """All that the chapter works out, by its own steps."""
    rng = np.random.default_rng(0)
    records, permuted = rigour.split_outcomes(outcomes)
    predictions = rigour.pooled_predictions(records, store)
    intervals = rigour.people_intervals(predictions, store.classes, rng, n)
    tests = rigour.permutation_tests(predictions, store.classes, rng, n)
    published = rigour.published_scores(STCNN, store.dataset)
    plan = rigour.planning(predictions, published.get("accuracy"), margin)
    retrained = rigour.retrained_test(records, permuted, "uf1")
    gains = rigour.epoch_choice(records)
    return rigour.results(outcomes, predictions, intervals, tests, retrained, gains, plan)


def runs(right, seeds=3, store=STORE, permuted=0):
    return [
        finished(config, store, right if config.control == "none" else 1 / 3)
        for config in rigorous_runs(seeds=seeds, permuted_seeds=permuted)
    ]


def test_scores_are_pooled_over_people_and_not_averaged_over_folds():
    predictions = rigour.pooled_predictions([runs(0.5)[0].record], STORE)
    codes = [predictions[name].map(STORE.classes.index) for name in ("truth", "predicted")]
    pooled = metrics.uf1(metrics.confusion_matrix(*codes, 3))
    assert rigour.people_intervals(predictions, STORE.classes, np.random.default_rng(0), 50)["uf1"].estimate == pooled
    assert set(predictions["subject"]) == set(STORE.clips["subject"])


def test_the_last_epoch_is_scored_unless_asked_otherwise():
    record = runs(0.4)[0].record
    scores = rigour.seed_scores([record])
    assert scores.loc[0, "accuracy"] == record.summary()["accuracy_last"]
    assert rigour.seed_scores([record], "best").loc[0, "accuracy"] > scores.loc[0, "accuracy"]


def test_choosing_the_epoch_is_worth_the_difference_over_seeds():
    records = [one.record for one in runs(0.4)]
    expected = np.mean([one.summary()["accuracy_best"] - one.summary()["accuracy_last"] for one in records])
    gain = rigour.epoch_choice(records)["accuracy"]
    assert gain.mean == pytest.approx(expected)
    assert gain.lowest >= 0


def test_own_clips_are_planned_for_by_the_accuracy_found_on_them():
    store = FakeStore(dataset="class_folders")
    result = found(runs(0.6), store)
    assert result["power"]["base"] == pytest.approx(result["accuracy"]["estimate"])


def test_without_any_run_the_page_says_so_and_its_results_are_json():
    for make in (missing, failed):
        result = found([make(config) for config in with_seeds(LOSO, 2)])
        assert (result["seeds"], result["clips"]) == (0, 0)
        assert json.loads(json.dumps(result, allow_nan=False))["uf1"]["estimate"] is None
    empty = rigour.pooled_predictions([], STORE)
    assert "no finished run" in rigour_prose.people_sentences(empty)
    assert rigour_prose.chance_sentences({}, None) == ""
    assert "unknown" in rigour_prose.power_sentences({})


def test_failed_and_missing_seeds_are_counted_beside_those_that_are_scored():
    result = found(
        [*runs(0.5, seeds=2), failed(RunConfig(STCNN, "loso", seed=2)), missing(RunConfig(STCNN, "loso", seed=3))]
    )
    assert [result[name] for name in ("seeds", "seeds_planned", "failed", "missing")] == [2, 4, 1, 1]


def test_runs_on_permuted_labels_take_no_part_in_the_scores_and_give_the_stricter_p():
    alone, beside = found(runs(0.6)), found(runs(0.6, permuted=4))
    assert beside["accuracy"]["estimate"] == alone["accuracy"]["estimate"]
    assert (alone["retrained"], beside["retrained"]) == (None, {"p_value": 0.2, "smallest_p": 0.2, "n": 4})
    assert beside["permuted_runs"] == 4


def test_chance_is_called_chance():
    records = [one.record for one in runs(1 / 3)]
    predictions = rigour.pooled_predictions(records, STORE)
    tests = rigour.permutation_tests(predictions, STORE.classes, np.random.default_rng(0), 300)
    assert "not shown to be better than chance" in rigour_prose.chance_sentences(tests, None)
    assert "stricter null remains untested" in rigour_prose.chance_sentences(tests, None)


def test_planning_asks_for_more_people_where_a_person_is_all_right_or_all_wrong():
    predictions = rigour.pooled_predictions([one.record for one in runs(0.6)], STORE)
    alike = predictions.assign(predicted=predictions["truth"].where(predictions["subject"] < "s5", "nothing"))
    loose, tight = (rigour.planning(table, 0.6875, 0.05) for table in (predictions, alike))
    assert tight["icc"] == pytest.approx(1.0)
    assert tight["subjects_needed"] > 3 * loose["subjects_needed"]
    assert tight["effective_clips"] < len(STORE.sizes)
    assert tight["independent_clips_needed"] == loose["independent_clips_needed"]


def test_one_clip_per_person_leaves_likeness_unknown_and_says_so():
    store = FakeStore(sizes=(1,) * 12)
    plan = rigour.planning(rigour.pooled_predictions([runs(0.6, store=store)[0].record], store), 0.6875, 0.05)
    assert math.isnan(plan["icc"])
    assert "cannot be estimated" in rigour_prose.power_sentences(plan)


def test_a_margin_wider_than_the_accuracy_leaves_nothing_to_plan():
    predictions = rigour.pooled_predictions([runs(0.6)[0].record], STORE)
    assert rigour.planning(predictions, 0.04, 0.05) == {}


def test_tables_and_figures_of_a_stand_in_say_so():
    outcomes = runs(0.6, permuted=2)
    records, permuted = rigour.split_outcomes(outcomes)
    predictions = rigour.pooled_predictions(records, STORE)
    rng = np.random.default_rng(0)
    intervals = rigour.people_intervals(predictions, STORE.classes, rng, 100)
    tests = rigour.permutation_tests(predictions, STORE.classes, rng, 100)
    published = rigour.published_scores(STCNN, "smic")
    plan = rigour.planning(predictions, published["accuracy"], 0.05)
    seeds, by_permuted = rigour.seed_scores(records), rigour.seed_scores(permuted)
    for standin in (True, False):
        columns = rigour.score_table(records, intervals, tests, published, standin).columns
        assert all("stand-in" in name or name.startswith("paper") for name in columns) == standin
        for figure in (
            rigour_figures.evidence(intervals, seeds, tests, by_permuted, published, standin),
            rigour_figures.people(rigour.by_subject(predictions), rigour.majority_share(predictions), standin),
            rigour_figures.power_curve(plan, standin),
        ):
            assert any("stand-in" in text.get_text() for text in figure.texts) == standin


def test_the_figure_of_the_evidence_can_be_drawn_without_a_run():
    nothing = rigour.seed_scores([])
    rigour_figures.evidence(dict.fromkeys(rigour.SCORES, rigour.UNKNOWN), nothing, {}, nothing, {}, standin=False)


def test_people_are_listed_with_their_worst_and_best_seed():
    table = rigour.by_subject(rigour.pooled_predictions([one.record for one in runs(0.6)], STORE))
    assert table["clips"].sum() == sum(STORE.sizes)
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()
    assert table["accuracy"].is_monotonic_decreasing


def test_an_interval_without_limits_is_written_as_such():
    assert rigour_prose.interval_text(Interval(0.5, math.nan, math.nan), ".1%") == "50.0% (no interval)"


@pytest.mark.parametrize("margin", [0, 0.005, 1, -0.05])
def test_a_margin_that_no_number_of_clips_could_tell_is_refused_before_training(margin):
    with pytest.raises(ConfigError, match="margin: expected a share from 0.02"):
        rigour.check_margin(margin)
    rigour.check_margin(0.05)
