"""Names that stay apart when they are written with fewer characters."""

from __future__ import annotations

from collections.abc import Iterable


def distinct(names: Iterable[str]) -> list[str]:
    """The names, with a number behind each that stands there already.

    >>> distinct(["a", "b", "a", "a"])
    ['a', 'b', 'a 2', 'a 3']
    """
    made: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in made:
            number += 1
            candidate = f"{name} {number}"
        made.append(candidate)
    return made
