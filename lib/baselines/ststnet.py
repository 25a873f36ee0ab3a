"""STSTNet-style: a shallow network of three streams over the flow from a clip's first frame to its apex.

After Liong, Gan, See, Khor, Huang, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression
Recognition", FG 2019: flow to the right, flow downwards and optical strain, 28x28 pixels; 3, 5 and 8 filters of 3x3
pixels, pooled, joined, pooled again. Chosen here: the apex is the frame that has moved most since the first, because
annotations do not give it for every clip; flow is DIS in place of TV-L1; Adam with a rate of .001, 100 epochs.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from lib.baselines.flow import flow_from_first, strain
from lib.baselines.networks import FittedNetwork, train
from lib.networks.backend import keras


@dataclass(frozen=True)
class Settings:
    """What the source leaves open: the side in pixels, and the training's."""

    side: int = 28
    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3


def apex(fields: np.ndarray) -> int:
    """The position of the flow field, of (depth - 1, height, width, 2), with the longest vectors on average."""
    return int(np.linalg.norm(fields, axis=-1).mean(axis=(1, 2)).argmax())


def features(volume: np.ndarray, settings: Settings) -> np.ndarray:
    """Flow to the right and down and strain between the first frame and the apex: (side, side, 3) float32.

    Parameters
    ----------
    volume : (depth, height, width) uint8
    """
    fields = flow_from_first(volume)
    field = fields[apex(fields)]
    channels = np.dstack([field, strain(field)]).astype(np.float32)
    return cv2.resize(channels, (settings.side, settings.side), interpolation=cv2.INTER_AREA)


def network(input_shape: tuple[int, ...], n_classes: int) -> "keras.Model":
    """(height, width, 3) -> (n_classes,)."""
    layers = keras.layers
    image = keras.Input(input_shape)
    streams = []
    for filters in (3, 5, 8):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
        streams.append(layers.MaxPooling2D(3, strides=3, padding="same")(x))
    x = layers.AveragePooling2D(2)(layers.Concatenate()(streams))
    x = layers.Dense(400, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(n_classes, activation="softmax")(x))


def fit(features: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> FittedNetwork:
    """Train on (n, side, side, 3) features."""
    return train(
        network, features, labels, n_classes, seed, settings.epochs, settings.batch_size, settings.learning_rate
    )
