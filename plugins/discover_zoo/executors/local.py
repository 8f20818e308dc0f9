"""The executor that runs lifetimes on all devices of this process."""

from collections.abc import Callable, Sequence
from typing import Annotated

import jax

from discover import (
    Algorithm,
    AtLeast,
    Curves,
    Environment,
    Executor,
    Lifetimes,
    Members,
    Registry,
    advance_population,
    begin_population,
    component,
    count_members,
    evaluate_population,
    fitting_chunk,
    hookimpl,
    lifetime_bytes,
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

    def evaluate(
        self,
        environment: Environment,
        candidates: Members,
        keys: jax.Array,
        steps: int,
        progress: Callable[[float], None] | None = None,
    ) -> Curves:
        chunk = self._chunk(environment, candidates, len(keys))
        return evaluate_population(environment, candidates, keys, steps, chunk=chunk, progress=progress)

    def begin(self, environment: Environment, candidates: Members, keys: jax.Array) -> Lifetimes:
        return begin_population(environment, candidates, keys, self._chunk(environment, candidates, len(keys)))

    def advance(
        self,
        environment: Environment,
        candidates: Members,
        ongoing: Lifetimes,
        start: int,
        stop: int,
        total: int,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[Lifetimes, Curves]:
        chunk = self._chunk(environment, candidates, ongoing.counts.shape[1])
        return advance_population(
            environment, candidates, ongoing, start=start, stop=stop, total=total, chunk=chunk, progress=progress
        )

    def _chunk(self, environment: Environment, candidates: Members, seeds: int) -> int:
        if self.chunk:
            return self.chunk
        first = jax.tree.map(lambda x: x[0], candidates)
        return fitting_chunk(count_members(candidates) * seeds, lifetime_bytes(environment, first))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("local", Local)
