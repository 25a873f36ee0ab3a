"""The parts of the front page, from findings and from what chapters found."""

import dataclasses
import re

import pytest

from lib.book import front, pages


def shortcut(title, mean, accuracy="up", uf1="open"):
    return {
        "title": title,
        "directions": {"accuracy": accuracy, "uf1": uf1},
        "accuracy_change": {"estimate": mean, "low": mean - 0.01, "high": mean + 0.01},
        "uf1_change": {"estimate": 0.2, "low": 0.1, "high": 0.3},
    }


def chapter(results, standin=True):
    return {"results": results, "provenance": {"standin": {"seed": 0} if standin else None}}


@pytest.mark.parametrize("finding", ["held-out-", "constant-answer-table-ix", "mean-beats-prior-smic"])
def test_a_headline_is_gone_when_its_finding_no_longer_contradicts(finding, audit_findings):
    lines = front.headlines(audit_findings).splitlines()
    changed = [
        dataclasses.replace(one, status="holds") if one.id.startswith(finding) else one for one in audit_findings
    ]
    assert len(lines) == 3
    left = front.headlines(changed).splitlines()
    assert len(left) == 2
    assert {*left} < {*lines}


def test_a_headline_counts_what_the_audit_finds(audit_findings):
    changed = [
        dataclasses.replace(one, status="holds") if one.id == "held-out-late-smic" else one for one in audit_findings
    ]
    assert "4 of the 6" in front.headlines(audit_findings)
    assert "3 of the 6" in front.headlines(changed)


def scores_of(best, seeds=(0, 1, 2)):
    limits = {"estimate": best, "low": best - 0.1, "high": best + 0.1}
    return {"scores": {"micro_exp_stcnn/none": {"accuracy_best": limits, "seeds": [*seeds]}}}


def test_table_v_has_a_row_for_each_accuracy_with_one_measurement_and_what_it_was_made_on():
    single = {"accuracy_best": 0.5, "wilson_low_best": 0.4, "wilson_high_best": 0.6}
    results = {("smic", "03_micro_exp_stcnn"): chapter(single), ("smic", "06_comparison"): chapter(scores_of(0.75))}
    plain = re.sub(r"<a [^>]+>|</a>", "", front.table_v(results)).replace("\xa0", " ")
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in plain.split("<tr>")[1:]]
    assert len(rows) == 6
    assert [row[-1] for row in rows].count("not run") == 5
    measured = "75.0 % (65.0 % to 85.0 %), 3 trainings, stand-in"
    assert ["SMIC", "MicroExpSTCNN", "68.75 %", "22 of 32 held-out clips", measured] in rows


def test_where_no_comparison_was_run_one_training_is_shown_as_one():
    single = {"accuracy_best": 0.5, "wilson_low_best": 0.4, "wilson_high_best": 0.6}
    text = front.table_v({("smic", "03_micro_exp_stcnn"): chapter(single, standin=False)})
    assert "1 training, real data" in text


def test_what_raises_a_score_stands_before_what_lowers_it():
    rows = [shortcut("lowers", -0.3, "down"), shortcut("raises", 0.2), shortcut("raises UF1", 0.02, "open", "up")]
    text = pages.measured({("smic", "10_shortcuts"): chapter({"switches": rows})})
    assert text.index("raises") < text.index("lowers")
    assert text.index("raises UF1") < text.index("lowers")


def test_shortcuts_that_exclude_zero_by_either_score_are_shown_with_the_data_they_were_measured_on():
    rows = [shortcut("plain", -0.3), shortcut("blind", 0.02, "open", "up"), shortcut("unsure", 0.4, "open")]
    text = pages.measured({("smic", "10_shortcuts"): chapter({"switches": rows})})
    assert "−30.0 points (−31.0 to −29.0)" in text
    assert "+0.200 (+0.100 to +0.300)" in text
    assert "unsure" not in text
    assert "[SMIC (stand-in)](chapters/smic/10_shortcuts)" in text
    real = pages.measured({("smic", "10_shortcuts"): chapter({"switches": rows}, standin=False)})
    assert "[SMIC (real data)]" in real


def test_the_released_protocol_as_a_whole_is_shown_where_it_changes_a_score_beyond_chance():
    def row(model, low, high):
        change = {"estimate": (low + high) / 2, "low": low, "high": high}
        return {"model": model, "pairs": 3, "change": change}

    rows = [row("micro_exp_fusenet_late", -0.2, -0.1), row("micro_exp_fusenet_intermediate", -0.3, 0.1)]
    text = pages.measured({("smic", "15_as_released"): chapter({"as_released": rows})})
    assert "Late MicroExpFuseNet | −15.0 points (−20.0 to −10.0)" in " ".join(text.split())
    assert "Intermediate" not in text


def test_the_gain_of_the_best_epoch_is_shown_where_labels_are_permuted():
    gain = {"mean": 0.1, "lowest": 0.05, "highest": 0.15}
    best = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    permuted = {"seeds": [0, 1, 2], "gain_of_best": gain, "accuracy_best": best, "majority_share": 0.45}
    scores = {"micro_exp_stcnn/permuted_labels": permuted}
    text = pages.measured({("smic", "06_comparison"): chapter({"scores": scores})})
    assert "+10.0 points on average (+5.0 to +15.0 by seed)" in text


def test_without_chapters_that_measure_nothing_is_told():
    assert "|" not in pages.measured({})
