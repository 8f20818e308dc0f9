"""Distributions over actions, as far as rules need them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from discover.contract.environment import Continuous, Discrete, Spec
from discover.contract.network import Head, Outputs


class Policy(Protocol):
    """A distribution over actions with batch axes ``[...]``."""

    def sample(self, key: jax.Array) -> jax.Array: ...

    def log_prob(self, action: jax.Array) -> jax.Array: ...

    def entropy(self) -> jax.Array: ...

    def mode(self) -> jax.Array: ...

    def kl(self, other: Any) -> jax.Array: ...


class Categorical(NamedTuple):
    """``p(a) = softmax(logits)[a]``, logits ``[..., A]``.

    A logit of -inf is an action that cannot be: it is never drawn, adds nothing to entropy and divergence (``0 log 0 = 0``),
    has no slope, and its log-probability is -inf. The divergence to a distribution without room for a possible action is inf.
    """

    logits: jax.Array

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.random.categorical(key, self.logits)

    def log_prob(self, action: jax.Array) -> jax.Array:
        chosen = jax.nn.one_hot(action, self.logits.shape[-1], dtype=bool)
        return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(self.logits), 0.0), axis=-1)

    def entropy(self) -> jax.Array:
        p, log_p = self._terms()
        return -jnp.sum(p * log_p, axis=-1)

    def mode(self) -> jax.Array:
        return jnp.argmax(self.logits, axis=-1)

    def kl(self, other: Categorical) -> jax.Array:
        """``KL(self || other)``."""
        p, log_p = self._terms()
        log_q = jnp.where(p == 0.0, 0.0, jax.nn.log_softmax(other.logits))
        return jnp.sum(p * (log_p - log_q), axis=-1)

    def _terms(self) -> tuple[jax.Array, jax.Array]:
        """Probabilities and their logarithms, these 0 where there is no probability: slopes stay finite there too."""
        log_p = jax.nn.log_softmax(self.logits)
        p = jnp.exp(log_p)
        return p, jnp.where(p == 0.0, 0.0, log_p)


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

    def kl(self, other: Gaussian) -> jax.Array:
        """``KL(self || other)``."""
        spread = jnp.exp(2.0 * (self.log_std - other.log_std)) + ((self.mean - other.mean) * jnp.exp(-other.log_std)) ** 2
        return jnp.sum(other.log_std - self.log_std + 0.5 * (spread - 1.0), axis=-1)


class TanhGaussian(NamedTuple):
    """Actions ``center + reach * tanh(u)`` with ``u`` independently normal: inside their bounds, and differentiable in all.

    ``log p(a) = log N(u; mean, exp(log_std)) - sum(log(reach * (1 - tanh(u)^2)))``, where
    ``log(1 - tanh(u)^2) = 2 * (log 2 - u - softplus(-2 u))`` stays finite for any ``u`` (Haarnoja et al. 2018,
    arXiv 1812.05905, appendix C). All ``[..., D]``.
    """

    mean: jax.Array
    log_std: jax.Array
    low: jax.Array
    high: jax.Array

    def sample(self, key: jax.Array) -> jax.Array:
        return self.sample_and_log_prob(key)[0]

    def sample_and_log_prob(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """A sample and its log-probability: exact also where the action is too near its bound to be inverted."""
        inner = self._inner.sample(key)
        return self._squashed(inner), self._log_prob_at(inner)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Log-probability of an action; one nearer to its bound than ``1e-6 * reach`` counts as being that near."""
        center, reach = self._frame
        return self._log_prob_at(jnp.arctanh(jnp.clip((action - center) / reach, -1.0 + 1e-6, 1.0 - 1e-6)))

    def mode(self) -> jax.Array:
        """The squashed mean: the median of each action."""
        return self._squashed(self.mean)

    @property
    def _inner(self) -> Gaussian:
        return Gaussian(self.mean, self.log_std)

    @property
    def _frame(self) -> tuple[jax.Array, jax.Array]:
        return 0.5 * (self.high + self.low), 0.5 * (self.high - self.low)

    def _squashed(self, inner: jax.Array) -> jax.Array:
        center, reach = self._frame
        return center + reach * jnp.tanh(inner)

    def _log_prob_at(self, inner: jax.Array) -> jax.Array:
        log_slope = 2.0 * (math.log(2.0) - inner - jax.nn.softplus(-2.0 * inner))
        stretch = jnp.broadcast_to(jnp.log(self._frame[1]), inner.shape)
        return self._inner.log_prob(inner) - jnp.sum(log_slope + stretch, axis=-1)


def policy_heads(spec: Spec) -> dict[str, Head]:
    """The heads of a stochastic policy: logits for discrete actions; mean and log standard deviation for real ones.

    Both are in units of the reach of an action, from its center (see `Continuous`).
    """
    match spec.action:
        case Discrete(n):
            return {"policy": Head((n,), mix="distribution", gain=0.01)}
        case Continuous(low, _):
            return {"policy": Head((len(low),), gain=0.01), "log_std": Head((len(low),), form="constant", gain=0.0)}


def policy_of(spec: Spec, outputs: Outputs) -> Policy:
    """The distribution that the policy heads describe."""
    if isinstance(spec.action, Discrete):
        return Categorical(outputs["policy"])
    center, reach = spec.action.center, spec.action.reach
    return Gaussian(center + reach * outputs["policy"], outputs["log_std"] + jnp.log(reach))
