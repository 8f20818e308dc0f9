"""An executor whose work is done by workers: other processes, here or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Done, Executor, Failure, Surroundings, Work
from discover.evaluation.parts import cut
from discover.inner_loop.population import fitting_chunk, lifetime_bytes
from discover.plugin.provenance import provenance
from discover.workers.assembly import from_bytes
from discover.workers.crew import Crew
from discover.workers.dispatch import Dispatch
from discover.workers.held import Batch, Held
from discover.workers.part import Part, Piece
from discover.workers.worker import Worker

_SHARES = 4
"""Devices for which a chunk is chosen, whatever there are."""

_ON_A_GPU = 1024
"""Lifetimes side by side on one GPU, at most."""


def chunk_for_workers(lifetimes: int, candidate: Algorithm, environments: Sequence[Environment], *, gpus: bool = False) -> int:
    """The number of lifetimes side by side on a device, where none is given: as for four devices, whatever there are.

    So the number of workers changes no bit. Where there are many more devices, or few but large ones, another number is faster.

    Args:
        lifetimes: how many there will be.
        candidate: one of the candidates that will run.
        environments: the task families on which they will run.
        gpus: whether the devices are GPUs.
    """
    if gpus:
        return min(_ON_A_GPU, -(-lifetimes // _SHARES))
    largest = max(lifetime_bytes(environment, candidate) for environment in environments)
    return fitting_chunk(lifetimes, largest, _SHARES)


class WorkerPool(Executor):
    """Runs work with workers. Each structure is at home with the workers that compiled it; lost work is done again by others.

    It is what an executor that has workers gives to the search that opens it. No bit depends on how many workers there are, who
    does what, or which of them are lost.

    Args:
        executor: as the config has it, with every choice made.
        surroundings: names of components, and the limit of time.
        start: starts a worker.
        wanted: how many there should be; it is asked again and again.
        settings: the first message to each, see `worker_settings`.
    """

    def __init__(
        self,
        executor: Executor,
        surroundings: Surroundings,
        *,
        start: Callable[[], Worker],
        wanted: Callable[[], int],
        settings: bytes,
    ):
        self._executor, self._surroundings = executor, surroundings
        self._crew = Crew(start, wanted, settings, versions=provenance(surroundings.registry)["versions"])

    def __repr__(self) -> str:
        return repr(self._executor)

    def shaping(self) -> str:
        return self._executor.shaping()

    def members_at_once(self, seeds: int) -> int:
        return self._executor.members_at_once(seeds)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        pieces = [Piece([self._part(piece.of(members)) for members in self._cut(piece)]) for piece in work]
        return self._dispatch(pieces).results(progress)

    def close(self) -> None:
        self._crew.close()

    def _cut(self, work: Work) -> list[np.ndarray]:
        members, seeds = work.shape
        return cut(list(range(members)), self.members_at_once(seeds))

    def _part(self, work: Work) -> Part:
        origin = None
        if isinstance(work.ongoing, Held):
            work, origin = work._replace(ongoing=None), work.ongoing.origin
        return Part(work, origin, Batch(work, origin, self._crew.garbage) if work.keep and work.hold else None)

    def _dispatch(self, pieces: Sequence[Piece]) -> Dispatch:
        surroundings = self._surroundings
        return Dispatch(self._crew, surroundings.registry, pieces, seconds=surroundings.seconds, fetch=self._fetch)

    def _fetch(self, batches: Sequence[Batch]) -> None:
        """Make sure that batches have a copy in this process."""
        while missing := [batch for batch in batches if batch.copy is None]:
            self._dispatch([]).make(missing)
            for batch in missing:
                holder = batch.worker
                if holder is None:
                    continue
                try:
                    data = holder.pack(batch.token, range(batch.work.shape[0])).future().result()
                except Exception as error:
                    if not holder.is_lost_by(error):
                        raise
                    self._crew.lose(holder)
                else:
                    batch.keep_copy(from_bytes(data)[1])
