"""Assembly on made-up chapters: real ones are built in tests/test_book.py."""

import csv
import json
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from lib.book import assemble as book
from lib.book import pages
from lib.book.chapters import CHAPTERS, WITHOUT_DATASET
from lib.book.gate import ChapterError, disagreements, source_path
from lib.book.page import Place, write_page
from lib.book.profiles import Profile
from lib.book.provenance import MEDIA_TYPE, chapter_modules, notebook_digest
from lib.core import paths
from lib.training.records import HISTORY_COLUMNS, RunConfig, run_id, write_folder

PROFILE = Profile("full", {"smic": {}}, {})
SCORES = {
    "epochs": 1, "accuracy_best": 0.75, "accuracy_last": 0.7, "accuracy_mean_last_epochs": 0.7,
    "majority_share": 0.5, "wilson_low_best": 0.5, "wilson_high_best": 0.9,
}  # fmt: skip


def write_chapter(executed, dataset, notebook, runs=(), tagged=(), **record):
    """An executed chapter with its results, as `chapter.finish` would leave them."""
    content = {
        "notebook_digest": notebook_digest(source_path(notebook)),
        "modules": chapter_modules(notebook),
        "data_fingerprint": None,
        "parameters": {"dataset": dataset},
        "standin": None if dataset == "paper" else {"standin": True},
        "commit": "abc1234",
        "runs": list(runs),
        "devices": ["a processor"],
        "run_seconds": 60.0,
        **record,
    }
    cells = [
        nbformat.v4.new_markdown_cell(f"# {notebook[:2]}. A title\n\nText."),
        *tagged,
        nbformat.v4.new_code_cell("1", execution_count=1),
    ]
    cells[-1].outputs = [nbformat.v4.new_output("display_data", {MEDIA_TYPE: content, "text/plain": ""})]
    for path in (executed.chapter(dataset, notebook), executed.results(dataset, notebook)):
        path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), executed.chapter(dataset, notebook))
    executed.results(dataset, notebook).write_text(
        json.dumps({"results": SCORES if runs else {}, "provenance": content})
    )


def write_record(folder, right_at_last=14, fingerprint=None):
    """The record of a run of one epoch: 15 of 20 clips are right at the best epoch, `right_at_last` at the last."""
    rows = [
        (f"clip{i}", "holdout", at, 1, "ab"[i % 2], "ab"[i % 2 if i < right else 1 - i % 2])
        for at, right in (("best", 15), ("last", right_at_last))
        for i in range(20)
    ]
    predictions = pd.DataFrame(rows, columns=["clip", "fold", "at", "epoch", "truth", "predicted"])
    history = pd.DataFrame([("holdout", 1, 1.0, 0.5, 1.0, 0.7)], columns=list(HISTORY_COLUMNS))
    data = {"dataset": "smic", "standin": {"standin": True}, "classes": ["a", "b"], "fingerprint": fingerprint}
    files = {
        "config.json": json.dumps(RunConfig("micro_exp_stcnn", epochs=1).to_dict()),
        "history.csv": history.to_csv(index=False),
        "predictions.csv": predictions.to_csv(index=False),
        "provenance.json": json.dumps({"data": data}),
    }
    write_folder(folder, files)


@pytest.fixture
def executed(tmp_path, monkeypatch, audit_findings):
    """Every chapter of the smallest book, fresh, and the record of the run that they cite."""
    monkeypatch.setattr(book, "findings", lambda: audit_findings)  # the same for each assembly, and slow to find
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "CITED_RUNS", tmp_path / "kept")
    write_record(tmp_path / "kept" / "r1")
    write_record(tmp_path / "data" / "runs" / "r1")
    chapters = book.Executed(tmp_path / "build")
    for dataset, notebook in PROFILE.chapters():
        write_chapter(chapters, dataset, notebook, runs=["r1"] if CHAPTERS[notebook].network else [])
    return chapters


def _kept(executed):
    return book.Executed(executed.folder, partial=True, kept=True)


def _first_cells(source, dataset, notebook):
    cells = nbformat.read(source / "chapters" / dataset / f"{notebook}.ipynb", as_version=4).cells
    return [cell.source for cell in cells[:2]]


def test_the_smallest_book_has_the_chapters_of_every_dataset_and_those_without_one():
    assert PROFILE.chapters() == [
        *(("smic", one) for one, row in CHAPTERS.items() if row.always),
        *(("paper", n) for n in WITHOUT_DATASET),
    ]


def test_titles_name_the_dataset_where_there_is_one(executed, tmp_path):
    source = book.assemble(PROFILE, executed, tmp_path)
    assert _first_cells(source, "smic", "01_data")[0].endswith("A title: SMIC")
    assert _first_cells(source, "paper", "09_audit")[0].endswith("A title")


def test_chapters_are_numbered_in_reading_order(executed, tmp_path):
    source = book.assemble(PROFILE, executed, tmp_path)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"] if "chapters/" in entry["file"]]
    titles = [nbformat.read(source / f"{file}.ipynb", as_version=4).cells[0].source for file in files]
    assert [title.split(".")[0] for title in titles] == [f"# {number}" for number in range(1, len(files) + 1)]


@pytest.mark.parametrize(("standin", "caption"), [({"standin": True}, "SMIC (stand-in)"), (None, "SMIC (real data)")])
def test_the_caption_of_a_datasets_part_says_once_what_its_chapters_read(standin, caption, executed, tmp_path):
    for dataset, notebook in PROFILE.chapters():
        if dataset == "smic":
            runs = ["r1"] if CHAPTERS[notebook].network else []
            write_chapter(executed, dataset, notebook, runs=runs, standin=standin)
    toc = yaml.safe_load((book.assemble(PROFILE, executed, tmp_path) / "_toc.yml").read_text(encoding="utf-8"))
    captions = [part["caption"] for part in toc["parts"]]
    assert captions[:2] == ["The paper", caption]
    assert not [one for one in captions if "CAS(ME)" in one]


@pytest.mark.parametrize(("n_runs", "there"), [(0, False), (2, False), (3, True)])
def test_a_chapter_with_fewer_than_a_third_of_its_runs_is_listed_and_has_no_page(n_runs, there, executed, tmp_path):
    settings = {"seeds": 2, "control_seeds": 1}  # nine runs
    profile = Profile("full", {"smic": {}}, {"06_comparison": {"smic": settings}})
    cited = []
    for number in range(n_runs):
        cited.append(f"s{number}")
        write_record(tmp_path / "kept" / cited[-1])
    write_chapter(executed, "smic", "06_comparison", runs=cited, parameters={"dataset": "smic", **settings})
    source = book.assemble(profile, _kept(executed), tmp_path)
    assert (source / "chapters" / "smic" / "06_comparison.ipynb").is_file() is there
    assert ("06_comparison" in (source / "_toc.yml").read_text()) is there
    assert "06_comparison" in (source / "_runs.md").read_text()


def _tagged(source, *tags, outputs=("shown",)):
    cell = nbformat.v4.new_code_cell(source, execution_count=1, metadata={"tags": list(tags)})
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/markdown": text}) for text in outputs]
    return cell


def test_what_was_found_stands_below_the_title_then_the_notice_then_the_question_each_once(executed, tmp_path):
    store = _tagged("store = open_it()", "notice", outputs=["Stand-in data"])
    finding = _tagged("answers()", "remove-input", "finding", outputs=["It holds."])
    write_chapter(executed, "smic", "01_data", tagged=[store, finding], modules={})
    source = book.assemble(PROFILE, _kept(executed), tmp_path)
    cells = nbformat.read(source / "chapters" / "smic" / "01_data.ipynb", as_version=4).cells
    shown = [[one["data"].get("text/markdown", "") for one in cell.get("outputs", [])] for cell in cells]
    assert cells[0].source == "# 2. A title: SMIC"
    assert shown[1:3] == [["It holds."], ["Stand-in data"]]
    assert all("remove-input" in cell.metadata["tags"] for cell in cells[1:3])
    assert "Executed by an earlier version" in cells[3].source
    assert [cell.source for cell in cells[4:6]] == ["Text.", "store = open_it()"]
    assert sum(shown, []).count("It holds.") == sum(shown, []).count("Stand-in data") == 1
    assert len(cells) == 8  # one is what to take along; the finding, whose code no page shows, is gone from its place


def test_a_heading_stays_where_something_stands_beneath_it_after_what_was_found_is_lifted(executed, tmp_path):
    sections = [
        "## A part", "### Its section", _tagged("shown()"), "## Hidden", _tagged("none()", "remove-input", outputs=[]),
        "## Told\n\nWhat it does.", "## In short", _tagged("answers()", "remove-input", "finding"), "## The end",
    ]  # fmt: skip
    cells = [nbformat.v4.new_markdown_cell(one) if isinstance(one, str) else one for one in sections]
    write_chapter(executed, "smic", "01_data", tagged=cells)
    source = book.assemble(PROFILE, executed, tmp_path)
    page = nbformat.read(source / "chapters" / "smic" / "01_data.ipynb", as_version=4)
    headings = [cell.source.splitlines()[0] for cell in page.cells if cell.source.startswith("##")]
    assert headings == ["## A part", "### Its section", "## Told", "## The end"]


def test_a_notice_without_anything_to_show_leaves_no_cell(executed, tmp_path):
    write_chapter(executed, "smic", "01_data", tagged=[_tagged("store = open_it()", "notice", outputs=[])])
    source = book.assemble(PROFILE, executed, tmp_path)
    assert _first_cells(source, "smic", "01_data") == ["# 2. A title: SMIC", "Text."]


@pytest.mark.parametrize(("backends", "told"), [(["jax", "tensorflow"], 1), (["jax", "scikit-learn"], 0)])
def test_a_page_says_where_its_runs_were_trained_by_two_backends(backends, told, tmp_path):
    build = book.Executed(tmp_path / "_build" / "full")
    write_chapter(build, "smic", "06_comparison", backends=backends)
    place = Place("smic", "06_comparison", number=1)
    write_page(
        build.chapter("smic", "06_comparison"), build.results("smic", "06_comparison"), place, tmp_path / "source"
    )
    (page,) = (tmp_path / "source" / "chapters").rglob("*.ipynb")
    assert sum("jax and some on tensorflow" in cell.source for cell in nbformat.read(page, 4).cells) == told


def test_the_contents_list_only_chapters_that_are_there(executed, tmp_path):
    source = book.assemble(PROFILE, executed, tmp_path)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert "chapters/smic/05_fusenet_late" in files
    assert not [file for file in files if "casme2_sq" in file or "06_comparison" in file]


def test_every_bad_chapter_is_named_and_nothing_is_written(executed, tmp_path):
    executed.chapter("smic", "05_fusenet_late").unlink()
    write_chapter(executed, "smic", "01_data", modules={})
    with pytest.raises(ChapterError) as refused:
        book.assemble(PROFILE, executed, tmp_path)
    assert "smic/01_data: is stale" in str(refused.value)
    assert "smic/05_fusenet_late: was not executed" in str(refused.value)
    assert not (tmp_path / "src").exists()


def test_a_kept_chapter_that_is_stale_is_marked_with_the_reason_and_the_commit(executed, tmp_path):
    write_chapter(executed, "smic", "01_data", modules={})
    source = book.assemble(PROFILE, _kept(executed), tmp_path)
    mark = _first_cells(source, "smic", "01_data")[1]
    assert "Executed by an earlier version" in mark
    assert "abc1234" in mark
    assert "lib/sources.py" in mark
    assert "earlier version" not in _first_cells(source, "smic", "02_preprocessing")[1]


def test_a_kept_chapter_that_is_missing_is_left_out_and_one_that_failed_is_refused(executed, tmp_path):
    executed.chapter("smic", "05_fusenet_late").unlink()
    source = book.assemble(PROFILE, _kept(executed), tmp_path)
    assert not (source / "chapters" / "smic" / "05_fusenet_late.ipynb").exists()
    notebook = nbformat.read(executed.chapter("smic", "01_data"), as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no face", traceback=[])]
    nbformat.write(notebook, executed.chapter("smic", "01_data"))
    with pytest.raises(ChapterError, match="failed: ValueError: no face"):
        book.assemble(PROFILE, _kept(executed), tmp_path)


def test_a_page_and_a_record_that_disagree_stop_the_build(executed, tmp_path):
    write_record(tmp_path / "data" / "runs" / "r1", right_at_last=13)
    with pytest.raises(ChapterError, match=r"says accuracy_last = 0.700000 of the run, and the records say 0.650000"):
        book.assemble(PROFILE, executed, tmp_path)


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({"table": {"a method": {"runs": ["r1"], "accuracy": {"estimate": 0.7}}}}, []),
        (
            {"table": {"a method": {"runs": ["r1"], "accuracy": {"estimate": 0.71}}}},
            ["says accuracy = 0.710000 of table.a method, and the records say 0.700000"],
        ),
        (
            {"rows": [{"runs": ["r1"], "accuracy_best": 0.5}]},
            ["says accuracy_best = 0.500000 of rows, and the records say 0.750000"],
        ),
        (
            {"rows": [{"runs": ["r2"], "accuracy_best": 0.75}]},
            ["gives scores of rows from runs that it does not cite: r2"],
        ),
        ({"rows": [{"runs": [], "accuracy": 0.7}]}, ["gives scores of rows and cites no run"]),
        ({"rows": [{"runs": [], "accuracy": {"estimate": None}}]}, []),
    ],
)
def test_scores_anywhere_in_the_results_are_held_against_the_runs_beside_them(results, told, executed, tmp_path):
    content = {"results": results, "provenance": {"runs": ["r1"]}}
    assert disagreements(content, [tmp_path / "kept"]) == told


def test_a_kept_chapter_is_held_against_the_kept_record_and_not_against_one_trained_here(executed, tmp_path):
    write_record(tmp_path / "data" / "runs" / "r1", right_at_last=13)
    book.assemble(PROFILE, _kept(executed), tmp_path)


def test_a_cited_run_without_a_record_stops_the_build(executed, tmp_path):
    for folder in (tmp_path / "data" / "runs", tmp_path / "kept"):
        (folder / "r1" / "history.csv").unlink()
    with pytest.raises(ChapterError, match="cites run r1, and there is no record of it"):
        book.assemble(PROFILE, executed, tmp_path)


def test_the_page_of_runs_counts_what_is_planned_and_what_is_finished(executed, tmp_path):
    text = (book.assemble(PROFILE, executed, tmp_path) / "_runs.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if "03_micro_exp_stcnn" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")][2:] == ["1", "1", "0", "", "0.02 h"]
    assert "Trained on: a processor." in text


def test_the_page_of_runs_counts_runs_on_other_arrays_apart_and_lists_chapters_that_are_not_planned(tmp_path):
    runs = {"own0": "store", "own1": "store", "view": "a view"}
    for name, fingerprint in runs.items():
        write_record(tmp_path / name, fingerprint=fingerprint)
    profile = Profile("full", {"smic": {}}, {"14_regions": {"smic": {"seeds": 2}}})
    cited = {"commit": "abc", "runs": [*runs], "data_fingerprint": "store", "devices": [], "run_seconds": 0}
    text = pages.run_table(profile, {("smic", "14_regions"): {"provenance": cited}}, [], [tmp_path])
    (row,) = [line for line in text.splitlines() if line.startswith("| SMIC") and "14_regions" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")][2:6] == ["4", "2", "2", "1"]
    (absent,) = [line for line in text.splitlines() if line.startswith("Not planned")]
    assert "SMIC: `06_comparison`" in absent
    assert "14_regions" not in absent


def test_the_front_page_warns_of_standins_and_shows_the_papers_values(executed, tmp_path):
    source = book.assemble(PROFILE, executed, tmp_path)
    status = (source / "_table_v.md").read_text(encoding="utf-8")
    assert "68.75\xa0%" in status
    assert "stand-in" in status


def test_keeping_takes_chapters_results_and_cited_runs_and_drops_what_nothing_can_ask_for(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    monkeypatch.setattr(paths, "CITED_RUNS", tmp_path / "book" / "runs")
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(book, "assemble", lambda *arguments: None)  # the gate has its own tests
    build = book.Executed(tmp_path / "_build" / "full")
    for dataset, notebook in PROFILE.chapters():
        write_chapter(build, dataset, notebook, runs=["new"] if notebook == "03_micro_exp_stcnn" else [])
    for folder in (tmp_path / "data" / "runs" / "new", tmp_path / "book" / "runs" / "old"):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    (tmp_path / "book" / "chapters" / "smic").mkdir(parents=True)
    (tmp_path / "book" / "chapters" / "smic" / "99_gone.ipynb").write_text("{}")
    name = run_id(RunConfig("micro_exp_stcnn", epochs=1), SimpleNamespace(fingerprint="f"))
    write_record(tmp_path / "book" / "runs" / name)
    data = {"backend": "tensorflow", "data": {"dataset": "smic", "standin": None, "fingerprint": "f"}}
    (tmp_path / "book" / "runs" / name / "provenance.json").write_text(json.dumps(data))
    said = book.keep(PROFILE)
    assert {path.name for path in (tmp_path / "book" / "runs").iterdir()} == {"new", name}
    assert not (tmp_path / "book" / "chapters" / "smic" / "99_gone.ipynb").exists()
    assert (tmp_path / "book" / "results" / "paper" / "09_audit.json").is_file()
    assert said == ["6 of 6 chapters", "1 run records"]


def test_a_chapter_is_not_kept_in_place_of_one_that_found_more_unless_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    monkeypatch.setattr(paths, "CITED_RUNS", tmp_path / "book" / "runs")
    monkeypatch.setattr(book, "assemble", lambda *arguments: None)
    build, kept = book.Executed(tmp_path / "_build" / "full"), book.Executed(tmp_path / "book")
    for dataset, notebook in PROFILE.chapters():
        write_chapter(build, dataset, notebook)
        write_chapter(kept, dataset, notebook, runs=["r1"] if notebook == "03_micro_exp_stcnn" else [])
    before = kept.chapter("smic", "03_micro_exp_stcnn").read_bytes()
    with pytest.raises(ChapterError, match=r"smic/03_micro_exp_stcnn 7 of 7.* --fewer"):
        book.keep(PROFILE)
    assert kept.chapter("smic", "03_micro_exp_stcnn").read_bytes() == before
    book.keep(PROFILE, fewer=True)
    assert kept.chapter("smic", "03_micro_exp_stcnn").read_bytes() != before


def _picture(caption):
    output = nbformat.v4.new_output("display_data", {"image/png": "", "text/plain": ""})
    output.metadata = {"image/png": {"caption": caption, "alt": f"text of {caption}"}}
    return output


def test_each_picture_stands_with_its_own_caption_and_text(executed, tmp_path):
    cell = _tagged("draw()", "hide-input", outputs=["a table"])
    cell.outputs = [_picture("one"), *cell.outputs, _picture("two")]
    write_chapter(executed, "smic", "01_data", tagged=[cell])
    source = book.assemble(PROFILE, executed, tmp_path)
    cells = nbformat.read(source / "chapters" / "smic" / "01_data.ipynb", as_version=4).cells
    told = [one.metadata["mystnb"] for one in cells if "figure" in one.metadata.get("mystnb", {})]
    assert [one["figure"]["caption"] for one in told] == ["one", "two"]
    assert [one["image"]["alt"] for one in told] == ["text of one", "text of two"]
    assert [one.source for one in cells].count("draw()") == 1


def test_what_a_step_does_is_told_in_the_chapter_of_the_first_dataset_alone(executed, tmp_path):
    profile = Profile("full", {"smic": {}, "casme2_sq": {}}, {})
    prose = nbformat.v4.new_markdown_cell("## A step\n\nWhat it does.")
    for dataset, notebook in profile.chapters():
        runs = ["r1"] if CHAPTERS[notebook].network else []
        own = [_tagged("step()", outputs=["a number"])] if notebook == "01_data" else []
        write_chapter(executed, dataset, notebook, runs=runs, tagged=[prose, *own] if own else [])
    source = book.assemble(profile, executed, tmp_path)
    first, second = (
        nbformat.read(source / "chapters" / dataset / "01_data.ipynb", as_version=4).cells
        for dataset in ("smic", "casme2_sq")
    )
    assert "## A step\n\nWhat it does." in [cell.source for cell in first]
    assert "## A step" in [cell.source for cell in second]
    assert not [cell for cell in second if "What it does." in cell.source]
    assert "(../smic/01_data)" in second[1].source
    (step,) = [cell for cell in second if cell.source == "step()"]
    assert step.outputs
    assert "hide-input" in step.metadata["tags"]


def test_a_chapter_offers_its_notebook_and_its_results_in_two_forms(executed, tmp_path):
    source = book.assemble(PROFILE, executed, tmp_path)
    files = source / "files" / "smic"
    with (files / "03_micro_exp_stcnn.csv").open(encoding="utf-8") as file:
        found = dict(list(csv.reader(file))[1:])
    assert float(found["accuracy_best"]) == SCORES["accuracy_best"]
    assert json.loads((files / "03_micro_exp_stcnn.json").read_text())["results"] == SCORES
    assert not any(cell.get("outputs") for cell in nbformat.read(files / "03_micro_exp_stcnn.ipynb", 4).cells)
    cells = nbformat.read(source / "chapters" / "smic" / "03_micro_exp_stcnn.ipynb", as_version=4).cells
    assert all(f"03_micro_exp_stcnn.{kind}>" in cells[-2].source for kind in ("ipynb", "json", "csv"))


def test_a_link_to_a_chapter_that_the_book_lacks_becomes_its_name(tmp_path):
    source = tmp_path / "src"
    (source / "chapters" / "smic").mkdir(parents=True)
    links = nbformat.v4.new_markdown_cell("# There\n\nsee [](03_there), [](04_absent) and [the other](05_absent)")
    nbformat.write(nbformat.v4.new_notebook(cells=[links]), source / "chapters" / "smic" / "03_there.ipynb")
    (source / "index.md").write_text("# All\n\n[](chapters/smic/03_there) and [](chapters/smic/04_absent)")
    settings = {"extensions": ["myst_nb", "lib.book.theme"], "nb_execution_mode": "off", "root_doc": "index"}
    with docutils_namespace():
        app = Sphinx(source, None, tmp_path / "out", tmp_path / "trees", "dummy", settings, status=None, warning=None)
        app.build()
        pages = [app.env.get_and_resolve_doctree(name, app.builder) for name in ("chapters/smic/03_there", "index")]
    told = [next(page.findall(nodes.paragraph)).astext() for page in pages]
    assert told == ["see There, 04_absent and the other", "There and 04_absent"]
