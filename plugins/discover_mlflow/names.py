"""Names that stay different when they are written with fewer characters."""

from __future__ import annotations

from collections.abc import Iterable


def distinct(names: Iterable[str]) -> list[str]:
    """The names, with a number after each that came before.

    >>> distinct(["a", "b", "a", "a"])
    ['a', 'b', 'a 2', 'a 3']
    """
    unique: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in unique:
            number += 1
            candidate = f"{name} {number}"
        unique.append(candidate)
    return unique
