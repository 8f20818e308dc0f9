"""MAP-Elites: the best candidate of every kind."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Key,
    Proposal,
    Registry,
    Scalar,
    Space,
    Strategy,
    Told,
    component,
    hookimpl,
    named_key,
    named_keys,
    real,
)
from discover_zoo.strategies.structures import earlier_alike


class State(NamedTuple):
    """The elites, the best first.

    Attributes:
        genomes: ``[cells, D]``.
        fitness: ``[cells]``.
        filled: the number of elites; the places after them are empty.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    fitness: jax.Array
    filled: jax.Array
    generation: jax.Array


@component
class MAPElites(Strategy):
    """MAP-Elites (Mouret & Clune 2015): an archive holds the best member of every cell, and each elite is as likely a parent.

    Members of one cell compete for one place. `cell_of` names a member's cell by whole numbers: its structure. A subclass may
    name it by anything else that genomes show. The archive has room for ``cells`` elites; where there are more, the best stay.

    A child has two parents with probability ``crossover``, and is mutated by `Space.mutate`. The first generation is the start
    genome and draws from the prior. An elite stays until a better member of its cell comes, so that lucky evaluations last.

    Attributes:
        cells: the most elites.
        crossover: probability that a child has two parents.
        mutation: probability that a value mutates, beside the one that always does.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = MAPElites(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).fitness.shape
    (256,)
    """

    paper = "Mouret & Clune 2015, Illuminating search spaces by mapping elites, arXiv 1504.04909"

    cells: Count = 256
    crossover: Scalar = real(0.5, low=0.0, high=1.0)
    mutation: Scalar = real(0.1, low=0.0, high=1.0)

    def cell_of(self, genome: jax.Array, space: Space) -> jax.Array:
        """The cell of a genome ``[D]``, as whole numbers ``[C]``."""
        return space.active_options(genome)

    def init(self, key: Key, space: Space, population: int) -> State:
        genomes = jnp.tile(space.start(named_key(key, "start")), (self.cells, 1))
        return State(genomes, jnp.zeros(self.cells), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        key_prior, key_children = named_keys(key, "prior", "children")
        drawn = jax.vmap(space.sample)(jax.random.split(key_prior, population)).at[0].set(state.genomes[0])
        children = jax.vmap(lambda k: self._child(k, state, space))(jax.random.split(key_children, population))
        return Proposal(jnp.where(state.generation == 0, drawn, children)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        everyone = jnp.concatenate([state.genomes, told.genomes])
        values = jnp.concatenate([state.fitness, jnp.asarray(told.fitness, jnp.float32)])
        empty = (jnp.arange(len(values)) >= state.filled) & (jnp.arange(len(values)) < self.cells)
        best = jnp.argsort(jnp.where(empty, jnp.inf, -values), stable=True)
        alike = earlier_alike(jax.vmap(lambda genome: self.cell_of(genome, space))(everyone[best]))
        first = (alike == 0) & ~empty[best]
        elites = best[jnp.argsort(~first, stable=True)][: self.cells]
        filled = jnp.minimum(jnp.sum(first), self.cells).astype(jnp.int32)
        return State(everyone[elites], values[elites], filled, state.generation + 1)

    def _child(self, key: Key, state: State, space: Space) -> jax.Array:
        key_parents, key_whether, key_crossover, key_mutation = named_keys(key, "parents", "whether", "crossover", "mutation")
        first, second = state.genomes[jax.random.randint(key_parents, (2,), 0, jnp.maximum(state.filled, 1))]
        crossed = space.crossover(key_crossover, first, second)
        child = jnp.where(jax.random.bernoulli(key_whether, self.crossover), crossed, first)
        return space.mutate(key_mutation, child, self.mutation)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("map_elites", MAPElites)
