import dataclasses

import numpy as np
import pytest
from fake_store import FakeStore
from sklearn.model_selection import train_test_split

from lib.core.errors import TrainingError
from lib.training import inputs
from lib.training.inputs import Normaliser, fold_plan, prepare_fold
from lib.training.protocols import Protocol
from lib.training.records import RunConfig

STCNN = RunConfig("micro_exp_stcnn", protocol="clean", kernel_size=(3, 3, 3))
FUSENET = RunConfig("micro_exp_fusenet_late", protocol="clean", kernel_size=(3, 3, 3))


def _with(config, **changes):
    return dataclasses.replace(config, **changes)


@dataclasses.dataclass
class Overwritten(FakeStore):
    """A store whose clips at some positions are white."""

    white: tuple = ()

    def load(self, stream):
        volumes = super().load(stream)
        volumes[list(self.white)] = 255
        return volumes


def test_volumes_enter_as_height_width_depth():
    store = FakeStore(shape=(8, 12, 9))
    data = prepare_fold(STCNN, store)
    assert data.train[0].shape[1:] == (12, 9, 8)
    assert data.train[0].dtype == np.float32
    position = data.validation_clips[0]
    depth, height, width = np.unravel_index(store.load("frame")[position].argmax(), (8, 12, 9))
    assert data.validation[0][0, height, width, depth] == data.validation[0][0].max()


def test_parts_hold_the_clips_and_labels_of_the_fold():
    store = FakeStore()
    data = prepare_fold(STCNN, store)
    np.testing.assert_array_equal(data.train_labels, store.labels[data.fold.train])
    np.testing.assert_array_equal(data.validation_labels, store.labels[data.validation_clips])
    assert len(data.train[0]) + len(data.validation[0]) == 24


@pytest.mark.parametrize("protocol", ["clean", "loso"])
def test_nothing_of_a_validation_clip_reaches_what_is_trained_on(protocol):
    config = _with(STCNN, protocol=protocol)
    before = prepare_fold(config, FakeStore())
    after = prepare_fold(config, Overwritten(white=tuple(before.validation_clips)))
    np.testing.assert_array_equal(after.train[0], before.train[0])
    assert not np.array_equal(after.validation[0], before.validation[0])


@pytest.mark.parametrize("protocol", ["paper", "normalised_before_split"])
def test_normalising_before_the_split_lets_validation_clips_into_the_training_part(protocol):
    config = _with(STCNN, protocol=protocol)
    before = prepare_fold(config, FakeStore())
    after = prepare_fold(config, Overwritten(white=tuple(before.validation_clips)))
    assert not np.array_equal(after.train[0], before.train[0])


def test_mispaired_streams_train_eyes_with_the_mouths_of_other_clips_and_validate_true_pairs():
    clean, mispaired = (
        prepare_fold(_with(FUSENET, protocol=name), FakeStore()) for name in ("clean", "mispaired_streams")
    )
    np.testing.assert_array_equal(mispaired.train[0], clean.train[0])
    assert not np.array_equal(mispaired.train[1], clean.train[1])
    order = [list(clean.fold.train).index(partner) for partner in mispaired.fold.partner]
    np.testing.assert_array_equal(mispaired.train[1], clean.train[1][order])
    for one, other in zip(mispaired.validation, clean.validation, strict=True):
        np.testing.assert_array_equal(one, other)


def test_mouth_for_eyes_trains_both_streams_on_mouths_and_validates_real_eyes():
    clean, twice = (prepare_fold(_with(FUSENET, protocol=name), FakeStore()) for name in ("clean", "mouth_for_eyes"))
    np.testing.assert_array_equal(twice.train[0], clean.train[1])
    np.testing.assert_array_equal(twice.train[1], clean.train[1])
    np.testing.assert_array_equal(twice.validation[0], clean.validation[0])


def test_mouths_of_two_clips_train_both_streams_on_mouths_split_apart_and_validate_real_eyes(monkeypatch):
    protocol = Protocol(
        "mouths", "", split="holdout", normalisation="all_clips", pairing="mouths_of_two_clips", validate_on="all_clips"
    )
    monkeypatch.setattr(inputs, "PROTOCOLS", {"clean": protocol})
    data, store = prepare_fold(FUSENET, FakeStore()), FakeStore()
    eyes, mouths = (Normaliser.fit(pixels)(pixels) for pixels in (store.load("eyes"), store.load("mouth")))
    first, second = (train_test_split(np.arange(24), test_size=0.2, random_state=seed)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)
    for found, expected in zip(
        (*data.train, *data.validation), (mouths[first], mouths[second], eyes, mouths), strict=True
    ):
        np.testing.assert_array_equal(found, expected.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(data.train_labels, store.labels[first])


def test_a_doubled_clip_counts_twice_in_the_normalisation_by_all_clips(monkeypatch):
    protocol = Protocol("doubled", "", split="holdout", normalisation="all_clips", duplicates="last_class_twice")
    monkeypatch.setattr(inputs, "PROTOCOLS", {"clean": protocol})
    data, pixels = prepare_fold(STCNN, FakeStore()), FakeStore().load("frame")
    doubled = pixels[[*range(18), *np.repeat(np.arange(18, 24), 2)]]
    expected = Normaliser.fit(doubled)(doubled).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(data.train[0], expected[data.fold.train])


def test_doubled_clips_come_with_the_labels_that_were_written():
    store = FakeStore()
    samples, (fold,) = fold_plan(_with(STCNN, protocol="duplicated_clips"), store)
    assert len(samples) == 24 + 6
    data = prepare_fold(_with(STCNN, protocol="duplicated_clips"), store)
    assert len(data.train[0]) == len(fold.train)
    wrong = samples.labels != store.labels[samples.clips]
    assert wrong.sum() == 6
    assert set(store.labels[samples.clips][wrong]) == {2}


def test_permuted_labels_leave_the_split_as_it_is():
    plain, permuted = (fold_plan(_with(STCNN, control=control), FakeStore()) for control in ("none", "permuted_labels"))
    np.testing.assert_array_equal(plain[1][0].validation, permuted[1][0].validation)
    assert not np.array_equal(plain[0].labels, permuted[0].labels)


def test_frames_as_listed_differ_from_frames_in_time():
    plain, listed = (prepare_fold(_with(STCNN, protocol=name), FakeStore()) for name in ("clean", "frames_as_listed"))
    assert not np.array_equal(plain.validation[0], listed.validation[0])
    np.testing.assert_allclose(
        plain.validation[0].sum(axis=-1), listed.validation[0].sum(axis=-1), rtol=1e-4, atol=1e-5
    )


def test_a_store_of_too_few_people_is_refused():
    with pytest.raises(TrainingError, match="at least 5 subjects, found 3"):
        prepare_fold(STCNN, FakeStore(people=3))


def test_the_papers_arrays_are_those_of_the_released_normalisation():
    config = _with(STCNN, protocol="paper")
    data, pixels = prepare_fold(config, FakeStore()), FakeStore().load("frame")
    expected = Normaliser.fit(pixels)(pixels).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(data.train[0], expected[data.fold.train])
