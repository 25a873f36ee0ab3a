"""MicroExpFuseNet with late fusion, Table III of the paper."""

from collections.abc import Sequence

from lib.networks.backend import keras
from lib.networks.blocks import DROPOUT, checked, convolved


def micro_exp_fusenet_late(
    input_shape: Sequence[int] = (32, 32, 96), n_classes: int = 3, kernel_size: Sequence[int] = (3, 3, 15)
) -> "keras.Model":
    """MicroExpFuseNet, late fusion (Table III): eyes and mouth meet only in the last layer.

    As in the released code, the hidden dense layers have no activation. That code also applies a second ReLU after
    the pool; it is left out, since the pool of a ReLU is never negative.

    Parameters, return value and errors are those of `micro_exp_stcnn`, except that the model takes two volumes of
    `input_shape`, ``(eyes, mouth)``.
    """
    input_shape, kernel_size = checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    eyes, mouth = keras.Input(input_shape, name="eyes"), keras.Input(input_shape, name="mouth")  # (B, h, w, d)
    streams = []
    for volume in (eyes, mouth):
        x = convolved(volume, kernel_size, prefix=f"{volume.name}_")
        x = layers.Dense(1024, name=f"{volume.name}_dense_1")(x)
        x = layers.Dropout(DROPOUT, name=f"{volume.name}_dropout_2")(x)
        x = layers.Dense(128, name=f"{volume.name}_dense_2")(x)
        streams.append(layers.Dropout(DROPOUT, name=f"{volume.name}_dropout_3")(x))
    x = layers.Concatenate(name="concatenate")(streams)
    x = layers.Dense(n_classes, name="dense_3")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model([eyes, mouth], probabilities, name="micro_exp_fusenet_late")
