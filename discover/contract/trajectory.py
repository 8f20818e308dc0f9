"""Trajectories: the experience that update rules learn from, as `World.collect` returns it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp

from discover.contract.network import Outputs
from discover.contract.normalizer import Normalizer
from discover.contract.types import Carry, Statistics, Task

T = TypeVar("T")

Info: TypeAlias = Mapping[str, jax.Array]
"""Scalars for a human reader, by name. The learning curve shows their mean over the updates of each of its rows."""

Context: TypeAlias = Mapping[str, jax.Array]
"""Inputs that a rule adds to the observation, by name: ``[size]``, or ``[B, size]`` for a value per environment."""


class Unscaled(NamedTuple):
    """The numbers of a trajectory before the normalizer, for rules that learn from them much later.

    Attributes:
        observation, reward, next_observation: ``[T, B, ...]``.
        normalizer, statistics: those that rescale them at the end of the trajectory.
    """

    observation: jax.Array
    reward: jax.Array
    next_observation: jax.Array
    normalizer: Normalizer | tuple[()] = ()
    statistics: Statistics = ()


class Trajectory(NamedTuple):
    """T steps of B environments, each field ``[T, B, ...]`` unless another shape stands there; gradients are stopped.

    One environment is one column of these arrays. A minibatch is a trajectory too.

    Attributes:
        observation: the observation before the step.
        action, log_prob: the action, and its log-probability under the policy that took it.
        outputs: outputs of the network for ``observation``, by head, with the parameters that acted.
        reward, terminated, truncated: as in `Step`; ``truncated`` is false where ``terminated`` is true.
        next_observation: the *true* next observation, before any reset.
        is_first: true at the first step of an episode.
        context: inputs that the rule added to the observation, by name.
        carry: ``[B, ...]`` memory of the network before the first step.
        task: ``[B, ...]`` task of each environment at the first step; ``()`` where single steps were shuffled.
        extra: ``[G, ...]`` data of each group of environments, from a rule that wraps another (see `World.view`).
        unscaled: the same numbers before the normalizer; ``()`` without a normalizer, and where steps or environments were
            rearranged. `ReplayBuffer` handles it: a rule need not.
        shaped: as in `Step`, without any normalizer; ``()`` where the environment has none.
    """

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    outputs: Outputs
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    next_observation: jax.Array
    is_first: jax.Array
    context: Context
    carry: Carry
    task: Task
    extra: Any = ()
    unscaled: Unscaled | tuple[()] = ()
    shaped: jax.Array | tuple[()] = ()

    @property
    def original(self) -> Trajectory:
        """The trajectory with observations and rewards as they were before the normalizer; itself where there is none."""
        if not isinstance(before := self.unscaled, Unscaled):
            return self
        return self._replace(observation=before.observation, reward=before.reward, next_observation=before.next_observation)

    @property
    def dense_reward(self) -> jax.Array:
        """The shaped reward, or the reward where there is none."""
        return self.reward if isinstance(self.shaped, tuple) else self.shaped


def group_environments(batch: Trajectory, size: int) -> Trajectory:
    """Groups of ``size`` neighboring environments along a new leading axis: ``[T, B, ...]`` becomes ``[G, T, size, ...]``.

    The inverse is `join_environments`; ``extra`` is ``[G, ...]`` already and stays as it is.

    >>> fields = dict.fromkeys(Trajectory._fields[:9], jnp.zeros((5, 6)))  # T = 5, B = 6
    >>> batch = Trajectory(**fields, context={}, carry=(), task=jnp.zeros(6))
    >>> group_environments(batch, 2).reward.shape, group_environments(batch, 2).task.shape
    ((3, 5, 2), (3, 2))
    """

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, size, *x.shape[1:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x.reshape(x.shape[0], -1, size, *x.shape[2:]), 1, 0)

    whole = jax.tree.map(columns, {"carry": batch.carry, "task": batch.task})
    rest = batch._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=batch.extra)


def join_environments(groups: T) -> T:
    """Undo `group_environments`, for a trajectory or for outputs: ``[G, T, size, ...]`` becomes ``[T, B, ...]``.

    >>> join_environments({"value": jnp.zeros((3, 5, 2))})["value"].shape
    (5, 6)
    """

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, *x.shape[2:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1, *x.shape[3:])

    if not isinstance(groups, Trajectory):
        return jax.tree.map(steps, groups)
    whole = jax.tree.map(columns, {"carry": groups.carry, "task": groups.task})
    rest = groups._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=groups.extra)
