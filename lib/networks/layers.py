"""The layers of a network as a table. Nothing is run and no weight is needed, so networks may be `unallocated`.

What they cost is counted by `lib.audit.architectures`, which builds none.
"""

import contextlib
from collections.abc import Iterator

import pandas as pd

from lib.networks.backend import keras


@contextlib.contextmanager
def unallocated() -> Iterator[None]:
    """Build networks without their weights: shapes and counts are right, and 177 million parameters take no memory.

    >>> from lib.networks import build
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
