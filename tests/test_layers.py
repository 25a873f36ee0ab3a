"""Costs are counted by the rule that the module states: against hand-computed numbers, and against Keras' own count."""

import math
from types import SimpleNamespace

import pytest

from lib.networks import NETWORKS, build
from lib.networks.layers import kernel_costs, layer_costs, network_cost, unallocated
from lib.networks.micro_exp_stcnn import micro_exp_stcnn
from lib.training.plans import PAPER_KERNELS

SHAPES = {"micro_exp_stcnn": (64, 64, 96)} | dict.fromkeys(
    ("micro_exp_fusenet_intermediate", "micro_exp_fusenet_late"), (32, 32, 96)
)


def test_a_small_network_costs_what_a_pencil_says():
    with unallocated():
        layers = layer_costs(micro_exp_stcnn((8, 9, 10), n_classes=4, kernel_size=(3, 5, 4))).set_index("layer")
    # 6 x 5 x 7 positions of 32 filters with 60 weights each, and a bias per filter
    assert layers.loc["convolution", "macs"] == 6 * 5 * 7 * 32 * 60
    assert layers.loc["convolution", "parameters"] == 32 * 61
    # the pool leaves 2 x 1 x 2 of 32 filters
    assert layers.loc["dense_1", "macs"] == 128 * 128
    assert layers.loc["dense_1", "parameters"] == 129 * 128
    assert layers.loc["dense_2", "macs"] == 128 * 4
    others = layers.drop(["convolution", "dense_1", "dense_2"])
    assert not others[["parameters", "macs"]].to_numpy().any()


def test_a_multiply_accumulate_is_two_operations():
    with unallocated():
        model = micro_exp_stcnn((8, 9, 10), n_classes=4, kernel_size=(3, 5, 4))
    cost = network_cost(model)
    assert cost.macs == 6 * 5 * 7 * 32 * 60 + 128 * 128 + 128 * 4
    assert layer_costs(model)["flops"].sum() == 2 * cost.macs


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("depth", [96, 18])
def test_parameters_are_those_that_keras_counts_in_every_layer(name, depth):
    with unallocated():
        model = build(name, (*SHAPES[name][:2], depth))
        counted = [layer.count_params() for layer in model.layers]
    assert layer_costs(model)["parameters"].tolist() == counted


def test_two_streams_convolve_twice_as_much_as_one():
    with unallocated():
        two = layer_costs(build("micro_exp_fusenet_late", (32, 32, 18)))
        one = layer_costs(micro_exp_stcnn((32, 32, 18)))
    convolved = [table.loc[table["kind"] == "Conv3D", "macs"].sum() for table in (two, one)]
    assert convolved[0] == 2 * convolved[1]


def test_a_layer_that_the_rule_does_not_cover_is_refused_by_name():
    class LSTM:
        name = "memory"

    with pytest.raises(ValueError, match=r"layer 'memory': expected one of Conv3D, Dense, .*found LSTM"):
        layer_costs(SimpleNamespace(layers=[LSTM()]))


def test_the_convolution_of_each_of_the_papers_kernels_costs_its_positions_times_its_weights():
    costs = kernel_costs(PAPER_KERNELS, (64, 64, 96))
    assert list(costs.index) == ["x".join(map(str, kernel)) for kernel in PAPER_KERNELS]
    for height, width, depth in PAPER_KERNELS:
        convolved = (65 - height, 65 - width, 97 - depth)
        pooled = 32 * math.prod(size // 3 for size in convolved)
        expected = 32 * math.prod(convolved) * height * width * depth + pooled * 128 + 128 * 3
        assert costs.loc[f"{height}x{width}x{depth}", "macs"] == expected
    assert costs.loc["3x3x15", "parameters"] == 44_241_667


def test_a_kernel_that_does_not_fit_has_a_row_without_numbers():
    costs = kernel_costs([(3, 3, 15), (3, 3, 19)], (64, 64, 18))
    assert costs.loc["3x3x19", ["parameters", "macs", "flops"]].isna().all()
    assert costs.loc["3x3x15", "parameters"] == 1_643_267


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [((3, 3, 16), ""), ((3, 3, 17), "pooling by 3 leaves nothing"), ((3, 3, 19), "does not fit a volume of depth 18")],
)
def test_a_kernel_fits_as_long_as_the_pool_has_three_positions_left(kernel, reason):
    found = kernel_costs([kernel], (64, 64, 18))["misfit"].item()
    assert reason in found if reason else found == ""
