"""Compiled programs that stay in memory, and which of them are forgotten."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from discover.process.forgetting import forget, is_crowded

P = TypeVar("P")

MOST = 48
"""Structures, each with a type of environment, whose programs stay in memory: about 50 MB each."""


class KeptPrograms(Generic[P]):
    """The programs of the structures that were asked for last: `MOST`, or half of them where mappings of memory are short."""

    def __init__(self) -> None:
        self._programs = OrderedDict[Hashable, P]()
        self._lock = threading.Lock()

    def get(self, structure: Hashable, make: Callable[[], P], fits: Callable[[P], bool] = lambda found: True) -> P:
        """The programs of a structure: those of an earlier call, where they fit, or new ones.

        Args:
            structure: all that they depend on.
            make: makes them.
            fits: whether those that there are will do.
        """
        crowded = False
        with self._lock:
            found = self._programs.pop(structure, None)
            if found is None or not fits(found):
                found, crowded = make(), is_crowded()
            self._programs[structure] = found
            most = -(-len(self._programs) // 2) if crowded else MOST
            surplus = [self._programs.popitem(last=False) for _ in range(len(self._programs) - most)]
        forgotten = len(surplus)
        del surplus
        forget(forgotten, at_once=crowded)
        return found

    def find(self, structure: Hashable) -> P | None:
        """The programs of a structure, if there are any."""
        with self._lock:
            return self._programs.get(structure)

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock:
            self._programs.clear()

    def structures(self) -> list[Hashable]:
        """The structures, the one that was not asked for longest first."""
        with self._lock:
            return list(self._programs)
