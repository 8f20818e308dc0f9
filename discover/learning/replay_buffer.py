"""A replay buffer: a ring of single transitions, from which rules that learn off-policy draw their batches.

    replay = empty_replay_buffer(world.template(params, steps, num_envs), capacity)  # in the rule's init
    replay = replay.add(trajectory)                                                  # in its update
    batch = replay.sample(key, 128)                                                  # a Trajectory [1, 128]

The buffer belongs to the rule's state, and is overwritten in place. With a normalizer, it keeps the numbers before the
normalizer, and rescales what it draws by the statistics of the trajectory that was added last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.contract.trajectory import Info, Trajectory
from discover.contract.types import Key
from discover.learning.rings import before_scaling, before_scaling_as, capacity_of, only, rescaled, written

L = TypeVar("L")

TRANSITION = ("observation", "action", "reward", "terminated", "next_observation", "context")
"""The fields of a trajectory that one-step targets need."""


class ReplayBuffer(NamedTuple):
    """The latest transitions of a lifetime.

    Attributes:
        rows: a trajectory whose leaves are ``[capacity, ...]``; fields that the buffer does not keep are empty.
        added: how many transitions have ever been added.
        scale: the normalizer and its newest statistics; ``()`` without a normalizer.
    """

    rows: Trajectory
    added: jax.Array
    scale: tuple[Any, ...] = ()

    @property
    def capacity(self) -> int:
        """The number of transitions for which there is room."""
        return capacity_of(self.rows)

    def add(self, trajectory: Trajectory) -> ReplayBuffer:
        """The buffer with the transitions of a trajectory ``[T, B]`` in place of the T * B oldest ones.

        Raises:
            UserError: there is a normalizer, and the trajectory lacks the numbers before it.
        """
        unscaled, scale = before_scaling_as(self.scale, trajectory)
        transitions = only(unscaled, tuple(name for name, rows in self.rows._asdict().items() if jax.tree.leaves(rows)))
        steps, columns = trajectory.reward.shape
        flat = jax.tree.map(lambda ring, new: new.reshape(-1, *ring.shape[1:]), self.rows, transitions)
        return ReplayBuffer(written(self.rows, flat, self.added), self.added + steps * columns, scale)

    def sample(self, key: Key, count: int) -> Trajectory:
        """Draw ``count`` transitions uniformly, with replacement, as a trajectory ``[1, count]``."""
        index = jax.random.randint(key, (1, count), 0, jnp.minimum(self.added, self.capacity))
        batch = jax.tree.map(lambda ring: ring[index], self.rows)
        return rescaled(batch, self.scale)._replace(is_first=jnp.zeros((1, count), bool))


def learn_if(ready: jax.Array, step: Callable[[L, jax.Array], tuple[L, Info]], learner: L, keys: jax.Array) -> tuple[L, Info]:
    """Take a step of learning with each key, if it is time to learn.

    Args:
        ready: whether to learn. Where it depends on `World.env_steps` alone, it is the same for all lifetimes that run side by
            side, and steps that are not taken cost nothing.
        step: ``(learner, key) -> (learner, info)``.
        learner: any tree of arrays (parameters and state, say).
        keys: ``[N]``.

    Returns:
        The learner after N steps, and the mean info; if not ready, the same learner and an info of zeros.

    >>> import jax.numpy as jnp
    >>> step = lambda x, key: (x + 1.0, {"loss": x})
    >>> learner, info = learn_if(jnp.array(True), step, jnp.array(0.0), jax.random.split(jax.random.key(0), 3))
    >>> print(learner, info["loss"])
    3.0 1.0
    """

    def steps(learner: L) -> tuple[L, Info]:
        learner, info = jax.lax.scan(step, learner, keys)
        return learner, jax.tree.map(lambda x: jnp.mean(x, axis=0), info)

    _, info = jax.eval_shape(steps, learner)
    idle = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), info)
    return jax.lax.cond(ready, steps, lambda learner: (learner, idle), learner)


def empty_replay_buffer(template: Trajectory, capacity: int, keep: tuple[str, ...] = TRANSITION) -> ReplayBuffer:
    """A replay buffer without transitions.

    Args:
        template: shapes of the trajectory that an update adds, as `World.template` returns them.
        capacity: room for transitions: a multiple of the number that an update adds, so that no trajectory is split at the
            end of the ring.
        keep: the fields of a trajectory that the buffer keeps.

    Raises:
        UserError: the capacity is no such multiple, or the network is recurrent, so that single transitions cannot train it.

    >>> fields = dict.fromkeys(Trajectory._fields[:9], jnp.ones((5, 4)))  # an update adds 5 steps of 4 environments
    >>> batch = Trajectory(**fields, context={}, carry=(), task=())
    >>> buffer = empty_replay_buffer(batch, capacity=100)
    >>> buffer.capacity, int(buffer.added), int(buffer.add(batch).added)
    (100, 0, 20)
    """
    if jax.tree.leaves(template.carry):
        raise UserError(
            "a replay buffer keeps single transitions, from which a recurrent network cannot learn: choose a feed-forward "
            "network (mlp, say), or a rule that learns from whole segments (ppo, mql)."
        )
    steps, columns = template.reward.shape
    if capacity < 1 or capacity % (steps * columns):
        raise UserError(
            f"a replay buffer of capacity {capacity} is no multiple of the {steps * columns} transitions that an update brings "
            f"({steps} steps x {columns} environments): change one of them."
        )
    unscaled, scale = before_scaling(template)
    rows = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape[2:]), leaf.dtype), only(unscaled, keep))
    scale = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), scale)
    return ReplayBuffer(rows, jnp.zeros((), jnp.int32), scale)
