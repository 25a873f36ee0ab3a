"""Sentences of the chapters that state a number or a finding, made from results so that no number is typed by hand.

Each function returns Markdown text.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.audit import paper
from lib.audit.architectures import misprints
from lib.datasets.clip import Dataset
from lib.report.wording import points
from lib.training.records import RunConfig
from lib.training.splits import Fold


def count_sentences(counts: pd.DataFrame, data: Dataset) -> str:
    """How the clips on disk compare with published counts, and whether Table IV can be right about this dataset."""
    sentences = [
        f"There are **{counts.loc['all', 'on disk']} clips of {data.table()['subject'].nunique()} people** here"
        + (", all of them rendered." if data.is_standin else ".")
    ]
    if data.name not in paper.DATASETS:
        return sentences[0]
    official, printed = counts["dataset's authors"], counts["paper, Table IV"]
    impossible = [
        f"{printed[name]} clips of class *{name}* where the whole dataset has {official[name]}"
        for name in counts.index
        if pd.notna(official[name]) and printed[name] > official[name]
    ]
    if impossible:
        sentences.append(f"Table IV of the paper cannot be right: it prints {'; '.join(impossible)}.")
    released = counts["released code"]
    different = [
        f"{name} {printed[name]} against {released[name]}"
        for name in counts.index.drop("all")
        if printed[name] != released[name]
    ]
    if different:
        sentences.append(f"Table IV and the released code disagree: {', '.join(different)}.")
    return " ".join(sentences)


def length_sentences(lengths: pd.Series, durations_ms: pd.Series, needed: int, standin: bool) -> str:
    """Range of the clips' lengths, and how many are too short for what the network reads."""
    short = int((lengths < needed).sum())
    text = (
        f"Clips last {lengths.min()} to {lengths.max()} frames, "
        f"{durations_ms.min():.0f} to {durations_ms.max():.0f} ms. "
        f"The authors' code reads the frames up to number {needed}; **{short}** of {len(lengths)} clips have fewer"
        + (" and are left out by the preprocessing." if short else ", so none is lost.")
    )
    if short and standin:
        text += " That they are too short was decided when the stand-in was drawn, and is no finding."
    return text


def variance_sentences(variance: pd.DataFrame) -> str:
    """How small the part of the input is that moves."""
    over_time = variance["over time"]
    return (
        f"Of the variance in the stream `{over_time.index[0]}`, {over_time.iloc[0]:.2%} lies along time; in the stream "
        f"that moves most, `{over_time.idxmax()}`, it is {over_time.max():.2%}. The rest is how faces and rooms "
        "differ, which a network must learn to look past."
    )


def crop_sentences(crop_motion: pd.DataFrame) -> str:
    """How much of the movement in the crops comes from the crop itself."""
    if crop_motion.empty:
        return "Not measured: with temporal interpolation the frames of a volume are not frames of the clip."
    ratio = crop_motion["authors' crop"] / crop_motion["steady crop"]
    return (
        f"The authors' crop changes {ratio.min():.1f} to {ratio.max():.1f} times as much from frame to frame as the "
        "steady one. What exceeds one is movement of the crop, not of the face."
    )


def architecture_sentences(layers: pd.DataFrame, model: str, depth: int) -> str:
    """Number of parameters, where they sit, and which printed sizes are contradicted."""
    total = int(layers["parameters"].sum())
    largest = layers.loc[layers["parameters"].idxmax()]
    filters = layers.loc[layers["kind"] == "Conv3D", "parameters"].sum()
    text = (
        f"The network has **{total:,} parameters**; {largest['parameters'] / total:.1%} of them sit in "
        f"`{largest['layer']}` and {filters:,} in convolutions."
    )
    wrong = misprints(model)
    if depth == 96 and wrong:
        once = {layer.removeprefix("eyes_").removeprefix("mouth_"): sizes for layer, sizes in wrong.items()}
        listed = ", ".join(f"`{layer}` {printed} for {computed}" for layer, (printed, computed) in once.items())
        text += f" The paper's table prints sizes that its own layers contradict: {listed}."
    return text


def split_sentences(store, fold: Fold) -> str:
    """Sizes of the two parts, and how many people are in both."""
    subjects = store.clips["subject"].to_numpy()
    shared = set(subjects[fold.train]) & set(subjects[fold.validation])
    both = np.isin(subjects[fold.validation], list(shared)).mean()
    step = 1 / len(fold.validation)
    return (
        f"{len(fold.train)} clips train, **{len(fold.validation)} validate**, so that one clip more or less is "
        f"{100 * step:.1f} points of accuracy. {both:.0%} of the validation clips show a person who is also in the "
        "training part."
    )


def settings_sentences(config: RunConfig, dataset: str) -> str:
    """Where a run's settings differ from the paper's, and where the released code's do."""
    published = RunConfig(config.model)
    different = [
        f"{name.replace('_', ' ')} {getattr(config, name)} instead of {getattr(published, name)}"
        for name in ("epochs", "batch_size", "learning_rate", "kernel_size")
        if getattr(config, name) != getattr(published, name)
    ]
    text = "These are the settings of the paper, and of the released code where the paper is silent."
    if different:
        text = f"**Different from the paper** and its released code: {'; '.join(different)}."
    if dataset == "casme2_sq" and "fusenet" in config.model and config.learning_rate < published.learning_rate:
        rate = f"{published.learning_rate:g}"
        text += f" At {rate} the loss of the intermediate network did not stay finite on the stand-in."
    if dataset in paper.DATASETS:
        (released,) = [
            one for one in paper.released_files() if (one["model"], one["dataset"]) == (config.model, dataset)
        ]
        departs = [
            f"{released[name]} {what} where the paper has {getattr(published, name)}"
            for name, what in (("batch_size", "clips a step"), ("epochs", "epochs"))
            if released[name] != getattr(published, name)
        ]
        text += f" The released code itself takes {' and '.join(departs)}." if departs else ""
    return text


def settings_of_networks(configs: Sequence[RunConfig], dataset: str) -> str:
    """`settings_sentences` of each network among some runs, as a list."""
    first = {config.model: config for config in reversed(configs)}
    return "\n".join(
        f"- {paper.METHOD_NAMES[model]}: {settings_sentences(config, dataset)}"
        for model, config in sorted(first.items(), key=lambda item: list(paper.METHOD_NAMES).index(item[0]))
    )


def run_sentences(record) -> str:
    """What the choice of the best epoch is worth, and whether the network beats a constant answer."""
    scores = record.summary()
    gain = scores["accuracy_best"] - scores["accuracy_last"]
    low, high, majority = scores["wilson_low_best"], scores["wilson_high_best"], scores["majority_share"]
    if low > majority:
        against = "The interval lies above what always answering the commonest class scores"
    elif high < majority:
        against = "The interval lies below what always answering the commonest class scores"
    else:
        against = "The interval includes what always answering the commonest class scores"
    collapsed = [at for at in ("best", "last") if (record.confusion(at).to_numpy().sum(axis=0) > 0).sum() == 1]
    constant = (
        f" **The network has collapsed**: at its {' and its '.join(collapsed)} epoch it gives every clip the same "
        "class."
        if collapsed
        else ""
    )
    return (
        f"The best of {scores['epochs']} epochs is number {scores['best_epoch']}. Reporting it instead of the last is "
        f"worth **{points(gain)}** of accuracy here. {against} ({majority:.1%}). It does not count that the epoch was "
        f"chosen on the clips that it is scored on.{constant}"
    )
