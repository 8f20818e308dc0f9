"""How a bonus comes into a batch."""

import jax
import jax.numpy as jnp

from discover import Trajectory

_LEAST_SLOPE = 1e-6
"""The least slope of a normalizer that counts: one that makes rewards vanish has none."""


def with_bonus(trajectory: Trajectory, paid: jax.Array) -> Trajectory:
    """The batch with ``paid[T, B]`` added to its rewards, in units of the reward that a rule learns from.

    A rule with a replay buffer keeps the rewards before the normalizer, and rescales them as it draws them. So the bonus is
    added there too, divided by how much the normalizer stretches a reward at the end of this batch: later it is rescaled with
    the rewards beside it.

    Where nothing is paid, rewards keep their bits. What learns from the batch is compiled apart from what paid, so that it
    keeps its bits as well.
    """
    apart = jax.lax.optimization_barrier  # compiled apart from what comes before and after
    reward, before = apart(trajectory.reward + paid), trajectory.unscaled
    if before and before.normalizer:
        normalizer, statistics, ones = before.normalizer, before.statistics, jnp.ones(before.reward.size)
        _, slope = jax.jvp(lambda x: normalizer.normalize_reward(statistics, x), (0.0 * ones,), (ones,))
        stretched = jnp.maximum(jnp.abs(slope), _LEAST_SLOPE).reshape(paid.shape)
        before = before._replace(reward=apart(before.reward + paid / stretched))
    return trajectory._replace(reward=reward, unscaled=before)
