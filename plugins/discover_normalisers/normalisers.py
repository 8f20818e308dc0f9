"""Running normalisers: observations to zero mean and unit variance, rewards to unit variance of the return."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Normaliser, Scalar, Spec, component, real

_LEAST_VARIANCE = 1e-8


class Moments(NamedTuple):
    """Mean and variance of all that was counted.

    Attributes:
        total: how many; a float, since beyond 2^24 one more makes no difference.
        mean, variance: of the shape of one item.
    """

    total: jax.Array
    mean: jax.Array
    variance: jax.Array


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Moments before anything was counted."""
    return Moments(jnp.zeros(()), jnp.zeros(shape), jnp.zeros(shape))


def counted(moments: Moments, batch: jax.Array) -> Moments:
    """The moments with ``batch[B, ...]`` counted in (Chan et al. 1979, eq. 2.1; Welford 1962 where B is 1).

    With ``w`` the batch's share of all: ``mean + w * d`` and ``(1 - w) * variance + w * variance of the batch +
    w * (1 - w) * d^2``, where ``d`` is the batch's mean minus ours.
    """
    total = moments.total + batch.shape[0]
    share, apart = batch.shape[0] / total, jnp.mean(batch, axis=0) - moments.mean
    variance = (1.0 - share) * moments.variance + share * jnp.var(batch, axis=0) + share * (1.0 - share) * apart**2
    return Moments(total, moments.mean + share * apart, variance)


@component
class Observations(Normaliser):
    """Observations to zero mean and unit variance over all that were seen, each number for itself, then clipped.

    ``clip((x - mean) / sqrt(variance + 1e-8), -limit, limit)``.
    """

    paper = "Chan et al. 1979; as in Engstrom et al. 2020, arXiv 2005.12729"

    limit: Scalar = real(10.0, low=1.0, high=100.0, scale="log")

    def init(self, spec: Spec, environments: int) -> Moments:
        return no_moments(spec.observation_shape)

    def observe(self, state: Moments, observation: jax.Array) -> tuple[Moments, jax.Array]:
        state = counted(state, observation.astype(jnp.float32))
        return state, self.rescale(state, observation)

    def rescale(self, state: Moments, observation: jax.Array) -> jax.Array:
        scaled = (observation.astype(jnp.float32) - state.mean) * jax.lax.rsqrt(state.variance + _LEAST_VARIANCE)
        return jnp.clip(scaled, -self.limit, self.limit)

    def reward(self, state: Moments, reward: jax.Array, done: jax.Array) -> tuple[Moments, jax.Array]:
        return state, reward

    def rescale_reward(self, state: Moments, reward: jax.Array) -> jax.Array:
        return reward


class Discounted(NamedTuple):
    """What `Rewards` carries.

    Attributes:
        returns: ``[B]`` the discounted sum of the rewards of each episode so far.
        moments: of all values that these have had.
    """

    returns: jax.Array
    moments: Moments


@component
class Rewards(Normaliser):
    """Rewards divided by the standard deviation of the running discounted return, then clipped; signs stay.

    ``R <- gamma * R + r`` in each environment, from 0 at the start of an episode;
    ``clip(r / sqrt(variance of all R + 1e-8), -limit, limit)``.

    Attributes:
        gamma: discount of that return.
        limit: the largest reward.
    """

    paper = "Engstrom et al. 2020, arXiv 2005.12729, section 3"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    limit: Scalar = real(10.0, low=1.0, high=100.0, scale="log")

    def init(self, spec: Spec, environments: int) -> Discounted:
        return Discounted(jnp.zeros(environments), no_moments(()))

    def restart(self, state: Discounted, environments: int) -> Discounted:
        return state._replace(returns=jnp.zeros(environments))

    def observe(self, state: Discounted, observation: jax.Array) -> tuple[Discounted, jax.Array]:
        return state, observation

    def rescale(self, state: Discounted, observation: jax.Array) -> jax.Array:
        return observation

    def reward(self, state: Discounted, reward: jax.Array, done: jax.Array) -> tuple[Discounted, jax.Array]:
        returns = self.gamma * state.returns + reward
        state = Discounted(jnp.where(done, 0.0, returns), counted(state.moments, returns))
        return state, self.rescale_reward(state, reward)

    def rescale_reward(self, state: Discounted, reward: jax.Array) -> jax.Array:
        return jnp.clip(reward * jax.lax.rsqrt(state.moments.variance + _LEAST_VARIANCE), -self.limit, self.limit)


@component
class Several(Normaliser):
    """Several normalisers, each on what the one before it gives."""

    normalisers: tuple[Normaliser, ...] = (Observations(), Rewards())

    def init(self, spec: Spec, environments: int) -> tuple[Any, ...]:
        return tuple(normaliser.init(spec, environments) for normaliser in self.normalisers)

    def restart(self, state: tuple[Any, ...], environments: int) -> tuple[Any, ...]:
        return tuple(normaliser.restart(own, environments) for normaliser, own in zip(self.normalisers, state, strict=True))

    def observe(self, state: tuple[Any, ...], observation: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normaliser, own in zip(self.normalisers, state, strict=True):
            own, observation = normaliser.observe(own, observation)
            after.append(own)
        return tuple(after), observation

    def rescale(self, state: tuple[Any, ...], observation: jax.Array) -> jax.Array:
        for normaliser, own in zip(self.normalisers, state, strict=True):
            observation = normaliser.rescale(own, observation)
        return observation

    def reward(self, state: tuple[Any, ...], reward: jax.Array, done: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normaliser, own in zip(self.normalisers, state, strict=True):
            own, reward = normaliser.reward(own, reward, done)
            after.append(own)
        return tuple(after), reward

    def rescale_reward(self, state: tuple[Any, ...], reward: jax.Array) -> jax.Array:
        for normaliser, own in zip(self.normalisers, state, strict=True):
            reward = normaliser.rescale_reward(own, reward)
        return reward
