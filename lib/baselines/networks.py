"""What the methods that are networks share: a seeded training in Keras, on the clips it is given, to its last epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lib.networks.backend import jit_compile, keras, make_deterministic


@dataclass(frozen=True)
class Scaler:
    """Brings the channels of inputs, the last axis, to mean 0 and deviation 1 over the clips it was fitted on."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(cls, inputs: np.ndarray) -> "Scaler":
        axes = tuple(range(inputs.ndim - 1))
        mean, deviation = inputs.mean(axes, dtype=np.float64), inputs.std(axes, dtype=np.float64)
        return cls(mean.astype(np.float32), np.maximum(deviation, 1e-6).astype(np.float32))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return (inputs.astype(np.float32) - self.mean) / self.deviation


@dataclass(frozen=True)
class FittedNetwork:
    """A network that was trained on some clips."""

    model: "keras.Model"
    scaler: Scaler

    @property
    def n_parameters(self) -> int:
        return self.model.count_params()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """(n, ..., channels) inputs -> (n, n_classes) probabilities."""
        return self.model.predict(self.scaler(inputs), batch_size=32, verbose=0).astype(np.float64)


def train(
    build: Callable[[tuple[int, ...], int], "keras.Model"],
    inputs: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
) -> FittedNetwork:
    """Train a network with Adam and return it as it is after its last epoch.

    Parameters
    ----------
    build : function of (input shape, n_classes)
        The network, not compiled, with a softmax at its end.
    inputs : (n, ..., channels)
    labels : (n,) int
    seed : int
        Initial weights, dropout, and the order of inputs.
    """
    keras.utils.clear_session()
    make_deterministic(seed)
    scaler = Scaler.fit(inputs)
    model = build(inputs.shape[1:], n_classes)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        jit_compile=jit_compile(),
    )
    model.fit(scaler(inputs), labels, epochs=epochs, batch_size=batch_size, verbose=0)
    return FittedNetwork(model, scaler)
