"""Real data fill their column without a change of code: a stand-in that has lost its marker plays the real dataset."""

import copy
import json

import pytest

from lib.audit.claims import claims
from lib.audit.released import FUSENETS
from lib.book import front
from lib.book.verdicts import judge
from lib.datasets.clip import STANDIN_MARKER
from lib.standin import write_standin
from lib.training.records import RunConfig, settings_of

pytestmark = pytest.mark.slow
SETTINGS = {"epochs": 2, "fusenet_epochs": 1, "seeds": 1, "control_seeds": 1}


@pytest.fixture(scope="module")
def content(execute, tmp_path_factory):
    """What the comparison finds on a dataset that carries no sign of being a stand-in."""
    folder = tmp_path_factory.mktemp("real")
    root = write_standin("smic", folder / "SMIC", clips=9, jobs=1, progress=False)
    (root / STANDIN_MARKER).unlink()
    _, results = execute("06_comparison", folder, guess=True, root=str(root), **SETTINGS)
    return json.loads(results.read_text(encoding="utf-8"))


def as_the_paper_did_it(content):
    """The same results as if runs of a hundred epochs had been measured on as many clips as the paper's."""
    content = copy.deepcopy(content)
    for name, scores in content["results"]["scores"].items():
        scores["settings"] = settings_of(RunConfig(name.partition("/")[0]))
    content["provenance"]["data"]["clips"] = {"negative": 66, "positive": 47, "surprise": 43}
    return content


def test_real_data_under_other_settings_than_the_papers_decide_nothing(content, audit_findings):
    verdicts = judge(claims(), audit_findings, {("smic", "06_comparison"): content})
    own = [one for one in verdicts if one.chapter == ("smic", "06_comparison")]
    assert {one.real.verdict for one in own} == {"not testable here"}
    assert all("epochs 2 instead of 100" in one.real.evidence or "epochs 1 instead" in one.real.evidence for one in own)
    assert all("9 clips instead of 156" in one.real.evidence for one in own)
    assert "rendered" not in front.claims(verdicts)


def test_real_data_fill_the_real_column_and_nothing_speaks_of_a_standin(content, audit_findings):
    verdicts = judge(claims(), audit_findings, {("smic", "06_comparison"): as_the_paper_did_it(content)})
    decided = {one.claim.id: one for one in verdicts if one.chapter == ("smic", "06_comparison")}
    assert {"accuracy-stcnn-smic", "ranking-smic", "temporal-smic"} <= set(decided)
    for one in decided.values():
        # the paper scored its FuseNets on all clips, this book on clips that are held out
        another = one.claim.kind in ("accuracy", "stability") and one.claim.arguments["model"] in FUSENETS
        assert one.real.verdict != "not run"
        assert (one.real.verdict == "not testable here") == another
        assert "rendered" not in one.real.evidence
        assert one.standin.verdict == "not run"
    assert "On rendered faces" not in front.claims(verdicts)
    untouched = [one for one in verdicts if one.real and one not in decided.values()]
    assert {one.real.verdict for one in untouched} == {"not run"}


def test_the_same_page_with_the_marker_decides_nothing(content, audit_findings):
    marked = {**content, "provenance": {**content["provenance"], "standin": {"standin": True}}}
    verdicts = judge(claims(), audit_findings, {("smic", "06_comparison"): marked})
    assert {one.real.verdict for one in verdicts if one.real} == {"not run"}
