"""From a processed store to what one fold trains on and is scored on: control and protocol applied, normalised.

The parts of a fold are separate arrays: what fits (the normaliser, the network) is handed training clips and nothing
else, unless the protocol says otherwise. A run's name covers this file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.core.errors import ConfigError, ReplicationError, TrainingError
from lib.networks import STREAMS
from lib.training.protocols import PROTOCOLS
from lib.training.records import RunConfig
from lib.training.splits import Fold, Samples, make_folds, make_samples

# what a generator is for; two purposes of one run must not draw the same numbers
PURPOSES = ("order", "frames", "labels")


@dataclass(frozen=True)
class FoldData:
    """The arrays of one fold.

    Attributes
    ----------
    fold : Fold
    train, validation : tuple of float32 arrays, (n, height, width, depth)
        One per stream of the network.
    train_labels, validation_labels : (n,) int arrays
        Class indices.
    validation_clips : (n,) int array
        Positions in the store of what is scored.
    """

    fold: Fold
    train: tuple[np.ndarray, ...]
    train_labels: np.ndarray
    validation: tuple[np.ndarray, ...]
    validation_labels: np.ndarray
    validation_clips: np.ndarray


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


def fold_plan(config: RunConfig, store) -> tuple[Samples, tuple[Fold, ...]]:
    """The samples of a run, labels permuted where its control says so, and its folds.

    Folds are drawn from the true labels, so that a run with permuted labels has the clips of the run without.

    Raises
    ------
    TrainingError
        If there are too few clips or subjects for the split.
    """
    protocol, classes = PROTOCOLS[config.protocol], store.classes
    samples = make_samples(protocol, store.labels, len(classes))
    subjects = store.clips["subject"].to_numpy()[samples.clips] if "subject" in store.clips else None
    folds = make_folds(protocol, samples.labels, classes, subjects, config.seed)
    labels = control_labels(samples.labels, config.control, generator(config, "labels"))
    return Samples(samples.clips, labels), folds


def prepare_fold(config: RunConfig, store, index: int = 0) -> FoldData:
    """The arrays of one fold of a run.

    Raises
    ------
    ConfigError
        If the store lacks a stream of the network, or its streams do not fit together.
    TrainingError
        If the clips cannot be split, or a stream is of one grey.
    """
    samples, folds = fold_plan(config, store)
    fold, protocol = folds[index], PROTOCOLS[config.protocol]
    streams = _streams(config, store)
    train, validation = [], []
    for number, pixels in enumerate(streams):
        second = number > 0 and fold.partner is not None
        source = streams[-1] if protocol.pairing in ("mouth_twice", "mouths_of_two_clips") else pixels
        train_clips = samples.clips[fold.partner if second else fold.train]
        # of all clips, a doubled one counts twice, as it does in the released code
        fitted_on = samples.clips if protocol.normalisation == "all_clips" else np.unique(train_clips)
        normalise = Normaliser.fit(source[fitted_on])
        train.append(_height_width_depth(normalise(source[train_clips])))
        if source is not pixels:
            normalise = Normaliser.fit(pixels[fitted_on])
        validation.append(_height_width_depth(normalise(pixels[samples.clips[fold.validation]])))
    return FoldData(
        fold=fold,
        train=tuple(train),
        train_labels=samples.labels[fold.train],
        validation=tuple(validation),
        validation_labels=samples.labels[fold.validation],
        validation_clips=samples.clips[fold.validation],
    )


def generator(config: RunConfig, purpose: str, *numbers: int) -> np.random.Generator:
    """The random numbers of a run for one purpose; equal for equal seeds and purposes."""
    return np.random.default_rng([config.seed, PURPOSES.index(purpose), *numbers])


def _streams(config: RunConfig, store) -> list[np.ndarray]:
    """The streams of a network as uint8, (n_clips, depth, height, width), control and order of frames applied."""
    streams = []
    for stream in STREAMS[config.model]:
        try:
            pixels = store.load(stream)
        except (KeyError, FileNotFoundError, ReplicationError) as error:
            raise ConfigError(
                f"model {config.model!r} reads the streams {', '.join(STREAMS[config.model])}, and the processed "
                f"store has no {stream!r}: preprocess the dataset with it ({error})"
            ) from error
        if PROTOCOLS[config.protocol].frame_order == "listing":
            pixels = as_listed(pixels, store.clips["clip_id"])
        # streams of one run are given equal generators, so that eyes and mouth are shuffled alike
        streams.append(control_volumes(pixels, config.control, generator(config, "frames")))
    shapes = {pixels.shape for pixels in streams}
    if len(shapes) > 1 or len(streams[0]) != len(store.labels):
        found = ", ".join(str((len(pixels), *pixels.shape[2:], pixels.shape[1])) for pixels in streams)
        raise ConfigError(
            f"expected streams of one shape with {len(store.labels)} clips, found (clips, height, width, depth) "
            f"{found}: the store is damaged; preprocess again"
        )
    return streams


def _height_width_depth(volumes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(volumes.transpose(0, 2, 3, 1))
