"""The gate between an executed chapter and the book, and the assembly of the book's sources.

Jupyter Book renders a notebook that failed, or was never executed, without a warning: every chapter is checked first.
"""

import re
import shutil
from pathlib import Path

import nbformat
import yaml

from lib import paths
from lib.digest import library_digest
from lib.errors import ReplicationError
from lib.profiles import Profile
from lib.report.parameters import declared_parameters, source_path
from lib.report.provenance import MEDIA_TYPE, notebook_digest
from lib.report.summary import DATASET_TITLES, calibration, front_page


class ChapterError(ReplicationError):
    """One or more chapters cannot go into the book."""


def provenance_of(path: Path) -> dict | None:
    """The provenance that an executed chapter carries; None where it has none."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if MEDIA_TYPE in output.get("data", {}):
                return output["data"][MEDIA_TYPE]
    return None


def problems(path: Path, notebook: str, expected: dict | None = None) -> list[str]:
    """Why an executed chapter may not go into the book; empty if it may.

    Parameters
    ----------
    path : Path
        The executed notebook.
    notebook : str
        Name of its source.
    expected : dict, optional
        Parameters that it must have been executed with.
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
    record = provenance_of(path)
    if record is None:
        return ["carries no provenance: its last cell must call chapter.finish(…)"]
    if record["notebook_digest"] != notebook_digest(source_path(notebook)):
        found.append(f"is stale: notebooks/{notebook}.ipynb changed since it was executed")
    if record["code_digest"] != library_digest():
        found.append("is stale: code in lib/ changed since it was executed")
    defaults = {name: one.default for name, one in declared_parameters(notebook).items()}
    for name, value in (expected or {}).items():
        used = record["parameters"].get(name, defaults.get(name))
        if used != value:
            found.append(f"is stale: it was executed with {name} = {used!r}, the profile says {value!r}")
    return found


def assemble(profile: Profile, build: Path) -> Path:
    """Check every chapter of a profile and put the sources of the book together under `build`/src.

    Parameters
    ----------
    profile : Profile
    build : Path
        Holds `chapters/<dataset>/<notebook>.ipynb`.

    Returns
    -------
    Path
        The folder with the prose pages, the chapters and a `_toc.yml` of those datasets that the profile has.

    Raises
    ------
    ChapterError
        Names every chapter with a problem, and the problem. Nothing is assembled then.
    """
    refused = {}
    for dataset, notebook in profile.chapters():
        path = build / "chapters" / dataset / f"{notebook}.ipynb"
        found = problems(path, notebook, profile.chapter_parameters(dataset, notebook))
        if found:
            refused[f"{dataset}/{notebook}"] = found
    if refused:
        lines = [f"  {name}: {problem}" for name, found in refused.items() for problem in found]
        raise ChapterError(
            "these chapters cannot go into the book:\n" + "\n".join(lines) + "\n"
            "Mend the notebook, or execute it again (make book does so when an input changed)."
        )
    source = build / "src"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(paths.REPOSITORY / "book", source, ignore=shutil.ignore_patterns("chapters"))
    for dataset, notebook in profile.chapters():
        target = source / "chapters" / dataset / f"{notebook}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_with_title(build / "chapters" / dataset / f"{notebook}.ipynb", target, dataset)
    (source / "_status.md").write_text(front_page(profile, build), encoding="utf-8")
    (source / "_calibration.md").write_text(calibration(), encoding="utf-8")
    toc = yaml.safe_load((paths.REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
    (source / "_toc.yml").write_text(yaml.safe_dump(_only_existing(toc, source), allow_unicode=True), encoding="utf-8")
    return source


def _copy_with_title(path: Path, target: Path, dataset: str) -> None:
    """Copy a chapter with the dataset in its title: one source is executed for each dataset."""
    notebook = nbformat.read(path, as_version=4)
    record = provenance_of(path)
    kind = "stand-in" if record["standin"] else "real data"
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            cell.source = re.sub(r"^# (.+)", rf"# \1: {DATASET_TITLES[dataset]} ({kind})", cell.source, count=1)
            break
    nbformat.write(notebook, target)


def _only_existing(toc: dict, source: Path) -> dict:
    """The table of contents without chapters of datasets that the profile does not have, and without empty parts."""

    def exists(entry: dict) -> bool:
        return any((source / f"{entry['file']}{suffix}").is_file() for suffix in (".md", ".ipynb"))

    parts = [
        {**part, "chapters": [entry for entry in part["chapters"] if exists(entry)]} for part in toc.get("parts", [])
    ]
    return {**toc, "parts": [part for part in parts if part["chapters"]]}


def clean_notebook(path: Path, check: bool) -> bool:
    """Strip outputs and execution counts from a source notebook; with `check`, only say whether it is clean."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"  # stable, so that a diff shows what changed
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cleaned = nbformat.writes(notebook, indent=1) + "\n"
    if not check and cleaned != text:
        path.write_text(cleaned, encoding="utf-8")
    return cleaned == text
