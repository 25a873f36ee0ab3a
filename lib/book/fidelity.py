"""Output fidelity: kept chapters are executed anew, and what they show and find is compared with what is kept.

Numbers that come from run records agree exactly. A chapter whose numbers come from pixels or from weights trained anew
states how far they may differ on another machine: ``chapter.finish(…, tolerance=…)``.
"""

import base64
import contextlib
import difflib
import json
import logging
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import cv2
import nbformat
import numpy as np
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from lib.core import paths
from lib.datasets import ROOT_VARIABLES
from lib.core.errors import ConfigError, ReplicationError, suggestion
from lib.book.provenance import MEDIA_TYPE

# What differs from one execution to the next and says nothing about a result: in provenance by path, in what a chapter
# shows by pattern, and outputs by name.
VOLATILE = (
    ("provenance", r"finished|wall_seconds|run_seconds"),  # times
    ("provenance", r"devices.*|processor|settings.*|kept|versions\..*"),  # the machine, the very thing that is varied
    ("provenance", r"commit|modules.*|notebook_digest"),  # the code: whether it changed is said by the book's gate
    ("provenance", r"parameters\.results|parameters\.train_missing|command"),  # set here, and repeated in the command
    ("provenance", r"tolerance"),  # the bound itself
    ("text", r"\bat 0x[0-9a-f]+"),  # where an object lay in memory
    ("text", r"\bT_[0-9a-f]{5}(?=_|\b)"),  # pandas names each styled table at random
    ("text", r"\bclip-player-\d+"),  # players of clips are numbered in the order in which they were made
    ("output", r"stderr|application/vnd\.jupyter\.widget-view\+json"),  # progress bars, and warnings of libraries
)
# Fainter differences of a pixel, in levels of 255, are the rounding of JPEG and of smoothed edges.
PIXEL_LEVELS = 8
# Chapters that look into weights. These are not kept: where the kept chapter had them, they are trained anew.
NEED_WEIGHTS = ("08_saliency",)
DIFFERENCES_SHOWN = 10

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)%?", re.IGNORECASE)
PICTURE = re.compile(r"(?:iVBORw0KGgo|/9j/)[A-Za-z0-9+/]+=*")  # base64 of a PNG or a JPEG


@dataclass(frozen=True)
class Comparison:
    """One output, or one value of the results, beside the one that is kept.

    Attributes
    ----------
    where : str
        Such as ``"cell 12, image/png"`` or ``"scores.last.estimate"``.
    difference : float
        Of numbers: their distance, divided by the larger of the two where that exceeds one; percentages and points
        are shares. Of pictures: the share of pixels that differ. 0: none. Infinite: not a matter of size, such as
        other words.
    detail : str
        The kept value and the new one; empty if there is no difference.
    """

    where: str
    difference: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class Fidelity:
    """How far a chapter that was executed anew agrees with the kept one.

    Attributes
    ----------
    chapter : str
        ``"smic/01_data"``.
    seconds : float
        What executing it took.
    bound : float
        The largest difference that the chapter allows.
    outputs, results : sequence of Comparison
        One for each output of a cell, and for each value of the results, of either execution.
    failure : str
        Why the chapter could not be executed, with nothing compared; else empty.
    """

    chapter: str
    seconds: float
    bound: float = 0.0
    outputs: Sequence[Comparison] = ()
    results: Sequence[Comparison] = ()
    failure: str = ""

    def beyond(self) -> list[Comparison]:
        """What differs by more than the bound."""
        return [one for one in (*self.outputs, *self.results) if one.difference > self.bound]

    @property
    def agrees(self) -> bool:
        return not self.failure and not self.beyond()

    @property
    def largest(self) -> float:
        """The largest difference that has a size."""
        return max((c.difference for c in (*self.outputs, *self.results) if math.isfinite(c.difference)), default=0.0)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of outputs and of results: how many agree, of how many."""
        return {
            name: (sum(one.difference <= self.bound for one in compared), len(compared))
            for name, compared in (("outputs", self.outputs), ("results", self.results))
        }

    def as_dict(self) -> dict:
        """All of it, as JSON can hold it; the size of a difference that has none is null."""
        return {
            "chapter": self.chapter,
            "agrees": self.agrees,
            "failure": self.failure,
            "bound": self.bound,
            "largest_difference": self.largest,
            **{name: {"agree": agreeing, "compared": compared} for name, (agreeing, compared) in self.counts().items()},
            "differences": [
                {
                    "where": one.where,
                    "difference": one.difference if math.isfinite(one.difference) else None,
                    "detail": one.detail,
                }
                for one in (*self.outputs, *self.results)
                if one.difference
            ],
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        if self.failure:
            return f"{self.chapter}: could not be executed: {self.failure}"
        lines = [
            f"{self.chapter}: {share_sentence(self.counts())}; largest difference {self.largest:.2g}, "
            f"bound {self.bound:g} ({self.seconds:.0f} s)"
        ]
        beyond = self.beyond()
        lines += [f"  {one.where}: {one.detail}" for one in beyond[:DIFFERENCES_SHOWN]]
        if len(beyond) > DIFFERENCES_SHOWN:
            lines.append(f"  and {len(beyond) - DIFFERENCES_SHOWN} more, which --json lists")
        return "\n".join(lines)


def share_sentence(counts: Mapping[str, tuple[int, int]]) -> str:
    """How many agree, of how many.

    >>> share_sentence({"outputs": (3, 4), "results": (7, 7)})
    '3 of 4 outputs (75.0%) and 7 of 7 results (100.0%) agree'
    """
    shares = (f"{some} of {every} {name} ({some / max(every, 1):.1%})" for name, (some, every) in counts.items())
    return f"{' and '.join(shares)} agree"


def measure_chapters(names: Sequence[str] = ()) -> list[Fidelity]:
    """Measure kept chapters one after another, and print what is found.

    Parameters
    ----------
    names : sequence of str
        As ``dataset/notebook``; none for all that are kept.

    Raises
    ------
    ConfigError
        One of `names` is not kept.
    ReplicationError
        As `measure`.
    """
    folder = _book() / "chapters"
    known = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.ipynb"))
    for name in names:
        if name not in known:
            raise ConfigError(f"no chapter {name!r} is kept{suggestion(name, known)}; there are {', '.join(known)}")
    chapters = list(names) or known
    out = Path(tempfile.mkdtemp(prefix="fidelity-"))
    measured = []
    for number, chapter in enumerate(chapters, start=1):
        print(f"[{number}/{len(chapters)}] {chapter} …", flush=True)
        measured.append(measure(chapter, out))
        print(measured[-1], flush=True)
    if len(chapters) > 1:
        print(f"all {len(chapters)} chapters: {share_sentence(_total(measured))}")
    if all(one.agrees for one in measured):
        shutil.rmtree(out)
    else:
        print(f"the chapters as executed anew are in {out}")
    return measured


def measure(chapter: str, out: Path) -> Fidelity:
    """Execute a kept chapter anew with its parameters and compare it with the kept one.

    Parameters
    ----------
    chapter : str
        ``dataset/notebook``.
    out : Path
        Folder for the chapter as executed, and its results.

    Raises
    ------
    ReplicationError
        The kept chapter has no results.
    """
    book = _book()
    kept_results, results = (folder / "results" / f"{chapter}.json" for folder in (book, out))
    kept_notebook, executed = (folder / "chapters" / f"{chapter}.ipynb" for folder in (book, out))
    if not kept_results.is_file():
        raise ReplicationError(f"expected the results of {chapter} at {kept_results}, found none: keep it again")
    kept = json.loads(kept_results.read_text(encoding="utf-8"))
    parameters = {**kept["provenance"]["parameters"], "results": str(results)}
    if executed.stem in NEED_WEIGHTS and not any(kept["results"]["missing"].values()):
        parameters["train_missing"] = True
    executed.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it warns of parameters, which the chapter itself checks
    started = time.monotonic()
    try:
        with _data_of(kept["provenance"]["standin"]):
            papermill.execute_notebook(
                paths.NOTEBOOKS / executed.name,
                executed,
                parameters,
                cwd=paths.REPOSITORY,
                kernel_name="python3",
                progress_bar=False,
            )
    except PapermillExecutionError as error:
        failure = f"cell {error.cell_index + 1} failed: {error.ename}: {error.evalue}"
        return Fidelity(chapter, time.monotonic() - started, failure=failure)
    except DeadKernelError as error:
        return Fidelity(chapter, time.monotonic() - started, failure=f"its kernel died: {error}")
    seconds = time.monotonic() - started
    if not results.is_file():
        return Fidelity(chapter, seconds, failure="it left no results: its last cell must call chapter.finish(…)")
    new = json.loads(results.read_text(encoding="utf-8"))
    bound = new["provenance"].get("tolerance", 0.0)
    outputs = compare_outputs(nbformat.read(kept_notebook, as_version=4), nbformat.read(executed, as_version=4), bound)
    return Fidelity(chapter, seconds, bound, outputs, compare_values(kept["results"], new["results"], bound))


def _book() -> Path:
    return paths.REPOSITORY / "book"


def _total(measured: Sequence[Fidelity]) -> dict[str, tuple[int, int]]:
    """The counts of several chapters together."""
    counts = [one.counts() for one in measured]
    return {
        name: tuple(sum(of_chapter) for of_chapter in zip(*(one[name] for one in counts), strict=True))
        for name in ("outputs", "results")
    }


@contextlib.contextmanager
def _data_of(standin: Mapping | None) -> Iterator[None]:
    """Hide where real data are from a chapter that was made from a stand-in."""
    hidden = {name: os.environ.pop(name) for name in ROOT_VARIABLES.values() if standin and name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def compare_values(kept: object, new: object, bound: float, volatile: str = "") -> list[Comparison]:
    """Compare two JSON values, one comparison for each number, text, truth value or null of either.

    Parameters
    ----------
    kept, new : JSON values
    bound : float
        If it is 0, numbers in texts agree exactly; else up to the rounding of their last digit, too.
    volatile : str
        Pattern of the paths that are left out.
    """
    old, young = dict(_leaves(kept)), dict(_leaves(new))
    return [
        Comparison(path, math.inf, "is new")
        if path not in old
        else Comparison(path, math.inf, "is missing")
        if path not in young
        else Comparison(path, *_value_difference(old[path], young[path], bound))
        for path in old | young
        if not re.fullmatch(volatile, path)
    ]


def compare_outputs(kept: nbformat.NotebookNode, new: nbformat.NotebookNode, bound: float) -> list[Comparison]:
    """Compare what the cells of two executions of a notebook show, one comparison for each output of either.

    Cells are matched by what stands in them and numbered as in `kept`; `bound` is that of `compare_values`.
    """
    compared = []
    for number, old_cell, new_cell in _matched_cells(kept, new):
        for old, young in zip_longest(_outputs(old_cell), _outputs(new_cell)):
            shown = young if old is None else old
            where = f"cell {number}, {' + '.join(shown)}"
            if old is None or young is None:
                compared.append(Comparison(where, math.inf, "is new" if old is None else "is missing"))
            elif old.keys() != young.keys():
                compared.append(Comparison(where, math.inf, f"became {' + '.join(young)}"))
            else:
                differences = (_output_difference(kind, old[kind], young[kind], bound) for kind in old)
                compared.append(Comparison(where, *max(differences, key=lambda one: one[0])))
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
            rich = {kind: content for kind, content in output.data.items() if kind != "text/plain"}
            kinds = rich or dict(output.data)
        if not any(re.fullmatch(_volatile("output"), kind) for kind in kinds):
            shown.append(kinds)
    return shown


def _output_difference(kind: str, kept: object, new: object, bound: float) -> tuple[float, str]:
    if kind in ("image/png", "image/jpeg"):
        return _picture_difference(kept, new)
    if isinstance(kept, str) and isinstance(new, str):
        return _text_difference(kept, new, bound)
    worst = max(compare_values(kept, new, bound, _volatile(kind)), key=lambda one: one.difference, default=None)
    return (worst.difference, f"{worst.where}: {worst.detail}") if worst and worst.difference else (0.0, "")


def _value_difference(kept: object, new: object, bound: float) -> tuple[float, str]:
    if isinstance(kept, str) and isinstance(new, str):
        return _text_difference(kept, new, bound)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (kept, new))
    same = type(kept) is type(new) and kept == new  # `True == 1` in Python
    difference = _distance(kept, new) if numbers else 0.0 if same else math.inf
    return difference, f"{_written(kept)} -> {_written(new)}" if difference else ""


def _text_difference(kept: str, new: str, bound: float) -> tuple[float, str]:
    """Of two texts, HTML or not: their pictures as pictures, their numbers as numbers, the rest word by word."""
    if kept == new:
        return 0.0, ""
    old, young = (re.sub(_volatile("text"), "", text) for text in (kept, new))
    pictures = [PICTURE.findall(text) for text in (old, young)]
    old, young = (PICTURE.sub(" [picture] ", text) for text in (old, young))
    numbers = [NUMBER.findall(text) for text in (old, young)]
    if len({tuple(NUMBER.sub("0", text).split()) for text in (old, young)}) > 1:
        return math.inf, _changed_words(old, young)
    differences = [_picture_difference(*pair) for pair in zip(*pictures, strict=True)]
    for a, b in zip(*numbers, strict=True):
        (first, rounding), (second, _) = _parsed(a), _parsed(b)
        apart = _distance(first, second, rounding if bound else 0.0)
        differences.append((apart, f"{a} -> {b}") if apart else (0.0, ""))
    difference, detail = max(differences, key=lambda one: one[0], default=(0.0, ""))
    n_others = sum(one > 0 for one, _ in differences) - 1
    return difference, detail + (f" (and {n_others} more)" if n_others > 0 else "")


def _picture_difference(kept: str, new: str) -> tuple[float, str]:
    """The share of pixels that differ visibly between two pictures in base64."""
    if kept == new:
        return 0.0, ""
    old, young = (
        cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED) for data in (kept, new)
    )
    if old is None or young is None:
        return math.inf, "is a picture that cannot be read"
    if old.shape != young.shape:
        return math.inf, f"{old.shape[1]}x{old.shape[0]} -> {young.shape[1]}x{young.shape[0]} pixels"
    apart = cv2.absdiff(old, young).reshape(*old.shape[:2], -1).max(axis=-1)
    share = float((apart > PIXEL_LEVELS).mean())
    if not share:
        return 0.0, ""
    levels = apart[apart > PIXEL_LEVELS]
    return share, f"{share:.2%} of its pixels differ, by {levels.mean():.0f} of 255 levels, {levels.max()} at most"


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
    in_points = re.fullmatch(r"[-+−]\d+\.\d", number)
    scale = 0.01 if in_points or number.endswith("%") else 1.0
    plain = number.rstrip("%").replace("−", "-").replace(",", "")
    mantissa, _, exponent = plain.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(exponent or 0) - decimals) * scale if decimals or scale < 1 else 0.0
    return float(plain) * scale, step


def _changed_words(kept: str, new: str) -> str:
    """From the first word that differs to the last, without markup unless it is the markup that differs."""
    words = [re.sub(r"<[^>]*>", " ", text).split() for text in (kept, new)]
    old, young = words if words[0] != words[1] else (kept.split(), new.split())
    start = len(os.path.commonprefix([old, young]))
    old, young = old[start:], young[start:]
    same_end = len(os.path.commonprefix([old[::-1], young[::-1]]))
    return " -> ".join(_written(" ".join(part[: len(part) - same_end])) for part in (old, young))


def _written(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return (text if len(text) <= 60 else f"{text[:58]} …") or "nothing"


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


def _volatile(where: str) -> str:
    return "|".join(pattern for place, pattern in VOLATILE if place == where)
