"""What the audit finds: one record for each statement that is checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

STATUSES = ("contradicted", "holds", "note")
RESTS_ON = ("printed", "code", "literature")  # from what needs least to what needs most
SYMBOLS = {"contradicted": "✗", "holds": "✓", "note": "○"}
LABELS = {"contradicted": "contradicted", "holds": "holds", "note": "left open"}


@dataclass(frozen=True)
class Finding:
    """One statement of the paper, or implied by it, and what arithmetic says of it.

    Attributes
    ----------
    id : str
        Unique and stable: claims and other pages refer to it.
    table : str
        Where the numbers stand, ``"V"`` or ``"VI, VII"``; a section of the text is written out, ``"text IV-A"``.
    statement : str
        What is checked, worded so that `holds` and `contradicted` answer it.
    status : str
        ``"holds"``, ``"contradicted"``; ``"note"``: the arithmetic gives a number or a limit but neither of the two.
    evidence : str
        One or two sentences with the numbers, computed.
    values : mapping
        The same numbers as data; JSON can hold them.
    rests_on : str
        What the status needs to be believed. ``"printed"``: what the paper prints alone; ``"code"``: also the
        authors' released code, which need not be what gave the numbers; ``"literature"``: also what others published
        of the datasets or of earlier methods.
    """

    id: str
    table: str
    statement: str
    status: str
    evidence: str
    values: Mapping
    rests_on: str = "printed"

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"{self.id}: expected a status among {STATUSES}, found {self.status!r}")
        if self.rests_on not in RESTS_ON:
            raise ValueError(f"{self.id}: expected rests_on among {RESTS_ON}, found {self.rests_on!r}")
        json.dumps(self.values)  # a value that JSON cannot hold is found here, not where a page is written

    @property
    def verdict(self) -> str:
        """The status as pages and the terminal show it."""
        return f"{SYMBOLS[self.status]} {LABELS[self.status]}"

    def as_dict(self) -> dict:
        return asdict(self)


def text_table(findings: Sequence[Finding]) -> str:
    """The findings as plain text for a terminal: a line each with verdict, id, table and statement."""
    width = max(len(one.id) for one in findings)
    return "\n".join(f"{one.verdict:14}  {one.id:{width}}  {one.table:11}  {one.statement}" for one in findings)
