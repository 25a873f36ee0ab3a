"""Every backend computes the same networks, the same training step and the same gradients."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lib.core import paths
from lib.networks import NETWORKS, build
from lib.networks.backend import backend_name, jit_compile, keras
from lib.saliency.gradients import score_gradient

SHAPE, KERNEL, CLASSES = (8, 9, 10), (3, 5, 4), 4
LABELS = np.array([0, 1, 2])


def computed() -> dict[str, np.ndarray]:
    """Outputs, gradients and the weights after one step of each network, from weights and clips that a seed gives."""
    found = {}
    for name in NETWORKS:
        rng = np.random.default_rng(0)
        model = build(name, SHAPE, CLASSES, KERNEL)
        for layer in model.layers:
            if type(layer).__name__ == "Dropout":
                layer.rate = 0.0  # the backends draw different masks
        model.set_weights([rng.normal(0, 0.05, weight.shape).astype("float32") for weight in model.weights])
        volumes = [rng.standard_normal((3, *SHAPE)).astype("float32") for _ in model.inputs]
        given = volumes if len(volumes) > 1 else volumes[0]
        found[f"{name}/output"] = model.predict(given, verbose=0)
        for number, gradient in enumerate(score_gradient(model)(tuple(volumes), LABELS)):
            found[f"{name}/gradient{number}"] = gradient
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", jit_compile=jit_compile())
        model.train_on_batch(given, np.eye(CLASSES, dtype="float32")[LABELS])
        for number, weight in enumerate(model.get_weights()):
            found[f"{name}/weight{number}"] = weight
    return found


@pytest.fixture(scope="module")
def ours():
    return computed()


@pytest.fixture(scope="module", params=[name for name in ("tensorflow", "jax", "torch") if name != backend_name()])
def theirs(request, tmp_path_factory):
    """The same under another backend, in a process of its own."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    file = tmp_path_factory.mktemp("backend") / "computed.npz"
    program = (
        "import sys, numpy, test_backends\n"
        "assert test_backends.backend_name() == sys.argv[1]\n"
        "numpy.savez(sys.argv[2], **test_backends.computed())"
    )
    path = os.pathsep.join([str(paths.REPOSITORY), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program, request.param, str(file)],
        env=os.environ | {"KERAS_BACKEND": request.param, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(file)


@pytest.mark.slow
def test_another_backend_computes_the_same_networks_and_the_same_step(ours, theirs):
    assert set(theirs.files) == set(ours)
    for name in ours:
        if "gradient" not in name:
            # where two values tie but for rounding, a max-pool may send its gradient either way
            tolerance = 1e-6 if name.endswith("output") else 1e-3
            np.testing.assert_allclose(theirs[name], ours[name], atol=tolerance, rtol=0, err_msg=name)


@pytest.mark.slow
def test_another_backend_gives_the_same_gradients(ours, theirs):
    for name in (name for name in ours if "gradient" in name):
        # an arg-max of the pool may flip between correct implementations, and moves one value by much
        assert np.mean(np.abs(theirs[name] - ours[name]) > 1e-4) < 0.01, name
        assert np.corrcoef(theirs[name].ravel(), ours[name].ravel())[0, 1] > 0.999, name
