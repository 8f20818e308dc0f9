"""Who runs what: a structure stays with the workers that have compiled it, as long as others need not wait for them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Hashable, Sequence

from discover.workers.part import Part
from discover.workers.worker import Worker


class Homes:
    """The workers at which each structure is at home, and how long it takes.

    Who runs what changes no bit, so it may depend on the clock.
    """

    def __init__(self) -> None:
        self._of = dict[Hashable, list[Worker]]()
        self._pace = dict[Hashable, float]()  # seconds for a unit of weight, where a program is there already
        self._first = deque[float](maxlen=32)  # seconds of jobs that began with compilation

    def pick(self, worker: Worker, parts: Sequence[Part], idle: Collection[Worker]) -> Part | None:
        """A part for an idle worker: one that is at home there, or nowhere, or would wait long elsewhere.

        Args:
            worker: the worker.
            parts: those that nobody runs.
            idle: all workers without a job: what is at home with one of them waits for it.
        """
        homes = [self._homes(part) for part in parts]
        own = [part for part, at in zip(parts, homes, strict=True) if worker in at]
        if own:
            return max(own, key=lambda part: part.weight)
        weights = Counter[Hashable]()
        for part in parts:
            weights[part.structure] += part.weight
        homeless = [part for part, at in zip(parts, homes, strict=True) if not at]
        if homeless:
            return max(homeless, key=lambda part: weights[part.structure])
        waiting = [
            part
            for part, at in zip(parts, homes, strict=True)
            if not any(each in idle for each in at) and self._waits(part, weights[part.structure] / len(at))
        ]
        return max(waiting, key=lambda part: weights[part.structure], default=None)

    def settle(self, worker: Worker, part: Part) -> None:
        """Take note that a worker runs a part."""
        at = self._of.setdefault(part.structure, [])
        part.first = worker not in at
        if part.first:
            at.append(worker)

    def ran(self, part: Part, seconds: float) -> None:
        """Take note of the time that a part took."""
        if part.first:
            self._first.append(seconds)
        else:
            self._pace[part.structure] = seconds / max(1, part.weight)

    def lose(self, worker: Worker) -> None:
        """Take note that a worker is lost."""
        for at in self._of.values():
            if worker in at:
                at.remove(worker)

    def _homes(self, part: Part) -> list[Worker]:
        """Where the program of a part is; of lifetimes that go on, where most of them are."""
        nearest = part.nearest()
        return [nearest] if nearest is not None else self._of.get(part.structure, [])

    def _waits(self, part: Part, weight: float) -> bool:
        """Whether the work before a part takes longer than a compilation elsewhere."""
        pace = self._pace.get(part.structure)
        return pace is None or part.origin is not None or pace * weight > sum(self._first) / max(1, len(self._first))
