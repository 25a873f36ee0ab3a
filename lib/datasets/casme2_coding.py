"""The coding spreadsheet of CAS(ME)^2: one record per annotated expression, whatever is odd about the sheet reported.

Sheets are taken by position, since their names vary between copies; none has a header.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.core.errors import DatasetError
from lib.datasets.findings import Findings, safe_id
from lib.datasets.spreadsheets import Cell, read_sheets, whole

SPELLINGS = {"happyiness": "happiness", "other": "others"}
# Columns of the first sheet.
SUBJECT, CLIP, ONSET, APEX, OFFSET, _ACTION_UNITS, POLARITY, EXPRESSION, SELF_REPORT = range(9)


KIND = re.compile(r"(micro|macro)(?:[ -]?expressions?)?")
WORDS = re.compile(r"[^\W\d_]+(?:[ /-][^\W\d_]+)*")  # any emotion may be reported, but "#REF!" is none


@dataclass(frozen=True)
class Expression:
    """One row of the first sheet, with the names that the other two give it on disk; texts are in lower case."""

    cells: tuple[Cell, ...]  # the row as it is
    folders: tuple[Cell, ...]  # what the second sheet says of the number of the subject's folder
    film_codes: tuple[Cell, ...]  # what the third one says of the film's code
    subject: Cell
    name: str  # "anger1_1", the first expression during the film "anger1"
    film: str  # what that was to elicit: "anger"
    annotation: tuple[Cell, ...]  # onset, apex and offset: frame numbers in the long recording; 0 means missing
    polarity: str  # "negative"
    kind: str  # "micro", "macro" or what is written there instead
    self_report: str  # "anger"; empty if the cell holds no word

    @property
    def folder(self) -> int | None:
        """Number of the subject's folder (15 for s15); None if the second sheet does not tell it."""
        return _the_number(self.folders)

    @property
    def film_code(self) -> str | None:
        """The long recording's four digits, ``"0401"``; None if the third sheet does not tell them."""
        code = _the_number(self.film_codes)
        return None if code is None else f"{code:04d}"

    @property
    def key(self) -> tuple[int | str, str]:
        """What is the same in two rows of one expression."""
        return self.subject if self.folder is None else self.folder, self.name

    @property
    def clip_id(self) -> str:
        """Unique name: clips of two subjects share names, so the subject's folder goes in front."""
        owner = f"s{self.folder}" if self.folder is not None else f"subject{self.subject}"
        return safe_id(f"{owner}_{self.name}")


def read_coding(path: Path, findings: Findings) -> tuple[Expression, ...]:
    """The annotated expressions, in the order of the spreadsheet; DatasetError if it has not three sheets and one."""
    codes, subjects, films = _three_sheets(path, findings)
    folders = _grouped((_key(row[2]), row[0]) for row in subjects)
    film_codes = _grouped((row[1].lower(), row[0]) for row in films)
    if codes and _is_header(codes[0]):
        told = ", ".join(filter(None, codes[0]))
        findings.trap("header_row", path, f"the first sheet begins with a header; the official one has none: {told}")
        codes = codes[1:]
    if not codes:
        raise DatasetError(f"The first sheet of {path} is empty. Use the spreadsheet as it came with CAS(ME)^2.")
    expressions = []
    for row in codes:
        name, polarity, kind, self_report = (row[i].lower() for i in (CLIP, POLARITY, EXPRESSION, SELF_REPORT))
        if self_report == "happyiness":
            detail = f"{name} of subject {row[SUBJECT]}: happyiness is read as happiness"
            findings.trap("misspelt_label", path, detail)
        known = KIND.fullmatch(kind)
        expressions.append(
            Expression(
                cells=tuple(row),
                folders=folders[_key(row[SUBJECT])],
                film_codes=film_codes[name.rpartition("_")[0]],
                subject=row[SUBJECT],
                name=name,
                film=re.match(r"[a-z]*", name)[0],
                annotation=(row[ONSET], row[APEX], row[OFFSET]),
                polarity=SPELLINGS.get(polarity, polarity),
                kind=known[1] if known else kind,
                self_report=SPELLINGS.get(self_report, self_report) if WORDS.fullmatch(self_report) else "",
            )
        )
    return tuple(expressions)


def _three_sheets(path: Path, findings: Findings) -> list[list[list[Cell]]]:
    """Codes, folder to subject, film code to film. What stands before the codes, such as notes, is passed over."""
    sheets = read_sheets(path, n_columns=9)
    names = list(sheets)
    first = next((i for i, name in enumerate(names) if any(row[EXPRESSION] for row in sheets[name])), 0)
    if first:
        detail = f"the expressions are read from {names[first]!r}; passed over: {', '.join(names[:first])}"
        findings.trap("sheets_passed_over", path, detail)
    chosen = names[first : first + 3]
    if len(chosen) < 3:
        raise DatasetError(
            f"Expected three sheets in {path} (codes, folder to subject, film code to film), found "
            f"{', '.join(names)}. Use the spreadsheet as it came with CAS(ME)^2."
        )
    return [sheets[name] for name in chosen]


def _is_header(row: list[Cell]) -> bool:
    """Whether the cells that hold numbers in every other row are words, and no errors such as ``#REF!``."""
    cells = [row[i] for i in (SUBJECT, CLIP, ONSET, OFFSET)]
    return all(cells) and not any(char.isdigit() or char == "#" for cell in cells for char in cell)


def _grouped(pairs: Iterable[tuple[str, Cell]]) -> dict[str, tuple[Cell, ...]]:
    groups: dict[str, tuple[Cell, ...]] = defaultdict(tuple)
    for key, cell in pairs:
        groups[key] += (cell,)
    return groups


def _key(subject: Cell) -> str:
    """What a subject is found by: ``"01"`` and 1 are one."""
    number = whole(subject)
    return subject.lower() if number is None else str(number)


def _the_number(cells: tuple[Cell, ...]) -> int | None:
    """The number that all of these cells hold; None if they differ, or hold something else."""
    numbers = {whole(cell) for cell in cells}
    return numbers.pop() if len(numbers) == 1 else None
