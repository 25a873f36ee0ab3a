"""Annotation spreadsheets, whose cells hold numbers as numbers or as text, and whose headers differ between copies."""

import re
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from lib.core.errors import DatasetError
from lib.datasets.clip import natural_key
from lib.datasets.folders import entries, plain
from lib.datasets.text import normal

# What people add to the name of a second file: "code (1)", "Copy of code", "annotation_old".
SECOND_FILE = re.compile(r"\(\d+\)|副本|(?<![a-z])(copy|copie|kopie|old|orig|backup|bak|draft)", re.IGNORECASE)


class Cell(str):
    """A cell's text as `lib.datasets.text.normal` leaves it, which knows what is written there, and where that is.

    Its `coordinate` is as spreadsheet programs count, ``"E1"``; it is `told`, for a message, as ``"'12?' (E1 of sheet
    'codes' in CAS(ME)^2code_final.xlsx)"``.
    """

    coordinate: str
    told: str

    def __new__(cls, written: str, coordinate: str = "", sheet: str = "", file: str = "") -> "Cell":
        cell = super().__new__(cls, normal(written))
        shown = written if len(written) <= 60 else f"{written[:60]}…"
        cell.coordinate = coordinate
        cell.told = f"{shown!r} ({coordinate} of sheet {sheet!r} in {file})"
        return cell


def read_sheets(path: Path, n_columns: int = 0) -> dict[str, list[list[Cell]]]:
    """The rows of every sheet of an ``.xlsx`` file, by the name of the sheet, in the order of the sheets.

    A number is shown with the 15 digits that spreadsheet programs show: 15.0 is ``"15"``. An empty cell is ``""``. An
    error is what is shown of it (``"#REF!"``), and a formula whose value was never stored is itself (``"=C1+7"``).
    Empty rows are left out, and all rows of a sheet have the same number of cells, at least `n_columns`. DatasetError
    if the file is no readable ``.xlsx``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations that it does not keep
            values, formulas = (_written(path, stored_values) for stored_values in (True, False))
    except Exception as error:  # openpyxl raises whatever its zip and XML readers raise
        raise DatasetError(
            f"Cannot read the spreadsheet {path}: {error}. Expected an undamaged .xlsx file; unpack or save it again."
        ) from error
    sheets = {}
    for name, rows in values.items():
        sheets[name] = []
        width = max([n_columns, *map(len, rows)])
        for i, (row, written) in enumerate(zip(rows, formulas[name], strict=True), start=1):
            texts = [value or formula for value, formula in zip(row, written, strict=True)]
            texts += [""] * (width - len(texts))
            cells = [Cell(text, f"{get_column_letter(j)}{i}", name, path.name) for j, text in enumerate(texts, start=1)]
            if any(cells):
                sheets[name].append(cells)
    return sheets


def _written(path: Path, stored_values: bool) -> dict[str, list[list[str]]]:
    """The texts of all cells: with a formula's stored value, or with the formula in its place."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=stored_values)
    try:
        texts = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its size is often wrong
            texts[sheet.title] = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        return texts
    finally:
        book.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(getattr(value, "text", value))  # a formula of an array


def find_spreadsheets(folder: Path, *words: str) -> list[Path]:
    """The ``.xlsx`` files of a folder whose names contain all of `words` (letters and digits compared only).

    DatasetError if there is only an old ``.xls`` of such a name.
    """
    named = [path for path in entries(folder) if path.is_file() and all(word in plain(path.name) for word in words)]
    found = [path for path in named if path.suffix.lower() in (".xlsx", ".xlsm")]
    old = [path for path in named if path.suffix.lower() == ".xls"]
    if old and not found:
        raise DatasetError(f"{old[0]} is in the old .xls format, which is not read. Save it as .xlsx beside it.")
    return found


def best_first(sheets: Iterable[Path], official: str) -> list[Path]:
    """Several spreadsheets in the order in which one is to be read.

    First those whose name (`plain`, without its ending) is all of the pattern `official`; copies and older states, by
    their names, last; among equals the one that sorts last, for a version or a year stands at the end of a name.
    """
    latest = sorted(sheets, key=lambda path: natural_key(path.stem), reverse=True)
    return sorted(
        latest, key=lambda path: (not re.fullmatch(official, plain(path.stem)), bool(SECOND_FILE.search(path.stem)))
    )


def whole(cell: str) -> int | None:
    """A cell as a whole number of at most nine digits; None for anything else.

    >>> whole("15"), whole("01"), whole("15.0"), whole("12.5"), whole("12?"), whole("")
    (15, 1, 15, None, None, None)
    """
    match = re.fullmatch(r"(-?\d{1,9})(?:\.0*)?", cell)
    return int(match[1]) if match else None


def find_columns(
    header: Sequence[Cell], wanted: Mapping[str, Sequence[str]], needed: Collection[str]
) -> dict[str, int]:
    """Name -> its column; `wanted` has the headers that it may have (compared by `plain`), best first.

    A header that only begins like one is another column: ``"Onset (s)"`` does not hold frames. Empty if one of the
    `needed` names has no column, for then the row is no header. DatasetError if two columns have the header that is
    best for one name.
    """
    headers = [plain(cell) for cell in header]
    best = {name: next((one for one in spellings if one in headers), None) for name, spellings in wanted.items()}
    if any(best[name] is None for name in needed):
        return {}
    found = {}
    for name, spelling in best.items():
        columns = [i for i, one in enumerate(headers) if one == spelling]
        if len(columns) > 1:
            both = " and ".join(header[i].told for i in columns)
            raise DatasetError(f"Expected one column {header[columns[0]]}, found {both}. Keep the one that counts.")
        if columns:
            found[name] = columns[0]
    return found
