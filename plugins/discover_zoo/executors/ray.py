"""The executor that runs lifetimes on a cluster of Ray."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, ClassVar

import jax

from discover import (
    Algorithm,
    AtLeast,
    Done,
    Environment,
    Executor,
    Failure,
    Registry,
    Surroundings,
    Work,
    WorkerPool,
    chunk_for_workers,
    component,
    hookimpl,
    replace,
    run_here,
    worker_settings,
)
from discover_zoo.executors.ray_actors import RayWorker, connect, imported, room


@component
class Ray(Executor):
    """Lifetimes on a cluster of Ray, in actors. Machines may come and go in the middle of a search.

    It needs ``pip install 'discover-rl[ray]'``. Before a search opens it, it runs lifetimes in this process.

    Attributes:
        address: of the cluster: ``host:port``, or ``auto`` for the one that this machine is part of. Without one, a cluster of
            this machine alone begins, and ends with this process.
        workers: number of actors; 0 for as many as the cluster has room for, now and later.
        devices: CPU devices of each.
        gpus: GPUs of each.
        chunk: number of lifetimes at the same time on each device, on which bits depend; 0 chooses it by the number of
            lifetimes and their size, whatever the number of workers is.

    >>> Ray(address="auto", gpus=1, chunk=256)
    Ray(address='auto', gpus=1, chunk=256)
    """

    limits_time: ClassVar[bool] = True

    address: str = ""
    workers: Annotated[int, AtLeast(0)] = 0
    devices: Annotated[int, AtLeast(1)] = 1
    gpus: Annotated[int, AtLeast(0)] = 0
    chunk: Annotated[int, AtLeast(0)] = 0

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        if self.chunk:
            return self
        return replace(self, {"chunk": chunk_for_workers(lifetimes, candidate, environments, gpus=self.gpus > 0)})

    def shaping(self) -> str:
        device = "gpu" if self.gpus else "cpu"
        return f"chunk {self.chunk}" + ("" if device == jax.default_backend() else f", on {device}")

    def members_at_once(self, seeds: int) -> int:
        return math.lcm(self.chunk * self._devices(), seeds) // seeds

    def open(self, surroundings: Surroundings) -> Executor:
        imported(alone=not self.address)
        settings = worker_settings(surroundings, chunk=self.chunk, devices=self.devices, here=False)
        return WorkerPool(self, surroundings, start=self._start, wanted=self._wanted, settings=settings)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        return run_here(work, self.chunk, progress)

    def _devices(self) -> int:
        return self.gpus or self.devices

    def _start(self) -> RayWorker:
        return RayWorker(self.devices, self.gpus)

    def _wanted(self) -> int:
        connect(self.address, self.devices * self.workers)
        return self.workers or room(self.devices, self.gpus)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("ray", Ray)
