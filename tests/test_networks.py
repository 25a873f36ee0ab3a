import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lib.core.errors import ConfigError
from lib.networks import NETWORKS, STREAMS, build
from lib.networks.backend import keras
from lib.networks.layers import architecture_table, unallocated

REPOSITORY = Path(__file__).resolve().parent.parent
TINY = {"input_shape": (8, 9, 10), "n_classes": 4, "kernel_size": (3, 5, 4)}

# Tables I-III: output shapes below the input, channels last; FuseNet streams are listed once.
# The comments mark where a printed entry contradicts its neighbours and what follows from them is tested instead.
TABLE_1 = {
    96: [(62, 62, 82, 32), (20, 20, 27, 32), (20, 20, 27, 32), (345600,), (128,), (128,), (3,), (3,)],
    18: [(62, 62, 4, 32), (20, 20, 1, 32), (20, 20, 1, 32), (12800,), (128,), (128,), (3,), (3,)],
}
TABLES_2_3_STREAM = {
    96: [(30, 30, 82, 32), (10, 10, 27, 32), (10, 10, 27, 32), (86400,)],  # dropout is printed as 32 x 20 x 20 x 27
    18: [(30, 30, 4, 32), (10, 10, 1, 32), (10, 10, 1, 32), (3200,)],
}
TABLE_2_FUSED = {
    96: [(172800,), (1024,), (1024,), (128,), (128,), (3,), (3,)],  # the concatenation is printed as 86400
    18: [(6400,), (1024,), (1024,), (128,), (128,), (3,), (3,)],
}
TABLE_3_STREAM_DENSE = [(1024,), (1024,), (128,), (128,)]
TABLE_3_FUSED = [(256,), (3,), (3,)]


def _example(model, batch=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((batch, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]


def _shapes(table):
    return table[~table["kind"].isin(["InputLayer", "Reshape"])]["output_shape"].tolist()


def _stream(table, stream):
    return table[table["layer"].str.startswith(f"{stream}_")]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_architecture_turns_its_streams_into_probabilities_and_learns_from_them(name):
    keras.utils.set_random_seed(0)
    model = build(name, **TINY)
    assert model.name == name
    assert tuple(tensor.name for tensor in model.inputs) == STREAMS[name]
    assert {tuple(tensor.shape[1:]) for tensor in model.inputs} == {TINY["input_shape"]}

    volumes = _example(model)
    probabilities = keras.ops.convert_to_numpy(model(volumes if len(volumes) > 1 else volumes[0]))
    assert probabilities.shape == (2, 4)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)

    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(optimizer="sgd", loss="categorical_crossentropy", jit_compile=False)
    model.train_on_batch(volumes if len(volumes) > 1 else volumes[0], np.eye(4, dtype=np.float32)[[0, 1]])
    after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert all((old != new).any() for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("name", "depth", "parameters"),
    [
        ("micro_exp_stcnn", 96, 44_241_667),
        ("micro_exp_stcnn", 18, 1_643_267),
        ("micro_exp_fusenet_intermediate", 96, 177_088_515),
        ("micro_exp_fusenet_intermediate", 18, 6_694_915),
        ("micro_exp_fusenet_late", 96, 177_221_123),
        ("micro_exp_fusenet_late", 18, 6_827_523),
    ],
)
def test_parameters_are_those_of_the_paper(name, depth, parameters):
    size = 64 if name == "micro_exp_stcnn" else 32
    with unallocated():
        model = build(name, (size, size, depth))
    assert model.count_params() == parameters
    assert architecture_table(model)["parameters"].sum() == parameters


@pytest.mark.parametrize("depth", [96, 18])
def test_stcnn_has_the_layers_of_table_1(depth):
    with unallocated():
        table = architecture_table(build("micro_exp_stcnn", (64, 64, depth)))
    assert _shapes(table) == TABLE_1[depth]
    kinds = ["Conv3D", "MaxPooling3D", "Dropout", "Flatten", "Dense", "Dropout", "Dense", "Activation"]
    assert table["kind"].tolist()[2:] == kinds


@pytest.mark.parametrize("depth", [96, 18])
def test_intermediate_fusenet_has_the_layers_of_table_2(depth):
    with unallocated():
        table = architecture_table(build("micro_exp_fusenet_intermediate", (32, 32, depth)))
    for stream in ("eyes", "mouth"):
        assert _shapes(_stream(table, stream)) == TABLES_2_3_STREAM[depth]
    fused = table[~table["layer"].str.contains("eyes|mouth")]
    assert _shapes(fused) == TABLE_2_FUSED[depth]
    assert fused["kind"].tolist() == ["Concatenate", "Dense", "Dropout", "Dense", "Dropout", "Dense", "Activation"]


@pytest.mark.parametrize("depth", [96, 18])
def test_late_fusenet_has_the_layers_of_table_3(depth):
    with unallocated():
        table = architecture_table(build("micro_exp_fusenet_late", (32, 32, depth)))
    for stream in ("eyes", "mouth"):
        assert _shapes(_stream(table, stream)) == TABLES_2_3_STREAM[depth] + TABLE_3_STREAM_DENSE
    fused = table[~table["layer"].str.contains("eyes|mouth")]
    assert _shapes(fused) == TABLE_3_FUSED


@pytest.mark.parametrize("space", [3, 5, 7])
@pytest.mark.parametrize("time", [3, 7, 15, 19])
def test_every_kernel_of_table_9_fits_a_clip_of_96_frames(space, time):
    with unallocated():
        table = architecture_table(build("micro_exp_stcnn", (64, 64, 96), kernel_size=(space, space, time)))
    convolution = table.set_index("layer").loc["convolution"]
    assert convolution["output_shape"] == (65 - space, 65 - space, 97 - time, 32)
    assert convolution["parameters"] == 32 * (space * space * time + 1)


def test_stcnns_dense_layers_start_from_a_normal_distribution_of_deviation_5_percent():
    keras.utils.set_random_seed(0)
    model = build("micro_exp_stcnn", (32, 32, 18))
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in model.get_layer("dense_1").weights)
    assert kernel.std() == pytest.approx(0.05, rel=0.02)
    assert abs(kernel.mean()) < 1e-3
    assert kernel.max() > 0.15  # neither uniform nor truncated
    assert (bias == 0).all()


@pytest.mark.parametrize("name", ["micro_exp_fusenet_intermediate", "micro_exp_fusenet_late"])
def test_fusenets_hidden_dense_layers_have_no_activation(name):
    with unallocated():
        model = build(name, **TINY)
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    assert {layer.activation.__name__ for layer in dense} == {"linear"}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (8, 9)}, "input_shape: expected three positive integers"),
        ({"input_shape": (8, 9, 0)}, "input_shape: expected three positive integers"),
        ({"kernel_size": (3, 3, 2.5)}, "kernel_size: expected three positive integers"),
        ({"kernel_size": (3, 3, 11)}, "kernel of depth 11 does not fit a volume of depth 10"),
        ({"kernel_size": (3, 3, 9)}, "leaves 2 of depth 10, and pooling by 3 leaves nothing.*at least 11"),
        ({"kernel_size": (9, 3, 3)}, "kernel of height 9 does not fit a volume of height 8"),
        ({"n_classes": 1}, "n_classes: expected at least 2, found 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_what_was_expected(name, changes, message):
    with pytest.raises(ConfigError, match=message):
        build(name, **(TINY | changes))


@pytest.mark.parametrize(
    ("name", "message"), [("tensorflw", "expected one of tensorflow, jax, torch"), ("torch", "torch")]
)
def test_an_unknown_or_missing_backend_is_a_config_error(name, message):
    program = (
        "from lib.core.errors import ConfigError\n"
        "try:\n import lib.networks.backend\nexcept ConfigError as e:\n print('caught', e)"
    )
    environment = os.environ | {"KERAS_BACKEND": name, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    if name == "torch" and done.returncode == 0 and not done.stdout:
        pytest.skip("PyTorch is installed")
    assert done.stdout.startswith("caught")
    assert message in done.stdout
