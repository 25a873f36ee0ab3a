"""Power and design effect, against sums of binomial probabilities and simulated people."""

import math

import numpy as np
import pytest
from scipy import stats

from lib.statistics import power


def enumerated_power(n, p, true, alpha=0.05):
    hits = np.arange(n + 1)
    low = np.array([stats.binom.cdf(k, n, p) <= alpha / 2 for k in hits])
    high = np.array([stats.binom.sf(k - 1, n, p) <= alpha / 2 for k in hits])
    return stats.binom.pmf(hits, n, true)[low | high].sum()


@pytest.mark.parametrize("n", [1, 5, 32, 41, 100])
@pytest.mark.parametrize(("p", "difference"), [(0.878, 0.1), (0.6875, 0.2), (0.5, -0.3), (0.2, 0.2)])
def test_power_is_the_sum_over_all_numbers_of_hits_that_reject(n, p, difference):
    expected = enumerated_power(n, p, p - difference)
    assert power.binomial_power(n, p, difference) == pytest.approx(expected, abs=1e-12)


def test_where_nothing_differs_the_exact_test_rejects_at_most_as_often_as_its_level():
    sizes = np.arange(1, 300)
    assert (power.binomial_power(sizes, 0.7, 1e-12) <= 0.05 + 1e-9).all()


@pytest.mark.parametrize(("p", "difference"), [(0.878, 0.1), (0.6875, 0.05), (0.95, 0.2), (0.5, -0.2)])
def test_no_larger_number_of_clips_than_the_one_needed_falls_short(p, difference):
    n = power.clips_needed(p, difference)
    assert (power.binomial_power(np.arange(n, 3 * n), p, difference) >= 0.8).all()
    assert power.binomial_power(n - 1, p, difference) < 0.8


def test_half_the_difference_takes_about_four_times_the_clips():
    assert power.clips_needed(0.7, 0.05) / power.clips_needed(0.7, 0.1) == pytest.approx(4, rel=0.15)


def test_a_difference_beyond_reach_is_refused_with_advice():
    with pytest.raises(ValueError, match="choose a larger one"):
        power.clips_needed(0.7, 0.0005)


@pytest.mark.parametrize(("p", "difference"), [(0.3, 0.4), (1.0, 0.1), (0.7, 0.0)])
def test_accuracies_that_cannot_be_are_refused(p, difference):
    with pytest.raises(ValueError, match="expected"):
        power.clips_needed(p, difference)


def test_the_detectable_difference_is_the_smallest_that_reaches_the_power():
    drop = power.detectable_difference(41, 0.878)
    assert power.binomial_power(41, 0.878, drop) >= 0.8
    assert power.binomial_power(41, 0.878, drop - 0.001) < 0.8


def test_too_few_clips_can_detect_nothing():
    assert math.isnan(power.detectable_difference(1, 0.5))
    assert math.isnan(power.detectable_difference(0, 0.5))


@pytest.mark.parametrize("icc", [0.0, 0.2, 0.5])
def test_the_correlation_of_simulated_people_is_found(icc):
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 20, 3000)
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    rates = rng.beta(0.6 * (1 / icc - 1), 0.4 * (1 / icc - 1), len(sizes)) if icc else np.full(len(sizes), 0.6)
    correct = rng.random(len(subjects)) < rates[subjects]  # beta-binomial: correlation icc within a person
    assert power.intraclass_correlation(correct, subjects) == pytest.approx(icc, abs=0.03)


def test_clips_of_one_person_that_are_never_alike_correlate_negatively():
    assert power.intraclass_correlation([1, 0, 1, 0], ["a", "a", "b", "b"]) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("correct", "subjects"),
    [([1, 0], ["a", "a"]), ([1, 0], ["a", "b"]), ([1, 1, 1, 1], ["a", "a", "b", "b"])],
)
def test_a_correlation_that_the_data_do_not_contain_is_not_a_number(correct, subjects):
    assert math.isnan(power.intraclass_correlation(correct, subjects))


def test_the_design_effect_is_the_inflation_of_the_variance_of_accuracy():
    rng = np.random.default_rng(1)
    sizes, icc = np.array([2, 4, 8, 16, 30]), 0.3
    a, b = 0.6 * (1 / icc - 1), 0.4 * (1 / icc - 1)
    hits = rng.binomial(sizes, rng.beta(a, b, (40_000, len(sizes))))  # (studies, people)
    inflation = np.var(hits.sum(axis=1) / sizes.sum()) / (0.6 * 0.4 / sizes.sum())
    assert power.design_effect(sizes, icc) == pytest.approx(inflation, rel=0.03)


def test_no_clip_counts_for_more_than_one():
    assert power.design_effect(10, icc=-0.2) == 1.0
    assert power.design_effect(10, icc=math.nan) == 1.0


def test_people_with_unequal_numbers_of_clips_must_be_more():
    assert power.design_effect([1, 1, 1, 37], icc=0.2) > 2 * power.design_effect([10, 10, 10, 10], icc=0.2)
