"""Chapter 10's ledger, on runs that are made up: pairs by seed, and gaps that stay visible."""

from dataclasses import replace

import numpy as np
import pytest
from fake_outcomes import FakeStore, failed, finished, missing
from made_up import Chapter

from lib.core.errors import ConfigError
from lib.training.plans import FUSENET, FUSENET_SHORTCUTS, STCNN
from lib.training.protocols import SHORTCUTS

SWITCHES = {*SHORTCUTS, "best_epoch", "doubled_batch"}


def by_protocol(**fates):
    """Finished runs, but for protocols that `fates` names: how often those are right, or what became of them."""

    def outcome_of(config, store):
        fate = fates.get(config.protocol, 0.5)
        return finished(config, store, fate) if isinstance(fate, float) else fate(config)

    return outcome_of


def some(make, seed):
    """One seed of a protocol failed or missing, the others finished."""
    return lambda config: make(config) if config.seed == seed else finished(config, FakeStore(), 0.5)


def row(found, switch, model=STCNN):
    return next(one for one in found["switches"] if (one["switch"], one["model"]) == (switch, model))


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    return Chapter(monkeypatch, tmp_path, "10_shortcuts")


@pytest.mark.parametrize(
    ("outcome_of", "status"),
    [
        (by_protocol(), "measured"),
        (lambda config, _: failed(config), "failed"),
        (lambda config, _: missing(config), "missing"),
    ],
)
def test_every_departure_has_a_line_whatever_became_of_its_runs(chapter, outcome_of, status):
    lines = chapter.execute(outcome_of, seeds=2, fusenet_seeds=2)["switches"]
    assert {one["switch"] for one in lines} == SWITCHES
    assert len(lines) == len(SWITCHES) + 1  # the best epoch of both networks
    assert {one["status"] for one in lines} == {status}
    assert {one["switch"] for one in lines if one["model"] == FUSENET} == {*FUSENET_SHORTCUTS, "best_epoch"}


def test_a_change_is_the_difference_of_two_runs_of_one_seed_at_the_last_epoch(chapter):
    found = chapter.execute(by_protocol(shared_subjects=0.9), seeds=4)
    accuracy = {
        (one.config.protocol, one.config.seed): one.record.summary()["accuracy_last"]
        for one in chapter.names["outcomes"]
        if one.config.model == STCNN and one.config.batch_size == 8
    }
    changes = [accuracy["shared_subjects", seed] - accuracy["clean", seed] for seed in range(4)]
    assert row(found, "shared_subjects")["accuracy_change"]["estimate"] == pytest.approx(np.mean(changes))
    assert found["switches"][0]["switch"] == "shared_subjects"  # the largest gain


def test_the_gain_of_the_best_epoch_is_that_over_the_last_and_has_a_range_in_place_of_an_interval(chapter):
    found = chapter.execute(by_protocol(), seeds=4)
    runs = [
        one.record.summary()
        for one in chapter.names["outcomes"]
        if (one.config.protocol, one.config.model, one.config.batch_size) == ("clean", STCNN, 8)
    ]
    gains = [run["accuracy_best"] - run["accuracy_last"] for run in runs]
    line = row(found, "best_epoch")
    assert line["accuracy_change"] == {"estimate": pytest.approx(np.mean(gains)), "low": None, "high": None}
    assert line["accuracy_never_less"] == pytest.approx(
        {"mean": np.mean(gains), "lowest": min(gains), "highest": max(gains)}
    )
    assert line["uf1_change"]["low"] is not None  # the epoch is chosen by accuracy, and may cost UF1


def test_a_pair_with_a_failed_run_is_counted_and_left_out_of_the_mean(chapter):
    line = row(chapter.execute(by_protocol(frames_as_listed=some(failed, 1)), seeds=4), "frames_as_listed")
    assert (line["n_seeds"], line["n_failed"], line["n_missing"], line["status"]) == (3, 1, 0, "measured")
    assert "the loss was not finite" in line["reason"]
    assert "3 of 4 (1 failed, 0 not trained)" in chapter.names["ledger"]["pairs"].tolist()


@pytest.mark.parametrize(("make", "count"), [(failed, "n_failed"), (missing, "n_missing")])
def test_a_baseline_that_failed_or_is_missing_leaves_no_departure_of_that_seed_measured(chapter, make, count):
    found = chapter.execute(by_protocol(clean=some(make, 0)), seeds=4, fusenet_seeds=4)
    assert {(one["n_seeds"], one[count]) for one in found["switches"]} == {(3, 1)}


def test_a_line_without_a_number_comes_last_and_has_none(chapter):
    found = chapter.execute(by_protocol(duplicated_clips=failed), seeds=2)
    last = found["switches"][-1]
    assert (last["switch"], last["accuracy_change"]["estimate"]) == ("duplicated_clips", None)


def test_two_seeds_show_no_direction_and_one_has_no_interval(chapter):
    better = by_protocol(shared_subjects=0.95)
    assert row(chapter.execute(better, seeds=2), "shared_subjects")["directions"]["accuracy"] == "open"
    line = row(chapter.execute(better, seeds=1), "shared_subjects")
    assert (line["status"], line["accuracy_change"]["low"]) == ("one seed", None)


def test_uf1_over_other_classes_has_no_change(chapter):
    def one_class(config):
        outcome = finished(config, FakeStore(), 0.5)
        truth = outcome.record.truth
        return replace(outcome, record=replace(outcome.record, truth=truth[truth["truth"] == "surprise"]))

    found = chapter.execute(by_protocol(unshuffled_split=one_class), seeds=3)
    line = row(found, "unshuffled_split")
    assert line["uf1_change"]["estimate"] is None
    assert line["accuracy_change"]["estimate"] is not None
    assert row(found, "shared_subjects")["uf1_change"]["estimate"] is not None


def test_departures_in_the_arrays_are_measured_between_two_stores_by_the_network_that_sees_them(chapter):
    def store(*_, grey="luma", detection="tracked"):
        return FakeStore(sizes=(6, 10, 3, 14, 2, 8, 9, 4 if detection == "released" else 5), dataset=grey)

    def outcome_of(config, store):
        return finished(config, store, 0.9 if store.dataset == "rgb_as_bgr" else 0.4, gain=0.0)

    found = chapter.execute(outcome_of, store, arrays="grey detection", seeds=3, fusenet_seeds=3)
    grey = row(found, "grey_released")
    assert grey["n_seeds"] == 3
    assert grey["accuracy_change"]["estimate"] > 0.2
    assert row(found, "detection_released", FUSENET)["n_seeds"] == 3
    assert found["other_clips"] == {"grey": [], "detection": ["056"]}
    assert row(found, "shared_subjects")["accuracy_change"]["estimate"] == pytest.approx(0, abs=0.1)


def test_an_unknown_departure_in_the_arrays_is_refused(chapter):
    with pytest.raises(ConfigError, match="grey, detection"):
        chapter.execute(by_protocol(), arrays="gray")


def test_the_figure_names_gaps_and_says_what_is_a_stand_in(chapter):
    fates = by_protocol(frames_as_listed=missing)
    for standin in (None, {"seed": 0}):
        chapter.execute(fates, lambda *_, standin=standin: FakeStore(standin=standin), seeds=2)
        figure = chapter.names["figure"]
        assert any("stand-in" in text.get_text() for text in figure.texts) == (standin is not None)
        written = [text.get_text() for axis in figure.axes for text in axis.texts]
        assert written == ["0 of 2 (0 failed, 2 not trained)"] * 2


def test_each_departure_is_explained_by_what_the_released_code_does(chapter):
    chapter.execute(by_protocol(), seeds=1, fusenet_seeds=1)
    meanings = chapter.names["meanings"]
    assert set(meanings.index) == {*SWITCHES, "grey_released", "detection_released"}
    assert meanings.drop(columns="entry").notna().all(axis=None)
    assert "SMIC/Intermediate_MicroFuseNet.py" in meanings.loc["mouth_for_eyes", "in"]
