"""Pieces of work and who runs them: parts go to idle workers, and again to others when a worker is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future

from discover.base.errors import EvaluationError, message_of
from discover.contract.executor import Done, Failure
from discover.contract.registry import Registry
from discover.evaluation.messages import message_of_work, result_from
from discover.inner_loop.isolation import ATTEMPTS
from discover.workers.assembly import from_bytes, to_bytes
from discover.workers.crew import Crew, Job
from discover.workers.held import Batch, Origin
from discover.workers.part import Part, Piece
from discover.workers.worker import Parcel, Worker

_TICK = 1.0
"""Seconds between two looks at the clock, while no job ends."""

_PATIENCE = 60.0
"""Seconds to wait for the error of lifetimes that did not arrive."""


class Dispatch:
    """One call of an executor that has workers.

    Args:
        crew: the workers.
        registry: has the names of candidates and environments.
        pieces: what is to be done.
        seconds: the limit of time of a part, if there is one.
        fetch: see `Held`.
    """

    def __init__(
        self,
        crew: Crew,
        registry: Registry,
        pieces: Sequence[Piece],
        *,
        seconds: float | None,
        fetch: Callable[[Sequence[Batch]], None],
    ):
        self._crew, self._registry, self._seconds, self._fetch = crew, registry, seconds, fetch
        self._pieces = dict(enumerate(pieces))
        self._place = {part: place for place, piece in self._pieces.items() for part in piece.parts}
        self._queue = list(self._place)
        self._remade = dict[Batch, Part]()
        self._hopeless = dict[Hashable, Failure]()
        self._lost_for_good = ""

    def results(self, progress: Callable[[float], None] | None = None) -> Iterator[tuple[int, Done | Failure]]:
        """The place and the result of each piece, as soon as it is done.

        Args:
            progress: called about once a second with the share that is done.
        """
        count = max(1, len(self._place))
        try:
            while self._pieces:
                self._step()
                yield from self._finished()
                if progress is not None:
                    left = sum(piece.left for piece in self._pieces.values())
                    progress(1 - left / count)
        finally:
            for piece in self._pieces.values():
                piece.over()
            for part in self._remade.values():
                part.over()

    def make(self, batches: Sequence[Batch]) -> None:
        """Make lifetimes once more that lost workers held."""
        try:
            while not all(batch.is_there for batch in batches):
                for batch in batches:
                    self._remake(batch)
                self._step()
                if self._lost_for_good:
                    raise EvaluationError(f"{self._lost_for_good}: resume the search from its checkpoint.")
        finally:
            for part in self._remade.values():
                part.over()

    def _step(self) -> None:
        """Give work to idle workers, and take what is done."""
        self._crew.tend()
        self._give()
        for future, job in self._crew.wait(_TICK):
            self._take(future, job)
        self._end_late()

    def _finished(self) -> Iterator[tuple[int, Done | Failure]]:
        for place in [place for place, piece in self._pieces.items() if not piece.left]:
            piece = self._pieces.pop(place)
            result = piece.result(self._fetch)
            piece.over()
            yield place, result

    def _give(self) -> None:
        for part in [part for part in self._queue if part.structure in self._hopeless]:
            self._queue.remove(part)
            self._conclude(part, self._hopeless[part.structure])
        idle = self._crew.idle()
        for worker in list(idle):
            ready = [part for part in self._queue if self._may_run(part)]
            part = self._crew.homes.pick(worker, ready, idle)
            if part is not None:
                self._queue.remove(part)
                idle.remove(worker)
                self._send(worker, part)

    def _may_run(self, part: Part) -> bool:
        """Whether all that a part goes on with is there; what is not will be made once more."""
        missing = [batch for batch in part.sources() if not batch.is_there]
        for batch in missing:
            self._remake(batch)
        return not missing

    def _remake(self, batch: Batch) -> None:
        if not batch.is_there and batch not in self._remade:
            self._remade[batch] = part = Part(batch.work, batch.origin, batch)
            self._queue.append(part)

    def _send(self, worker: Worker, part: Part) -> None:
        values, arrays = message_of_work(self._registry, part.work)
        road, parcels = (None, []) if part.origin is None else _road(part.origin, worker)
        values |= {"token": part.batch.token if part.batch is not None else None, "from": road}
        future = worker.ask(to_bytes(values, *arrays), [parcel for _, parcel in parcels])
        self._crew.homes.settle(worker, part)
        self._crew.jobs[future] = Job(worker, part, time.monotonic(), parcels)

    def _take(self, future: Future[bytes], job: Job) -> None:
        """Take the answer to a job, which may be one of an earlier call that nobody waits for any more."""
        part, error = job.part, future.exception()
        if error is None:
            self._crew.homes.ran(part, time.monotonic() - job.since)
            result = result_from(*from_bytes(future.result()), part.work)
            if isinstance(result, Done) and part.batch is not None:
                part.batch.hold(job.worker)
            self._conclude(part, result)
            return
        lost = _lost_by(error, job)
        for worker in lost:
            self._crew.lose(worker)
        if job.worker in lost or not lost:  # what others held will be made once more, which has losses of its own
            part.losses += 1
        if part.losses < ATTEMPTS and self._is_mine(part):
            self._queue.insert(0, part)
        else:
            why = f"each of {part.losses} workers that had it was lost: {message_of(error)}"
            self._conclude(part, Failure("machine", why, "again"))

    def _conclude(self, part: Part, result: Done | Failure) -> None:
        """Take note of the result of a part."""
        if part in self._place:
            piece = self._pieces.get(self._place[part])
            if piece is not None:
                piece.add(part, result)
            if isinstance(result, Failure) and result.retry == "never":
                self._hopeless[part.structure] = result
        elif part.batch is not None and self._remade.get(part.batch) is part:
            del self._remade[part.batch]
            if isinstance(result, Failure):
                self._give_up(part.batch, result)
            part.over()

    def _give_up(self, batch: Batch, failure: Failure) -> None:
        """Let all fail that needs lifetimes which cannot be made once more."""
        why = f"lifetimes that a lost worker held cannot be made once more ({failure.why})"
        self._lost_for_good = why
        for part in [part for part in self._queue if batch in part.sources()]:
            self._queue.remove(part)
            self._conclude(part, Failure("machine", why, "again"))

    def _end_late(self) -> None:
        """End the workers whose jobs take too long."""
        now = time.monotonic()
        for future, job in list(self._crew.jobs.items()):
            if self._seconds is not None and now - job.since > self._seconds and job.part in self._place:
                del self._crew.jobs[future]
                self._crew.lose(job.worker)
                self._conclude(job.part, Failure("time", f"it took longer than {self._seconds:g} s and was ended"))

    def _is_mine(self, part: Part) -> bool:
        return part in self._place or part in self._remade.values()


def _road(origin: Origin, worker: Worker) -> tuple[dict[str, object], list[tuple[Worker, Parcel]]]:
    """How lifetimes come to a worker: in the words of a job, and as parcels. What it has itself stays there."""
    boxes, rows, parcels = list[dict[str, int]](), dict[tuple[Batch, int], tuple[int, int]](), list[tuple[Worker, Parcel]]()
    for box, batch in enumerate(origin.batches()):
        needed = sorted({row for each, row in origin.rows if each is batch})
        if batch.worker is worker:
            boxes.append({"token": batch.token})
            rows |= {(batch, row): (box, row) for row in needed}
            continue
        boxes.append({"parcel": len(parcels)})
        rows |= {(batch, row): (box, place) for place, row in enumerate(needed)}
        holder = batch.worker
        parcels.append((holder or worker, holder.pack(batch.token, needed) if holder is not None else batch.parcel(needed)))
    streams = [[each.generation, each.places.tolist(), each.moved.tolist()] for each in origin.streams]
    return {"boxes": boxes, "rows": [rows[each] for each in origin.rows], "streams": streams}, parcels


def _lost_by(error: BaseException, job: Job) -> list[Worker]:
    """The workers that have ended, as an error of a job says: who had the job, or who held what it should go on with."""
    if job.worker.is_lost_by(error):
        return [job.worker]
    holders = []
    for holder, parcel in job.parcels:
        broken = parcel.future().exception(_PATIENCE)
        if broken is not None and holder.is_lost_by(broken):
            holders.append(holder)
    return holders
