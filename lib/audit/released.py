"""The authors' released code as arithmetic: which clips it reads, which labels they get, how they are split.

The facts stand in `data/paper/released_code.yml`. The split is scikit-learn's own `train_test_split`, on positions.
"""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import train_test_split

from lib.audit import paper
from lib.audit.paper import released_file
from lib.core.catalogue import PAPER_NETWORKS

FUSENETS = PAPER_NETWORKS[1:]
HELD_OUT_SHARE = 0.2


def classes(dataset: str) -> list[str]:
    """The classes of a dataset in the order of the code's labels, which is not that of Tables IV and VI."""
    return released_file("micro_exp_stcnn", dataset)["classes"]


def fusenet_files() -> list[dict]:
    """The four entries of MicroExpFuseNet."""
    return [entry for entry in paper.released_files() if entry["model"] in FUSENETS]


def held_out(n_clips: int) -> int:
    """Clips that `train_test_split(test_size=0.2)` holds out: a fifth, rounded up.

    >>> held_out(206), held_out(204)
    (42, 41)
    """
    return math.ceil(HELD_OUT_SHARE * n_clips)


def class_sizes(model: str, dataset: str) -> list[int]:
    """Clips of each class, from the positions at which the code changes the label."""
    return np.diff([0, *released_file(model, dataset)["label_ends"]]).tolist()


def clips_and_labels(model: str, dataset: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the code feeds its network: for every entry the clip, the clip's class, and the label it gets.

    A clip that is appended twice stands there twice, one after the other. A label that is not set stays class 0.
    """
    entry = released_file(model, dataset)
    sizes, copies = class_sizes(model, dataset), entry["copies"]
    by_clip = np.repeat(np.arange(len(sizes)), sizes)
    clips = np.repeat(np.arange(sum(sizes)), np.repeat(copies, sizes))
    return clips, by_clip[clips], assigned_labels(entry["label_ends"], len(clips))


def assigned_labels(label_ends: Sequence[int], n_entries: int) -> np.ndarray:
    """The label of every position, as slices of an array of zeros set it; slices beyond its end set nothing."""
    labels = np.zeros(n_entries, dtype=int)
    for label, (start, end) in enumerate(zip([0, *label_ends], label_ends, strict=False)):
        labels[start:end] = label
    return labels


def clip_count(model: str, dataset: str) -> int:
    """Entries that the network is fed with, copies included."""
    return len(clips_and_labels(model, dataset)[2])


def held_out_counts(class_counts: Sequence[int], seed: int) -> list[int]:
    """Held-out clips of each class when clips ordered by class are split with a seed.

    >>> held_out_counts([66, 47, 43], seed=4)
    [19, 6, 7]
    """
    labels = np.repeat(np.arange(len(class_counts)), class_counts)
    _, held = train_test_split(labels, test_size=HELD_OUT_SHARE, random_state=seed)
    return np.bincount(held, minlength=len(class_counts)).tolist()


def released_settings(model: str, dataset: str) -> dict[str, str | int]:
    """What the authors' code does where the paper says otherwise: ``protocol``, ``batch_size`` and ``epochs`` of a run.

    `ConfigError` for a network or a dataset that has no file in `data/paper/released_code.yml`.

    >>> released_settings("micro_exp_fusenet_intermediate", "smic")
    {'protocol': 'released_code_smic_intermediate', 'batch_size': 4, 'epochs': 250}
    """
    entry = released_file(model, dataset)
    return {name: entry[name] for name in ("protocol", "batch_size", "epochs")}
