"""From executed chapters to HTML: assembly of the book's sources, the build, and the chapters that are kept.

Two sets of executed chapters can become a book. Those of a build lie in `_build/<profile>/` and must be fresh. Those of
the full profile are also kept in `book/`, with their results and the run records they cite, so that the report can be
rendered without training; one of these whose inputs have changed since is marked as stale on its page.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from lib.audit import findings
from lib.audit.claims import claims
from lib.book import pages
from lib.book.chapters import CHAPTERS, NO_DATASET, contents
from lib.book.gate import ChapterError, disagreements, problems, provenance_of
from lib.book.profiles import Profile
from lib.book.verdicts import Results, judge
from lib.core import paths
from lib.core.catalogue import DATASET_TITLES
from lib.core.errors import ReplicationError
from lib.core.files import whole_folder
from lib.training.records import RunRecord, is_record, still_named

KEPT_PROFILE = "full"
NO_RESULTS = "left no results: its last cell must call chapter.finish(…)"


@dataclass(frozen=True)
class Executed:
    """A set of executed chapters in `folder`: `chapters/<dataset>/<notebook>.ipynb` and `results/….json`.

    If `partial`, chapters whose runs are missing may be missing: they are left out and listed. Those that are `kept`
    from an earlier build are marked on their page if they are stale.
    """

    folder: Path
    partial: bool = False
    kept: bool = False

    def chapter(self, dataset: str, notebook: str) -> Path:
        return self.folder / "chapters" / dataset / f"{notebook}.ipynb"

    def results(self, dataset: str, notebook: str) -> Path:
        return self.folder / "results" / dataset / f"{notebook}.json"

    def data(self, dataset: str) -> list[str]:
        """Fingerprints of the dataset and of its store as this build found or made them."""
        made = [_read(self.folder / kind / f"{dataset}.json") for kind in ("data", "stores")]
        return [one["fingerprint"] for one in made if one]


def build_folder(profile: str) -> Path:
    """Where a profile's chapters are executed and its book is built."""
    return paths.REPOSITORY / "_build" / profile


def assemble(profile: Profile, executed: Executed, out: Path) -> Path:
    """Check every chapter of a profile and put the sources of the book together, in the folder `out`/src.

    Raises
    ------
    ChapterError
        Names every chapter with a problem, and the problem. Nothing is assembled then.
    """
    written = {chapter: _read(executed.results(*chapter)) for chapter in profile.chapters()}
    refused, marks, missing = {}, {}, []
    for (dataset, notebook), content in written.items():
        path = executed.chapter(dataset, notebook)
        if executed.partial and not path.is_file() or _hardly_begun(profile, dataset, notebook, content):
            missing.append((dataset, notebook))
            continue
        data = [] if executed.kept else executed.data(dataset)
        found = problems(path, notebook, profile.chapter_parameters(dataset, notebook), data)
        if path.is_file() and not any("failed" in problem for problem in found):
            folders = (paths.CITED_RUNS,) if executed.kept else (paths.runs_folder(), paths.CITED_RUNS)
            found += disagreements(content, folders) if content else [NO_RESULTS]
        if executed.kept and all(problem.startswith("is stale") for problem in found):
            marks[dataset, notebook] = found
        elif found:
            refused[f"{dataset}/{notebook}"] = found
    if refused:
        lines = [f"  {name}: {problem}" for name, found in refused.items() for problem in found]
        raise ChapterError(
            "these chapters cannot go into the book:\n" + "\n".join(lines) + "\n"
            "Mend the notebook, or execute it again (make book does so when an input changed)."
        )
    source = out / "src"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(paths.REPOSITORY / "book", source, ignore=shutil.ignore_patterns("chapters", "results", "runs"))
    results = {chapter: content for chapter, content in written.items() if chapter not in missing}
    for dataset, notebook in results:
        target = source / "chapters" / dataset / f"{notebook}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_chapter(executed.chapter(dataset, notebook), target, dataset, marks.get((dataset, notebook), []))
    found = findings()
    verdicts = judge(claims(), found, results)
    included = {
        "_headlines.md": pages.headlines(found),
        "_measured.md": pages.measured(results),
        "_counts.md": pages.verdict_counts(verdicts).to_html(
            index=False, escape=False, border=0, classes="verdict-counts", formatters={"verdict": pages.badge}
        ),
        "_verdicts.md": pages.verdict_table(verdicts),
        "_accuracies.md": pages.accuracies(profile, results),
        "_runs.md": pages.run_table(profile, written, list(results)),
        "_calibration.md": pages.calibration(),
        "_toc.yml": yaml.safe_dump(_table_of_contents(results, source), allow_unicode=True),
    }
    for name, text in included.items():
        (source / name).write_text(text, encoding="utf-8")
    return source


def _hardly_begun(profile: Profile, dataset: str, notebook: str, content: dict | None) -> bool:
    """Whether a chapter that can lack runs has fewer than a third of them: a page of empty tables is no chapter."""
    if content is None or not CHAPTERS[notebook].can_lack_runs:
        return False
    return 3 * len(content["provenance"]["runs"]) < len(profile.runs(dataset, notebook))


def _table_of_contents(results: Results, source: Path) -> dict:
    """What is there; the caption of a dataset's part says once whether its chapters read a stand-in or real data."""
    kinds = {}
    for (dataset, _), content in results.items():
        if dataset != NO_DATASET:
            kind = "stand-in" if content["provenance"]["standin"] else "real data"
            kinds.setdefault(DATASET_TITLES[dataset], set()).add(kind)
    toc = contents(yaml.safe_load((paths.REPOSITORY / "_toc.yml").read_text(encoding="utf-8")), list(results))
    for part in toc["parts"]:
        part["chapters"] = [entry for entry in part["chapters"] if list(source.glob(f"{entry['file']}.*"))]
        if part["caption"] in kinds:
            part["caption"] += f" ({', '.join(sorted(kinds[part['caption']]))})"
    return {**toc, "parts": [part for part in toc["parts"] if part["chapters"]]}


def build_html(source: Path, out: Path) -> Path:
    """Run Jupyter Book on assembled sources; warnings are errors. Replaces `out`/html whole or not at all.

    Raises
    ------
    ReplicationError
        With the end of what Jupyter Book printed.
    """
    command = [Path(sys.executable).with_name("jupyter-book"), "build", source]
    command += ["--config", paths.REPOSITORY / "_config.yml", "--path-output", out, "-W", "--keep-going"]
    # from scratch: leftovers of an earlier assembly would be reported as documents that are in no table of contents
    shutil.rmtree(out / "_build", ignore_errors=True)
    search = os.pathsep.join([str(paths.REPOSITORY), os.environ.get("PYTHONPATH", "")])  # for `lib.book.theme`
    done = subprocess.run(
        command, cwd=paths.REPOSITORY, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": search}
    )
    printed = done.stdout + done.stderr
    (out / "jupyter-book.log").write_text(printed, encoding="utf-8")
    if done.returncode:
        tail = "\n".join(printed.splitlines()[-40:])
        raise ReplicationError(f"jupyter-book failed; all of its output is in {out / 'jupyter-book.log'}:\n{tail}")
    html = out / "html"
    shutil.rmtree(html, ignore_errors=True)
    (out / "_build" / "html").rename(html)
    return html / "index.html"


def keep(profile: Profile) -> list[str]:
    """Copy a build's chapters, results and the run records they cite into `book/`, in place of those kept before.

    Returns in words what was copied. A chapter that failed or is stale is a `ChapterError`. A record that no chapter
    cites any more stays as long as a run of its name can be asked for.
    """
    executed, kept = Executed(build_folder(profile.name), partial=True), Executed(paths.REPOSITORY / "book")
    assemble(profile, executed, executed.folder)  # the gate
    cited = set()
    for name in ("chapters", "results"):
        shutil.rmtree(kept.folder / name, ignore_errors=True)
    chapters = [chapter for chapter in profile.chapters() if executed.chapter(*chapter).is_file()]
    for dataset, notebook in chapters:
        for kind in (Executed.chapter, Executed.results):
            target = kind(kept, dataset, notebook)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(kind(executed, dataset, notebook), target)
        _drop_standard_error(kept.chapter(dataset, notebook))
        cited |= set(provenance_of(executed.chapter(dataset, notebook))["runs"])
    paths.CITED_RUNS.mkdir(exist_ok=True)
    for old in paths.CITED_RUNS.iterdir():
        if old.is_dir() and old.name not in cited and not (is_record(old) and still_named(RunRecord(old))):
            shutil.rmtree(old)
    for run in cited:
        trained_here = paths.runs_folder() / run
        if trained_here.is_dir():  # what the chapters quote, should the same run be kept from another machine
            shutil.rmtree(paths.CITED_RUNS / run, ignore_errors=True)
            with whole_folder(paths.CITED_RUNS / run) as draft:
                shutil.copytree(trained_here, draft, dirs_exist_ok=True)
    return [f"{len(chapters)} of {len(profile.chapters())} chapters", f"{len(cited)} run records"]


def _drop_standard_error(path: Path) -> None:
    """Take out what no page shows: progress bars, and warnings that name folders of the machine they came from."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, path)


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _copy_chapter(path: Path, target: Path, dataset: str, stale: list[str]) -> None:
    """Copy a chapter with the dataset in its title, as one source is executed for each, and marked if it is stale.

    What the cell tagged `finding` shows is lifted to stand below the title, then what the one tagged `notice` shows.
    """
    notebook = nbformat.read(path, as_version=4)
    title, *cells = notebook.cells
    if dataset != NO_DATASET:
        title.source = re.sub(r"^# (.+)", rf"# \1: {DATASET_TITLES[dataset]}", title.source, count=1)
    lifted = [_lifted(cells, tag) for tag in ("finding", "notice")]
    head = [title, *(cell for cell in lifted if cell is not None)]
    title.source, _, question = title.source.partition("\n\n") if len(head) > 1 else (title.source, "", "")
    if stale:
        reasons = "; ".join(reason.removeprefix("is stale: ") for reason in stale)
        text = (
            ":::{admonition} Executed by an earlier version\n:class: caution\nThe text, figures and numbers below were "
            f"made at commit `{provenance_of(path)['commit']}`, and an input has changed since: {reasons}.\n:::"
        )
        head.append(nbformat.v4.new_markdown_cell(text, id="stale"))
    if question:
        head.append(nbformat.v4.new_markdown_cell(question, id="question"))
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if {"parameters", "injected-parameters"} & set(tags):  # folded on the page, in plain sight in the notebook
            cell.metadata["tags"] = [*tags, "hide-input"]
    notebook.cells = head + cells
    nbformat.write(notebook, target)


def _lifted(cells: list, tag: str) -> NotebookNode | None:
    """Take what the first cell with this tag shows out of `cells`: a cell of its own, None if there is nothing.

    Its code stays where it is, unless no page shows it.
    """
    for place, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        if tag not in tags or cell.cell_type != "code":
            continue
        shown = copy.deepcopy(cell)
        shown.metadata["tags"], shown["id"] = [*{*tags, "remove-input"} - {"hide-input"}], f"lifted-{tag}"
        shown.outputs = [output for output in cell.outputs if output.output_type != "stream"]
        cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
        if "remove-input" in tags:
            del cells[place]
        return shown if shown.outputs else None
    return None
