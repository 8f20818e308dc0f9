"""This process, on all its devices."""

from collections.abc import Callable
from typing import Any

import jax

from discover import Curves, Environment, Executor, component, evaluate_population, fitting_chunk


@component
class Local(Executor):
    """Lifetimes on all devices of this process.

    Attributes:
        chunk: lifetimes side by side on each device; 0 takes what suits the device and the number of lifetimes.
    """

    chunk: int = 0

    def settle(self, lifetimes: int) -> Executor:
        return self if self.chunk else Local(chunk=fitting_chunk(lifetimes))

    def evaluate(
        self,
        environment: Environment,
        candidates: Any,
        keys: jax.Array,
        steps: int,
        progress: Callable[[float], None] | None = None,
    ) -> Curves:
        return evaluate_population(environment, candidates, keys, steps, self._chunk(candidates, keys), progress)

    def _chunk(self, candidates: Any, keys: jax.Array) -> int:
        return self.chunk or fitting_chunk(len(jax.tree.leaves(candidates)[0]) * len(keys))
