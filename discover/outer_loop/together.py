"""Pieces of work that are submitted at once, as a rehearsal runs them: the first updates of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.contract.meta_objective import Gradients
from discover.contract.types import Lifetimes
from discover.inner_loop.update import ROWS


class NothingRunsError(Exception):
    """All pieces of work fail."""


class Together:
    """Pieces of work that a search submits at once, of which a rehearsal runs the first updates.

    Args:
        executor: runs them.
        work: the pieces.
        generations: of the search, over which the updates of ongoing lifetimes are spread.

    Attributes:
        updates: that the search would run of each piece.
        lifetimes: with which each piece goes on; None for fresh ones.
        gradients: of the pieces that have a window; such a piece runs whole.
        failures: of the pieces that do not run.
        names: what the rule of each other piece reports.
    """

    def __init__(self, executor: Executor, work: Sequence[Work], generations: int):
        self._executor, self._work = executor, work
        self.updates = [updates_of(piece, generations) for piece in work]
        self.failures: dict[int, Failure] = {}
        self.names: dict[int, tuple[str, ...]] = {}
        self.gradients: dict[int, Gradients | None] = {}
        self.lifetimes = [self._begun(place) for place in range(len(work))]

    def run(self, count: int) -> Curves:
        """Run so many updates of the longest piece, and the same share of each other one.

        Returns:
            Curves whose env steps are those of exactly that share.
        """
        places = [place for place in range(len(self._work)) if place not in self.failures]
        longest, taken = max(self.updates), 0.0
        parts = [max(1, -(-count * self.updates[place] // longest)) for place in places]
        pieces = [self._shortened(place, part) for place, part in zip(places, parts, strict=True)]
        for index, result in self._executor.run(pieces) if pieces else ():
            if isinstance(result, Failure):
                self.failures[places[index]] = result
                continue
            self.names[places[index]] = tuple(result.curves.info)
            if pieces[index].window is not None:
                self.lifetimes[places[index]], self.gradients[places[index]] = result.lifetimes, result.gradients
            steps = float(result.curves.env_steps.sum(dtype=np.int64))
            taken += steps / parts[index] * self.updates[places[index]] * count / longest
        if len(self.failures) == len(self._work):
            raise NothingRunsError
        return random_curves((1, 1), (), 0)._replace(env_steps=np.full((1, 1), taken))

    def results(self, seed: int) -> Iterator[tuple[int, Done | Failure]]:
        """The results as far as there are any: failures, and random curves."""
        for place, piece in enumerate(self._work):
            if place in self.failures:
                yield place, self.failures[place]
            else:
                curves = random_curves(piece.shape, self.names[place], seed + place)
                yield place, Done(curves, self.lifetimes[place] if piece.keep else None, self.gradients.get(place))

    def _begun(self, place: int) -> Lifetimes:
        """The lifetimes with which a piece of work goes on; None for those that are fresh and not kept."""
        piece = self._work[place]
        if not piece.keep or piece.ongoing is not None or piece.window is not None:
            return piece.ongoing
        ((_, begun),) = self._executor.run([piece._replace(stop=piece.start)])
        if isinstance(begun, Done):
            return begun.lifetimes
        self.failures[place] = begun
        return None

    def _shortened(self, place: int, updates: int) -> Work:
        piece, lifetimes = self._work[place], self.lifetimes[place]
        if piece.window is not None:
            return piece
        total = updates if lifetimes is None else piece.total
        return piece._replace(start=0, stop=updates, total=total, ongoing=lifetimes)


def updates_of(work: Work, generations: int) -> int:
    """The updates that the search would run of a piece of work; ongoing lifetimes share theirs among the generations.

    A window counts as one, since it runs whole.
    """
    if work.window is not None:
        return 1
    whole = (work.start, work.stop) == (0, work.total)
    return work.total if whole else max(1, work.total // generations)


def random_curves(shape: tuple[int, int], names: Sequence[str], seed: int) -> Curves:
    """Curves of sound lifetimes, with random returns."""
    rows = (*shape, ROWS)
    returns = np.random.default_rng(seed).normal(size=rows).astype(np.float32)
    return Curves(
        episode_return=returns,
        episode_length=np.ones(rows, np.float32),
        info={name: np.zeros(rows, np.float32) for name in names},
        finite=np.ones(shape, bool),
        env_steps=np.zeros(shape, np.int32),
    )
