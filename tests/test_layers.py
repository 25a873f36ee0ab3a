"""Costs are counted by the rule that the module states: against hand-computed numbers, and against Keras' own count."""

import math

import pytest

from lib.audit.architectures import VOLUMES, cost, layers
from lib.core.catalogue import PAPER_NETWORKS
from lib.core.errors import ConfigError
from lib.networks import build
from lib.networks.layers import architecture_table, unallocated
from lib.training.plans import PAPER_KERNELS


def test_a_small_network_costs_what_a_pencil_says():
    rows = {layer.name: layer for layer in layers("micro_exp_stcnn", (8, 9, 10), (3, 5, 4), 4)}
    # 6 x 5 x 7 positions of 32 filters with 60 weights each, and a bias per filter; the pool leaves 2 x 1 x 2 of each
    counted = {
        "convolution": (32 * 61, 6 * 5 * 7 * 32 * 60),
        "dense_1": (129 * 128, 128 * 128),
        "dense_2": (129 * 4, 128 * 4),
    }
    assert {name: (one.parameters, one.multiply_adds) for name, one in rows.items() if one.parameters} == counted
    assert cost("micro_exp_stcnn", (8, 9, 10), (3, 5, 4), 4) == tuple(map(sum, zip(*counted.values(), strict=True)))


@pytest.mark.parametrize("name", PAPER_NETWORKS)
@pytest.mark.parametrize("depth", [96, 18])
def test_sizes_and_parameters_are_those_of_every_layer_that_keras_builds(name, depth):
    volume = (*VOLUMES[name][:2], depth)
    with unallocated():
        built = architecture_table(build(name, volume)).set_index("layer")
    counted = {layer.name: layer for layer in layers(name, volume)}
    for layer in built.index.intersection(list(counted)):
        shape, own = built.loc[layer, "output_shape"], counted[layer]
        assert own.size == ((shape[-1], *shape[:-1]) if len(shape) == 4 else shape)
        assert own.parameters == built.loc[layer, "parameters"]
    assert cost(name, volume)[0] == built["parameters"].sum()


def test_two_streams_convolve_twice_as_much_as_one():
    two, one = (
        sum(layer.multiply_adds for layer in layers(name, (32, 32, 18)) if layer.name.endswith("convolution"))
        for name in ("micro_exp_fusenet_late", "micro_exp_stcnn")
    )
    assert two == 2 * one


def test_each_of_the_papers_kernels_costs_its_positions_times_its_weights():
    for height, width, depth in PAPER_KERNELS:
        convolved = (65 - height, 65 - width, 97 - depth)
        pooled = 32 * math.prod(size // 3 for size in convolved)
        expected = 32 * math.prod(convolved) * height * width * depth + pooled * 128 + 128 * 3
        assert cost("micro_exp_stcnn", (64, 64, 96), (height, width, depth))[1] == expected


def test_a_kernel_fits_as_long_as_the_pool_has_three_positions_left():
    with unallocated():
        assert build("micro_exp_stcnn", (64, 64, 18), kernel_size=(3, 3, 16))
    for depth, reason in ((17, "pooling by 3 leaves nothing"), (19, "does not fit a volume of depth 18")):
        with pytest.raises(ConfigError, match=reason):
            build("micro_exp_stcnn", (64, 64, 18), kernel_size=(3, 3, depth))
