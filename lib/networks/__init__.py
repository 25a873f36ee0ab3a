"""The networks: one file each, named as the network is, and a row in `lib.core.catalogue`.

The paper's three are Tables I-III of Reddy, Karri, Dubey, Mukherjee, "Spontaneous Facial Micro-Expression Recognition
using 3D Spatiotemporal Convolutional Neural Networks", IJCNN 2019, https://arxiv.org/abs/1904.01390. Importing this
package is cheap: Keras, which takes seconds, is imported when a network is built.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path

from lib.core.catalogue import NETWORKS as _ROWS
from lib.core.catalogue import STREAMS
from lib.core.checks import one_of

NETWORKS = tuple(_ROWS)

__all__ = ["NETWORKS", "STREAMS", "build", "source_files"]


def build(name: str, input_shape: Sequence[int], n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)):
    """The network of this name, not compiled; the parameters are those of its own function.

    Raises
    ------
    ConfigError
        If there is no such network, or it cannot be built with these sizes.
    """
    function = getattr(importlib.import_module(f"lib.networks.{one_of('network', name, NETWORKS)}"), name)
    return function(input_shape, n_classes, kernel_size)


def source_files(name: str) -> list[Path]:
    """The files whose code makes this network what it is."""
    folder = Path(__file__).parent
    return [folder / "blocks.py", folder / f"{name}.py"]
