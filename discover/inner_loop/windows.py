"""Windows: a long run of updates as a row of short ones, so that it can be stopped and can tell how far it is.

Compiled code answers no signal before it returns. So a program gets only as many updates at a time as take about a second. The
bits do not depend on the windows: the state between two updates is whole, and the program is the same for any number of them.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Hashable, Iterator

SECONDS = 1.0
"""Seconds that a window shall take."""

_GROWTH = 4  # the largest factor between two windows: an update of the next one may cost more


class Pace:
    """The number of updates that take about a second, as measured so far; one at first, since the first call compiles.

    Attributes:
        updates: of the next window.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.updates = 1
        self._clock = clock

    def windows(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The first update of each window, and that after its last; the caller runs the window before it asks for the next.

        >>> now = iter([0.0, 0.1, 0.1, 0.5, 0.5, 1.1])
        >>> list(Pace(now.__next__).windows(0, 12))
        [(0, 1), (1, 5), (5, 12)]
        """
        while start < stop:
            end, begun = min(stop, start + self.updates), self._clock()
            yield start, end
            self._learn(end - start, max(1e-9, self._clock() - begun))
            start = end

    def _learn(self, updates: int, seconds: float) -> None:
        """Fit the next window to what one took. A short one that ends a lifetime shows only that it was too long."""
        if updates == self.updates or seconds > SECONDS:
            self.updates = max(1, min(_GROWTH * self.updates, int(updates * SECONDS / seconds)))


@functools.cache
def pace_of(program: Hashable, lifetimes: int) -> Pace:
    """The pace of a program with a number of lifetimes in a tile: what one tile has shown, the next one need not learn."""
    del program, lifetimes  # they are the key of the cache
    return Pace()
