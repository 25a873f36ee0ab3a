"""CNN with augmentation, in the style of Takalkar and Xu: single frames, synthetic copies of them, a vote by clip.

"Image Based Facial Micro-Expression Recognition Using Deep Learning on Small Datasets", DICTA 2017. Chosen here: a
small network that starts from nothing, six frames a clip, three synthetic copies of each, turned, moved, mirrored, made
lighter or darker. A frame knows no movement, so whatever this scores comes from looks.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from lib.baselines.networks import FittedNetwork, train
from lib.networks.backend import keras


@dataclass(frozen=True)
class Settings:
    """What the source leaves open.

    Attributes
    ----------
    frames : int
        Frames of a clip, evenly spaced.
    copies : int
        Synthetic images for each of them.
    turn_degrees, move_pixels, lighten : float
        Each copy is turned and moved by up to so much, and its greys multiplied by 1 plus or minus up to `lighten`;
        half of the copies are mirrored.
    side : int
        Height and width that the network sees, in pixels.
    epochs, batch_size, learning_rate
        Of the training, with Adam.
    """

    frames: int = 6
    copies: int = 3
    turn_degrees: float = 10.0
    move_pixels: float = 4.0
    lighten: float = 0.15
    side: int = 48
    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 1e-3


def network(input_shape: tuple[int, ...], n_classes: int) -> "keras.Model":
    """Three convolutions, each pooled, then two dense layers: (height, width, 1) -> (n_classes,)."""
    layers = keras.layers
    image = keras.Input(input_shape)
    x = image
    for filters, size in ((16, 5), (32, 3), (64, 3)):
        x = layers.Conv2D(filters, size, strides=2 if filters == 16 else 1, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(n_classes, activation="softmax")(x))


def chosen_frames(volumes: np.ndarray, settings: Settings) -> np.ndarray:
    """Evenly spaced frames, resized: (n, frames, side, side, 1) uint8 from (n, depth, height, width) uint8."""
    picked = np.linspace(0, volumes.shape[1] - 1, settings.frames).round().astype(int)
    size = (settings.side, settings.side)
    return np.array(
        [[cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in volume[picked]] for volume in volumes]
    )[..., None]


def synthetic(image: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Another image of the same face, (height, width, 1) uint8: turned, moved, perhaps mirrored, lighter or darker."""
    centre = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(-1, 1) * settings.turn_degrees, 1.0)
    turn[:, 2] += rng.uniform(-1, 1, 2) * settings.move_pixels
    moved = cv2.warpAffine(image[..., 0], turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    mirrored = moved[:, ::-1] if rng.random() < 0.5 else moved
    light = 1 + rng.uniform(-1, 1) * settings.lighten
    return np.clip(np.rint(light * mirrored), 0, 255).astype(np.uint8)[..., None]


@dataclass(frozen=True)
class Voters:
    """A network of frames whose answers are counted."""

    network: FittedNetwork
    settings: Settings

    @property
    def n_parameters(self) -> int:
        return self.network.n_parameters

    def predict(self, volumes: np.ndarray) -> np.ndarray:
        """(n, depth, height, width) uint8 -> (n, n_classes): shares of the votes; the frames' mean is one vote more.

        That vote is split, so that it decides between classes with equally many.
        """
        frames = chosen_frames(volumes, self.settings)
        probabilities = self.network.predict(frames.reshape(-1, *frames.shape[2:]))
        probabilities = probabilities.reshape(len(volumes), self.settings.frames, -1)
        votes = np.eye(probabilities.shape[-1])[probabilities.argmax(axis=-1)].sum(axis=1)
        return (votes + probabilities.mean(axis=1)) / (self.settings.frames + 1)


def fit(volumes: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> Voters:
    """Train on frames of the clips, (n, depth, height, width) uint8, and on synthetic copies of these frames."""
    rng = np.random.default_rng(seed)
    frames = chosen_frames(volumes, settings)
    images = frames.reshape(-1, *frames.shape[2:])
    copies = [np.array([synthetic(image, settings, rng) for image in images]) for _ in range(settings.copies)]
    inputs = np.concatenate([images, *copies])
    targets = np.tile(np.repeat(labels, settings.frames), settings.copies + 1)
    fitted = train(
        network, inputs, targets, n_classes, seed, settings.epochs, settings.batch_size, settings.learning_rate
    )
    return Voters(fitted, settings)
