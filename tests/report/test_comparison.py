"""Tables and sentences of the comparison from made-up outcomes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from lib.report import comparison
from lib.training.plans import Outcome, comparison_runs

BASE = {
    "n": 32, "majority_share": 0.6, "best_epoch": 5, "epochs": 100, "last_epochs": 10,
    "uf1_best": 0.5, "uf1_last": 0.4,
}  # fmt: skip


@dataclass
class Record:
    """What the tables read of a run record."""

    config: object
    best: float
    last: float
    id: str = "r"
    spread: float | None = 0.02

    provenance = {"wall_seconds": 1.0, "device": "a processor"}

    def summary(self):
        return BASE | {
            "accuracy_best": self.best, "accuracy_last": self.last, "accuracy_mean_last_epochs": self.last,
            "accuracy_std_last_epochs": self.spread,
        }  # fmt: skip

    def confusion(self, at):
        return pd.DataFrame(np.eye(3, dtype=int) * (2 if at == "best" else 1))


SCORES = {
    ("micro_exp_stcnn", "none"): (0.8, 0.7),
    ("micro_exp_fusenet_intermediate", "none"): (0.6, 0.5),
    ("micro_exp_fusenet_late", "none"): (0.7, 0.6),
    ("micro_exp_stcnn", "shuffled_frames"): (0.5, 0.4),
    ("micro_exp_stcnn", "first_frame"): (0.5, 0.3),
    ("micro_exp_stcnn", "permuted_labels"): (0.55, 0.35),
}


def outcomes(without=(), failed=()):
    """Every run of a comparison with two seeds; the second seed scores about a hundredth more."""
    found = []
    for config in comparison_runs(seeds=2, control_seeds=2):
        key = (config.model, config.control)
        if key in without:
            found.append(Outcome(config, "missing"))
        elif key in failed:
            found.append(Outcome(config, "failed", reason="the loss was not finite in epoch 3"))
        else:
            best, last = SCORES[key]
            record = Record(
                config, best + 0.012 * config.seed, last + 0.01 * config.seed, f"{'-'.join(key)}-{config.seed}"
            )
            found.append(Outcome(config, "finished", record))
    return found


def test_every_planned_run_is_counted_whatever_became_of_it():
    missing, failed = [("micro_exp_stcnn", "first_frame")], [("micro_exp_fusenet_late", "none")]
    table = comparison.status_table(outcomes(missing, failed))
    assert table["planned"].sum() == 12
    assert table[["finished", "failed", "missing"]].sum().tolist() == [8, 2, 2]
    text = comparison.status_sentences(outcomes(missing, failed))
    assert "**8 of 12** planned runs are finished" in text
    assert "2 have not been run" in text
    assert "not finite in epoch 3" in text


def test_a_network_that_was_not_run_says_so_and_the_paper_stands_beside_it():
    table = comparison.network_table(outcomes([("micro_exp_fusenet_late", "none")]), "smic", standin=True)
    late = table["Late MicroExpFuseNet"]
    assert late["paper, Table V"] == "64.82%"
    assert late["best epoch, stand-in"] == "not run"
    assert table["MicroExpSTCNN"]["best epoch, stand-in"].startswith("80.6%")


def test_an_interval_of_an_accuracy_does_not_leave_zero_and_one():
    table = comparison.network_table(outcomes(), "smic", standin=False)
    for text in table.loc["best epoch"]:
        low, high = (float(part.strip("()%")) for part in text.split("(")[1].split(" to "))
        assert 0 <= low <= high <= 100


@pytest.mark.parametrize("standin", [True, False])
def test_only_a_standin_marks_its_columns(standin):
    tables = [comparison.network_table(outcomes(), "smic", standin).T, comparison.control_table(outcomes(), standin)]
    for table in tables:
        assert any("stand-in" in column for column in table.columns) == standin


def test_a_control_is_compared_by_pairs_of_seeds():
    change = comparison.control_change(outcomes(), "shuffled_frames")
    assert change.estimate == pytest.approx(-0.3)
    assert change.high < 0
    assert comparison.control_change(outcomes([("micro_exp_stcnn", "shuffled_frames")]), "shuffled_frames") is None


def test_the_choice_of_the_epoch_is_told_on_labels_that_mean_nothing():
    text = comparison.selection_sentences(outcomes())
    assert "best 55.6%" in text
    assert "+20.1 points out of nothing" in text


def test_the_best_epoch_cannot_lose_and_has_the_range_over_seeds_for_an_interval():
    text = comparison.network_table(outcomes(), "smic", standin=False).loc["best − last", "MicroExpSTCNN"]
    assert text == "+10.1 points on average (+10.0 to +10.2 by seed)"
    gain = comparison.results(outcomes(), "smic")["scores"]["micro_exp_stcnn/none"]["gain_of_best"]
    assert gain == pytest.approx({"mean": 0.101, "lowest": 0.1, "highest": 0.102})


def test_the_order_here_and_the_papers_are_results():
    result = comparison.ranking(outcomes(), "smic")
    assert result["order"] == ["micro_exp_stcnn", "micro_exp_fusenet_late", "micro_exp_fusenet_intermediate"]
    assert result["order"] == result["published_order"]
    assert [lead["estimate"] for lead in result["published_leads"]] == pytest.approx([0.1, 0.1])


def test_a_spread_between_epochs_is_in_points_and_one_epoch_has_none():
    one = outcomes()
    for outcome in one:
        outcome.record.spread = None
    shown = [comparison.stability_table(found, "smic", standin=False)["MicroExpSTCNN"] for found in (outcomes(), one)]
    assert [table["seed 0"] for table in shown] == ["70.0% ± 2.0 points", "70.0%"]
    assert comparison.results(one, "smic")["scores"]["micro_exp_stcnn/none"]["sd_last_epochs"]["estimate"] is None


def test_results_name_the_runs_behind_each_score_and_count_what_is_missing():
    found = comparison.results(outcomes([("micro_exp_stcnn", "first_frame")]), "smic")
    assert (found["planned"], found["finished"], found["missing"], found["failed"]) == (12, 10, 2, 0)
    assert found["scores"]["micro_exp_stcnn/none"]["runs"] == ["micro_exp_stcnn-none-0", "micro_exp_stcnn-none-1"]
    assert set(found["control_changes"]) == {"shuffled_frames"}


def test_confusion_matrices_are_summed_over_seeds():
    assert comparison.pooled_confusion(outcomes(), "micro_exp_stcnn", "best").trace() == 12
    assert comparison.pooled_confusion(outcomes([("micro_exp_stcnn", "none")]), "micro_exp_stcnn", "best") is None


def test_nothing_finished_is_told_and_breaks_nothing():
    nothing = outcomes(SCORES)
    assert "0 of 12" in comparison.status_sentences(nothing)
    assert comparison.results(nothing, "smic")["scores"] == {}
    assert comparison.ranking(nothing, "smic")["order"] is None
    assert "No run is finished" in comparison.selection_sentences(nothing)
    assert (comparison.network_table(nothing, "smic", True).loc["best epoch, stand-in"] == "not run").all()
