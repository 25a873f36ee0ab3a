"""Which counts a printed percentage can come from: the GRIM test for proportions.

An accuracy on n clips is k/n for a whole k, so it lies on a lattice of n + 1 points. A percentage with two decimals
that lies on none of them was not measured on n clips. Brown and Heathers, "The GRIM Test: A Simple Technique Detects
Numerous Anomalies in the Reporting of Results in Psychology", Social Psychological and Personality Science 8 (2017).
"""

from collections.abc import Iterable, Sequence

TWO_DECIMALS = 0.005  # half a unit of the last decimal that the paper prints, in percentage points
_SLACK = 1e-9  # binary floating point; a tie between two roundings counts as explained by both


def successes(percent: float, trials: int, half_unit: float = TWO_DECIMALS) -> int | None:
    """The k for which k/`trials` rounds to `percent`; None if there is none.

    Parameters
    ----------
    percent : float
        As printed, 0 to 100.
    trials : int
        Number of clips; for a mean over several epochs, of clips times epochs.
    half_unit : float
        Half a unit of the last printed decimal, in percentage points.

    Examples
    --------
    >>> successes(87.80, 41)
    36
    >>> successes(83.25, 41) is None
    True
    """
    nearest = nearest_count(percent, trials)
    return nearest if abs(100 * nearest / trials - percent) <= half_unit + _SLACK else None


def nearest_count(percent: float, trials: int) -> int:
    """The k in 0..`trials` for which k/`trials` is nearest to `percent`."""
    if trials < 1:
        raise ValueError(f"expected at least one clip, found {trials}")
    return min(max(round(percent * trials / 100), 0), trials)


def explaining_sizes(percents: Sequence[float], largest: int, half_unit: float = TWO_DECIMALS) -> list[int]:
    """Every number of clips up to `largest` on which all of `percents` can have been measured.

    >>> explaining_sizes([83.25, 79.31], 357)
    [203]
    """
    return [
        trials
        for trials in range(1, largest + 1)
        if all(successes(percent, trials, half_unit) is not None for percent in percents)
    ]


def chance_of_lattice(trials: int, half_unit: float = TWO_DECIMALS) -> float:
    """Share of all two-decimal percentages that some k/`trials` rounds to: how easily a size explains any number.

    >>> round(chance_of_lattice(41), 4)
    0.0042
    """
    printable = round(50 / half_unit) + 1
    return len({round(100 * count / trials / (2 * half_unit)) for count in range(trials + 1)}) / printable


def chance_of_explaining(n_percents: int, sizes: Iterable[int], half_unit: float = TWO_DECIMALS) -> float:
    """Chance that one of `sizes` explains that many arbitrary two-decimal percentages: at most the sum over sizes.

    For a single size it is the chance itself; for several it is an upper bound, because more than one can explain them.

    >>> round(chance_of_explaining(2, [203]), 6)
    0.000416
    >>> round(chance_of_explaining(2, range(1, 358)), 3)
    0.154
    """
    return min(sum(chance_of_lattice(size, half_unit) ** n_percents for size in sizes), 1.0)
