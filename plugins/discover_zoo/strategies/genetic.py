"""A genetic algorithm on typed genes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Proposal, Registry, Scalar, Space, Strategy, component, hookimpl, named_key, named_keys, real


class State(NamedTuple):
    """The generation told last; before the first, the one to ask first.

    Attributes:
        genomes: ``[P, D]``.
        fitness: ``[P]``.
        generation: how many have been told.
    """

    genomes: jax.Array
    fitness: jax.Array
    generation: jax.Array


@component
class Genetic(Strategy):
    """A genetic algorithm whose mutation and crossover befit each domain, so that choices between components evolve too.

    Members are ranked by how many better ones share their structure, then by fitness: the best of every structure come
    first, so that a new structure has time to find its numbers (crowding by niches; where there is one structure, or as
    many as members, the rank is that of the fitness alone). A child has one parent, or two with probability ``crossover``.
    A parent is the foremost of ``tournament`` members drawn with replacement: its rank is ``floor(P * (1 - u^(1 /
    tournament)))`` for a uniform u. Every child is then mutated by `Space.mutate`: one value that has effect changes for
    sure, each other with probability ``mutation``. The foremost ``elite`` of a generation, one at least and not all, stay in
    the population as they are and are evaluated again with everyone, so that luck does not last. The first generation is the
    start genome and draws from the prior.

    Attributes:
        tournament: how many members compete to be a parent; 1 selects nobody.
        crossover: probability that a child has two parents.
        mutation: probability that a value mutates, beside the one that always does.
        elite: share of the population that stays.
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

    def init(self, key: jax.Array, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        genomes = jax.vmap(space.sample)(jax.random.split(key_prior, population))
        return State(genomes.at[0].set(space.start(key_start)), jnp.zeros(population), jnp.zeros((), jnp.int32))

    def ask(self, key: jax.Array, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        ranked = state.genomes[_foremost(state, space)]
        children = jax.vmap(lambda k: self._child(k, ranked, space))(jax.random.split(key, population))
        elite = jnp.clip(jnp.round(self.elite * population), 1, population - 1)
        bred = jnp.where((jnp.arange(population) < elite)[:, None], ranked, children)
        return Proposal(jnp.where(state.generation == 0, state.genomes, bred)), state

    def tell(self, key: jax.Array, state: State, space: Space, genomes: jax.Array, fitness: jax.Array) -> State:
        return State(genomes, jnp.asarray(fitness, jnp.float32), state.generation + 1)

    def _child(self, key: jax.Array, ranked: jax.Array, space: Space) -> jax.Array:
        first, second = self._parents(named_key(key, "parents"), ranked)
        crossed = space.crossover(named_key(key, "crossover"), first, second)
        child = jnp.where(jax.random.bernoulli(named_key(key, "whether"), self.crossover), crossed, first)
        return space.mutate(named_key(key, "mutation"), child, self.mutation)

    def _parents(self, key: jax.Array, ranked: jax.Array) -> jax.Array:
        u = jax.random.uniform(key, (2,))
        rank = jnp.floor(len(ranked) * (1.0 - u ** (1.0 / self.tournament))).astype(jnp.int32)
        return ranked[jnp.clip(rank, 0, len(ranked) - 1)]


def _foremost(state: State, space: Space) -> jax.Array:
    """Indices ``[P]`` of the members: the best of each structure, then the second best of each, and so on."""
    by_fitness = jnp.argsort(-state.fitness, stable=True)
    structures = jax.vmap(space.active_options)(state.genomes[by_fitness])
    alike = jnp.all(structures[:, None] == structures[None], axis=-1)
    better_alike = jnp.sum(jnp.tril(alike, -1), axis=1)
    return by_fitness[jnp.argsort(better_alike, stable=True)]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("genetic", Genetic)
