"""The time that a piece of work still takes."""

from __future__ import annotations

from collections.abc import Callable

_SURE = 0.02
"""Share of the work whose time tells that of the rest."""


class TimeLeft:
    """Seconds that are left of a piece of work, by the pace since its first share: what came before is mostly compilation.

    A share that is smaller than the one before begins another piece of work.

    >>> now = iter([0.0, 60.0, 70.0])
    >>> left = TimeLeft(now.__next__)
    >>> left.seconds(0.0), left.seconds(0.1), left.seconds(0.6)
    (None, None, 8.0)
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._since, self._first, self._last = 0.0, 0.0, 1.0

    def seconds(self, share: float) -> float | None:
        """The seconds that are left at this share; None as long as they cannot be told."""
        now = self._clock()
        if share < self._last or self._first == 0.0:
            self._since, self._first = now, share
        self._last = share
        if self._first == 0.0 or share - self._first < _SURE:
            return None
        return (now - self._since) * (1.0 - share) / (share - self._first)
