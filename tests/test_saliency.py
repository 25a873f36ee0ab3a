"""The networks whose maps are drawn, and where the face and its motion lie in what they read."""

import dataclasses

import numpy as np
import pytest
from fake_store import FakeStore

from lib import sources
from lib.book.parameters import read_cells, source_path
from lib.core.errors import ConfigError, DivergedError
from lib.networks import STREAMS, build
from lib.networks.backend import keras
from lib.preprocessing import PreprocessConfig
from lib.preprocessing.regions import cut_streams
from lib.saliency import networks, views
from lib.saliency import regions as saliency_regions
from lib.saliency.gradients import score_gradient
from lib.saliency.regions import PARTITIONS, REGIONS
from lib.training.records import RunConfig, find_run, run_id, still_named
from lib.training.run import train

SHAPE, KERNEL = (12, 11, 9), (3, 3, 3)
STCNN, FUSENET = "micro_exp_stcnn", "micro_exp_fusenet_intermediate"
TINY = RunConfig(STCNN, kernel_size=KERNEL, epochs=1)


def network(name=STCNN, seed=1):
    keras.utils.set_random_seed(seed)
    return build(name, SHAPE, 3, KERNEL)


def volumes_of(name=STCNN, n=4):
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(n, *SHAPE)).astype(np.float32) for _ in STREAMS[name])


# === What a network answers and sees ===


@pytest.mark.parametrize("name", [STCNN, FUSENET])
def test_a_gradient_reaches_as_far_as_the_network_sees_and_no_further(name):
    height, width, depth = 11, 11, 8  # the pool drops what does not fill its last window
    for gradient in score_gradient(network(name))(volumes_of(name, n=20), np.zeros(20, int)):
        reached = gradient.any(axis=0)
        assert reached[:height, :width, :depth].all()
        assert not reached[height:].any()
        assert not reached[..., depth:].any()


def test_nothing_can_be_explained_of_no_clip():
    gradients = score_gradient(network(FUSENET))(volumes_of(FUSENET, n=0), np.zeros(0, int))
    assert [part.shape for part in gradients] == [(0, *SHAPE)] * 2


# === Random weights ===


@pytest.fixture(scope="module")
def randomised():
    """As the chapter's page defines it."""
    cells = (cell["source"] for cell in read_cells(source_path("08_saliency")))
    names = {"np": np}
    exec(next(source for source in cells if "def randomised(" in source), names)
    return names["randomised"]


def test_layers_are_made_random_from_the_last_to_the_first_and_stay_so(randomised):
    model, done = network(), []
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    for name in randomised(model, seed=5):
        done.append(name)
        changed = {one for one in before if not np.array_equal(model.get_layer(one).get_weights()[0], before[one][0])}
        assert changed == set(done)
    assert done == ["dense_2", "dense_1", "convolution"]


def test_the_two_streams_of_a_fusenet_are_made_random_too(randomised):
    names = list(randomised(network(FUSENET), seed=5))
    assert names[:3] == ["dense_3", "dense_2", "dense_1"]
    assert sorted(names[3:]) == ["eyes_convolution", "mouth_convolution"]


@pytest.mark.parametrize("steps", [1, 3])
def test_the_network_has_its_weights_back_afterwards_even_if_one_stops_early(randomised, steps):
    model = network()
    before = model.get_weights()
    cascade = randomised(model, seed=5)
    for _ in range(steps):
        next(cascade)
    cascade.close()
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_random_weights_are_drawn_from_the_layers_own_distribution_and_depend_on_the_seed(randomised):
    model = network()
    drawn = []
    for seed in (5, 5, 6):
        for name in randomised(model, seed):
            if name == "dense_1":
                drawn.append(model.get_layer(name).get_weights()[0])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.allclose(drawn[0], drawn[2])
    assert drawn[0].std() == pytest.approx(0.05, rel=0.05)
    assert not np.allclose(drawn[0], network().get_layer("dense_1").get_weights()[0])


# === Finding a network ===


def test_weights_are_kept_and_a_network_is_not_trained_where_that_is_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    missing, reason = networks.find_network(TINY, FakeStore(), train_missing=False)
    assert missing is None
    assert "not kept here" in reason
    trained, reason = networks.find_network(TINY, FakeStore())
    assert reason == ""
    found, _ = networks.find_network(TINY, FakeStore(), train_missing=False)
    np.testing.assert_array_equal(found.get_weights()[0], trained.get_weights()[0])


def test_a_network_whose_loss_is_not_finite_is_missing_with_that_reason(tmp_path, monkeypatch):
    def diverge(*arguments):
        raise DivergedError("the loss was not finite in epoch 2")

    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    monkeypatch.setattr(networks, "trained_model", diverge)
    assert networks.find_network(TINY, FakeStore()) == (None, "the loss was not finite in epoch 2")


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


# === Views ===


class FaceStore(FakeStore):
    """Noise with the landmarks of a face, which moves to the right after the frames that masks come from."""

    def __init__(self, **changes):
        streams = ("frame", "face", "eyes", "mouth")
        super().__init__(**{"clips_per_class": (3, 3, 3), "shape": (8, 64, 64), "streams": streams, **changes})

    def landmarks(self):
        moving = landmarks() + np.array([0, 0, 0, 0, 0, 0, 8, 16])[:, None, None] * (1, 0)
        return np.repeat(moving[None], len(self.labels), axis=0)


def view(name, **changes):
    store = FaceStore(**changes)
    return views.View(store, name, [(HEIGHT, WIDTH)] * len(store.labels))


def at(x, y):
    return int(y * 64 / HEIGHT), int(x * 64 / WIDTH)


EYE, MOUTH, FOREHEAD, WALL = at(136, 104), at(160, 155), at(160, 70), at(20, 20)
SHOWN = {
    "no_background": (EYE, MOUTH, FOREHEAD),
    "eyes_and_mouth": (EYE, MOUTH),
    "all_but_eyes_and_mouth": (FOREHEAD, WALL),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_view_leaves_what_it_shows_and_hides_the_rest_behind_one_grey_in_all_frames(name):
    frames, seen = FaceStore().load("frame"), view(name).load("frame")
    assert seen.shape == frames.shape
    assert seen.dtype == frames.dtype
    visible = views.visible_pixels(name, FaceStore().landmarks()[0], (HEIGHT, WIDTH), 64)
    assert {place for place in (EYE, MOUTH, FOREHEAD, WALL) if visible[place]} == set(SHOWN[name])
    np.testing.assert_array_equal(seen[..., visible], frames[..., visible])
    hidden = seen[..., ~visible].reshape(len(seen), -1)
    assert (hidden == hidden[:, :1]).all()
    np.testing.assert_allclose(hidden[:, 0], frames[..., visible].mean(axis=(1, 2)), atol=0.5)


def test_nothing_of_eyes_and_mouth_is_left_in_what_hides_them():
    points, shape = FaceStore().landmarks()[0], (HEIGHT, WIDTH)
    alone, others = (views.visible_pixels(name, points, shape, 64) for name in list(SHOWN)[1:])
    assert not (alone & others).any()
    for partition in PARTITIONS:
        inside = saliency_regions.face_regions(points[0], shape, partition)[:2].any(axis=0)
        assert not saliency_regions.as_stream(inside[None], "frame", points[0], 64)[0][others].any()


def test_the_face_is_that_stream_in_place_of_the_frame():
    np.testing.assert_array_equal(view("face").load("frame"), FaceStore().load("face"))
    np.testing.assert_array_equal(view("face").load("eyes"), FaceStore().load("eyes"))


def test_a_view_that_is_not_known_is_refused():
    with pytest.raises(ConfigError, match="eyes_and_mouth"):
        view("eyes_and_mouths")


def test_runs_on_a_view_have_names_of_their_own_that_depend_on_the_data_and_not_on_pixels(tmp_path):
    stores = [FaceStore(), *map(view, views.VIEWS), view("face", fingerprint="e" * 64)]
    assert len({store.fingerprint for store in stores}) == len({run_id(TINY, store) for store in stores}) == len(stores)
    assert view("face", shape=(8, 32, 32)).fingerprint == view("face").fingerprint
    record = train(TINY, view("eyes_and_mouth"), tmp_path)
    assert record.provenance["data"]["key"] == "casme2_sq-tiny-eyes_and_mouth"
    assert find_run(TINY, view("eyes_and_mouth"), tmp_path) == record
    assert find_run(TINY, FaceStore(), tmp_path) is None
    assert still_named(record)


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
