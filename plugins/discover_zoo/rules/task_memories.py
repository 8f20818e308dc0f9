"""The memory of each of many tasks: a replay buffer, and all transitions of its latest collection."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from discover import Key, ReplayBuffer, Trajectory, empty_replay_buffer

T = TypeVar("T")

_REPLAYED = ("observation", "action", "reward", "terminated", "next_observation", "shaped")
_RECENT = ("observation", "action", "reward", "is_first")


class TaskMemories(NamedTuple):
    """The memories of M tasks, or of some of them.

    Attributes:
        replay: the replay buffer of each, all leaves with a leading axis M.
        recent: ``[M, N, ...]`` observations, actions and rewards of the latest collection, in the order of time.
    """

    replay: ReplayBuffer
    recent: Trajectory

    def add(self, rounds: Trajectory) -> TaskMemories:
        """The memory of a single task, without an axis M, after a collection ``[P, T, B]`` of P rounds."""
        replay, _ = jax.lax.scan(lambda replay, batch: (replay.add(batch), None), self.replay, rounds)
        recent = jax.tree.map(lambda x: x.reshape(-1, *x.shape[3:]), transitions(rounds))
        return TaskMemories(replay, recent)

    def of(self, chosen: jax.Array) -> TaskMemories:
        """The memories of these tasks, ``[K]``."""
        return jax.tree.map(lambda x: x[chosen], self)

    def put(self, chosen: jax.Array, new: TaskMemories) -> TaskMemories:
        """All memories, with new ones for the tasks ``[K]``, which are different from each other."""
        return jax.tree.map(lambda x, y: x.at[chosen].set(y), self, new)

    def draw_tasks(self, key: Key, count: int) -> jax.Array:
        """Tasks ``[count]`` with experience, drawn with replacement."""
        begun = (self.replay.added > 0).astype(jnp.float32)
        return jax.random.categorical(key, jnp.log(begun), shape=(count,))

    def sample(self, key: Key, chosen: jax.Array, count: int) -> Trajectory:
        """Draw ``count`` transitions of each of G tasks, evenly and with replacement, as a trajectory ``[1, G * count]``."""
        rows = self.replay.rows
        filled = jnp.minimum(self.replay.added, rows.reward.shape[1])[chosen]
        index = jax.random.randint(key, (len(chosen), count), 0, filled[:, None])
        drawn = jax.tree.map(lambda ring: ring[chosen[:, None], index], rows)
        return row_of(drawn._replace(is_first=jnp.zeros(index.shape, bool)))


def empty_task_memories(template: Trajectory, tasks: int, capacity: int, recent: int) -> TaskMemories:
    """Memories without experience.

    Args:
        template: shapes of the trajectory ``[T, B, ...]`` that is added to a replay buffer at a time.
        tasks: M.
        capacity: transitions in the replay buffer of a task: a multiple of ``T * B``.
        recent: transitions of a collection.
    """
    replay = empty_replay_buffer(template, capacity, keep=_REPLAYED)
    latest = jax.tree.map(lambda x: jnp.zeros((tasks, recent, *x.shape[2:]), x.dtype), transitions(template))
    return TaskMemories(jax.tree.map(lambda x: jnp.broadcast_to(x, (tasks, *x.shape)), replay), latest)


def transitions(trajectory: Trajectory) -> Trajectory:
    """The parts of a trajectory that an encoder reads; its other fields are empty."""
    others = {name: () for name in Trajectory._fields if name not in _RECENT} | {"context": {}}
    return trajectory._replace(**others)


def row_of(batches: T) -> T:
    """Batches ``[G, n, ...]``, one after the other in one row ``[1, G * n, ...]``."""
    return jax.tree.map(lambda x: x.reshape(1, -1, *x.shape[2:]), batches)
