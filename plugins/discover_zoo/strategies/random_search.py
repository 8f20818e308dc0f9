"""Random search: the baseline of every search."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Key, Proposal, Registry, Space, Strategy, Told, component, hookimpl, named_key


class State(NamedTuple):
    """The state of random search, which fitness does not change.

    Attributes:
        start: ``[D]``, the start genome.
        generation: number of evaluated generations.
    """

    start: jax.Array
    generation: jax.Array


@component
class RandomSearch(Strategy):
    """Draws each generation from the prior of the space, whatever the fitness of earlier ones (Bergstra & Bengio 2012).

    The very first member is the start genome, so that a search never does worse than its defaults.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = RandomSearch(), Space(SGD(learning_rate=free()))
    >>> state = strategy.init(jax.random.key(0), space, 4)
    >>> proposal, state = strategy.ask(jax.random.key(1), state, space, 4)
    >>> proposal.genomes.shape
    (4, 1)
    """

    paper = "Bergstra & Bengio 2012, JMLR 13"

    def init(self, key: Key, space: Space, population: int) -> State:
        return State(space.start(named_key(key, "start")), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        genomes = jax.vmap(space.sample)(jax.random.split(key, population))
        first = jnp.where(state.generation == 0, state.start, genomes[0])
        return Proposal(genomes.at[0].set(first)), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        return state._replace(generation=state.generation + 1)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("random_search", RandomSearch)
