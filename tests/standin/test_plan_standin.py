from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from lib.core.errors import ConfigError
from lib.standin.expression import envelope
from lib.standin.official import plan_official
from lib.standin.plan import SUBJECTS, WINDOW, plan_standin


def test_smic_has_the_real_counts_and_the_rule_of_18_frames_leaves_66_47_43():
    plan = plan_standin("smic")
    assert Counter(p.label for p in plan) == {"negative": 70, "positive": 51, "surprise": 43}
    assert Counter(p.label for p in plan if p.n_frames > 18) == {"negative": 66, "positive": 47, "surprise": 43}
    assert {p.n_frames for p in plan} <= set(range(11, 18)) | set(range(19, 59))


def test_smic_has_16_subjects_and_one_of_them_a_quarter_of_the_clips():
    shares = Counter(p.subject for p in plan_standin("smic"))
    assert len(shares) == 16
    assert 39 <= shares["s3"] <= 41
    assert shares.most_common(2)[1][1] < 25


def test_casme2_sq_has_the_real_counts_subjects_and_videos_long_enough_for_the_window():
    plan = plan_standin("casme2_sq")
    assert Counter(p.label for p in plan) == {"angry": 76, "happy": 94, "disgust": 36}
    assert {p.subject for p in plan} == {f"s{number}" for number in SUBJECTS["casme2_sq"]}
    assert min(p.n_frames for p in plan) >= 168


@pytest.mark.parametrize("dataset", ["smic", "casme2_sq"])
@pytest.mark.parametrize("clips", [6, 13, 40])
def test_fewer_clips_keep_the_class_shares_with_at_least_two_of_each(dataset, clips):
    full, some = (Counter(p.label for p in plan_standin(dataset, n)) for n in (None, clips))
    assert sum(some.values()) == clips
    assert min(some.values()) >= 2
    for label in full:
        assert abs(some[label] - full[label] * clips / sum(full.values())) < 2


def test_fewer_clips_keep_a_share_of_short_ones():
    short = Counter(p.label for p in plan_standin("smic", 82) if p.n_frames < 18)
    assert short == {"negative": 2, "positive": 2}


@pytest.mark.parametrize("dataset", ["smic", "casme2_sq"])
def test_identifiers_and_paths_are_unique(dataset):
    plan = plan_standin(dataset)
    assert len({p.clip_id for p in plan}) == len({p.path for p in plan}) == len(plan)


@pytest.mark.parametrize("dataset", ["smic", "casme2_sq"])
def test_the_first_frame_that_is_read_is_neutral_and_the_expression_follows_within_the_window(dataset):
    first, end = WINDOW[dataset]
    for plan in plan_standin(dataset):
        activation = envelope(plan.events, plan.times_ms)
        assert (activation[: first + 1] == 0).all(), plan.clip_id
        if plan.n_frames >= end:
            assert activation[first:end].max() > 0.6 * max(event.strength for event in plan.events), plan.clip_id


@pytest.mark.parametrize("dataset", ["smic", "casme2_sq"])
def test_the_class_cannot_be_told_from_anything_but_the_action_units(dataset):
    plan = plan_standin(dataset)
    subjects = sorted({p.subject for p in plan})
    circumstances = np.array(
        [
            [p.n_frames * (p.n_frames > 18), p.first_number, len(p.events), len(p.blinks_ms), p.events[0].onset_ms]
            + [p.events[0].apex_ms, p.events[-1].offset_ms * (p.n_frames > 18), p.events[0].strength]
            + [p.subject == subject for subject in subjects]
            for p in plan
        ],
        dtype=float,
    )
    circumstances = (circumstances - circumstances.mean(axis=0)) / (circumstances.std(axis=0) + 1e-9)
    labels = np.array([p.label for p in plan])
    majority = max(Counter(labels).values()) / len(labels)
    guessed = cross_val_score(LogisticRegression(C=0.1, max_iter=500), circumstances, labels, cv=5).mean()
    assert guessed < majority + 0.06


def test_the_action_units_tell_the_class():
    plan = plan_standin("smic")
    units = sorted({unit for p in plan for unit in p.units})
    strengths = np.array([[p.units.get(unit, 0) for unit in units] for p in plan])
    labels = [p.label for p in plan]
    assert cross_val_score(LogisticRegression(max_iter=500), strengths, labels, cv=5).mean() > 0.9


def test_classes_share_action_units_as_in_life():
    units = {}
    for plan in plan_standin("casme2_sq"):
        units.setdefault(plan.label, set()).update(plan.units)
    assert "AU4" in units["angry"] & units["disgust"]


def test_a_plan_depends_on_its_seed_alone():
    assert plan_standin("smic", 20, seed=5) == plan_standin("smic", 20, seed=5)
    assert plan_standin("smic", 20, seed=5) != plan_standin("smic", 20, seed=6)


@pytest.mark.parametrize("clips", [0, 5, 165, 7.5, True])
def test_an_impossible_number_of_clips_is_refused_with_the_range(clips):
    with pytest.raises(ConfigError, match="at least 6 and less than 165"):
        plan_standin("smic", clips)


def test_an_unknown_dataset_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="smic, casme2_sq"):
        plan_standin("casme3")


def test_official_clips_lie_inside_their_recordings_in_order():
    for recording in plan_official():
        ends = [0]
        for clip in recording.clips:
            assert ends[-1] < clip.onset < clip.apex < clip.offset < recording.n_frames
            ends.append(clip.offset)
        assert [clip.kind for clip in recording.clips] == ["micro-expression", "macro-expression"]
        assert 9 <= recording.clips[0].offset - recording.clips[0].onset + 1 <= 17
