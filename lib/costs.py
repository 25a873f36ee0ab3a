"""What a network costs: parameters, and multiplications per clip, counted from the shapes of its layers.

Nothing is run and no weight is needed, so networks may be `lib.models.unallocated`. Measured times are not this
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

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import ConfigError
from lib.models import MODELS, unallocated

if TYPE_CHECKING:
    import keras

FLOPS_PER_MAC = 2
# Kinds of layers that the networks have and that hold no weight.
WEIGHTLESS = ("InputLayer", "Reshape", "MaxPooling3D", "Dropout", "Flatten", "Concatenate", "Activation")


@dataclass(frozen=True)
class Cost:
    """Of one network.

    Attributes
    ----------
    parameters : int
        Trainable numbers.
    macs : int
        Multiply-accumulates of one clip's forward pass.
    """

    parameters: int
    macs: int

    @property
    def flops(self) -> int:
        """Floating-point operations of one clip's forward pass, two for each multiply-accumulate."""
        return FLOPS_PER_MAC * self.macs


def layer_costs(model: "keras.Model") -> pd.DataFrame:
    """The cost of each layer, by the rule at the head of this module.

    Parameters
    ----------
    model : keras.Model
        May be `lib.models.unallocated`. Channels come last, as in all networks of this package.

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
    ...     network_cost(MODELS["micro_exp_stcnn"]())
    Cost(parameters=44241667, macs=1405935744)
    """
    layers = layer_costs(model)
    return Cost(int(layers["parameters"].sum()), int(layers["macs"].sum()))


def misfit(
    kernel_size: Sequence[int], input_shape: Sequence[int], n_classes: int = 3, model: str = "micro_exp_stcnn"
) -> str:
    """Why a kernel cannot slide over a volume, in the words of the network's own check; empty if it can.

    Parameters
    ----------
    kernel_size, input_shape : (height, width, depth)
        In pixels, pixels and frames.

    Examples
    --------
    >>> misfit((3, 3, 15), (64, 64, 18))
    ''
    >>> misfit((3, 3, 19), (64, 64, 18))
    'a kernel of depth 19 does not fit a volume of depth 18'
    """
    try:
        with unallocated():
            MODELS[model](input_shape, n_classes, kernel_size)
    except ConfigError as error:
        return str(error).removeprefix("kernel_size: ")
    return ""


def kernel_costs(
    kernels: Iterable[Sequence[int]], input_shape: Sequence[int], n_classes: int = 3, model: str = "micro_exp_stcnn"
) -> pd.DataFrame:
    """The cost of one network with each of several kernels.

    Parameters
    ----------
    kernels : iterable of (height, width, depth)
    input_shape : (height, width, depth)
        Of the volume.
    n_classes : int
    model : str
        A name in `lib.models.MODELS`.

    Returns
    -------
    DataFrame of Int64, indexed by kernel (``"3x3x15"``)
        ``parameters``, ``macs``, ``flops``; missing for a kernel that does not fit the volume.
    """
    rows = {}
    for kernel in kernels:
        name = "x".join(map(str, kernel))
        rows[name] = {"parameters": pd.NA, "macs": pd.NA, "flops": pd.NA}
        if not misfit(kernel, input_shape, n_classes, model):
            with unallocated():
                cost = network_cost(MODELS[model](input_shape, n_classes, kernel))
            rows[name] = {"parameters": cost.parameters, "macs": cost.macs, "flops": cost.flops}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["parameters", "macs", "flops"])
    return table.astype("Int64").rename_axis("kernel")
