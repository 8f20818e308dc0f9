"""Values of the states that steps lead to, with as few evaluations as can be."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from discover.contract.trajectory import Trajectory


def next_values(evaluate: Callable[[Trajectory], jax.Array], trajectory: Trajectory) -> jax.Array:
    """Values ``[T, B]`` of the true next states; where the episode terminated, they mean nothing.

    The next state of most transitions is the state of the row below, whose value is known. Only the last row's, and those
    where an episode was truncated, are evaluated: row after row, as many as there are.

    Args:
        evaluate: gives values ``[1, B]`` of the next states of one row of experience, gradients stopped.
        trajectory: ``[T, B, ...]``, with the output ``value`` of the states left.
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
