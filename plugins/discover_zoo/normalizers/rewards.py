"""Rewards to unit variance of the return."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Normalizer, Scalar, Spec, component, real
from discover_zoo.moments import LEAST_VARIANCE, Moments, add_batch, no_moments


class Discounted(NamedTuple):
    """Statistics of `Rewards`.

    Attributes:
        returns: ``[B]``, the discounted sum of the rewards of each episode so far.
        moments: mean and variance of all values of ``returns`` so far.
    """

    returns: jax.Array
    moments: Moments


@component
class Rewards(Normalizer):
    """Rewards divided by the standard deviation of the running discounted return, then clipped; signs stay.

    ``R <- gamma * R + r`` in each environment, from 0 at the start of an episode;
    ``clip(r / sqrt(variance of all R + 1e-8), -limit, limit)``.

    >>> from discover import Discrete
    >>> statistics = Rewards().init(Spec((1,), Discrete(2)), num_envs=2)
    >>> Rewards().update_reward(statistics, jnp.array([1.0, 3.0]), done=jnp.array([False, False]))[1]
    Array([1., 3.], dtype=float32)

    Attributes:
        gamma: discount of that return.
        limit: the largest absolute value.
    """

    paper = "Engstrom et al. 2020, arXiv 2005.12729, section 3"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    limit: Scalar = real(10.0, low=1.0, high=100.0, scale="log")

    def init(self, spec: Spec, num_envs: int) -> Discounted:
        return Discounted(jnp.zeros(num_envs), no_moments(()))

    def restart(self, state: Discounted, num_envs: int) -> Discounted:
        return state._replace(returns=jnp.zeros(num_envs))

    def update(self, state: Discounted, observation: jax.Array) -> tuple[Discounted, jax.Array]:
        return state, observation

    def normalize(self, state: Discounted, observation: jax.Array) -> jax.Array:
        return observation

    def update_reward(self, state: Discounted, reward: jax.Array, done: jax.Array) -> tuple[Discounted, jax.Array]:
        returns = self.gamma * state.returns + reward
        state = Discounted(jnp.where(done, 0.0, returns), add_batch(state.moments, returns))
        return state, self.normalize_reward(state, reward)

    def normalize_reward(self, state: Discounted, reward: jax.Array) -> jax.Array:
        return jnp.clip(reward * jax.lax.rsqrt(state.moments.variance + LEAST_VARIANCE), -self.limit, self.limit)
