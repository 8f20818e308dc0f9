"""The kinds strategy (the outer optimizer) and objective (its fitness)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax
import numpy as np

from discover.components.component import Component

if TYPE_CHECKING:
    from discover.components.space import Space


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
    """Proposes a population, is told its fitness. *Higher is better.*

    A strategy moves in the coordinates of a `Space`: vectors in units of each domain's standard deviation, of which the start
    genome is the natural mean and 1 the natural step. Its state is a tree of arrays whose structure, shapes and dtypes never
    change, so that it is saved as arrays and restored into what `init` gives. `ask` and `tell` may be traced; ``space`` and
    ``population`` are the same from `init` to the end, and the strategy's own settings are numbers, never tracers.
    """

    kind: ClassVar[str] = "strategy"

    def check_population(self, space: Space, population: int) -> str | None:
        """Why the strategy cannot work with such a population and which one it could, or None.

        Asked when a config is read; the answer goes on from "population 7 does not suit the strategy 'Open_ES':".
        """
        del space, population
        return None

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        """State before the first generation. The population has been checked."""
        raise NotImplementedError

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        """The next population."""
        raise NotImplementedError

    def tell(self, key: jax.Array, state: Any, space: Space, genomes: jax.Array, fitness: jax.Array) -> Any:
        """State after ``fitness[P]`` of the ``genomes[P, D]`` that were asked last.

        Fitness is always finite: a broken candidate is just below the lowest that any sound one has had so far.
        """
        raise NotImplementedError

    def recommendation(self, state: Any, space: Space) -> jax.Array | None:
        """The genome that the strategy itself would bet on, though it may never have been evaluated (a mean), or None."""
        del state, space
        return None


class TaskReturns(NamedTuple):
    """Learning curves of a population on one task.

    Attributes:
        returns: ``[P, S, 100]`` mean episode return per row of the curve.
        random: return of a uniform random policy (0 on the normalized scale).
        reference: a reference return (1 on the normalized scale).
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
