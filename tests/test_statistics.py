"""Intervals, permutation tests and verdicts: each against what can be worked out or simulated without them."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix

from lib.statistics import intervals as statistics
from lib.statistics import metrics

CLASSES = ("negative", "positive", "surprise")


def predictions(seed=0, n_subjects=16, clips_each=10, right=0.6, spread=0.0, runs=1):
    """Clips of people, each of whom is recognised at a rate of their own: right ± spread."""
    rng = np.random.default_rng(seed)
    rates = np.clip(right + spread * rng.choice([-1, 1], n_subjects), 0, 1)
    subject = np.repeat(np.arange(n_subjects), clips_each)
    truth = rng.integers(0, 3, len(subject))
    tables = []
    for run in range(runs):
        hit = rng.random(len(subject)) < rates[subject]
        predicted = np.where(hit, truth, (truth + rng.integers(1, 3, len(truth))) % 3)
        columns = {"truth": np.array(CLASSES)[truth], "predicted": np.array(CLASSES)[predicted]}
        tables.append(pd.DataFrame({"run": run, "clip": np.arange(len(truth)), "subject": subject, **columns}))
    return pd.concat(tables, ignore_index=True)


def bootstrap(table, score=metrics.accuracy, n=2000, **options):
    return statistics.subject_bootstrap(table, CLASSES, score, np.random.default_rng(1), n=n, **options)


# --- intervals over seeds ------------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_student_s():
    values = [0.61, 0.70, 0.58, 0.66, 0.64]
    expected = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert statistics.mean_interval(values) == pytest.approx((np.mean(values), *expected))


def test_one_seed_has_a_mean_and_no_interval():
    estimate, low, high = statistics.mean_interval([0.7])
    assert estimate == 0.7
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(math.isnan(number) for number in statistics.mean_interval([]))


def test_limits_are_cut_where_no_score_can_lie():
    assert statistics.mean_interval([0.1, 0.9], bounds=(0, 1)) == (0.5, 0, 1)
    assert statistics.mean_interval([0.1, 0.9]).high > 1


def test_an_interval_can_be_written_as_json_even_without_limits():
    written = json.dumps(statistics.mean_interval([0.7]).to_dict(), allow_nan=False)
    assert json.loads(written) == {"estimate": 0.7, "low": None, "high": None}


def test_a_score_that_is_not_a_number_is_refused_and_not_dropped():
    with pytest.raises(ValueError, match="finite"):
        statistics.mean_interval([0.5, math.nan])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        statistics.mean_interval([0.5, 0.6], level)


def test_few_values_widen_the_percentiles_towards_the_t_interval():
    values = [0.61, 0.70, 0.58, 0.66, 0.64]
    resampled = np.random.default_rng(0).choice(values, (10_000, 5)).mean(axis=1)
    low, high = statistics.percentile_limits(resampled, len(values))
    plain = np.quantile(resampled, [0.025, 0.975])
    assert high - low > 1.2 * (plain[1] - plain[0])
    student = statistics.mean_interval(values)
    assert high - low == pytest.approx(student.high - student.low, rel=0.2)


# --- people, not clips ---------------------------------------------------------------------------------------------


def test_the_estimate_is_the_pooled_score_itself():
    table = predictions()
    matrix = confusion_matrix(table["truth"], table["predicted"], labels=CLASSES)
    for score in (metrics.accuracy, metrics.uf1, metrics.uar):
        found = bootstrap(table, score)
        assert found.estimate == pytest.approx(score(matrix))
        assert found.low < found.estimate < found.high


def test_people_who_differ_make_the_interval_wider_than_clips_alone_would():
    alike, different = bootstrap(predictions(spread=0.0)), bootstrap(predictions(spread=0.35))
    assert different.high - different.low > 1.5 * (alike.high - alike.low)


def test_the_interval_covers_the_true_accuracy_as_often_as_it_says():
    covered = 0
    for seed in range(300):
        _, low, high = bootstrap(predictions(seed, spread=0.2), n=400)
        covered += low <= 0.6 <= high
    assert 0.91 <= covered / 300 <= 0.985


def test_the_interval_of_several_runs_is_that_of_their_mean():
    table = predictions(runs=5)
    each = [bootstrap(one).estimate for _, one in table.groupby("run")]
    found = bootstrap(table)
    assert found.estimate == pytest.approx(np.mean(each))
    assert found.low < found.estimate < found.high


def test_runs_share_their_people_so_that_more_seeds_do_not_stand_for_more_people():
    one = predictions(spread=0.35)
    copies = pd.concat([one.assign(run=run) for run in range(5)])
    alone, five = bootstrap(one), bootstrap(copies)
    assert five.high - five.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_runs_that_differ_widen_the_interval():
    one = predictions(runs=1, spread=0.0)
    perfect = one.assign(predicted=one["truth"])
    mixed = bootstrap(pd.concat([one.assign(run=0), perfect.assign(run=1)]))
    alone = bootstrap(one)
    assert mixed.high - mixed.low > 1.5 * (alone.high - alone.low)


def test_one_person_has_a_score_and_no_interval():
    estimate, low, high = bootstrap(predictions(n_subjects=1))
    assert 0 < estimate < 1
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_class_that_a_draw_lacks_takes_no_part_in_its_score():
    table = predictions(n_subjects=2, right=1.0)
    table.loc[table["subject"] == 0, ["truth", "predicted"]] = "negative"
    table.loc[table["subject"] == 1, ["truth", "predicted"]] = "surprise"
    assert bootstrap(table, metrics.uf1) == (1.0, 1.0, 1.0)


def test_runs_over_other_clips_are_refused():
    table = predictions(runs=2)
    with pytest.raises(ValueError, match="same clips"):
        bootstrap(table.iloc[:-1])


def test_a_table_that_lacks_a_column_or_names_another_class_says_so():
    with pytest.raises(ValueError, match="without subject"):
        bootstrap(predictions().drop(columns="subject"))
    with pytest.raises(ValueError, match="found fear"):
        bootstrap(predictions().replace({"predicted": {"surprise": "fear"}}))


def test_a_gain_that_cannot_be_negative_has_its_range_over_seeds():
    found = statistics.Range.of([0.0, 0.05, 0.1])
    assert (found.mean, found.lowest, found.highest) == (pytest.approx(0.05), 0.0, 0.1)
    assert statistics.Range.of([]).to_dict() == {"mean": None, "lowest": None, "highest": None}
