"""Verdicts from made-up findings and results: a stand-in never decides, real data do, and pages follow records."""

import copy
import html
import math
import re

import pytest

from lib import paper, verdicts
from lib.audit import Finding
from lib.metrics import wilson_interval
from lib.paper import Claim
from lib.report.verdict_page import counts_sentences, verdict_page
from lib.verdicts import TESTS, Judgement, by_arithmetic, judge

STCNN = "micro_exp_stcnn"
NETWORKS = (STCNN, "micro_exp_fusenet_intermediate", "micro_exp_fusenet_late")


def claim(kind, dataset="smic", values=None, **arguments):
    arguments = {"model": STCNN, "dataset": dataset, **arguments}
    return Claim("an-id", "A claim.", "Table V", "Try it.", kind, arguments, values or {})


def interval(estimate, half):
    return {"estimate": estimate, "low": estimate - half, "high": estimate + half}


def comparison(best=0.69, half=0.02, clips=32, majority=0.3, change=-0.2, change_half=0.05, leads=(0.1, 0.1)):
    scores = {
        "seeds": [0, 1, 2],
        "clips": clips,
        "majority_share": majority,
        "accuracy_best": interval(best, half),
        "accuracy_last": interval(best - 0.05, half),
        "accuracy_mean_last_epochs": interval(best - 0.04, half),
        "std_last_epochs": 0.02,
        "runs": [],
    }
    of_controls = {f"{STCNN}/{name}": copy.deepcopy(scores) for name in ("shuffled_frames", "first_frame")}
    return {
        "scores": {f"{model}/none": copy.deepcopy(scores) for model in NETWORKS} | of_controls,
        "control_changes": {name: interval(change, change_half) for name in ("shuffled_frames", "first_frame")},
        "ranking": {"order": list(NETWORKS), "published_leads": [interval(lead, 0.05) for lead in leads]},
    }


def judged(one, found, standin=False, notebook=None):
    content = {"results": found, "provenance": {"standin": {"standin": True} if standin else None, "runs": []}}
    results = {} if found is None else {("smic", notebook or TESTS[one.kind][1]): content}
    (verdict,) = judge([one], [], results)
    return verdict


ACCURACY = claim("accuracy", values={"accuracy": 0.6875})
RANKING = claim("ranking", models=NETWORKS)


# === Which column speaks ===


def test_a_standin_never_decides_and_its_evidence_says_that_faces_were_rendered():
    verdict = judged(ACCURACY, comparison(best=0.1), standin=True)
    assert verdict.standin.verdict == "not testable here"
    assert verdict.standin.evidence.startswith("On rendered faces")
    assert verdict.real.verdict == "not run"


@pytest.mark.parametrize("one", [ACCURACY, RANKING, claim("beats_prior", values={"prior": 0.6402}), claim("stability")])
def test_a_standin_is_not_compared_with_the_papers_numbers_and_real_data_are(one):
    standin, real = (judged(one, comparison(), standin) for standin in (True, False))
    compared = real.real.evidence.removeprefix(standin.standin.evidence.removeprefix("On rendered faces: "))
    assert compared.strip()
    assert any(word in compared for word in ("paper", "printed", "earlier method"))
    assert "paper" not in standin.standin.evidence


def test_maps_of_a_network_that_was_not_trained_are_not_run():
    found = {"missing": {"network": "no weights"}, "verdict": {"parts": {"share": None}}}
    assert judged(claim("saliency_rest"), found, standin=True).standin.verdict == "not run"


def test_the_same_results_from_real_data_decide():
    verdict = judged(ACCURACY, comparison(best=0.1))
    assert verdict.real.verdict == "not replicated"
    assert "rendered" not in verdict.real.evidence


def test_without_a_chapter_nothing_is_run():
    verdict = judged(ACCURACY, None)
    assert (verdict.standin.verdict, verdict.real.verdict, verdict.chapter) == ("not run", "not run", None)


def test_a_network_without_finished_runs_is_not_run_on_a_standin_too():
    found = comparison()
    found["scores"] = {}
    assert judged(ACCURACY, found, standin=True).standin.verdict == "not run"


# === What real data decide ===


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (comparison(best=0.69, clips=2000), "replicated"),
        (comparison(best=0.69), "underpowered"),  # 32 clips leave failure open
        (comparison(best=0.9), "replicated"),  # more than was claimed
        (comparison(best=0.4, clips=200), "not replicated"),
        (comparison(best=0.69, clips=2000, majority=0.68), "underpowered"),  # as good as one class for all
    ],
)
def test_an_accuracy_is_judged_by_its_limits_and_by_a_constant_answer(found, expected):
    assert judged(ACCURACY, found).real.verdict == expected


@pytest.mark.parametrize(("prior", "expected"), [(0.2, "replicated"), (0.64, "underpowered"), (0.95, "not replicated")])
def test_an_earlier_method_is_beaten_only_outside_the_limits(prior, expected):
    assert judged(claim("beats_prior", values={"prior": prior}), comparison()).real.verdict == expected


@pytest.mark.parametrize(
    ("leads", "expected"), [((0.1, 0.1), "replicated"), ((0.1, 0.01), "underpowered"), ((0.1, -0.1), "not replicated")]
)
def test_an_order_needs_every_lead_to_be_clear(leads, expected):
    assert judged(RANKING, comparison(leads=leads)).real.verdict == expected


@pytest.mark.parametrize(
    ("change", "half", "expected"),
    [(-0.2, 0.05, "replicated"), (-0.02, 0.2, "underpowered"), (0.0, 0.02, "not replicated")],
)
def test_use_of_time_needs_a_loss_with_both_controls(change, half, expected):
    assert judged(claim("temporal"), comparison(change=change, change_half=half)).real.verdict == expected


def test_one_seed_is_underpowered_for_an_order_and_for_controls():
    found = comparison()
    for change in (*found["control_changes"].values(), *found["ranking"]["published_leads"]):
        change.update(low=None, high=None)
    assert judged(RANKING, found).real.verdict == "underpowered"
    assert judged(claim("temporal"), found).real.verdict == "underpowered"


@pytest.mark.parametrize("one", [RANKING, claim("temporal")])
def test_equal_changes_and_fewer_than_three_seeds_decide_neither_an_order_nor_controls(one):
    assert judged(one, comparison()).real.verdict == "replicated"
    equal = comparison(change=-0.03, change_half=0.0)
    for lead in equal["ranking"]["published_leads"]:
        lead.update(estimate=0.03, low=0.03, high=0.03)
    assert judged(one, equal).real.verdict == "underpowered"
    few = comparison()
    for scores in few["scores"].values():
        scores["seeds"] = [0, 1]
    assert judged(one, few).real.verdict == "underpowered"


def test_a_network_that_learned_nothing_has_nothing_to_lose():
    verdict = judged(claim("temporal"), comparison(best=0.5, majority=0.6, change=0.0, change_half=0.01))
    assert verdict.real.verdict == "underpowered"
    assert "learned nothing" in verdict.real.evidence


def test_limits_hold_what_seeds_and_what_clips_change():
    found = comparison(best=0.5, half=0.1, clips=100)
    low, high = verdicts._limits(found["scores"][f"{STCNN}/none"], "accuracy_best")
    wilson_low, wilson_high = wilson_interval(50, 100)
    assert 0.5 - low == pytest.approx(math.hypot(0.5 - wilson_low, 0.1))
    assert high - 0.5 == pytest.approx(math.hypot(wilson_high - 0.5, 0.1))


def test_real_data_under_other_settings_than_the_papers_decide_nothing_and_tell_which():
    content = {
        "results": comparison(best=0.1),
        "provenance": {"standin": None, "parameters": {"epochs": 6, "frames": 0}},
    }
    (verdict,) = judge([ACCURACY], [], {("smic", "06_comparison"): content})
    assert verdict.real.verdict == "not testable here"
    assert "(epochs 6)" in verdict.real.evidence


def test_maps_that_depend_on_what_counts_as_eyes_and_mouth_decide_nothing():
    shares = {"share": 0.3, "share_low": 0.2, "share_high": 0.4, "area": 0.3, "random": 0.3}
    both = {"crops": {**shares, "outcome": "supported"}, "parts": {**shares, "outcome": "contradicted"}}
    verdict = judged(claim("saliency_rest"), {"missing": {"network": ""}, "verdict": both})
    assert verdict.real.verdict == "underpowered"
    assert "By crops" in verdict.real.evidence
    assert "By parts" in verdict.real.evidence


@pytest.mark.parametrize(("mean", "expected"), [(0.66, "replicated"), (0.99, "not replicated")])
def test_the_last_epochs_are_held_against_table_viii(monkeypatch, mean, expected):
    monkeypatch.setattr(verdicts, "last_epochs", lambda model, dataset: (mean, 0.01))
    assert judged(claim("stability"), comparison(clips=2000)).real.verdict == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("yes", "replicated"), ("no", "not replicated"), ("undecided", "underpowered"), ("not tested", "not run")],
)
def test_the_best_kernel_follows_the_kernel_study(answer, expected):
    found = {"answers": [{"learning_rate": 0.01}], "best_kernels": ["3x3x15"], "paper_kernel_is_best": answer}
    assert judged(claim("kernel_best", kernel=(3, 3, 15)), found).real.verdict == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("supported", "replicated"), ("contradicted", "not replicated"), ("undecided", "underpowered")],
)
def test_saliency_follows_its_chapter(outcome, expected):
    shares = {"share": 0.3, "share_low": 0.2, "share_high": 0.4, "area": 0.3, "random": 0.3, "outcome": outcome}
    found = {"missing": {"network": ""}, "verdict": {"crops": shares}}
    assert judged(claim("saliency_rest"), found).real.verdict == expected


# === Arithmetic ===


def finding(status, name="one"):
    return Finding(name, "V", "A statement.", status, f"Evidence of {status}.", {})


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("holds", "contradicted"), "contradicted"),
        (("note", "holds"), "holds"),
        (("note", "note"), "not testable here"),
    ],
)
def test_a_contradiction_weighs_more_than_agreement_and_a_note_decides_nothing(statuses, expected):
    assert by_arithmetic([finding(status) for status in statuses]).verdict == expected


def test_no_finding_is_no_judgement():
    assert by_arithmetic([]) is None


def test_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="expected a verdict among contradicted.*found 'proved'"):
        Judgement("proved", "")


# === The real claims, and the page ===


@pytest.fixture(scope="module")
def judged_all(audit_findings):
    """Every claim of the paper as it stands without any run."""
    return judge(paper.claims(), audit_findings, {})


def test_every_claim_of_the_paper_gets_a_verdict_without_any_run(judged_all):
    assert len(judged_all) == len(paper.claims())
    for one in judged_all:
        assert (one.real is None) == (one.claim.kind == "audit")
        if one.claim.kind == "audit":
            assert one.arithmetic is not None


def test_claims_name_only_findings_that_exist(audit_findings):
    known = {one.id for one in audit_findings}
    for one in paper.claims():
        assert {*one.arithmetic, *one.caveats} <= known, one.id


def test_a_caveat_qualifies_a_claim_and_does_not_decide_it(judged_all):
    (one,) = [one for one in judged_all if one.claim.id == "accuracy-stcnn-casme2-sq"]
    assert one.arithmetic.verdict == "holds"
    assert one.caveats
    assert one.caveats[0][:20] in html.unescape(verdict_page([one]))


def test_a_claim_flips_with_its_finding(audit_findings):
    claims = paper.claims()
    tests = {claim.test for claim in claims}
    wrong = [one for one in audit_findings if one.status == "contradicted" and f"audit:{one.id}" in tests]
    changed = [Finding(one.id, one.table, one.statement, "holds", one.evidence, one.values) for one in wrong]
    others = [one for one in audit_findings if one.id not in {two.id for two in wrong}]
    before, after = (judge(claims, [*others, *some], {}) for some in (wrong, changed))
    flipped = [old.claim.id for old, new in zip(before, after, strict=True) if old.arithmetic != new.arithmetic]
    assert flipped
    assert all(
        new.arithmetic.verdict != "contradicted"
        for new in after
        if new.claim.test in {f"audit:{one.id}" for one in wrong}
    )


def test_the_page_has_a_row_per_claim_and_no_verdict_by_real_data_without_real_data(judged_all):
    page = verdict_page(judged_all)
    assert page.count('<tr class="claim">') == len(judged_all)
    assert "have **not been tested**" in counts_sentences(judged_all)
    assert "verdict-replicated" not in page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_the_sentence_tells_what_contradictions_rest_on_and_adds_up(judged_all):
    text = counts_sentences(judged_all)
    wrong = sum(one.arithmetic is not None and one.arithmetic.verdict == "contradicted" for one in judged_all)
    assert f"**{wrong} are contradicted**" in text
    parts = re.findall(r"(\d+) by", text)
    assert len(parts) > 1
    assert sum(map(int, parts)) == wrong


def test_the_sentence_counts_what_real_data_decided():
    decided = [judged(ACCURACY, comparison(clips=2000)), judged(ACCURACY, comparison(best=0.3, clips=300))]
    assert "On real data 2 of 2 could be tested: 1 not replicated, 1 replicated." in counts_sentences(decided)
