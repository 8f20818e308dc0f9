"""The executor that runs lifetimes on all devices of this process."""

import functools
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
    attempt,
    component,
    fitting_chunk,
    hookimpl,
    lifetime_bytes,
    part_of_progress,
    run_population,
)


@component
class Local(Executor):
    """Lifetimes on all devices of this process.

    Attributes:
        chunk: number of lifetimes at the same time on each device; 0 chooses it by the device, the number of lifetimes and
            their size.

    >>> Local()
    Local()
    """

    chunk: Annotated[int, AtLeast(0)] = 0

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        if self.chunk:
            return self
        largest = max(lifetime_bytes(environment, candidate) for environment in environments)
        return Local(chunk=fitting_chunk(lifetimes, largest))

    def members_at_once(self, seeds: int) -> int:
        return math.lcm(self.chunk * jax.device_count(), seeds) // seeds

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        hopeless = dict[object, Failure]()
        for place, piece in enumerate(work):
            program = jax.tree.structure((piece.environment, piece.candidates))
            share = part_of_progress(progress, place, len(work))
            result = hopeless.get(program) or attempt(functools.partial(self._run, piece, share))
            if isinstance(result, Failure) and result.retry == "never":
                hopeless[program] = result
            yield place, result

    def _run(self, work: Work, progress: Callable[[float], None] | None) -> Done:
        return run_population(work, chunk=self.chunk or self._fitting(work), progress=progress)

    @staticmethod
    def _fitting(work: Work) -> int:
        """The chunk where none is settled."""
        members, seeds = work.shape
        first = jax.tree.map(lambda x: x[0], work.candidates)
        return fitting_chunk(members * seeds, lifetime_bytes(work.environment, first))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("local", Local)
