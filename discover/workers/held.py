"""Lifetimes that workers hold, and how to make them once more if a worker is lost."""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from discover.contract.executor import Work
from discover.contract.held import HeldLifetimes
from discover.contract.types import Lifetimes
from discover.evaluation.messages import lifetimes_from
from discover.workers.assembly import Streams, assembled, to_bytes
from discover.workers.worker import Parcel, ReadyParcel, Worker

_tokens = itertools.count(1)


class Origin(NamedTuple):
    """Where the lifetimes of members come from.

    Attributes:
        rows: a batch, and a place in it, for each member.
        streams: what happened to their random streams since, first things first.
    """

    rows: tuple[tuple[Batch, int], ...]
    streams: tuple[Streams, ...] = ()

    def of(self, members: slice | np.ndarray) -> Origin:
        """That of some of the members."""
        places = np.arange(len(self.rows))[members]
        return Origin(tuple(self.rows[place] for place in places), tuple(each.of(places) for each in self.streams))

    def inherit(self, parents: np.ndarray, generation: int) -> Origin:
        """That of the members of a next generation."""
        copies, places = self.of(parents), np.arange(len(parents))
        return copies._replace(streams=(*copies.streams, Streams(generation, places, parents != places)))

    def batches(self) -> list[Batch]:
        """The batches, each once."""
        return list(dict.fromkeys(batch for batch, _ in self.rows))


class Batch:
    """Lifetimes that one job left with a worker.

    While nobody needs them they are forgotten, but not how they were made: lifetimes that come from them may have to be made
    once more.

    Args:
        work: the job, without the lifetimes that it went on with.
        origin: where these came from, if there were any.
        garbage: takes lifetimes that nobody needs, to be dropped.

    Attributes:
        token: under which a worker holds them.
        copy: their leaves in this process, if they were gathered.
    """

    def __init__(self, work: Work, origin: Origin | None, garbage: deque[tuple[Worker, int]]):
        self.work, self.origin, self.token = work, origin, next(_tokens)
        self.copy: list[np.ndarray] | None = None
        self._worker: Worker | None = None
        self._needs, self._garbage = 0, garbage

    @property
    def worker(self) -> Worker | None:
        """Who holds them; None if nobody does."""
        return None if self._worker is None or self._worker.lost else self._worker

    @property
    def is_there(self) -> bool:
        """Whether a worker or this process has them."""
        return self.worker is not None or self.copy is not None

    def hold(self, worker: Worker) -> None:
        """Take note that a worker holds them; if one does already, it may forget them."""
        if self._needs and self.worker is None:
            self._worker = worker
        else:
            self._garbage.append((worker, self.token))

    def need(self) -> None:
        """Say that they are needed, once more."""
        self._needs += 1

    def release(self) -> None:
        """Take back one `need`; nobody holds what nobody needs."""
        self._needs -= 1
        if not self._needs:
            self._forget()

    def parcel(self, rows: Sequence[int]) -> Parcel:
        """Some of the members of the copy in this process."""
        assert self.copy is not None
        return ReadyParcel(to_bytes({}, *(leaf[np.asarray(rows)] for leaf in self.copy)))

    def _forget(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._garbage.append((worker, self.token))

    def keep_copy(self, leaves: list[np.ndarray]) -> None:
        """Keep their leaves here; how they were made matters no more."""
        self.copy, self.origin, self.work = leaves, None, self.work._replace(ongoing=None)


class Held(HeldLifetimes):
    """A handle of lifetimes with workers.

    Args:
        origin: where they are.
        fetch: makes sure that batches have a copy in this process.
    """

    def __init__(self, origin: Origin, fetch: Callable[[Sequence[Batch]], None]):
        self.origin, self._fetch = origin, fetch
        batches = origin.batches()
        for batch in batches:
            batch.need()
        weakref.finalize(self, _release, batches)

    def of(self, members: slice | np.ndarray) -> Held:
        return Held(self.origin.of(members), self._fetch)

    def inherit(self, parents: np.ndarray, generation: int) -> Held:
        return Held(self.origin.inherit(parents, generation), self._fetch)

    def gather(self) -> Lifetimes:
        batches = self.origin.batches()
        self._fetch(batches)
        work = batches[0].work
        boxes = [lifetimes_from(work, batch.copy or []) for batch in batches]
        rows = [(batches.index(batch), row) for batch, row in self.origin.rows]
        return assembled(work, boxes, rows, self.origin.streams)


def _release(batches: Sequence[Batch]) -> None:
    for batch in batches:
        batch.release()
