"""From an executed chapter to its page in the book.

What was found comes first, the title has the chapter's number in reading order and its dataset, pictures have captions,
what a step does is told once for all datasets, and the reader can take notebook and results along.
"""

import copy
import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.book.chapters import NO_DATASET
from lib.book.gate import provenance_in
from lib.book.parameters import source_path
from lib.core.catalogue import DATASET_TITLES
from lib.networks.startup import BACKENDS

PARAMETERS = {"parameters": "Show what can be set", "injected-parameters": "Show what was set for this page"}


@dataclass(frozen=True)
class Place:
    """Where a chapter stands in the book."""

    dataset: str
    notebook: str
    number: int  # of the chapters in reading order, from 1
    told: str = ""  # the dataset whose chapter by the same notebook stands before it and tells what each step does
    stale: Sequence[str] = ()  # why its inputs are no longer those that it was executed on


def write_page(executed: Path, results: Path, place: Place, source: Path) -> None:
    """Write the page of an executed chapter, and what a reader can take along, into the book's sources."""
    page = nbformat.read(executed, as_version=4)
    provenance = provenance_in(page.cells) or {}
    title, *cells = page.cells
    title.source, _, question = title.source.partition("\n\n")
    of_dataset = "" if place.dataset == NO_DATASET else f": {DATASET_TITLES[place.dataset]}"
    title.source = re.sub(r"^# (?:\d+\. )?(.+)", rf"# {place.number}. \1{of_dataset}", title.source)
    lifted = [_lifted(cells, tag) for tag in ("finding", "notice")]
    head = [title, *(cell for cell in lifted if cell is not None)]
    if len(backends := {*provenance.get("backends", ())} & {*BACKENDS}) > 1:
        text = (
            f"*Some runs of this page were trained with Keras on {' and some on '.join(sorted(backends))}: runs of one "
            "seed share their split and the order of their clips, and initial weights only where the backend is one.*"
        )
        head.append(nbformat.v4.new_markdown_cell(text, id="backends"))
    if place.stale:
        reasons = "; ".join(reason.removeprefix("is stale: ") for reason in place.stale)
        text = (
            ":::{admonition} Executed by an earlier version\n:class: caution\nThe text, figures and numbers below were "
            f"made at commit `{provenance['commit']}`, and an input has changed since: {reasons}.\n:::"
        )
        head.append(nbformat.v4.new_markdown_cell(text, id="stale"))
    if place.told:
        question = (
            f"The steps are those of [](../{place.told}/{place.notebook}), where each is explained; here is what they "
            f"give on {DATASET_TITLES[place.dataset]}."
        )
        cells = list(_told_elsewhere(cells))
    if question:
        head.append(nbformat.v4.new_markdown_cell(question, id="question"))
    cells.insert(len(cells) - 1, _offer(place, results, source / "files" / place.dataset))
    for cell in cells:
        for tag in {*PARAMETERS} & {*cell.metadata.get("tags", [])}:  # folded on the page alone
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": PARAMETERS[tag]}
    page.cells = [part for cell in head + _with_content(cells) for part in _one_picture_a_cell(cell)]
    target = source / "chapters" / place.dataset / f"{place.notebook}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(page, target)


def _lifted(cells: list, tag: str) -> NotebookNode | None:
    """Take what the first cell with this tag shows out of `cells`: a cell of its own, None if there is nothing.

    Its code stays where it is, unless no page shows it.
    """
    tagged = (one for one in cells if one.cell_type == "code" and tag in one.metadata.get("tags", []))
    if (cell := next(tagged, None)) is None:
        return None
    shown, tags = copy.deepcopy(cell), cell.metadata["tags"]
    shown.metadata["tags"], shown["id"] = sorted({*tags, "remove-input"} - {"hide-input"}), f"lifted-{tag}"
    shown.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
    if "remove-input" in tags:
        cells.remove(cell)
    return shown if shown.outputs else None


def _told_elsewhere(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells without what they share with the chapter of another dataset: headings, parameters and outputs stay."""
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = "\n\n".join(line for line in cell.source.splitlines() if line.startswith("#"))
            if cell.source:
                yield cell
        elif {*PARAMETERS} & {*tags}:
            yield cell
        elif any(output.output_type != "stream" for output in cell.outputs):
            cell.metadata["tags"] = tags if "remove-input" in tags else sorted({*tags, "hide-input"})
            yield cell


def _with_content(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells without headings that have nothing left beneath them, no deeper heading either."""
    kept, below = [], 0  # below: the level of the heading that comes next, 0 at the end of the page
    for cell in reversed(cells):
        markdown = cell.cell_type == "markdown"
        heading = re.match(r"(#+) .*", cell.source) if markdown else None
        level = len(heading[1]) if heading else 7  # deeper than any heading
        if heading and heading[0] == cell.source.strip() and below <= level:
            continue
        if markdown or cell.outputs or "remove-input" not in cell.metadata.get("tags", []):
            below = level
        kept.append(cell)
    return kept[::-1]


def _one_picture_a_cell(cell: NotebookNode) -> Iterator[NotebookNode]:
    """The cell, cut so that each picture with a caption stands alone: MyST-NB gives a caption to a whole cell."""
    groups = groupby(cell.get("outputs", ()), key=lambda output: id(output) if _told_of(output) else None)
    parts = [list(outputs) for _, outputs in groups] or [[]]
    for number, outputs in enumerate(parts):
        part = cell if number == 0 else nbformat.v4.new_code_cell("", id=f"{cell['id'][:50]}-{number}")
        if number:
            part.metadata["tags"], part["execution_count"] = ["remove-input"], cell.execution_count
        if "outputs" in cell:
            part.outputs = outputs
        if told := _told_of(outputs[0]) if outputs else None:
            part.metadata["mystnb"] = {"figure": {"caption": told["caption"]}, "image": {"alt": told["alt"]}}
        yield part


def _told_of(output: NotebookNode) -> dict | None:
    """Caption and text of a picture (`lib.report.figures.Picture`); None for anything else."""
    kinds = output.get("metadata", {}).items()
    return next((told for kind, told in kinds if kind.startswith("image/") and told.get("caption")), None)


def _offer(place: Place, results: Path, folder: Path) -> NotebookNode:
    """A cell with the notebook without outputs and the results, to be downloaded, which are put into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source_path(place.notebook), folder)
    shutil.copy(results, folder / f"{place.notebook}.json")
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    with (folder / f"{place.notebook}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "value"), *flat(found)])
    links = {"the notebook": "ipynb", "what it found as JSON": "json", "as CSV": "csv"}
    files = f"../../files/{place.dataset}/{place.notebook}"
    told = ", ".join(f"{{download}}`{title} <{files}.{kind}>`" for title, kind in links.items())
    return nbformat.v4.new_markdown_cell(f"To take along: {told}.", id="offer")


def flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """The single values of nested results, each with its path.

    >>> list(flat({"scores": {"best": 0.5, "seeds": [0, 1]}}))
    [('scores.best', 0.5), ('scores.seeds.0', 0), ('scores.seeds.1', 1)]
    """
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inner:
            yield from flat(one, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
