"""Chapter 11 on predictions that are made up, and what it shares with others: people left out, pooled and scored."""

import numpy as np
import pandas as pd
import pytest
from fake_outcomes import FakeStore, failed, finished, missing
from made_up import Chapter

from lib.analysis import people
from lib.core.errors import ConfigError, TrainingError
from lib.training.plans import STCNN
from lib.training.records import RunConfig

STORE = FakeStore()
RECORDS = [finished(RunConfig(STCNN, "loso", seed=seed), STORE, 0.6).record for seed in range(3)]


def right(share):
    """Runs on true labels are right this often, those on permuted labels by chance."""
    return lambda config, store: finished(config, store, share if config.control == "none" else 1 / 3)


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    return Chapter(monkeypatch, tmp_path, "11_rigorous")


def test_scores_are_pooled_over_people_and_equal_those_of_the_records():
    for at in ("best", "last"):
        scores = people.scores_by_run(people.pooled_predictions(RECORDS, STORE, at), STORE.classes)
        for name in people.SCORES:
            assert scores[name].tolist() == [record.summary()[f"{name}_{at}"] for record in RECORDS]


def test_every_prediction_has_its_person():
    predictions = people.pooled_predictions(RECORDS, STORE)
    assert len(predictions) == 3 * len(STORE.clips)
    truth = STORE.clips.set_index("clip_id")["subject"]
    assert (predictions["subject"] == predictions["clip"].map(truth)).all()


class Unnamed(FakeStore):
    @property
    def clips(self):
        return super().clips.replace({"subject": {"s3": "unknown"}})


def test_predictions_for_people_who_are_unknown_are_not_pooled():
    with pytest.raises(TrainingError, match="whose face"):
        people.pooled_predictions(RECORDS, Unnamed())


def test_people_are_listed_with_their_worst_and_best_seed():
    table = people.scores_by_person(people.pooled_predictions(RECORDS, STORE))
    assert table["clips"].sum() == sum(STORE.sizes)
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()
    assert table["accuracy"].is_monotonic_decreasing


def test_predictions_that_no_network_made_are_scored_alike():
    predictions = pd.DataFrame(
        {"run": 0, "clip": ["a", "b", "c"], "subject": ["s1", "s1", "s2"], "truth": ["x", "y", "y"], "predicted": "y"}
    )
    assert people.scores_by_run(predictions, ["x", "y"]).loc[0, "accuracy"] == pytest.approx(2 / 3)
    assert people.scores_by_person(predictions)["accuracy"].to_dict() == {"s2": 1.0, "s1": 0.5}


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
