"""Annotation spreadsheets, whose cells hold numbers as numbers or as text, and whose headers differ between copies."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lib.core.errors import DatasetError
from lib.datasets.folders import entries, plain


def read_sheets(path: Path, n_columns: int = 0) -> list[list[list[str]]]:
    """The rows of every sheet of an ``.xlsx`` file, in the order of the sheets.

    A cell is stripped text: 15.0 is ``"15"``, an empty cell ``""``, and so is an error (``#N/A``). Empty rows are left
    out, and every row has at least `n_columns` cells.

    Raises
    ------
    DatasetError
        If the file is no readable ``.xlsx``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations that it does not keep
            sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=str, na_filter=False, engine="openpyxl")
    except Exception as error:  # openpyxl raises whatever its zip and XML readers raise
        raise DatasetError(
            f"Cannot read the spreadsheet {path}: {error}. Expected an undamaged .xlsx file; unpack or save it again."
        ) from error
    tables = (sheet.fillna("").to_numpy().tolist() for sheet in sheets.values())
    sheets = [[[cell.strip() for cell in row] for row in table] for table in tables]
    return [[row + [""] * (n_columns - len(row)) for row in sheet if any(row)] for sheet in sheets]


def find_spreadsheets(folder: Path, *words: str) -> list[Path]:
    """The ``.xlsx`` files of a folder whose names contain all of `words` (letters and digits compared only).

    Raises
    ------
    DatasetError
        If there is only an old ``.xls`` of such a name.
    """
    named = [path for path in entries(folder) if path.is_file() and all(word in plain(path.name) for word in words)]
    found = [path for path in named if path.suffix.lower() in (".xlsx", ".xlsm")]
    old = [path for path in named if path.suffix.lower() == ".xls"]
    if old and not found:
        raise DatasetError(f"{old[0]} is in the old .xls format, which is not read. Save it as .xlsx beside it.")
    return found


def number(cell: str) -> int | None:
    """A cell as a whole number; None for anything else."""
    match = re.fullmatch(r"(-?\d+)(?:\.0*)?", cell)
    return int(match[1]) if match else None


def find_columns(header: Sequence[str], wanted: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Name -> its column; `wanted` has the beginnings that its header may have (compared by `plain`), best first."""
    headers = [plain(cell) for cell in header]
    matches = {
        name: [i for start in beginnings for i, cell in enumerate(headers) if cell.startswith(start)]
        for name, beginnings in wanted.items()
    }
    return {name: columns[0] for name, columns in matches.items() if columns}
