"""The kinds strategy (the outer optimizer) and objective (the fitness that it maximizes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax
import numpy as np

from discover.components.component import Component
from discover.contract.types import Key, StrategyState

if TYPE_CHECKING:
    from discover.components.space import Space
    from discover.contract.executor import Executor


class Proposal(NamedTuple):
    """A population to evaluate.

    Attributes:
        genomes: ``[P, D]`` float32 coordinates; `Space.decode` turns one genome into a candidate.
        parents: None for *fresh* lifetimes (new agents); ``[P]`` int32 for *ongoing* ones: member i continues the lifetimes of
            member ``parents[i]`` of the generation before.
    """

    genomes: jax.Array
    parents: jax.Array | None = None


class Strategy(Component):
    """Proposes a population, receives its fitness, and so on. *Higher fitness is better.*

    A strategy works in the coordinates of a `Space`: vectors in units of each domain's standard deviation, for which the start
    genome is the natural mean and 1 the natural step size. Its state is a tree of arrays whose structure, shapes and dtypes
    never change: checkpoints save the arrays, and resuming fills them into the state that `init` returns. `ask` and `tell` may
    be traced; ``space`` and ``population`` are the same from `init` to the end, and the strategy's own settings are Python
    numbers, never tracers.
    """

    kind: ClassVar[str] = "strategy"

    def check_population(self, space: Space, population: int) -> str | None:
        """The reason why the strategy cannot work with a population of this size, with one that it could; None if it can.

        A search calls it when it reads its config. The text continues the sentence "population 7 does not suit the strategy
        'Open_ES':".
        """
        del space, population
        return None

    def init(self, key: Key, space: Space, population: int) -> StrategyState:
        """The state before the first generation. The population has passed `check_population`."""
        raise NotImplementedError

    def begin_at(
        self, key: Key, state: StrategyState, space: Space, population: int, *, genomes: jax.Array
    ) -> StrategyState | None:
        """The state from which a search goes on that was given candidates to begin with (``init`` in its config).

        Such candidates stand in the place of the last members of the first generation, and are evaluated with the others. By
        default (None) the strategy is then told that generation: right for one that learns from any members, whoever proposed
        them. One that learns from what it drew itself (mirrored pairs, samples of a distribution) returns a state here whose
        next draws surround the best candidates; it is told nothing of the first generation.

        Args:
            key: randomness.
            state: as `init` returned it; the one that is returned has its form.
            space, population: as in `init`.
            genomes: ``[N, D]`` of the given candidates, the best first; N is at most ``population``.
        """
        del key, state, space, population, genomes
        return None

    def ask(self, key: Key, state: StrategyState, space: Space, population: int) -> tuple[Proposal, StrategyState]:
        """Propose the next population."""
        raise NotImplementedError

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        """Learn from the population that `ask` proposed last.

        Args:
            key: randomness.
            state: as `ask` returned it.
            space: the space of the search.
            genomes: ``[P, D]``, as proposed.
            fitness: ``[P]``, always finite: that of a broken candidate is just below the lowest of every sound one so far.
        """
        raise NotImplementedError

    def recommendation(self, state: StrategyState, space: Space) -> jax.Array | None:
        """The genome ``[D]`` that the strategy itself considers best, evaluated or not (a mean, say); None if it has none."""
        del state, space
        return None


class TaskReturns(NamedTuple):
    """Learning curves of a population on one task.

    Attributes:
        returns: ``[P, S, 100]`` mean episode return in each row of the curve.
        random: return of a uniform random policy: 0 on the normalized scale.
        reference: a reference return: 1 on the normalized scale.
    """

    returns: np.ndarray
    random: float
    reference: float


class Objective(Component):
    """Turns learning curves over tasks and seeds into one number per candidate, its fitness."""

    kind: ClassVar[str] = "objective"

    def executor(self, executor: Executor) -> Executor:
        """The executor that runs the lifetimes of a search with this objective. By default the one of the search.

        An objective of something that learning curves do not show returns one around it, whose curves do (the return after
        adaptation, say).
        """
        return executor

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        """The fitness ``[P]`` of every member; higher is better."""
        raise NotImplementedError
