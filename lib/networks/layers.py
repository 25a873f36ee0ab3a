"""The layers of a network as a table, and what they cost: parameters, and multiplications per clip.

Nothing is run and no weight is needed, so networks may be `unallocated`. Measured times are not this
module's: they stand in the run records.

The counting rule. Only layers with weights count. One *multiply-accumulate* (MAC) is one multiplication by a weight and
one addition:

=======  ============================================  =============================
layer    MACs per clip, forward                        parameters
=======  ============================================  =============================
Conv3D   output positions x filters x weights per       (weights per filter + 1)
         filter (kernel volume x input channels)        x filters
Dense    inputs x outputs                               (inputs + 1) x outputs
=======  ============================================  =============================

A MAC is 2 floating-point operations (FLOPs). Biases, activations, pools, dropout and softmax are left out, as is usual:
about three operations per output of the convolution, 1 % of the whole for a 3x3x15 kernel and 5 % for a 3x3x3 one. The
backward pass is not counted.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from lib.core.errors import ConfigError
from lib.networks import build
from lib.networks.backend import keras

FLOPS_PER_MAC = 2
# Kinds of layers that the networks have and that hold no weight.
WEIGHTLESS = ("InputLayer", "Reshape", "MaxPooling3D", "Dropout", "Flatten", "Concatenate", "Activation")


class Cost(NamedTuple):
    """Of one network: trainable ``parameters``, and multiply-accumulates (``macs``) of one clip's forward pass."""

    parameters: int
    macs: int


@contextlib.contextmanager
def unallocated() -> Iterator[None]:
    """Build networks without their weights: shapes and counts are right, and 177 million parameters take no memory.

    >>> with unallocated():
    ...     build("micro_exp_stcnn", (64, 64, 96)).count_params()
    44241667
    """
    with keras.StatelessScope(initialize_variables=False):
        yield


def architecture_table(model: "keras.Model") -> pd.DataFrame:
    """One row per layer, as the paper's Tables I-III list them. The model may be `unallocated`.

    Returns
    -------
    DataFrame
        ``layer`` (name), ``kind`` (Keras class), ``output_shape`` (tuple without the batch axis, channels last),
        ``parameters`` (trainable and not).
    """
    rows = [
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output_shape": tuple(layer.output.shape[1:]),
            "parameters": layer.count_params(),
        }
        for layer in model.layers
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])


def layer_costs(model: "keras.Model") -> pd.DataFrame:
    """The cost of each layer, by the rule at the head of this module.

    Parameters
    ----------
    model : keras.Model
        May be `unallocated`. Channels come last, as in all networks of this package.

    Returns
    -------
    DataFrame
        ``layer`` (name), ``kind`` (Keras class), ``parameters``, ``macs``, ``flops``.

    Raises
    ------
    ValueError
        A kind of layer that the rule does not cover.
    """
    rows = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv3D":
            *positions, filters = layer.output.shape[1:]
            weights = math.prod(layer.kernel_size) * layer.input.shape[-1]  # of one filter
            parameters, macs = (weights + 1) * filters, math.prod(positions) * filters * weights
        elif kind == "Dense":
            inputs, outputs = layer.input.shape[-1], layer.output.shape[-1]
            parameters, macs = (inputs + 1) * outputs, inputs * outputs
        elif kind in WEIGHTLESS:
            parameters = macs = 0
        else:
            raise ValueError(
                f"layer {layer.name!r}: expected one of Conv3D, Dense, {', '.join(WEIGHTLESS)}; found {kind}"
            )
        rows.append((layer.name, kind, parameters, macs, FLOPS_PER_MAC * macs))
    return pd.DataFrame(rows, columns=["layer", "kind", "parameters", "macs", "flops"])


def network_cost(model: "keras.Model") -> Cost:
    """The cost of a whole network: the sum over its layers.

    >>> with unallocated():
    ...     network_cost(build("micro_exp_stcnn", (64, 64, 96)))
    Cost(parameters=44241667, macs=1405935744)
    """
    layers = layer_costs(model)
    return Cost(int(layers["parameters"].sum()), int(layers["macs"].sum()))


def kernel_costs(kernels: Iterable[Sequence[int]], input_shape: Sequence[int], n_classes: int = 3) -> pd.DataFrame:
    """Whether MicroExpSTCNN can have each of several kernels, and what it then costs.

    Parameters
    ----------
    kernels : iterable of (height, width, depth)
        In pixels, pixels and frames.
    input_shape : (height, width, depth)
        Of the volume.
    n_classes : int

    Returns
    -------
    DataFrame, indexed by kernel (``"3x3x15"``)
        ``parameters``, ``macs``, ``flops`` (Int64), missing for a kernel that does not fit the volume; ``misfit``: why
        it does not, in the words of the network's own check, empty if it fits.

    >>> kernel_costs([(3, 3, 15), (3, 3, 19)], (64, 64, 18))["misfit"].to_list()
    ['', 'a kernel of depth 19 does not fit a volume of depth 18']
    """
    rows = {}
    for kernel in kernels:
        row = {"parameters": pd.NA, "macs": pd.NA, "flops": pd.NA, "misfit": ""}
        try:
            with unallocated():
                cost = network_cost(build("micro_exp_stcnn", input_shape, n_classes, kernel))
            row |= {"parameters": cost.parameters, "macs": cost.macs, "flops": FLOPS_PER_MAC * cost.macs}
        except ConfigError as error:
            row["misfit"] = str(error).removeprefix("kernel_size: ")
        rows["x".join(map(str, kernel))] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("kernel")
    return table.astype(dict.fromkeys(("parameters", "macs", "flops"), "Int64"))
