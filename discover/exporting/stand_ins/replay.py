"""The replay buffer of an exported file."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover.contract.types import Key
from discover.exporting.stand_ins.world import Trajectory, UserError


class ReplayBuffer(NamedTuple):
    """A ring of the latest transitions.

    Attributes:
        rows: a trajectory whose fields are ``[capacity, ...]``.
        added: how many transitions have ever been added.
    """

    rows: Trajectory
    added: jax.Array

    @property
    def capacity(self) -> int:
        """The number of transitions for which there is room."""
        return self.rows.reward.shape[0]

    def add(self, trajectory: Trajectory) -> ReplayBuffer:
        """The buffer with the transitions of a trajectory ``[T, B]`` in place of the oldest ones."""
        new = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), trajectory._replace(outputs=()))
        start, count = self.added % self.capacity, new.reward.shape[0]
        rows = jax.tree.map(lambda ring, x: jax.lax.dynamic_update_slice_in_dim(ring, x, start, 0), self.rows, new)
        return ReplayBuffer(rows, self.added + count)

    def sample(self, key: Key, count: int) -> Trajectory:
        """Draw ``count`` transitions uniformly, with replacement, as a trajectory ``[1, count]``."""
        index = jax.random.randint(key, (1, count), 0, jnp.minimum(self.added, self.capacity))
        return jax.tree.map(lambda ring: ring[index], self.rows)


def empty_replay_buffer(template: Trajectory, capacity: int) -> ReplayBuffer:
    """A replay buffer without transitions; an update adds as many as the template ``[T, B]`` has, a divisor of the capacity."""
    steps, num_envs = template.reward.shape
    if capacity % (steps * num_envs):
        raise UserError(f"a replay buffer of capacity {capacity} is no multiple of {steps * num_envs} transitions.")
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape[2:]), x.dtype), template)
    return ReplayBuffer(rows, jnp.zeros((), jnp.int32))
