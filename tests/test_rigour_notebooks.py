"""Chapters 10 and 11 under papermill, on a few clips and one epoch: with runs that are trained, and with none."""

import json

import papermill
import pytest

from lib.report import gate
from lib.report.shortcuts import SWITCHES
from lib.training.plans import shortcut_runs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chapters")]


@pytest.fixture
def run(execute, tmp_path):
    def run(name, **parameters):
        output, results = execute(name, tmp_path, **parameters)
        assert gate.problems(output, name, parameters) == []
        return json.loads(results.read_text(encoding="utf-8"))

    return run


@pytest.mark.parametrize("train_missing", [False, True])
def test_the_shortcuts_are_measured_or_listed_as_missing(train_missing, run):
    content = run(
        "10_shortcuts", clips=18, epochs=1, fusenet_epochs=1, seeds=1, fusenet_seeds=1,
        train_missing=train_missing,
    )  # fmt: skip
    switches = content["results"]["switches"]
    assert {one["switch"] for one in switches} == set(SWITCHES)
    assert {one["status"] for one in switches} == {"one seed" if train_missing else "missing"}
    planned = len(shortcut_runs(seeds=1, fusenet_seeds=1))
    assert len(content["provenance"]["runs"]) == (planned if train_missing else 0)


@pytest.mark.parametrize("train_missing", [False, True])
def test_strangers_are_scored_or_the_page_says_that_nobody_was(train_missing, run):
    content = run("11_rigorous", clips=9, epochs=1, seeds=1, resamples=200, train_missing=train_missing)
    results = content["results"]
    assert results["seeds"] == int(train_missing)
    assert results["clips"] == (9 if train_missing else 0)


def test_clips_that_cannot_be_divided_by_person_stop_chapter_10_with_advice(run):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        run("10_shortcuts", clips=9, epochs=1)
    assert stopped.value.ename == "TrainingError"
    assert "clips=18" in stopped.value.evalue
