"""The gradient of a class score: against finite differences, and on every input."""

import numpy as np
import pytest

from lib.networks import NETWORKS, STREAMS, build
from lib.networks.backend import keras
from lib.saliency.gradients import score_gradient, score_model

SHAPE = (8, 9, 7)  # height, width, depth: all different, so that a swapped axis shows
KERNEL = (3, 3, 3)


def network(name="micro_exp_stcnn", seed=1):
    keras.utils.set_random_seed(seed)
    return build(name, SHAPE, 3, KERNEL)


def clips(name, n=5, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=(n, *SHAPE)).astype(np.float32) for _ in STREAMS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_the_slope_of_the_score_along_a_random_direction(name):
    model, volumes, classes = network(name), clips(name), np.array([0, 1, 2, 1, 0])
    gradients = score_gradient(model)(volumes, classes)
    scores = score_model(model)
    rng, step = np.random.default_rng(7), 1e-3
    for stream in range(len(volumes)):
        direction = rng.normal(size=volumes[stream].shape).astype(np.float32)

        def scored(sign, stream=stream, direction=direction):
            moved = [one + sign * step * direction if at == stream else one for at, one in enumerate(volumes)]
            return np.asarray(scores.predict(moved, verbose=0), np.float64)[np.arange(5), classes]

        slope = (scored(1) - scored(-1)) / (2 * step)
        expected = (gradients[stream].astype(np.float64) * direction).sum(axis=(1, 2, 3))
        # the tolerance is for the kinks of ReLU and pool, some of which the step crosses
        np.testing.assert_allclose(slope, expected, atol=0.05 * np.abs(expected).max())


def test_every_single_value_has_its_slope_at_its_own_place():
    model, (volume,) = network(), clips("micro_exp_stcnn", n=1)
    (gradient,) = score_gradient(model)((volume,), np.array([2]))
    steepest = np.argsort(np.abs(gradient[0]).ravel())[-40:]
    step, at = 2e-3, (np.arange(40), *np.unravel_index(steepest, SHAPE))
    up, down = np.repeat(volume, 40, axis=0), np.repeat(volume, 40, axis=0)
    up[at] += step
    down[at] -= step
    scored = [score_model(model).predict(moved, verbose=0)[:, 2].astype(np.float64) for moved in (up, down)]
    slopes = (scored[0] - scored[1]) / (2 * step)
    right = np.abs(slopes - gradient[0].ravel()[steepest]) < 0.03 * np.abs(slopes)
    assert right.mean() > 0.9  # a few steps cross a kink


def test_the_score_is_taken_before_softmax():
    model, (volume,) = network(), clips("micro_exp_stcnn")
    scores = score_model(model).predict(volume, verbose=0)
    np.testing.assert_allclose(
        np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), model.predict(volume, verbose=0), rtol=1e-4
    )
    assert np.abs(scores.sum(axis=1) - 1).min() > 1e-4


def test_a_network_without_softmax_is_refused():
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="last")])
    with pytest.raises(ValueError, match="No such layer: softmax.*last"):
        score_gradient(plain)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_size_changes_nothing(batch_size):
    model, volumes, classes = network(), clips("micro_exp_stcnn"), np.array([0, 1, 2, 1, 0])
    np.testing.assert_allclose(
        score_gradient(model, batch_size)(volumes, classes)[0], score_gradient(model)(volumes, classes)[0], atol=1e-5
    )


def test_the_gradient_follows_weights_that_change_after_it_was_made():
    model, volumes, classes = network(), clips("micro_exp_stcnn"), np.zeros(5, int)
    gradient = score_gradient(model)
    before = gradient(volumes, classes)[0]
    layer = model.get_layer("dense_2")
    layer.set_weights([-2 * layer.get_weights()[0], layer.get_weights()[1]])
    np.testing.assert_allclose(gradient(volumes, classes)[0], -2 * before, atol=1e-5)


def test_a_missing_input_is_refused():
    model = network("micro_exp_fusenet_late")
    with pytest.raises(ValueError, match="expected 2 arrays with 5 clips"):
        score_gradient(model)(clips("micro_exp_stcnn"), np.zeros(5, int))
