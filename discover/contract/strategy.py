"""The kinds strategy (the outer optimizer) and objective (the fitness that it maximizes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.component import Component
from discover.contract.types import Key, StrategyState

if TYPE_CHECKING:
    from discover.components.space import Space
    from discover.contract.executor import Executor
    from discover.contract.meta_objective import Window


class Proposal(NamedTuple):
    """A population to evaluate, and how much each member is worth.

    Shapes are the same in every generation, also where members are left out.

    Attributes:
        genomes: ``[P, D]`` float32 coordinates; `Space.decode` turns one genome into a candidate.
        parents: None for *fresh* lifetimes (new agents); ``[P]`` int32 for *ongoing* ones: member i continues the lifetimes of
            member ``parents[i]`` of the generation before.
        seeds: ``[P]`` int32: with how many of the config's ``seeds`` each member is evaluated, at most all. With 0 it is not,
            and costs nothing. None for all. Members with n seeds see the first n of the generation.
        budget: ``[P]`` float32 in ``(0, 1]``: the share of each task's env steps that the lifetimes of each member last, one
            update at least. None for all of them.
    """

    genomes: jax.Array
    parents: jax.Array | None = None
    seeds: jax.Array | None = None
    budget: jax.Array | None = None


class Told(NamedTuple):
    """All that a strategy is told of the population that it proposed. Every array has a row per member.

    Attributes:
        genomes: ``[P, D]``, as proposed.
        fitness: ``[P]``, always finite; higher is better. That of a member that is broken or was not evaluated is just below
            the lowest of every sound one so far.
        seeds: ``[P]`` int32: the number of seeds with which each was evaluated.
        spread: ``[P]`` the standard error of the fitness over these seeds: infinite, since nothing is known, with less than two
            seeds or where the member is broken.
        cost: ``[P]`` env steps of its lifetimes, whether they were run for it or for another member that is the same candidate.
        status: ``[P]`` int8 of `Status`: why a member is broken, or `Status.NOT_RUN`.
        returns: per task ``[P, S, 100]`` learning curves, NaN where nothing was run.
        gradients: ``[P, D]`` of what the strategy's `Strategy.window` climbs, as a mean over agents and tasks; 0 in coordinates
            that have no derivative, NaN for a member that has none. None without a window.
        gradient_errors: ``[P, D]`` their standard errors over agents; infinite where not known. None without a window.
    """

    genomes: jax.Array
    fitness: jax.Array
    seeds: jax.Array
    spread: jax.Array
    cost: jax.Array
    status: jax.Array
    returns: tuple[jax.Array, ...] = ()
    gradients: jax.Array | None = None
    gradient_errors: jax.Array | None = None

    @classmethod
    def of(cls, genomes: jax.Array, fitness: jax.Array, seeds: jax.Array | None = None) -> Told:
        """All that can be told where no lifetimes are run: each member is sound, and a seed costs one env step.

        >>> Told.of(jnp.zeros((2, 3)), jnp.array([1.0, 2.0])).cost.tolist()
        [1.0, 1.0]
        """
        members = len(genomes)
        seeds = jnp.ones(members, jnp.int32) if seeds is None else seeds
        unknown = jnp.full(members, jnp.inf)
        return cls(genomes, fitness, seeds, unknown, cost=seeds.astype(jnp.float32), status=jnp.zeros(members, jnp.int8))


class Strategy(Component):
    """Proposes a population, is told how good it is, and so on. *Higher fitness is better.*

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

    def window(self) -> Window | None:
        """The window of updates whose gradient the strategy climbs; None (by default) for one that learns from fitness alone.

        With a window agents live on, one for each seed of each member: a generation is one window of all of them, and the
        strategy is told the gradients (`Told.gradients`). Members keep their agents, so the strategy proposes genomes alone.
        """
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

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        """Learn from the population that `ask` proposed last.

        Args:
            key: randomness.
            state: as `ask` returned it.
            space: the space of the search.
            told: the population, its fitness, and all else that is known of it.
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
