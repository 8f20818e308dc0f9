"""JSON as plain values with unique keys; nothing too long or too deep to handle."""

from __future__ import annotations

import json
import math
from typing import Any

LONGEST = 2**23
"""Characters that a text of JSON may hold."""

DEEPEST = 100
"""Levels of lists and mappings that data may have."""

_DIGITS = 100


def values_in_json(text: str) -> Any:
    """What a text of JSON says.

    Raises:
        ValueError: it is not JSON, or is too long or too deep; the message is one line.
    """
    if len(text) > LONGEST:
        raise ValueError(f"it holds more than {LONGEST:,} characters")
    try:
        made = json.loads(text, parse_int=whole_of, parse_float=real_of, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    if _deeper(made, DEEPEST):
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    return made


def whole_of(text: str) -> int:
    """A whole number, ``0o`` and ``0x`` before it for the bases 8 and 16."""
    if len(text) > _DIGITS:
        raise ValueError(f"the number {short(text)} has more than {_DIGITS} digits")
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def real_of(text: str) -> float:
    """A number as float64 holds it; infinity and NaN only where they are written so (``.inf``)."""
    if len(text) > _DIGITS:
        raise ValueError(f"the number {short(text)} has more than {_DIGITS} digits")
    if text[-1].isalpha():
        return float(text.replace(".", ""))
    made = float(text)
    if math.isinf(made):
        raise ValueError(f"the number {text} is too large")
    return made


def short(text: str) -> str:
    """A text without its middle, if it is long."""
    return text if len(text) <= 40 else f"{text[:20]}…{text[-12:]}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key '{short(key)}' stands twice")
        made[key] = value
    return made


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and mappings are nested deeper than so many levels."""
    level = [value]
    for _ in range(levels):
        level = [inner for each in level for inner in _inner(each)]
    return any(isinstance(each, dict | list) for each in level)


def _inner(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
