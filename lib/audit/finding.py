"""What the audit finds: one record for each statement that is checked."""

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from lib.audit.paper import ARCHITECTURE_TABLES, CONFUSION_TABLES, DATASET_TITLES, METHOD_NAMES
from lib.core.checks import one_of

# "printed": what the paper prints alone; "code": also the authors' released code, which need not be what gave the
# numbers; "literature": also what others published of the datasets or of earlier methods.
RESTS_ON = ("printed", "code", "literature")
TITLES, TABLES = {**METHOD_NAMES, **DATASET_TITLES}, {**ARCHITECTURE_TABLES, **CONFUSION_TABLES}
Outcome = tuple[bool | None, str, Mapping]  # whether the numbers agree, None if they leave it open; evidence; values
VERDICTS = {"contradicted": "✗ contradicted", "holds": "✓ holds", "note": "○ left open"}


@dataclass(frozen=True)
class Finding:
    """One statement of the paper, or implied by it, and what arithmetic says of it."""

    id: str  # unique and stable: claims and other pages refer to it
    table: str  # where the numbers stand, "V" or "VI, VII"; a section of the text is written out, "text IV-A"
    statement: str  # worded so that `holds` and `contradicted` answer it
    status: str  # of `VERDICTS`; "note": the arithmetic gives a number or a limit but neither of the two
    evidence: str  # one or two sentences with the numbers, computed; true whatever the status is
    values: Mapping  # the same numbers as data; JSON can hold them
    rests_on: str = "printed"  # of `RESTS_ON`: what the status needs to be believed

    def __post_init__(self) -> None:
        one_of(f"{self.id}, status", self.status, VERDICTS)
        one_of(f"{self.id}, rests_on", self.rests_on, RESTS_ON)
        json.dumps(self.values)  # a value that JSON cannot hold is found here, not where a page is written

    @property
    def verdict(self) -> str:
        """The status as pages and the terminal show it."""
        return VERDICTS[self.status]

    def as_dict(self) -> dict:
        return asdict(self)


def check(id: str, table: str, rests_on: str = "printed") -> Callable:
    """Make a function that says whether the numbers agree, by what evidence and with what values, give a `Finding`.

    The first paragraph of its docstring is the statement. It, the id and the table may name, in braces, the function's
    ``model`` and ``dataset``, and the ``table`` of that model's layers or of that dataset's confusion matrix; the
    statement also what is in the values.
    """

    def decorate(function: Callable[..., Outcome]) -> Callable[..., Finding]:
        statement = " ".join(function.__doc__.partition("\n\n")[0].split()).removesuffix(".")

        @functools.wraps(function)
        def find(*arguments) -> Finding:
            given = inspect.signature(function).bind(*arguments).arguments
            agrees, evidence, values = function(*arguments)
            tables = [TABLES[one] for one in given.values() if one in TABLES]
            titles = {name: TITLES.get(one, one) for name, one in given.items()} | {"table": "".join(tables[-1:])}
            parts = {"table": titles["table"].lower()} | {
                name: str(one).replace("micro_exp_", "").replace("fusenet_", "").replace("_", "-")
                for name, one in given.items()
            }
            status = "note" if agrees is None else "holds" if agrees else "contradicted"
            said = statement.format(**{**titles, **values})
            return Finding(id.format(**parts), table.format(**titles), said, status, evidence, values, rests_on)

        return find

    return decorate


def listed(items: Iterable, separator: str = ", ") -> str:
    """Numbers or names as evidence lists them; ``"none"`` if there are none."""
    return separator.join(map(str, items)) or "none"


def text_table(findings: Sequence[Finding]) -> str:
    """The findings as plain text for a terminal: a line each with verdict, id, table and statement."""
    width = max(len(one.id) for one in findings)
    return "\n".join(f"{one.verdict:14}  {one.id:{width}}  {one.table:11}  {one.statement}" for one in findings)
