"""MAP-Elites: the best candidate of every kind, by what it is and by how it learns."""

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
    Status,
    Strategy,
    Told,
    component,
    hookimpl,
    named_key,
    named_keys,
    real,
)
from discover_zoo.strategies.behaviors import Behavior, behavior_bins
from discover_zoo.strategies.structures import earlier_alike


class State(NamedTuple):
    """The elites, the best first.

    Attributes:
        genomes: ``[cells, D]``.
        fitness: ``[cells]``.
        behavior: ``[cells, B]`` the bin of each descriptor.
        filled: the number of elites; the places after them are empty.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    fitness: jax.Array
    behavior: jax.Array
    filled: jax.Array
    generation: jax.Array


@component
class MAPElites(Strategy):
    """MAP-Elites (Mouret & Clune 2015): an archive holds the best member of every cell, and each elite is as likely a parent.

    Members of one cell compete for one place: x replaces the elite of its cell ``b(x)`` if ``f(x)`` is higher. A cell is what a
    member is and what it did: its structure (`cell_of`, which a subclass may name by anything else that genomes show), and how
    it learnt. For the latter each descriptor of ``behavior`` is a number from 0 to 1, cut into ``bins`` equal parts. With the
    mean ``R_1, ..., R_K`` of a member's learning curves over seeds, and ``r_k = (R_k - min R) / (max R - min R)``, they are

    - ``half_time``, how late it has learnt half of all: ``min {k : r_k >= 1/2} / K``;
    - ``area``, under its curve: ``sum_k r_k / K``;
    - ``steadiness``, how straight its way is: ``|r_K - r_1| / sum_k |r_k - r_{k-1}|``;
    - ``decline``, what it has forgotten in the end: ``1 - r_K``;
    - ``seed_spread``, how much seeds differ in the end: ``s / (s + max R - min R)`` with their standard deviation ``s`` there,

    each as a mean over tasks, and 0 for level curves. Without ``behavior`` the cells are the structures alone. Descriptors are
    as noisy as curves are: the fewer seeds, the fewer ``bins``. The archive has room for ``cells`` elites; where there are
    more, the best stay. Broken members are none.

    A child has two parents with probability ``crossover``, and is mutated by `Space.mutate`. The first generation is the start
    genome and draws from the prior. An elite stays until a better member of its cell comes, so that lucky evaluations last.

    Attributes:
        cells: the most elites.
        behavior: the descriptors of how a member learns.
        bins: of each descriptor.
        crossover: probability that a child has two parents.
        mutation: probability that a value mutates, beside the one that always does.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = MAPElites(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).fitness.shape
    (256,)
    >>> MAPElites(behavior=("area",), bins=8).init(jax.random.key(0), space, 4).behavior.shape
    (256, 1)
    """

    paper = "Mouret & Clune 2015, Illuminating search spaces by mapping elites, arXiv 1504.04909"

    cells: Count = 256
    behavior: tuple[Behavior, ...] = ("half_time", "steadiness")
    bins: Count = 4
    crossover: Scalar = real(0.5, low=0.0, high=1.0)
    mutation: Scalar = real(0.1, low=0.0, high=1.0)

    def cell_of(self, genome: jax.Array, space: Space) -> jax.Array:
        """The cell of a genome ``[D]``, as whole numbers ``[C]``."""
        return space.active_options(genome)

    def init(self, key: Key, space: Space, population: int) -> State:
        genomes, none = jnp.tile(space.start(named_key(key, "start")), (self.cells, 1)), jnp.zeros((), jnp.int32)
        behavior = jnp.zeros((self.cells, len(self.behavior)), jnp.int32)
        return State(genomes, jnp.zeros(self.cells), behavior, filled=none, generation=none)

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        key_prior, key_children = named_keys(key, "prior", "children")
        drawn = jax.vmap(space.sample)(jax.random.split(key_prior, population)).at[0].set(state.genomes[0])
        children = jax.vmap(lambda k: self._child(k, state, space))(jax.random.split(key_children, population))
        return Proposal(jnp.where(state.generation == 0, drawn, children)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        everyone = jnp.concatenate([state.genomes, told.genomes])
        values = jnp.concatenate([state.fitness, jnp.asarray(told.fitness, jnp.float32)])
        shown = behavior_bins(self.behavior, told.returns, len(told.genomes), self.bins)
        behavior = jnp.concatenate([state.behavior, shown])
        sound = jnp.concatenate([jnp.arange(self.cells) < state.filled, told.status == Status.OK])
        best = jnp.argsort(jnp.where(sound, -values, jnp.inf), stable=True)
        structures = jax.vmap(lambda genome: self.cell_of(genome, space))(everyone[best])
        alike = earlier_alike(jnp.concatenate([structures, behavior[best]], axis=1))
        first = (alike == 0) & sound[best]
        elites = best[jnp.argsort(~first, stable=True)][: self.cells]
        filled = jnp.minimum(jnp.sum(first), self.cells).astype(jnp.int32)
        return State(
            genomes=everyone[elites],
            fitness=values[elites],
            behavior=behavior[elites],
            filled=filled,
            generation=state.generation + 1,
        )

    def _child(self, key: Key, state: State, space: Space) -> jax.Array:
        key_parents, key_whether, key_crossover, key_mutation = named_keys(key, "parents", "whether", "crossover", "mutation")
        first, second = state.genomes[jax.random.randint(key_parents, (2,), 0, jnp.maximum(state.filled, 1))]
        crossed = space.crossover(key_crossover, first, second)
        child = jnp.where(jax.random.bernoulli(key_whether, self.crossover), crossed, first)
        return space.mutate(key_mutation, child, self.mutation)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("map_elites", MAPElites)
