"""How numbers are written, in one way on every page. A change of a share is in points, never in per cent."""

import math

from lib.statistics.intervals import Interval, Range


def number(value: float, form: str) -> str:
    """A number in this format, with a true minus and a space before the per cent sign; a dash for what is none.

    >>> number(-0.125, "+.2f"), number(math.nan, ".1%")
    ('−0.12', '–')
    """
    return "–" if value != value else f"{value:{form}}".replace("-", "−").replace("%", "\xa0%")  # noqa: PLR0124 (NaN)


def percent(share: float, decimals: int = 1) -> str:
    """A share, with a space that no line breaks at.

    >>> percent(0.594).split("\\xa0"), percent(0.6875, 2).split("\\xa0")
    (['59.4', '%'], ['68.75', '%'])
    """
    return number(share, f".{decimals}%")


def points(change: float) -> str:
    """A change of a share, as in −5.0 points."""
    return f"{number(100 * change, '+.1f')} points"


def interval_in_points(interval: Interval, without: str = "") -> str:
    """A change of a share with its limits; `without` stands in their place where there are none.

    >>> interval_in_points(Interval(0.05, -0.02, 0.12))
    '+5.0 points (−2.0 to +12.0)'
    >>> interval_in_points(Interval(0.05, math.nan, math.nan), "one seed")
    '+5.0 points (one seed)'
    >>> interval_in_points(Interval(0.0, 0.0, 0.0))
    '+0.0 points (no spread)'
    """
    return _with_limits(Interval(*(100 * value for value in interval)), "+.1f", " points", without)


def range_in_points(change: Range) -> str:
    """A change of a share that cannot be negative: its mean, and the range over seeds.

    >>> range_in_points(Range(0.05, 0.0, 0.12))
    '+5.0 points on average (+0.0 to +12.0 by seed)'
    >>> range_in_points(Range(0.05, 0.05, 0.05))
    '+5.0 points'
    """
    if math.isnan(change.mean):
        return "–"
    if change.lowest == change.highest:
        return points(change.mean)
    lowest, highest = (number(100 * end, "+.1f") for end in (change.lowest, change.highest))
    return f"{points(change.mean)} on average ({lowest} to {highest} by seed)"


def interval_text(interval: Interval, form: str) -> str:
    """An estimate with its limits, each in this format; equal values have none.

    >>> interval_text(Interval(-0.1, -0.22, 0.02), "+.2f")
    '−0.10 (−0.22 to +0.02)'
    >>> interval_text(Interval(0.61, math.nan, math.nan), ".3f")
    '0.610 (no interval)'
    >>> interval_text(Interval(1.0, 1.0, 1.0), ".3f")
    '1.000 (no spread)'
    """
    return _with_limits(interval, form, "", "no interval")


def _with_limits(interval: Interval, form: str, unit: str, without: str) -> str:
    if math.isnan(interval.estimate):
        return "–"
    if math.isnan(interval.low):
        limits = without
    elif math.isclose(interval.low, interval.high, abs_tol=1e-9):  # equal scores, up to the rounding of their mean
        limits = "no spread"
    else:
        limits = f"{number(interval.low, form)} to {number(interval.high, form)}"
    return number(interval.estimate, form) + unit + (f" ({limits})" if limits else "")
