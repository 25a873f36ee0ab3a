"""The audit of the published numbers: what can be said of them by arithmetic, without any data.

Everything is computed from `data/paper/` and returned as `Finding`s, those of most weight first. Nothing here trains,
reads a frame, or knows of a run.
"""

from lib.audit import accuracies, architectures, counts, splits
from lib.audit.finding import RESTS_ON, STATUSES, Finding
from lib.errors import ConfigError
from lib.paper import ARCHITECTURE_TABLES, DATASETS

__all__ = ["RESTS_ON", "STATUSES", "Finding", "findings"]


def findings(split_radius: int = 3) -> list[Finding]:
    """Every finding, ordered by weight: first what decides how Table V is to be read, last what only completes it.

    Parameters
    ----------
    split_radius : int
        How far from the released labels to look for class counts that give the printed validation counts; the work
        grows with its third power, about a second at 3.

    Raises
    ------
    ConfigError
        If the radius is negative.
    """
    if split_radius < 0:
        raise ConfigError(f"split_radius: expected 0 or more, found {split_radius}")
    return [
        # what the accuracies of Table V are shares of
        *(accuracies.check_held_out(model, dataset) for model in accuracies.FUSENETS for dataset in DATASETS),
        *(accuracies.check_held_out_bounds(model, dataset) for model in accuracies.FUSENETS for dataset in DATASETS),
        accuracies.check_constant_in_table_v(),
        splits.check_smic_labels(),
        counts.check_same_clips(),
        accuracies.check_best_epoch(),
        accuracies.check_constant_kernels(),
        # what they are compared with
        counts.check_prior_dataset(),
        *(counts.check_beats(dataset, "prior") for dataset in DATASETS),
        *(counts.check_beats(dataset, "majority") for dataset in DATASETS),
        # what the clips are
        counts.check_micro_expressions(),
        counts.check_durations(),
        counts.check_official_counts(),
        # how they were split
        *(splits.check_split(dataset, split_radius) for dataset in DATASETS),
        *(splits.check_validation_size(dataset) for dataset in DATASETS),
        splits.check_fused_version(),
        splits.check_unseeded_pairs(),
        splits.check_unshuffled(),
        # the remaining tables
        accuracies.check_kernel_lattice(),
        accuracies.check_kernel_best(),
        accuracies.check_stability_means(),
        *(accuracies.check_held_out("micro_exp_stcnn", dataset) for dataset in DATASETS),
        counts.check_confusion_matrices(),
        *(counts.check_class_scores(dataset) for dataset in DATASETS),
        counts.check_sums(),
        *(architectures.check_shapes(model) for model in ARCHITECTURE_TABLES),
        architectures.check_parameters(),
    ]
