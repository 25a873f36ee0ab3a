"""The gate between an executed chapter and the book.

Jupyter Book renders a notebook that failed, or was never executed, without a warning: every chapter is checked first.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.book.parameters import chapter_modules, declared_parameters, notebook_digest, source_path
from lib.book.provenance import MEDIA_TYPE
from lib.core.errors import ReplicationError
from lib.training.records import record_in

# How results name a score, and the record's name of it; it is compared as the mean over the runs that stand beside it.
SCORES = {name: f"{name}_last" for name in ("accuracy", "uf1", "uar")}
SCORES |= {f"{name}_{at}": f"{name}_{at}" for name in ("accuracy", "uf1") for at in ("best", "last")}
SCORES["accuracy_mean_last_epochs"] = "accuracy_mean_last_epochs"


class ChapterError(ReplicationError):
    """One or more chapters cannot go into the book."""


def provenance_of(path: Path) -> dict | None:
    """The provenance that an executed chapter carries; None where it has none."""
    return provenance_in(nbformat.read(path, as_version=4).cells)


def provenance_in(cells: Sequence[NotebookNode]) -> dict | None:
    """As `provenance_of`, from the cells of a chapter that has been read."""
    for cell in cells:
        for output in cell.get("outputs", []):
            if MEDIA_TYPE in output.get("data", {}):
                return output["data"][MEDIA_TYPE]
    return None


def problems(path: Path, notebook: str, expected: dict | None = None, data: Collection[str] | None = None) -> list[str]:
    """Why the chapter executed at `path` from the source `notebook` may not go into the book; empty if it may.

    It must have been executed with the parameters `expected`, and on data with one of the fingerprints `data`.
    """
    if not path.is_file():
        return ["was not executed: the file is missing"]
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, nbformat.ValidationError) as error:
        return [f"is no readable notebook: {error}"]
    found = []
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:
            found.append(f"cell {number} failed: {errors[0].ename}: {errors[0].evalue}")
        elif cell.execution_count is None:
            found.append(f"cell {number} was not executed")
    if found:
        return found
    record = provenance_in(cells)
    if record is None:
        return ["carries no provenance: its last cell must call chapter.finish(…)"]
    found = faces_shown(path)
    if record["notebook_digest"] != notebook_digest(source_path(notebook)):
        found.append(f"is stale: notebooks/{notebook}.ipynb changed since it was executed")
    then, now = record.get("modules", {}), chapter_modules(notebook)
    if changed := sorted(name for name in {*then, *now} if then.get(name) != now.get(name)):
        found.append(f"is stale: {', '.join(changed)} changed since it was executed")
    if data and record["data_fingerprint"] is not None and record["data_fingerprint"] not in data:
        found.append("is stale: the data changed since it was executed")
    defaults = {name: one.default for name, one in declared_parameters(notebook).items()}
    for name, value in (expected or {}).items():
        used = record["parameters"].get(name, defaults.get(name))
        if used != value:
            found.append(f"is stale: it was executed with {name} = {used!r}, the profile says {value!r}")
    return found


def faces_shown(path: Path) -> list[str]:
    """The cells of an executed chapter whose pictures hold the face of a real person whom it does not name.

    A chapter of real data shows frames only of people named by its parameter `publishable`; where it names none, no
    picture may hold a face. Which people those are that it does show, no picture tells: `lib.report.faces` sees to it.
    """
    cells = nbformat.read(path, as_version=4).cells
    record = provenance_in(cells)
    if record is None or record["standin"] or not record["data_fingerprint"] or record["parameters"].get("publishable"):
        return []
    from lib.report import faces

    found = []
    for number, cell in enumerate(cells, start=1):
        if any(faces.holds_face(picture, _detector()) for picture in faces.pictures_in(cell.get("outputs", []))):
            told = "and its parameter `publishable` names nobody"
            found.append(f"shows the face of a real person in cell {number}, {told}")
    return found


@cache
def _detector():
    from lib.preprocessing.landmarks import DlibDetector  # dlib is needed for real data only

    return DlibDetector()


def foreign_files(folder: Path) -> list[Path]:
    """What lies among kept chapters, results and runs and is neither: arrays, pictures, videos could hold frames."""
    allowed = {"chapters": (".ipynb",), "results": (".json",), "runs": (".json", ".csv")}
    return sorted(
        path
        for kind, endings in allowed.items()
        for path in (folder / kind).rglob("*")
        if path.is_file() and path.suffix not in endings
    )


def disagreements(content: Mapping, folders: Sequence[Path]) -> list[str]:
    """Where a chapter's ``results`` differ from the run records that its ``provenance`` cites; empty if they agree.

    Records are looked for in each of the `folders`.
    """
    found, records = [], {}
    for run in content["provenance"]["runs"]:
        if (record := record_in(folders, run)) is None:
            found.append(f"cites run {run}, and there is no record of it")
        else:
            records[run] = record.summary()
    if found:
        return found
    for name, group in _with_runs(content["results"], list(records)):
        values = {score: group[score] for score in SCORES if score in group}
        values = {score: one["estimate"] if isinstance(one, Mapping) else one for score, one in values.items()}
        said, runs = {score: value for score, value in values.items() if value is not None}, group["runs"]
        if said and not runs:
            found.append(f"gives scores of {name} and cites no run")
        elif strangers := {*runs} - {*records}:
            found.append(f"gives scores of {name} from runs that it does not cite: {', '.join(sorted(strangers))}")
        else:
            for score, value in said.items():
                recorded = sum(records[run][SCORES[score]] for run in runs) / len(runs)
                if abs(value - recorded) > 1e-9:
                    found.append(f"says {score} = {value:.6f} of {name}, and the records say {recorded:.6f}")
    return found


def _with_runs(results: Mapping, cited: Sequence[str], name: str = "") -> Iterator[tuple[str, Mapping]]:
    """What a chapter's results, at any depth, say of some runs; scores at their top are of all that are cited."""
    if "runs" in results or (not name and "accuracy_best" in results):
        yield name or "the run", {"runs": cited, **results}
    for key, value in results.items():
        parts = value if isinstance(value, list) else [value]
        for one in (part for part in parts if isinstance(part, Mapping)):
            yield from _with_runs(one, cited, f"{name}.{key}" if name else key)
