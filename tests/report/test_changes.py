"""What differs between two books, in verdicts and in numbers."""

import copy
import json
import shutil

import pytest

from lib.book.changes import SUMMARY, as_markdown, changes, numbers_of, summary_of
from lib.cli import main
from lib.core import paths


@pytest.fixture(scope="module")
def kept():
    return summary_of(paths.REPOSITORY / "book")


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(paths.REPOSITORY / "book" / "results", tmp_path / "results")


def test_a_book_does_not_differ_from_itself_however_it_is_given(kept, tmp_path):
    (tmp_path / SUMMARY).write_text(json.dumps(kept))
    others = (tmp_path, tmp_path / SUMMARY, paths.REPOSITORY / "book" / "results")
    for other in map(summary_of, others):
        assert changes(kept, other) == {"verdicts": [], "numbers": [], "chapters": {"gone": [], "new": []}}


def test_a_changed_score_is_named_with_both_values(kept, copied):
    path = copied / "smic" / "03_micro_exp_stcnn.json"
    content = json.loads(path.read_text())
    content["results"]["accuracy_best"] -= 0.25
    path.write_text(json.dumps(content))
    (row,) = changes(kept, summary_of(copied))["numbers"]
    assert (row["chapter"], row["number"]) == ("smic/03_micro_exp_stcnn", "accuracy_best")
    assert row["new"] == pytest.approx(row["old"] - 0.25)


def test_a_changed_verdict_is_named_with_its_claim_and_column(kept):
    new = copy.deepcopy(kept)
    claim = next(name for name, one in kept["verdicts"].items() if one.get("arithmetic") == "contradicted")
    new["verdicts"][claim]["arithmetic"] = "holds"
    found = changes(kept, new)
    assert [(row["claim"], row["by"], row["new"]) for row in found["verdicts"]] == [(claim, "arithmetic", "holds")]
    assert "contradicted" in as_markdown(found)


def test_a_chapter_that_came_and_one_that_went_are_named_and_their_numbers_are_no_changes(kept, copied):
    (copied / "smic" / "10_shortcuts.json").rename(copied / "smic" / "99_new.json")
    found = changes({**kept, "verdicts": {}}, {**summary_of(copied), "verdicts": {}})
    assert found["chapters"] == {"gone": ["smic/10_shortcuts"], "new": ["smic/99_new"]}
    assert found["numbers"] == []


def test_rows_of_a_table_are_told_apart_by_name_not_by_place():
    old = {"verdicts": {}, "numbers": {}}
    books = []
    for rows in ([("a", 1.0), ("b", 2.0)], [("b", 2.0), ("a", 1.0)]):
        results = {"switches": [{"switch": name, "change": value} for name, value in rows]}
        books.append({**old, "numbers": {"smic/10_shortcuts": dict(numbers_of(results))}})
    assert changes(*books)["numbers"] == []


def test_rows_of_one_name_are_all_compared():
    rows = [{"kernel": "3x3x3", "rate": 0.01, "accuracy": 0.9}, {"kernel": "3x3x3", "rate": 0.001, "accuracy": 0.5}]
    changed = [{**rows[0], "accuracy": 0.3}, rows[1]]
    old, new = ({"verdicts": {}, "numbers": {"smic/07": dict(numbers_of({"kernels": one}))}} for one in (rows, changed))
    assert [(row["old"], row["new"]) for row in changes(old, new)["numbers"]] == [(0.9, 0.3)]


def test_the_command_prints_a_comment_and_writes_every_difference(copied, tmp_path, capsys):
    path = copied / "smic" / "06_comparison.json"
    content = json.loads(path.read_text())
    content["results"]["planned"] += 1
    path.write_text(json.dumps(content))
    book = paths.REPOSITORY / "book"
    assert main(["diff", str(book), str(copied), "--json", str(tmp_path / "diff.json")]) == 0
    assert "1 numbers changed" in capsys.readouterr().out
    assert json.loads((tmp_path / "diff.json").read_text())["numbers"][0]["number"] == "planned"


def test_where_there_is_no_book_that_is_said(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 1
    assert "expected a built book" in capsys.readouterr().err
