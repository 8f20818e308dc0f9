"""JSON as plain values, with unique keys and limits on length and depth."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, TypeAlias

PlainValues: TypeAlias = Any
"""Numbers, texts, true, false and null, in lists and mappings."""

LONGEST = 2**23
"""The most characters of a text of JSON."""

DEEPEST = 100
"""The most levels of nested lists and mappings."""

_DIGITS = 100


def values_in_json(text: str) -> PlainValues:
    """The values of a text of JSON.

    Raises:
        ValueError: it is not JSON, or is too long or too deep; the message is one line.

    >>> values_in_json('{"lr": 3e-4, "widths": [64, 64]}')
    {'lr': 0.0003, 'widths': [64, 64]}
    """
    if len(text) > LONGEST:
        raise ValueError(f"it holds more than {LONGEST:,} characters")
    try:
        values = json.loads(text, parse_int=whole_of, parse_float=real_of, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    if _is_deeper(values, DEEPEST):
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    return values


def whole_of(text: str) -> int:
    """A whole number; ``0o`` and ``0x`` begin numbers of the bases 8 and 16.

    Raises:
        ValueError: it has more than 100 digits.

    >>> whole_of("010"), whole_of("0o10"), whole_of("0x10")
    (10, 8, 16)
    """
    if len(text) > _DIGITS:
        raise ValueError(f"the number {short(text)} has more than {_DIGITS} digits")
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def real_of(text: str) -> float:
    """A number as float64; infinity and NaN only where the text says so (``.inf``, ``.nan``).

    Raises:
        ValueError: it has more than 100 digits, or is too large for float64.

    >>> real_of("1e-3"), real_of("-.inf")
    (0.001, -inf)
    """
    if len(text) > _DIGITS:
        raise ValueError(f"the number {short(text)} has more than {_DIGITS} digits")
    if text[-1].isalpha():
        return float(text.replace(".", ""))
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text} is too large")
    return value


def short(text: str) -> str:
    """A text without its middle, if it has more than 40 characters.

    >>> short("0123456789" * 5)
    '01234567890123456789…890123456789'
    """
    return text if len(text) <= 40 else f"{text[:20]}…{text[-12:]}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"the key '{short(key)}' stands twice")
        mapping[key] = value
    return mapping


def _is_deeper(value: object, levels: int) -> bool:
    """Whether lists and mappings are nested in more than so many levels."""
    level = [value]
    for _ in range(levels):
        level = [inner for each in level for inner in _inner(each)]
    return any(isinstance(each, dict | list) for each in level)


def _inner(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
