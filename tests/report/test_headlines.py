"""What the front page says first, from findings and from what chapters found."""

import dataclasses

import pytest

from lib.audit import findings
from lib.book.headlines import LINES_BY_FINDING, headlines


@pytest.fixture(scope="module")
def found():
    return findings(split_radius=0)


def shortcut(title, mean, shown=True, uf1="open"):
    return {
        "title": title,
        "directions": {"accuracy": "up" if shown else "open", "uf1": uf1},
        "accuracy_change": {"estimate": mean, "low": mean - 0.01, "high": mean + 0.01},
        "uf1_change": {"estimate": 0.2, "low": 0.1, "high": 0.3},
    }


def chapter(results, standin=True):
    return {"results": results, "provenance": {"standin": {"seed": 0} if standin else None}}


def test_every_line_rests_on_a_finding_that_contradicts(found):
    text = headlines(found, {})
    by_id = {one.id: one for one in found}
    assert all(by_id[name].status == "contradicted" for name in LINES_BY_FINDING.values())
    assert all(f"- {line}" in text for line in LINES_BY_FINDING)
    assert "By training again" not in text


def test_a_line_whose_finding_no_longer_contradicts_is_gone(found):
    line, name = next(iter(LINES_BY_FINDING.items()))
    changed = [dataclasses.replace(one, status="holds") if one.id == name else one for one in found]
    assert line not in headlines(changed, {})


def test_the_largest_shortcuts_that_exclude_zero_are_told_in_order_and_for_which_data(found):
    rows = [shortcut("small", 0.02), shortcut("large", -0.3), shortcut("unsure", 0.4, shown=False)]
    text = headlines(found, {("smic", "10_shortcuts"): chapter({"switches": rows})})
    assert "large -30.0 points (-31.0 to -29.0); small +2.0 points (+1.0 to +3.0). Of 6 intervals, 0.3 would" in text
    assert "unsure" not in text
    assert "[rendered faces in place of SMIC](chapters/smic/10_shortcuts)" in text
    real = headlines(found, {("smic", "10_shortcuts"): chapter({"switches": rows}, standin=False)})
    assert "on [SMIC](chapters/smic/10_shortcuts)" in real


def test_a_shortcut_that_uf1_alone_shows_is_told_by_uf1(found):
    rows = [shortcut("blind", 0.02, shown=False, uf1="up"), shortcut("plain", 0.3, uf1="up")]
    text = headlines(found, {("smic", "10_shortcuts"): chapter({"switches": rows})})
    assert "plain +30.0 points (+29.0 to +31.0); blind UF1 +0.200 (+0.100 to +0.300)." in text


@pytest.mark.parametrize(("seeds", "told"), [([0, 1, 2], "3 seeds"), ([0], "one seed")])
def test_the_best_epoch_on_permuted_labels_is_told_with_its_range(found, seeds, told):
    gain = {"mean": 0.1, "lowest": 0.05, "highest": 0.15}
    scores = {"micro_exp_stcnn/permuted_labels": {"seeds": seeds, "gain_of_best": gain}}
    text = headlines(found, {("smic", "06_comparison"): chapter({"scores": scores})})
    assert f"+10.0 points on average (+5.0 to +15.0 by seed), {told}." in text
