"""Train one fold and score it after each epoch: every number of a run is made here. A run's name covers this file.

What is waited for, shown and written is left to `lib.training.run`, which is told of each epoch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lib.networks import build
from lib.networks.backend import jit_compile, keras, make_deterministic
from lib.training.inputs import FoldData, generator
from lib.training.records import RunConfig


@dataclass
class FoldState:
    """How far a fold has come. It turns into JSON and back without loss.

    Attributes
    ----------
    epoch : int
        Epochs that are done.
    best, last : dict or None
        Of the first epoch with the highest validation accuracy, and of the last one: ``epoch``, ``accuracy``,
        ``probabilities`` (n_validation, n_classes) as lists.
    """

    epoch: int = 0
    best: dict | None = None
    last: dict | None = None


class NotFiniteError(Exception):
    """The loss or a probability is not finite. ``row`` is the epoch's row of the history."""

    def __init__(self, row: dict) -> None:
        super().__init__(row)
        self.row = row


def new_model(config: RunConfig, data: FoldData, n_classes: int) -> "keras.Model":
    """The network with its initial weights, compiled; every fold starts from the same seed, so that folds differ by
    their clips alone."""
    keras.utils.clear_session()
    make_deterministic(config.seed)
    model = build(config.model, data.train[0].shape[1:], n_classes, config.kernel_size)
    model.compile(
        optimizer=keras.optimizers.SGD(config.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile(),
    )
    model.optimizer.build(model.trainable_variables)
    return model


def fit_fold(
    config: RunConfig,
    data: FoldData,
    n_classes: int,
    index: int,
    state: FoldState,
    after_epoch: Callable[["keras.Model", dict], None],
    resume: Callable[["keras.Model"], None] | None = None,
) -> "keras.Model":
    """Train one fold from where `state` stands to its last epoch, and bring `state` up to date.

    Parameters
    ----------
    index : int
        Of the fold; it has a part in the order of clips.
    after_epoch : function of (model, row)
        Told of each epoch, with its row of the history.
    resume : function of (model), optional
        Gives the new network the variables it had at ``state.epoch``.

    Raises
    ------
    NotFiniteError
        After an epoch whose loss, or a probability of which, is not finite.
    """
    model = new_model(config, data, n_classes)
    if resume is not None:
        resume(model)
    targets = np.eye(n_classes, dtype=np.float32)[data.train_labels]  # (n_train, n_classes)
    batches = Batches(config, data.train, targets, index)
    scorer = _Scorer(config, data, state, batches, after_epoch)
    if state.epoch < config.epochs:
        model.fit(
            batches, epochs=config.epochs, initial_epoch=state.epoch, shuffle=False, verbose=0, callbacks=[scorer]
        )
    return model


class Batches(keras.utils.PyDataset):
    """The training clips of a fold, in an order that depends on seed, fold and epoch and on nothing else."""

    def __init__(self, config: RunConfig, volumes: tuple[np.ndarray, ...], targets: np.ndarray, index: int) -> None:
        super().__init__()
        self.config, self.volumes, self.targets, self.index = config, volumes, targets, index
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.order = generator(self.config, "order", self.index, epoch).permutation(len(self.targets))

    def __len__(self) -> int:
        return math.ceil(len(self.targets) / self.config.batch_size)

    def __getitem__(self, batch: int):
        chosen = self.order[batch * self.config.batch_size : (batch + 1) * self.config.batch_size]
        volumes = tuple(volume[chosen] for volume in self.volumes)
        return (volumes if len(volumes) > 1 else volumes[0]), self.targets[chosen]


class _Scorer(keras.callbacks.Callback):
    """After each epoch: score the validation clips and keep the best epoch."""

    def __init__(self, config: RunConfig, data: FoldData, state: FoldState, batches: Batches, after_epoch) -> None:
        super().__init__()
        self.config, self.fold, self.state, self.batches = config, data.fold, state, batches
        self.after_epoch = after_epoch
        self.held_out = data.validation if len(data.validation) > 1 else data.validation[0]
        self.truth = data.validation_labels

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.batches.set_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        probabilities = self.model.predict(self.held_out, batch_size=self.config.batch_size, verbose=0)
        row = {
            "fold": self.fold.name,
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            "val_loss": _cross_entropy(probabilities, self.truth),
            "val_accuracy": float(np.mean(probabilities.argmax(axis=1) == self.truth)),
        }
        if not (math.isfinite(row["loss"]) and np.isfinite(probabilities).all()):
            raise NotFiniteError(row)
        state = self.state
        state.epoch = epoch + 1
        state.last = {
            "epoch": epoch + 1,
            "accuracy": row["val_accuracy"],
            "probabilities": probabilities.astype(float).tolist(),
        }
        if state.best is None or row["val_accuracy"] > state.best["accuracy"]:
            state.best = state.last
        self.after_epoch(self.model, row)


def _cross_entropy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean categorical cross-entropy of (n, n_classes) probabilities, clipped as Keras clips them."""
    right = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.clip(right, keras.config.epsilon(), 1 - keras.config.epsilon())).mean())
