"""The gate on made-up chapters: real notebooks are executed by tests/test_book.py."""

import nbformat
import pytest

from lib.book import gate
from lib.book.parameters import chapter_modules, notebook_digest
from lib.book.provenance import MEDIA_TYPE

SOURCE = "01_data"


@pytest.fixture
def executed(tmp_path):
    """Write an executed copy of a source notebook; the function returned takes what differs from a good one."""

    def write(error=False, unexecuted=False, provenance=True, **record):
        notebook = nbformat.read(gate.source_path(SOURCE), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, start=1):
            cell.execution_count = number
        if provenance:
            content = {
                "notebook_digest": notebook_digest(gate.source_path(SOURCE)),
                "modules": chapter_modules(SOURCE),
                "data_fingerprint": "d" * 64,
                "parameters": {"dataset": "smic", "clips": 18},
                "standin": {"standin": True},
                **record,
            }
            code[-1].outputs = [nbformat.v4.new_output("display_data", {MEDIA_TYPE: content, "text/plain": ""})]
        if error:
            code[1].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no face", traceback=[])]
        if unexecuted:
            code[2].execution_count = None
        path = tmp_path / "chapters" / "smic" / f"{SOURCE}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


def test_a_good_chapter_has_no_problem(executed):
    assert gate.problems(executed(), SOURCE, {"dataset": "smic", "clips": 18}) == []


def test_a_failed_cell_is_named_with_its_error(executed):
    (problem,) = gate.problems(executed(error=True), SOURCE)
    assert "failed: ValueError: no face" in problem


def test_a_cell_that_was_never_executed_is_named(executed):
    (problem,) = gate.problems(executed(unexecuted=True), SOURCE)
    assert "was not executed" in problem


def test_a_missing_chapter_is_a_problem(tmp_path):
    (problem,) = gate.problems(tmp_path / "none.ipynb", SOURCE)
    assert "missing" in problem


def test_a_file_that_is_no_notebook_is_a_problem(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text("{", encoding="utf-8")
    (problem,) = gate.problems(path, SOURCE)
    assert "no readable notebook" in problem


def test_a_chapter_without_provenance_is_a_problem(executed):
    (problem,) = gate.problems(executed(provenance=False), SOURCE)
    assert "provenance" in problem


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"notebook_digest": "another"}, f"notebooks/{SOURCE}.ipynb"),
        ({"modules": {**chapter_modules(SOURCE), "lib/sources.py": "another"}}, "lib/sources.py"),
        ({"modules": {**chapter_modules(SOURCE), "lib/gone.py": "it was imported then"}}, "lib/gone.py"),
        ({"data_fingerprint": "e" * 64}, "data"),
    ],
)
def test_a_chapter_whose_input_changed_is_stale_and_the_input_is_named(executed, changed, named):
    (problem,) = gate.problems(executed(**changed), SOURCE, data=["d" * 64])
    assert "stale" in problem
    assert named in problem


def test_a_module_that_a_chapter_does_not_import_is_no_input_of_it():
    modules = chapter_modules(SOURCE)
    assert "lib/sources.py" in modules
    assert "lib/datasets/smic.py" in modules, "imported by what it imports"
    assert "lib/cli.py" not in modules
    assert "lib/networks/micro_exp_fusenet_late.py" in chapter_modules("06_comparison"), "imported by a name made there"


def test_a_chapter_executed_with_other_parameters_is_stale(executed):
    (problem,) = gate.problems(executed(), SOURCE, {"clips": 164})
    assert "clips = 18" in problem
    assert "164" in problem


def test_a_parameter_left_at_its_default_counts_as_given(executed):
    assert gate.problems(executed(), SOURCE, {"standin_seed": 0}) == []
