"""How far the returns of an agent have risen above those of its start."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Trajectory
from discover_zoo.moments import LEAST_VARIANCE

_EPISODES = 20.0
"""Episodes of the start, and those that recent returns look back to."""


class Success(NamedTuple):
    """The record of an agent's returns, as the task pays them.

    Attributes:
        current: ``[B]`` returns so far of the episodes that are going on.
        ended: how many episodes ended.
        start: their mean return up to the batch in which the twentieth ended.
        recent: the mean return of the latest ones, each of which counts 1/20 at first and fades as others come.
        mean, variance: of the returns of all.
    """

    current: jax.Array
    ended: jax.Array
    start: jax.Array
    recent: jax.Array
    mean: jax.Array
    variance: jax.Array

    @property
    def risen(self) -> jax.Array:
        """How far recent returns lie above those of the start, in standard deviations of all; 0 below."""
        return jnp.maximum(self.recent - self.start, 0.0) * jax.lax.rsqrt(self.variance + LEAST_VARIANCE)


def no_success(num_envs: int) -> Success:
    """The record before the first batch."""
    zero = jnp.zeros(())
    return Success(jnp.zeros(num_envs), zero, zero, recent=zero, mean=zero, variance=zero)


def counted(success: Success, trajectory: Trajectory) -> Success:
    """The record with a batch, whose rewards are read as they were before the normalizer.

    >>> fields = dict.fromkeys(Trajectory._fields[:9], jnp.ones((3, 1), bool))
    >>> batch = Trajectory(**fields | {"reward": jnp.array([[1.0], [2.0], [4.0]])}, context={}, carry=(), task=())
    >>> round(float(counted(no_success(1), batch).start), 3)  # each step ends an episode
    2.333
    """

    def step(current: jax.Array, row: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        reward, end = row
        current = current + reward
        return jnp.where(end, 0.0, current), current

    ends = trajectory.terminated | trajectory.truncated
    current, returns = jax.lax.scan(step, success.current, (trajectory.original.reward, ends))
    new = jnp.sum(ends.astype(jnp.float32))
    mean = jnp.sum(jnp.where(ends, returns, 0.0)) / jnp.maximum(new, 1.0)
    variance = jnp.sum(jnp.where(ends, (returns - mean) ** 2, 0.0)) / jnp.maximum(new, 1.0)
    ended = success.ended + new
    share, apart = new / jnp.maximum(ended, 1.0), mean - success.mean
    overall = success.mean + share * apart
    starting = success.ended < _EPISODES
    kept = (1.0 - 1.0 / _EPISODES) ** new
    return Success(
        current,
        ended,
        jnp.where(starting, overall, success.start),
        recent=jnp.where(starting, overall, kept * success.recent + (1.0 - kept) * mean),
        mean=overall,
        variance=(1.0 - share) * success.variance + share * variance + share * (1.0 - share) * apart**2,
    )
