"""Where a search stands, for those who watch it."""

from __future__ import annotations

from typing import NamedTuple

from discover.base.durations import duration


class Standing(NamedTuple):
    """The state of a search after a generation.

    Attributes:
        name: name of the search.
        done, generations: number of generations that are done, and of all.
        best: highest fitness so far.
        mean: mean fitness of this generation.
        rate: env steps per second in this generation.
        left: expected seconds until the last generation is done.
        broken: number of candidates that have broken so far.
        spread: standard deviation of the fitness in this generation.
    """

    name: str
    done: int
    generations: int
    best: float
    mean: float
    rate: float
    left: float
    broken: int
    spread: float = float("nan")

    def __str__(self) -> str:
        return self.in_words(f"{self.rate:,.0f} env steps/s")

    def in_words(self, last: str) -> str:
        """The state in a line, with a further figure before the number of broken candidates."""
        broken = f", {self.broken} broken" if self.broken else ""
        return (
            f"generation {self.done}/{self.generations}, ETA {duration(self.left)}, best {self.best:.3f}, "
            f"mean {self.mean:.3f}, {last}{broken}"
        )
