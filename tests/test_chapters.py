"""Chapters by themselves under papermill, on the tiny book's data: with runs that they train, and with none."""

import json

import nbformat
import papermill
import pytest
from nbclient import NotebookClient

from lib.book import gate
from lib.book.profiles import read_profile
from lib.core import paths
from lib.saliency.views import VIEWS

pytestmark = pytest.mark.slow
CLIPS = read_profile("tiny").datasets["smic"]["clips"]


def test_a_chapter_trains_the_run_that_it_lacks(execute, book_checkout, tmp_path):
    name, settings = "03_micro_exp_stcnn", {"epochs": 1, "seed": 1}
    output, results = execute(name, tmp_path, clips=CLIPS, **settings)
    assert gate.problems(output, name, {"clips": CLIPS, **settings}) == []
    runs = json.loads(results.read_text(encoding="utf-8"))["provenance"]["runs"]
    assert len(runs) == 1
    assert (book_checkout / "data" / "runs" / runs[0]).is_dir()


def test_a_chapter_that_may_not_train_lists_what_is_missing(execute, tmp_path):
    settings = {"epochs": 7, "fusenet_epochs": 7, "seeds": 2, "control_seeds": 1, "train_missing": False}
    _, results = execute("06_comparison", tmp_path, clips=CLIPS, **settings)
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    assert (found["planned"], found["finished"], found["missing"]) == (9, 0, 9)


def test_a_chapter_runs_from_the_notebooks_folder_as_jupyterlab_starts_it_and_again(execute, kernel, tmp_path):
    output, _ = execute("01_data", tmp_path, cwd=paths.NOTEBOOKS, clips=CLIPS)
    assert gate.problems(output, "01_data") == []
    again = nbformat.read(output, as_version=4)
    NotebookClient(again, km=kernel).execute()  # in the kernel as the first time has left it
    nbformat.write(again, output)
    assert gate.problems(output, "01_data") == []


def test_a_typo_in_a_parameter_stops_the_chapter_and_names_the_right_one(execute, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        execute("03_micro_exp_stcnn", tmp_path, epoch=5)
    assert stopped.value.ename == "ConfigError"
    assert "did you mean 'epochs'" in stopped.value.evalue


def test_without_its_networks_the_saliency_chapter_says_so_and_shows_no_picture(execute, tmp_path):
    settings = {"clips": CLIPS, "n_clips": 2, "epochs": 1, "bootstrap": 50, "train_missing": False}
    output, results = execute("08_saliency", tmp_path, **settings)
    assert gate.problems(output, "08_saliency", settings) == []
    found = json.loads(results.read_text(), parse_constant=pytest.fail)["results"]
    cells = [cell for cell in nbformat.read(output, as_version=4).cells if cell.cell_type == "code"]
    shown = [one.data for cell in cells for one in cell.outputs if "data" in one]
    assert not [data for data in shown if any(kind.startswith("image/") for kind in data)]
    assert "there is no network to explain" in " ".join(data.get("text/markdown", "") for data in shown)
    assert "not kept here" in found["missing"]["network"]
    assert found["clips"] == []
    assert found["rest_of_face"]["crops"]["share"] is None


@pytest.fixture
def run(execute, tmp_path):
    def run(name, guess=False, **parameters):
        output, results = execute(name, tmp_path, guess=guess, **parameters)
        assert gate.problems(output, name, parameters) == []
        return json.loads(results.read_text(encoding="utf-8"))

    return run


def test_views_of_the_frame_are_compared_with_the_whole(run):
    content = run("14_regions", guess=True, clips=CLIPS, epochs=3, fusenet_epochs=3, seeds=1)
    seen = content["results"]["seen"]
    assert set(seen) == {"frame", *VIEWS, "two crops"}
    assert len(set(content["provenance"]["runs"])) == len(seen)
    for name, one in seen.items():
        assert one["seeds"] == 1
        if name != "frame":
            change = one["accuracy"]["estimate"] - seen["frame"]["accuracy"]["estimate"]
            assert one["accuracy_change"] == {"estimate": pytest.approx(change), "low": None, "high": None}
    shown = content["results"]["shown"]
    assert set(shown) == set(VIEWS) - {"face"}
    for share in ("pixels", "motion"):
        alone, others = (shown[name][share] for name in ("eyes_and_mouth", "all_but_eyes_and_mouth"))
        assert 0 < alone < 1 - others < 1  # an edge is hidden in both
        assert alone < shown["no_background"][share] < 1


def test_strangers_are_scored(run, small_smic):
    results = run("11_rigorous", guess=True, root=str(small_smic), epochs=3, seeds=1, resamples=200)["results"]
    assert (results["seeds"], results["clips"]) == (1, 6)


def test_other_methods_are_evaluated_on_the_spot(run):
    settings = {"seeds": 0, "loso_seeds": 0, "methods": "majority lbp_top", "resamples": 100}
    content = run("12_baselines", clips=CLIPS, **settings)
    assert len(content["provenance"]["runs"]) == content["results"]["planned"] == len(content["results"]["table"]) == 4


def test_clips_that_cannot_be_divided_by_person_stop_chapter_10_with_advice(run, small_smic):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        run("10_shortcuts", root=str(small_smic), epochs=1)
    assert stopped.value.ename == "TrainingError"
    assert "clips=18" in stopped.value.evalue
