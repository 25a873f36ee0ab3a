"""A dataset, a network and a chapter are added by a file and a row each, and what a user does with them works."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from checkout import build_environment, copy_checkout

from lib.book.chapters import CHAPTERS, contents
from lib.core import paths
from lib.core.catalogue import DATASETS, NETWORKS, ROOT_VARIABLES
from lib.datasets import load_dataset
from lib.preprocessing import STREAMS
from lib.standin.writer import STANDINS

LOADER = """\
from lib.datasets.class_folders import load_class_folders


def load_office(root, fps=60.0):
    return load_class_folders(root, fps=fps, name="office")
"""
NETWORK = """\
from lib.networks.backend import keras
from lib.networks.blocks import checked


def mean_frame(input_shape=(64, 64, 18), n_classes=3, kernel_size=(3, 3, 15)):
    input_shape, _ = checked(input_shape, n_classes, kernel_size)
    frame = keras.Input(input_shape, name="frame")
    x = keras.layers.Flatten()(keras.ops.mean(frame, axis=-1))
    return keras.Model(frame, keras.layers.Dense(n_classes, activation="softmax")(x), name="mean_frame")
"""
NOTEBOOK = [
    nbformat.v4.new_markdown_cell("# 12. The mean frame"),
    nbformat.v4.new_code_cell('dataset: str = "office"  # which', metadata={"tags": ["parameters"]}),
]
ROWS = {
    "lib/core/catalogue.py": {
        '"class_folders": DatasetRow(': '"office": DatasetRow("Office", "OFFICE_ROOT", frames=8),\n        ',
        '"micro_exp_stcnn": NetworkRow(': '"mean_frame": NetworkRow("Mean frame", ("frame",)),\n        ',
    },
    "lib/book/chapters.py": {'"09_audit": ChapterRow(': '"12_mean_frame": one_network("mean_frame"),\n    '},
}


@pytest.fixture
def checkout(tmp_path, small_smic):
    """A copy of the checkout with the three files and the three rows, and with clips in folders of their classes."""
    checkout = copy_checkout(tmp_path / "checkout")
    (checkout / "lib/datasets/office.py").write_text(LOADER)
    (checkout / "lib/networks/mean_frame.py").write_text(NETWORK)
    nbformat.write(nbformat.v4.new_notebook(cells=NOTEBOOK), checkout / "notebooks/12_mean_frame.ipynb")
    for name, rows in ROWS.items():
        text = (checkout / name).read_text()
        for before, row in rows.items():
            assert text.count(before) == 1
            text = text.replace(before, row + before)
        (checkout / name).write_text(text)
    (checkout / "profiles/mine.yml").write_text("datasets: {office: }")
    for clip in load_dataset("smic", small_smic).clips:
        for number, frame in enumerate(sorted(Path(clip.source).iterdir())[:16]):
            folder = tmp_path / "office" / clip.label / f"{clip.clip_id}_{number // 8}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(frame, folder)
    return checkout


@pytest.mark.slow
def test_a_dataset_a_network_and_a_chapter_are_a_file_and_a_row_each(checkout, tmp_path):
    environment = build_environment(checkout) | {"OFFICE_ROOT": str(tmp_path / "office"), "OMP_NUM_THREADS": "1"}

    def python(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    settings = ["--epochs", "1", "--kernel-size", "3", "3", "3", "--jobs", "1", "--progress", "lines"]
    python("-m", "lib", "train", "--dataset", "office", "--model", "mean_frame", *settings, "--record", "run.json")
    run = checkout / "data" / "runs" / json.loads((checkout / "run.json").read_text())["run"]
    assert json.loads((run / "config.json").read_text())["model"] == "mean_frame"
    data = json.loads((run / "provenance.json").read_text())["data"]
    assert (data["dataset"], data["standin"]) == ("office", None)

    planned = python("-m", "lib", "snakemake", "-n", "--config", "profile=mine", "train=yes")
    assert "_build/mine/chapters/office/12_mean_frame.ipynb" in planned
    assert re.search(r"_build/mine/runs/office/mean_frame-paper-.*\.json", planned)

    script = (
        "import yaml; from lib.book.chapters import contents; from lib.book.profiles import read_profile\n"
        "print(yaml.safe_dump(contents(yaml.safe_load(open('_toc.yml')), read_profile('mine').chapters())))"
    )
    (part,) = [part for part in yaml.safe_load(python("-c", script))["parts"] if part["caption"] == "Office"]
    always = [name for name, row in CHAPTERS.items() if row.always]
    listed = [entry["file"] for entry in part["chapters"]]
    assert listed == [f"chapters/office/{name}" for name in (*always, "12_mean_frame")]


# === The rows agree with what they are about ===


def test_rows_of_datasets_name_what_can_be_rendered_and_a_folder_or_a_stand_in():
    assert {name for row in DATASETS.values() for name in row.standins} == set(STANDINS)
    assert len(set(ROOT_VARIABLES.values())) == len(ROOT_VARIABLES)
    assert all(name in ROOT_VARIABLES for name, row in DATASETS.items() if row.standins)


def test_rows_of_networks_name_streams_that_a_store_can_have():
    assert all(set(row.streams) <= set(STREAMS) for row in NETWORKS.values())


def test_every_notebook_has_a_row_and_every_row_a_notebook():
    assert sorted(CHAPTERS) == sorted(path.stem for path in paths.NOTEBOOKS.glob("*.ipynb"))


def test_every_chapter_that_can_lack_runs_has_a_parameter_for_it():
    from lib.book.parameters import declared_parameters

    for name, row in CHAPTERS.items():
        assert row.can_lack_runs == ("train_missing" in declared_parameters(name))


def test_the_table_of_contents_lists_every_chapter_and_one_that_it_lacks_follows_the_one_before_it():
    toc = yaml.safe_load((paths.REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [(dataset, name) for dataset in ("smic", "casme2_sq") for name in CHAPTERS if not CHAPTERS[name].part]
    assert contents(toc, chapters) == toc
    smic = next(part for part in toc["parts"] if part["caption"] == "SMIC")
    without = [entry for entry in smic["chapters"] if "06_comparison" not in entry["file"]]
    lacking = {**toc, "parts": [{**part, "chapters": without} if part is smic else part for part in toc["parts"]]}
    assert contents(lacking, chapters) == toc
