"""What leave-one-subject-out runs say: chapter 11's tables and results, made from records and a processed store.

The statistics are those of `lib.statistics`. Everything here also takes no finished run at all, so that a page
without runs says so in place of failing.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.audit import paper
from lib.core.errors import ConfigError
from lib.report.rigour_prose import p_text
from lib.report.wording import interval_text
from lib.statistics import intervals as statistics
from lib.statistics import metrics, power
from lib.statistics.intervals import Interval, PermutationTest, Range, RetrainedTest
from lib.training.plans import Outcome
from lib.training.records import RunRecord, settings_of

SCORES = {"uf1": metrics.uf1, "uar": metrics.uar, "accuracy": metrics.accuracy}
SCORE_TITLES = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}
COLUMNS = ["run", "clip", "subject", "truth", "predicted"]
UNKNOWN = Interval(math.nan, math.nan, math.nan)
POWER = 0.8
SMALLEST_MARGIN = 0.02  # to tell less than that takes thousands of clips


def split_outcomes(outcomes: Sequence[Outcome]) -> tuple[list[RunRecord], list[RunRecord]]:
    """The finished runs on true labels, and those on permuted ones."""
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    true = [record for record in records if record.config.control == "none"]
    return true, [record for record in records if record.config.control == "permuted_labels"]


def pooled_predictions(records: Sequence[RunRecord], store, at: str = "last") -> pd.DataFrame:
    """The predictions of all folds and runs in one table, with who is seen.

    Returns
    -------
    DataFrame
        Columns run (the seed), clip, subject, truth, predicted; no row without a run.
    """
    subjects = store.clips.astype({"clip_id": str}).set_index("clip_id")["subject"]
    tables = [record.predictions(at).assign(run=record.config.seed) for record in records]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    pooled = pd.concat(tables, ignore_index=True)
    return pooled.assign(subject=pooled["clip"].map(subjects))[COLUMNS]


def seed_scores(records: Sequence[RunRecord], at: str = "last") -> pd.DataFrame:
    """Scores pooled over folds: a row for each seed, columns uf1, uar, accuracy."""
    rows = {record.config.seed: {name: record.summary()[f"{name}_{at}"] for name in SCORES} for record in records}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SCORES), dtype=float).rename_axis("seed")


def people_intervals(
    predictions: pd.DataFrame, classes: Sequence[str], rng: np.random.Generator, n: int, level: float = 0.95
) -> dict[str, Interval]:
    """`subject_bootstrap` of each score; without limits where there is no prediction."""
    if predictions.empty:
        return dict.fromkeys(SCORES, UNKNOWN)
    return {
        name: statistics.subject_bootstrap(predictions, classes, score, rng, n, level) for name, score in SCORES.items()
    }


def permutation_tests(
    predictions: pd.DataFrame, classes: Sequence[str], rng: np.random.Generator, n: int
) -> dict[str, PermutationTest]:
    """`label_permutation_test` of each score; empty where there is no prediction."""
    if predictions.empty:
        return {}
    return {
        name: statistics.label_permutation_test(predictions, classes, score, rng, n) for name, score in SCORES.items()
    }


def retrained_test(records: Sequence[RunRecord], permuted: Sequence[RunRecord], score: str) -> RetrainedTest | None:
    """The mean score of the runs against those on permuted labels; None where either is lacking."""
    if not records or not permuted:
        return None
    return statistics.retrained_permutation_p(seed_scores(records)[score].mean(), seed_scores(permuted)[score])


def epoch_choice(records: Sequence[RunRecord]) -> dict[str, Interval | Range]:
    """What the best epoch of each fold adds to each score over the last: mean over seeds and t interval.

    The epoch is chosen by accuracy, which can therefore only gain: it has the range over seeds in place of an interval.
    """
    best, last = seed_scores(records, "best"), seed_scores(records, "last")
    gains = {name: statistics.paired_difference(best[name], last[name], bounds=(-1, 1)) for name in ("uf1", "uar")}
    return {"accuracy": Range.of(best["accuracy"] - last["accuracy"]), **gains}


def score_table(
    records: Sequence[RunRecord],
    intervals: Mapping[str, Interval],
    tests: Mapping[str, PermutationTest],
    published: Mapping[str, float],
    standin: bool,
) -> pd.DataFrame:
    """Each score with its interval over people, over seeds, what chance gives, and the paper's value."""
    where = ", stand-in" if standin else ""
    by_seed = seed_scores(records)
    rows = {}
    for name, title in SCORE_TITLES.items():
        test = tests.get(name)
        rows[title] = {
            f"mean over seeds (95 %, other people and seeds){where}": interval_text(intervals[name], ".3f"),
            f"95 % over seeds alone{where}": _limits(statistics.mean_interval(by_seed[name], bounds=(0, 1))),
            f"permuted labels, 5 % to 95 %{where}": f"{test.null_low:.3f} to {test.null_high:.3f}" if test else "–",
            f"p{where}": p_text(test.p_value) if test else "–",
            "paper, another split, on the real dataset": f"{published[name]:.3f}" if name in published else "–",
        }
    return pd.DataFrame(rows).T.rename_axis("score")


def _limits(interval: Interval) -> str:
    return "no interval" if math.isnan(interval.low) else f"{interval.low:.3f} to {interval.high:.3f}"


def by_subject(predictions: pd.DataFrame) -> pd.DataFrame:
    """Accuracy for each person, the best recognised first.

    Returns
    -------
    DataFrame indexed by subject
        ``clips``; ``accuracy`` (mean over runs), ``low`` and ``high`` (the worst and the best run).
    """
    right = predictions.assign(right=predictions["truth"] == predictions["predicted"])
    by_run = right.groupby(["subject", "run"])["right"].agg(["mean", "size"]).astype(float)
    people = by_run.groupby("subject").agg(
        clips=("size", "first"), accuracy=("mean", "mean"), low=("mean", "min"), high=("mean", "max")
    )
    return people.astype({"clips": int}).sort_values(["accuracy", "clips"], ascending=False)


def majority_share(predictions: pd.DataFrame) -> float:
    """Accuracy of always answering the commonest class of the clips that are scored."""
    return float(predictions.drop_duplicates("clip")["truth"].value_counts(normalize=True).max())


def published_scores(model: str, dataset: str) -> dict[str, float]:
    """What the paper gives for a network: its accuracy, and UF1 and UAR of its confusion matrix where there is one."""
    if dataset not in paper.DATASETS:
        return {}
    scores = {"accuracy": paper.accuracy(model, dataset)}
    if model == "micro_exp_stcnn":
        printed = paper.confusion_matrix(dataset).to_numpy()
        scores |= {"uf1": metrics.uf1(printed), "uar": metrics.uar(printed)}
    return scores


def check_margin(margin: float) -> None:
    """Refuse a margin that no number of clips could tell, before anything is trained."""
    if not SMALLEST_MARGIN <= margin < 1:
        raise ConfigError(f"margin: expected a share from {SMALLEST_MARGIN:g} to 1, as in 0.05, found {margin!r}")


def planning(predictions: pd.DataFrame, base: float | None, margin: float) -> dict[str, float]:
    """What these clips and people can show, and how many would show a drop of the margin.

    Parameters
    ----------
    predictions : DataFrame
        From `pooled_predictions`.
    base : float or None
        The accuracy to compare with: the published one, or None for the accuracy found here.
    margin : float

    Returns
    -------
    dict
        ``base, margin, power, clips, subjects, icc, design_effect, effective_clips, detectable_difference,
        independent_clips_needed, clips_needed, subjects_needed, clips_of_subjects``. The intraclass correlation is the
        mean over runs. Empty without predictions, or where the accuracy leaves no room for the margin.
    """
    if predictions.empty:
        return {}
    right = predictions.assign(right=predictions["truth"] == predictions["predicted"])
    base = float(right["right"].mean()) if base is None else base
    if not margin < base < 1:
        return {}
    sizes = predictions.drop_duplicates("clip").groupby("subject").size()
    likeness = [power.intraclass_correlation(run["right"], run["subject"]) for _, run in right.groupby("run")]
    known = [one for one in likeness if not math.isnan(one)]
    icc = float(np.mean(known)) if known else math.nan
    effect = power.design_effect(sizes, icc)
    effective = power.effective_clips(int(sizes.sum()), effect)
    independent = power.clips_needed(base, margin, POWER)
    return {
        "base": base,
        "margin": margin,
        "power": POWER,
        "clips": int(sizes.sum()),
        "subjects": len(sizes),
        "icc": icc,
        "design_effect": effect,
        "effective_clips": effective,
        "detectable_difference": power.detectable_difference(int(effective), base, POWER),
        "independent_clips_needed": independent,
        "clips_needed": math.ceil(independent * effect),
        "subjects_needed": power.subjects_needed(independent, sizes, icc),
        "clips_of_subjects": [int(size) for size in sizes],
    }


def results(
    outcomes: Sequence[Outcome],
    predictions: pd.DataFrame,
    intervals: Mapping[str, Interval],
    tests: Mapping[str, PermutationTest],
    retrained: RetrainedTest | None,
    gains: Mapping[str, Interval | Range],
    plan: Mapping[str, float],
) -> dict:
    """What chapter 11 found, as JSON can hold it; ``p_value`` is that of UF1.

    Parameters
    ----------
    predictions : DataFrame
        From `pooled_predictions`.
    intervals : mapping of score -> Interval
        Of level .95, over people and seeds.
    """
    records, permuted = split_outcomes(outcomes)
    config = outcomes[0].config
    return {
        "model": config.model,
        "settings": settings_of(config),
        **{name: interval.to_dict() for name, interval in intervals.items()},
        "p_value": tests["uf1"].p_value if tests else None,
        "p_values": {name: test.p_value for name, test in tests.items()},
        "retrained": retrained._asdict() if retrained else None,
        "best_epoch_gain": {name: gain.to_dict() for name, gain in gains.items()},
        "seeds": len(records),
        "seeds_planned": sum(outcome.config.control == "none" for outcome in outcomes),
        "permuted_runs": len(permuted),
        "failed": sum(outcome.status == "failed" for outcome in outcomes),
        "missing": sum(outcome.status == "missing" for outcome in outcomes),
        "subjects": int(predictions["subject"].nunique()),
        "clips": int(predictions["clip"].nunique()),
        "power": {name: None if isinstance(one, float) and math.isnan(one) else one for name, one in plan.items()},
    }
