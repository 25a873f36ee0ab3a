"""What the runs of chapter 7 say about kernels: accuracy, collapse to one class, time, and how 3x3x15 compares.

Numbers only; the figures are `lib.report.kernel_figures`', the sentences `lib.report.kernel_prose`'s. A planned run
never drops out: a kernel that does not fit, a run that diverged and one that was not trained each keep their place.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.audit.kernels import kernels
from lib.core.errors import ConfigError
from lib.report.wording import interval_in_points
from lib.statistics.intervals import Interval, mean_interval, paired_difference
from lib.training.plans import PAPER_KERNELS, Outcome
from lib.training.records import RunConfig, RunRecord, settings_of

PAPER_KERNEL = (3, 3, 15)
STATUSES = ("finished", "incomplete", "failed", "missing", "does not fit", "not planned")

Kernel = tuple[int, int, int]


# === Collapse to one class ===


@dataclass(frozen=True)
class Collapse:
    """A network that gives every validation clip the same class, and the epoch from which on it seems to do so."""

    class_name: str
    since_epoch: int


def constant_answer(record: RunRecord, at: str = "last") -> str | None:
    """The class that every validation clip is given at the best or last epoch; None if there are several."""
    answers = record.predictions(at)["predicted"].unique()
    return str(answers[0]) if len(answers) == 1 else None


def collapse(record: RunRecord) -> Collapse | None:
    """Whether a network answers one class for every validation clip at its last epoch, which, and since when.

    A record keeps predictions at two epochs only, and the accuracy of all. `since_epoch` is therefore the first epoch
    from which the validation accuracy stays at that class's share of the validation clips, to the end. A network that
    passes through other answers with exactly that accuracy is dated too early; one that is found here at all is
    collapsed for certain.

    Parameters
    ----------
    record : RunRecord
        Of a protocol with one fold.

    Raises
    ------
    ValueError
        If the record has several folds, each of which may collapse to a class of its own.
    """
    history = record.history.sort_values("epoch")
    if (folds := history["fold"].nunique()) != 1:
        raise ValueError(f"expected a record of one fold, found {folds}")
    answer = constant_answer(record, "last")
    if answer is None:
        return None
    truth = record.predictions("last")["truth"]
    hits = (history["val_accuracy"] * len(truth)).round()  # whole clips, so that the CSV's last decimal is no matter
    elsewhere = history.loc[hits != (truth == answer).sum(), "epoch"]
    return Collapse(answer, int(elsewhere.max()) + 1 if len(elsewhere) else int(history["epoch"].min()))


def collapse_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The collapsed ones of the finished runs: kernel, learning rate, seed, class, its share, since epoch, epochs."""
    columns = ["kernel", "learning rate", "seed", "class", "its share of the clips", "since epoch", "epochs"]
    rows = []
    for outcome in outcomes:
        found = collapse(outcome.record) if outcome.record is not None else None
        if found is not None:
            config, truth = outcome.config, outcome.record.predictions("last")["truth"]
            share = float((truth == found.class_name).mean())
            rows.append((name_of(config.kernel_size), config.learning_rate, config.seed, found.class_name, share,
                         found.since_epoch, config.epochs))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


# === Every kernel at every learning rate ===


def name_of(kernel: Sequence[int]) -> str:
    """
    >>> name_of((3, 3, 15))
    '3x3x15'
    """
    return "x".join(map(str, kernel))


def study(planned: Sequence[RunConfig], outcomes: Sequence[Outcome], misfits: Mapping[Kernel, str]) -> pd.DataFrame:
    """One row for each learning rate and each kernel, of those planned and of the paper's twelve.

    Parameters
    ----------
    planned : sequence of RunConfig
        Every run that was asked for, those of kernels that do not fit included.
    outcomes : sequence of Outcome
        Of the planned runs whose kernel fits.
    misfits : mapping of kernel -> reason
        Kernels that do not fit the volume, planned or not.

    Returns
    -------
    DataFrame, ordered by learning rate (as planned) and kernel
        ``learning_rate``, ``kernel`` (tuple), ``name``; ``status``, one of `STATUSES` ("incomplete": some seeds are
        finished, "failed" and "missing": none is); ``reason`` of a misfit or failure; counts of runs ``planned``,
        ``finished``, ``failed``, ``missing``; for ``best`` and ``last``: ``accuracy_*`` (mean over the finished seeds,
        NaN without any), ``low_*`` and ``high_*`` (their range), ``interval_*`` (t, over seeds) and ``constant_*``
        (how many of them give every clip one class at that epoch);
        ``classes`` and ``since``, the class and epoch of each run that is collapsed at the end; ``n``, validation
        clips.

    Raises
    ------
    ConfigError
        If nothing was planned.
    """
    if not planned:
        raise ConfigError("expected at least one kernel, learning rate and seed, found no planned run")
    rates = list(dict.fromkeys(config.learning_rate for config in planned))
    kernels = sorted({*PAPER_KERNELS, *(config.kernel_size for config in planned)})
    rows = []
    for rate in rates:
        for kernel in kernels:
            key = (rate, kernel)
            asked = [one for one in planned if (one.learning_rate, one.kernel_size) == key]
            found = [one for one in outcomes if (one.config.learning_rate, one.config.kernel_size) == key]
            rows.append(_row(rate, kernel, asked, found, misfits.get(kernel, "")))
    return pd.DataFrame(rows)


def _row(rate: float, kernel: Kernel, asked: list[RunConfig], found: list[Outcome], misfit: str) -> dict:
    counts = Counter(one.status for one in found)
    if misfit:
        status = "does not fit"
    elif not asked:
        status = "not planned"
    elif counts["finished"]:
        status = "finished" if counts["finished"] == len(asked) else "incomplete"
    else:
        status = "failed" if counts["failed"] else "missing"
    records = [one.record for one in found if one.record is not None]
    scores = pd.DataFrame([record.summary() for record in records], columns=["n", "accuracy_best", "accuracy_last"])
    n = int(scores["n"].iloc[0]) if records else 0
    row = {
        "learning_rate": rate, "kernel": kernel, "name": name_of(kernel), "status": status,
        "reason": misfit or next((one.reason for one in found if one.reason), ""), "planned": len(asked),
        **{name: counts[name] for name in ("finished", "failed", "missing")}, "n": n,
    }  # fmt: skip
    for at in ("best", "last"):
        values = scores[f"accuracy_{at}"].astype(float)
        row |= {
            f"accuracy_{at}": values.mean(), f"low_{at}": values.min(), f"high_{at}": values.max(),
            f"interval_{at}": mean_interval(values, bounds=(0, 1)),
            f"constant_{at}": sum(constant_answer(record, at) is not None for record in records),
        }  # fmt: skip
    collapses = [one for record in records if (one := collapse(record)) is not None]
    return row | {
        "classes": tuple(one.class_name for one in collapses),
        "since": tuple(one.since_epoch for one in collapses),
    }


def published_table() -> pd.DataFrame:
    """Table IX, one row per kernel of the twelve.

    Returns
    -------
    DataFrame
        ``kernel`` (tuple), ``accuracy`` in percent and ``constant``, the class whose constant prediction has this
        accuracy on the paper's validation clips ("" if none has).
    """
    table = kernels()
    sizes = [tuple(map(int, row)) for row in table[["height", "width", "depth"]].itertuples(index=False)]
    return pd.DataFrame({"kernel": sizes, "accuracy": table["accuracy"], "constant": table["constant"]})


# === Time ===


def epoch_seconds(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Measured time per training epoch of each kernel, and its ratio to the paper's kernel on the same device.

    The median over epochs, the first of a run left out where there are more, because it includes compiling. Times of
    one device only are comparable: the one that trained most of the finished runs is taken.

    Returns
    -------
    DataFrame, indexed by kernel (``"3x3x15"``)
        ``seconds``, ``ratio`` (NaN if the paper's kernel was not trained on that device), ``device``.
    """
    by_device: dict[str, dict[str, list[float]]] = {}
    runs_on: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.record is not None:
            provenance, kernel = outcome.record.provenance, name_of(outcome.config.kernel_size)
            seconds = list(provenance["seconds_per_epoch"])
            device = str(provenance["device"])
            by_device.setdefault(device, {}).setdefault(kernel, []).extend(seconds[1:] or seconds)
            runs_on[device] += 1
    columns = ["seconds", "ratio", "device"]
    if not runs_on:
        return pd.DataFrame(columns=columns).rename_axis("kernel")
    device = runs_on.most_common(1)[0][0]
    medians = {kernel: float(np.median(seconds)) for kernel, seconds in by_device[device].items()}
    reference = medians.get(name_of(PAPER_KERNEL), math.nan)
    rows = {kernel: (seconds, seconds / reference, device) for kernel, seconds in medians.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("kernel")


# === How 3x3x15 compares ===


def comparison(table: pd.DataFrame, outcomes: Sequence[Outcome], learning_rate: float, at: str = "best") -> dict:
    """The paper's kernel beside every other of `study` at one learning rate, pairing runs of equal seeds, as JSON.

    Returns
    -------
    dict
        ``at``, ``learning_rate``, ``kernel`` (the paper's), its ``accuracy`` (None if no run is finished);
        ``complete``: whether the other kernels are the paper's eleven, every one with all its seeds; ``others``, the
        best first: ``kernel``, ``accuracy``, ``seeds`` that both have, ``difference`` (the paper's minus the other's,
        95 %) and ``cautious``, the same at a level corrected for how many others there are (Bonferroni).
    """
    rows = table[(table["learning_rate"] == learning_rate) & (table["finished"] > 0)].set_index("name")
    twelve, own = [name_of(kernel) for kernel in PAPER_KERNELS], name_of(PAPER_KERNEL)
    scores: dict[str, dict[int, float]] = {name: {} for name in rows.index}
    for outcome in outcomes:
        if outcome.record is not None and outcome.config.learning_rate == learning_rate:
            accuracy = outcome.record.summary()[f"accuracy_{at}"]
            scores[name_of(outcome.config.kernel_size)][outcome.config.seed] = accuracy
    means = rows[f"accuracy_{at}"].astype(float)
    rivals = means.drop(own, errors="ignore").sort_values(ascending=False, kind="stable")
    others = []
    for name in rivals.index if own in scores else ():
        shared = sorted(scores[own].keys() & scores[name].keys())
        pairs = [scores[own][seed] for seed in shared], [scores[name][seed] for seed in shared]
        others.append({
            "kernel": name, "accuracy": float(means[name]), "seeds": len(shared),
            "difference": paired_difference(*pairs, bounds=(-1, 1)).to_dict(),
            "cautious": paired_difference(*pairs, level=1 - 0.05 / len(rivals), bounds=(-1, 1)).to_dict(),
        })  # fmt: skip
    return {
        "at": at, "learning_rate": learning_rate, "kernel": own, "accuracy": _plain(means.get(own)),
        "complete": bool((rows["status"].reindex(twelve) == "finished").all()), "others": others,
    }  # fmt: skip


def comparison_table(comparisons: Mapping[str, Mapping]) -> pd.DataFrame:
    """What 3x3x15 leads every other kernel by, as text: a column for each epoch."""
    columns = {
        f"lead of {one['kernel']}, {at} epoch": {
            other["kernel"]: interval_in_points(Interval.from_dict(other["difference"]), "one seed")
            for other in one["others"]
        }
        for at, one in comparisons.items()
    }
    return pd.DataFrame(columns).rename_axis("kernel")


# === As data ===


def results(
    table: pd.DataFrame,
    comparisons: Mapping[str, Mapping],
    costs: pd.DataFrame,
    times: pd.DataFrame,
    planned: Sequence[RunConfig],
) -> dict:
    """What the chapter found, as JSON can hold it.

    Parameters
    ----------
    comparisons : mapping of "best" or "last" -> dict
        From `comparison`.
    planned : sequence of RunConfig
        Those at the first learning rate, which the comparisons are of, come first.
    """
    collapse_by_rate = []
    for rate, rows in table.groupby("learning_rate", sort=False):
        collapse_by_rate.append({
            "learning_rate": rate, "runs_finished": int(rows["finished"].sum()),
            "runs_collapsed": int(rows["constant_last"].sum()), "runs_failed": int(rows["failed"].sum()),
            "kernels_collapsed": rows.loc[rows["constant_last"] > 0, "name"].tolist(),
            "kernels_failed": rows.loc[rows["failed"] > 0, "name"].tolist(),
        })  # fmt: skip
    return {
        "settings": {name: value for name, value in settings_of(planned[0]).items() if name != "kernel_size"},
        "comparisons": dict(comparisons),
        "collapse": collapse_by_rate,
        "kernels": [_cell(row) for row in table.to_dict("records")],
        "costs": {
            name: {
                **{key: None if pd.isna(value) else int(value) for key, value in costs.loc[name].items()},
                "seconds_per_epoch": _plain(times["seconds"].get(name)),
                "seconds_ratio": _plain(times["ratio"].get(name)),
            }
            for name in costs.index
        },
        "device": None if times.empty else str(times["device"].iloc[0]),
    }


def _cell(row: Mapping) -> dict:
    cell = {"kernel": row["name"], **{name: row[name] for name in (
        "learning_rate", "status", "reason", "planned", "finished", "failed", "missing", "n")}}  # fmt: skip
    for at in ("best", "last"):
        interval = row[f"interval_{at}"].to_dict()
        cell |= {
            f"accuracy_{at}": row[f"accuracy_{at}"], f"range_{at}": [row[f"low_{at}"], row[f"high_{at}"]],
            f"interval_{at}": [interval["low"], interval["high"]], f"constant_{at}": row[f"constant_{at}"],
        }  # fmt: skip
    return _plain(cell | {"collapsed": row["constant_last"], "classes": row["classes"], "since_epochs": row["since"]})


def _plain(value):
    """Values that JSON can hold: no NaN, no NumPy numbers, no tuples."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
