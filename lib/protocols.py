"""How clips are split, labelled, normalised and controlled: everything about a run that happens before the first epoch.

A `Protocol` is data; the functions below read it. They know labels and arrays, neither datasets nor networks. Each
field that departs from good practice is one that the authors' released code, or the paper, departs in.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from lib.errors import ConfigError, TrainingError


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


# What a field of a protocol may be, and what it means. The first value of each is the clean one.
CHOICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "split": {
            "subject_holdout": "a fifth of the clips, of people who are in no training clip, classes balanced",
            "loso": "one fold per subject: leave one subject out",
            "holdout": "one random division of the clips, without regard to class or subject",
            "unshuffled": "the last fifth of the clips in class order, as `shuffle=False` gives it",
        },
        "normalisation": {
            "training_clips": "mean and maximum of the training clips",
            "all_clips": "mean and maximum of all clips, before the split: validation clips have a part in them",
        },
        "validate_on": {
            "held_out": "the clips that were held out",
            "all_clips": "every clip, those trained on included",
        },
        "duplicates": {
            "none": "each clip once",
            "last_class_twice": "each clip of the last class twice, one after the other, while labels are written for "
            "the original number of clips: the rest keep class 0",
        },
        "pairing": {
            "clip": "both streams of a sample come from one clip",
            "independent_splits": "the second stream is split by a draw of its own: eyes of one clip train with the "
            "mouth of another, under the eyes' label",
            "mouth_twice": "both streams train on the second one, and are validated on the real pair",
        },
        "frame_order": {
            "time": "frames in time",
            "listing": "frames in the order in which a file system lists them: by a digest of their names",
        },
        "reported": {
            "last": "the last epoch, fixed beforehand",
            "best": "the first epoch with the highest validation accuracy, chosen on the clips it is scored on",
        },
    }
)


@dataclass(frozen=True)
class Protocol:
    """A split, a normalisation and an evaluation rule. `CHOICES` says what each field may be.

    Attributes
    ----------
    name : str
        As it is asked for in a `RunConfig`.
    description : str
        One sentence for tables.
    split : str
        How clips are divided.
    validation_share : float
        Share of the clips held out, rounded up to whole clips; leave-one-subject-out does not read it.
    split_seed : int or None
        scikit-learn's `random_state`. A number belongs to the protocol, so that runs with different seeds are compared
        on the same clips; with None each run draws the split with its own seed, so that an interval over seeds covers
        the choice of clips too.
    normalisation : str
        Which clips give the mean and the maximum.
    validate_on, duplicates, pairing, frame_order : str
        What is scored, and what is wrong with the samples.
    reported : str
        Which epoch is the result. A record holds both.

    Raises
    ------
    ConfigError
        If a field has a value that `CHOICES` does not know.
    """

    name: str
    description: str
    split: str = "subject_holdout"
    validation_share: float = 0.2
    split_seed: int | None = None
    normalisation: str = "training_clips"
    validate_on: str = "held_out"
    duplicates: str = "none"
    pairing: str = "clip"
    frame_order: str = "time"
    reported: str = "last"

    def __post_init__(self) -> None:
        for field, known in CHOICES.items():
            if getattr(self, field) not in known:
                raise ConfigError(
                    f"protocol {self.name!r}, {field}: expected one of {', '.join(known)}; "
                    f"found {getattr(self, field)!r}"
                )


_PUBLISHED = (
    Protocol(
        name="paper",
        description="80/20 split of the class-ordered clips, drawn once with seed 4, as Tables VI and VII imply",
        split="holdout",
        split_seed=4,
        normalisation="all_clips",
        reported="best",
    ),
    Protocol(
        name="released_code",
        description="what the released FuseNet scripts do: split with seed 42, then validate on every clip",
        split="holdout",
        split_seed=42,
        normalisation="all_clips",
        validate_on="all_clips",
        reported="best",
    ),
    Protocol(
        name="released_code_smic",
        description="the same with what the scripts for SMIC add: surprise clips twice, half of them labelled negative",
        split="holdout",
        split_seed=42,
        normalisation="all_clips",
        validate_on="all_clips",
        duplicates="last_class_twice",
        reported="best",
    ),
    Protocol(
        name="loso",
        description="leave one subject out; normalisation from the training clips, last epoch, pooled over subjects",
        split="loso",
    ),
)
_CLEAN = Protocol(
    name="clean",
    description="people of the validation clips are in no training clip; normalisation from the training clips; last "
    "epoch; the split is drawn anew with each seed",
)

# One departure each from the clean baseline: name -> (field, value). What it is worth is measured in chapter 10.
SHORTCUTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "validated_on_training_clips": ("validate_on", "all_clips"),
        "duplicated_clips": ("duplicates", "last_class_twice"),
        "mispaired_streams": ("pairing", "independent_splits"),
        "mouth_for_eyes": ("pairing", "mouth_twice"),
        "unshuffled_split": ("split", "unshuffled"),
        "frames_as_listed": ("frame_order", "listing"),
        "normalised_before_split": ("normalisation", "all_clips"),
        "shared_subjects": ("split", "holdout"),
    }
)


def _with_shortcut(name: str, field: str, value: str) -> Protocol:
    description = f"the clean baseline, but {CHOICES[field][value]}"
    return dataclasses.replace(_CLEAN, name=name, description=description, **{field: value})


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            *_PUBLISHED,
            _CLEAN,
            *(_with_shortcut(name, field, value) for name, (field, value) in SHORTCUTS.items()),
        )
    }
)


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
    if protocol.pairing == "independent_splits":
        folds = tuple(_mispaired(protocol, labels, fold, split_seed) for fold in folds)
    if protocol.validate_on == "all_clips":
        folds = tuple(dataclasses.replace(fold, validation=np.arange(len(labels))) for fold in folds)
    return folds


def _by_clip(protocol: Protocol, labels: np.ndarray, seed: int) -> Fold:
    by_class = np.argsort(labels, kind="stable")
    chosen = {"shuffle": False} if protocol.split == "unshuffled" else {"random_state": seed}
    train, validation = train_test_split(by_class, test_size=protocol.validation_share, **chosen)
    return Fold(name=protocol.split, train=train, validation=validation)


def _by_subject(protocol: Protocol, labels: np.ndarray, subjects: np.ndarray, seed: int) -> tuple[Fold, ...]:
    people = sorted(set(subjects))
    parts = len(people) if protocol.split == "loso" else round(1 / protocol.validation_share)
    if len(people) < max(parts, 2):
        raise TrainingError(
            f"protocol {protocol.name!r} needs clips of at least {max(parts, 2)} subjects, found {len(people)} "
            f"({', '.join(people)}). Use more clips"
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

    They called `train_test_split` once for the eyes and once for the mouths without a seed, so that mouths of
    validation clips came into the training part too. Splits of equal size are drawn like that; where sizes differ
    (by subject), the training mouths are dealt out anew among the training clips.
    """
    if protocol.split == "holdout":
        return dataclasses.replace(fold, partner=_by_clip(protocol, labels, seed + 1).train)
    return dataclasses.replace(fold, partner=np.random.default_rng([seed, 1]).permutation(fold.train))


@dataclass(frozen=True)
class Normaliser:
    """Centre a stream on a mean and divide by the maximum after that, as the released code does.

    It is fitted on an array, and knows nothing of what it was not given: with the protocol's
    ``normalisation="training_clips"`` no validation clip can have a part in it.
    """

    mean: float
    scale: float

    @classmethod
    def fit(cls, volumes: np.ndarray) -> "Normaliser":
        """Take mean and maximum from (n_clips, ...) uint8 volumes; `TrainingError` if all pixels are equal."""
        mean = volumes.mean(dtype=np.float64)
        scale = volumes.max() - mean
        if scale == 0:
            raise TrainingError(
                f"every pixel of the stream is {mean:.0f}: there is nothing to learn; preprocess it again"
            )
        return cls(float(mean), float(scale))

    def __call__(self, volumes: np.ndarray) -> np.ndarray:
        """The volumes as float32, of the same shape."""
        normalised = volumes.astype(np.float32)
        normalised -= np.float32(self.mean)
        normalised /= np.float32(self.scale)
        return normalised


def as_listed(volumes: np.ndarray, clip_ids: Sequence[str]) -> np.ndarray:
    """Put the frames of each clip, (n_clips, depth, height, width), in an order that has nothing to do with time.

    The released scripts for SMIC read frames as `os.listdir` gives them, which is the order of a file system's
    directory: by a hash of names on ext4. Here a digest of clip and frame number stands for it, the same every time.
    """
    depth = volumes.shape[1]
    orders = [
        sorted(range(depth), key=lambda frame, clip=clip: hashlib.sha256(f"{clip}/{frame}".encode()).digest())
        for clip in clip_ids
    ]
    return np.take_along_axis(volumes, np.array(orders)[:, :, None, None], axis=1)


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
