"""Values of the next states of a trajectory, with as few evaluations of the network as possible."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from discover.contract.trajectory import Trajectory


def next_values(evaluate: Callable[[Trajectory], jax.Array], trajectory: Trajectory) -> jax.Array:
    """Values ``[T, B]`` of the true next states.

    The next state of most steps is the state of the step after it, whose value is an output of the trajectory already. Two
    kinds of next states have to be evaluated: those of the last step, and those where an episode was truncated. A loop
    evaluates them step by step; it takes as many rounds as there are steps at which any environment was truncated.

    Args:
        evaluate: computes the values ``[1, B]`` of the next states of one step (``[1, B, ...]``), gradients stopped.
        trajectory: ``[T, B, ...]``, with the values of the states before each step as the output ``value``.

    Returns:
        The values; where an episode terminated, they have no meaning.
    """

    def row(index: jax.Array | int) -> Trajectory:
        steps = trajectory._replace(carry=(), task=(), extra=(), unscaled=())
        return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, index, 1), steps)

    def fill(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        value, missing = state
        index = jnp.argmax(missing)
        chosen = jnp.where(trajectory.truncated[index], evaluate(row(index))[0], value[index])
        return value.at[index].set(chosen), missing.at[index].set(False)

    last = len(trajectory.reward) - 1
    value = jnp.concatenate([jax.lax.stop_gradient(trajectory.outputs["value"][1:]), evaluate(row(last))])
    missing = jnp.any(trajectory.truncated, axis=1).at[last].set(False)
    return jax.lax.while_loop(lambda state: jnp.any(state[1]), fill, (value, missing))[0]
