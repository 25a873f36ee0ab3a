"""From executed chapters to HTML: assembly of the book's sources, the build, and the chapters that are kept.

Two sets of executed chapters can become a book. Those of a build lie in `_build/<profile>/` and must be fresh. Those of
the full profile are also kept in `book/`, with their results and the run records they cite, so that the report can be
rendered without training; one of these whose inputs have changed since is marked as stale on its page.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from lib.audit import findings
from lib.audit.claims import claims
from lib.book import front, pages
from lib.book.changes import numbers_of
from lib.book.chapters import CHAPTERS, NO_DATASET, contents
from lib.book.gate import ChapterError, disagreements, problems, provenance_of
from lib.book.page import Place, write_page
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
    """A set of executed chapters in `folder`: `chapters/<dataset>/<notebook>.ipynb` and `results/….json`."""

    folder: Path
    partial: bool = False  # chapters whose runs are missing may be missing: they are left out and listed
    kept: bool = False  # from an earlier build: those that are stale are marked on their page

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

    A `ChapterError` names every chapter with a problem, and the problem; nothing is assembled then.
    """
    written = {chapter: _read(executed.results(*chapter)) for chapter in profile.chapters()}
    refused, marks, missing = {}, {}, []
    folders = (paths.CITED_RUNS,) if executed.kept else (paths.runs_folder(), paths.CITED_RUNS)
    for (dataset, notebook), content in written.items():
        path = executed.chapter(dataset, notebook)
        if executed.partial and not path.is_file() or _hardly_begun(profile, dataset, notebook, content):
            missing.append((dataset, notebook))
            continue
        data = [] if executed.kept else executed.data(dataset)
        found = problems(path, notebook, profile.chapter_parameters(dataset, notebook), data)
        if path.is_file() and not any("failed" in problem for problem in found):
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
    toc = _table_of_contents(results, source)
    told: dict[str, str] = {}  # notebook -> the first dataset in reading order that has its chapter
    for number, (dataset, notebook) in enumerate(_in_reading_order(toc), start=1):
        place = Place(dataset, notebook, number, told.get(notebook, ""), marks.get((dataset, notebook), ()))
        write_page(executed.chapter(dataset, notebook), executed.results(dataset, notebook), place, source)
        told.setdefault(notebook, dataset)
    shutil.copy(paths.REPOSITORY / "CITATION.cff", source)
    found = findings()
    verdicts = judge(claims(), found, results)
    included = {
        "_headlines.md": front.headlines(found),
        "_picture.md": front.picture(source),
        "_table_v.md": front.table_v(results),
        "_claims.md": front.claims(verdicts),
        "_meanings.md": front.meanings(verdicts),
        "_measured.md": pages.measured(results),
        "_runs.md": pages.run_table(profile, written, list(results), folders),
        "_calibration.md": pages.calibration(),
        "_toc.yml": yaml.safe_dump(toc, allow_unicode=True),
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
            kinds.setdefault(DATASET_TITLES[dataset], set()).add(pages.data_kind(content["provenance"]))
    toc = contents(yaml.safe_load((paths.REPOSITORY / "_toc.yml").read_text(encoding="utf-8")), list(results))
    there = {f"chapters/{dataset}/{notebook}" for dataset, notebook in results}
    for part in toc["parts"]:
        files = [entry["file"] for entry in part["chapters"]]
        part["chapters"] = [{"file": file} for file in files if file in there or list(source.glob(f"{file}.*"))]
        if part["caption"] in kinds:
            part["caption"] += f" ({', '.join(sorted(kinds[part['caption']]))})"
    return {**toc, "parts": [part for part in toc["parts"] if part["chapters"]]}


def _in_reading_order(toc: dict) -> list[tuple[str, str]]:
    """The chapters of a table of contents, as (dataset, notebook)."""
    files = [entry["file"].split("/") for part in toc["parts"] for entry in part["chapters"]]
    return [(file[1], file[2]) for file in files if file[0] == "chapters"]


def build_html(source: Path, out: Path) -> Path:
    """Run Jupyter Book on assembled sources; warnings are errors. Replaces `out`/html whole or not at all.

    A `ReplicationError` ends with what Jupyter Book printed last.
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


def keep(profile: Profile, fewer: bool = False) -> list[str]:
    """Copy a build's chapters, results and the run records they cite into `book/`, in place of those kept before.

    Returns in words what was copied. A `ChapterError` tells of a chapter that failed or is stale, and unless `fewer` is
    allowed of one that lacks most of what the one kept before found. A record that no chapter cites any more stays as
    long as a run of its name can be asked for.
    """
    executed, kept = Executed(build_folder(profile.name), partial=True), Executed(paths.REPOSITORY / "book")
    assemble(profile, executed, executed.folder)  # the gate
    if poorer := [] if fewer else _poorer(profile, executed, kept):
        raise ChapterError(
            "chapters lack most numbers of those that are kept, as where runs or weights are missing: "
            f"{'; '.join(poorer)}. Execute them with all that they need, or keep them all the same with --fewer"
        )
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


def _poorer(profile: Profile, executed: Executed, kept: Executed) -> list[str]:
    """The chapters whose results lack more than half of the numbers that the kept ones hold."""
    found = []
    for chapter in profile.chapters():
        old, new = (_read(one.results(*chapter)) for one in (kept, executed))
        numbers, left = ({name for name, _ in numbers_of(one["results"])} if one else set() for one in (old, new))
        if 2 * len(numbers & left) < len(numbers):
            found.append(f"{'/'.join(chapter)} {len(numbers - left)} of {len(numbers)}")
    return found


def _drop_standard_error(path: Path) -> None:
    """Take out what no page shows: progress bars, and warnings that name folders of the machine they came from."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, path)


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
