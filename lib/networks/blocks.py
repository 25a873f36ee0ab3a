"""What the networks share: the block they begin with, its sizes, and the check of what they are given.

Where the paper's tables leave something open (initialisation, activations), the authors' released code decides.

The paper writes the channel axis first (32 x 62 x 62 x 82); here it comes last, (62, 62, 82, 32), because a CPU
convolves nothing else. `Flatten` therefore lists the same numbers in another order, which permutes rows of the next
layer's randomly drawn weights and changes nothing else.
"""

from collections.abc import Sequence

from lib.core.errors import ConfigError
from lib.networks.backend import keras

N_FILTERS = 32
POOL_SIZE = 3  # in every direction, with the same stride
DROPOUT = 0.5


def convolved(volume, kernel_size: tuple[int, int, int], prefix: str):
    """The block that all three networks begin with: convolution, ReLU, pool, dropout, flatten."""
    layers = keras.layers
    x = layers.Reshape((*volume.shape[1:], 1), name=f"{prefix}channel")(volume)  # (B, h, w, d, 1)
    x = layers.Conv3D(
        N_FILTERS, kernel_size, activation="relu", data_format="channels_last", name=f"{prefix}convolution"
    )(x)
    x = layers.MaxPooling3D(POOL_SIZE, data_format="channels_last", name=f"{prefix}pool")(x)
    x = layers.Dropout(DROPOUT, name=f"{prefix}dropout_1")(x)
    return layers.Flatten(data_format="channels_last", name=f"{prefix}flatten")(x)


def normal():
    return keras.initializers.RandomNormal(mean=0.0, stddev=0.05)


def checked(input_shape: Sequence[int], n_classes: int, kernel_size: Sequence[int]) -> tuple[tuple, tuple]:
    # === Check the input ===
    input_shape, kernel_size = tuple(input_shape), tuple(kernel_size)
    for name, value in (("input_shape", input_shape), ("kernel_size", kernel_size)):
        if len(value) != 3 or any(int(size) != size or size < 1 for size in value):
            raise ConfigError(f"{name}: expected three positive integers (height, width, depth), found {value}")
    if n_classes < 2:
        raise ConfigError(f"n_classes: expected at least 2, found {n_classes}")
    for axis, size, kernel in zip(("height", "width", "depth"), input_shape, kernel_size, strict=True):
        convolved = size - kernel + 1
        if convolved < 1:
            raise ConfigError(f"kernel_size: a kernel of {axis} {kernel} does not fit a volume of {axis} {size}")
        if convolved < POOL_SIZE:
            raise ConfigError(
                f"kernel_size: a kernel of {axis} {kernel} leaves {convolved} of {axis} {size}, and pooling by "
                f"{POOL_SIZE} leaves nothing; the volume needs a {axis} of at least {kernel + POOL_SIZE - 1}"
            )
    return input_shape, kernel_size
