"""Annotation spreadsheets, whose cells hold numbers as numbers or as text, and whose headers differ between copies."""

import re
import warnings
from pathlib import Path

import openpyxl

from lib.core.errors import DatasetError
from lib.datasets.folders import entries, plain

Row = tuple[object, ...]


def read_sheets(path: Path) -> list[list[Row]]:
    """The rows of every sheet of an ``.xlsx`` file, in the order of the sheets; empty rows are left out.

    Raises
    ------
    DatasetError
        If the file is no readable ``.xlsx``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations that it does not keep
            # Not read_only: that mode trusts the sheet's own (often wrong) dimension.
            book = openpyxl.load_workbook(path, data_only=True)
    except Exception as error:  # openpyxl raises whatever its zip and XML readers raise
        raise DatasetError(
            f"Cannot read the spreadsheet {path}: {error}. Expected an undamaged .xlsx file; unpack or save it again."
        ) from error
    sheets = [[tuple(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    book.close()
    return [[row for row in rows if any(text(cell) for cell in row)] for rows in sheets]


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


def text(cell: object) -> str:
    """A cell as stripped text; an empty cell is ``""``, and 15.0 is ``"15"``."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def number(cell: object) -> int | None:
    """A cell as a whole number, also where it is written as text; None for anything else."""
    match = re.fullmatch(r"(-?\d+)(?:\.0*)?", text(cell))
    return int(match[1]) if match else None


def cell_at(row: Row, column: int | None) -> object:
    """The cell of a row, None beyond its end or where the sheet has no such column."""
    return row[column] if column is not None and column < len(row) else None


def find_columns(row: Row, wanted: dict[str, tuple[str, ...]]) -> dict[str, int | None]:
    """Which column holds what, from a header row.

    Parameters
    ----------
    row : tuple
        The header's cells.
    wanted : dict of str to tuple of str
        Name -> beginnings that its header may have (compared by `plain`), best first.

    Returns
    -------
    dict of str to int or None
        None for a column that is not there.
    """
    headers = [plain(text(cell)) for cell in row]
    columns: dict[str, int | None] = {}
    for name, beginnings in wanted.items():
        matches = (i for start in beginnings for i, header in enumerate(headers) if header.startswith(start))
        columns[name] = next(matches, None)
    return columns
