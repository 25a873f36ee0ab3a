"""Chapter 12 on predictions that are made up: what is compared, and what is left when something has no record."""

from dataclasses import dataclass

import pytest
from fake_outcomes import FakeRecord, FakeStore, missing
from made_up import Chapter

from lib.baselines import METHODS
from lib.preprocessing import PreprocessConfig
from lib.training.config import BaselineConfig
from lib.training.plans import Outcome
from lib.training.records import RunConfig

METHOD = METHODS["lbp_top"].title


@dataclass
class Store(FakeStore):
    layout: str = "smic"
    config: PreprocessConfig = PreprocessConfig(frames=18)


class Record(FakeRecord):
    """Right as often as is said; a method's has the times of its folds, a network's does not."""

    @property
    def provenance(self):
        timed = {"parameters": [10], "seconds": {"features": 2.0, "train": [3.0], "classify": [0.5]}}
        of_method = isinstance(self.config, BaselineConfig)
        about = super().provenance
        return about | {"data": about["data"] | {"clips": len(self.truth)}} | (timed if of_method else {})

    def predictions(self, at="best"):
        truth = self.truth["truth"]
        wrong = truth.map({"negative": "positive", "positive": "surprise", "surprise": "negative"})
        right = (self.truth.index + self.config.seed) % 10 < 10 * self.right
        return self.truth.assign(at=at, epoch=1, predicted=truth.where(right, wrong))


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    return Chapter(monkeypatch, tmp_path, "12_baselines")


def outcomes(network, method):
    def outcome(config, store):
        share = network if isinstance(config, RunConfig) else method
        return Outcome(config, "finished", Record(config, store.truth(), share)) if share else missing(config)

    return outcome


SETTINGS = {"methods": "lbp_top", "seeds": 2, "resamples": 200}


def test_a_method_is_compared_with_the_network_on_the_same_clips(chapter):
    found = chapter.execute(outcomes(0.5, 0.9), lambda *_, **__: Store(), **SETTINGS)
    for split in ("paper", "loso"):
        own = {name: found["table"][f"{split}/{name}"]["accuracy"]["estimate"] for name in (METHOD, "MicroExpSTCNN")}
        lead = found["leads"][f"{split}/{METHOD}"]
        assert lead["estimate"] == pytest.approx(own[METHOD] - own["MicroExpSTCNN"])
        assert lead["low"] < lead["estimate"] < lead["high"]
        assert lead["p"] == lead["p_holm"] < 0.05
    assert found["table"][f"loso/{METHOD}"]["printed_percent"] == 42.72
    assert found["missing"] == []


def test_two_that_answer_alike_have_no_lead(chapter):
    found = chapter.execute(outcomes(0.5, 0.5), lambda *_, **__: Store(), **SETTINGS | {"seeds": 1})
    assert found["leads"][f"paper/{METHOD}"]["estimate"] == 0
    assert found["leads"][f"paper/{METHOD}"]["p"] == 1


@pytest.mark.parametrize(("network", "method"), [(0, 0.9), (0.5, 0), (0, 0)])
def test_what_has_no_record_is_listed_and_the_rest_is_shown(chapter, network, method):
    found = chapter.execute(outcomes(network, method), lambda *_, **__: Store(), **SETTINGS)
    assert found["leads"] == {}
    assert len(found["missing"]) == 3 * (not network) + 2 * (not method)
    assert len(found["table"]) == 2 * bool(network) + 2 * bool(method)
