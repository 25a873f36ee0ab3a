"""Power and design effect as the chapter defines them, against sums of binomial probabilities and made-up people."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lib.book.parameters import read_cells, source_path


@pytest.fixture(scope="module")
def page():
    """The functions of 11_rigorous, without what its cells compute with them."""
    names = {"np": np, "math": math, "stats": stats}
    for cell in read_cells(source_path("11_rigorous")):
        if "def design_effect(" in cell["source"] or "def power_of_test(" in cell["source"]:
            exec(cell["source"].split("\n\n\nlikeness =")[0].split("\n\n\nbase,")[0], names)
    return SimpleNamespace(**names)


def enumerated_power(n, p, true, alpha=0.05):
    hits = np.arange(n + 1)
    low = np.array([stats.binom.cdf(k, n, p) <= alpha / 2 for k in hits])
    high = np.array([stats.binom.sf(k - 1, n, p) <= alpha / 2 for k in hits])
    return stats.binom.pmf(hits, n, true)[low | high].sum()


@pytest.mark.parametrize("n", [1, 5, 32, 41, 100])
@pytest.mark.parametrize(("p", "difference"), [(0.878, 0.1), (0.6875, 0.2), (0.5, -0.3), (0.2, 0.2)])
def test_power_is_the_sum_over_all_numbers_of_hits_that_reject(page, n, p, difference):
    expected = enumerated_power(n, p, p - difference)
    assert page.power_of_test(n, p, p - difference) == pytest.approx(expected, abs=1e-12)


def test_where_nothing_differs_the_exact_test_rejects_at_most_as_often_as_its_level(page):
    assert (page.power_of_test(np.arange(1, 300), 0.7, 0.7) <= 0.05 + 1e-9).all()


@pytest.mark.parametrize(("p", "difference"), [(0.878, 0.1), (0.6875, 0.05), (0.95, 0.2), (0.5, 0.02)])
def test_no_larger_number_of_clips_than_the_one_needed_falls_short(page, p, difference):
    n = page.clips_needed(p, p - difference, 0.8)
    assert (page.power_of_test(np.arange(n, 3 * n), p, p - difference) >= 0.8).all()
    assert page.power_of_test(n - 1, p, p - difference) < 0.8


def test_half_the_difference_takes_about_four_times_the_clips(page):
    assert page.clips_needed(0.7, 0.65, 0.8) / page.clips_needed(0.7, 0.6, 0.8) == pytest.approx(4, rel=0.15)


def test_one_clip_is_enough_where_it_can_only_be_wrong(page):
    assert page.clips_needed(0.98, 0.03, 0.8) == 1


def test_the_detectable_difference_is_the_smallest_that_reaches_the_power(page):
    drop = page.detectable_drop(41, 0.878, 0.8)
    assert page.power_of_test(41, 0.878, 0.878 - drop) >= 0.8
    assert page.power_of_test(41, 0.878, 0.878 - drop + 0.001) < 0.8


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_clips_can_detect_nothing(page, n):
    assert math.isnan(page.detectable_drop(n, 0.5, 0.8))


@pytest.mark.parametrize("icc", [0.0, 0.2, 0.5])
def test_the_correlation_of_simulated_people_is_found(page, icc):
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 20, 3000)
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    rates = rng.beta(0.6 * (1 / icc - 1), 0.4 * (1 / icc - 1), len(sizes)) if icc else np.full(len(sizes), 0.6)
    correct = rng.random(len(subjects)) < rates[subjects]  # beta-binomial: correlation icc within a person
    assert likeness(page, correct, subjects) == pytest.approx(icc, abs=0.03)


def likeness(page, correct, subjects):
    return page.intraclass_correlation(pd.Series(correct), pd.Series(subjects))


def test_clips_of_one_person_that_are_never_alike_correlate_negatively(page):
    assert likeness(page, [1, 0, 1, 0], ["a", "a", "b", "b"]) == pytest.approx(-1)


def test_clips_of_one_person_that_are_always_alike_correlate_fully(page):
    assert likeness(page, [1, 1, 0, 0], ["a", "a", "b", "b"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("correct", "subjects"),
    [([1, 0], ["a", "a"]), ([1, 0], ["a", "b"]), ([1, 1, 1, 1], ["a", "a", "b", "b"])],
)
def test_a_correlation_that_the_data_do_not_contain_is_not_a_number(page, correct, subjects):
    assert math.isnan(likeness(page, correct, subjects))


def test_the_design_effect_is_the_inflation_of_the_variance_of_accuracy(page):
    rng = np.random.default_rng(1)
    sizes, icc = np.array([2, 4, 8, 16, 30]), 0.3
    a, b = 0.6 * (1 / icc - 1), 0.4 * (1 / icc - 1)
    hits = rng.binomial(sizes, rng.beta(a, b, (40_000, len(sizes))))  # (studies, people)
    inflation = np.var(hits.sum(axis=1) / sizes.sum()) / (0.6 * 0.4 / sizes.sum())
    assert page.design_effect(sizes, icc) == pytest.approx(inflation, rel=0.03)


@pytest.mark.parametrize("icc", [-0.2, math.nan])
def test_no_clip_counts_for_more_than_one(page, icc):
    assert page.design_effect(np.array([10, 10]), icc) == 1.0


def test_people_with_unequal_numbers_of_clips_must_be_more(page):
    unequal, equal = (page.design_effect(np.array(sizes), 0.2) for sizes in ([1, 1, 1, 37], [10, 10, 10, 10]))
    assert unequal > 2 * equal
