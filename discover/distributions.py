"""Distributions over actions, as far as rules need them."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from discover.environments import Continuous, Discrete, Spec
from discover.networks import Head, Outputs


class Policy(Protocol):
    """A distribution over actions with batch axes ``[...]``."""

    def sample(self, key: jax.Array) -> jax.Array: ...

    def log_prob(self, action: jax.Array) -> jax.Array: ...

    def entropy(self) -> jax.Array: ...

    def mode(self) -> jax.Array: ...


class Categorical(NamedTuple):
    """``p(a) = softmax(logits)[a]``, logits ``[..., A]``."""

    logits: jax.Array

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.random.categorical(key, self.logits)

    def log_prob(self, action: jax.Array) -> jax.Array:
        chosen = jax.nn.one_hot(action, self.logits.shape[-1], dtype=self.logits.dtype)
        return jnp.sum(jax.nn.log_softmax(self.logits) * chosen, axis=-1)

    def entropy(self) -> jax.Array:
        log_p = jax.nn.log_softmax(self.logits)
        return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)

    def mode(self) -> jax.Array:
        return jnp.argmax(self.logits, axis=-1)

    def kl(self, other: Categorical) -> jax.Array:
        """``KL(self || other)``."""
        log_p = jax.nn.log_softmax(self.logits)
        return jnp.sum(jnp.exp(log_p) * (log_p - jax.nn.log_softmax(other.logits)), axis=-1)


class Gaussian(NamedTuple):
    """Independent normal actions, mean and log standard deviation ``[..., D]``; the environment clips what it must."""

    mean: jax.Array
    log_std: jax.Array

    def sample(self, key: jax.Array) -> jax.Array:
        return self.mean + jnp.exp(self.log_std) * jax.random.normal(key, self.mean.shape)

    def log_prob(self, action: jax.Array) -> jax.Array:
        z = (action - self.mean) * jnp.exp(-self.log_std)
        return jnp.sum(-0.5 * z**2 - self.log_std - 0.5 * math.log(2 * math.pi), axis=-1)

    def entropy(self) -> jax.Array:
        each = self.log_std + 0.5 * math.log(2 * math.pi * math.e)
        return jnp.sum(jnp.broadcast_to(each, self.mean.shape), axis=-1)

    def mode(self) -> jax.Array:
        return self.mean


def policy_heads(spec: Spec) -> dict[str, Head]:
    """The heads of a stochastic policy: logits for discrete actions; mean and log standard deviation for real ones."""
    match spec.action:
        case Discrete(n):
            return {"policy": Head((n,), mix="distribution", gain=0.01)}
        case Continuous(low, _):
            return {"policy": Head((len(low),), gain=0.01), "log_std": Head((len(low),), form="constant", gain=0.0)}


def policy_of(spec: Spec, outputs: Outputs) -> Policy:
    """The distribution that the policy heads describe."""
    if isinstance(spec.action, Discrete):
        return Categorical(outputs["policy"])
    return Gaussian(outputs["policy"], outputs["log_std"])
