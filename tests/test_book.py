"""The whole way through: the graph that builds the book, and every chapter in it."""

import json
import subprocess
import sys
from pathlib import Path

import filelock
import nbformat
import pytest
from checkout import build_environment, copy_checkout

from lib.book import gate
from lib.book.chapters import NO_DATASET, OF_A_DATASET
from lib.book.profiles import read_profile

pytestmark = pytest.mark.slow
PROFILE = read_profile("tiny")
EXECUTED_ELSEWHERE = (
    "06_comparison",
    "07_kernel_study",
    "10_shortcuts",
    "11_rigorous",
    "12_baselines",
    "13_your_own_clip",
    "14_regions",
    "15_as_released",
)


def build(checkout: Path) -> subprocess.CompletedProcess:
    command = [
        *(sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "host", "--config", "profile=tiny"),
        *("--resources", "gpu=1", "--rerun-incomplete"),
    ]
    return subprocess.run(command, cwd=checkout, env=build_environment(checkout), capture_output=True, text=True)


@pytest.fixture(scope="module")
def tiny_book(book_checkout):
    """The checkout with the tiny book built in it, on a machine that has neither data nor runs."""
    with filelock.FileLock(book_checkout.with_suffix(".lock")):
        if not (book_checkout / "Snakefile").is_file():
            copy_checkout(book_checkout)
        done = build(book_checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    return book_checkout


def test_every_chapter_of_a_dataset_is_executed_by_a_test():
    in_the_book = tuple(notebook for dataset, notebook in PROFILE.chapters() if dataset != NO_DATASET)
    assert sorted((*in_the_book, *EXECUTED_ELSEWHERE)) == sorted(OF_A_DATASET)


def test_the_tiny_book_has_a_page_for_every_chapter_and_says_that_its_data_are_stand_ins(tiny_book):
    html = tiny_book / "_build" / "tiny" / "html"
    assert "Stand-in data" in (html / "chapters" / "smic" / "03_micro_exp_stcnn.html").read_text(encoding="utf-8")
    assert "stand-in data" in (html / "index.html").read_text(encoding="utf-8")
    for dataset, notebook in PROFILE.chapters():
        assert (html / "chapters" / dataset / f"{notebook}.html").is_file()


@pytest.mark.parametrize(("dataset", "name"), PROFILE.chapters(), ids=lambda value: value)
def test_every_chapter_runs_on_a_fresh_machine_and_passes_the_gate(dataset, name, tiny_book):
    folder = tiny_book / "_build" / "tiny"
    output = folder / "chapters" / dataset / f"{name}.ipynb"
    assert gate.problems(output, name, PROFILE.chapter_parameters(dataset, name)) == []
    content = json.loads((folder / "results" / dataset / f"{name}.json").read_text(encoding="utf-8"))
    assert content["provenance"]["command"].startswith(f"papermill notebooks/{name}.ipynb")
    notice = any("not a replication of the paper" in text for text in html_of(output))
    if dataset == NO_DATASET:
        assert content["provenance"]["standin"] is None
        assert not notice
    else:
        assert content["provenance"]["standin"]["standin"] is True
        assert notice


def test_the_saliency_chapter_measures_every_region_and_makes_every_layer_random(tiny_book):
    found = json.loads((tiny_book / "_build/tiny/results/smic/08_saliency.json").read_text())["results"]
    assert found["missing"] == {"network": "", "permuted_labels": ""}
    assert len(found["clips"]) == 2
    assert [row["step"] for row in found["cascade"]] == ["dense_2", "dense_1", "convolution"]
    for table in found["regions"].values():
        assert sum(row["share"] for row in table) == pytest.approx(1, abs=2e-3)
        assert sum(row["area"] for row in table) == pytest.approx(1, abs=2e-3)
        for row in table:
            assert row["ratio"] == pytest.approx(row["share"] / row["area"])
            assert row["gain"] == pytest.approx(row["share"] - row["random"])
            assert row["share_low"] <= row["share"] <= row["share_high"]
    assert found["rest_of_face"]["parts"]["share"] > 0


def test_a_second_time_nothing_is_done(tiny_book):
    done = build(tiny_book)
    assert "Nothing to be done" in done.stdout + done.stderr


def html_of(notebook: Path) -> list[str]:
    return [
        output["data"]["text/html"]
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
