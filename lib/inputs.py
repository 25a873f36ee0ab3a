"""From a processed store to what one fold trains on and is scored on: control and protocol applied, normalised.

The parts of a fold are separate arrays: what fits (the normaliser, the network) is handed training clips and nothing
else, unless the protocol says otherwise.
"""

from dataclasses import dataclass

import numpy as np

from lib.errors import ConfigError, ReplicationError
from lib.models import STREAMS
from lib.protocols import (
    PROTOCOLS,
    Fold,
    Normaliser,
    Samples,
    as_listed,
    control_labels,
    control_volumes,
    make_folds,
    make_samples,
)
from lib.runs import RunConfig

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
        source = streams[-1] if protocol.pairing == "mouth_twice" else pixels
        train_clips = samples.clips[fold.partner if second else fold.train]
        normalise = [
            Normaliser.fit(one if protocol.normalisation == "all_clips" else one[np.unique(train_clips)])
            for one in (source, pixels)
        ]
        train.append(_height_width_depth(normalise[0](source[train_clips])))
        validation.append(_height_width_depth(normalise[1](pixels[samples.clips[fold.validation]])))
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
