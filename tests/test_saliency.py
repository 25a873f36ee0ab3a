"""Saliency maps, where they lie, what they point at, and what may be said of them."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from fake_store import FakeStore

from lib import sources
from lib.core.errors import DivergedError
from lib.networks import STREAMS, build
from lib.networks.backend import keras
from lib.preprocessing import PreprocessConfig
from lib.preprocessing.regions import cut_streams
from lib.report import saliency_figures, saliency_prose
from lib.saliency import maps as saliency
from lib.saliency import measures as saliency_measures
from lib.saliency import regions as saliency_regions
from lib.saliency.gradients import score_gradient
from lib.saliency.regions import PARTITIONS, REGIONS
from lib.training.records import RunConfig
from lib.training.run import trained_model

SHAPE, KERNEL = (12, 11, 9), (3, 3, 3)
STCNN, FUSENET = "micro_exp_stcnn", "micro_exp_fusenet_intermediate"
TINY = RunConfig(STCNN, kernel_size=KERNEL, epochs=1)


def network(name=STCNN, seed=1):
    keras.utils.set_random_seed(seed)
    return build(name, SHAPE, 3, KERNEL)


def volumes_of(name=STCNN, n=4):
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(n, *SHAPE)).astype(np.float32) for _ in STREAMS[name])


# === Maps ===


@pytest.mark.parametrize("name", [STCNN, FUSENET])
def test_a_map_is_the_positive_part_of_the_gradient_of_every_stream(name):
    model, volumes, classes = network(name), volumes_of(name), np.array([0, 1, 2, 0])
    maps = saliency.saliency_maps(model, volumes, classes)
    assert [part.shape for part in maps] == [part.shape for part in volumes]
    for part, gradient in zip(maps, score_gradient(model)(volumes, classes), strict=True):
        np.testing.assert_array_equal(part, np.where(gradient > 0, gradient, 0))
        assert 0.2 < (part > 0).mean() < 0.8


@pytest.mark.parametrize("name", [STCNN, FUSENET])
def test_saliency_reaches_as_far_as_the_network_sees_and_no_further(name):
    height, width, depth = saliency.seen_size(SHAPE, KERNEL)
    assert (height, width, depth) == (11, 11, 8)
    for part in saliency.saliency_maps(network(name), volumes_of(name, n=20), np.zeros(20, int)):
        salient = part.any(axis=0)
        assert salient[:height, :width, :depth].all()
        assert not salient[height:].any()
        assert not salient[..., depth:].any()


@pytest.mark.parametrize(("depth", "kernel_depth"), [(18, 15), (18, 3), (96, 15), (9, 3), (5, 3)])
def test_frames_are_shown_up_to_the_last_that_the_network_sees(depth, kernel_depth):
    seen = saliency.seen_size((64, 64, depth), (3, 3, kernel_depth))[2]
    shown = saliency.shown_frames(seen)
    assert (shown[0], shown[-1]) == (0, seen - 1)
    assert len(set(shown)) == min(7, seen)
    assert np.ptp(np.diff(shown)) <= 1


def test_the_answer_is_the_class_of_the_highest_probability():
    model, volumes = network(), volumes_of()
    np.testing.assert_array_equal(
        saliency.predicted_classes(model, volumes), np.asarray(model(volumes[0], training=False)).argmax(axis=1)
    )


def test_nothing_can_be_explained_of_no_clip():
    model, volumes = network(FUSENET), volumes_of(FUSENET, n=0)
    predicted = saliency.predicted_classes(model, volumes)
    assert [part.shape for part in saliency.saliency_maps(model, volumes, predicted)] == [(0, *SHAPE)] * 2


def test_a_twentieth_of_a_clip_is_marked_wherever_its_frames_are_salient():
    values = np.random.default_rng(0).random((10, 10, 8)) * np.array([0, 0, 0, 0, 1, 1, 1, 5])
    marked = saliency.binarise(values)
    assert marked.sum() == 40
    assert marked[..., 7].sum() == 40
    assert values[marked].min() > values[~marked].max()


def test_a_map_without_saliency_has_no_mark():
    assert not saliency.binarise(np.zeros((4, 4, 4))).any()


# === Sanity checks ===


def test_layers_are_made_random_from_the_last_to_the_first_and_stay_so():
    model, volumes, classes = network(), volumes_of(), np.zeros(4, int)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    done = []
    for name, maps in saliency.randomised_cascade(model, volumes, classes, seed=5):
        done.append(name)
        changed = {one for one in before if not np.array_equal(model.get_layer(one).get_weights()[0], before[one][0])}
        assert changed == set(done)
        assert not np.allclose(maps[0], saliency.saliency_maps(network(), volumes, classes)[0])
    assert done == ["dense_2", "dense_1", "convolution"]


def test_the_two_streams_of_a_fusenet_are_made_random_too():
    steps = saliency.randomised_cascade(network(FUSENET), volumes_of(FUSENET), np.zeros(4, int), seed=5)
    names = [name for name, _ in steps]
    assert names[:3] == ["dense_3", "dense_2", "dense_1"]
    assert sorted(names[3:]) == ["eyes_convolution", "mouth_convolution"]


@pytest.mark.parametrize("steps", [1, 3])
def test_the_network_has_its_weights_back_afterwards_even_if_one_stops_early(steps):
    model = network()
    before = model.get_weights()
    cascade = saliency.randomised_cascade(model, volumes_of(), np.zeros(4, int), seed=5)
    for _ in range(steps):
        next(cascade)
    cascade.close()
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_random_weights_are_drawn_from_the_layers_own_distribution_and_depend_on_the_seed():
    model = network()
    drawn = []
    for seed in (5, 5, 6):
        for name, _ in saliency.randomised_cascade(model, volumes_of(), np.zeros(4, int), seed):
            if name == "dense_1":
                drawn.append(model.get_layer(name).get_weights()[0])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.allclose(drawn[0], drawn[2])
    assert drawn[0].std() == pytest.approx(0.05, rel=0.05)
    assert not np.allclose(drawn[0], network().get_layer("dense_1").get_weights()[0])


def test_the_initial_network_is_the_one_that_training_starts_from():
    still = trained_model(dataclasses.replace(TINY, learning_rate=1e-30), FakeStore())
    initial = saliency.initial_model(TINY, (12, 12, 8), 3)
    for one, other in zip(still.get_weights(), initial.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_map_is_like_itself_and_unlike_another():
    rng = np.random.default_rng(0)
    one, other = ([rng.random((16, 16, 9)) for _ in range(2)] for _ in range(2))
    assert saliency.similarity(one, one) == pytest.approx({"spearman": 1.0, "ssim": 1.0})
    assert abs(saliency.similarity(one, other)["spearman"]) < 0.05
    assert abs(saliency.similarity(one, other)["ssim"]) < 0.1


def test_likeness_does_not_depend_on_the_scale_of_a_gradient():
    rng = np.random.default_rng(0)
    one, other = [rng.random((16, 16, 9))], [rng.random((16, 16, 9))]
    assert saliency.similarity(one, [1000 * other[0]]) == pytest.approx(saliency.similarity(one, other))


def test_a_map_without_saliency_is_like_none():
    assert np.isnan(list(saliency.similarity([np.zeros((8, 8, 8))], [np.ones((8, 8, 8))]).values())).all()


# === Finding a network ===


def test_weights_are_kept_and_a_network_is_not_trained_where_that_is_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    missing, reason = saliency.find_network(TINY, FakeStore(), train_missing=False)
    assert missing is None
    assert "not kept here" in reason
    trained, reason = saliency.find_network(TINY, FakeStore())
    assert reason == ""
    found, _ = saliency.find_network(TINY, FakeStore(), train_missing=False)
    np.testing.assert_array_equal(found.get_weights()[0], trained.get_weights()[0])


def test_a_network_whose_loss_is_not_finite_is_missing_with_that_reason(tmp_path, monkeypatch):
    def diverge(*arguments):
        raise DivergedError("the loss was not finite in epoch 2")

    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    monkeypatch.setattr(saliency, "trained_model", diverge)
    assert saliency.find_network(TINY, FakeStore()) == (None, "the loss was not finite in epoch 2")


# === Regions ===

WIDTH, HEIGHT = 320, 240


def landmarks():
    """A symmetric face of 68 points: jaw, brows, nose, eyes, mouth, in a frame that is wider than high."""
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.stack([160 + 50 * np.cos(angle), 110 + 75 * np.sin(angle)], axis=1)
    brows = [(x, 90 - 4 * (i % 5 == 2)) for i, x in enumerate([118, 126, 134, 142, 150, 170, 178, 186, 194, 202])]
    nose = [(160, y) for y in (105, 113, 121, 129)] + [(x, 135) for x in (152, 156, 160, 164, 168)]
    eyes = [
        (centre + dx, 104 + dy)
        for centre in (136, 184)
        for dx, dy in ((-10, 0), (-4, -4), (4, -4), (10, 0), (4, 4), (-4, 4))
    ]
    turn = np.linspace(np.pi, 3 * np.pi, 13)[:12]
    mouth = [(160 + 18 * np.cos(t), 155 + 8 * np.sin(t)) for t in turn]
    lips = [(160 + 10 * np.cos(t), 155 + 2 * np.sin(t)) for t in np.linspace(np.pi, 3 * np.pi, 9)[:8]]
    return np.concatenate([jaw, brows, nose, eyes, mouth, lips]).astype(np.float32)


def region_at(regions, x, y):
    return [name for name, one in zip(REGIONS, regions, strict=True) if one[int(y), int(x)]]


@pytest.mark.parametrize("partition", PARTITIONS)
def test_every_pixel_belongs_to_one_region(partition):
    regions = saliency_regions.face_regions(landmarks(), (HEIGHT, WIDTH), partition)
    assert regions.shape == (4, HEIGHT, WIDTH)
    assert (regions.sum(axis=0) == 1).all()
    assert regions.any(axis=(1, 2)).all()


@pytest.mark.parametrize(("partition", "cheek"), [("crops", "mouth"), ("parts", "rest of the face")])
def test_eyes_mouth_cheek_forehead_chin_and_wall_are_where_they_should_be(partition, cheek):
    regions = saliency_regions.face_regions(landmarks(), (HEIGHT, WIDTH), partition)
    expected = {
        (136, 104): "eyes", (184, 104): "eyes", (160, 155): "mouth", (128, 145): cheek,
        (160, 62): "rest of the face", (160, 182): "rest of the face", (20, 20): "background", (300, 120): "background",
    }  # fmt: skip
    assert {place: region_at(regions, *place) for place in expected} == {k: [v] for k, v in expected.items()}


def test_an_unknown_partition_is_refused():
    with pytest.raises(ValueError, match="expected one of crops, parts, found 'halves'"):
        saliency_regions.face_regions(landmarks(), (HEIGHT, WIDTH), "halves")


@pytest.mark.parametrize("crop", ["authors", "steady"])
@pytest.mark.parametrize("stream", ["frame", "eyes", "mouth"])
def test_maps_go_to_the_pixels_of_a_stream_as_the_picture_did(stream, crop):
    config = PreprocessConfig(frames=3, crop=crop)
    points = landmarks()[None] + np.array([0, 3, 7])[:, None, None]
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    cut = cut_streams([np.repeat(picture[..., None], 3, axis=2)] * 3, points, config)[stream]
    for image, bounds in zip(cut, saliency_regions.crop_points(points, config), strict=True):
        mapped = saliency_regions.as_stream(picture[None].astype(float), stream, bounds, config.size(stream))[0]
        np.testing.assert_allclose(mapped, image, atol=1.5)  # the picture is rounded twice on its way


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("stream", ["frame", "eyes", "mouth"])
def test_the_regions_of_a_volume_follow_the_face_and_fill_each_pixel(stream, partition):
    config = PreprocessConfig(frames=2)
    points = np.stack([landmarks(), landmarks() + (40, 0)])
    regions = saliency_regions.clip_regions(points, (HEIGHT, WIDTH), stream, config, partition).astype(float)
    size = config.size(stream)
    assert regions.shape == (4, size, size, 2)
    np.testing.assert_allclose(regions.sum(axis=0), 1, atol=2e-3)
    if stream == "frame":
        x, y = 160 * 64 / WIDTH, 155 * 64 / HEIGHT  # the middle of the mouth, 40 pixels to the right in frame 1
        assert regions[REGIONS.index("mouth"), int(y), int(x), 0] > 0.9
        assert regions[REGIONS.index("mouth"), int(y), int(x + 40 * 64 / WIDTH), 1] > 0.9
    elif partition == "crops":
        np.testing.assert_allclose(regions[REGIONS.index(stream)], 1, atol=1e-3)


# === Motion ===


def test_flow_finds_what_moves_and_how_far():
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(0, 256, (40, 40), dtype=np.uint8), np.ones((4, 4), np.uint8))
    moved = texture.copy()
    moved[40:120, 43:123] = texture[40:120, 40:120]
    frames = np.repeat(np.stack([texture, moved])[..., None], 3, axis=3)
    found = saliency_regions.optical_flow(frames)
    assert found.shape == (2, 160, 160)
    assert not found[0].any()
    assert np.median(found[1, 60:100, 60:100]) == pytest.approx(3, abs=0.3)
    assert np.median(found[1, :20]) < 0.2


@pytest.fixture
def standin(small_smic):
    return sources.load("smic", small_smic)


def test_the_motion_of_a_stand_in_is_its_truth_and_flow_agrees_with_it(standin):
    from lib.standin import read_truth

    config = PreprocessConfig(frames=18)
    for clip in standin.clips[::2]:
        truth = read_truth(standin.root, clip.clip_id)
        points = truth.landmarks[:18]
        known, eyes = saliency_regions.clip_motion(standin, clip, points, ("frame", "eyes"), config)
        assert (known.shape, eyes.shape) == ((64, 64), (32, 32))
        peak = np.unravel_index(known.argmax(), known.shape)
        mean = np.mean([truth.motion_magnitude(frame) for frame in range(18)], axis=0)
        expected = np.unravel_index(mean.argmax(), mean.shape)
        np.testing.assert_allclose(peak, np.array(expected) * 64 / len(mean), atol=1.5)
        (estimated,) = saliency_regions.clip_motion(
            dataclasses.replace(standin, standin=None), clip, points, ("frame",), config
        )
        assert estimated.shape == (64, 64)
        assert np.isfinite(estimated).all()
        assert estimated.max() > 0


def test_interpolated_volumes_have_motion_too(standin):
    config = PreprocessConfig(frames=6, sampling="tim")
    clip, points = standin.clips[0], np.repeat(landmarks()[None], 6, axis=0)
    for data in (standin, dataclasses.replace(standin, standin=None)):
        (moved,) = saliency_regions.clip_motion(data, clip, points, ("frame",), config)
        assert moved.max() > 0


# === Measures ===


def quarters(n=5, depth=6):
    """Regions that are a vertical quarter of the picture each."""
    regions = np.zeros((n, 4, 8, 8, depth), np.float16)
    for region in range(4):
        regions[:, region, :, 2 * region : 2 * region + 2] = 1
    return [regions]


def test_saliency_in_one_region_is_all_its_share_and_even_saliency_the_share_of_the_area():
    maps = np.zeros((5, 8, 8, 6), np.float32)
    maps[0, :, 2:4] = 0.5
    maps[1] = 7.0
    maps[2, :, 1:3] = 1.0
    shares = saliency_measures.region_shares([maps], quarters())
    np.testing.assert_allclose(shares[0], [0, 1, 0, 0])
    np.testing.assert_allclose(shares[1], 0.25)
    np.testing.assert_allclose(shares[2], [0.5, 0.5, 0, 0])
    assert np.isnan(shares[3:]).all()
    np.testing.assert_allclose(saliency_measures.area_shares(quarters(), (8, 8, 6)), 0.25)


def test_area_beyond_what_the_network_sees_does_not_count():
    np.testing.assert_allclose(saliency_measures.area_shares(quarters(), (8, 6, 5))[0], [1 / 3, 1 / 3, 1 / 3, 0])


def test_two_streams_share_one_whole():
    eyes, mouth = np.ones((5, 8, 8, 6), np.float32), 3 * np.ones((5, 8, 8, 6), np.float32)
    of_eyes, of_mouth = (np.zeros((5, 4, 8, 8, 6), np.float16) for _ in range(2))
    of_eyes[:, 0], of_mouth[:, 1] = 1, 1
    shares = saliency_measures.region_shares([eyes, mouth], [of_eyes, of_mouth])
    np.testing.assert_allclose(shares, [[0.25, 0.75, 0, 0]] * 5)


def shares_of(rest, n=12, spread=0.01, seed=0):
    values = rest + spread * np.random.default_rng(seed).normal(size=n)
    return np.stack([np.full(n, 0.1), np.full(n, 0.1), values, 0.8 - values], axis=1)


def random_of(rest, n=12):
    """Three draws that differ by two points."""
    return np.stack([shares_of(rest + shift, n, seed=1) for shift in (-0.01, 0.0, 0.01)])


def table_of(rest=0.3, area=0.2, random=0.2, n=12):
    areas = np.tile([0.1, 0.1, area, 0.8 - area], (n, 1))
    return saliency_measures.share_table(shares_of(rest, n), areas, random_of(random, n), 500, seed=0)


def test_a_table_of_shares_holds_ratio_and_gain_with_intervals():
    row = table_of().loc["rest of the face"]
    assert row["ratio"] == pytest.approx(row["share"] / 0.2)
    assert row["share_low"] < row["share"] < row["share_high"]
    assert row["ratio_low"] == pytest.approx(row["share_low"] / 0.2)
    assert row["gain"] == pytest.approx(row["share"] - row["random"])
    assert 0.08 < row["gain_low"] < row["gain_high"] < 0.12
    assert (row["random_low"], row["random_high"]) == pytest.approx((row["random"] - 0.01, row["random"] + 0.01))


def test_clips_without_saliency_are_left_out():
    shares = shares_of(0.3)
    shares[5] = np.nan
    areas = np.tile([0.1, 0.1, 0.2, 0.6], (12, 1))
    table = saliency_measures.share_table(shares, areas, random_of(0.2), 100, seed=0)
    assert table["share"].to_numpy() == pytest.approx(np.nanmean(shares, axis=0))
    assert np.isfinite(table.to_numpy()).all()


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_clips_have_no_interval(n):
    table = table_of(n=n)
    assert np.isnan(table[["share_low", "ratio_high", "gain_low"]].to_numpy()).all()
    assert np.isfinite(table["share"]).all() == (n == 1)


def test_the_interval_of_a_mean_narrows_with_the_number_of_clips_and_covers():
    rng = np.random.default_rng(0)
    covered = [
        found["low"] <= 0 <= found["high"]
        for found in (saliency_measures.mean_interval(rng.normal(size=30), 300, seed) for seed in range(200))
    ]
    assert 0.88 < np.mean(covered) < 0.98


def motion_of(position, n=3):
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(8), indexing="ij"))
    distance = np.hypot(*(grid - np.array(position)[:, None, None]))
    return np.repeat(np.exp(-((distance / 2) ** 2))[None], n, axis=0)


def test_saliency_that_follows_the_motion_hits_and_correlates_and_one_that_avoids_it_does_not():
    motion = motion_of((2, 3))
    maps = np.repeat(motion[..., None], 6, axis=3).astype(np.float32)
    maps[1] = 1 - maps[1]
    maps[2] = 0
    background = np.zeros((3, 8, 8, 6))
    background[:, 6:] = 1
    found = saliency_measures.motion_measures([maps], [motion], [background])
    assert found["hit"].tolist()[:2] == [True, False]
    assert found["hit"].isna().tolist() == [False, False, True]
    assert found["spearman"][0] == pytest.approx(1)
    assert found["spearman_in_face"][1] == pytest.approx(-1)
    assert np.isnan(found["spearman"][2])
    moving = motion[0] >= 0.5 * motion[0].max()
    assert found["chance"][0] == pytest.approx(moving.mean())
    assert found["chance_in_face"][0] == pytest.approx(moving[:6].mean())
    summary = saliency_measures.motion_summary(found, 100, seed=0)
    assert (summary["pointing_game"]["hits"], summary["pointing_game"]["n"]) == (1, 2)
    assert summary["spearman"]["n"] == 2
    json.dumps(summary, allow_nan=False)


def test_the_peak_is_looked_for_in_both_streams():
    still, moving = np.full((1, 8, 8), 1e-3), motion_of((4, 4), n=1)
    quiet, loud = np.full((1, 8, 8, 2), 0.1, np.float32), np.zeros((1, 8, 8, 2), np.float32)
    loud[0, 4, 4] = 1
    background = [np.zeros((1, 8, 8, 2))] * 2
    assert saliency_measures.motion_measures([quiet, loud], [still, moving], background)["hit"].tolist() == [True]
    assert saliency_measures.motion_measures([loud, quiet], [still, moving], background)["hit"].tolist() == [False]


def test_draws_of_random_weights_are_averaged_within_a_clip():
    rows = pd.DataFrame(
        [
            {"clip": clip, "step": step, "draw": draw, "spearman": clip / 10 + draw, "ssim": np.nan}
            for step in ("dense_2", "convolution")
            for draw in (0, 1)
            for clip in range(4)
        ]
    )
    curve = saliency_measures.similarity_curve(rows, 200, seed=0)
    assert curve["step"].tolist() == ["dense_2", "convolution"]
    assert curve["spearman"].tolist() == pytest.approx([0.65, 0.65])
    assert (curve["spearman_high"] - curve["spearman_low"]).max() < 0.3  # of clips, not of draws
    assert curve["ssim"].isna().all()
    json.dumps(saliency_measures.plain_records(curve), allow_nan=False)


# === What is said ===


@pytest.mark.parametrize(("clips", "measured"), [(40, True), (1, False)])
def test_the_rest_of_the_face_is_a_result_where_it_has_an_interval(clips, measured):
    found = saliency_measures.rest_of_face(table_of(n=clips))
    assert all((value is not None) == measured for value in found.values())
    json.dumps(found, allow_nan=False)


def test_a_network_that_answers_one_class_and_clips_without_saliency_are_named():
    maps = [np.ones((4, 2, 2, 2))]
    maps[0][1] = 0
    text = saliency_prose.answer_sentences(np.array([1, 1, 1, 1]), np.array([0, 1, 2, 1]), maps)
    assert "4 validation clips; 2 of them are right" in text
    assert "the same class to all" in text
    assert "**1 clip has no saliency**" in text
    nothing = saliency_prose.answer_sentences(np.array([]), np.array([]), [np.ones((0, 2, 2, 2))], "it is gone")
    assert "Nothing is measured on this page: there is no network to explain**, as it is gone." in nothing
    assert "Another seed" in nothing


def test_a_page_without_weights_says_how_to_get_them_and_holds_no_number():
    n_regions, nothing = len(REGIONS), np.zeros((0, 8, 8, 6), np.float32)
    empty = saliency_measures.share_table(
        np.zeros((0, n_regions)), np.zeros((0, n_regions)), np.zeros((1, 0, n_regions)), 10, seed=0
    )
    tables, curve = {"crops": empty}, saliency_measures.similarity_curve(pd.DataFrame(), 10, seed=0)
    measured = saliency_measures.motion_measures([nothing], [nothing[..., 0]], [nothing])
    summary = saliency_measures.motion_summary(measured, 10, seed=0)
    text = saliency_prose.answer_sentences(np.zeros(0), np.zeros(0), [nothing], saliency.NOT_KEPT)
    assert "`TRAIN=no`" in text
    assert "`train_missing`" in text
    for shown in (
        saliency_figures.share_bars(tables, standin=True),
        saliency_figures.sanity_curves(curve, curve, standin=True),
        saliency_prose.share_display(tables, standin=True),
        saliency_prose.motion_display(summary, standin=True),
    ):
        assert shown is None
    for said in (
        saliency_prose.share_sentences(tables),
        saliency_prose.motion_sentences(summary, standin=True),
        saliency_prose.sanity_sentences(curve, curve),
    ):
        assert said == "Nothing was measured."
    assert set(saliency_measures.rest_of_face(empty).values()) == {None}


def test_what_the_network_cannot_see_is_said():
    assert "the last 2 rows, the last 2 columns and the last frame" in saliency_prose.seen_sentences(
        (64, 64, 18), saliency.seen_size((64, 64, 18), (3, 3, 15))
    )
    assert "every pixel" in saliency_prose.seen_sentences((11, 11, 11), saliency.seen_size((11, 11, 11), (3, 3, 3)))


@pytest.mark.parametrize(("hits", "words"), [(0, "not clearly more or less"), (20, "more often than")])
def test_the_pointing_game_is_held_against_chance(hits, words):
    measured = pd.DataFrame(
        {"hit": [True] * hits + [False] * (20 - hits), "chance": 0.05, "chance_in_face": 0.1,
         "spearman": 0.2, "spearman_in_face": np.linspace(-0.5, -0.1, 20)}
    ).astype({"hit": "boolean"})  # fmt: skip
    summary = saliency_measures.motion_summary(measured, 200, seed=0)
    text = saliency_prose.motion_sentences(summary, standin=True)
    assert words in text
    assert "*less* motion" in text
    assert saliency_prose.motion_display(summary, standin=True).data.shape == (3, 4)
    assert "stand-in" in saliency_prose.motion_display(summary, standin=True).to_html()
    assert "stand-in" not in saliency_prose.motion_display(summary, standin=False).to_html()


def curve(*rows):
    return pd.DataFrame(
        [
            {"step": step, "n": 5, **{f"{name}{end}": value + shift for name in ("spearman", "ssim")
                                      for end, shift in (("", 0), ("_low", -0.01), ("_high", 0.01))}}
            for step, value in rows
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("permuted", "words"),
    [
        (0.9, "changes the correlation by +0.50"),
        (0.42, "changes the correlation by +0.02"),
        (0.4, "changes the correlation by +0.00"),
    ],
)
def test_permuted_labels_are_held_against_the_common_beginning_by_the_size_of_the_difference(permuted, words):
    others = curve(("permuted labels", permuted), ("initial weights", 0.4))
    text = saliency_prose.sanity_sentences(curve(("dense_2", 0.2), ("convolution", 0.1)), others)
    assert f"{words}, where +0.60 would make the maps the same" in text
    assert "One network each: the intervals are over clips and do not cover other seeds." in text
    assert "+0.10" in text


def test_missing_networks_and_measures_are_told_without_numbers():
    empty = saliency_measures.similarity_curve(pd.DataFrame(), 10, seed=0)
    assert saliency_prose.sanity_sentences(empty, empty) == "Nothing was measured."
    assert "too few clips" in saliency_prose.share_sentences({"crops": table_of(n=1)})
    only_initial = curve(("initial weights", 0.4))
    assert "permuted" not in saliency_prose.sanity_sentences(curve(("dense_2", 0.2)), only_initial)
    assert "**There is no network to explain**: gone." in saliency_prose.network_sentences({"to explain": "gone"})


def test_shares_are_named_where_their_intervals_exclude_the_area():
    text = saliency_prose.share_sentences({"crops": table_of()})
    assert "denser than the area in *rest of the face*" in text
    assert "thinner than the area in *background*" in text
    assert "do not cover other seeds" in text
    shown = saliency_prose.share_display({"crops": table_of(), "parts": table_of(area=0.1)}, standin=True)
    assert shown.data.loc[("crops", "rest of the face"), "share of the area"] == "20.0%"
    assert len(shown.data) == 2 * len(REGIONS)
    assert "stand-in" in shown.to_html()


def test_a_clip_without_saliency_has_no_cross():
    maps, parts = [np.zeros((8, 8)), np.eye(8)], {"crops": [quarters()[0][0, ..., 0]] * 2}
    frames = [np.zeros((8, 8), np.uint8)] * 2
    figure = saliency_figures.region_panels(frames, parts, maps, [np.ones((8, 8))] * 2, ["a", "b"], "motion", True)
    assert [len(axis.lines) for axis in figure.axes] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("standin", [True, False])
def test_every_figure_of_a_stand_in_says_so_and_no_other_does(standin):
    rng = np.random.default_rng(0)
    frames, maps = [rng.integers(0, 256, (5, 8, 8), dtype=np.uint8)] * 2, [rng.random((8, 8, 5)), np.zeros((8, 8, 5))]
    flat = [one.sum(axis=-1) for one in maps]
    regions = {name: [quarters()[0][0, ..., 0]] * 2 for name in PARTITIONS}
    figures = [
        saliency_figures.saliency_strips(frames, maps, ["one", "two"], [0, 2, 4], standin),
        saliency_figures.region_panels([one[0] for one in frames], regions, flat, flat, ["a", "b"], "motion", standin),
        saliency_figures.share_bars({"crops": table_of(), "parts": table_of(n=0)}, standin),
        saliency_figures.sanity_curves(curve(("dense_2", 0.2)), curve(("permuted labels", 0.5)), standin),
    ]
    for figure in figures:
        figure.canvas.draw()
        assert any("stand-in" in text.get_text() for text in figure.texts) == standin
