"""The workers of a pool: as many as are wanted and there is room for, also while some are lost."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, NamedTuple

from discover.base.errors import DiscoverWarning, EvaluationError, message_of
from discover.workers.assembly import from_bytes
from discover.workers.homes import Homes
from discover.workers.part import Part
from discover.workers.worker import Parcel, Worker

_FAILED_STARTS = 3
"""Workers that may fail to begin, one after the other, before that is an error, or others go on alone for a while."""

_WHILE = 60.0
"""Seconds of that while."""

_SHAPING = ("discover-rl", "jax", "jaxlib", "optax", "gymnax", "numpy")
"""Distributions whose versions must be the same everywhere, since bits depend on them."""

_PAUSE = 0.05
"""Seconds to wait where nobody works."""

_ROOM = 30.0
"""Seconds without a single worker after which a warning says so."""


class WorkerWarning(DiscoverWarning):
    """Workers are missing, or differ from each other."""


class Job(NamedTuple):
    """A job that a worker has.

    Attributes:
        worker: who has it.
        part: what it is.
        since: when it was sent, by the monotonic clock.
        parcels: lifetimes that come along from other workers.
    """

    worker: Worker
    part: Part
    since: float
    parcels: Sequence[tuple[Worker, Parcel]]


class Crew:
    """Workers, and their jobs. Lost ones are replaced; new ones get work as soon as they are ready.

    Args:
        start: starts a worker; it may have to wait for room.
        wanted: how many there should be.
        settings: the first message to each.
        versions: of distributions in this process.

    Attributes:
        jobs: by the promise of each.
        homes: of structures.
        garbage: lifetimes that nobody needs, with who holds them.
    """

    def __init__(self, start: Callable[[], Worker], wanted: Callable[[], int], settings: bytes, *, versions: Mapping[str, str]):
        self._start, self._wanted, self._settings = start, wanted, settings
        self._starting = dict[Future[bytes], Worker]()
        self._ready = list[Worker]()
        self._versions, self._first, self._pause = versions, dict[str, Any](), 0.0
        self._failures, self._alone_since, self._warned = 0, time.monotonic(), set[str]()
        self.jobs = dict[Future[bytes], Job]()
        self.homes = Homes()
        self.garbage = deque[tuple[Worker, int]]()

    def idle(self) -> list[Worker]:
        """Workers without a job."""
        busy = {id(job.worker) for job in self.jobs.values()}
        return [worker for worker in self._ready if id(worker) not in busy]

    def tend(self) -> None:
        """Take in workers that are ready, start those that are missing, and let workers forget what nobody needs.

        Raises:
            EvaluationError: none can begin.
        """
        while self.garbage:
            worker, token = self.garbage.popleft()
            if worker in self._ready:
                worker.drop(token)
        for worker in [worker for worker in self.idle() if worker.has_ended()]:
            self.lose(worker)
        for future in [future for future in self._starting if future.done()]:
            self._take_in(self._starting.pop(future), future)
        missing = self._wanted() - len(self._ready) - len(self._starting)
        for _ in range(missing if time.monotonic() >= self._pause else 0):
            worker = self._start()
            self._starting[worker.begin(self._settings)] = worker
        if self._ready or not self._starting:
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > _ROOM:
            self._warn("no worker is ready yet: work waits until there is room for one.")

    def wait(self, seconds: float) -> list[tuple[Future[bytes], Job]]:
        """Jobs that have ended, as soon as there is one; none if that takes longer."""
        if not self.jobs and not self._starting:
            time.sleep(min(seconds, _PAUSE))
        done, _ = wait([*self.jobs, *self._starting], timeout=seconds, return_when=FIRST_COMPLETED)
        return [(future, self.jobs.pop(future)) for future in done if future in self.jobs]

    def lose(self, worker: Worker) -> None:
        """Take note that a worker is lost."""
        if worker in self._ready:
            self._ready.remove(worker)
        worker.lost = True
        self.homes.lose(worker)
        worker.end()

    def close(self) -> None:
        """End all workers."""
        for worker in [*self._ready, *self._starting.values()]:
            worker.lost = True
            worker.end()
        self._ready.clear()
        self._starting.clear()
        self.jobs.clear()
        self.homes = Homes()

    def _take_in(self, worker: Worker, future: Future[bytes]) -> None:
        error = future.exception()
        facts = {"error": message_of(error)} if error is not None else from_bytes(future.result())[0]
        why = facts.get("error") or self._differs(facts)
        if why is None:
            self._failures = 0
            self._ready.append(worker)
            return
        worker.end()
        self._failures += 1
        if self._failures >= _FAILED_STARTS and not self._ready:
            raise EvaluationError(f"workers cannot begin ({why}): repair that, or choose the executor 'local'.")
        if self._failures >= _FAILED_STARTS:
            self._pause = time.monotonic() + _WHILE
        self._warn(f"a worker could not begin ({why}): another one is tried.")

    def _differs(self, facts: dict[str, Any]) -> str | None:
        """The cause why the bits of a worker would be others than those of this process; of other devices it only warns."""
        for name in _SHAPING:
            here, there = self._versions.get(name), facts["versions"].get(name)
            if here != there:
                return f"'{facts['host']}' has {name} {there}, and this process has {here}"
        first = self._first = self._first or facts
        if facts["device"] != first["device"]:
            self._warn(
                f"'{facts['host']}' computes on {facts['device']}, '{first['host']}' on {first['device']}: bits may depend on "
                "who runs what; take machines of one kind."
            )
        return None

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, WorkerWarning, stacklevel=2)
