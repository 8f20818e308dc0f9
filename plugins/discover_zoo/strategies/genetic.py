"""A genetic algorithm on typed genes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Key, Proposal, Registry, Scalar, Space, Strategy, Told, component, hookimpl, named_key, named_keys, real
from discover_zoo.strategies.structures import firsts_of_structures


class State(NamedTuple):
    """The generation that was evaluated last; before the first, the one to evaluate first.

    Attributes:
        genomes: ``[P, D]``.
        fitness: ``[P]``.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    fitness: jax.Array
    generation: jax.Array


@component
class Genetic(Strategy):
    """A genetic algorithm whose mutation and crossover suit each domain, so that choices between components evolve too.

    Members are ranked by how many better ones share their structure, then by fitness: the best of every structure come
    first, so that a new structure has time to tune its numbers (crowding by niches; where there is one structure, or as
    many as members, the rank is that of the fitness alone). A child has one parent, or two with probability ``crossover``.
    A parent is the foremost of ``tournament`` members drawn with replacement: its rank is ``floor(P * (1 - u^(1 /
    tournament)))`` for a uniform u. Every child is then mutated by `Space.mutate`: one value that has an effect always
    changes, each other with probability ``mutation``. The foremost share ``elite`` of a generation, at least one member and not
    all, stays in the population as it is, and is evaluated again with all others, so that a lucky evaluation does not last. The
    first generation is the start genome and draws from the prior.

    Attributes:
        tournament: number of members that compete to be a parent; 1 means no selection.
        crossover: probability that a child has two parents.
        mutation: probability that a value mutates, beside the one that always does.
        elite: share of the population that stays.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = Genetic(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).genomes.shape
    (4, 1)
    """

    paper = (
        "Goldberg & Deb 1991 (tournaments); Muehlenbein & Schlierkamp-Voosen 1993 (line recombination); Mahfoud 1995 (niches)"
    )

    tournament: Scalar = real(3.0, low=1.0, high=16.0, scale="log")
    crossover: Scalar = real(0.8, low=0.0, high=1.0)
    mutation: Scalar = real(0.1, low=0.0, high=1.0)
    elite: Scalar = real(0.25, low=0.0, high=0.9)

    def check_population(self, space: Space, population: int) -> str | None:
        return None if population >= 2 else "it needs 2 at least, the best of a generation and a child"

    def init(self, key: Key, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        genomes = jax.vmap(space.sample)(jax.random.split(key_prior, population))
        return State(genomes.at[0].set(space.start(key_start)), jnp.zeros(population), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        ranked = state.genomes[_foremost(state, space)]
        children = jax.vmap(lambda k: self._child(k, ranked, space))(jax.random.split(key, population))
        elite = jnp.clip(jnp.round(self.elite * population), 1, population - 1)
        bred = jnp.where((jnp.arange(population) < elite)[:, None], ranked, children)
        return Proposal(jnp.where(state.generation == 0, state.genomes, bred)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        return State(told.genomes, jnp.asarray(told.fitness, jnp.float32), state.generation + 1)

    def _child(self, key: Key, ranked: jax.Array, space: Space) -> jax.Array:
        first, second = self._parents(named_key(key, "parents"), ranked)
        crossed = space.crossover(named_key(key, "crossover"), first, second)
        child = jnp.where(jax.random.bernoulli(named_key(key, "whether"), self.crossover), crossed, first)
        return space.mutate(named_key(key, "mutation"), child, self.mutation)

    def _parents(self, key: Key, ranked: jax.Array) -> jax.Array:
        u = jax.random.uniform(key, (2,))
        rank = jnp.floor(len(ranked) * (1.0 - u ** (1.0 / self.tournament))).astype(jnp.int32)
        return ranked[jnp.clip(rank, 0, len(ranked) - 1)]


def _foremost(state: State, space: Space) -> jax.Array:
    """Indices ``[P]`` of the members: the best of each structure, then the second best of each, and so on."""
    by_fitness = jnp.argsort(-state.fitness, stable=True)
    return by_fitness[firsts_of_structures(state.genomes[by_fitness], space)]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("genetic", Genetic)
