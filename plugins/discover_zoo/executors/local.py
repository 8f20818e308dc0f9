"""The executor that runs lifetimes on all devices of this process."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import jax

from discover import (
    Algorithm,
    AtLeast,
    Done,
    Environment,
    Executor,
    Failure,
    Registry,
    Work,
    component,
    fitting_chunk,
    hookimpl,
    lifetime_bytes,
    room_on_devices,
    run_here,
)


@component
class Local(Executor):
    """Lifetimes on all devices of this process.

    Attributes:
        chunk: number of lifetimes at the same time on each device; 0 chooses it by the device, the number of lifetimes and
            their size.
        room: bytes that the lifetimes on one device may take, by which the chunk of a structure can be less than ``chunk``; 0
            for any number. Where ``chunk`` is 0, it is chosen too, on accelerators: about a quarter of the memory that is free.

    >>> Local()
    Local()
    """

    chunk: Annotated[int, AtLeast(0)] = 0
    room: Annotated[int, AtLeast(0)] = 0

    @property
    def gives_gradients(self) -> bool:
        return True

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        if self.chunk:
            return self
        room = self.room or room_on_devices()
        if room:  # what a structure needs is asked for each of them
            return Local(chunk=fitting_chunk(lifetimes, size=1), room=room)
        largest = max(lifetime_bytes(environment, candidate) for environment in environments)
        return Local(chunk=fitting_chunk(lifetimes, largest))

    def shaping(self) -> str:
        return f"chunk {self.chunk}" + (f", room {self.room}" if self.room else "")

    def members_at_once(self, seeds: int) -> int:
        return math.lcm(self.chunk * jax.device_count(), seeds) // seeds

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        return run_here(work, self.chunk, progress, room=self.room)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("local", Local)
