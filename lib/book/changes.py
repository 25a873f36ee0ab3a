"""What a book says in numbers and verdicts, as one file beside its pages, and what differs between two books."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from lib.audit import findings
from lib.audit.claims import claims
from lib.book.front import COLUMNS
from lib.book.verdicts import judge
from lib.core.errors import ConfigError

SUMMARY = "book.json"
SHOWN = 12  # numbers of a chapter in a comment; all are in the JSON
NAMES = ("clip", "switch", "region", "kernel", "kind", "step", "name")  # keys that tell rows of a list apart


def summary_of(place: Path) -> dict:
    """The verdicts and numbers of a book.

    Parameters
    ----------
    place : Path
        A build (``_build/full``, ``book``), its folder of results, its pages, or the file `SUMMARY` among those.

    Returns
    -------
    dict
        ``verdicts``: claim -> ``statement``, and a verdict for each of `lib.book.pages.COLUMNS` that there is.
        ``numbers``: chapter -> path in its results -> number.

    Raises
    ------
    ConfigError
        There is no book.
    """
    place = Path(place)
    for written in (place, place / SUMMARY):
        if written.is_file():
            return json.loads(written.read_text(encoding="utf-8"))
    folder = place / "results" if (place / "results").is_dir() else place
    files = sorted(folder.glob("*/*.json"))
    if not files:
        raise ConfigError(f"expected a built book, or its folder of results, found neither at {place}")
    contents = {(path.parent.name, path.stem): json.loads(path.read_text(encoding="utf-8")) for path in files}
    verdicts = {}
    for one in judge(claims(), findings(), contents):
        judged = {name: getattr(one, name) for name in COLUMNS}
        verdicts[one.claim.id] = {
            "statement": one.claim.statement,
            **{name: judgement.verdict for name, judgement in judged.items() if judgement is not None},
        }
    numbers = {"/".join(name): dict(numbers_of(content["results"])) for name, content in contents.items()}
    return {"verdicts": verdicts, "numbers": numbers}


def numbers_of(value: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number within results, by its path. Lists of plain values (landmarks, seeds) are no findings."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from numbers_of(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, one in enumerate(value):
            if isinstance(one, Mapping):
                name = next((str(one[key]) for key in NAMES if key in one), position)
                yield from numbers_of(one, f"{path}[{name}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def changes(old: Mapping, new: Mapping) -> dict:
    """What differs between two summaries.

    Returns
    -------
    dict
        ``verdicts``: a row for each claim and column that differs; ``numbers``: a row for each number, with its
        chapter; ``chapters``: those that are ``gone`` and ``new``. None stands for what a book does not say.
    """
    found = {"verdicts": [], "numbers": []}
    for claim in {**old["verdicts"], **new["verdicts"]}:
        before, after = (book["verdicts"].get(claim, {}) for book in (old, new))
        for name in COLUMNS:
            if before.get(name) != after.get(name):
                statement = {**before, **after}["statement"]
                row = {"claim": claim, "statement": statement, "by": name}
                found["verdicts"].append({**row, "old": before.get(name), "new": after.get(name)})
    for chapter in old["numbers"]:
        before, after = old["numbers"][chapter], new["numbers"].get(chapter)
        for path in {**before, **after} if after is not None else ():
            one, other = before.get(path), after.get(path)
            if one is None or other is None or not _same(one, other):
                found["numbers"].append({"chapter": chapter, "number": path, "old": one, "new": other})
    gone, added = (sorted(set(one["numbers"]) - set(other["numbers"])) for one, other in ((old, new), (new, old)))
    return {**found, "chapters": {"gone": gone, "new": added}}


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def as_markdown(found: Mapping) -> str:
    """Changes for a comment on a pull request."""
    parts = [f"**{len(found['verdicts'])} verdicts and {len(found['numbers'])} numbers changed.**"]
    for title, names in found["chapters"].items():
        parts += [f"Chapters that are {title}: {', '.join(names)}."] if names else []
    if found["verdicts"]:
        parts.append(_table(found["verdicts"], ("statement", "by", "old", "new")))
    numbers: dict[str, list] = {}
    for row in found["numbers"]:
        numbers.setdefault(row["chapter"], []).append(row)
    for chapter, rows in numbers.items():
        table = _table(rows[:SHOWN], ("number", "old", "new"))
        more = f"\n\n{len(rows) - SHOWN} more are in the JSON." if len(rows) > SHOWN else ""
        parts.append(f"<details><summary>{chapter}: {len(rows)} numbers</summary>\n\n{table}{more}\n</details>")
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping], columns: Sequence[str]) -> str:
    table = pd.DataFrame(rows, columns=list(columns), dtype=object)
    for name in ("old", "new"):
        table[name] = ["–" if one is None else f"{one:.6g}" if isinstance(one, float) else one for one in table[name]]
    return table.to_markdown(index=False, disable_numparse=True)
