"""Linear equations, solved in programs that run under ``vmap`` on a CPU."""

import jax
import jax.numpy as jnp


def solve(matrix: jax.Array, b: jax.Array) -> jax.Array:
    """``x[F]`` with ``matrix @ x = b`` for a positive definite ``[F, F]``, by Gauss-Jordan elimination.

    No pivots are needed, and XLA's batched factorizations should be kept out of programs that run under ``vmap`` on a CPU.

    >>> print(solve(jnp.array([[2.0, 0.0], [0.0, 4.0]]), jnp.array([2.0, 2.0])))
    [1.  0.5]
    """

    def eliminate(j: jax.Array, rows: jax.Array) -> jax.Array:
        pivot = rows[j] / rows[j, j]
        return (rows - rows[:, j, None] * pivot).at[j].set(pivot)

    return jax.lax.fori_loop(0, len(b), eliminate, jnp.concatenate([matrix, b[:, None]], axis=1))[:, -1]
