import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from lib.audit import paper
from lib.core.errors import ConfigError, TrainingError
from lib.training.inputs import Normaliser, as_listed, control_labels, control_volumes
from lib.training.protocols import CHOICES, PROTOCOLS, SHORTCUTS, Protocol, require_people
from lib.training.splits import make_folds, make_samples

PAPER = PROTOCOLS["paper"]
CLASSES = ("angry", "happy", "disgust")


def _labels(*counts):
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize(
    ("counts", "validation_counts"), [((76, 94, 34), (12, 21, 8)), ((66, 47, 43), (19, 6, 7))], ids=["VI", "VII"]
)
def test_paper_split_gives_the_validation_counts_of_the_papers_confusion_matrices(counts, validation_counts):
    labels = _labels(*counts)
    (fold,) = make_folds(PAPER, labels, CLASSES)
    assert tuple(np.bincount(labels[fold.validation])) == validation_counts


def test_paper_split_is_the_one_of_the_released_call():
    labels = _labels(8, 10, 6)
    (fold,) = make_folds(PAPER, labels, CLASSES)
    train, validation = train_test_split(np.arange(24), test_size=0.2, random_state=4)
    np.testing.assert_array_equal(fold.train, train)
    np.testing.assert_array_equal(fold.validation, validation)


def test_a_split_holds_every_clip_once():
    (fold,) = make_folds(PAPER, _labels(8, 10, 6), CLASSES)
    assert sorted([*fold.train, *fold.validation]) == list(range(24))


def test_the_split_depends_on_class_order_and_not_on_the_order_of_the_store():
    labels = _labels(8, 10, 6)
    moved = np.roll(np.arange(24), 5)  # position in the moved store -> position in the sorted one
    (sorted_fold,) = make_folds(PAPER, labels, CLASSES)
    (moved_fold,) = make_folds(PAPER, labels[moved], CLASSES)
    by_class = np.argsort(labels[moved], kind="stable")
    np.testing.assert_array_equal(labels[moved][moved_fold.train], labels[sorted_fold.train])
    np.testing.assert_array_equal(moved_fold.validation, by_class[sorted_fold.validation])


@pytest.mark.parametrize("counts", [(8, 10, 1), (8, 10, 0), (1, 1, 1)])
def test_a_class_with_fewer_than_two_clips_is_refused_with_the_counts(counts):
    with pytest.raises(TrainingError, match=f"at least two clips of every class.*disgust {counts[2]}"):
        make_folds(PAPER, _labels(*counts), CLASSES)


def test_a_class_that_falls_into_the_validation_part_whole_is_refused_with_the_counts():
    with pytest.raises(TrainingError, match="class without a training clip.*disgust 0"):
        make_folds(PAPER, _labels(9, 9, 2), CLASSES)


def test_normalisation_is_the_released_codes():
    volumes = np.random.default_rng(0).integers(0, 255, (6, 4, 3, 3), dtype=np.uint8)
    expected = volumes.astype("float64")
    expected -= np.mean(expected)
    expected /= np.max(expected)
    normalised = Normaliser.fit(volumes)(volumes)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, expected, atol=1e-6)


def test_a_stream_of_one_grey_is_refused():
    with pytest.raises(TrainingError, match="every pixel of the stream is 7"):
        Normaliser.fit(np.full((4, 2, 3, 3), 7, np.uint8))


# === Splits by subject ===


def _subjects(n, people):
    return [f"s{i % people}" for i in range(n)]


@pytest.mark.parametrize("seed", range(5))
def test_the_clean_split_shares_no_person_and_follows_the_seed(seed):
    labels, subjects = _labels(30, 25, 20), np.array(_subjects(75, 13))
    (fold,) = make_folds(PROTOCOLS["clean"], labels, CLASSES, subjects, seed)
    assert not set(subjects[fold.train]) & set(subjects[fold.validation])
    assert sorted([*fold.train, *fold.validation]) == list(range(75))
    assert 10 <= len(fold.validation) <= 20
    (other,) = make_folds(PROTOCOLS["clean"], labels, CLASSES, subjects, seed + 100)
    assert set(other.validation) != set(fold.validation)


def test_the_papers_split_does_not_follow_the_seed():
    folds = [make_folds(PAPER, _labels(8, 10, 6), CLASSES, seed=seed)[0] for seed in (0, 1)]
    np.testing.assert_array_equal(folds[0].validation, folds[1].validation)


def test_loso_has_a_fold_for_each_person_which_holds_all_clips_of_that_person_and_no_other():
    labels, subjects = _labels(8, 10, 6), np.array(_subjects(24, 5))
    folds = make_folds(PROTOCOLS["loso"], labels, CLASSES, subjects)
    assert [fold.name for fold in folds] == ["s0", "s1", "s2", "s3", "s4"]
    for fold in folds:
        assert set(subjects[fold.validation]) == {fold.name}
        assert fold.name not in subjects[fold.train]
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(24))


@pytest.mark.parametrize(("protocol", "people"), [("clean", 4), ("loso", 1)])
def test_too_few_people_for_a_split_by_subject_are_named(protocol, people):
    with pytest.raises(TrainingError, match=f"found {people} .*s0"):
        make_folds(PROTOCOLS[protocol], _labels(8, 10, 6), CLASSES, _subjects(24, people))


@pytest.mark.parametrize("protocol", ["clean", "loso", "mispaired_streams"])
def test_a_split_by_subject_refuses_clips_of_unknown_people_and_names_them(protocol):
    clips = pd.DataFrame({"clip_id": ["a", "b", "c"], "subject": ["s1", "unknown", "unknown"]})
    with pytest.raises(TrainingError, match=r"2 of 3 do not say whose face it is \(b, c\)"):
        require_people(PROTOCOLS[protocol], clips)
    require_people(PROTOCOLS[protocol], clips[:1])


@pytest.mark.parametrize("protocol", ["paper", "shared_subjects", "unshuffled_split"])
def test_a_split_by_clip_does_not_ask_who_is_seen(protocol):
    require_people(PROTOCOLS[protocol], pd.DataFrame({"clip_id": ["a"], "subject": ["unknown"]}))


def test_a_split_by_subject_without_subjects_is_refused():
    with pytest.raises(TrainingError, match="divides by subject, and no subjects were given"):
        make_folds(PROTOCOLS["loso"], _labels(8, 10, 6), CLASSES)


# === What the released code does ===


def test_every_shortcut_departs_from_the_clean_baseline_in_one_field():
    clean = PROTOCOLS["clean"]
    for name, (field, value) in SHORTCUTS.items():
        different = [other for other in CHOICES if getattr(PROTOCOLS[name], other) != getattr(clean, other)]
        assert different == [field]
        assert getattr(PROTOCOLS[name], field) == value
        assert (PROTOCOLS[name].split_seed, PROTOCOLS[name].validation_share) == (None, 0.2)


def test_the_clean_baseline_has_the_first_choice_of_everything():
    for field, known in CHOICES.items():
        assert getattr(PROTOCOLS["clean"], field) == next(iter(known))


@pytest.mark.parametrize("seed", [0, 3])
def test_the_code_of_table_v_splits_eyes_and_mouths_by_two_draws_of_the_runs_seed_and_scores_every_clip(seed):
    labels = _labels(76, 94, 36)
    (fold,) = make_folds(PROTOCOLS["released_code"], labels, CLASSES, seed=seed)
    eyes, _ = train_test_split(np.arange(206), test_size=0.2, random_state=seed)
    mouths, _ = train_test_split(np.arange(206), test_size=0.2, random_state=seed + 1)
    np.testing.assert_array_equal(fold.train, eyes)
    np.testing.assert_array_equal(fold.partner, mouths)
    np.testing.assert_array_equal(fold.validation, np.arange(206))


def test_its_second_version_splits_both_streams_by_seed_42_and_its_third_not_by_chance():
    labels = _labels(76, 94, 36)
    (second,), (third,) = (
        make_folds(PROTOCOLS[f"released_code_{version}"], labels, CLASSES, seed=5)
        for version in ("seed_42", "unshuffled")
    )
    train, _ = train_test_split(np.arange(206), test_size=0.2, random_state=42)
    np.testing.assert_array_equal(second.train, train)
    np.testing.assert_array_equal(third.train, np.arange(164))
    assert second.partner is third.partner is None


@pytest.mark.parametrize("entry", paper.released_files(), ids=lambda entry: entry["path"])
def test_each_released_file_has_the_protocol_that_its_facts_describe(entry):
    name = entry["protocol"]
    versions = (name, f"{name}_seed_42", f"{name}_unshuffled")[: 1 if entry["splits"][0]["seed"] else 3]
    for version, split in zip(versions, entry["splits"], strict=False):
        protocol = PROTOCOLS[version]
        assert protocol.split_seed == split["seed"]
        assert protocol.split == ("holdout" if split["shuffled"] else "unshuffled")
        assert protocol.validate_on == {"held-out clips": "held_out", "all clips": "all_clips"}[entry["validates_on"]]
        assert (protocol.duplicates == "last_class_twice") == (entry["copies"] == [1, 1, 2])
        assert (protocol.frame_order == "listing") == (entry["dataset"] == "smic")
        assert (protocol.normalisation, protocol.reported) == ("all_clips", "best")
        apart = len(entry["streams"]) == 2 and split["seed"] is None and split["shuffled"]
        mouths = entry["streams"] == ["mouth", "mouth"]
        assert (protocol.pairing in ("independent_splits", "mouths_of_two_clips")) == apart
        assert (protocol.pairing in ("mouth_twice", "mouths_of_two_clips")) == mouths


def test_doubled_clips_are_those_of_the_released_smic_script():
    """66 + 47 + 43 clips; each of the last class appended twice in a row; labels written for 156 places of 199."""
    labels = _labels(66, 47, 43)
    samples = make_samples(PROTOCOLS["duplicated_clips"], labels, 3)
    assert len(samples) == 199
    assert samples.clips.tolist() == [*range(113), *np.repeat(np.arange(113, 156), 2)]
    written = np.zeros(199, dtype=int)
    written[66:113], written[113:156] = 1, 2
    np.testing.assert_array_equal(samples.labels, written)


def test_doubled_clips_are_found_in_whatever_order_the_store_has():
    labels = np.array([2, 0, 1, 2, 0, 1])
    samples = make_samples(PROTOCOLS["duplicated_clips"], labels, 3)
    assert samples.clips.tolist() == [1, 4, 2, 5, 0, 0, 3, 3]
    assert samples.labels.tolist() == [0, 0, 1, 1, 2, 2, 0, 0]


def test_an_unshuffled_split_of_clips_sorted_by_class_trains_no_disgust_and_validates_little_else():
    labels = _labels(76, 94, 36)
    (fold,) = make_folds(PROTOCOLS["unshuffled_split"], labels, CLASSES)
    assert np.bincount(labels[fold.train], minlength=3).tolist() == [76, 88, 0]
    assert np.bincount(labels[fold.validation], minlength=3).tolist() == [0, 6, 36]


def test_mispaired_streams_of_a_holdout_come_from_a_second_split():
    protocol = Protocol("pairs", "", split="holdout", split_seed=7, pairing="independent_splits")
    labels = _labels(8, 10, 6)
    (fold,) = make_folds(protocol, labels, CLASSES)
    second, _ = train_test_split(np.arange(24), test_size=0.2, random_state=8)
    np.testing.assert_array_equal(fold.partner, second)
    assert set(fold.partner) & set(fold.validation)  # mouths of validation clips train too


def test_doubled_clips_are_split_in_the_order_in_which_the_released_smic_script_appends_them():
    protocol = Protocol("doubled", "", split="unshuffled", duplicates="last_class_twice")
    samples = make_samples(protocol, _labels(66, 47, 43), 3)
    (fold,) = make_folds(protocol, samples.labels, CLASSES)
    np.testing.assert_array_equal(fold.train, np.arange(159))
    np.testing.assert_array_equal(fold.validation, np.arange(159, 199))


def test_mispaired_streams_of_a_split_by_subject_stay_in_the_training_part():
    (fold,) = make_folds(PROTOCOLS["mispaired_streams"], _labels(8, 10, 6), CLASSES, _subjects(24, 6))
    assert sorted(fold.partner) == sorted(fold.train)
    assert not np.array_equal(fold.partner, fold.train)


def test_frames_as_listed_are_the_same_frames_in_another_order_each_time_the_same():
    volumes = _volumes()
    names = [f"clip{i}" for i in range(5)]
    listed = as_listed(volumes, names)
    assert not np.array_equal(listed, volumes)
    np.testing.assert_array_equal(listed, as_listed(volumes, names))
    np.testing.assert_array_equal(listed[3:], as_listed(volumes[3:], names[3:]))
    for clip, original in zip(listed, volumes, strict=True):
        assert sorted(frame.tobytes() for frame in clip) == sorted(frame.tobytes() for frame in original)


def test_an_unknown_choice_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="'mine', split: expected one of subject_holdout.*found 'kfold'"):
        Protocol("mine", "", split="kfold")


# === Controls ===


def _volumes():
    return np.random.default_rng(1).integers(0, 255, (5, 6, 3, 3), dtype=np.uint8)


def test_shuffled_frames_keeps_each_clips_frames_in_another_order():
    volumes = _volumes()
    shuffled = control_volumes(volumes, "shuffled_frames", np.random.default_rng(0))
    assert not np.array_equal(shuffled, volumes)
    for clip, original in zip(shuffled, volumes, strict=True):
        assert sorted(frame.tobytes() for frame in clip) == sorted(frame.tobytes() for frame in original)


def test_shuffled_frames_shuffles_clips_differently_and_streams_alike():
    volumes = np.broadcast_to(np.arange(6, dtype=np.uint8)[None, :, None, None], (5, 6, 3, 3))
    eyes = control_volumes(volumes, "shuffled_frames", np.random.default_rng(0))
    mouth = control_volumes(volumes, "shuffled_frames", np.random.default_rng(0))
    np.testing.assert_array_equal(eyes, mouth)
    assert len({clip[:, 0, 0].tobytes() for clip in eyes}) > 1


def test_first_frame_leaves_no_motion():
    still = control_volumes(_volumes(), "first_frame", np.random.default_rng(0))
    np.testing.assert_array_equal(still, np.broadcast_to(_volumes()[:, :1], still.shape))


def test_permuted_labels_keeps_the_counts_of_classes():
    labels = _labels(8, 10, 6)
    permuted = control_labels(labels, "permuted_labels", np.random.default_rng(0))
    assert not np.array_equal(permuted, labels)
    np.testing.assert_array_equal(np.bincount(permuted), np.bincount(labels))


@pytest.mark.parametrize("control", ["none", "permuted_labels"])
def test_controls_of_labels_leave_volumes_alone(control):
    np.testing.assert_array_equal(control_volumes(_volumes(), control, np.random.default_rng(0)), _volumes())


@pytest.mark.parametrize("control", ["none", "first_frame", "shuffled_frames"])
def test_controls_of_volumes_leave_labels_alone(control):
    np.testing.assert_array_equal(control_labels(_labels(3, 2), control, np.random.default_rng(0)), _labels(3, 2))
