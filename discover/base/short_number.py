"""Numbers as a reader wants them: few digits, but enough to tell a discount near one from one."""

from __future__ import annotations

import math
from typing import SupportsFloat

_DIGITS, _MOST_DIGITS = 4, 8
_SHARE = 0.01
"""Share of a number's distance from one that rounding may change."""


def short_number(value: SupportsFloat) -> str:
    """A number with four digits; more where it is close to one, since what matters there is its distance from one.

    >>> short_number(0.31278205), short_number(0.99987), short_number(0.00025), short_number(128)
    ('0.3128', '0.99987', '0.00025', '128')
    """
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    if number == round(number) and abs(number) < 1e6:
        return str(round(number))
    digits = _DIGITS
    while digits < _MOST_DIGITS and not _keeps_distance(float(f"{number:.{digits}g}"), number):
        digits += 1
    return f"{number:.{digits}g}"


def _keeps_distance(rounded: float, number: float) -> bool:
    """Whether a rounded number is about as far from one as the number itself, or neither is close to it."""
    distance = abs(1.0 - number)
    return distance > 0.1 or abs(rounded - number) <= _SHARE * distance
