"""A chapter's source: its parameters, read by papermill and checked when it runs, and the modules it imports.

papermill passes unknown parameters with no more than a warning, so that a typo would silently run the defaults.
"""

import ast
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from papermill.models import Parameter
from papermill.translators import PythonTranslator

from lib.core import paths
from lib.core.digest import json_digest, library_modules
from lib.core.errors import ConfigError, suggestion

TYPES = {"str": str, "int": int, "float": (float, int), "bool": bool}


def source_path(notebook: str) -> Path:
    """The source of a chapter by its name, for example ``"03_micro_exp_stcnn"``."""
    path = paths.NOTEBOOKS / f"{notebook}.ipynb"
    if not path.is_file():
        known = sorted(one.stem for one in paths.NOTEBOOKS.glob("*.ipynb"))
        raise ConfigError(f"expected a notebook among {', '.join(known)}, found {notebook!r}")
    return path


def read_cells(path: Path) -> list[NotebookNode]:
    """The cells of a notebook, the source of each as one text."""
    return nbformat.read(path, as_version=4).cells


def declared_parameters(notebook: str) -> dict[str, Parameter]:
    """The parameters in the cell with that tag; `ConfigError` where there is none, or a line has another form."""
    tagged = [cell for cell in read_cells(source_path(notebook)) if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ConfigError(f"{notebook}: expected one cell tagged 'parameters', found {len(tagged)}")
    return parse_parameters(tagged[0]["source"], notebook)


def parse_parameters(source: str, notebook: str) -> dict[str, Parameter]:
    """Parse the source of a parameters cell as papermill does, and refuse a line that it would leave out.

    The default of each is the value itself, in place of papermill's text of it.

    >>> parse_parameters("epochs: int = 100  # passes over the data", "example")["epochs"]
    Parameter(name='epochs', inferred_type_name='int', default=100, help='passes over the data')
    """
    declared = {}
    for line in source.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        read = next(iter(PythonTranslator.inspect({"source": line})), None)  # none of a line with a second "="
        if read is None or read.inferred_type_name not in TYPES or not read.help:
            raise ConfigError(
                f'{notebook}: expected a line `name: type = default  # help` without another "=", found {line!r}'
            )
        declared[read.name] = read._replace(default=ast.literal_eval(read.default))
    return declared


def check_parameters(given: Mapping[str, object], declared: Mapping[str, Parameter], notebook: str) -> None:
    """`ConfigError` for a parameter that the chapter does not have, or a value of another type than the chapter's."""
    for name, value in given.items():
        if name not in declared:
            raise ConfigError(
                f"{notebook} has no parameter {name!r}{suggestion(name, declared)}. Known: {', '.join(declared)}. "
                f"See: papermill --help-notebook notebooks/{notebook}.ipynb"
            )
        kind = declared[name].inferred_type_name
        if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
            # `papermill -p` turns text that looks like a number or a boolean into one; `-r` leaves it as text
            flag = "r" if kind == "str" else "p"
            hint = f"; on the command line: -{flag} {name} …" if isinstance(value, str) or kind == "str" else ""
            raise ConfigError(f"{notebook}: parameter {name!r} expected {kind}, found {value!r}{hint}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{notebook}: parameter {name!r} expected a finite number, found {value!r}")


def injected_names(executed_inputs: list[str]) -> list[str]:
    """Names of the parameters that papermill injected, read from the inputs that a kernel has executed.

    papermill starts the cell that it injects with the comment ``# Parameters``; interactively there is none.
    """
    for source in executed_inputs:
        if source.lstrip().startswith("# Parameters"):
            return [node.targets[0].id for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return []


def notebook_digest(path: Path) -> str:
    """Digest of a notebook's cells as written; papermill's injected cell and all outputs are left out."""
    return json_digest(
        [
            (cell["cell_type"], cell["source"])
            for cell in read_cells(path)
            if "injected-parameters" not in cell["metadata"].get("tags", []) and cell["source"].strip()
        ]
    )


def chapter_modules(notebook: str) -> dict[str, str]:
    """The modules of `lib` that a chapter imports, directly or through others: path in the checkout -> digest."""
    cells = [cell["source"] for cell in read_cells(source_path(notebook)) if cell["cell_type"] == "code"]
    lines = [line for source in cells for line in source.splitlines()]
    modules = library_modules("\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))))
    if "lib/audit/paper.py" in modules:  # what the paper prints is read by it, and a corrected cell changes a chapter
        printed = sorted((paths.REPOSITORY / "data" / "paper").glob("*"))
        modules |= {
            path.relative_to(paths.REPOSITORY).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in printed
        }
    return modules
