"""Tables, figures and scores of the comparison: three networks over several seeds, and controls."""

import itertools
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.analysis.comparisons import READINGS, scores
from lib.audit import paper
from lib.networks import NETWORKS
from lib.report import figures
from lib.report.wording import count, interval_in_points, points, range_in_points
from lib.statistics.intervals import Interval, Range, mean_interval, paired_difference
from lib.statistics.metrics import wilson_interval
from lib.training import plans
from lib.training.plans import Outcome
from lib.training.records import RunRecord

CONTROL_TITLES = {
    "none": "clips as they are",
    "shuffled_frames": "frames shuffled in time",
    "first_frame": "first frame repeated",
    "permuted_labels": "labels permuted",
}


def status_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Planned, finished, failed and missing runs: a row for each network and control."""
    table = plans.table(outcomes)
    table["network"] = table["model"].map(paper.METHOD_NAMES)
    table["clips"] = table["control"].map(CONTROL_TITLES)
    counts = pd.crosstab([table["network"], table["clips"]], table["status"])
    counts = counts.reindex(columns=["finished", "failed", "missing"], fill_value=0)
    order = table[["network", "clips"]].drop_duplicates()
    counts = counts.loc[pd.MultiIndex.from_frame(order)]
    counts.insert(0, "planned", counts.sum(axis=1))
    counts.columns.name = None
    return counts


def status_sentences(outcomes: Sequence[Outcome]) -> str:
    """How many of the planned runs exist; names those that failed."""
    by_status = {status: [one for one in outcomes if one.status == status] for status in ("failed", "missing")}
    text = f"**{len(plans.records(outcomes))} of {len(outcomes)}** planned runs are finished."
    if by_status["missing"]:
        text += f" {len(by_status['missing'])} have not been run; nothing below includes them."
    if by_status["failed"]:
        listed = "; ".join(f"`{one.config.slug}`: {one.reason}" for one in by_status["failed"])
        text += f" **{len(by_status['failed'])} failed**, each time they are tried: {listed}."
    return text


def finished(outcomes: Sequence[Outcome], control: str | None = None) -> pd.DataFrame:
    """The finished runs as `lib.training.plans.table` lists them, of one control or of all."""
    table = plans.table(outcomes)
    table = table[table["status"] == "finished"]
    return table if control is None else table[table["control"] == control]


def network_table(outcomes: Sequence[Outcome], dataset: str, standin: bool) -> pd.DataFrame:
    """The proposed rows of Table V: the paper's accuracy and ours over seeds, in percent.

    Returns
    -------
    DataFrame of str
        A column per network. Intervals are Student's t over seeds, 95 %: they hold what initial weights, dropout and
        the order of clips change, not what another choice of clips would. The Wilson interval of the mean holds that.
    """
    table, where = finished(outcomes, "none"), ", stand-in" if standin else ""
    rows = {}
    for model in NETWORKS:
        runs = table[table["model"] == model]
        row = {"paper, Table V": _published(model, dataset), "seeds": str(len(runs))}
        for name, title in READINGS.items():
            row[f"{title}{where}"] = _with_interval(mean_interval(runs[name])) if len(runs) else "not run"
        if len(runs):
            clips = int(runs["n"].iloc[0])
            low, high = wilson_interval(round(float(runs["accuracy_best"].mean()) * clips), clips)
            row[f"best epoch, Wilson{where}"] = f"{low:.1%} to {high:.1%}"
            row[f"best − last{where}"] = range_in_points(Range.of(runs["accuracy_best"] - runs["accuracy_last"]))
            row[f"commonest class{where}"] = f"{runs['majority_share'].iloc[0]:.1%}"
        rows[paper.METHOD_NAMES[model]] = row
    return pd.DataFrame(rows).fillna("")


def stability_table(outcomes: Sequence[Outcome], dataset: str, standin: bool) -> pd.DataFrame:
    """Table VIII: mean and standard deviation of validation accuracy over the last ten epochs; a column per network."""
    table, where = finished(outcomes, "none"), ", stand-in" if standin else ""
    rows = {}
    for model in NETWORKS:
        runs = table[table["model"] == model]
        row = {}
        if dataset in paper.DATASETS:
            mean, sd = paper.last_epochs(model, dataset)
            row["paper, Table VIII"] = f"{mean:.2%} ± {100 * sd:.2f} points"
        for run in runs.itertuples():
            sd = "" if pd.isna(run.accuracy_std_last_epochs) else f" ± {100 * run.accuracy_std_last_epochs:.1f} points"
            row[f"seed {run.seed}{where}"] = f"{run.accuracy_mean_last_epochs:.1%}{sd}"
        if len(runs) > 1:
            row[f"sd between seeds{where}"] = f"{100 * runs['accuracy_mean_last_epochs'].std(ddof=1):.1f} points"
        rows[paper.METHOD_NAMES[model]] = row
    return pd.DataFrame(rows).fillna("")


def control_table(outcomes: Sequence[Outcome], standin: bool) -> pd.DataFrame:
    """MicroExpSTCNN with each control: accuracy over seeds, and the paired difference to the clips as they are."""
    table, where = finished(outcomes), ", stand-in" if standin else ""
    table = table[table["model"] == NETWORKS[0]]
    rows = {}
    for control, title in CONTROL_TITLES.items():
        runs = table[table["control"] == control]
        row = {"seeds": str(len(runs))}
        for name, reading in READINGS.items():
            row[f"{reading}{where}"] = _with_interval(mean_interval(runs[name])) if len(runs) else "not run"
        change = control_change(outcomes, control) if control != "none" else None
        if change is not None:
            row["change, mean of the last ten"] = interval_in_points(change)
        rows[title] = row
    return pd.DataFrame(rows).T.fillna("")


def seeds_figure(outcomes: Sequence[Outcome], dataset: str, standin: bool) -> Figure:
    """Each run as a dot, at its best epoch, its last, and on average over the last ten, beside the paper's value."""
    table = finished(outcomes, "none")
    figure, axes = plt.subplots(1, len(NETWORKS), figsize=(9.5, 3.3), sharey=True)
    for axis, model in zip(axes, NETWORKS, strict=True):
        runs = table[table["model"] == model]
        long = runs.melt(id_vars="seed", value_vars=list(READINGS), var_name="reading", value_name="accuracy")
        long["reading"] = long["reading"].map(READINGS).str.replace(" ", "\n", n=1)
        if len(runs):
            sns.swarmplot(
                long, x="reading", y="accuracy", hue="reading", ax=axis, size=6, alpha=0.8, legend=False,
                palette=[figures.VALIDATION, figures.TRAINING, figures.MARK],
            )  # fmt: skip
            axis.axhline(runs["majority_share"].iloc[0], color=figures.PAPER, linestyle=":", label="commonest class")
        else:
            _say_not_run(axis)
        if dataset in paper.DATASETS:
            axis.axhline(
                paper.accuracy(model, dataset), color="black", linestyle="--", linewidth=1, label="paper, on real clips"
            )
        axis.set_title(paper.METHOD_NAMES[model].replace(" Micro", "\nMicro"), fontsize=10)
        axis.set(xlabel="", ylim=(0, 1.02), ylabel="validation accuracy")
        axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.tick_params(axis="x", labelsize=8)
    axes[-1].legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    return figures.finished(figure, standin)


def control_figure(outcomes: Sequence[Outcome], standin: bool) -> Figure:
    """Validation accuracy of MicroExpSTCNN by epoch, with and without what each control removes; a line per seed."""
    chosen = [one for one in outcomes if one.record is not None and one.config.model == NETWORKS[0]]
    colours = dict(
        zip(CONTROL_TITLES, (figures.VALIDATION, figures.TRAINING, figures.MARK, figures.PAPER), strict=True)
    )
    figure, axes = plt.subplots(1, len(CONTROL_TITLES), figsize=(10.5, 2.9), sharey=True)
    for axis, (control, title) in zip(axes, CONTROL_TITLES.items(), strict=True):
        records = [one.record for one in chosen if one.config.control == control]
        for record in records:
            history = record.history
            axis.plot(history["epoch"], history["val_accuracy"], color=colours[control], linewidth=0.9, alpha=0.75)
            axis.axhline(record.summary()["majority_share"], color=figures.PAPER, linestyle=":", linewidth=1)
        if not records:
            _say_not_run(axis)
        axis.set_title(f"{title}\n({count(len(records), 'seed')})", fontsize=9)
        axis.set(xlabel="epoch", ylim=(0, 1.02), ylabel="validation accuracy")
        axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.tight_layout()
    return figures.finished(figure, standin)


def pooled_confusion(outcomes: Sequence[Outcome], model: str, at: str) -> np.ndarray | None:
    """The confusion matrices of a network's finished runs, summed over seeds; None without any."""
    matrices = [
        one.record.confusion(at).to_numpy()
        for one in outcomes
        if one.record is not None and one.config.model == model and one.config.control == "none"
    ]
    return np.sum(matrices, axis=0) if matrices else None


def selection_sentences(outcomes: Sequence[Outcome]) -> str:
    """What reporting the best validation epoch is worth, on the real labels and on labels that mean nothing."""
    plain = finished(outcomes, "none")
    if plain.empty:
        return "No run is finished."
    gain = Range.of(plain["accuracy_best"] - plain["accuracy_last"])
    text = (
        f"Over the {count(len(plain), 'finished run')} of the three networks, reporting the best validation epoch "
        f"instead of the last is worth **{points(gain.mean)}** of accuracy on average, {points(gain.lowest)} to "
        f"{points(gain.highest)}; it cannot lose any."
    )
    permuted = finished(outcomes, "permuted_labels")
    if len(permuted):
        best, last = permuted["accuracy_best"].mean(), permuted["accuracy_last"].mean()
        share = permuted["majority_share"].mean()
        text += (
            f" Where labels are permuted and there is nothing to learn, the last epoch scores {last:.1%} and the best "
            f"{best:.1%}, where always answering the commonest class of the permuted labels scores {share:.1%}: the "
            f"choice alone makes {points(best - last)} out of nothing."
        )
    return text


def control_change(outcomes: Sequence[Outcome], control: str) -> Interval | None:
    """What a control does to MicroExpSTCNN's mean accuracy of the last ten epochs, by pairs of seeds; None without."""
    table, name = finished(outcomes), "accuracy_mean_last_epochs"
    table = table[table["model"] == NETWORKS[0]]
    plain, runs = (table[table["control"] == one].set_index("seed")[name] for one in ("none", control))
    shared = runs.index.intersection(plain.index)
    return paired_difference(runs.loc[shared], plain.loc[shared]) if len(shared) else None


def ranking(outcomes: Sequence[Outcome], dataset: str) -> dict:
    """The networks by mean accuracy at the best epoch, as JSON.

    Returns
    -------
    dict
        ``order`` (best first; None if a network has no finished run), ``published_order``, and ``published_leads``: of
        each network of the published order over the next one, paired by seed, with their 95 % intervals.
    """
    table = finished(outcomes, "none")
    scores = {model: runs.set_index("seed")["accuracy_best"] for model, runs in table.groupby("model")}
    known = dataset in paper.DATASETS
    published = sorted(NETWORKS, key=lambda model: -paper.accuracy(model, dataset)) if known else None
    result = {"order": None, "published_order": published, "published_leads": None}
    if set(scores) < set(NETWORKS):
        return result

    def lead(first: str, second: str) -> dict | None:
        shared = scores[first].index.intersection(scores[second].index)
        return (
            paired_difference(scores[first].loc[shared], scores[second].loc[shared]).to_dict() if len(shared) else None
        )

    leads = [lead(*pair) for pair in itertools.pairwise(published)] if published else None
    return result | {"order": sorted(NETWORKS, key=lambda model: -scores[model].mean()), "published_leads": leads}


def results(outcomes: Sequence[Outcome], dataset: str) -> dict:
    """What the chapter found, as JSON: scores over seeds of each network and control, the order, what is missing."""
    groups: dict[str, list[RunRecord]] = {}
    for record in plans.records(outcomes):
        groups.setdefault(f"{record.config.model}/{record.config.control}", []).append(record)
    statuses = pd.Series([one.status for one in outcomes]).value_counts()
    return {
        "scores": {name: scores(own) for name, own in groups.items()},
        "ranking": ranking(outcomes, dataset),
        "control_changes": {
            control: change.to_dict()
            for control in ("shuffled_frames", "first_frame")
            if (change := control_change(outcomes, control)) is not None
        },
        "planned": len(outcomes),
        **{status: int(statuses.get(status, 0)) for status in ("finished", "failed", "missing")},
    }


def _published(model: str, dataset: str) -> str:
    return f"{paper.accuracy(model, dataset):.2%}" if dataset in paper.DATASETS else ""


def _with_interval(interval: Interval) -> str:
    if np.isnan(interval.low):
        return f"{interval.estimate:.1%} (one seed)"
    low, high = max(interval.low, 0), min(interval.high, 1)  # Student's t does not know that shares end at 0 and 1
    return f"{interval.estimate:.1%} ({low:.1%} to {high:.1%})"


def _say_not_run(axis: Axes) -> None:
    axis.text(0.5, 0.5, "not run", transform=axis.transAxes, ha="center", style="italic", color=figures.PAPER)
    axis.set_xticks([])
