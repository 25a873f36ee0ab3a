"""Output fidelity: kept chapters are executed anew, and what they show and find is compared with what is kept.

Numbers that come from run records agree exactly. A chapter whose numbers come from pixels or from weights trained anew
states how far they may differ on another machine: ``chapter.finish(…, tolerance=…)``.

    python benchmarks/output_fidelity.py [--chapter paper/09_audit …] [--json measured.json]
"""

import argparse
import base64
import difflib
import json
import logging
import math
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import cv2
import nbformat
import numpy as np
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.book.chapters import CHAPTERS
from lib.book.provenance import MEDIA_TYPE
from lib.core import paths
from lib.core.catalogue import ROOT_VARIABLES
from lib.core.checks import one_of
from lib.core.errors import ReplicationError
from lib.core.files import whole_file

# What differs from one execution to the next and says nothing about a result.
VOLATILE_RECORD = (  # of provenance, by path
    r"finished|wall_seconds|run_seconds|peak_memory_mb"  # times, memory
    r"|devices.*|backends.*|processor|settings.*|kept|versions\..*"  # the machine, the very thing that is varied
    r"|commit|modules.*|notebook_digest"  # the code: whether it changed is said by the book's gate
    r"|parameters\.results|parameters\.train_missing|command"  # set here, and repeated in the command
    r"|tolerance"  # the bound itself
)
VOLATILE_TEXT = (
    r"\bat 0x[0-9a-f]+"  # where an object lay in memory
    r"|\bT_[0-9a-f]{5}(?=_|\b)"  # pandas names each styled table at random
    r"|\bclip-player-\d+"  # players of clips are numbered in the order in which they were made
)
VOLATILE_OUTPUT = r"stderr|application/vnd\.jupyter\.widget-view\+json"  # progress bars, and warnings of libraries
# Fainter differences of a pixel, in levels of 255, are the rounding of JPEG and of smoothed edges.
PIXEL_LEVELS = 8
DIFFERENCES_SHOWN = 10

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)(?:\xa0?%)?", re.IGNORECASE)
PICTURE = re.compile(r"(?:iVBORw0KGgo|/9j/)[A-Za-z0-9+/]+=*")  # base64 of a PNG or a JPEG


class Comparison(NamedTuple):
    """One output, or one value of the results, beside the one that is kept.

    `where` is such as ``"cell 12, image/png"`` or ``"scores.last.estimate"``. `difference` is, of numbers, their
    distance, divided by the larger of the two where that exceeds one (percentages and points are shares); of pictures,
    the share of pixels that differ; infinite where it is not a matter of size, as with other words. `detail` gives the
    kept value and the new one, and is empty if there is no difference.
    """

    where: str
    difference: float = 0.0
    detail: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and return the exit status: 1 where a chapter does not agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--chapter", nargs="+", action="extend", default=[], metavar="DATASET/NOTEBOOK", help="these (default: all)"
    )
    parser.add_argument("--json", type=Path, help="write every difference to this JSON file as well")
    options = parser.parse_args(arguments)
    try:
        measured = measure_chapters(options.chapter)
    except ReplicationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        with whole_file(options.json) as draft:
            draft.write_text(json.dumps(measured, indent=1), encoding="utf-8")
    return 0 if all(one["agrees"] for one in measured) else 1


def measure_chapters(names: Sequence[str] = ()) -> list[dict]:
    """Measure kept chapters, named ``dataset/notebook`` (none: all), print what is found and return it (`measure`).

    Raises
    ------
    ConfigError
        One of `names` is not kept.
    """
    folder = paths.REPOSITORY / "book" / "chapters"
    known = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.ipynb"))
    for name in names:
        one_of("a kept chapter", name, known)
    out = Path(tempfile.mkdtemp(prefix="fidelity-"))
    measured = []
    for chapter in names or known:
        measured.append(measure(chapter, out))
        print(_told(measured[-1]), flush=True)
    if all(one["agrees"] for one in measured):
        shutil.rmtree(out)
    else:
        print(f"the chapters as executed anew are in {out}")
    return measured


def measure(chapter: str, out: Path) -> dict:
    """Execute a kept chapter, ``dataset/notebook``, anew with its parameters and compare it with the kept one.

    The chapter as executed, and its results, are left in the folder `out`.

    Returns
    -------
    dict
        As JSON can hold it: ``chapter``, ``agrees``, ``failure`` (why it could not be executed, with nothing compared),
        ``bound`` (the largest difference that the chapter allows), ``largest_difference`` of those that have a size,
        how many ``outputs`` of cells and values of ``results`` were compared and agree, each of the ``differences``
        (see `Comparison`; null in place of infinite), ``seconds`` that executing it took.
    """
    book = paths.REPOSITORY / "book"
    kept_results, results = (folder / "results" / f"{chapter}.json" for folder in (book, out))
    kept_notebook, executed = (folder / "chapters" / f"{chapter}.ipynb" for folder in (book, out))
    if not kept_results.is_file():
        raise ReplicationError(f"expected the results of {chapter} at {kept_results}, found none: keep it again")
    kept = json.loads(kept_results.read_text(encoding="utf-8"))
    started = time.monotonic()
    failure = _execute(paths.NOTEBOOKS / executed.name, executed, kept, results)
    seconds = round(time.monotonic() - started, 1)
    bound, compared = 0.0, {"outputs": [], "results": []}
    if not failure:
        new = json.loads(results.read_text(encoding="utf-8"))
        bound = new["provenance"].get("tolerance", 0.0)
        notebooks = (nbformat.read(path, as_version=4) for path in (kept_notebook, executed))
        compared["outputs"] = compare_outputs(*notebooks, bound)
        compared["results"] = compare_values(kept["results"], new["results"], bound)
    everything = [one for found in compared.values() for one in found]
    sized = [one.difference for one in everything if math.isfinite(one.difference)]
    return {
        "chapter": chapter,
        "agrees": not failure and all(one.difference <= bound for one in everything),
        "failure": failure,
        "bound": bound,
        "largest_difference": max(sized, default=0.0),
        **{
            kind: {"agree": sum(one.difference <= bound for one in found), "compared": len(found)}
            for kind, found in compared.items()
        },
        "differences": [
            {**one._asdict(), "difference": one.difference if math.isfinite(one.difference) else None}
            for one in everything
            if one.difference
        ],
        "seconds": seconds,
    }


def _told(measured: Mapping) -> str:
    if measured["failure"]:
        return f"{measured['chapter']}: could not be executed: {measured['failure']}"
    beyond = [one for one in measured["differences"] if not (one["difference"] or math.inf) <= measured["bound"]]
    agree = (f"{measured[kind]['agree']} of {measured[kind]['compared']} {kind}" for kind in ("outputs", "results"))
    return "\n".join(
        [
            f"{measured['chapter']}: {' and '.join(agree)} agree; largest difference "
            f"{measured['largest_difference']:.2g}, bound {measured['bound']:g} ({measured['seconds']:.0f} s)",
            *(f"  {one['where']}: {one['detail']}" for one in beyond[:DIFFERENCES_SHOWN]),
            *["  and more, which --json lists"] * (len(beyond) > DIFFERENCES_SHOWN),
        ]
    )


def _execute(source: Path, executed: Path, kept: Mapping, results: Path) -> str:
    """Execute a chapter as it was kept; return why that failed, or nothing."""
    parameters = {**kept["provenance"]["parameters"], "results": str(results)}
    row = CHAPTERS.get(source.stem)
    if row and row.needs_weights and not any(kept["results"]["missing"].values()):
        parameters["train_missing"] = True  # weights are not kept
    # where real data are is hidden from a chapter that was made from a stand-in
    standin = kept["provenance"]["standin"]
    hidden = {name: os.environ.pop(name) for name in ROOT_VARIABLES.values() if standin and name in os.environ}
    executed.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it warns of parameters, which the chapter itself checks
    settings = {"cwd": paths.REPOSITORY, "kernel_name": "python3", "progress_bar": False}
    try:
        papermill.execute_notebook(source, executed, parameters, **settings)
    except PapermillExecutionError as error:
        return f"cell {error.cell_index + 1} failed: {error.ename}: {error.evalue}"
    except DeadKernelError as error:
        return f"its kernel died: {error}"
    finally:
        os.environ.update(hidden)
    return "" if results.is_file() else "it left no results: its last cell must call chapter.finish(…)"


def compare_values(kept: object, new: object, bound: float, volatile: str = "") -> list[Comparison]:
    """Compare two JSON values, one comparison for each number, text, truth value or null of either.

    With a `bound` of 0 numbers in texts agree exactly; else up to the rounding of their last digit, too. `volatile` is
    a pattern of the paths that are left out.
    """
    old, young = dict(_leaves(kept)), dict(_leaves(new))
    return [
        Comparison(path, math.inf, "is new" if path not in old else "is missing")
        if path not in old or path not in young
        else Comparison(path, *_difference(old[path], young[path], bound))
        for path in old | young
        if not re.fullmatch(volatile, path)
    ]


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The values of nested JSON with their paths; an empty list or mapping is a value."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{position}]")
    else:
        yield path, value


def compare_outputs(kept: nbformat.NotebookNode, new: nbformat.NotebookNode, bound: float) -> list[Comparison]:
    """Compare what the cells of two executions of a notebook show, one comparison for each output of either.

    Cells are matched by what stands in them and numbered as in `kept`; `bound` is that of `compare_values`.
    """
    compared = []
    for number, old_cell, new_cell in _matched_cells(kept, new):
        for old, young in zip_longest(_outputs(old_cell), _outputs(new_cell)):
            where = f"cell {number}, {' + '.join(old or young)}"
            if old is None or young is None:
                compared.append(Comparison(where, math.inf, "is new" if old is None else "is missing"))
            elif old.keys() != young.keys():
                compared.append(Comparison(where, math.inf, f"became {' + '.join(young)}"))
            else:
                compared.append(Comparison(where, *_worst(_difference(old[kind], young[kind], bound) for kind in old)))
    return compared


def _matched_cells(kept: nbformat.NotebookNode, new: nbformat.NotebookNode) -> Iterator[tuple]:
    """Pairs of code cells with their number; None in place of one that has no counterpart."""
    old_cells, new_cells = (
        [
            (number, cell)
            for number, cell in enumerate(notebook.cells, start=1)
            if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
        ]
        for notebook in (kept, new)
    )
    sources = ([cell.source for _, cell in cells] for cells in (old_cells, new_cells))
    for _, a, b, c, d in difflib.SequenceMatcher(None, *sources, autojunk=False).get_opcodes():
        for old, young in zip_longest(old_cells[a:b], new_cells[c:d], fillvalue=(None, None)):
            yield old[0] or young[0], old[1], young[1]


def _outputs(cell: nbformat.NotebookNode | None) -> list[dict]:
    """What a cell shows, of each output the kinds that a page can show of it."""
    shown = []
    for output in cell.outputs if cell else ():
        if output.output_type == "stream":
            kinds = {output.name: output.text}
        elif output.output_type == "error":
            kinds = {"error": f"{output.ename}: {output.evalue}"}
        elif MEDIA_TYPE in output.data:  # the table beside it repeats it for people
            kinds = {"provenance": output.data[MEDIA_TYPE]}
        else:
            kinds = {kind: data for kind, data in output.data.items() if kind != "text/plain"} or dict(output.data)
        if not any(re.fullmatch(VOLATILE_OUTPUT, kind) for kind in kinds):
            shown.append(kinds)
    return shown


# === Differences: their size, and both values in words ===


def _difference(kept: object, new: object, bound: float) -> tuple[float, str]:
    """Of texts, numbers, other single values, or all that is nested in a mapping."""
    if isinstance(kept, str) and isinstance(new, str):
        return _text_difference(kept, new, bound)
    if isinstance(kept, Mapping) and kept:
        inner = (one for one in compare_values(kept, new, bound, VOLATILE_RECORD) if one.difference)
        return _worst((one.difference, f"{one.where}: {one.detail}") for one in inner)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (kept, new))
    same = type(kept) is type(new) and kept == new  # `True == 1` in Python
    size = _distance(kept, new) if numbers else 0.0 if same else math.inf
    return size, f"{_written(kept)} -> {_written(new)}" if size else ""


def _worst(differences: Iterator[tuple[float, str]]) -> tuple[float, str]:
    return max(differences, key=lambda one: one[0], default=(0.0, ""))


def _text_difference(kept: str, new: str, bound: float) -> tuple[float, str]:
    """Of two texts, HTML, a picture or neither: pictures as pictures, numbers as numbers, the rest word by word."""
    if kept == new:
        return 0.0, ""
    old, young = (re.sub(VOLATILE_TEXT, "", text) for text in (kept, new))
    pictures = [PICTURE.findall(text) for text in (old, young)]
    old, young = (PICTURE.sub(" [picture] ", text) for text in (old, young))
    if len({tuple(NUMBER.sub("0", text).split()) for text in (old, young)}) > 1:
        return math.inf, _changed_words(old, young)
    differences = [_picture_difference(*pair) for pair in zip(*pictures, strict=True)]
    for a, b in zip(NUMBER.findall(old), NUMBER.findall(young), strict=True):
        (first, rounding), (second, _) = _parsed(a), _parsed(b)
        size = _distance(first, second, rounding if bound else 0.0)
        differences.append((size, f"{a} -> {b}" if size else ""))
    size, detail = _worst(differences)
    others = sum(one > 0 for one, _ in differences) - 1
    return size, detail + (f" (and {others} more)" if others > 0 else "")


def _picture_difference(kept: str, new: str) -> tuple[float, str]:
    """The share of pixels that differ visibly between two pictures in base64."""
    encoded = (np.frombuffer(base64.b64decode(data), np.uint8) for data in (kept, new))
    old, young = (cv2.imdecode(data, cv2.IMREAD_UNCHANGED) for data in encoded)
    if old is None or young is None:
        return math.inf, "is a picture that cannot be read"
    if old.shape != young.shape:
        return math.inf, f"{old.shape[1]}x{old.shape[0]} -> {young.shape[1]}x{young.shape[0]} pixels"
    apart = cv2.absdiff(old, young).reshape(*old.shape[:2], -1).max(axis=-1)
    share = float((apart > PIXEL_LEVELS).mean())
    return share, f"{share:.2%} of its pixels differ, by {apart.max()} of 255 levels at most" if share else ""


def _distance(a: float, b: float, rounding: float = 0.0) -> float:
    """How far two numbers are apart, as `Comparison` has it.

    >>> _distance(0.5, 0.25), _distance(200, 100), _distance(0.12, 0.13, rounding=0.01)
    (0.25, 0.5, 0.0)
    """
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    apart = abs(a - b) - rounding * (1 + 1e-9)
    return max(0.0, apart) / max(1.0, abs(a), abs(b)) if math.isfinite(apart) else math.inf


def _parsed(number: str) -> tuple[float, float]:
    """A number as it is written, and the step of its last digit; a whole number is taken for a count, without one.

    With a sign and one decimal it is a change of a share in points, as `lib.report.wording` writes it.

    >>> _parsed("1,024"), _parsed("+0.25"), _parsed("75%"), _parsed("+5.0")
    ((1024.0, 0.0), (0.25, 0.01), (0.75, 0.01), (0.05, 0.001))
    """
    scale = 0.01 if re.fullmatch(r"[-+−]\d+\.\d|.*%", number) else 1.0
    plain = number.rstrip("\xa0%").replace("−", "-").replace(",", "")
    mantissa, _, exponent = plain.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(exponent or 0) - decimals) * scale if decimals or scale < 1 else 0.0
    return float(plain) * scale, step


def _changed_words(kept: str, new: str) -> str:
    """From the first word that differs to the last, without markup unless it is the markup that differs."""
    old, young = (re.sub(r"<[^>]*>", " ", text).split() for text in (kept, new))
    if old == young:
        old, young = kept.split(), new.split()
    start = len(os.path.commonprefix([old, young]))
    end = len(os.path.commonprefix([old[start:][::-1], young[start:][::-1]]))
    return " -> ".join(_written(" ".join(words[start : len(words) - end])) for words in (old, young))


def _written(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return (text if len(text) <= 60 else f"{text[:58]} …") or "nothing"


if __name__ == "__main__":
    sys.exit(main())
