"""The audit of the published numbers: what can be said of them by arithmetic, without any data.

Everything is computed from `data/paper/` and returned as `Finding`s, those of most weight first. Nothing here trains,
reads a frame, or knows of a run.
"""

from lib.audit import accuracies, architectures, counts, epochs, kernels, method, prior, splits
from lib.audit.finding import RESTS_ON, Finding, text_table
from lib.audit.paper import DATASETS, METHOD_NAMES, STCNN
from lib.audit.released import FUSENETS
from lib.core.checks import whole_number

__all__ = ["RESTS_ON", "Finding", "findings", "text_table"]


def findings(split_radius: int = 3) -> list[Finding]:
    """Every finding, ordered by weight: first what decides how Table V is to be read, last what only completes it.

    Parameters
    ----------
    split_radius : int, 0 or more
        How far from the released labels to look for class counts that give the printed validation counts; the work
        grows with its third power, about a second at 3.
    """
    whole_number("split_radius", split_radius, 0)
    return [
        # what the accuracies of Table V are shares of
        *(accuracies.check_held_out(model, dataset) for model in FUSENETS for dataset in DATASETS),
        *(accuracies.check_held_out_bounds(model, dataset) for model in FUSENETS for dataset in DATASETS),
        prior.check_one_split(),
        accuracies.check_constant_in_table_v(),
        epochs.check_mean_above_constant(),
        epochs.check_best_above_mean(),
        accuracies.check_best_epoch(),
        splits.check_smic_labels(),
        splits.check_fused_version(),
        splits.check_unseeded_pairs(),
        splits.check_unshuffled(),
        # what they are compared with
        *(epochs.check_mean_beats_prior(dataset) for dataset in reversed(DATASETS)),
        prior.check_prior_dataset(),
        *(prior.check_prior_left(dataset) for dataset in DATASETS),
        *(prior.check_beats(dataset, "prior") for dataset in DATASETS),
        *(prior.check_beats(dataset, "majority") for dataset in DATASETS),
        prior.check_prior_sizes(),
        prior.check_prior_complete(),
        prior.check_joint_compared(),
        *(prior.check_beats_most(model) for model in FUSENETS),
        prior.check_learned_better(),
        # Tables IX and VIII
        kernels.check_constant(),
        kernels.check_first_class(),
        kernels.check_deeper(),
        kernels.check_taps(),
        kernels.check_best(),
        kernels.check_smaller(),
        kernels.check_deep_and_small(),
        kernels.check_lattice(),
        *(epochs.check_cell(model, dataset) for model in METHOD_NAMES for dataset in DATASETS),
        *(epochs.check_steadier(model) for model in METHOD_NAMES),
        # what the clips are, and how they were split
        counts.check_micro_expressions(),
        counts.check_long_videos(),
        counts.check_durations(),
        counts.check_early_frames(),
        counts.check_annotated_durations(),
        counts.check_official_counts(),
        counts.check_exchange(),
        counts.check_smic_total(),
        splits.check_casme2_readings(),
        *(splits.check_split(dataset, split_radius) for dataset in DATASETS),
        *(splits.check_validation_size(dataset) for dataset in DATASETS),
        # the method in the text and in the code
        method.check_settings(),
        method.check_input_region(),
        method.check_fusenet_regions(),
        method.check_lacking_regions(),
        method.check_alignment(),
        method.check_dense_activation(),
        *(architectures.check_efficiency(model) for model in FUSENETS),
        # the remaining tables
        *(architectures.check_shapes(model) for model in METHOD_NAMES),
        *(accuracies.check_held_out(STCNN, dataset) for dataset in DATASETS),
        counts.check_confusion_matrices(),
        *(counts.check_class_scores(dataset) for dataset in DATASETS),
        counts.check_sums(),
        counts.check_smic_profiles(),
    ]
