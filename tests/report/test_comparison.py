"""Chapter 6 on made-up outcomes: its cells are run as they stand, on runs whose scores a test decides."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lib import sources
from lib.book.provenance import Chapter
from lib.core import paths
from lib.preprocessing import default_config
from lib.training import plans
from lib.training.plans import Outcome, comparison_runs
from lib.training.records import RunConfig

CLASSES = ("negative", "positive", "surprise")
SCORES = {
    ("micro_exp_stcnn", "none"): (0.8, 0.7),
    ("micro_exp_fusenet_intermediate", "none"): (0.6, 0.5),
    ("micro_exp_fusenet_late", "none"): (0.7, 0.6),
    ("micro_exp_stcnn", "shuffled_frames"): (0.5, 0.4),
    ("micro_exp_stcnn", "first_frame"): (0.5, 0.3),
    ("micro_exp_stcnn", "permuted_labels"): (0.55, 0.35),
}


@dataclass
class Record:
    """What the chapter reads of a run record."""

    config: RunConfig
    best: float
    last: float
    spread: float | None = 0.02

    provenance = {"wall_seconds": 1.0, "device": "a processor", "backend": "tensorflow"}
    history = pd.DataFrame({"epoch": [1, 2], "val_accuracy": [0.5, 0.6]})

    @property
    def id(self) -> str:
        return self.config.slug

    def summary(self) -> dict:
        return {
            "n": 32, "majority_share": 0.6, "uf1_best": 0.5, "uf1_last": 0.4, "accuracy_best": self.best,
            "accuracy_last": self.last, "accuracy_mean_last_epochs": self.last,
            "accuracy_std_last_epochs": self.spread,
        }  # fmt: skip

    def confusion(self, at: str) -> pd.DataFrame:
        return pd.DataFrame(np.eye(3, dtype=int) * (2 if at == "best" else 1))


def outcomes(without=(), failed=(), seeds=2, spread=0.02):
    """Every run of a comparison; the second seed scores about a hundredth more than the first."""
    found = []
    for config in comparison_runs(seeds=seeds, control_seeds=seeds):
        key = (config.model, config.control)
        if key in without:
            found.append(Outcome(config, "missing"))
        elif key in failed:
            found.append(Outcome(config, "failed", reason="the loss was not finite in epoch 3"))
        else:
            best, last = SCORES[key]
            record = Record(config, best + 0.012 * config.seed, last + 0.01 * config.seed, spread)
            found.append(Outcome(config, "finished", record))
    return found


@pytest.fixture
def run_cells(monkeypatch):
    """`run_cells(outcomes, dataset)` runs the chapter: (its names, what it finishes with)."""
    finished = {}
    labels = [label for label, number in zip(CLASSES, (66, 47, 43), strict=True) for _ in range(number)]
    monkeypatch.chdir(paths.REPOSITORY)
    monkeypatch.setattr(Chapter, "finish", lambda self, results, **given: finished.update(results))

    def run(made_up, dataset="smic"):
        store = SimpleNamespace(
            dataset=dataset, classes=CLASSES, layout="raw", standin={"standin": True}, config=default_config(dataset),
            clips=pd.DataFrame({"label": labels}),
        )  # fmt: skip
        monkeypatch.setattr(sources, "processed_store", lambda *given: store)
        monkeypatch.setattr(plans, "collect", lambda *given, **more: made_up)
        names = {}
        for cell in json.loads((paths.NOTEBOOKS / "06_comparison.ipynb").read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
                if cell["metadata"].get("tags") == ["parameters"]:
                    names["dataset"] = dataset
        return names, finished

    return run


def test_a_comparison_finds_scores_order_leads_changes_and_gains(run_cells):
    names, found = run_cells(outcomes())
    assert (found["planned"], found["finished"], found["failed"], found["missing"]) == (12, 12, 0, 0)
    stcnn = found["scores"]["micro_exp_stcnn/none"]
    assert stcnn["runs"] == [RunConfig("micro_exp_stcnn", seed=seed).slug for seed in (0, 1)]
    assert stcnn["gain_of_best"] == pytest.approx({"mean": 0.101, "lowest": 0.1, "highest": 0.102})
    ranking = found["ranking"]
    assert ranking["order"] == ["micro_exp_stcnn", "micro_exp_fusenet_late", "micro_exp_fusenet_intermediate"]
    assert ranking["order"] == ranking["published_order"]
    assert [lead["estimate"] for lead in ranking["published_leads"]] == pytest.approx([0.1, 0.1])
    changes = found["control_changes"]
    assert {name: one["estimate"] for name, one in changes.items()} == pytest.approx(
        {"shuffled_frames": -0.3, "first_frame": -0.4}
    )
    assert names["gains"].loc[("MicroExpSTCNN", "labels permuted"), "gain, points"] == pytest.approx(20.1)
    assert names["stability"].loc["MicroExpSTCNN", "sd between seeds"] == pytest.approx(np.std([0.7, 0.71], ddof=1))
    assert names["matrices"]["best epoch, all seeds"].trace() == 12
    for text in names["table_v"]["best epoch"]:
        low, high = (float(part.strip("()\xa0%")) for part in text.split("(")[1].split(" to "))
        assert 0 <= low <= high <= 100
    assert json.loads(json.dumps(found)) == found


def test_runs_that_failed_or_are_missing_are_counted_and_their_rows_say_so(run_cells):
    missing, failed = [("micro_exp_stcnn", "first_frame")], [("micro_exp_fusenet_late", "none")]
    names, found = run_cells(outcomes(missing, failed))
    assert (found["finished"], found["failed"], found["missing"]) == (8, 2, 2)
    assert found["diverged"] == {"micro_exp_fusenet_late/none": [0, 1]}
    assert set(found["control_changes"]) == {"shuffled_frames"}
    assert (found["ranking"]["order"], found["ranking"]["published_leads"]) == (None, None)
    late = names["table_v"].loc["Late MicroExpFuseNet"]
    assert (late["paper"], late["best epoch"]) == ("64.82\xa0%", "no finished run")
    assert names["control_table"].loc["first frame repeated", "last epoch"] == "no finished run"


def test_nothing_finished_breaks_nothing(run_cells):
    names, found = run_cells(outcomes(SCORES))
    assert (found["planned"], found["missing"], found["scores"]) == (12, 12, {})
    assert (names["table_v"]["best epoch"] == "no finished run").all()


def test_one_seed_of_one_epoch_has_neither_interval_nor_spread(run_cells):
    names, found = run_cells(outcomes(seeds=1, spread=None))
    score = found["scores"]["micro_exp_stcnn/none"]
    assert score["sd_last_epochs"]["estimate"] is None
    assert score["accuracy_best"] == {"estimate": 0.8, "low": None, "high": None}
    assert names["table_v"].loc["MicroExpSTCNN", "last epoch"] == "70.0\xa0% (no interval)"


def test_clips_of_ones_own_are_compared_with_nothing_that_is_published(run_cells, monkeypatch):
    monkeypatch.setattr("lib.book.pages.answers", lambda *given: "")
    names, found = run_cells(outcomes(), "class_folders")
    assert "paper" not in names["table_v"]
    assert (found["ranking"]["published_order"], found["ranking"]["published_leads"]) == (None, None)
