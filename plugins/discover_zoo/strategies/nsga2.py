"""NSGA-II: candidates that are good, against what they cost."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Key,
    Proposal,
    Registry,
    Scalar,
    Space,
    Status,
    Strategy,
    Told,
    component,
    hookimpl,
    named_keys,
    real,
)

_WORST = 1e30
_FARTHEST = 1e9


class State(NamedTuple):
    """The population after selection, the best first.

    Attributes:
        genomes: ``[P, D]``.
        values: ``[P, 2]``: fitness, and the cost with a minus; higher is better.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    values: jax.Array
    generation: jax.Array


@component
class NSGA2(Strategy):
    """NSGA-II (Deb et al. 2002): a front of candidates, none of which another one beats in both fitness and cost.

    A generation of children and the population before it are ranked together: those that no other dominates come first, then
    those that only these dominate, and so on; within a front those in the emptier places come first (crowding distance). The
    better half is the next population. A parent is the better of two drawn members; a child has two parents with probability
    ``crossover``, and is mutated by `Space.mutate`. The first generation is the start genome and draws from the prior.

    The cost is the ``size``, the number of open values that have an effect, or the ``env_steps`` of the lifetimes. Broken
    members are dominated by all. A member keeps the fitness of its only evaluation: with much noise, race it (`racing`), or
    give more seeds. Ranking takes O(P^2) memory.

    Its recommendation is the member with the highest fitness; the champion is chosen among finalists of high fitness. The whole
    front is in the last generation of the history of a search.

    Attributes:
        cost: that is to be low.
        crossover: probability that a child has two parents.
        mutation: probability that a value mutates, beside the one that always does.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = NSGA2(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).values.shape
    (4, 2)
    """

    paper = "Deb, Pratap, Agarwal & Meyarivan 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE TEVC 6"

    cost: Literal["size", "env_steps"] = "size"
    crossover: Scalar = real(0.8, low=0.0, high=1.0)
    mutation: Scalar = real(0.1, low=0.0, high=1.0)

    def check_population(self, space: Space, population: int) -> str | None:
        del space
        return None if population >= 2 else "it needs 2 at least, for a tournament"

    def init(self, key: Key, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        genomes = jax.vmap(space.sample)(jax.random.split(key_prior, population))
        return State(
            genomes.at[0].set(space.start(key_start)), jnp.full((population, 2), -_WORST, jnp.float32), jnp.zeros((), jnp.int32)
        )

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        children = jax.vmap(lambda k: self._child(k, state, space))(jax.random.split(key, population))
        return Proposal(jnp.where(state.generation == 0, state.genomes, children)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        cost = told.cost if self.cost == "env_steps" else _sizes(told.genomes, space)
        values = jnp.stack([jnp.asarray(told.fitness, jnp.float32), -cost], axis=1)
        values = jnp.where((told.status == Status.OK)[:, None], values, -_WORST)
        genomes, every = jnp.concatenate([state.genomes, told.genomes]), jnp.concatenate([state.values, values])
        front = fronts(every)
        best = jnp.lexsort((-crowding(every, front), front))[: len(told.genomes)]
        return State(genomes[best], every[best], state.generation + 1)

    def recommendation(self, state: State, space: Space) -> jax.Array:
        """The member with the highest fitness."""
        del space
        return state.genomes[jnp.argmax(state.values[:, 0])]

    def _child(self, key: Key, state: State, space: Space) -> jax.Array:
        key_parents, key_whether, key_crossover, key_mutation = named_keys(key, "parents", "whether", "crossover", "mutation")
        drawn = jax.random.randint(key_parents, (2, 2), 0, len(state.genomes))
        first, second = state.genomes[jnp.min(drawn, axis=1)]  # the population is in its order, the best first
        crossed = space.crossover(key_crossover, first, second)
        child = jnp.where(jax.random.bernoulli(key_whether, self.crossover), crossed, first)
        return space.mutate(key_mutation, child, self.mutation)


def fronts(values: jax.Array) -> jax.Array:
    """The front ``[N]`` of each row of ``[N, 2]``, higher being better: 0 where no row dominates it.

    >>> fronts(jnp.array([[3.0, 1.0], [1.0, 3.0], [2.0, 1.0], [1.0, 1.0], [3.0, 1.0]])).tolist()
    [0, 0, 1, 2, 0]
    """
    at_least = jnp.all(values[:, None] >= values[None], axis=-1)
    dominates = at_least & ~at_least.T

    def peel(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        front, index = carry
        left = front < 0
        first = left & ~jnp.any(dominates & left[:, None], axis=0)
        return jnp.where(first, index, front), index + 1

    unknown = jnp.full(len(values), -1)
    return jax.lax.while_loop(lambda carry: jnp.any(carry[0] < 0), peel, (unknown, jnp.zeros((), jnp.int32)))[0]


def crowding(values: jax.Array, front: jax.Array) -> jax.Array:
    """The crowding distance ``[N]``: how far apart the neighbors of each row are in its front; very far at its ends."""
    total = jnp.zeros(len(values))
    for column in range(values.shape[1]):
        order = jnp.lexsort((values[:, column], front))
        ordered, place = values[order, column], front[order]
        below, above = jnp.roll(ordered, 1), jnp.roll(ordered, -1)
        alike = place[1:] == place[:-1]
        inner = jnp.concatenate([jnp.array([False]), alike]) & jnp.concatenate([alike, jnp.array([False])])
        low = jax.ops.segment_min(ordered, place, len(values))[place]
        high = jax.ops.segment_max(ordered, place, len(values))[place]
        distance = jnp.where(inner, (above - below) / jnp.maximum(high - low, 1e-12), _FARTHEST)
        total = total.at[order].add(distance)
    return total


def _sizes(genomes: jax.Array, space: Space) -> jax.Array:
    """The number of open values that have an effect, ``[N]``."""
    return jnp.sum(jax.vmap(space.active)(genomes), axis=1).astype(jnp.float32)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("nsga2", NSGA2)
