import ast

import nbformat
import pytest
from papermill import inspect_notebook
from papermill.translators import PythonTranslator

from lib.book.parameters import check_parameters, declared_parameters, injected_names, parse_parameters
from lib.core.errors import ConfigError
from lib.core.paths import NOTEBOOKS

DECLARED = parse_parameters(
    'dataset: str = "smic"  # which dataset\nepochs: int = 100  # passes\nrate: float = 0.01  # step', "example"
)


def test_each_line_of_the_parameters_cell_gives_name_default_type_and_help():
    assert DECLARED["rate"].default == 0.01
    assert DECLARED["dataset"].inferred_type_name == "str"
    assert DECLARED["epochs"].help == "passes"


@pytest.mark.parametrize(
    "line",
    ["epochs = 100", "epochs: int = 100", "epochs: whole = 100  # passes", "epochs: int = 100  # as in epochs=5"],
)
def test_a_line_without_type_or_help_and_one_that_papermill_loses_is_refused(line):
    with pytest.raises(ConfigError, match="expected a line"):
        parse_parameters(line, "example")


def test_an_unknown_parameter_is_an_error_that_names_the_nearest_known_one():
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        check_parameters({"epoch": 5}, DECLARED, "example")


@pytest.mark.parametrize(("name", "value"), [("epochs", "five"), ("epochs", 2.5), ("epochs", True), ("dataset", 3)])
def test_a_value_of_another_type_is_an_error_that_names_the_expected_one(name, value):
    with pytest.raises(ConfigError, match=f"{name!r} expected {DECLARED[name].inferred_type_name}"):
        check_parameters({name: value}, DECLARED, "example")


def test_an_integer_is_accepted_where_a_float_is_declared():
    check_parameters({"rate": 1}, DECLARED, "example")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_an_error(value):
    with pytest.raises(ConfigError, match="'rate' expected a finite number"):
        check_parameters({"rate": value}, DECLARED, "example")


@pytest.mark.parametrize(("name", "value", "flag"), [("epochs", "5", "-p epochs"), ("dataset", 5, "-r dataset")])
def test_what_papermill_made_of_a_value_is_answered_with_the_flag_that_leaves_it_alone(name, value, flag):
    with pytest.raises(ConfigError, match=flag):
        check_parameters({name: value}, DECLARED, "example")


def test_injected_parameters_are_read_from_the_cell_that_papermill_adds():
    cell = PythonTranslator.codify({"epochs": 5, "dataset": "casme2_sq", "rate": float("nan")})
    assert injected_names(["", "epochs: int = 100  # passes", cell, "x = 1"]) == ["epochs", "dataset", "rate"]


def test_there_are_no_injected_parameters_in_an_interactive_kernel():
    assert injected_names(["", "epochs = 100", "x = 1"]) == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_declares_its_parameters_first_and_carries_no_output(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "parameters" in code[0].metadata["tags"]
    assert declared_parameters(path.stem)
    set_there = {node.target.id for node in ast.walk(ast.parse(code[0].source)) if isinstance(node, ast.AnnAssign)}
    assert set(inspect_notebook(str(path))) == set_there, "papermill --help-notebook shows every parameter"
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_code_cell_of_a_notebook_is_introduced_or_follows_another_one(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    longest = 0
    run = 0
    for cell in cells:
        run = run + 1 if cell.cell_type == "code" else 0
        longest = max(longest, run)
    assert longest <= 3
