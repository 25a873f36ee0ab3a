"""Values that a user chose: kept as they are, or refused with the name, what was expected and what was found."""

import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from lib.core.errors import ConfigError, suggestion


def one_of(name: str, value: Any, known: Collection[str]) -> str:
    """`value`: one of `known`."""
    if value not in known:
        raise ConfigError(f"{name}: expected one of {', '.join(known)}; found {value!r}{suggestion(value, known)}")
    return value


def whole_number(name: str, value: Any, least: int, below: float = math.inf) -> int:
    """`value` as an int: a whole number (NumPy's too, no boolean) of at least `least` and less than `below`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value < below:
        limit = "" if below == math.inf else f" and less than {below}"
        raise ConfigError(f"{name}: expected a whole number of at least {least}{limit}, found {value!r}")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """`value` as a float: a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise ConfigError(f"{name}: expected a positive number, found {value!r}")
    return float(value)
