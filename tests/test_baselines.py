"""The other rows of Table V: codes by hand, what leaves them unchanged, what training may not see, their records."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from fake_store import FakeStore
from skimage.data import camera
from skimage.feature import local_binary_pattern

from lib.baselines import METHODS, cnn_augmentation, fcnn_3d, flow, lbp_top, majority, mdmo, patterns, stclqp, ststnet
from lib.baselines import features as kept_features
from lib.baselines.features import clip_features
from lib.core.errors import ConfigError
from lib.core.paths import REPOSITORY
from lib.training import baselines
from lib.training.config import BaselineConfig
from lib.training.inputs import fold_plan
from lib.training.records import RunConfig, find_run, list_runs, run_id, still_named

MACHINES = [name for name, row in METHODS.items() if not row.keras]
# One volume: before, now, after; the pixel in the middle has six neighbours.
TINY = np.array(
    [
        [[0, 4, 0], [4, 9, 4], [0, 4, 0]],
        [[0, 7, 0], [3, 5, 5], [0, 1, 0]],
        [[0, 6, 0], [6, 2, 6], [0, 6, 0]],
    ]
)


@pytest.fixture(scope="module")
def volume():
    """Ten frames of noise, with pixels that are alike."""
    return np.random.default_rng(1).integers(60, 90, (10, 16, 18), dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    return FakeStore(streams=("face",), path=tmp_path / "store", shape=(12, 18, 18))


# === Codes and histograms ===


def test_codes_of_a_tiny_volume_are_those_worked_out_by_hand():
    # the pixel in the middle is 5; bits from the right anticlockwise: 1 where the neighbour is 5 or more
    codes = lbp_top.pattern_codes(TINY, lbp_top.Settings(radii=(1, 1, 1)))
    assert {plane: code.item() for plane, code in codes.items()} == {
        "XY": 0b0011,  # right 5, above 7, left 3, below 1
        "XT": 0b0011,  # right 5, before 9, left 3, after 2
        "YT": 0b0110,  # below 1, before 9, above 7, after 2
    }


def test_the_histogram_of_a_tiny_volume_has_one_bin_a_plane():
    # with four neighbours 0101 and 1010 are not uniform, so that 0011 is label 3 and 0110 label 5 of 15
    found = lbp_top.features(TINY.astype(np.uint8), lbp_top.Settings(radii=(1, 1, 1), blocks=1, depth=3))
    assert np.flatnonzero(found).tolist() == [3, 15 + 3, 30 + 5]
    assert found.sum() == 3


@pytest.mark.parametrize(("points", "radius"), [(4, 1), (8, 1), (8, 2)])
def test_codes_on_the_image_plane_are_scikit_images(points, radius):
    image = camera()[100:160, 100:170].astype(np.int16)
    settings = lbp_top.Settings(points=(points,) * 3, radii=(radius, radius, 1))
    found = lbp_top.pattern_codes(np.stack([image] * 3), settings)["XY"][0]
    expected = local_binary_pattern(image.astype(np.uint8), points, radius)[radius:-radius, radius:-radius]
    # where a neighbour between pixels equals the pixel, the last bit of its interpolation decides
    assert (found == expected).mean() > (0.999 if points == 4 else 0.97)


@pytest.mark.parametrize(("points", "radii"), [((4, 4, 4), (1, 1, 4)), ((8, 8, 8), (1, 1, 2)), ((4, 8, 4), (2, 1, 3))])
def test_codes_at_once_are_those_of_the_loop_over_pixels(volume, points, radii):
    path = REPOSITORY / "benchmarks" / "lbp_top.py"
    spec = importlib.util.spec_from_file_location("lbp_top_by_pixel", path)
    by_pixel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(by_pixel)
    settings, small = lbp_top.Settings(points=points, radii=radii), volume[:, :9, :10].astype(np.int16)
    expected = by_pixel.codes_by_pixel(small, settings)
    for plane, code in lbp_top.pattern_codes(small, settings).items():
        np.testing.assert_array_equal(code, expected[plane])


@pytest.mark.parametrize("points", [4, 8])
def test_a_constant_added_changes_no_pattern(volume, points):
    settings = lbp_top.Settings(points=(points,) * 3)
    for shift in (1, 37, 150):
        for plane, code in lbp_top.pattern_codes(volume.astype(np.int16) + shift, settings).items():
            np.testing.assert_array_equal(code, lbp_top.pattern_codes(volume.astype(np.int16), settings)[plane])
        for plane, code in stclqp.completed_codes(volume.astype(np.int16) + shift, 2).items():
            np.testing.assert_array_equal(code, stclqp.completed_codes(volume.astype(np.int16), 2)[plane])


def test_a_monotone_change_of_grey_changes_no_sign_pattern_between_pixels_of_the_grid(volume):
    curve = np.cumsum(np.random.default_rng(2).integers(1, 9, 256))  # strictly increasing
    changed, plain = curve[volume], volume.astype(np.int64)
    expected = lbp_top.pattern_codes(plain, lbp_top.Settings())
    for plane, code in lbp_top.pattern_codes(changed, lbp_top.Settings()).items():
        np.testing.assert_array_equal(code, expected[plane])
    before, after = (stclqp.completed_codes(one, 2) for one in (plain, changed))
    for plane in patterns.PLANES:
        np.testing.assert_array_equal(after[plane, "sign"], before[plane, "sign"])


def test_completed_codes_of_a_ramp_are_those_worked_out_by_hand():
    ramp = np.tile(10 * np.arange(5), (5, 5, 1))  # brighter to the right, in every row and frame
    codes = {key: code.item() for key, code in stclqp.completed_codes(ramp, 2).items()}
    right, vertical, left = 0b10000011, 0b01000100, 0b00111000  # neighbours 7, 0, 1; 6, 2; 3, 4, 5
    assert codes["XY", "sign"] == right | vertical
    # differences are 20, 10, 10 to each side and 0 twice: their mean is 10
    assert codes["XY", "magnitude"] == right | left
    assert codes["XY", "orientation"] == 0b11111111  # one gradient everywhere
    assert codes["YT", "sign"] == codes["YT", "magnitude"] == 0b11111111  # nothing differs on this plane


def test_words_are_counted_as_shares_of_a_block():
    counts = np.zeros((1, 1, 2, 256), dtype=np.uint16)
    counts[0, 0, 0, [3, 7]] = 1, 3  # the first block: codes 3 and 7
    counts[0, 0, 1, 9] = 5
    words = np.zeros((1, 256), dtype=int)
    words[0, [7, 9]] = 1, 2
    assert stclqp.word_histograms(counts, words, np.array([[0, 1]])).tolist() == [[0.25, 0.75, 0, 0]]


def test_a_clip_too_small_for_the_radii_is_refused():
    with pytest.raises(ConfigError, match="radii"):
        lbp_top.pattern_codes(TINY, lbp_top.Settings(radii=(1, 1, 2)))


# === Flow ===


def shifted_camera(right: float, down: float) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    image = cv2.GaussianBlur(camera()[60:188, 160:288], (0, 0), 2)
    moved = cv2.warpAffine(image, np.array([[1, 0, right], [0, 1, down]]), image.shape[::-1], flags=cv2.INTER_CUBIC)
    return image[32:96, 32:96], moved[32:96, 32:96]


@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.5, -0.5), (-2.0, 1.5)])
def test_flow_finds_a_shift_to_a_tenth_of_a_pixel(shift):
    field = flow.flow(*shifted_camera(*shift))
    assert np.median(field, axis=(0, 1)) == pytest.approx(shift, abs=0.1)


def test_strain_is_what_a_stretch_has_and_a_shift_has_not():
    y, x = np.mgrid[:8, :9].astype(float)
    assert flow.strain(np.dstack([np.full_like(x, 3), np.full_like(x, -2)])).max() == 0
    np.testing.assert_allclose(flow.strain(np.dstack([0.1 * x, -0.2 * y])), np.hypot(0.1, 0.2))


def test_a_movement_of_the_whole_head_is_no_movement_of_its_parts():
    first, second = shifted_camera(1.5, -1.0)
    lengths = mdmo.features(np.stack([first, second]), mdmo.Settings()).reshape(-1, 4)[:, 2]
    assert np.median(lengths) < 0.1


def test_the_apex_is_the_frame_that_has_moved_most():
    fields = np.zeros((4, 5, 5, 2))
    fields[2, 1:3] = 1
    assert ststnet.apex(fields) == 2


# === What training sees ===


class Disturbed(FakeStore):
    """The same clips, those at some positions replaced by noise."""

    def load(self, stream):
        volumes = super().load(stream)
        rng = np.random.default_rng(9)
        volumes[self.disturbed] = rng.integers(0, 256, volumes[self.disturbed].shape, dtype=np.uint8)
        return volumes


@pytest.mark.parametrize("method", MACHINES)
def test_what_is_learned_does_not_depend_on_validation_clips(method, store, tmp_path):
    config = BaselineConfig(method)
    samples, (fold,) = baselines.divided(config, store)
    other = Disturbed(**{**vars(store), "content": "d" * 64, "path": tmp_path / "other"})
    other.disturbed = samples.clips[fold.validation]
    features, changed = (clip_features(method, one, jobs=1)[0] for one in (store, other))
    if method != "majority":
        train = samples.clips[fold.train]
        np.testing.assert_array_equal(features[train], changed[train])
        assert (features[other.disturbed] != changed[other.disturbed]).any()
    learned, again = (baselines.fitted(config, one, samples, fold, 3) for one in (features, changed))
    np.testing.assert_array_equal(learned.predict(features), again.predict(features))
    if method == "stclqp":
        np.testing.assert_array_equal(learned.words, again.words)
        np.testing.assert_array_equal(learned.kept, again.kept)


@pytest.mark.parametrize("protocol", ["paper", "loso", "clean"])
def test_clips_are_divided_as_those_of_a_network(protocol, store):
    samples, folds = baselines.divided(BaselineConfig("majority", protocol, 2), store)
    their_samples, theirs = fold_plan(RunConfig("micro_exp_stcnn", protocol, seed=2), store)
    np.testing.assert_array_equal(samples.labels, their_samples.labels)
    assert [one.name for one in folds] == [one.name for one in theirs]
    for own, other in zip(folds, theirs, strict=True):
        np.testing.assert_array_equal(own.train, other.train)
        np.testing.assert_array_equal(own.validation, other.validation)


@pytest.mark.parametrize("method", ["lbp_top", "stclqp"])
def test_a_movement_that_tells_classes_apart_is_learned(method, store, tmp_path):
    record = baselines.evaluate(BaselineConfig(method), store, tmp_path)
    assert record.summary()["accuracy_last"] > 0.9


def test_the_commonest_class_is_answered():
    answers = majority.fit(np.zeros((5, 1)), np.array([2, 0, 2, 1, 2]), 3, majority.Settings(), 0)
    assert answers.predict(np.zeros((2, 1))).argmax(axis=1).tolist() == [2, 2]


# === Networks ===


@pytest.mark.slow
def test_a_network_learns_the_same_from_equal_seeds(store):
    settings = ststnet.Settings(epochs=1)
    features, labels = np.stack([ststnet.features(one, settings) for one in store.load("face")]), store.labels
    first, again = (ststnet.fit(features, labels, 3, settings, seed=5).predict(features) for _ in range(2))
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(first, again)


def test_networks_take_what_is_made_of_a_clip(store):
    clip = store.load("face")[0]
    flow_and_grey = fcnn_3d.features(clip, fcnn_3d.Settings())
    np.testing.assert_allclose(flow_and_grey[..., 0].mean(), clip.mean(), rtol=0.1)
    inputs = (flow_and_grey, ststnet.features(clip, ststnet.Settings()))
    frame = cnn_augmentation.chosen_frames(clip[None], cnn_augmentation.Settings())[0, 0]
    for module, one in zip((fcnn_3d, ststnet, cnn_augmentation), (*inputs, frame), strict=True):
        assert module.network(one.shape, 3).output_shape == (None, 3)


def test_a_clip_gets_the_class_that_most_of_its_frames_have():
    class Frames:
        def predict(self, images):
            return np.tile([[0.4, 0.6], [0.45, 0.55], [0.99, 0.01]], (2, 1))

    settings = dataclasses.replace(cnn_augmentation.Settings(), frames=3)
    shares = cnn_augmentation.Voters(Frames(), settings).predict(np.zeros((2, 4, 8, 8), dtype=np.uint8))
    assert shares.argmax(axis=1).tolist() == [1, 1]  # two frames against one, though the one is surer


def test_synthetic_copies_look_alike_and_differ():
    image = camera()[::8, ::8][..., None]
    settings, rng = cnn_augmentation.Settings(), np.random.default_rng(0)
    copies = np.stack([cnn_augmentation.synthetic(image, settings, rng) for _ in range(4)])
    assert copies.shape == (4, *image.shape)
    assert copies.dtype == np.uint8
    assert len({copy.tobytes() for copy in copies}) == 4
    assert abs(copies.mean() / image.mean() - 1) < 0.2


# === Features and records that are kept ===


def test_features_are_made_once_and_anew_for_other_clips(store, monkeypatch):
    made, _ = clip_features("lbp_top", store, jobs=1)
    monkeypatch.setattr(kept_features, "_features_of", None)
    np.testing.assert_array_equal(clip_features("lbp_top", store, jobs=1)[0], made)
    (kept,) = (store.path / "features").glob("*.npz")
    assert kept.name.startswith("lbp_top-")
    with pytest.raises(TypeError):
        clip_features("lbp_top", dataclasses.replace(store, content="d" * 64), jobs=1)
    assert list((store.path / "features").glob("*.npz")) == [kept]


def test_settings_of_their_own_give_features_of_their_own(store):
    default, smic = (clip_features(name, store, jobs=1)[0] for name in ("lbp_top", "lbp_top_smic"))
    assert default.shape == (24, 5 * 5 * 3 * 15)
    assert smic.shape == (24, 8 * 8 * 3 * 59)


def test_a_record_is_found_and_read_as_that_of_a_network(store, tmp_path, monkeypatch):
    config = BaselineConfig("lbp_top", "loso")
    assert find_run(config, store, tmp_path) is None
    record = baselines.evaluate(config, store, tmp_path)
    monkeypatch.setattr(lbp_top, "fit", None)
    assert baselines.evaluate(config, store, tmp_path).path == record.path == find_run(config, store, tmp_path).path
    assert record.config == config
    assert still_named(record)
    assert record.predictions("best").drop(columns="at").equals(record.predictions("last").drop(columns="at"))
    assert sorted(record.predictions()["clip"]) == sorted(store.clips["clip_id"])
    assert len(record.history) == len(record.provenance["parameters"]) == store.people
    assert list_runs(tmp_path)[["method", "protocol", "n"]].to_numpy().tolist() == [["lbp_top", "loso", 24]]


def test_an_interrupted_evaluation_goes_on_after_its_last_fold(store, tmp_path, monkeypatch):
    config = BaselineConfig("lbp_top", "loso")
    whole = baselines.evaluate(config, store, tmp_path / "whole").predictions()
    fit, fitted = lbp_top.fit, []

    def interrupted(*arguments):
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(fit(*arguments))
        return fitted[-1]

    monkeypatch.setattr(lbp_top, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        baselines.evaluate(config, store, tmp_path / "runs")
    assert find_run(config, store, tmp_path / "runs") is None
    monkeypatch.setattr(lbp_top, "fit", lambda *arguments: fitted.append(fit(*arguments)) or fitted[-1])
    assert baselines.evaluate(config, store, tmp_path / "runs").predictions().equals(whole)
    assert len(fitted) == store.people
    assert not list((tmp_path / "runs").glob("*.partial"))


def test_a_record_is_named_by_method_settings_split_seed_and_data(store):
    names = {
        run_id(BaselineConfig(*chosen), store)
        for chosen in (("lbp_top",), ("lbp_top_smic",), ("stclqp",), ("lbp_top", "loso"), ("lbp_top", "paper", 1))
    }
    names.add(run_id(BaselineConfig("lbp_top"), dataclasses.replace(store, fingerprint="e" * 64)))
    assert len(names) == 6


def test_a_protocol_that_is_a_networks_alone_is_refused():
    with pytest.raises(ConfigError, match="protocol"):
        BaselineConfig("lbp_top", "released_code")


def test_rows_name_files_and_settings_that_there_are():
    for name, row in METHODS.items():
        assert all((Path(lbp_top.__file__).parent / f"{one}.py").is_file() for one in row.files)
        kept_features.settings_of(name)
