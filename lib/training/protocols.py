"""What may be chosen of a protocol and of a control: data that `lib.training.splits` and `lib.training.inputs` read.

Each field of a protocol that departs from good practice is one that the authors' released code, or the paper, departs
in.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from lib.core.catalogue import UNKNOWN_SUBJECT
from lib.core.checks import one_of
from lib.core.errors import TrainingError

# What a field of a protocol may be, and what it means. The first value of each is the clean one.
CHOICES: Mapping[str, Mapping[str, str]] = {
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
        "mouths_of_two_clips": "both of these: streams train on the mouths of two clips, and are validated on the "
        "real pair",
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
            one_of(f"protocol {self.name!r}, {field}", getattr(self, field), known)


def require_people(protocol: Protocol, clips: pd.DataFrame) -> None:
    """Refuse to divide clips by subject while it is unknown of some whose face they show.

    Whoever is in them may be in other clips too, so that a network would be scored on people whom it was trained on.

    Parameters
    ----------
    clips : DataFrame
        With ``clip_id`` and ``subject``.

    Raises
    ------
    TrainingError
        If the split is by subject, and a subject unknown.
    """
    if protocol.split not in ("subject_holdout", "loso") or "subject" not in clips:
        return
    unknown = clips.loc[clips["subject"] == UNKNOWN_SUBJECT, "clip_id"].tolist()
    if unknown:
        shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        raise TrainingError(
            f"protocol {protocol.name!r} divides clips by subject, and {len(unknown)} of {len(clips)} do not say whose "
            f"face it is ({shown}). Let their names begin like s15_, sub15_ or 015_, or take a protocol that divides "
            "by clip, such as 'paper'"
        )


def _like(first: Protocol, name: str, description: str, **changes: object) -> Protocol:
    return dataclasses.replace(first, name=name, description=description, **changes)


def _versions(first: Protocol, pairing: str) -> tuple[Protocol, ...]:
    """A file's first version, and the two that replaced it on 2019-08-04, half an hour apart: they split alike."""
    of_day, unshuffled = f"`{first.name}` as of 2019-08-04", CHOICES["split"]["unshuffled"].replace("`", "")
    seed_42 = f"{of_day}, 09:26: both streams are split by seed 42"
    return (
        first,
        _like(first, f"{first.name}_seed_42", seed_42, split_seed=42, pairing=pairing),
        _like(first, f"{first.name}_unshuffled", f"{of_day}, 10:00: {unshuffled}", split="unshuffled", pairing=pairing),
    )


_PAPER = Protocol(
    "paper",
    "80/20 split of the class-ordered clips, drawn once with seed 4, as Tables VI and VII imply",
    split="holdout",
    split_seed=4,
    normalisation="all_clips",
    reported="best",
)
_LOSO = Protocol(
    "loso",
    "leave one subject out; normalisation from the training clips, last epoch, pooled over subjects",
    split="loso",
)
# The authors' code, `data/paper/released_code.yml`. `lib.audit.released.released_settings` tells which belongs to which
# file. MicroExpSTCNN's file for CAS(ME)² is the protocol `paper`, and the FuseNets' are as in April 2019, when Table V
# was published.
_RELEASED_STCNN_SMIC = _like(
    _PAPER,
    "released_code_smic_stcnn",
    "the protocol `paper` on frames in the order of a file system's listing",
    frame_order="listing",
)
_RELEASED = _like(
    _PAPER,
    "released_code",
    "MicroExpFuseNet as released in April 2019: eyes and mouths split apart, by the run's seed where the code has "
    "none; validated on every clip",
    split_seed=None,
    validate_on="all_clips",
    pairing="independent_splits",
)
_RELEASED_SMIC = _like(
    _RELEASED,
    "released_code_smic",
    "the same with what the files for SMIC add: surprise clips twice, half of them labelled negative; frames as listed",
    duplicates="last_class_twice",
    frame_order="listing",
)
_RELEASED_SMIC_INTERMEDIATE = _like(
    _RELEASED_SMIC,
    "released_code_smic_intermediate",
    "the same with mouths in place of eyes, as the intermediate network's file trains on SMIC",
    pairing="mouths_of_two_clips",
)
_CLEAN = Protocol(
    "clean",
    "people of the validation clips are in no training clip; normalisation from the training clips; last epoch; the "
    "split is drawn anew with each seed",
)

# One departure each from the clean baseline: name -> (field, value). What it is worth is measured in chapter 10.
SHORTCUTS: Mapping[str, tuple[str, str]] = {
    "validated_on_training_clips": ("validate_on", "all_clips"),
    "duplicated_clips": ("duplicates", "last_class_twice"),
    "mispaired_streams": ("pairing", "independent_splits"),
    "mouth_for_eyes": ("pairing", "mouth_twice"),
    "unshuffled_split": ("split", "unshuffled"),
    "frames_as_listed": ("frame_order", "listing"),
    "normalised_before_split": ("normalisation", "all_clips"),
    "shared_subjects": ("split", "holdout"),
}
_ALL = (
    _PAPER,
    _LOSO,
    _RELEASED_STCNN_SMIC,
    *_versions(_RELEASED, "clip"),
    *_versions(_RELEASED_SMIC, "clip"),
    *_versions(_RELEASED_SMIC_INTERMEDIATE, "mouth_twice"),
    _CLEAN,
    *(
        _like(_CLEAN, name, f"the clean baseline, but {CHOICES[field][value]}", **{field: value})
        for name, (field, value) in SHORTCUTS.items()
    ),
)
PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _ALL}

# What a run's `control` may be, and what it takes away from the clips. A network that scores as well with a control
# as without it did not use what the control removed.
CONTROLS: Mapping[str, str] = {
    "none": "nothing: the clips as they are",
    "shuffled_frames": "the order of frames: each clip's frames are put in a random order",
    "first_frame": "all motion: each clip repeats its first frame",
    "permuted_labels": "the tie between clip and label: labels are dealt out anew among all clips",
}
