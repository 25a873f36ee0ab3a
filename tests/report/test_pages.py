"""The tables of the front page, from findings and from what chapters found."""

import dataclasses

from lib.book import pages


def shortcut(title, mean, accuracy="up", uf1="open"):
    return {
        "title": title,
        "directions": {"accuracy": accuracy, "uf1": uf1},
        "accuracy_change": {"estimate": mean, "low": mean - 0.01, "high": mean + 0.01},
        "uf1_change": {"estimate": 0.2, "low": 0.1, "high": 0.3},
    }


def chapter(results, standin=True):
    return {"results": results, "provenance": {"standin": {"seed": 0} if standin else None}}


def test_every_headline_rests_on_a_finding_that_contradicts(audit_findings):
    assert len(pages.headlines(audit_findings).splitlines()) == len(pages.HEADLINES)
    line, name = next(iter(pages.HEADLINES.items()))
    changed = [dataclasses.replace(one, status="holds") if one.id == name else one for one in audit_findings]
    assert line not in pages.headlines(changed)


def test_shortcuts_that_exclude_zero_by_either_score_are_shown_with_the_data_they_were_measured_on():
    rows = [shortcut("plain", -0.3), shortcut("blind", 0.02, "open", "up"), shortcut("unsure", 0.4, "open")]
    text = pages.measured({("smic", "10_shortcuts"): chapter({"switches": rows})})
    assert "-30.0 points (-31.0 to -29.0)" in text
    assert "+0.200 (+0.100 to +0.300)" in text
    assert "unsure" not in text
    assert "[SMIC (stand-in)](chapters/smic/10_shortcuts)" in text
    real = pages.measured({("smic", "10_shortcuts"): chapter({"switches": rows}, standin=False)})
    assert "[SMIC (real data)]" in real


def test_the_gain_of_the_best_epoch_is_shown_where_labels_are_permuted():
    gain = {"mean": 0.1, "lowest": 0.05, "highest": 0.15}
    scores = {"micro_exp_stcnn/permuted_labels": {"seeds": [0, 1, 2], "gain_of_best": gain}}
    text = pages.measured({("smic", "06_comparison"): chapter({"scores": scores})})
    assert "+10.0 points on average (+5.0 to +15.0 by seed)" in text


def test_without_chapters_that_measure_nothing_is_told():
    assert "|" not in pages.measured({})
