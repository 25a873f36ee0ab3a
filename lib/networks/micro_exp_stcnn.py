"""MicroExpSTCNN, Table I of the paper."""

from collections.abc import Sequence

from lib.networks.backend import keras
from lib.networks.blocks import DROPOUT, checked, convolved, normal


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
    input_shape, kernel_size = checked(input_shape, n_classes, kernel_size)
    layers = keras.layers

    # === Functional model ===
    frame = keras.Input(input_shape, name="frame")  # (B, h, w, d)
    x = convolved(frame, kernel_size, prefix="")
    x = layers.Dense(128, activation="relu", kernel_initializer=normal(), name="dense_1")(x)
    x = layers.Dropout(DROPOUT, name="dropout_2")(x)
    x = layers.Dense(n_classes, kernel_initializer=normal(), name="dense_2")(x)
    probabilities = layers.Activation("softmax", name="softmax")(x)  # (B, n_classes)

    return keras.Model(frame, probabilities, name="micro_exp_stcnn")
