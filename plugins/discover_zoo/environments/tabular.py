"""Tasks as tables of transitions and rewards, and their exact returns by dynamic programming."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Exact(NamedTuple):
    """Mean episode returns of a task, undiscounted: of the uniform random policy, and of the best one."""

    random: jax.Array
    optimal: jax.Array


class Table(NamedTuple):
    """A task with S states and A actions, each of which leads to one of K states.

    Attributes:
        successors: ``[S, A, K]`` states.
        chances: ``[S, A, K]`` their probabilities; what is missing to 1 is that of an end.
        rewards: ``[S, A]`` in the mean.
        start: the first state.
        horizon: the steps of an episode at most.
    """

    successors: jax.Array
    chances: jax.Array
    rewards: jax.Array
    start: jax.Array
    horizon: jax.Array


def returns_of(table: Table) -> Exact:
    """The returns of a random policy, and of the best one, which knows the time that is left. Backwards from the horizon.

    >>> nowhere, pays = jnp.zeros((1, 2, 1)), jnp.array([[0.0, 1.0]])
    >>> coin = Table(nowhere.astype(int), nowhere, rewards=pays, start=jnp.int32(0), horizon=jnp.int32(5))
    >>> [round(float(value), 2) for value in returns_of(coin)]  # a step ends it
    [0.5, 1.0]
    """

    def before(_: jax.Array, values: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        random, best = (table.rewards + jnp.sum(table.chances * value[table.successors], axis=-1) for value in values)
        return jnp.mean(random, axis=1), jnp.max(best, axis=1)

    zero = jnp.zeros(len(table.rewards))
    random, best = jax.lax.fori_loop(0, table.horizon, before, (zero, zero))
    return Exact(random[table.start], best[table.start])
