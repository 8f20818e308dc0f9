"""The base class of curricula over levels: fresh levels, and a small store of levels that were played."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from discover import NOWHERE, Count, Curriculum, Environment, Key, Levels, Played, Task, TaskOrder, component, named_key

T = TypeVar("T")


@component
class LevelOrder(Curriculum, TaskOrder):
    """A curriculum that chooses the level of an episode, or leaves it to the family.

    Attributes:
        fresh: M, the levels that the family draws for each update. They are handed out in turn; where more episodes begin in
            one update, they come round again.
    """

    fresh: Count = 64

    def task_order(self) -> TaskOrder:
        return self

    def drawn(self, key: Key, family: Environment) -> Task:
        """Fresh levels ``[M, ...]``."""
        return jax.vmap(family.sample_task)(jax.random.split(named_key(key, "fresh"), self.fresh))

    def table(self, kept: Task, chances: jax.Array, fresh: Task) -> Levels:
        """The table of a rollout.

        Args:
            kept: ``[N, ...]``.
            chances: ``[N]`` of those.
            fresh: ``[M, ...]``, which are not chosen.
        """
        tasks = jax.tree.map(lambda rows, more: jnp.concatenate([rows, more]), kept, fresh)
        return Levels(tasks, jnp.pad(chances, (0, self.fresh)), chances.shape[0])


def no_levels(family: Environment, size: int) -> Task:
    """A store ``[size, ...]`` of levels without any: zeros in their place."""
    shapes = jax.eval_shape(family.sample_task, jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype), shapes)


def first_rows(values: jax.Array, rows: int, otherwise: Any) -> jax.Array:
    """``[rows]``: the values of the kept levels ``[N]``, and another value for all rows behind them.

    >>> print(first_rows(jnp.array([2.0, 3.0]), 4, 0.0))
    [2. 3. 0. 0.]
    """
    return jnp.full(rows, otherwise, values.dtype).at[: values.shape[0]].set(values)


def keep(worth: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """The rows of greatest worth, and where each row goes.

    Args:
        worth: ``[R]`` of each row; -inf where it is not to be kept. Of equals, the first is kept.
        size: N.

    Returns:
        ``[N]`` the rows, and ``[R]`` the new place of each, or `NOWHERE`.

    >>> rows, moved = keep(jnp.array([0.5, -jnp.inf, 2.0, 1.0]), 2)
    >>> rows.tolist(), moved.tolist()
    ([2, 3], [-1, -1, 0, 1])
    """
    best, rows = jax.lax.top_k(worth, size)
    places = jnp.where(best > -jnp.inf, jnp.arange(size, dtype=jnp.int32), NOWHERE)
    return rows, jnp.full(worth.shape, NOWHERE, jnp.int32).at[rows].set(places)


def sums_by_level(played: Played, *values: jax.Array) -> list[jax.Array]:
    """Sums ``[R]`` over all steps on each level, for values ``[T, B]``."""
    rows = played.level.reshape(-1)
    return [jnp.zeros(played.rows).at[rows].add(each.reshape(-1).astype(jnp.float32)) for each in values]


def taken(tree: T, rows: jax.Array) -> T:
    """The rows of all leaves of a tree."""
    return jax.tree.map(lambda leaf: leaf[rows], tree)
