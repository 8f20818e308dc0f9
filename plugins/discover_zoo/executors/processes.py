"""The executor that runs lifetimes in other processes of this machine."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, ClassVar

from discover import (
    Algorithm,
    AtLeast,
    Done,
    Environment,
    Executor,
    Failure,
    ProcessWorker,
    Registry,
    Surroundings,
    Work,
    WorkerPool,
    chunk_for_workers,
    component,
    cores,
    hookimpl,
    replace,
    run_here,
    worker_settings,
)


@component
class Processes(Executor):
    """Lifetimes in other processes of this machine: one that is killed, or runs out of memory, costs what it was doing.

    Before a search opens it, it runs lifetimes in this process.

    Attributes:
        workers: number of processes; 0 for one on every core, or every ``devices`` cores.
        devices: CPU devices of each.
        chunk: number of lifetimes at the same time on each device, on which bits depend; 0 chooses it by the number of
            lifetimes and their size, whatever the number of workers is.

    >>> Processes(workers=2)
    Processes(workers=2)
    """

    limits_time: ClassVar[bool] = True

    workers: Annotated[int, AtLeast(0)] = 0
    devices: Annotated[int, AtLeast(1)] = 1
    chunk: Annotated[int, AtLeast(0)] = 0

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        if self.chunk:
            return self
        return replace(self, {"chunk": chunk_for_workers(lifetimes, candidate, environments)})

    def shaping(self) -> str:
        return f"chunk {self.chunk}"

    def members_at_once(self, seeds: int) -> int:
        return math.lcm(self.chunk * self.devices, seeds) // seeds

    def open(self, surroundings: Surroundings) -> Executor:
        settings = worker_settings(surroundings, chunk=self.chunk, devices=self.devices, here=True)
        return WorkerPool(self, surroundings, start=ProcessWorker, wanted=self._count, settings=settings)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        return run_here(work, self.chunk, progress)

    def _count(self) -> int:
        return self.workers or max(1, cores() // self.devices)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("processes", Processes)
