"""Chapters 10 and 11 under papermill, on a few clips and one epoch: with runs that are trained, and with none."""

import json

import papermill
import pytest

from lib import paths
from lib.report import gate
from lib.report.shortcuts import SWITCHES
from lib.training.plans import shortcut_runs


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """One data folder for all, so that stand-ins and runs are made once."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROEXP_DATA", str(folder))
        patch.delenv("SMIC_ROOT", raising=False)
        yield folder


def execute(name, tmp_path, **parameters):
    output, results = tmp_path / f"{name}.ipynb", tmp_path / "results.json"
    papermill.execute_notebook(
        paths.NOTEBOOKS / f"{name}.ipynb",
        output,
        {**parameters, "results": str(results)},
        cwd=paths.REPOSITORY,
        progress_bar=False,
        kernel_name="python3",
    )
    assert gate.problems(output, name, parameters) == []
    return json.loads(results.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("train_missing", [False, True])
def test_the_shortcuts_are_measured_or_listed_as_missing(train_missing, data_folder, tmp_path):
    content = execute(
        "10_shortcuts", tmp_path, clips=18, epochs=1, fusenet_epochs=1, seeds=1, fusenet_seeds=1,
        train_missing=train_missing,
    )  # fmt: skip
    switches = content["results"]["switches"]
    assert {one["switch"] for one in switches} == set(SWITCHES)
    assert {one["status"] for one in switches} == {"one seed" if train_missing else "missing"}
    planned = len(shortcut_runs(seeds=1, fusenet_seeds=1))
    assert len(content["provenance"]["runs"]) == (planned if train_missing else 0)


@pytest.mark.slow
@pytest.mark.parametrize("train_missing", [False, True])
def test_strangers_are_scored_or_the_page_says_that_nobody_was(train_missing, data_folder, tmp_path):
    content = execute("11_rigorous", tmp_path, clips=9, epochs=1, seeds=1, resamples=200, train_missing=train_missing)
    results = content["results"]
    assert results["verdict"] == ("not testable" if train_missing else "no run")
    assert results["seeds"] == int(train_missing)
    assert results["clips"] == (9 if train_missing else None)


@pytest.mark.slow
def test_clips_that_cannot_be_divided_by_person_stop_chapter_10_with_advice(data_folder, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        execute("10_shortcuts", tmp_path, clips=9, epochs=1)
    assert stopped.value.ename == "TrainingError"
    assert "clips=18" in stopped.value.evalue
