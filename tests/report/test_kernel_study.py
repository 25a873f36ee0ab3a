"""Chapter 7, executed on run records that were made up: collapse, cells without a number, 3x3x15 beside the others."""

import json

import nbformat
import pandas as pd
import pytest

from lib import sources
from lib.book import gate
from lib.book.profiles import read_profile
from lib.training.plans import kernel_runs
from lib.training.records import HISTORY_COLUMNS, run_id, write_folder

pytestmark = pytest.mark.slow
CHAPTER = "07_kernel_study"
CLIPS = read_profile("tiny").datasets["smic"]["clips"]
TRUTH = ("negative",) * 9 + ("positive",) * 5 + ("surprise",) * 6  # 20 validation clips: shares .45, .25, .3
SETTINGS = {"kernels": "3x3x3 3x3x7 3x3x15 3x3x19 5x5x3 5x5x7 7x7x3", "epochs": 4, "seeds": 3, "clips": CLIPS}


def right(hits):
    """Predictions with so many hits, in more than one class."""
    wrong = {"negative": "positive", "positive": "surprise", "surprise": "negative"}
    return [truth if i < hits else wrong[truth] for i, truth in enumerate(TRUTH)]


def files(config, curve, best, last, seconds, device):
    """A record's files, of a run whose accuracy per epoch and predictions at the best and last epoch are given."""
    history = pd.DataFrame({"fold": "holdout", "epoch": range(1, len(curve) + 1), "val_accuracy": curve})
    predictions = pd.concat([
        pd.DataFrame({"clip": range(len(TRUTH)), "fold": "holdout", "at": at, "epoch": 1, "truth": TRUTH})
        .assign(predicted=answers) for at, answers in (("best", best), ("last", last))
    ])  # fmt: skip
    provenance = {"seconds_per_epoch": seconds, "device": device, "backend": "jax", "wall_seconds": sum(seconds),
                  "data": {"classes": sorted(set(TRUTH)), "standin": {}}}  # fmt: skip
    return {
        "config.json": json.dumps(config.to_dict()),
        "history.csv": history.reindex(columns=HISTORY_COLUMNS).to_csv(index=False),
        "predictions.csv": predictions.to_csv(index=False),
        "provenance.json": json.dumps(provenance),
    }


def made_up(config):
    """What a run came to: the files of its record, the reason of a failure, or None if it is missing."""
    kernel, seed, fast = "x".join(map(str, config.kernel_size)), config.seed, config.learning_rate == 0.01
    seconds, device = [9.0, 1.0, 1.0, 1.0], "two cores"
    if config.control == "first_frame":
        if not fast:
            return None
        hits = (10, 11, 12)[seed]
        return files(config, (0.3, 0.4, 0.5, hits / 20), right(hits), right(9), seconds, device)
    if kernel == "3x3x3" and fast:  # constant after other answers, from the first epoch, and but for rounding
        curve = [(0.45, 0.6, 0.45, 0.45), (0.45,) * 4, (0.6, 0.3, 0.3 + 1e-15, 0.3 - 1e-15)][seed]
        return files(config, curve, right(12), ["surprise" if seed == 2 else "negative"] * 20, seconds, device)
    if kernel == "3x3x7" and fast:  # the accuracy of a constant answer is none
        return files(config, (0.45,) * 4, right(9), right(9), seconds, device) if seed == 0 else None
    if kernel == "5x5x3" and fast:
        return "the loss was not finite in epoch 2"
    if kernel == "5x5x7":
        return None
    if kernel == "7x7x3":
        seconds, device = ([9.0, 2.0, 2.5, 3.0], "two cores") if seed == 0 else ([1.0] * 4, "a faster one")
    hits = (15, 17, 19)[seed] if kernel == "3x3x15" else (9, 10, 12)[seed]
    return files(config, (0.3, 0.4, 0.5, hits / 20), right(hits), right(hits), seconds, device)


@pytest.fixture
def chapter(execute, book_checkout, tmp_path, monkeypatch):
    """Execute the chapter, which may not train: (its results, its page)."""
    monkeypatch.setenv("MICROEXP_DATA", str(book_checkout / "data"))
    store = sources.processed_store("smic", clips=CLIPS)

    def run(outcome_of=lambda config: None, **settings):
        settings = {**SETTINGS, **settings}
        for config in kernel_runs(**{name: settings[name] for name in ("kernels", "epochs", "seeds")}):
            name, outcome = run_id(config, store), outcome_of(config)
            if isinstance(outcome, str):
                name, outcome = f"{name}.failed", {"failure.json": json.dumps({"reason": outcome})}
            if outcome:
                write_folder(book_checkout / "data" / "runs" / name, outcome)
        output, results = execute(CHAPTER, tmp_path, **settings, train_missing=False)
        assert gate.problems(output, CHAPTER, settings) == []
        found = json.loads(results.read_text(encoding="utf-8"), parse_constant=pytest.fail)["results"]
        return found, nbformat.read(output, as_version=4)

    return run


def test_a_kernel_study_says_what_became_of_every_run(chapter):
    found, page = chapter(made_up)
    fast = {cell["kernel"]: cell for cell in found["kernels"] if cell["learning_rate"] == 0.01}
    assert len(found["kernels"]) == 2 * 12
    assert {name: fast[name]["status"] for name in ("3x3x3", "3x3x7", "3x3x19", "5x5x3", "5x5x7", "7x7x19")} == {
        "3x3x3": "finished", "3x3x7": "incomplete", "3x3x19": "does not fit", "5x5x3": "failed", "5x5x7": "missing",
        "7x7x19": "does not fit",
    }  # fmt: skip
    assert (fast["5x5x15"]["status"], fast["5x5x15"]["planned"]) == ("not planned", 0)
    assert fast["5x5x3"]["reason"] == "the loss was not finite in epoch 2"
    assert fast["3x3x19"]["reason"] == "a kernel of depth 19 does not fit a volume of depth 18"
    assert (fast["5x5x7"]["accuracy_best"], fast["5x5x7"]["interval_best"]) == (None, [None, None])
    # collapse, its class and its epoch
    constant = fast["3x3x3"]
    assert (constant["constant_best"], constant["constant_last"]) == (0, 3)
    assert constant["classes"] == ["negative", "negative", "surprise"]
    assert constant["since_epochs"] == [3, 1, 2]
    assert fast["3x3x7"]["collapsed"] == 0
    assert found["collapse"][0] == {
        "learning_rate": 0.01, "runs_finished": 10, "runs_collapsed": 3, "runs_failed": 3,
        "kernels_collapsed": ["3x3x3"], "kernels_failed": ["5x5x3"],
    }  # fmt: skip
    assert found["collapse"][1]["runs_collapsed"] == 0
    # accuracy over seeds
    assert fast["3x3x15"]["accuracy_last"] == pytest.approx(0.85)
    assert fast["3x3x15"]["range_last"] == [0.75, 0.95]
    assert fast["3x3x15"]["interval_last"][0] < 0.75
    # above the same network without movement, in each of its runs; 3x3x3 scores as much as the luckiest of them
    (control,) = found["control"]
    assert (len(control["runs"]), control["range_best"]) == (3, [0.5, 0.6])
    assert {name: one["above_control"] for name, one in fast.items() if one["finished"]} == {
        "3x3x3": False, "3x3x7": False, "3x3x15": True, "7x7x3": False,
    }  # fmt: skip
    assert {one["above_control"] for one in found["kernels"] if one["learning_rate"] == 0.001} == {None}
    # time: without the first epoch, on the device of most runs
    assert found["device"] == "two cores"
    assert (found["costs"]["7x7x3"]["seconds_per_epoch"], found["costs"]["7x7x3"]["seconds_ratio"]) == (2.5, 2.5)
    assert found["settings"] == {"protocol": "paper", "epochs": 4, "batch_size": 8, "learning_rate": 0.01}
    shown = [one.get("data", {}) for cell in page.cells if cell.cell_type == "code" for one in cell.outputs]
    assert sum("image/png" in data for data in shown) == 5  # heat maps and curves of both learning rates, and costs
    compared_with_the_others(found["comparisons"]["last"])


def compared_with_the_others(comparison):
    """3x3x15 is compared over shared seeds, the best other first, with a wider interval for the luckiest of many."""
    others = {other["kernel"]: other for other in comparison["others"]}
    assert (comparison["kernel"], comparison["accuracy"]) == ("3x3x15", pytest.approx(0.85))
    assert not comparison["complete"]
    assert list(others) == ["7x7x3", "3x3x7", "3x3x3"]
    best, single = others["7x7x3"], others["3x3x7"]
    assert (best["seeds"], best["difference"]["estimate"]) == (3, pytest.approx(1 / 3))
    assert best["cautious"]["low"] < best["difference"]["low"]
    assert (single["seeds"], single["difference"]["low"]) == (1, None)


def test_a_kernel_study_without_a_single_finished_run_is_a_page(chapter):
    found, _ = chapter(epochs=6, kernels="3x3x3 3x3x19")
    assert found["comparisons"]["best"] == {
        "at": "best", "learning_rate": 0.01, "kernel": "3x3x15", "accuracy": None, "complete": False, "others": []
    }  # fmt: skip
    assert (found["device"], found["control"]) == (None, [])
    assert {cell["status"] for cell in found["kernels"]} == {"missing", "not planned", "does not fit"}
