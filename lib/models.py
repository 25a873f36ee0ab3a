"""The paper's three networks, in backend-neutral Keras: one function each, and a table of their layers.

Reddy, Karri, Dubey, Mukherjee, "Spontaneous Facial Micro-Expression Recognition using 3D Spatiotemporal
Convolutional Neural Networks", IJCNN 2019, https://arxiv.org/abs/1904.01390, Tables I-III. Where the tables leave
something open (initialisation, activations), the authors' released code decides. The functions build networks;
compiling and training them is left to `lib.training`.

The paper writes the channel axis first (32 x 62 x 62 x 82); here it comes last, (62, 62, 82, 32), because a CPU
convolves nothing else. `Flatten` therefore lists the same numbers in another order, which permutes rows of the next
layer's randomly drawn weights and changes nothing else.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from lib.backend import keras
from lib.errors import ConfigError

N_FILTERS = 32
POOL_SIZE = 3  # in every direction, with the same stride
DROPOUT = 0.5


def micro_exp_stcnn(
    input_shape: Sequence[int] = (64, 64, 96), n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)
) -> "keras.Model":
    """MicroExpSTCNN (Table I): one 3-D convolution over the whole frame, then two dense layers.

    As in the released code, the dense layers start from N(0, 0.05) and the convolution from Glorot's uniform.

    Parameters
    ----------
    input_shape : (height, width, depth)
        Pixels, pixels, frames. The paper: (64, 64, 96) for CAS(ME)², (64, 64, 18) for SMIC.
    n_classes : int
        At least 2.
    kernel_size : (height, width, depth)
        Of the convolution; Table IX varies it (3, 5, 7 in space, 3, 7, 15, 19 in time).

    Returns
    -------
    keras.Model
        float32 (batch, height, width, depth) -> probabilities (batch, n_classes). Not compiled.

    Raises
    ------
    ConfigError
        If the kernel is larger than the volume, or the pool leaves nothing.
    """
    input_shape, kernel_size = _checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    frame = keras.Input(input_shape, name="frame")  # (B, h, w, d)
    x = _convolved(frame, kernel_size, prefix="")
    x = layers.Dense(128, activation="relu", kernel_initializer=_normal(), name="dense_1")(x)
    x = layers.Dropout(DROPOUT, name="dropout_2")(x)
    x = layers.Dense(n_classes, kernel_initializer=_normal(), name="dense_2")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model(frame, probabilities, name="micro_exp_stcnn")


def micro_exp_fusenet_intermediate(
    input_shape: Sequence[int] = (32, 32, 96), n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)
) -> "keras.Model":
    """MicroExpFuseNet, intermediate fusion (Table II): eyes and mouth are convolved apart, then share dense layers.

    As in the released code, the hidden dense layers have no activation, so that all three together are one linear
    map between dropouts. Table II contradicts itself twice, and the layers follow from its first rows: the pool gives
    32 x 10 x 10 x 27 where the dropout below it is printed as 32 x 20 x 20 x 27, and two vectors of 86,400
    concatenate to 172,800 where 86,400 is printed. The parameters it prints agree with what is built here.

    Parameters, return value and errors are those of `micro_exp_stcnn`, except that the model takes two volumes of
    `input_shape`, ``(eyes, mouth)``.
    """
    input_shape, kernel_size = _checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    eyes, mouth = keras.Input(input_shape, name="eyes"), keras.Input(input_shape, name="mouth")  # (B, h, w, d)
    streams = [_convolved(volume, kernel_size, prefix=f"{volume.name}_") for volume in (eyes, mouth)]
    x = layers.Concatenate(name="concatenate")(streams)
    x = layers.Dense(1024, name="dense_1")(x)
    x = layers.Dropout(DROPOUT, name="dropout_2")(x)
    x = layers.Dense(128, name="dense_2")(x)
    x = layers.Dropout(DROPOUT, name="dropout_3")(x)
    x = layers.Dense(n_classes, name="dense_3")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model([eyes, mouth], probabilities, name="micro_exp_fusenet_intermediate")


def micro_exp_fusenet_late(
    input_shape: Sequence[int] = (32, 32, 96), n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)
) -> "keras.Model":
    """MicroExpFuseNet, late fusion (Table III): eyes and mouth meet only in the last layer.

    As in the released code, the hidden dense layers have no activation. That code also applies a second ReLU after
    the pool; it is left out, since the pool of a ReLU is never negative.

    Parameters, return value and errors are those of `micro_exp_stcnn`, except that the model takes two volumes of
    `input_shape`, ``(eyes, mouth)``.
    """
    input_shape, kernel_size = _checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    eyes, mouth = keras.Input(input_shape, name="eyes"), keras.Input(input_shape, name="mouth")  # (B, h, w, d)
    streams = []
    for volume in (eyes, mouth):
        x = _convolved(volume, kernel_size, prefix=f"{volume.name}_")
        x = layers.Dense(1024, name=f"{volume.name}_dense_1")(x)
        x = layers.Dropout(DROPOUT, name=f"{volume.name}_dropout_2")(x)
        x = layers.Dense(128, name=f"{volume.name}_dense_2")(x)
        streams.append(layers.Dropout(DROPOUT, name=f"{volume.name}_dropout_3")(x))
    x = layers.Concatenate(name="concatenate")(streams)
    x = layers.Dense(n_classes, name="dense_3")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model([eyes, mouth], probabilities, name="micro_exp_fusenet_late")


MODELS: Mapping[str, Callable[..., "keras.Model"]] = MappingProxyType(
    {
        "micro_exp_stcnn": micro_exp_stcnn,
        "micro_exp_fusenet_intermediate": micro_exp_fusenet_intermediate,
        "micro_exp_fusenet_late": micro_exp_fusenet_late,
    }
)

# the streams of a processed store that a model reads, in the order of its inputs
STREAMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "micro_exp_stcnn": ("frame",),
        "micro_exp_fusenet_intermediate": ("eyes", "mouth"),
        "micro_exp_fusenet_late": ("eyes", "mouth"),
    }
)


@contextlib.contextmanager
def unallocated() -> Iterator[None]:
    """Build networks without their weights: shapes and counts are right, and 177 million parameters take no memory.

    >>> with unallocated():
    ...     micro_exp_stcnn().count_params()
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


def _convolved(volume, kernel_size: tuple[int, int, int], prefix: str):
    """The block that all three networks begin with: convolution, ReLU, pool, dropout, flatten."""
    layers = keras.layers
    x = layers.Reshape((*volume.shape[1:], 1), name=f"{prefix}channel")(volume)  # (B, h, w, d, 1)
    x = layers.Conv3D(
        N_FILTERS, kernel_size, activation="relu", data_format="channels_last", name=f"{prefix}convolution"
    )(x)
    x = layers.MaxPooling3D(POOL_SIZE, data_format="channels_last", name=f"{prefix}pool")(x)
    x = layers.Dropout(DROPOUT, name=f"{prefix}dropout_1")(x)
    return layers.Flatten(data_format="channels_last", name=f"{prefix}flatten")(x)


def _normal():
    return keras.initializers.RandomNormal(mean=0.0, stddev=0.05)


def _checked(input_shape: Sequence[int], n_classes: int, kernel_size: Sequence[int]) -> tuple[tuple, tuple]:
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
