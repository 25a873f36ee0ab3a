"""Chapter 7 on records that were never trained: collapse, cells without a number, 3x3x15 beside the others, prose."""

import dataclasses
import json
from types import SimpleNamespace

import pandas as pd
import pytest

from lib.audit import paper
from lib.audit.accuracies import constant_scores, validation_counts
from lib.core.errors import ConfigError
from lib.networks.layers import kernel_costs
from lib.report import kernel_figures, kernel_prose, kernel_study
from lib.report.kernel_study import Collapse, collapse
from lib.training import records
from lib.training.plans import PAPER_KERNELS, Outcome, kernel_runs
from lib.training.records import RunConfig

CLASSES = ("negative", "positive", "surprise")
TRUTH = ("negative",) * 9 + ("positive",) * 5 + ("surprise",) * 6  # 20 validation clips: shares .45, .25, .3
CONFIG = RunConfig("micro_exp_stcnn", epochs=4)


@dataclasses.dataclass
class Record:
    """A run whose validation accuracy per epoch and predictions at the best and last epoch a test decides."""

    config: RunConfig
    accuracy: list[float]
    best: tuple[str, ...]
    last: tuple[str, ...]
    seconds: tuple[float, ...] = (9.0, 1.0, 1.0, 1.0)
    device: str = "two cores"

    @property
    def id(self):
        return self.config.slug

    @property
    def history(self):
        epochs = range(1, len(self.accuracy) + 1)
        return pd.DataFrame({"fold": "holdout", "epoch": epochs, "val_accuracy": self.accuracy})

    def predictions(self, at="best"):
        answers = self.best if at == "best" else self.last
        table = {"clip": range(len(TRUTH)), "fold": "holdout", "at": at, "epoch": 1, "truth": TRUTH}
        return pd.DataFrame(table).assign(predicted=answers)

    def summary(self):
        both = pd.concat([self.predictions(at) for at in ("best", "last")])
        return records.summarise(self.history, both, list(CLASSES))

    @property
    def provenance(self):
        return {"seconds_per_epoch": list(self.seconds), "device": self.device, "wall_seconds": sum(self.seconds)}


def right(hits):
    """Predictions with so many hits, in more than one class."""
    wrong = {"negative": "positive", "positive": "surprise", "surprise": "negative"}
    return tuple(truth if i < hits else wrong[truth] for i, truth in enumerate(TRUTH))


def learning(config, hits, **fields):
    curve = [0.3, 0.4, 0.5, hits / 20]
    return Outcome(config, "finished", Record(config, curve, right(hits), right(hits), **fields))


def constant(config, name="negative", curve=(0.6, 0.45, 0.45, 0.45), best=12):
    return Outcome(config, "finished", Record(config, list(curve), right(best), (name,) * len(TRUTH)))


def configs(kernel, seeds=3, learning_rate=0.01):
    return [
        dataclasses.replace(CONFIG, kernel_size=kernel, learning_rate=learning_rate, seed=seed) for seed in range(seeds)
    ]


def study_of(outcomes, misfits=None, planned=()):
    planned = [*(outcome.config for outcome in outcomes), *planned]
    return kernel_study.study(planned, outcomes, misfits or {})


def cell(table, name, rate=0.01):
    return table[(table["name"] == name) & (table["learning_rate"] == rate)].iloc[0]


@pytest.fixture
def mixed():
    """Every status at once, at two learning rates: (table, outcomes, planned)."""
    planned = kernel_runs("3x3x3 3x3x7 3x3x15 3x3x19 5x5x3 5x5x7", "0.01 0.001", epochs=4, seeds=2)
    misfits = {(side, side, 19): "a kernel of depth 19 does not fit" for side in (3, 5, 7)}
    outcomes = []
    for config in planned:
        small_steps = config.learning_rate == 0.001
        if config.kernel_size in misfits:
            continue
        if config.kernel_size == (3, 3, 3):
            outcomes.append(learning(config, 12 + config.seed) if small_steps else constant(config))
        elif config.kernel_size == (5, 5, 3):
            reason = "the loss was not finite"
            outcomes.append(learning(config, 11) if small_steps else Outcome(config, "failed", reason=reason))
        elif config.kernel_size == (5, 5, 7) or (config.kernel_size == (3, 3, 7) and config.seed == 1):
            outcomes.append(Outcome(config, "missing"))
        else:
            outcomes.append(learning(config, 13 + config.seed))
    return kernel_study.study(planned, outcomes, misfits), outcomes, planned


# === Collapse ===


def test_a_collapse_is_dated_from_the_first_epoch_that_stays_at_the_classs_share():
    assert collapse(constant(CONFIG, curve=(0.45, 0.6, 0.45, 0.45)).record) == Collapse("negative", since_epoch=3)


def test_a_network_that_never_gave_another_answer_is_dated_from_the_first_epoch():
    assert collapse(constant(CONFIG, curve=(0.45,) * 4).record) == Collapse("negative", since_epoch=1)


def test_a_collapse_is_to_the_class_that_is_answered_whatever_its_share():
    found = collapse(constant(CONFIG, name="surprise", curve=(0.45, 0.45, 0.3, 0.3)).record)
    assert found == Collapse("surprise", since_epoch=3)


def test_the_last_decimal_of_a_stored_accuracy_does_not_move_the_date():
    curve = (0.6, 0.45 - 1e-15, 0.45 + 1e-15, 0.45)
    assert collapse(constant(CONFIG, curve=curve).record).since_epoch == 2


def test_the_accuracy_of_a_class_share_alone_is_no_collapse():
    record = Record(CONFIG, [0.45] * 4, right(9), right(9))
    assert collapse(record) is None


def test_a_record_of_several_folds_is_refused():
    record = constant(CONFIG).record
    folds = record.history.assign(fold=["a", "a", "b", "b"])
    with pytest.raises(ValueError, match="one fold, found 2"):
        collapse(SimpleNamespace(history=folds, predictions=record.predictions))


def test_every_collapsed_run_has_a_row_with_its_class_and_epoch(mixed):
    table = kernel_study.collapse_table(mixed[1])
    assert table["kernel"].tolist() == ["3x3x3", "3x3x3"]
    assert table["since epoch"].tolist() == [2, 2]
    assert table["its share of the clips"].tolist() == [0.45, 0.45]


# === The table ===


def test_no_kernel_of_the_paper_and_no_planned_run_is_dropped(mixed):
    table = mixed[0]
    assert len(table) == 2 * len(PAPER_KERNELS)
    expected = {
        "3x3x3": "finished", "3x3x7": "incomplete", "3x3x15": "finished", "3x3x19": "does not fit", "5x5x3": "failed",
        "5x5x7": "missing", "5x5x15": "not planned", "7x7x19": "does not fit",
    }  # fmt: skip
    assert {name: cell(table, name)["status"] for name in expected} == expected
    assert cell(table, "5x5x3")["reason"] == "the loss was not finite"
    assert table["planned"].sum() == len(mixed[2])


def test_a_kernel_that_is_not_the_papers_has_a_row_too():
    table = study_of([learning(config, 14) for config in configs((5, 5, 9))])
    assert len(table) == len(PAPER_KERNELS) + 1
    assert cell(table, "5x5x9")["status"] == "finished"


def test_a_cell_holds_mean_and_range_over_its_seeds():
    outcomes = [learning(config, hits) for config, hits in zip(configs((3, 3, 15)), (12, 14, 16), strict=True)]
    found = cell(study_of(outcomes), "3x3x15")
    assert found["accuracy_last"] == pytest.approx(0.7)
    assert (found["low_last"], found["high_last"]) == (0.6, 0.8)
    assert found["interval_last"].low < 0.6


def test_a_constant_answer_is_counted_apart_at_the_best_and_the_last_epoch(mixed):
    found = cell(mixed[0], "3x3x3")
    assert (found["constant_best"], found["constant_last"]) == (0, 2)
    assert found["classes"] == ("negative", "negative")


def test_a_study_of_no_runs_is_refused():
    with pytest.raises(ConfigError, match="no planned run"):
        kernel_study.study([], [], {})


def test_table_ix_is_shown_as_printed_with_the_constant_answers_that_score_the_same():
    published = kernel_study.published_table()
    assert [tuple(kernel) for kernel in published["kernel"]] == list(PAPER_KERNELS)
    assert published["accuracy"].tolist() == paper.kernel_accuracies()["accuracy"].tolist()
    scores = constant_scores(validation_counts("casme2_sq"))
    for row in published[published["constant"] != ""].itertuples():
        assert scores[row.constant] == pytest.approx(row.accuracy, abs=0.005)


# === Time ===


def test_time_per_epoch_leaves_out_the_first_and_compares_on_one_device():
    outcomes = [
        learning(configs((3, 3, 15))[0], 12),
        learning(configs((5, 5, 7))[0], 12, seconds=(9.0, 2.0, 2.5, 3.0)),
        learning(configs((7, 7, 7))[0], 12, device="a faster one"),
    ]
    times = kernel_study.epoch_seconds(outcomes)
    assert times.loc["5x5x7", "seconds"] == 2.5
    assert times.loc["5x5x7", "ratio"] == 2.5
    assert "7x7x7" not in times.index


# === 3x3x15 beside the others ===


def compared(hits, rate=0.01):
    """Hits per seed of each kernel -> the comparison at the last epoch."""
    outcomes = [
        learning(config, count)
        for kernel, counts in hits.items()
        for config, count in zip(configs(kernel, len(counts), rate), counts, strict=True)
    ]
    return kernel_study.comparison(study_of(outcomes), outcomes, rate, "last")


def test_kernels_are_compared_by_pairs_of_seeds_the_best_other_first():
    found = compared({(3, 3, 15): (16, 17, 18, 17), (5, 5, 7): (7, 9, 10, 8), (3, 3, 3): (8, 9, 11, 9)})
    assert (found["kernel"], found["accuracy"]) == ("3x3x15", pytest.approx(0.85))
    assert [other["kernel"] for other in found["others"]] == ["3x3x3", "5x5x7"]
    best = found["others"][0]
    assert (best["seeds"], best["difference"]["estimate"]) == (4, pytest.approx(0.3875))
    assert best["cautious"]["low"] < best["difference"]["low"]


def test_the_cautious_interval_grows_with_the_number_of_other_kernels():
    near = {(3, 3, 15): (8, 9, 10), (3, 3, 3): (11, 13, 14)}
    rest = {kernel: (7, 9, 8) for kernel in PAPER_KERNELS if kernel not in near}
    few, many = compared(near)["others"][0], compared({**near, **rest})["others"][0]
    assert few["difference"] == many["difference"]
    assert few["cautious"] == few["difference"]
    assert many["cautious"]["high"] > few["cautious"]["high"]


def test_only_seeds_that_both_kernels_have_are_paired_and_one_has_no_interval():
    (other,) = compared({(3, 3, 15): (20, 19, 20), (3, 3, 3): (5,)})["others"]
    assert (other["seeds"], other["difference"]["low"]) == (1, None)


def test_all_twelve_with_all_seeds_are_a_complete_comparison():
    hits = dict.fromkeys(PAPER_KERNELS, (7, 9, 8))
    assert compared(hits)["complete"]
    del hits[7, 7, 7]
    assert not compared(hits)["complete"]


def test_without_3x3x15_or_without_another_kernel_nothing_is_compared():
    assert compared({(3, 3, 3): (14, 13, 15)})["accuracy"] is None
    assert compared({(3, 3, 3): (14, 13, 15)})["others"] == []
    assert compared({(3, 3, 15): (14, 13, 15)})["others"] == []


def test_leads_are_shown_in_points_beside_each_kernel():
    table = kernel_study.comparison_table({"best": compared({(3, 3, 15): (16, 17, 18), (3, 3, 3): (6, 7, 8)})})
    assert table.loc["3x3x3", "lead of 3x3x15, best epoch"].startswith("+50.0 points")


# === As data ===


def test_results_are_plain_json_with_the_settings_of_the_runs(mixed):
    table, outcomes, planned = mixed
    comparisons = {at: kernel_study.comparison(table, outcomes, 0.01, at) for at in ("best", "last")}
    costs = kernel_costs([(3, 3, 3), (3, 3, 15), (3, 3, 19)], (64, 64, 18))
    found = kernel_study.results(table, comparisons, costs, kernel_study.epoch_seconds(outcomes), planned)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["settings"] == {"protocol": "paper", "epochs": 4, "batch_size": 8, "learning_rate": 0.01}
    assert found["collapse"][0] == {
        "learning_rate": 0.01, "runs_finished": 5, "runs_collapsed": 2, "runs_failed": 2,
        "kernels_collapsed": ["3x3x3"], "kernels_failed": ["5x5x3"],
    }  # fmt: skip
    missing = next(one for one in found["kernels"] if one["kernel"] == "5x5x7")
    assert (missing["status"], missing["accuracy_best"], missing["interval_best"]) == ("missing", None, [None, None])


# === Figures ===


def texts(figure):
    return [text.get_text().replace("\n", " ") for axis in figure.axes for text in axis.texts]


def test_every_status_is_written_in_the_heat_map(mixed):
    written = texts(kernel_figures.heat_maps(mixed[0], 0.01, standin=True, published=kernel_study.published_table()))
    for expected in ("does not fit", "not planned", "not trained", "diverged"):
        assert expected in written
    assert any("one class: 2/2" in text for text in written)
    assert any("1 of 2 runs" in text for text in written)


@pytest.mark.parametrize("standin", [True, False])
def test_figures_of_a_stand_in_say_so_and_others_do_not(mixed, standin):
    table, outcomes, _ = mixed
    for figure in (
        kernel_figures.heat_maps(table, 0.01, standin, kernel_study.published_table()),
        kernel_figures.accuracy_curves(table, outcomes, 0.01, standin),
    ):
        assert any("stand-in" in text.get_text() for text in figure.texts) == standin


def test_counted_costs_are_drawn_without_measured_times():
    figure = kernel_figures.cost_ratios(kernel_costs([(3, 3, 3), (3, 3, 15)], (64, 64, 18)))
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["parameters", "FLOPs of a clip, forward"]
    assert not figure.texts  # nothing of a stand-in is in them


def test_there_are_no_curves_of_a_learning_rate_that_was_not_tried(mixed):
    table, outcomes, planned = mixed
    untried = [dataclasses.replace(config, learning_rate=0.1) for config in planned]
    table = kernel_study.study([*planned, *untried], outcomes, {})
    assert kernel_figures.accuracy_curves(table, outcomes, 0.1, standin=True) is None
    assert kernel_figures.accuracy_curves(table, outcomes, 0.01, standin=True) is not None


def test_a_panel_shows_the_collapsed_part_of_a_curve(mixed):
    figure = kernel_figures.accuracy_curves(mixed[0], mixed[1], 0.01, standin=True)
    panel = next(axis for axis in figure.axes if axis.get_title() == "3x3x3")
    thick = [line for line in panel.lines if line.get_linewidth() > 2]
    assert [line.get_xdata().tolist() for line in thick] == [[2, 3, 4], [2, 3, 4]]


# === Sentences ===


def test_the_column_of_constant_answers_is_shown_only_where_one_has_the_score():
    published = kernel_study.published_table()
    assert "score of a constant answer" in kernel_prose.published_display(published)
    assert list(kernel_prose.published_display(published.assign(constant=""))) == ["accuracy"]


def test_a_kernel_that_does_not_fit_is_named_with_its_reason(mixed):
    misfits = {(3, 3, 19): "a kernel of depth 19 does not fit a volume of depth 18"}
    text = kernel_prose.plan_sentences(mixed[2], misfits)
    assert "**Not trained: 3x3x19**, because a kernel of depth 19 does not fit a volume of depth 18." in text
    assert "epochs 4 instead of 100" in text


def test_runs_that_failed_or_are_missing_are_named(mixed):
    text = kernel_prose.outcome_sentences(mixed[0])
    assert "2 diverged at learning rate 0.01: 5x5x3 (2)" in text
    assert "3 not trained at learning rate 0.001: 3x3x7 (1) and 5x5x7 (2)" in text
    assert "not in this page's list: 5x5x15" in text


def test_missing_runs_are_named_once_where_all_or_as_many_of_each_are_missing():
    outcomes = [learning(config, 12) for config in configs((3, 3, 15))]
    missing = [
        Outcome(config, "missing") for kernel in ((3, 3, 3), (5, 5, 3)) for config in configs(kernel, 2)
    ] + [Outcome(config, "missing") for config in configs((3, 3, 15), 3, 0.001)]  # fmt: skip
    text = kernel_prose.outcome_sentences(study_of([*outcomes, *missing]))
    assert "4 not trained at learning rate 0.01: 2 each of 3x3x3 and 5x5x3;" in text
    assert "3 not trained at learning rate 0.001: all of them;" in text


def test_one_finished_kernel_is_compared_with_nothing():
    outcomes = [learning(config, 14) for config in configs((3, 3, 15), 1)]
    table = study_of(outcomes)
    text = kernel_prose.accuracy_sentences(table, 0.01, standin=True)
    assert "only 3x3x15 has a finished run, with 70.0% at the best epoch: there is no other kernel to compare" in text
    assert "run from" not in text


def test_kernels_with_one_seed_are_counted_beside_those_with_several():
    outcomes = [learning(config, 12 + 2 * config.seed) for config in configs((3, 3, 15))]
    outcomes += [learning(config, 11) for kernel in ((3, 3, 3), (5, 5, 3)) for config in configs(kernel, 1)]
    text = kernel_prose.accuracy_sentences(study_of(outcomes), 0.01, standin=False)
    assert "lie up to 20.0 points apart (3x3x15)" in text
    assert "2 of the 3 kernels have one finished seed" in text
    assert "One of the 20 validation clips more or less is 5.0 points." in text


def test_a_table_of_no_collapsed_run_is_a_line(mixed):
    collapsed = kernel_study.collapse_table(mixed[1])
    assert "negative" in kernel_prose.collapse_display(collapsed, 8).to_html()
    assert kernel_prose.collapse_display(collapsed[:0], 8).data == "None of 8 finished runs."


def test_costs_are_shown_as_multiply_adds_and_times_with_their_reservation(mixed):
    costs, times = kernel_costs([(3, 3, 3), (3, 3, 15)], (64, 64, 18)), kernel_study.epoch_seconds(mixed[1])
    shown = kernel_prose.cost_display(costs, times).to_html()
    assert "multiply-adds" in shown
    assert "macs" not in shown
    assert "with other work" in shown
    text = kernel_prose.cost_sentences(costs, times)
    assert "include other work on the machine" in text
    assert "times as long" not in text


def test_collapsed_runs_are_counted_with_their_class_and_date(mixed):
    text = kernel_prose.collapse_sentences(mixed[0], 0.01, standin=True)
    assert "**2 of 5 finished runs end in one class**" in text
    assert "*negative* 2" in text
    assert "since epoch 2" in text
    assert "stand-in" in text


def test_a_collapse_that_smaller_steps_cure_is_laid_on_the_steps(mixed):
    text = kernel_prose.rate_sentences(mixed[0], standin=True)
    assert "**1 kernel** with a collapsed run at 0.01, 1 was repeated at 0.001, and **0 of these**" in text
    assert "the size of the steps" in text
    assert "Of 1 kernel that diverged at 0.01, 1 finished" in text


def test_a_collapse_that_stays_is_not_laid_on_the_steps():
    outcomes = [constant(config) for rate in (0.01, 0.001) for config in configs((3, 3, 3), 2, rate)]
    text = kernel_prose.rate_sentences(study_of(outcomes), standin=False)
    assert "**1 of these**" in text
    assert "does not undo it" in text
    assert "stand-in" not in text


def test_one_learning_rate_leaves_the_cause_open():
    text = kernel_prose.rate_sentences(study_of([constant(config) for config in configs((3, 3, 3))]), standin=False)
    assert "takes a second one" in text


def test_a_volume_too_shallow_for_3x3x15_still_gives_a_page():
    costs = kernel_costs(PAPER_KERNELS, (64, 64, 8))
    outcomes = [learning(config, 14) for config in configs((3, 3, 3))]
    table = study_of(outcomes, misfits={kernel: "does not fit" for kernel in PAPER_KERNELS if kernel[2] > 6})
    times = kernel_study.epoch_seconds(outcomes)
    assert "does not fit" in texts(kernel_figures.cost_ratios(costs))
    assert kernel_study.comparison(table, outcomes, 0.01)["others"] == []
    kernel_prose.cost_sentences(costs, times)


def test_prose_survives_a_chapter_without_a_single_finished_run():
    planned = configs((3, 3, 15))
    outcomes = [Outcome(config, "missing") for config in planned]
    table = kernel_study.study(planned, outcomes, {})
    times = kernel_study.epoch_seconds(outcomes)
    costs = kernel_costs([(3, 3, 15)], (64, 64, 18))
    comparisons = {at: kernel_study.comparison(table, outcomes, 0.01, at) for at in ("best", "last")}
    assert "is finished" in kernel_prose.accuracy_sentences(table, 0.01, standin=True)
    assert "is finished" in kernel_prose.collapse_sentences(table, 0.01, standin=True)
    twice = kernel_study.study([*planned, *configs((3, 3, 15), 3, 0.001)], outcomes, {})
    assert "No run at learning rate 0.01 is finished" in kernel_prose.rate_sentences(twice, standin=True)
    assert "No time was measured" in kernel_prose.cost_sentences(costs, times)
    assert kernel_study.comparison_table(comparisons).empty
    kernel_figures.heat_maps(table, 0.01, standin=True)
    kernel_figures.accuracy_curves(table, outcomes, 0.01, standin=True)
    kernel_figures.cost_ratios(costs)
    assert kernel_prose.collapse_display(kernel_study.collapse_table(outcomes), 0).data == "No run is finished."
    kernel_prose.cost_display(costs, times).to_html()
    json.dumps(kernel_study.results(table, comparisons, costs, times, planned), allow_nan=False)
