"""Output fidelity on made-up chapters; the command is tried in a made-up checkout, under papermill."""

import base64
import json
import math
import tempfile

import cv2
import nbformat
import numpy as np
import pytest

from benchmarks.output_fidelity import compare_outputs, compare_values, main
from lib.book.provenance import MEDIA_TYPE
from lib.core import paths

PICTURE = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)


def notebook(*cells):
    """Code cells, each a source and its outputs: data by media type, or the text of a stream by its name."""
    executed = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    for source, *outputs in cells:
        cell = nbformat.v4.new_code_cell(source)
        for output in outputs:
            (kind, content), *_ = output.items()
            cell.outputs.append(
                nbformat.v4.new_output("stream", name=kind, text=content)
                if kind in ("stdout", "stderr")
                else nbformat.v4.new_output("display_data", output)
            )
        executed.cells.append(cell)
    return executed


def shown(kept, new, bound=0.0):
    """The one comparison of a cell that showed `kept` and shows `new`."""
    (comparison,) = compare_outputs(notebook(("show()", kept)), notebook(("show()", new)), bound)
    return comparison


def png(pixels):
    return base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()


def with_pixel(levels):
    changed = PICTURE.copy()
    changed[3, 4, 1] += levels
    return changed


def test_equal_notebooks_agree_output_by_output():
    one = notebook(("a", {"text/html": "<b>0.75</b>"}, {"image/png": png(PICTURE)}), ("b", {"stdout": "done"}), ("c",))
    assert [comparison.difference for comparison in compare_outputs(one, one, 0.0)] == [0, 0, 0]


@pytest.mark.parametrize("bound", [0.0, 0.5])
def test_other_words_differ_whatever_the_bound_and_are_named(bound):
    found = shown({"text/markdown": "The interval *includes* zero."}, {"text/markdown": "The interval excludes zero."})
    assert found.difference == math.inf
    assert found.detail == "*includes* -> excludes"


def test_a_number_in_a_text_differs_by_its_distance_and_both_values_are_named():
    found = shown({"text/html": "<td>of 156, 0.750</td>"}, {"text/html": "<td>of 156, 0.719</td>"})
    assert found.difference == pytest.approx(0.031)
    assert found.detail == "0.750 -> 0.719"


@pytest.mark.parametrize(("kept", "new"), [("75.0%", "71.0%"), ("+1.5 points", "-2.5 points")])
def test_percentages_and_points_are_measured_as_the_shares_that_they_are(kept, new):
    assert shown({"text/plain": kept}, {"text/plain": new}).difference == pytest.approx(0.04)


def test_rounding_of_the_last_digit_counts_only_where_no_difference_is_allowed():
    kept, new = {"text/plain": "0.02"}, {"text/plain": "0.03"}
    assert shown(kept, new, bound=0.0).difference == pytest.approx(0.01)
    assert shown(kept, new, bound=0.001).difference == 0


def test_a_count_in_a_text_has_no_rounding():
    assert shown({"text/plain": "156 clips"}, {"text/plain": "155 clips"}, bound=0.001).difference > 0.001


def test_digits_within_a_name_are_no_numbers():
    assert shown({"text/plain": "s1_ne_01"}, {"text/plain": "s1_ne_02"}).difference == math.inf


def test_what_changes_at_every_execution_is_left_out():
    def executed(identity, finished, wall_seconds):
        table = f'<table id="T_{identity}"><td id="T_{identity}_row0_col0">1</td></table>'
        record = {"finished": finished, "wall_seconds": wall_seconds, "versions": {"numpy": identity}, "runs": ["r"]}
        return notebook(
            ("style", {"text/html": table, "text/plain": f"<Styler at 0x7f{identity}>"}),
            ("object", {"text/plain": f"<object at 0x7f{identity}>"}),
            ("warn", {"stderr": f"warning {identity}"}),
            ("train", *[{"application/vnd.jupyter.widget-view+json": {"model_id": identity}}] * (wall_seconds > 2)),
            ("finish", {MEDIA_TYPE: record, "text/html": finished}),
        )

    found = compare_outputs(executed("0a1b2", "now", 1.5), executed("99fde", "later", 2.5), 0.0)
    assert [comparison.difference for comparison in found] == [0, 0, 0]


def test_a_chapter_that_cites_another_run_differs_and_names_both():
    found = shown({MEDIA_TYPE: {"runs": ["abc"]}}, {MEDIA_TYPE: {"runs": ["def"]}}, bound=0.5)
    assert found.difference == math.inf
    assert found.detail == "runs[0]: abc -> def"


def test_a_picture_with_one_changed_pixel_differs_by_the_share_of_that_pixel():
    found = shown({"image/png": png(PICTURE)}, {"image/png": png(with_pixel(50))})
    assert found.difference == pytest.approx(1 / 600)
    assert "50" in found.detail


def test_a_pixel_that_changed_too_little_to_be_seen_agrees():
    assert shown({"image/png": png(PICTURE)}, {"image/png": png(with_pixel(2))}).difference == 0


def test_a_picture_of_another_size_differs_whatever_the_bound():
    found = shown({"image/png": png(PICTURE)}, {"image/png": png(PICTURE[:, 1:])}, bound=0.5)
    assert found.difference == math.inf
    assert found.detail == "30x20 -> 29x20 pixels"


def test_pictures_within_html_are_compared_as_pictures():
    def player(*pictures):
        return {
            "text/html": f'<img src="data:image/png;base64,{png(pictures[0])}"> {json.dumps([*map(png, pictures)])}'
        }

    assert shown(player(PICTURE, PICTURE), player(PICTURE, with_pixel(2))).difference == 0
    assert shown(player(PICTURE, PICTURE), player(PICTURE, with_pixel(50))).difference == pytest.approx(1 / 600)
    assert shown(player(PICTURE, PICTURE), player(PICTURE)).difference == math.inf


def test_an_output_that_is_missing_or_new_differs():
    one, two = {"text/plain": "1"}, {"text/plain": "2"}
    missing = compare_outputs(notebook(("a", one, two)), notebook(("a", one)), 0.5)
    assert [(c.difference, c.detail) for c in missing] == [(0, ""), (math.inf, "is missing")]
    new = compare_outputs(notebook(("a", one)), notebook(("a", one, two)), 0.5)
    assert [(c.difference, c.detail) for c in new] == [(0, ""), (math.inf, "is new")]


def test_an_output_of_another_kind_differs():
    assert shown({"text/html": "1"}, {"text/markdown": "1"}, bound=0.5).difference == math.inf


def test_a_missing_cell_is_named_and_those_after_it_are_still_compared_with_their_own():
    kept = notebook(("a", {"text/plain": "1"}), ("b", {"text/plain": "2"}), ("c", {"text/plain": "3"}))
    new = notebook(("a", {"text/plain": "1"}), ("c", {"text/plain": "3"}))
    found = {c.where: c.difference for c in compare_outputs(kept, new, 0.5)}
    assert found == {
        "cell 1, text/plain": 0,
        "cell 2, text/plain": math.inf,
        "cell 3, text/plain": 0,
    }


@pytest.mark.parametrize(
    ("kept", "new", "difference"),
    [
        (0.75, 0.75, 0),
        (0.75, 0.5, 0.25),
        (200, 100, 0.5),
        (math.nan, math.nan, 0),
        (math.nan, 0.5, math.inf),
        (None, 0.5, math.inf),
        (True, 1, math.inf),
        ("stands", "falls", math.inf),
        ([], [1], math.inf),
    ],
)
def test_values_of_results_differ_by_their_distance_or_without_a_size(kept, new, difference):
    found = compare_values({"a": {"b": kept}}, {"a": {"b": new}}, 0.0)
    assert max(comparison.difference for comparison in found) == difference


def test_results_are_named_by_their_path_also_those_of_one_side_only():
    found = compare_values({"a": [1, {"b": 2}], "old": 1}, {"a": [1, {"b": 3}], "new": 1}, 0.0)
    assert {c.where: c.detail for c in found if c.difference} == {
        "a[1].b": "2 -> 3", "old": "is missing", "new": "is new",
    }  # fmt: skip


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Make a checkout with one kept chapter that found .75; the function takes the last cell of its source."""
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def write(last_cell):
        source = notebook(("score = 0.0\nresults = ''",), ("print('score')",), (last_cell,))
        source.cells[0].metadata["tags"] = ["parameters"]
        kept = notebook(("print('score')", {"stdout": "score\n"}), (last_cell, {"stdout": "0.75\n"}))
        provenance = {"parameters": {"score": 0.75, "results": "_build/x.json"}, "standin": {"seed": 0}}
        files = {
            "notebooks/99_example.ipynb": nbformat.writes(source),
            "book/chapters/smic/99_example.ipynb": nbformat.writes(kept),
            "book/results/smic/99_example.json": json.dumps({"results": {"score": 0.75}, "provenance": provenance}),
        }
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return {name: tmp_path / name for name in files}

    return write


FINDS = """\
import json
from pathlib import Path
score += {off}
Path(results).parent.mkdir(parents=True, exist_ok=True)
Path(results).write_text(json.dumps({{"results": {{"score": score}}, "provenance": {{"tolerance": {bound}}}}}))
print(score)"""


def fidelity(tmp_path):
    """The command's exit status and what it wrote."""
    status = main(["--chapter", "smic/99_example", "--json", str(tmp_path / "measured.json")])
    (measured,) = json.loads((tmp_path / "measured.json").read_text(encoding="utf-8"))
    return status, measured


def test_a_chapter_executed_anew_with_its_kept_parameters_agrees_and_the_kept_files_stay_as_they_are(chapter, tmp_path):
    files = chapter(FINDS.format(off=0, bound=0))
    before = {path: path.read_bytes() for path in files.values()}
    status, measured = fidelity(tmp_path)
    assert (status, measured["differences"]) == (0, [])
    assert measured["outputs"] == {"agree": 2, "compared": 2}
    assert measured["results"] == {"agree": 1, "compared": 1}
    assert {path: path.read_bytes() for path in files.values()} == before


@pytest.mark.parametrize(("bound", "status"), [(0.0, 1), (0.2, 1), (0.3, 0)])
def test_a_difference_is_an_error_only_beyond_the_bound_that_the_chapter_states(
    chapter, tmp_path, capsys, bound, status
):
    chapter(FINDS.format(off=-0.25, bound=bound))
    left, measured = fidelity(tmp_path)
    assert (left, measured["agrees"]) == (status, not status)
    assert (measured["largest_difference"], measured["bound"]) == (0.25, bound)
    assert [one["where"] for one in measured["differences"]] == ["cell 2, stdout", "score"]
    assert ("0.75 -> 0.5" in capsys.readouterr().out) == bool(status)


@pytest.mark.parametrize(
    ("last_cell", "named"), [("1 / 0", "ZeroDivisionError"), ("pass", "no results"), ("import os\nos._exit(1)", "died")]
)
def test_a_chapter_that_cannot_be_executed_is_an_error_and_says_why(chapter, tmp_path, last_cell, named):
    chapter(last_cell)
    status, measured = fidelity(tmp_path)
    assert status == 1
    assert named in measured["failure"]


def test_a_chapter_of_a_stand_in_is_not_executed_on_real_data(chapter, tmp_path, monkeypatch):
    monkeypatch.setenv("SMIC_ROOT", "elsewhere")
    chapter(FINDS.format(off="float('SMIC_ROOT' in __import__('os').environ)", bound=0))
    assert fidelity(tmp_path)[0] == 0


def test_an_unknown_chapter_is_one_message_with_the_nearest_name(chapter, capsys):
    chapter("pass")
    assert main(["--chapter", "smic/99_exampel"]) == 1
    assert "did you mean 'smic/99_example'" in capsys.readouterr().err
