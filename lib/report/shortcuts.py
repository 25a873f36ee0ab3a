"""What each departure from the clean baseline is worth: chapter 10's tables, made from the outcomes of its runs.

A change is always between two runs of one seed, and each is read at the epoch that its protocol reports. Runs that
failed or are missing leave a gap that stays visible; they are counted in every row.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lib.analysis.comparisons import direction
from lib.audit import paper
from lib.report.tables import files_text
from lib.report.wording import interval_in_points, interval_text, range_in_points, uf1_change
from lib.statistics.intervals import Interval, Range, mean_interval
from lib.training.plans import STCNN, Outcome
from lib.training.protocols import CHOICES, PROTOCOLS, SHORTCUTS
from lib.training.records import RunConfig

BASELINE = "clean"
BEST_EPOCH, DOUBLED_BATCH = "best_epoch", "doubled_batch"  # the two switches that need no protocol of their own
SCORES = ("accuracy", "uf1")


@dataclass(frozen=True)
class Switch:
    """One departure: how it is called in tables, and the entry of `data/paper/code_differences.yml` that it is."""

    title: str
    difference: str | None


SWITCHES: dict[str, Switch] = {
    BEST_EPOCH: Switch("best epoch reported", "best-validation-epoch"),
    "validated_on_training_clips": Switch("scored on all clips", "validates-on-all-clips"),
    "shared_subjects": Switch("people in both parts", None),
    "duplicated_clips": Switch("last class doubled", "smic-surprise-twice"),
    "mispaired_streams": Switch("eyes and mouth of different clips", "eyes-and-mouth-of-different-clips"),
    "mouth_for_eyes": Switch("mouth in place of eyes", "mouth-twice"),
    "unshuffled_split": Switch("split without shuffling", "unshuffled-split"),
    "frames_as_listed": Switch("frames in no order", "frame-order"),
    "normalised_before_split": Switch("normalised before the split", "normalised-before-split"),
    DOUBLED_BATCH: Switch("batches twice as large", "batch-size"),
}


def meanings() -> pd.DataFrame:
    """What each switch is: indexed by title, with what the released code does, in which files, and what is changed."""
    differences = paper.code_differences().set_index("id")
    rows = {}
    for name, switch in SWITCHES.items():
        if switch.difference is None:
            code, files = "Clips are divided without regard to who is seen in them.", ["all six"]
        else:
            code, files = differences.loc[switch.difference, ["code", "files"]]
        rows[switch.title] = {
            "the released code": code,
            "in": files_text(files),
            "changed here": _changed(name),
        }
    return pd.DataFrame(rows).T.rename_axis("switch")


def without_switch() -> pd.DataFrame:
    """What no switch turns on: what the released code does, in which files, and what is done here about it."""
    differences = paper.code_differences().dropna(subset="here")
    return pd.DataFrame(
        {
            "the released code": differences["code"].tolist(),
            "in": differences["files"].map(files_text).tolist(),
            "here": differences["here"].str.replace("`", "").tolist(),
        }
    )


def _changed(name: str) -> str:
    if name == BEST_EPOCH:
        return f"epoch: {CHOICES['reported']['best']}"
    if name == DOUBLED_BATCH:
        return "clips per step: twice as many as the baseline"
    field, value = SHORTCUTS[name]
    return f"{field.replace('_', ' ')}: {CHOICES[field][value].replace('`', '')}"


def pairs(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row per switch and seed, whatever became of the two runs.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of `lib.training.plans.shortcut_runs`; of the clean runs of a network, those with the smallest batches are the
        baseline.

    Returns
    -------
    DataFrame
        ``switch``, ``model``, ``seed``, ``status`` (of the pair: "finished", "failed" if one of the runs failed, else
        "missing"), ``reason``, and the changes ``accuracy`` and ``uf1`` (switched minus baseline; NaN unless finished,
        and for UF1 where the two runs are scored on clips of different classes).
    """
    rows = []
    for outcomes_of_model in _by_model(outcomes).values():
        clean = {outcome.config.seed: outcome for outcome in _baseline(outcomes_of_model)}
        for outcome in clean.values():
            rows.append({"switch": BEST_EPOCH, **_pair(outcome, outcome, at="best")})
        for outcome in outcomes_of_model:
            if outcome not in clean.values():
                rows.append({"switch": _switch(outcome.config), **_pair(outcome, clean.get(outcome.config.seed))})
    return pd.DataFrame(rows, columns=["switch", "model", "seed", "status", "reason", *SCORES])


def _by_model(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    models = dict.fromkeys(outcome.config.model for outcome in outcomes)
    return {model: [outcome for outcome in outcomes if outcome.config.model == model] for model in models}


def _baseline(outcomes: Sequence[Outcome]) -> list[Outcome]:
    smallest = min(outcome.config.batch_size for outcome in outcomes)
    return [one for one in outcomes if one.config.protocol == BASELINE and one.config.batch_size == smallest]


def _switch(config: RunConfig) -> str:
    return DOUBLED_BATCH if config.protocol == BASELINE else config.protocol


def _pair(switched: Outcome, baseline: Outcome | None, at: str | None = None) -> dict:
    row = {"model": switched.config.model, "seed": switched.config.seed, "status": "finished", "reason": ""}
    row |= dict.fromkeys(SCORES, math.nan)
    both = [("the baseline", baseline), ("the run with the switch", switched)]
    for which, one in both:
        if one is None or one.status == "missing":
            row |= {"status": "missing", "reason": f"{which} has not been trained"}
    for which, one in both:
        if one is not None and one.status == "failed":
            row |= {"status": "failed", "reason": f"{which} failed: {one.reason}"}
    if row["status"] == "finished":
        with_switch, without = _scores(switched, at), _scores(baseline)
        row |= {name: with_switch[name] - without[name] for name in SCORES}
        if _classes(switched) != _classes(baseline):  # a mean over other classes: no difference of one score
            row["uf1"] = math.nan
    return row


def _classes(outcome: Outcome) -> set[str]:
    """Classes that are among the scored clips."""
    return set(outcome.record.predictions("last")["truth"])


def _scores(outcome: Outcome, at: str | None = None) -> dict[str, float]:
    at = at or PROTOCOLS[outcome.config.protocol].reported
    summary = outcome.record.summary()
    return {name: float(summary[f"{name}_{at}"]) for name in SCORES}


def ledger(changes: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The ledger: one row per switch, the largest gain in accuracy first, switches without a number last.

    Parameters
    ----------
    changes : DataFrame
        From `pairs`.

    Returns
    -------
    DataFrame
        ``switch``, ``title``, ``model``, ``n_planned``, ``n_seeds`` (pairs that are finished), ``n_failed``,
        ``n_missing``, ``status`` ("measured"; "one seed", which has no interval; "failed"; "missing"), ``reason`` (of
        the first pair that lacks), for ``accuracy`` and ``uf1`` an `Interval` (t, over seeds), and ``directions``: for
        each of the two "up", "down" or "open", as `direction` reads it. ``never_less``: the `Range` of a
        change in accuracy that cannot be negative, as that of the best epoch, which has no interval; else None.
    """
    rows = []
    for (name, model), group in changes.groupby(["switch", "model"], sort=False):
        finished = group[group["status"] == "finished"]
        counts = group["status"].value_counts()
        lacking = group.loc[group["status"] != "finished", "reason"]
        never_less = Range.of(finished["accuracy"]) if name == BEST_EPOCH else None
        changes_of = {score: mean_interval(finished[score].dropna(), level, bounds=(-1, 1)) for score in SCORES}
        if never_less is not None:
            changes_of["accuracy"] = Interval(never_less.mean, math.nan, math.nan)
        rows.append(
            {
                "switch": name,
                "title": SWITCHES[name].title + ("" if model == STCNN else " (two streams)"),
                "model": model,
                "n_planned": len(group),
                "n_seeds": len(finished),
                "n_failed": int(counts.get("failed", 0)),
                "n_missing": int(counts.get("missing", 0)),
                "status": _status(len(finished), counts),
                "reason": lacking.iloc[0] if len(lacking) else "",
                **changes_of,
                "never_less": never_less,
                "directions": {score: direction(change, len(finished)) for score, change in changes_of.items()},
            }
        )
    table = pd.DataFrame(rows)
    gains = [-math.inf if math.isnan(one.estimate) else one.estimate for one in table["accuracy"]]
    return table.assign(gain=gains).sort_values("gain", ascending=False).drop(columns="gain").reset_index(drop=True)


def _status(n_finished: int, counts: pd.Series) -> str:
    if n_finished:
        return "measured" if n_finished > 1 else "one seed"
    return "failed" if counts.get("failed", 0) else "missing"


def ledger_table(book: pd.DataFrame, standin: bool) -> pd.DataFrame:
    """The ledger as text for a page, indexed by title."""
    where = ", stand-in" if standin else ""
    rows = [
        {
            "switch": row.title,
            "network": paper.METHOD_NAMES[row.model],
            f"change in accuracy{where}": interval_in_points(row.accuracy, "one seed")
            if row.never_less is None
            else range_in_points(row.never_less),
            f"change in UF1{where}": uf1_change(row.uf1),
            "pairs of runs": pairs_text(row),
        }
        for row in book.itertuples()
    ]
    return pd.DataFrame(rows).set_index("switch")


def pairs_text(row) -> str:
    """How many pairs of runs a row of the ledger stands on, and what became of the others."""
    lacking = [f"{count} {what}" for count, what in ((row.n_failed, "failed"), (row.n_missing, "missing")) if count]
    return f"{row.n_seeds} of {row.n_planned}" + (f" ({', '.join(lacking)})" if lacking else "")


def baseline_table(outcomes: Sequence[Outcome], standin: bool) -> pd.DataFrame:
    """Scores of the clean baselines over seeds, with a t interval, one row per network."""
    where = ", stand-in" if standin else ""
    rows = {}
    for model, own in _by_model(outcomes).items():
        clean = _baseline(own)
        finished = [outcome for outcome in clean if outcome.status == "finished"]
        scores = pd.DataFrame([_scores(outcome) for outcome in finished], columns=list(SCORES))
        majority = pd.Series([outcome.record.summary()["majority_share"] for outcome in finished], dtype=float)
        failed = sum(outcome.status == "failed" for outcome in clean)
        rows[paper.METHOD_NAMES[model]] = {
            f"accuracy{where}": interval_text(mean_interval(scores["accuracy"], bounds=(0, 1)), ".1%"),
            f"UF1{where}": interval_text(mean_interval(scores["uf1"], bounds=(0, 1)), ".3f"),
            "always the commonest class": f"{majority.mean():.1%}" if len(majority) else "–",
            "runs": f"{len(finished)} of {len(clean)}" + (f" ({failed} failed)" if failed else ""),
        }
    return pd.DataFrame(rows).T.rename_axis("clean baseline")


def results(book: pd.DataFrame) -> list[dict]:
    """The ledger as JSON can hold it."""
    return [
        {
            "switch": row.switch,
            "title": row.title,
            "model": row.model,
            "directions": row.directions,
            "status": row.status,
            "reason": row.reason,
            "n_seeds": row.n_seeds,
            "n_failed": row.n_failed,
            "n_missing": row.n_missing,
            "accuracy_change": row.accuracy.to_dict(),
            "uf1_change": row.uf1.to_dict(),
            "accuracy_never_less": None if row.never_less is None else row.never_less.to_dict(),
        }
        for row in book.itertuples()
    ]
