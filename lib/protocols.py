"""How clips are split, normalised and controlled: everything about a run that happens before the first epoch.

A `Protocol` is data; the functions below read it. They know labels and arrays, neither datasets nor networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.model_selection import train_test_split

from lib.errors import TrainingError


@dataclass(frozen=True)
class Fold:
    """One division of the clips. Both arrays hold positions in the processed store, in the order the split gave.

    Attributes
    ----------
    name : str
        Unique within the protocol; it is written beside every prediction.
    train, validation : int arrays
    """

    name: str
    train: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True)
class Protocol:
    """A split, a normalisation and an evaluation rule.

    Attributes
    ----------
    name : str
        As it is asked for in a `RunConfig`.
    description : str
        One sentence for tables.
    split : str
        ``"holdout"``: one random division of the clips, without regard to class or subject.
    validation_share : float
        Share of the clips held out, rounded up to whole clips.
    split_seed : int
        scikit-learn's `random_state`; it belongs to the protocol and not to the run, so that runs with different
        seeds are compared on the same clips.
    normalisation : str
        Which clips give the mean and the maximum: ``"all_clips"`` (validation clips too, a leak) or
        ``"training_clips"``.
    """

    name: str
    description: str
    split: str
    validation_share: float
    split_seed: int
    normalisation: str


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "paper": Protocol(
            name="paper",
            description="80/20 split of the class-ordered clips, drawn once with seed 4, as Tables VI and VII imply",
            split="holdout",
            validation_share=0.2,
            split_seed=4,
            normalisation="all_clips",
        ),
    }
)


def make_folds(protocol: Protocol, labels: np.ndarray, classes: Sequence[str]) -> tuple[Fold, ...]:
    """Divide the clips.

    The released code hands clips ordered by class to ``train_test_split(test_size=0.2, random_state=4)``, and the
    draw depends on that order; so clips are first put in class order, whatever order they come in.

    Parameters
    ----------
    protocol : Protocol
    labels : (n_clips,) int array
        Class indices.
    classes : sequence of str
        Their names.

    Raises
    ------
    TrainingError
        If a class has fewer than two clips, or no clip in a training part.
    """
    labels = np.asarray(labels)
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < 2:
        raise TrainingError(
            f"protocol {protocol.name!r} needs at least two clips of every class, to train on one and validate on "
            f"another; found {_counted(counts, classes)}"
        )
    by_class = np.argsort(labels, kind="stable")
    train, validation = train_test_split(
        by_class, test_size=protocol.validation_share, random_state=protocol.split_seed
    )
    if len(np.unique(labels[train])) < len(classes):
        raise TrainingError(
            f"protocol {protocol.name!r} leaves a class without a training clip, and no network can learn it: "
            f"{_counted(np.bincount(labels[train], minlength=len(classes)), classes)}. Use more clips"
        )
    return (Fold(name=protocol.split, train=train, validation=validation),)


def normalise(volumes: np.ndarray, protocol: Protocol, fold: Fold) -> np.ndarray:
    """Centre one stream on its mean and divide by its maximum after that, as the released code does.

    With ``normalisation="all_clips"`` both numbers come from all clips before the split, so that validation clips
    have a part in them. That is a leak, if a small one (two numbers); it is what was published, and
    ``"training_clips"`` is the rule without it.

    Parameters
    ----------
    volumes : (n_clips, ...) uint8 array
    protocol : Protocol
    fold : Fold

    Returns
    -------
    float32 array of the same shape

    Raises
    ------
    TrainingError
        If all pixels are equal.
    """
    scope = volumes if protocol.normalisation == "all_clips" else volumes[np.sort(fold.train)]
    mean = scope.mean(dtype=np.float64)
    scale = scope.max() - mean
    if scale == 0:
        raise TrainingError(f"every pixel of the stream is {mean:.0f}: there is nothing to learn; preprocess it again")
    normalised = volumes.astype(np.float32)
    normalised -= np.float32(mean)
    normalised /= np.float32(scale)
    return normalised


# What a run's `control` may be, and what it takes away from the clips. A network that scores as well with a control
# as without it did not use what the control removed.
CONTROLS: Mapping[str, str] = MappingProxyType(
    {
        "none": "nothing: the clips as they are",
        "shuffled_frames": "the order of frames: each clip's frames are put in a random order",
        "first_frame": "all motion: each clip repeats its first frame",
        "permuted_labels": "the tie between clip and label: labels are dealt out anew among all clips",
    }
)


def control_volumes(volumes: np.ndarray, control: str, rng: np.random.Generator) -> np.ndarray:
    """Apply a control to one stream, (n_clips, depth, height, width).

    Streams of one run must be given equal generators, so that eyes and mouth are shuffled alike.
    """
    if control == "first_frame":
        return np.repeat(volumes[:, :1], volumes.shape[1], axis=1)
    if control == "shuffled_frames":
        orders = rng.permuted(np.tile(np.arange(volumes.shape[1]), (len(volumes), 1)), axis=1)
        return np.take_along_axis(volumes, orders[:, :, None, None], axis=1)
    return volumes


def control_labels(labels: np.ndarray, control: str, rng: np.random.Generator) -> np.ndarray:
    """Apply a control to the labels, (n_clips,). The clips of a fold stay the same."""
    return rng.permutation(labels) if control == "permuted_labels" else labels


def _counted(counts: np.ndarray, classes: Sequence[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True))
