"""Parts of work: what one job of a worker is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import jax
import numpy as np

from discover.contract.executor import Curves, Done, Failure, Work
from discover.inner_loop.population import structure_of
from discover.workers.assembly import assembled
from discover.workers.held import Batch, Held, Origin
from discover.workers.worker import Worker

_WORST = ("again", "alone", "never")


class Part:
    """One job: some members of a piece of work, or lifetimes that a lost worker held.

    Args:
        work: the job; without the lifetimes that it goes on with, where workers hold them.
        origin: where these are.
        batch: takes the lifetimes after it, if a worker shall hold them.

    Attributes:
        structure: that its programs depend on.
        weight: updates of all lifetimes together.
        first: whether its worker has to compile its program.
        losses: how often a worker was lost that ran it.
    """

    def __init__(self, work: Work, origin: Origin | None, batch: Batch | None):
        self.work, self.origin, self.batch = work, origin, batch
        self.structure: Hashable = structure_of(work)
        self.weight = math.prod(work.shape) * max(1, work.stop - work.start)
        self.first, self.losses = True, 0
        for source in self.sources():
            source.need()
        if batch is not None:
            batch.need()

    def sources(self) -> list[Batch]:
        """The batches that it goes on with."""
        return self.origin.batches() if self.origin is not None else []

    def nearest(self) -> Worker | None:
        """The worker that holds most of what it goes on with."""
        if self.origin is None:
            return None
        places = Counter(batch.worker for batch, _ in self.origin.rows if batch.worker is not None)
        return places.most_common(1)[0][0] if places else None

    def over(self) -> None:
        """Say that it will not run any more: others may need what it needed, or nobody."""
        for source in self.sources():
            source.release()
        if self.batch is not None:
            self.batch.release()


class Piece:
    """A piece of work, as far as it is done.

    Attributes:
        parts: its parts, in the order of its members.
        left: how many of them have no result yet.
    """

    def __init__(self, parts: list[Part]):
        self.parts, self.left = parts, len(parts)
        self._done = dict[Part, Done]()
        self._failure: Failure | None = None

    def add(self, part: Part, result: Done | Failure) -> None:
        """Add the result of one part."""
        self.left -= 1
        if isinstance(result, Done):
            self._done[part] = result
        elif self._failure is None or _WORST.index(result.retry) > _WORST.index(self._failure.retry):
            self._failure = result

    def result(self, fetch: Callable[[Sequence[Batch]], None]) -> Done | Failure:
        """The result of the whole.

        Args:
            fetch: see `Held`.
        """
        if self._failure is not None:
            return self._failure
        done = [self._done[part] for part in self.parts]
        curves: Curves = jax.tree.map(lambda *rows: np.concatenate(rows), *[each.curves for each in done])
        batches = [part.batch for part in self.parts if part.batch is not None]
        if batches:
            return Done(curves, Held(Origin(tuple((b, row) for b in batches for row in range(b.work.shape[0]))), fetch))
        boxes = [each.lifetimes for each in done]
        if boxes[0] is None:
            return Done(curves)
        rows = [(box, row) for box, part in enumerate(self.parts) for row in range(part.work.shape[0])]
        return Done(curves, assembled(self.parts[0].work, boxes, rows, ()))

    def over(self) -> None:
        """Say that it is done with."""
        for part in self.parts:
            part.over()
