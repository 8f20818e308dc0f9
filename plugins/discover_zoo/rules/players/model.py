"""Posteriors of a bandit or a small decision process from tallies, and plans by them."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from discover import Outputs

Rewards: TypeAlias = Literal["bernoulli", "normal"]
"""Rewards of 0 or 1, whose mean is Beta(1, 1) a priori; or with standard deviation 1, whose mean is Normal(1, 1) a priori."""


def mean_rewards(tallies: Outputs, rewards: Rewards) -> jax.Array:
    """The posterior mean ``[S, A]`` of the mean rewards.

    >>> print(mean_rewards({"visits": jnp.array([[0.0, 2.0]]), "reward_sum": jnp.array([[0.0, 2.0]])}, "bernoulli"))
    [[0.5  0.75]]
    """
    prior = 2.0 if rewards == "bernoulli" else 1.0
    return (1.0 + tallies["reward_sum"]) / (prior + tallies["visits"])


def sampled_rewards(key: jax.Array, tallies: Outputs, rewards: Rewards) -> jax.Array:
    """A sample ``[S, A]`` of the posterior of the mean rewards."""
    mean, visits = mean_rewards(tallies, rewards), tallies["visits"]
    if rewards == "normal":
        return mean + jax.random.normal(key, mean.shape) / jnp.sqrt(1.0 + visits)
    wins = tallies["reward_sum"]
    return jax.random.beta(key, 1.0 + wins, 1.0 + visits - wins)


def mean_transitions(tallies: Outputs) -> jax.Array:
    """The posterior mean ``[S, A, S]`` of the transitions; the prior is Dirichlet(1, ..., 1)."""
    counts = 1.0 + tallies["transitions"]
    return counts / jnp.sum(counts, axis=-1, keepdims=True)


def sampled_transitions(key: jax.Array, tallies: Outputs) -> jax.Array:
    """A sample ``[S, A, S]`` of the posterior of the transitions."""
    return jax.random.dirichlet(key, 1.0 + tallies["transitions"])


def values(rewards: jax.Array, transitions: jax.Array, horizon: int) -> jax.Array:
    """The values ``[H, S, A]`` of actions with ``H, H - 1, ..., 1`` steps to go, by backward induction.

    >>> rewards, transitions = jnp.array([[0.0], [1.0]]), jnp.array([[[0.0, 1.0]], [[0.0, 1.0]]])
    >>> print(values(rewards, transitions, 3)[:, 0, 0])
    [2. 1. 0.]
    """

    def back(value: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        q = rewards + transitions @ value
        return jnp.max(q, axis=-1), q

    _, q = jax.lax.scan(back, jnp.zeros(rewards.shape[0]), length=horizon)
    return q[::-1]
