"""Which samples a protocol makes of the clips, and how it divides them. A run's name covers this file.

Labels and people are all that is known here: no array, no network.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from lib.core.errors import TrainingError
from lib.training.protocols import Protocol


@dataclass(frozen=True)
class Samples:
    """What is trained and scored: usually each clip once, under its own label.

    Attributes
    ----------
    clips : (n_samples,) int array
        Positions in the processed store.
    labels : (n_samples,) int array
        Class index that each sample is trained and scored with.
    """

    clips: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True)
class Fold:
    """One division of the samples. All arrays hold positions in `Samples`, in the order the split gave.

    Attributes
    ----------
    name : str
        Unique within the protocol; it is written beside every prediction.
    train, validation : int arrays
    partner : int array or None
        For networks of two streams: the sample that the second stream of each training sample is taken from. None
        where that is the same one, as it should be.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    partner: np.ndarray | None = None


def make_samples(protocol: Protocol, labels: np.ndarray, n_classes: int) -> Samples:
    """What is trained and scored, from the (n_clips,) class indices of the clips.

    ``duplicates="last_class_twice"`` does what the released scripts for SMIC do: clips are read class by class, each
    of the last class is appended twice in a row, and labels are then written for as many samples as there are clips.
    Of the doubled samples the later ones keep the label 0 that the array began with.
    """
    labels = np.asarray(labels)
    if protocol.duplicates == "none":
        return Samples(np.arange(len(labels)), labels)
    by_class = np.argsort(labels, kind="stable")
    last = labels[by_class] == n_classes - 1
    clips = np.concatenate([by_class[~last], np.repeat(by_class[last], 2)])
    written = np.zeros(len(clips), dtype=int)
    written[: len(labels)] = labels[by_class]
    return Samples(clips, written)


def make_folds(
    protocol: Protocol,
    labels: np.ndarray,
    classes: Sequence[str],
    subjects: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Fold, ...]:
    """Divide the samples.

    The released code hands clips ordered by class to ``train_test_split(test_size=0.2, random_state=4)``, and the
    draw depends on that order; so samples are first put in class order, whatever order they come in.

    Parameters
    ----------
    protocol : Protocol
    labels : (n_samples,) int array
        Class indices, as `Samples` holds them.
    classes : sequence of str
        Their names.
    subjects : (n_samples,) sequence of str, optional
        Who is seen in each sample; splits by subject need it.
    seed : int
        Draws the split where the protocol has no seed of its own.

    Raises
    ------
    TrainingError
        If a class has fewer than two clips, or no clip in a training part (an unshuffled split is let through: that
        it leaves a class untrained is what it is measured for), or there are too few subjects.
    """
    labels = np.asarray(labels)
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < 2:
        raise TrainingError(
            f"protocol {protocol.name!r} needs at least two clips of every class, to train on one and validate on "
            f"another; found {_counted(counts, classes)}"
        )
    split_seed = seed if protocol.split_seed is None else protocol.split_seed
    if protocol.split in ("holdout", "unshuffled"):
        folds = (_by_clip(protocol, labels, split_seed),)
    elif subjects is None:
        raise TrainingError(f"protocol {protocol.name!r} divides by subject, and no subjects were given")
    else:
        folds = _by_subject(protocol, labels, np.asarray(subjects, dtype=str), split_seed)
    for fold in folds:
        trained = np.bincount(labels[fold.train], minlength=len(classes))
        if trained.min() == 0 and protocol.split != "unshuffled":
            raise TrainingError(
                f"protocol {protocol.name!r} leaves a class without a training clip in fold {fold.name!r}, and no "
                f"network can learn it: {_counted(trained, classes)}. Use more clips"
            )
    if protocol.pairing in ("independent_splits", "mouths_of_two_clips"):
        folds = tuple(_mispaired(protocol, labels, fold, split_seed) for fold in folds)
    if protocol.validate_on == "all_clips":
        folds = tuple(dataclasses.replace(fold, validation=np.arange(len(labels))) for fold in folds)
    return folds


def _by_clip(protocol: Protocol, labels: np.ndarray, seed: int) -> Fold:
    # doubled samples are in class order already, and their labels, half of which are wrong, would disturb it
    by_class = np.argsort(labels, kind="stable") if protocol.duplicates == "none" else np.arange(len(labels))
    chosen = {"shuffle": False} if protocol.split == "unshuffled" else {"random_state": seed}
    train, validation = train_test_split(by_class, test_size=protocol.validation_share, **chosen)
    return Fold(name=protocol.split, train=train, validation=validation)


def _by_subject(protocol: Protocol, labels: np.ndarray, subjects: np.ndarray, seed: int) -> tuple[Fold, ...]:
    people = sorted(set(subjects))
    parts = max(len(people) if protocol.split == "loso" else round(1 / protocol.validation_share), 2)
    if len(people) < parts:
        raise TrainingError(
            f"protocol {protocol.name!r} needs clips of at least {parts} subjects, found {len(people)} "
            f"({', '.join(people)}). Use more clips (a stand-in: clips=18)"
        )
    commonest = np.bincount(labels).max()
    if protocol.split == "subject_holdout" and commonest < parts:
        raise TrainingError(
            f"protocol {protocol.name!r} divides people into {parts} parts and needs at least {parts} clips of the "
            f"commonest class, found {commonest}. Use more clips (a stand-in: clips=18)"
        )
    if protocol.split == "loso":
        return tuple(
            Fold(name=person, train=np.flatnonzero(subjects != person), validation=np.flatnonzero(subjects == person))
            for person in people
        )
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=seed).split(labels, labels, subjects)
    train, validation = next(iter(folds))
    return (Fold(name=protocol.split, train=train, validation=validation),)


def _mispaired(protocol: Protocol, labels: np.ndarray, fold: Fold, seed: int) -> Fold:
    """Give each training sample the second stream of another, as the first released FuseNet scripts did.

    They called `train_test_split` once for each stream without a seed, so that the second stream of validation clips
    came into the training part too. Splits of equal size are drawn like that; where sizes differ (by subject), the
    training clips' second streams are dealt out anew among them.
    """
    if protocol.split == "holdout":
        return dataclasses.replace(fold, partner=_by_clip(protocol, labels, seed + 1).train)
    return dataclasses.replace(fold, partner=np.random.default_rng([seed, 1]).permutation(fold.train))


def _counted(counts: np.ndarray, classes: Sequence[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True))
