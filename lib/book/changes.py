"""What a book says in numbers and verdicts, as one file beside its pages, and what differs between two books."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from lib.audit import findings
from lib.audit.claims import claims
from lib.book.verdicts import COLUMNS, judge
from lib.core.errors import ConfigError

SUMMARY = "book.json"
SHOWN = 12  # numbers of a chapter in a comment; all are in the JSON
NAMES = ("clip", "switch", "region", "kernel", "kind", "step", "name")  # keys that tell rows of a list apart


def summary_of(place: Path) -> dict:
    """The verdicts and numbers of a book: a build (``_build/full``, ``book``), its results, pages, or their `SUMMARY`.

    ``verdicts``: claim -> ``statement``, and a verdict for each of `COLUMNS` that there is. ``numbers``: chapter ->
    path in its results -> number. `ConfigError` where there is no book.
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
        said = {name: judgement.verdict for name, judgement in one.judgements().items()}
        verdicts[one.claim.id] = {"statement": one.claim.statement, **said}
    numbers = {"/".join(name): dict(numbers_of(content["results"])) for name, content in contents.items()}
    return {"verdicts": verdicts, "numbers": numbers}


def numbers_of(value: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number within results, by its path. Lists of plain values (landmarks, seeds) are no findings."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from numbers_of(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        rows = [one for one in value if isinstance(one, Mapping)]
        names = [next((str(one[key]) for key in NAMES if key in one), "") for one in rows]
        for position, (name, one) in enumerate(zip(names, rows, strict=True)):
            unique = name if name and names.count(name) == 1 else f"{name}#{position}".lstrip("#")
            yield from numbers_of(one, f"{path}[{unique}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def changes(old: Mapping, new: Mapping) -> dict:
    """What differs between two summaries; None stands for what a book does not say.

    ``verdicts``: a row for each claim and column. ``numbers``: a row for each number of a chapter that both have.
    ``chapters``: those that are ``gone`` and ``new``.
    """
    verdicts, numbers = [], []
    for claim in {**old["verdicts"], **new["verdicts"]}:
        before, after = (book["verdicts"].get(claim, {}) for book in (old, new))
        row = {"claim": claim, "statement": {**before, **after}["statement"]}
        verdicts += [{**row, "by": name, **pair} for name, pair in _differing(before, after) if name in COLUMNS]
    for chapter, before in old["numbers"].items():
        pairs = _differing(before, new["numbers"].get(chapter, before))
        numbers += [{"chapter": chapter, "number": path, **pair} for path, pair in pairs]
    gone, added = (sorted(set(one["numbers"]) - set(other["numbers"])) for one, other in ((old, new), (new, old)))
    return {"verdicts": verdicts, "numbers": numbers, "chapters": {"gone": gone, "new": added}}


def _differing(old: Mapping, new: Mapping) -> Iterator[tuple[str, dict]]:
    for name in {**old, **new}:
        pair = one, other = old.get(name), new.get(name)
        measured = all(isinstance(value, int | float) for value in pair)
        same = np.isclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True) if measured else one == other
        if not same:
            yield name, {"old": one, "new": other}


def as_markdown(found: Mapping) -> str:
    """Changes for a comment on a pull request."""
    parts = [f"**{len(found['verdicts'])} verdicts and {len(found['numbers'])} numbers changed.**"]
    for title, names in found["chapters"].items():
        parts += [f"Chapters that are {title}: {', '.join(names)}."] if names else []
    if found["verdicts"]:
        parts.append(_table(found["verdicts"], ("statement", "by", "old", "new")))
    for chapter, rows in groupby(found["numbers"], key=lambda row: row["chapter"]):
        rows = list(rows)
        table = _table(rows[:SHOWN], ("number", "old", "new"))
        more = f"\n\n{len(rows) - SHOWN} more are in the JSON." if len(rows) > SHOWN else ""
        parts.append(f"<details><summary>{chapter}: {len(rows)} numbers</summary>\n\n{table}{more}\n</details>")
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping], columns: Sequence[str]) -> str:
    table = pd.DataFrame(rows, columns=list(columns), dtype=object)
    for name in ("old", "new"):
        table[name] = ["–" if one is None else f"{one:.6g}" if isinstance(one, float) else one for one in table[name]]
    return table.to_markdown(index=False, disable_numparse=True)
