"""Regularized evolution: members die of age, not of low fitness."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Key, Proposal, Registry, Scalar, Space, Strategy, Told, component, hookimpl, named_keys, real


class State(NamedTuple):
    """Everyone alive, the oldest first.

    Attributes:
        genomes: ``[lifespan * P, D]``.
        fitness: ``[lifespan * P]``; 0 where nobody was born yet.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    fitness: jax.Array
    generation: jax.Array


@component
class RegularizedEvolution(Strategy):
    """Regularized evolution (Real et al. 2019): each child descends from the best of a few drawn members, and the oldest die.

    The paper's queue holds single members; here a whole generation is born at once, and dies after ``lifespan`` of them,
    whatever its fitness: what was lucky once must be good again in its children. A parent is the best of ``tournament`` members
    that are drawn, with replacement, from everyone alive. A child is its parent after `Space.mutate`: one value that has an
    effect changes, and each other with probability ``mutation``. The first generation is the start genome and draws from the
    prior.

    Attributes:
        tournament: number of members that compete to be a parent.
        mutation: probability that a value mutates, beside the one that always does.
        lifespan: number of generations that a member lives.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = RegularizedEvolution(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).genomes.shape
    (8, 1)
    """

    paper = "Real, Aggarwal, Huang & Le 2019, Regularized evolution for image classifier architecture search, arXiv 1802.01548"

    tournament: Count = 10
    mutation: Scalar = real(0.1, low=0.0, high=1.0)
    lifespan: Count = 2

    def init(self, key: Key, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        genomes = jax.vmap(space.sample)(jax.random.split(key_prior, self.lifespan * population))
        genomes = genomes.at[0].set(space.start(key_start))
        return State(genomes, jnp.zeros(len(genomes)), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        children = jax.vmap(lambda k: self._child(k, state, population, space))(jax.random.split(key, population))
        return Proposal(jnp.where(state.generation == 0, state.genomes[:population], children)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        born, stay = jnp.asarray(told.fitness, jnp.float32), len(told.genomes)
        return State(
            jnp.concatenate([state.genomes[stay:], told.genomes]),
            jnp.concatenate([state.fitness[stay:], born]),
            state.generation + 1,
        )

    def _child(self, key: Key, state: State, population: int, space: Space) -> jax.Array:
        key_tournament, key_mutation = named_keys(key, "tournament", "mutation")
        alive = population * jnp.clip(state.generation, 1, self.lifespan)
        drawn = len(state.fitness) - 1 - jax.random.randint(key_tournament, (self.tournament,), 0, alive)
        return space.mutate(key_mutation, state.genomes[drawn[jnp.argmax(state.fitness[drawn])]], self.mutation)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("regularized_evolution", RegularizedEvolution)
