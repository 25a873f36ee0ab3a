"""The whole way through: notebooks under papermill, and the graph that builds the book."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from checkout import build_environment, copy_checkout

from lib import paths
from lib.profiles import NOTEBOOKS, read_profile
from lib.report import gate

CLIPS = 9


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """One data folder for all chapters, so that each finds what those before it made."""
    folder = tmp_path_factory.mktemp("data")
    before = dict(os.environ)
    os.environ["MICROEXP_DATA"] = str(folder)
    for variable in ("SMIC_ROOT", "CASME2_SQ_ROOT"):
        os.environ.pop(variable, None)
    yield folder
    os.environ.clear()
    os.environ.update(before)


def execute(name: str, output: Path, cwd: Path = paths.REPOSITORY, **parameters):
    return papermill.execute_notebook(
        paths.NOTEBOOKS / f"{name}.ipynb", output, parameters, cwd=cwd, progress_bar=False, kernel_name="python3"
    )


# What makes each chapter quick
SETTINGS = {
    "01_data": {},
    "02_preprocessing": {},
    "03_micro_exp_stcnn": {"epochs": 1},
    "04_fusenet_intermediate": {"epochs": 1},
    "05_fusenet_late": {"epochs": 1},
    "06_comparison": {"epochs": 1, "fusenet_epochs": 1, "seeds": 1, "control_seeds": 1},
    "07_kernel_study": {"kernels": "3x3x3 3x3x19", "learning_rates": "0.01", "epochs": 1, "seeds": 1},
}
EXECUTED_ELSEWHERE = {
    "08_saliency": "test_saliency.py",
    "10_shortcuts": "test_rigour_notebooks.py",
    "11_rigorous": "test_rigour_notebooks.py",
}


def test_every_chapter_of_a_dataset_is_executed_by_a_test():
    assert (*SETTINGS, *EXECUTED_ELSEWHERE) == NOTEBOOKS
    for name, file in EXECUTED_ELSEWHERE.items():
        assert name in (Path(__file__).parent / file).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_every_chapter_runs_on_a_fresh_machine_and_passes_the_gate(name, data_folder, tmp_path):
    parameters = {"dataset": "smic", "clips": CLIPS, "results": str(tmp_path / "results.json"), **SETTINGS[name]}
    output = tmp_path / f"{name}.ipynb"
    execute(name, output, **parameters)
    assert gate.problems(output, name, {"dataset": "smic", "clips": CLIPS}) == []
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["provenance"]["standin"]["standin"] is True
    assert content["provenance"]["command"].startswith(f"papermill notebooks/{name}.ipynb")
    assert any("not a replication of the paper" in text for text in html_of(output))


@pytest.mark.slow
def test_the_audit_runs_without_data_and_speaks_of_no_standin(tmp_path):
    output = tmp_path / "09_audit.ipynb"
    execute("09_audit", output, results=str(tmp_path / "results.json"))
    assert gate.problems(output, "09_audit") == []
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["provenance"]["standin"] is None
    assert not any("not a replication of the paper" in text for text in html_of(output))


@pytest.mark.slow
def test_a_chapter_that_may_not_train_lists_what_is_missing(data_folder, tmp_path):
    output = tmp_path / "06_comparison.ipynb"
    settings = {"epochs": 7, "seeds": 2, "control_seeds": 1, "train_missing": False}
    execute("06_comparison", output, clips=CLIPS, results=str(tmp_path / "results.json"), **settings)
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    assert (found["planned"], found["finished"], found["missing"]) == (9, 0, 9)


def html_of(notebook: Path) -> list[str]:
    return [
        output["data"]["text/html"]
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]


@pytest.mark.slow
def test_a_chapter_runs_from_the_notebooks_folder_as_jupyterlab_starts_it(data_folder, tmp_path):
    output = tmp_path / "01_data.ipynb"
    execute("01_data", output, cwd=paths.NOTEBOOKS, clips=CLIPS, results=str(tmp_path / "results.json"))
    assert gate.problems(output, "01_data") == []


@pytest.mark.slow
def test_a_typo_in_a_parameter_stops_the_chapter_and_names_the_right_one(data_folder, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        execute("03_micro_exp_stcnn", tmp_path / "out.ipynb", epoch=5)
    assert stopped.value.ename == "ConfigError"
    assert "did you mean 'epochs'" in stopped.value.evalue


@pytest.mark.slow
def test_the_tiny_book_is_built_once_and_a_second_time_nothing_is_done(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    profile = read_profile("tiny")
    command = [
        *(sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "host", "--config", "profile=tiny"),
        *("--resources", "gpu=1", "--rerun-incomplete"),
    ]
    environment = build_environment(checkout)
    first = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert first.returncode == 0, first.stdout + first.stderr
    html = checkout / "_build" / "tiny" / "html"
    assert "Stand-in data" in (html / "chapters" / "smic" / "03_micro_exp_stcnn.html").read_text(encoding="utf-8")
    front = (html / "index.html").read_text(encoding="utf-8")
    for dataset, notebook in profile.chapters():
        assert (html / "chapters" / dataset / f"{notebook}.html").is_file()
    assert "stand-in data" in front
    second = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert "Nothing to be done" in second.stdout + second.stderr
