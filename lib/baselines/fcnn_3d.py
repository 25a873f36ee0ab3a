"""3D-FCNN-style: 3-D convolutions over grey and over the two components of optical flow, fused.

After Li, Wang, See, Liu, "Micro-expression recognition based on 3D flow convolutional neural network", Pattern Analysis
and Applications 22 (2019). Chosen here: 18 frames of 32x32 pixels, DIS flow between neighbouring frames, two
convolutions of 8 and 16 filters for each of the three, joined before the dense layers.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from lib.baselines.flow import flow_between_neighbours
from lib.baselines.networks import FittedNetwork, train
from lib.baselines.patterns import interpolated
from lib.networks.backend import keras


@dataclass(frozen=True)
class Settings:
    """What the source leaves open: frames after interpolation in time, the side in pixels, and the training's."""

    depth: int = 18
    side: int = 32
    epochs: int = 30
    batch_size: int = 8
    learning_rate: float = 1e-3


def features(volume: np.ndarray, settings: Settings) -> np.ndarray:
    """Grey, and movement to the right and down since the frame before, in pixels of the volume.

    Parameters
    ----------
    volume : (depth, height, width) uint8

    Returns
    -------
    (settings.depth - 1, side, side, 3) float32
    """
    frames = interpolated(volume, settings.depth).astype(np.uint8)
    channels = np.concatenate([frames[1:, ..., None].astype(np.float32), flow_between_neighbours(frames)], axis=-1)
    size = (settings.side, settings.side)
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in channels])


def network(input_shape: tuple[int, ...], n_classes: int) -> "keras.Model":
    """(frames, height, width, 3) -> (n_classes,)."""
    layers = keras.layers
    volume = keras.Input(input_shape)
    streams = []
    for channel in range(input_shape[-1]):
        x = volume[..., channel : channel + 1]
        for filters in (8, 16):
            x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
            x = layers.MaxPooling3D(2)(x)
        streams.append(layers.Flatten()(x))
    x = layers.Dropout(0.5)(layers.Concatenate()(streams))
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(volume, layers.Dense(n_classes, activation="softmax")(x))


def fit(features: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> FittedNetwork:
    """Train on (n, frames, side, side, 3) features."""
    return train(
        network, features, labels, n_classes, seed, settings.epochs, settings.batch_size, settings.learning_rate
    )
