"""How numbers are written, in one way on every page. A change of a share is in points, never in per cent."""

import math

from lib.statistics import Interval


def points(change: float) -> str:
    """A change of a share.

    >>> points(0.05)
    '+5.0 points'
    """
    return f"{100 * change:+.1f} points"


def interval_in_points(interval: Interval, without: str = "") -> str:
    """A change of a share with its limits; `without` stands in their place where there are none.

    >>> interval_in_points(Interval(0.05, -0.02, 0.12))
    '+5.0 points (-2.0 to +12.0)'
    >>> interval_in_points(Interval(0.05, math.nan, math.nan), "one seed")
    '+5.0 points (one seed)'
    """
    if math.isnan(interval.estimate):
        return "–"
    if math.isnan(interval.low):
        return points(interval.estimate) + (f" ({without})" if without else "")
    return f"{points(interval.estimate)} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def interval_text(interval: Interval, form: str) -> str:
    """An estimate with its limits, each in this format.

    >>> interval_text(Interval(0.1, 0.02, 0.22), ".1%")
    '10.0% (2.0% to 22.0%)'
    >>> interval_text(Interval(0.61, math.nan, math.nan), ".3f")
    '0.610 (no interval)'
    """
    if math.isnan(interval.estimate):
        return "–"
    if math.isnan(interval.low):
        return f"{interval.estimate:{form}} (no interval)"
    return f"{interval.estimate:{form}} ({interval.low:{form}} to {interval.high:{form}})"
