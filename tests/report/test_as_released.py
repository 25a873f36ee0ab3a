"""Chapter 15 on runs that are made up: what is printed, and what is left of it on clips that no stream has seen."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fake_outcomes import CLASSES, FakeRecord, FakeStore, finished, missing
from made_up import Chapter

from lib.training.plans import FUSENET, FUSENET_LATE
from lib.training.protocols import PROTOCOLS
from lib.training.splits import make_folds, make_samples

NEXT = dict(zip(CLASSES, [*CLASSES[1:], CLASSES[0]], strict=True))


@pytest.fixture
def chapter(monkeypatch, tmp_path):
    return Chapter(monkeypatch, tmp_path, "15_as_released")


@dataclass
class Memory(FakeRecord):
    """Right about every clip that one of its streams was trained on, and about no other; some have another label."""

    mislabelled: int = 0

    def predictions(self, at="best"):
        store = FakeStore()
        samples = make_samples(PROTOCOLS[self.config.protocol], store.labels, len(CLASSES))
        (fold,) = make_folds(PROTOCOLS[self.config.protocol], samples.labels, CLASSES, seed=self.config.seed)
        known = self.truth.index.isin(samples.clips[[*fold.train, *fold.partner]])
        other = self.truth["truth"].map(NEXT)
        answers = self.truth.assign(at=at, epoch=1, predicted=self.truth["truth"].where(known, other))
        wrong = self.truth.index < self.mislabelled
        return answers.assign(truth=answers["truth"].mask(wrong, answers["truth"].map(NEXT)))


def test_what_is_printed_counts_all_clips_and_those_new_to_both_streams_are_scored_apart(chapter):
    def outcome_of(config, store):
        outcome = finished(config, store, 0.5, gain=0.2)
        if config.protocol == "clean":
            return outcome
        return replace(outcome, record=Memory(config, store.truth(), 1.0))

    found = chapter.execute(outcome_of, seeds=3)["as_released"]
    records = [one.record for one in chapter.names["outcomes"]]
    assert [one["model"] for one in found] == [FUSENET, FUSENET_LATE]
    for one in found:
        own = [run for run in records if run.config.model == one["model"]]
        clean = np.array([run.summary()["accuracy_last"] for run in own if run.config.protocol == "clean"])
        released = np.array([run.summary()["accuracy_best"] for run in own if run.config.protocol != "clean"])
        assert one["seeds"] == [len(released), len(clean)] == [3, 3]
        assert one["clean"]["estimate"] == pytest.approx(clean.mean())
        assert one["printed"]["estimate"] == pytest.approx(released.mean())
        assert one["change"]["estimate"] == pytest.approx((released - clean).mean())
        unknown = sum(round((1 - share) * len(FakeStore().labels)) for share in released)
        assert (one["unseen_right"], one["unseen_clips"]) == (0, unknown)
        assert unknown > 0
        assert one["settings"]["protocol"].startswith("released_code_smic")


def test_one_class_for_all_is_scored_on_the_entries_and_labels_of_the_code(chapter):
    def outcome_of(config, store):
        outcome = finished(config, store, 0.5)
        if config.protocol == "clean":
            return outcome
        return replace(outcome, record=Memory(config, store.truth(), 1.0, mislabelled=4))

    store = FakeStore()
    given = store.clips["label"].mask(store.clips.index < 4, store.clips["label"].map(NEXT))
    for one in chapter.execute(outcome_of, seeds=2)["as_released"]:
        assert (one["entries"], one["other_label"]) == (len(given), 4)
        assert one["one_class"] == given.value_counts().max()


def test_a_network_without_runs_has_no_number(chapter):
    found = chapter.execute(lambda config, _: missing(config), seeds=2)["as_released"]
    assert [one["seeds"] for one in found] == [[0, 0]] * 2
    assert [one["printed"]["estimate"] for one in found] == [None] * 2


def test_runs_as_released_have_their_own_learning_rate_and_the_codes_epochs(chapter):
    chapter.execute(lambda config, store: finished(config, store, 0.5), learning_rate=0.001, epochs=7, seeds=1)
    configs = [one.config for one in chapter.names["outcomes"]]
    assert {one.learning_rate for one in configs if one.protocol == "clean"} == {0.001}
    assert {(one.learning_rate, one.epochs) for one in configs if one.protocol != "clean"} == {(0.01, 250)}
