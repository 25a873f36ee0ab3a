"""Which counts a printed percentage, or mean and deviation, can come from: the GRIM and GRIMMER tests.

An accuracy on n clips is k/n for a whole k, so it lies on a lattice of n + 1 points. A percentage with two decimals
that lies on none of them was not measured on n clips. Brown and Heathers, "The GRIM Test: A Simple Technique Detects
Numerous Anomalies in the Reporting of Results in Psychology", Social Psychological and Personality Science 8 (2017).
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

TWO_DECIMALS = 0.005  # half a unit of the last decimal that the paper prints, in percentage points
_SLACK = 1e-9  # binary floating point; a tie between two roundings counts as explained by both


def successes(percent: float, trials: int, half_unit: float = TWO_DECIMALS) -> int | None:
    """The k for which k/`trials` is within `half_unit` percentage points of `percent`; None if there is none.

    `trials` are clips or, for a mean over several epochs, clips times epochs.

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


def explaining_sizes(percents: Sequence[float], largest: int) -> list[int]:
    """Every number of clips up to `largest` on which all of `percents` can have been measured.

    >>> explaining_sizes([83.25, 79.31], 357)
    [203]
    """
    return [
        trials
        for trials in range(1, largest + 1)
        if all(successes(percent, trials) is not None for percent in percents)
    ]


def chance_of_explaining(n_percents: int, sizes: Iterable[int]) -> float:
    """Chance that one of `sizes` explains that many arbitrary two-decimal percentages: at most the sum over sizes.

    For several sizes that is an upper bound, because more than one can explain them.

    >>> round(chance_of_explaining(1, [41]), 4), round(chance_of_explaining(2, range(1, 358)), 3)
    (0.0042, 0.154)
    """
    reached = (len({round(10000 * count / size) for count in range(size + 1)}) for size in sizes)
    return min(sum((number / 10001) ** n_percents for number in reached), 1.0)  # 0.00 to 100.00


class Pair(NamedTuple):
    """Mean and standard deviation, in percent, of the accuracies of several epochs on a number of clips.

    `total` is the sum over epochs of the clips answered rightly, `squares` the sum of that number's square.
    """

    total: int
    squares: int
    mean: float
    sd: float


def epoch_pairs(
    trials: int, ddof: int, means: tuple[float, float], sds: tuple[float, float], n_epochs: int = 10
) -> list[Pair]:
    """Every mean with standard deviation that some accuracies of `n_epochs` epochs on `trials` clips have: GRIMMER.

    Right answers are whole numbers from 0 to `trials`, with a whole sum and a whole sum of squares. Anaya, "The
    GRIMMER test", PeerJ Preprints 4:e2400v1 (2016).

    The sum of squared deviations is divided by ``n_epochs - ddof``; `means` and `sds` are (low, high) in percent, both
    ends included.

    >>> [(pair.total, pair.squares) for pair in epoch_pairs(41, 1, (82.195, 82.205), (5.015, 5.025))]
    [(337, 11395)]
    >>> epoch_pairs(41, 0, (82.195, 82.205), (5.015, 5.025))
    []
    """
    scale = 100 / trials
    largest = int((sds[1] / scale) ** 2 * n_epochs) + n_epochs + 1  # of the squared deviations from a whole number
    pairs = []
    for total in range(max(math.ceil(means[0] / scale * n_epochs - _SLACK), 0), n_epochs * trials + 1):
        mean = scale * total / n_epochs
        if mean > means[1] + _SLACK:
            break
        base, rest = divmod(total, n_epochs)
        reachable = _sums_of_squares(n_epochs, rest, -base, trials - base, largest)
        for squared in range(largest + 1):
            if reachable >> squared & 1:
                sd = scale * math.sqrt(max(squared - rest**2 / n_epochs, 0) / (n_epochs - ddof))
                if sds[0] - _SLACK <= sd <= sds[1] + _SLACK:
                    pairs.append(Pair(total, squared + 2 * base * rest + n_epochs * base**2, mean, sd))
    return pairs


@cache
def _sums_of_squares(count: int, total: int, low: int, high: int, largest: int) -> int:
    """Which sums of squares `count` whole numbers in low..high with this total can have: bit q is set for sum q."""
    reach, full = math.isqrt(largest), (1 << (largest + 1)) - 1
    steps = range(max(low, -reach), min(high, reach) + 1)
    furthest = math.isqrt(count * largest)  # by Cauchy and Schwarz no partial sum lies further from zero
    by_sum = {0: 1}
    for _ in range(count):
        longer: dict[int, int] = {}
        for partial, squares in by_sum.items():
            for step in steps:
                if abs(partial + step) <= furthest:
                    longer[partial + step] = longer.get(partial + step, 0) | (squares << step * step) & full
        by_sum = longer
    return by_sum.get(total, 0)
