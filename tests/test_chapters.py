"""Chapters by themselves under papermill, on the tiny book's data: with runs that they train, and with none."""

import json

import nbformat
import papermill
import pytest

from lib.book import gate
from lib.book.profiles import read_profile
from lib.core import paths
from lib.saliency.views import VIEWS
from lib.training.plans import shortcut_runs
from lib.training.protocols import SHORTCUTS

pytestmark = pytest.mark.slow
CLIPS = read_profile("tiny").datasets["smic"]["clips"]


@pytest.mark.parametrize(
    ("name", "settings", "n_runs"),
    [
        ("03_micro_exp_stcnn", {"epochs": 1, "seed": 1}, 1),
    ],
)
def test_a_chapter_trains_the_runs_that_it_lacks(name, settings, n_runs, execute, book_checkout, tmp_path):
    output, results = execute(name, tmp_path, clips=CLIPS, **settings)
    assert gate.problems(output, name, {"clips": CLIPS, **settings}) == []
    runs = json.loads(results.read_text(encoding="utf-8"))["provenance"]["runs"]
    assert len(runs) == n_runs
    assert all((book_checkout / "data" / "runs" / run).is_dir() for run in runs)


def test_a_chapter_that_may_not_train_lists_what_is_missing(execute, tmp_path):
    settings = {"epochs": 7, "fusenet_epochs": 7, "seeds": 2, "control_seeds": 1, "train_missing": False}
    _, results = execute("06_comparison", tmp_path, clips=CLIPS, **settings)
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    assert (found["planned"], found["finished"], found["missing"]) == (9, 0, 9)


def test_a_chapter_runs_from_the_notebooks_folder_as_jupyterlab_starts_it(execute, tmp_path):
    output, _ = execute("01_data", tmp_path, cwd=paths.NOTEBOOKS, clips=CLIPS)
    assert gate.problems(output, "01_data") == []


def test_a_typo_in_a_parameter_stops_the_chapter_and_names_the_right_one(execute, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        execute("03_micro_exp_stcnn", tmp_path, epoch=5)
    assert stopped.value.ename == "ConfigError"
    assert "did you mean 'epochs'" in stopped.value.evalue


def test_saliency_is_shown_with_its_networks_and_said_to_be_missing_without(execute, tmp_path):
    found, shown = {}, {}
    settings = {"clips": CLIPS, "n_clips": 2, "epochs": 1, "bootstrap": 50, "randomisations": 1}
    for train_missing in (False, True):
        folder = tmp_path / str(train_missing)
        folder.mkdir()
        output, results = execute("08_saliency", folder, **settings, train_missing=train_missing)
        assert gate.problems(output, "08_saliency", settings) == []
        found[train_missing] = json.loads(results.read_text(), parse_constant=pytest.fail)["results"]
        cells = [cell for cell in nbformat.read(output, as_version=4).cells if cell.cell_type == "code"]
        shown[train_missing] = [one.data for cell in cells for one in cell.outputs if "data" in one]
    # the notice of a stand-in and the provenance are all that is left of figures and tables
    assert [sum("image/png" in data for data in shown[trained]) for trained in (False, True)] == [0, 4]
    assert [sum("text/html" in data for data in shown[trained]) for trained in (False, True)] == [2, 5]
    assert found[False].keys() == found[True].keys()
    assert "not kept here" in found[False]["missing"]["network"]
    assert found[False]["clips"] == []
    assert found[False]["rest_of_face"]["crops"]["share"] is None
    told = " ".join(data.get("text/markdown", "") for data in shown[False])
    assert "there is no network to explain" in told
    assert found[True]["missing"] == {"network": "", "permuted_labels": ""}
    assert len(found[True]["clips"]) == 2
    assert [row["step"] for row in found[True]["cascade"]] == ["dense_2", "dense_1", "convolution"]
    for table in found[True]["regions"].values():
        assert sum(row["share"] for row in table) == pytest.approx(1, abs=2e-3)
        assert sum(row["area"] for row in table) == pytest.approx(1, abs=2e-3)
        for row in table:
            assert row["ratio"] == pytest.approx(row["share"] / row["area"])
            assert row["gain"] == pytest.approx(row["share"] - row["random"])
            assert row["share_low"] <= row["share"] <= row["share_high"]
    assert found[True]["rest_of_face"]["parts"]["share"] > 0


@pytest.fixture
def run(execute, tmp_path):
    def run(name, **parameters):
        output, results = execute(name, tmp_path, **parameters)
        assert gate.problems(output, name, parameters) == []
        return json.loads(results.read_text(encoding="utf-8"))

    return run


def test_the_shortcuts_are_measured(run):
    settings = {"epochs": 1, "fusenet_epochs": 1, "seeds": 1, "fusenet_seeds": 1, "arrays": "grey"}
    content = run("10_shortcuts", clips=CLIPS, **settings)
    switches = content["results"]["switches"]
    assert {one["switch"] for one in switches} == {*SHORTCUTS, "best_epoch", "doubled_batch", "grey_released"}
    assert {one["status"] for one in switches} == {"one seed"}
    assert content["results"]["other_clips"] == {"grey": []}
    planned = len(shortcut_runs(seeds=1, fusenet_seeds=1)) + 1  # and the baseline on other arrays
    assert len(content["provenance"]["runs"]) == planned


def test_views_of_the_frame_are_compared_with_the_whole(run):
    content = run("14_regions", clips=CLIPS, epochs=1, fusenet_epochs=1, seeds=1)
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
    results = run("11_rigorous", root=str(small_smic), epochs=1, seeds=1, resamples=200)["results"]
    assert (results["seeds"], results["clips"]) == (1, 6)


def test_clips_that_cannot_be_divided_by_person_stop_chapter_10_with_advice(run, small_smic):
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        run("10_shortcuts", root=str(small_smic), epochs=1)
    assert stopped.value.ename == "TrainingError"
    assert "clips=18" in stopped.value.evalue
