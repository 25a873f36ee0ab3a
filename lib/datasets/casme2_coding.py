"""The coding spreadsheet of CAS(ME)^2: one record per annotated expression, whatever is odd about the sheet reported.

Sheets are taken by position, since their names vary between copies; none has a header.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from lib.core.errors import DatasetError
from lib.datasets.findings import Findings, safe_id
from lib.datasets.spreadsheets import number, read_sheets

SPELLINGS = {"happyiness": "happiness", "other": "others"}
# Columns of the first sheet.
SUBJECT, CLIP, ONSET, APEX, OFFSET, _ACTION_UNITS, POLARITY, EXPRESSION, SELF_REPORT = range(9)


@dataclass(frozen=True)
class Expression:
    """One row of the first sheet, with the names that the other two give it on disk; texts are in lower case."""

    name: str  # "anger1_1", the first expression during the film "anger1"
    subject: str
    folder: int | None  # number of the subject's folder (15 for s15); None if the second sheet does not know it
    film_code: str | None  # the long recording's four digits, "0401"; None if the third sheet does not know the film
    onset: int | None  # frame numbers in the long recording; 0 means missing
    apex: int | None
    offset: int | None
    polarity: str  # "negative"
    kind: str  # "micro", "macro" or what is written there instead
    self_report: str  # "anger"

    @property
    def clip_id(self) -> str:
        """Unique name: clips of two subjects share names, so the subject's folder goes in front."""
        owner = f"s{self.folder}" if self.folder is not None else f"subject{self.subject}"
        return safe_id(f"{owner}_{self.name}")

    @property
    def film(self) -> str:
        """What the film was to elicit, without its number: ``"anger"`` of ``"anger1_1"``."""
        return re.match(r"[a-z]*", self.name)[0]


def read_coding(path: Path, findings: Findings) -> tuple[Expression, ...]:
    """The annotated expressions, in the order of the spreadsheet.

    Raises
    ------
    DatasetError
        If the file is no spreadsheet of three sheets with at least one expression.
    """
    sheets = read_sheets(path, n_columns=9)
    if len(sheets) < 3:
        raise DatasetError(
            f"Expected three sheets in {path} (codes, folder to subject, film code to film), found {len(sheets)}. "
            "Use the spreadsheet as it came with CAS(ME)^2."
        )
    codes, subjects, films = sheets[:3]
    folders = {row[2]: number(row[0]) for row in subjects}
    film_codes = {row[1].lower(): f"{code:04d}" for row in films if (code := number(row[0])) is not None}
    if codes and number(codes[0][ONSET]) is None and number(codes[0][SUBJECT]) is None:
        findings.trap("header_row", path, "the first sheet begins with a header; the official one has none")
        codes = codes[1:]
    if not codes:
        raise DatasetError(f"The first sheet of {path} is empty. Use the spreadsheet as it came with CAS(ME)^2.")
    expressions = []
    for row in codes:
        subject = row[SUBJECT]
        name, polarity, kind, self_report = (row[i].lower() for i in (CLIP, POLARITY, EXPRESSION, SELF_REPORT))
        if self_report == "happyiness":
            findings.trap("misspelt_label", path, f"{name} of subject {subject}: happyiness is read as happiness")
        expressions.append(
            Expression(
                name=name,
                subject=subject,
                folder=folders.get(subject),
                film_code=film_codes.get(name.rpartition("_")[0]),
                onset=number(row[ONSET]),
                apex=number(row[APEX]),
                offset=number(row[OFFSET]),
                polarity=SPELLINGS.get(polarity, polarity),
                kind=next((known for known in ("micro", "macro") if kind.startswith(known)), kind),
                self_report=SPELLINGS.get(self_report, self_report),
            )
        )
    return tuple(expressions)
