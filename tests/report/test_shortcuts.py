"""The ledger of shortcuts: pairs by seed, gaps that stay visible, sentences that claim no more than was measured."""

import json
import math
from dataclasses import replace

import pytest
from fake_outcomes import FakeStore, failed, finished, missing

from lib.cli import main
from lib.report import rigour_prose, shortcut_figures, shortcuts
from lib.statistics.intervals import Interval
from lib.training.plans import FUSENET, FUSENET_SHORTCUTS, STCNN, shortcut_runs
from lib.training.protocols import SHORTCUTS
from lib.training.records import RunConfig

STORE = FakeStore()


def outcome_of(config, right=0.5):
    return finished(config, STORE, right)


def outcomes(seeds=4, fusenet_seeds=3, replaced=()):
    """Every run finished with one accuracy, but those that `replaced`, pairs of (protocol, outcome), says."""
    chosen = dict(replaced)
    return [
        chosen.get(config.protocol, outcome_of)(config)
        for config in shortcut_runs(seeds=seeds, fusenet_seeds=fusenet_seeds)
    ]


def row(book, switch, model=STCNN):
    return next(book[(book["switch"] == switch) & (book["model"] == model)].itertuples())


def test_every_departure_has_a_line_whatever_became_of_its_runs():
    for make in (outcome_of, failed, missing):
        book = shortcuts.ledger(shortcuts.pairs([make(config) for config in shortcut_runs(seeds=2, fusenet_seeds=1)]))
        assert set(book["switch"]) == set(shortcuts.SWITCHES) == {*SHORTCUTS, "best_epoch", "doubled_batch"}
        assert len(book) == len(shortcuts.SWITCHES) + 1  # the best epoch of both networks


def test_departures_of_two_streams_are_measured_against_their_own_baseline():
    changes = shortcuts.pairs(outcomes())
    for name in FUSENET_SHORTCUTS:
        assert set(changes.loc[changes["switch"] == name, "model"]) == {FUSENET}
    assert set(changes.loc[changes["switch"] == "shared_subjects", "model"]) == {STCNN}


def test_a_change_is_the_difference_of_two_runs_of_one_seed_at_the_last_epoch():
    better = lambda config: outcome_of(config, 0.9)  # noqa: E731
    runs = outcomes(replaced=[("shared_subjects", better)])
    changes = shortcuts.pairs(runs)
    found = changes[changes["switch"] == "shared_subjects"].set_index("seed")["accuracy"]
    for seed in range(4):
        pair = {one.config.protocol: one.record.summary() for one in runs
                if one.config.seed == seed and one.config.model == STCNN and one.config.batch_size == 8}  # fmt: skip
        assert found[seed] == pytest.approx(pair["shared_subjects"]["accuracy_last"] - pair["clean"]["accuracy_last"])


def test_the_best_epoch_is_compared_with_the_last_of_the_same_run():
    runs = outcomes()
    changes = shortcuts.pairs(runs)
    found = changes[(changes["switch"] == "best_epoch") & (changes["model"] == STCNN)].set_index("seed")
    summary = runs[0].record.summary()
    assert found.loc[0, "accuracy"] == pytest.approx(summary["accuracy_best"] - summary["accuracy_last"])
    assert found.loc[0, "uf1"] == pytest.approx(summary["uf1_best"] - summary["uf1_last"])


def test_a_failed_run_is_counted_and_leaves_its_pair_out_of_the_mean():
    once = lambda config: failed(config) if config.seed == 1 else outcome_of(config)  # noqa: E731
    book = shortcuts.ledger(shortcuts.pairs(outcomes(replaced=[("frames_as_listed", once)])))
    line = row(book, "frames_as_listed")
    assert (line.n_seeds, line.n_failed, line.n_missing, line.status) == (3, 1, 0, "measured")
    assert "failed: the loss was not finite" in line.reason
    assert shortcuts.ledger_table(book, False).loc[line.title, "pairs of runs"] == "3 of 4 (1 failed)"


def test_a_failed_baseline_leaves_no_departure_of_that_seed_measured():
    once = lambda config: failed(config) if config.seed == 0 else outcome_of(config)  # noqa: E731
    changes = shortcuts.pairs(outcomes(replaced=[("clean", once)]))
    assert set(changes.loc[changes["seed"] == 0, "status"]) == {"failed"}
    assert set(changes.loc[changes["seed"] == 1, "status"]) == {"finished"}


def test_a_missing_baseline_makes_a_pair_missing():
    changes = shortcuts.pairs([one for one in outcomes() if one.config.protocol != "clean" or one.config.seed])
    assert set(changes.loc[changes["seed"] == 0, "status"]) == {"missing"}


def test_the_largest_gain_comes_first_and_lines_without_a_number_last():
    better = lambda config: outcome_of(config, 0.95)  # noqa: E731
    book = shortcuts.ledger(
        shortcuts.pairs(outcomes(replaced=[("validated_on_training_clips", better), ("duplicated_clips", failed)]))
    )
    assert book["switch"].iloc[0] == "validated_on_training_clips"
    assert book["switch"].iloc[-1] == "duplicated_clips"
    assert book["status"].iloc[-1] == "failed"


def test_two_equal_changes_are_not_called_a_finding():
    better = lambda config: outcome_of(replace(config, seed=0), 0.9)  # noqa: E731
    same = lambda config: outcome_of(replace(config, seed=0))  # noqa: E731
    few = [("shared_subjects", better), ("clean", same)]
    runs = [
        replace(one, config=replace(one.config, seed=seed))
        for seed in range(2)
        for one in outcomes(seeds=1, fusenet_seeds=1, replaced=few)
    ]
    line = row(shortcuts.ledger(shortcuts.pairs(runs)), "shared_subjects")
    assert line.accuracy.low == line.accuracy.high > 0
    assert line.directions["accuracy"] == "open"


def test_the_gain_of_the_best_epoch_cannot_be_negative_and_has_no_interval_around_zero():
    book = shortcuts.ledger(shortcuts.pairs(outcomes()))
    line = row(book, "best_epoch")
    assert math.isnan(line.accuracy.low)
    assert 0 <= line.never_less.lowest <= line.never_less.mean <= line.never_less.highest
    assert math.isfinite(line.uf1.low)  # the epoch is chosen by accuracy, and may cost UF1
    assert row(book, "shared_subjects").never_less is None
    assert "*best epoch reported* cannot lower accuracy: +" in rigour_prose.shortcut_sentences(book, standin=False)


def test_a_gain_that_uf1_shows_is_told_where_accuracy_is_blind():
    book = shortcuts.ledger(shortcuts.pairs(outcomes()))
    blind = book["switch"] == "validated_on_training_clips"
    book.loc[blind, "accuracy"] = [Interval(0.073, -0.01, 0.156)]
    book.loc[blind, "uf1"] = [Interval(0.208, 0.124, 0.291)]
    book.loc[blind, "directions"] = [{"accuracy": "open", "uf1": "up"}]
    text = rigour_prose.shortcut_sentences(book, standin=False)
    assert "*scored on all clips* (+0.208 (+0.124 to +0.291))" in text.partition("UF1 **rises**")[2]


def test_sentences_name_what_rises_and_what_has_no_number():
    better = lambda config: outcome_of(config, 0.95)  # noqa: E731
    runs = outcomes(replaced=[("shared_subjects", better), ("duplicated_clips", failed), ("unshuffled_split", missing)])
    text = rigour_prose.shortcut_sentences(shortcuts.ledger(shortcuts.pairs(runs)), standin=True)
    assert "Accuracy **rises**" in text
    assert "*people in both parts*" in text.split("Accuracy **falls**")[0]
    assert "*last class doubled* (failed)" in text
    assert "*split without shuffling* (missing)" in text
    assert "stand-in" in text
    assert "stand-in" not in rigour_prose.shortcut_sentences(shortcuts.ledger(shortcuts.pairs(runs)), standin=False)


def test_planned_runs_are_told_apart_by_what_became_of_them():
    text = rigour_prose.outcome_sentences([outcome_of(RunConfig(STCNN)), failed(RunConfig(STCNN, "clean", seed=3))])
    assert "**1 of 2 runs** are finished" in text
    assert "`clean` of MicroExpSTCNN, batches of 8, seed 3" in text
    assert "not been trained" in rigour_prose.outcome_sentences([missing(RunConfig(STCNN))])


def test_results_are_json_even_where_nothing_was_measured():
    book = shortcuts.ledger(shortcuts.pairs(outcomes(seeds=1, replaced=[("frames_as_listed", missing)])))
    written = json.loads(json.dumps(shortcuts.results(book), allow_nan=False))
    by_switch = {one["switch"]: one for one in written}
    assert by_switch["frames_as_listed"]["accuracy_change"] == {"estimate": None, "low": None, "high": None}
    assert by_switch["frames_as_listed"]["status"] == "missing"
    assert by_switch["shared_subjects"]["status"] == "one seed"
    assert by_switch["shared_subjects"]["accuracy_change"]["estimate"] is not None


def test_each_departure_is_explained_by_what_the_released_code_does():
    table = shortcuts.meanings()
    assert len(table) == len(shortcuts.SWITCHES)
    assert (table != "").all(axis=None)
    assert "SMIC/Intermediate_MicroFuseNet.py" in table.loc["mouth in place of eyes", "in"]


@pytest.mark.parametrize("option", ["--grey rgb_as_bgr", "--detection released"])
def test_a_departure_that_takes_another_store_is_told_with_a_command_that_measures_it(option, tmp_path, capsys):
    (told,) = [text for text in shortcuts.without_switch()["here"] if option in text]
    words = told.partition("python -m lib ")[2].partition(",")[0].split()
    assert main([*words, "--root", str(tmp_path / "absent")]) == 1
    assert "expected the dataset's folder" in capsys.readouterr().err  # all else is understood


def test_a_figure_of_a_stand_in_says_so_and_names_every_gap():
    runs = outcomes(seeds=2, replaced=[("frames_as_listed", missing), ("mouth_for_eyes", failed)])
    changes = shortcuts.pairs(runs)
    for standin in (True, False):
        figure = shortcut_figures.ledger_chart(shortcuts.ledger(changes), changes, standin)
        assert any("stand-in" in text.get_text() for text in figure.texts) == standin
    written = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert "2 not trained" in written
    assert any("failed" in text for text in written)


def test_uf1_over_other_classes_has_no_change_and_says_so():
    def one_class(config):
        outcome = outcome_of(config)
        truth = STORE.truth()
        record = replace(outcome.record, truth=truth[truth["truth"] == "surprise"])
        return replace(outcome, record=record)

    changes = shortcuts.pairs(outcomes(replaced=[("unshuffled_split", one_class)]))
    ledger = shortcuts.ledger(changes)
    found = row(ledger, "unshuffled_split")
    assert math.isnan(found.uf1.estimate)
    assert math.isfinite(found.accuracy.estimate)
    assert math.isfinite(row(ledger, "shared_subjects").uf1.estimate)
    figure = shortcut_figures.ledger_chart(ledger, changes, standin=False)
    assert "other classes are scored" in [text.get_text() for axis in figure.axes for text in axis.texts]


def test_a_row_without_a_pair_tells_how_many_failed_and_how_many_are_missing():
    fate = lambda config: (failed if config.seed == 0 else missing)(config)  # noqa: E731
    changes = shortcuts.pairs(outcomes(replaced=[("frames_as_listed", fate)]))
    figure = shortcut_figures.ledger_chart(shortcuts.ledger(changes), changes, standin=False)
    assert "1 failed, 3 not trained" in [text.get_text() for axis in figure.axes for text in axis.texts]
