"""MicroExpFuseNet with intermediate fusion, Table II of the paper."""

from collections.abc import Sequence

from lib.networks.backend import keras
from lib.networks.blocks import DROPOUT, checked, convolved


def micro_exp_fusenet_intermediate(
    input_shape: Sequence[int] = (32, 32, 96), n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)
) -> "keras.Model":
    """MicroExpFuseNet, intermediate fusion (Table II): eyes and mouth are convolved apart, then share dense layers.

    As in the released code, the hidden dense layers have no activation, so that all three together are one linear
    map between dropouts. Table II contradicts itself twice, and the layers follow from its first rows: the pool gives
    32 x 10 x 10 x 27 where the dropout below it is printed as 32 x 20 x 20 x 27, and two vectors of 86,400
    concatenate to 172,800 where 86,400 is printed.

    Parameters, return value and errors are those of `micro_exp_stcnn`, except that the model takes two volumes of
    `input_shape`, ``(eyes, mouth)``.
    """
    input_shape, kernel_size = checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    eyes, mouth = keras.Input(input_shape, name="eyes"), keras.Input(input_shape, name="mouth")  # (B, h, w, d)
    streams = [convolved(volume, kernel_size, prefix=f"{volume.name}_") for volume in (eyes, mouth)]
    x = layers.Concatenate(name="concatenate")(streams)
    x = layers.Dense(1024, name="dense_1")(x)
    x = layers.Dropout(DROPOUT, name="dropout_2")(x)
    x = layers.Dense(128, name="dense_2")(x)
    x = layers.Dropout(DROPOUT, name="dropout_3")(x)
    x = layers.Dense(n_classes, name="dense_3")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model([eyes, mouth], probabilities, name="micro_exp_fusenet_intermediate")
