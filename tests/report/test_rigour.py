"""Chapter 11 on predictions that are made up, and what it shares with others: people left out, pooled and scored."""

import itertools

import numpy as np
import pytest
from fake_outcomes import FakeStore, failed, finished, missing
from made_up import Chapter

from lib.analysis import people
from lib.core.errors import ConfigError

SCORES = ("uf1", "uar", "accuracy")


def right(share):
    """Runs on true labels are right this often, those on permuted labels by chance."""
    return lambda config, store: finished(config, store, share if config.control == "none" else 1 / 3)


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    return Chapter(monkeypatch, tmp_path, "11_rigorous")


def test_scores_are_pooled_over_people_and_equal_those_of_the_records(chapter):
    chapter.execute(right(0.6), seeds=3, resamples=100)
    names = chapter.names
    for at in ("best", "last"):
        scores = names["scored"](people.pooled_predictions(names["records"], names["store"], at))
        for name in scores:
            assert scores[name].tolist() == [record.summary()[f"{name}_{at}"] for record in names["records"]]


def test_every_prediction_has_its_person_and_people_their_worst_and_best_seed(chapter):
    chapter.execute(right(0.6), seeds=3, resamples=100)
    predictions, people, clips = (chapter.names[name] for name in ("predictions", "by_person", "store"))
    assert len(predictions) == 3 * len(clips.clips)
    assert (predictions["subject"] == predictions["clip"].map(clips.clips.set_index("clip_id")["subject"])).all()
    assert people["clips"].sum() == sum(clips.sizes)
    assert people["low"].le(people["accuracy"]).all()
    assert people["accuracy"].le(people["high"]).all()
    assert people["accuracy"].is_monotonic_decreasing


def test_a_perfect_score_has_the_smallest_p_that_the_draws_allow_and_chance_a_large_one(chapter):
    assert chapter.execute(right(1.0), seeds=2, resamples=99)["p_values"] == dict.fromkeys(SCORES, 0.01)
    by_chance = chapter.execute(right(1 / 3), seeds=2, resamples=99)["p_values"]
    assert min(by_chance.values()) > 0.02


def test_the_p_value_of_a_few_clips_is_that_of_all_ways_to_deal_their_labels(chapter):
    store = FakeStore(sizes=(1,) * 6)
    found = chapter.execute(right(0.5), lambda *_: store, seeds=1, resamples=20_000)
    predicted = chapter.names["predictions"]
    ways = itertools.permutations(predicted["truth"])
    as_good = [sum(a == b for a, b in zip(way, predicted["predicted"], strict=True)) / 6 for way in ways]
    exact = np.mean(np.array(as_good) >= found["accuracy"]["estimate"] - 1e-9)
    assert found["p_values"]["accuracy"] == pytest.approx(exact, abs=0.02)


def test_the_last_epoch_is_scored_and_the_best_is_worth_the_difference(chapter):
    found = chapter.execute(right(0.4), seeds=3, resamples=100)
    summaries = [one.record.summary() for one in chapter.names["outcomes"]]
    last, best = (np.array([one[f"accuracy_{at}"] for one in summaries]) for at in ("last", "best"))
    assert found["accuracy"]["estimate"] == pytest.approx(last.mean())
    assert found["best_epoch_gain"]["accuracy"] == pytest.approx(
        {"mean": (best - last).mean(), "lowest": (best - last).min(), "highest": (best - last).max()}
    )
    assert found["p_value"] == found["p_values"]["uf1"]


@pytest.mark.parametrize("make", [missing, failed])
def test_without_any_run_the_chapter_still_has_its_results(chapter, make):
    found = chapter.execute(lambda config, _: make(config), seeds=2)
    assert (found["seeds"], found["clips"], found[make.__name__]) == (0, 0, 2)
    assert found["uf1"] == {"estimate": None, "low": None, "high": None}
    assert (found["p_value"], found["power"]) == (None, {})


def test_failed_and_missing_seeds_are_counted_beside_those_that_are_scored(chapter):
    fates = {2: failed, 3: missing}

    def outcome_of(config, store):
        return fates[config.seed](config) if config.seed in fates else finished(config, store, 0.5)

    found = chapter.execute(outcome_of, seeds=4, resamples=100)
    assert [found[name] for name in ("seeds", "seeds_planned", "failed", "missing")] == [2, 4, 1, 1]


def test_runs_on_permuted_labels_take_no_part_in_the_scores_and_give_the_stricter_p(chapter):
    alone = chapter.execute(right(0.6), seeds=3, resamples=100)
    beside = chapter.execute(right(0.6), seeds=3, permuted_seeds=4, resamples=100)
    assert beside["accuracy"] == alone["accuracy"]
    assert (alone["retrained"], beside["retrained"]) == (None, {"p_value": 0.2, "smallest_p": 0.2, "n": 4})
    assert beside["permuted_runs"] == 4


def test_own_clips_are_planned_for_by_the_accuracy_found_on_them(chapter):
    found = chapter.execute(
        right(0.6), lambda *_: FakeStore(dataset="class_folders"), dataset="class_folders", resamples=100
    )
    assert found["power"]["base"] == pytest.approx(found["accuracy"]["estimate"])


def test_as_many_people_are_planned_as_their_clips_are_worth(chapter):
    plan = chapter.execute(right(0.6), resamples=100)["power"]
    mean_clips = np.mean(plan["clips_of_subjects"])
    worth = plan["subjects_needed"] * mean_clips / plan["design_effect"]
    assert worth >= plan["independent_clips_needed"] > worth - mean_clips / plan["design_effect"]


def test_one_clip_per_person_leaves_likeness_unknown(chapter):
    plan = chapter.execute(right(0.6), lambda *_: FakeStore(sizes=(1,) * 12), resamples=100)["power"]
    assert (plan["icc"], plan["design_effect"]) == (None, 1.0)


def test_a_margin_wider_than_the_accuracy_leaves_nothing_to_plan(chapter):
    assert chapter.execute(right(0.6), margin=0.8, resamples=100)["power"] == {}


@pytest.mark.parametrize("margin", [0.0, 0.005, 1.0, -0.05])
def test_a_margin_that_no_number_of_clips_could_tell_is_refused_before_training(chapter, margin):
    with pytest.raises(ConfigError, match="margin: expected a share from 0.02"):
        chapter.execute(lambda config, _: pytest.fail("trained"), margin=margin)


def test_figures_of_a_stand_in_say_so(chapter):
    for standin in (None, {"seed": 0}):
        chapter.execute(right(0.6), lambda *_, standin=standin: FakeStore(standin=standin), resamples=100)
        assert any("stand-in" in text.get_text() for text in chapter.names["figure"].texts) == (standin is not None)
