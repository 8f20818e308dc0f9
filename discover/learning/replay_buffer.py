"""A replay buffer: a ring of single transitions, from which rules that learn off-policy draw their batches.

    memory = empty_replay_buffer(world.template(params, steps, environments), capacity)      # in the rule's init
    memory = memory.add(experience)                                                   # in its update
    batch = memory.sample(key, 128)                                                   # an Trajectory [1, 128]

Written for one lifetime; it lives in the rule's state and is overwritten in place. Where there is a normalizer, transitions are
kept as they were before it, and rescaled when they are drawn: by the statistics of the experience that was added last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.contract.trajectory import Info, Trajectory, Unscaled

L = TypeVar("L")

TRANSITION = ("observation", "action", "reward", "terminated", "next_observation", "context")
"""What one-step targets need of experience."""


class ReplayBuffer(NamedTuple):
    """The latest transitions of a lifetime.

    Attributes:
        rows: experience whose leaves are ``[capacity, ...]``; fields that are not kept are empty.
        added: how many transitions were ever added.
        scale: the normalizer and its statistics of now; empty without a normalizer.
    """

    rows: Trajectory
    added: jax.Array
    scale: tuple[Any, ...] = ()

    @property
    def capacity(self) -> int:
        """How many transitions fit."""
        return jax.tree.leaves(self.rows)[0].shape[0]

    def add(self, trajectory: Trajectory) -> ReplayBuffer:
        """The memory with the transitions of ``trajectory[T, B]`` in place of as many of the oldest."""
        unscaled, scale = _before_scaling(trajectory)
        if len(scale) != len(self.scale):
            raise UserError(
                "this replay buffer keeps what was there before the normalizer, which the experience added has lost "
                "(minibatches and groups of columns do not carry it): add experience as it was collected."
            )
        given = _only(unscaled, tuple(name for name, rows in self.rows._asdict().items() if jax.tree.leaves(rows)))
        steps, columns = trajectory.reward.shape
        flat = jax.tree.map(lambda ring, new: new.reshape(1, -1, *ring.shape[1:]), self.rows, given)
        rings = jax.tree.map(lambda ring: ring[None], self.rows)
        start = (self.added % self.capacity)[None]
        rows = jax.tree.map(lambda ring: ring[0], _written(*jax.lax.stop_gradient((rings, flat)), start))
        return ReplayBuffer(rows, self.added + steps * columns, jax.lax.stop_gradient(scale))

    def sample(self, key: jax.Array, count: int) -> Trajectory:
        """``count`` transitions, each drawn evenly from all that are kept, as trajectory ``[1, count]``."""
        index = jax.random.randint(key, (1, count), 0, jnp.minimum(self.added, self.capacity))
        batch = jax.tree.map(lambda ring: ring[index], self.rows)
        return self._rescaled(batch)._replace(is_first=jnp.zeros((1, count), bool))

    def _rescaled(self, batch: Trajectory) -> Trajectory:
        """The batch ``[1, N]`` by the statistics of now."""
        if not self.scale:
            return batch
        normalizer, statistics = self.scale
        ways = {
            "observation": normalizer.normalize,
            "next_observation": normalizer.normalize,
            "reward": normalizer.normalize_reward,
        }
        kept = {name: way for name, way in ways.items() if jax.tree.leaves(getattr(batch, name))}
        return batch._replace(**{name: way(statistics, getattr(batch, name)[0])[None] for name, way in kept.items()})


def learn_if(ready: jax.Array, step: Callable[[L, jax.Array], tuple[L, Info]], learner: L, keys: jax.Array) -> tuple[L, Info]:
    """The learner after ``step(learner, key) -> (learner, info)`` with each key, and the mean info.

    If not ``ready``, nothing is learned and the info is zero. Where that hangs on `World.env_steps` alone, lifetimes side by
    side share the answer, and no step is computed in vain.
    """

    def steps(learner: L) -> tuple[L, Info]:
        learner, info = jax.lax.scan(step, learner, keys)
        return learner, jax.tree.map(lambda x: jnp.mean(x, axis=0), info)

    _, info = jax.eval_shape(steps, learner)
    idle = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), info)
    return jax.lax.cond(ready, steps, lambda learner: (learner, idle), learner)


_EMPTY = dict.fromkeys(Trajectory._fields, ()) | {"context": {}}


def empty_replay_buffer(template: Trajectory, capacity: int, keep: tuple[str, ...] = TRANSITION) -> ReplayBuffer:
    """A memory without transitions.

    Args:
        template: shapes of the experience that an update brings, as `World.template` gives them.
        capacity: how many transitions fit: a multiple of what an update brings, so that none is split at the ring's end.
        keep: the fields of experience that are kept.

    Raises:
        UserError: the capacity is no such multiple, or the network is recurrent, which single transitions cannot train.
    """
    if jax.tree.leaves(template.carry):
        raise UserError(
            "a replay buffer keeps single transitions, from which a recurrent network cannot learn: choose a feed-forward "
            "network (mlp, say), or a rule that learns from whole segments (ppo, say)."
        )
    steps, columns = template.reward.shape
    if capacity < 1 or capacity % (steps * columns):
        raise UserError(
            f"a replay buffer of capacity {capacity} is no multiple of the {steps * columns} transitions that an update brings "
            f"({steps} steps x {columns} environments): change one of them."
        )
    unscaled, scale = _before_scaling(template)
    rows = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape[2:]), leaf.dtype), _only(unscaled, keep))
    scale = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), scale)
    return ReplayBuffer(rows, jnp.zeros((), jnp.int32), scale)


def _before_scaling(trajectory: Trajectory) -> tuple[Trajectory, tuple[Any, ...]]:
    """Trajectory as it was before the normalizer, and the normalizer with its statistics; nothing where there is none."""
    before = trajectory.unscaled
    if not isinstance(before, Unscaled):
        return trajectory, ()
    scaled = ("observation", "reward", "next_observation")
    return trajectory._replace(**{name: getattr(before, name) for name in scaled}), (before.normalizer, before.statistics)


def _only(trajectory: Trajectory, keep: tuple[str, ...]) -> Trajectory:
    """Trajectory without the fields that are not kept."""
    return trajectory._replace(**{name: value for name, value in _EMPTY.items() if name not in keep})


@jax.custom_batching.custom_vmap
def _written(rings: Any, new: Any, start: jax.Array) -> Any:
    """Rings ``[P, capacity, ...]`` with ``new[P, n, ...]`` at ``start[P]``, member after member and in place.

    Left to itself, ``vmap`` makes one scatter of it, for which XLA copies all rings on a CPU at each update.
    """

    def write(member: jax.Array, rings: Any) -> Any:
        def one(ring: jax.Array, rows: jax.Array) -> jax.Array:
            begin = (member, start[member], *(0 for _ in ring.shape[2:]))
            return jax.lax.dynamic_update_slice(ring, jax.lax.dynamic_slice_in_dim(rows, member, 1), begin)

        return jax.tree.map(one, rings, new)

    return jax.lax.fori_loop(0, start.shape[0], write, rings)


@_written.def_vmap
def _written_side_by_side(size: int, batched: Any, rings: Any, new: Any, start: jax.Array) -> tuple[Any, Any]:
    """More members are one longer list of members."""

    def merged(x: jax.Array, mapped: bool) -> jax.Array:
        whole = x if mapped else jnp.broadcast_to(x, (size, *x.shape))
        return whole.reshape(-1, *x.shape[2 if mapped else 1 :])

    written = _written(*jax.tree.map(merged, (rings, new, start), tuple(batched)))
    return jax.tree.map(lambda x: x.reshape(size, -1, *x.shape[1:]), written), jax.tree.map(lambda _: True, written)
