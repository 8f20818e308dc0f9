"""Observations to zero mean and unit variance."""

import jax
import jax.numpy as jnp

from discover import Normalizer, Scalar, Spec, component, real
from discover_zoo.moments import LEAST_VARIANCE, Moments, add_batch, no_moments


@component
class Observations(Normalizer):
    """Observations to zero mean and unit variance over all so far, each number by itself, then clipped.

    ``clip((x - mean) / sqrt(variance + 1e-8), -limit, limit)``.

    >>> from discover import Discrete
    >>> statistics = Observations().init(Spec((1,), Discrete(2)), num_envs=2)
    >>> Observations().update(statistics, jnp.array([[0.0], [2.0]]))[1][:, 0]
    Array([-1.,  1.], dtype=float32)

    Attributes:
        limit: the largest absolute value.
    """

    paper = "Chan et al. 1979; as in Engstrom et al. 2020, arXiv 2005.12729"

    limit: Scalar = real(10.0, low=1.0, high=100.0, scale="log")

    def init(self, spec: Spec, num_envs: int) -> Moments:
        return no_moments(spec.observation_shape)

    def update(self, state: Moments, observation: jax.Array) -> tuple[Moments, jax.Array]:
        state = add_batch(state, observation.astype(jnp.float32))
        return state, self.normalize(state, observation)

    def normalize(self, state: Moments, observation: jax.Array) -> jax.Array:
        scaled = (observation.astype(jnp.float32) - state.mean) * jax.lax.rsqrt(state.variance + LEAST_VARIANCE)
        return jnp.clip(scaled, -self.limit, self.limit)

    def update_reward(self, state: Moments, reward: jax.Array, done: jax.Array) -> tuple[Moments, jax.Array]:
        return state, reward

    def normalize_reward(self, state: Moments, reward: jax.Array) -> jax.Array:
        return reward
