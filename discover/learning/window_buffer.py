"""A replay buffer of windows, each some steps of one environment, for off-policy rules whose networks have a memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.contract.trajectory import Trajectory
from discover.contract.types import Key
from discover.learning.replay_buffer import TRANSITION
from discover.learning.rings import before_scaling, before_scaling_as, capacity_of, only, rescaled, written

WINDOW = (*TRANSITION, "is_first", "shaped")
"""The fields of a trajectory that are kept beside the memory, unless others are named."""


class WindowBuffer(NamedTuple):
    """The latest windows of a lifetime: the columns of its trajectories ``[T, B]``, each with the memory before its first step.

    The memory is the one that the agent had when it acted. With a normalizer, windows are kept as a `ReplayBuffer` keeps
    transitions.

    Attributes:
        rows: a trajectory whose leaves are ``[capacity, T, ...]``, those of its carry ``[capacity, ...]``.
        added: how many windows have ever been added.
        scale: the normalizer and its newest statistics; ``()`` without a normalizer.
    """

    rows: Trajectory
    added: jax.Array
    scale: tuple[Any, ...] = ()

    @property
    def capacity(self) -> int:
        """The number of windows for which there is room."""
        return capacity_of(self.rows)

    def add(self, trajectory: Trajectory) -> WindowBuffer:
        """The buffer with the columns of a trajectory ``[T, B]`` in place of the B oldest windows.

        Raises:
            UserError: there is a normalizer, and the trajectory lacks the numbers before it.
        """
        unscaled, scale = before_scaling_as(self.scale, trajectory)
        kept = only(unscaled, tuple(name for name, rows in self.rows._asdict().items() if jax.tree.leaves(rows)))
        rows = written(self.rows, _swapped(kept), self.added)
        return WindowBuffer(rows, self.added + trajectory.reward.shape[1], scale)

    def sample(self, key: Key, count: int) -> Trajectory:
        """Draw ``count`` windows uniformly, with replacement, as a trajectory ``[T, count]``."""
        index = jax.random.randint(key, (count,), 0, jnp.minimum(self.added, self.capacity))
        return rescaled(_swapped(jax.tree.map(lambda ring: ring[index], self.rows)), self.scale)


def empty_window_buffer(template: Trajectory, capacity: int, keep: tuple[str, ...] = WINDOW) -> WindowBuffer:
    """A replay buffer without windows.

    Args:
        template: shapes of the trajectory that an update adds, as `World.template` returns them.
        capacity: room for windows: a multiple of the number of environments.
        keep: the fields of a trajectory that are kept beside the memory; returns of several steps need more.

    Raises:
        UserError: the capacity is no such multiple.

    >>> fields = dict.fromkeys(Trajectory._fields[:9], jnp.ones((5, 4)))  # an update adds 5 steps of 4 environments
    >>> batch = Trajectory(**fields, context={}, carry=jnp.zeros((4, 8)), task=())
    >>> buffer = empty_window_buffer(batch, capacity=100).add(batch)
    >>> buffer.capacity, int(buffer.added), buffer.sample(jax.random.key(0), 3).reward.shape
    (100, 4, (5, 3))
    """
    columns = template.reward.shape[1]
    if capacity < 1 or capacity % columns:
        raise UserError(
            f"a replay buffer of {capacity} windows is no multiple of the {columns} that an update brings, one for each "
            "environment: change one of them."
        )
    unscaled, scale = before_scaling(template)
    kept = only(unscaled, (*keep, "carry"))
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, x.shape[0], *x.shape[2:]), x.dtype), kept._replace(carry=()))
    carry = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape[1:]), x.dtype), kept.carry)
    scale = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), scale)
    return WindowBuffer(rows._replace(carry=carry), jnp.zeros((), jnp.int32), scale)


def _swapped(trajectory: Trajectory) -> Trajectory:
    """The trajectory with time and environments exchanged, but for the carry, which has no axis of time."""
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), trajectory._replace(carry=()))._replace(carry=trajectory.carry)
