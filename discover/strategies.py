"""The kinds strategy (the outer optimiser) and objective (its fitness)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax
import numpy as np

from discover.components import Component

if TYPE_CHECKING:
    from discover.space import Space


class Proposal(NamedTuple):
    """A population to evaluate.

    Attributes:
        genomes: ``[P, D]`` float32 coordinates; `Space.decode` turns them into candidates.
        parents: None for *fresh* lifetimes (new agents); ``[P]`` int32 for *ongoing* ones: member i continues the lifetime of
            member ``parents[i]`` of the generation before.
    """

    genomes: jax.Array
    parents: jax.Array | None = None


class Strategy(Component):
    """Proposes a population, is told its fitness. *Higher is better.* Its state is a tree of arrays of fixed structure."""

    kind: ClassVar[str] = "strategy"

    def smallest_population(self, space: Space) -> int:
        """The least population that the strategy can work with."""
        del space
        return 1

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        """State before the first generation."""
        raise NotImplementedError

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        """The next population."""
        raise NotImplementedError

    def tell(self, key: jax.Array, state: Any, space: Space, genomes: jax.Array, fitness: jax.Array) -> Any:
        """State after ``fitness[P]`` of ``genomes[P, D]``: finite, a broken candidate has the lowest of its generation."""
        raise NotImplementedError

    def favourite(self, state: Any, space: Space) -> jax.Array | None:
        """The strategy's own best guess ``[D]`` (the mean of an evolution strategy), or None if it has none."""
        del state, space
        return None


class TaskReturns(NamedTuple):
    """Learning curves of a population on one task.

    Attributes:
        returns: ``[P, S, 100]`` mean episode return per row of the curve.
        random: return of a uniform random policy (0 on the normalised scale).
        reference: a reference return (1 on the normalised scale).
    """

    returns: np.ndarray
    random: float
    reference: float


class Objective(Component):
    """Turns learning curves over tasks and seeds into one fitness number per candidate."""

    kind: ClassVar[str] = "objective"

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        """Fitness ``[P]``; higher is better."""
        raise NotImplementedError
