import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from lib.errors import TrainingError
from lib.protocols import PROTOCOLS, Fold, Protocol, control_labels, control_volumes, make_folds, normalise

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
    fold = Fold("holdout", np.arange(4), np.arange(4, 6))
    expected = volumes.astype("float64")
    expected -= np.mean(expected)
    expected /= np.max(expected)
    normalised = normalise(volumes, PAPER, fold)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, expected, atol=1e-6)


def test_training_clips_normalisation_does_not_see_validation_clips():
    volumes = np.random.default_rng(0).integers(0, 100, (6, 4, 3, 3), dtype=np.uint8)
    fold = Fold("holdout", np.arange(4), np.arange(4, 6))
    strict = Protocol("strict", "", "holdout", 0.2, 4, normalisation="training_clips")
    before = normalise(volumes, strict, fold)[:4]
    volumes[4:] = 255
    np.testing.assert_array_equal(normalise(volumes, strict, fold)[:4], before)
    assert not np.array_equal(normalise(volumes, PAPER, fold)[:4], before)


def test_a_stream_of_one_grey_is_refused():
    with pytest.raises(TrainingError, match="every pixel of the stream is 7"):
        normalise(np.full((4, 2, 3, 3), 7, np.uint8), PAPER, Fold("holdout", np.arange(3), np.arange(3, 4)))


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
