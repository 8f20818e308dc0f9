"""Policies: the distributions over actions that rules need."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, Protocol, Self

import jax
import jax.numpy as jnp

from discover.contract.environment import Continuous, Discrete, MultiDiscrete, Spec
from discover.contract.network import JOINT, Head, Outputs
from discover.contract.types import Key


class Policy(Protocol):
    """A distribution over actions, with any leading axes ``[...]``."""

    def sample(self, key: Key) -> jax.Array:
        """Draw an action."""
        ...

    def log_prob(self, action: jax.Array) -> jax.Array:
        """The log-probability ``[...]`` of an action; the log-density of a real one."""
        ...

    def entropy(self) -> jax.Array:
        """The entropy ``[...]`` in nats."""
        ...

    def mode(self) -> jax.Array:
        """The most likely action."""
        ...

    def kl(self, other: Self) -> jax.Array:
        """The divergence ``KL(self || other)`` ``[...]`` in nats."""
        ...


class Categorical(NamedTuple):
    """Discrete actions with ``p(a) = softmax(logits)[a]``, logits ``[..., A]``.

    A logit of -inf excludes an action: it is never drawn, adds nothing to entropy and divergence (``0 log 0 = 0``), has the
    gradient 0 and the log-probability -inf. The divergence to a distribution that excludes a possible action is inf.

    >>> policy = Categorical(jnp.log(jnp.array([0.25, 0.75])))
    >>> print(policy.mode(), jnp.exp(policy.log_prob(jnp.array(0))))
    1 0.25
    >>> print(policy.kl(policy))
    0.0
    """

    logits: jax.Array

    def sample(self, key: Key) -> jax.Array:
        """Draw an action ``[...]``."""
        return jax.random.categorical(key, self.logits)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """``log p(a)`` of actions ``[...]``."""
        chosen = jax.nn.one_hot(action, self.logits.shape[-1], dtype=bool)
        return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(self.logits), 0.0), axis=-1)

    def entropy(self) -> jax.Array:
        """``-sum_a p(a) log p(a)``."""
        p, log_p = self._terms()
        return -jnp.sum(p * log_p, axis=-1)

    def mode(self) -> jax.Array:
        """The most likely action ``[...]``."""
        return jnp.argmax(self.logits, axis=-1)

    def kl(self, other: Categorical) -> jax.Array:
        """``KL(self || other) = sum_a p(a) (log p(a) - log q(a))``."""
        p, log_p = self._terms()
        log_q = jnp.where(p == 0.0, 0.0, jax.nn.log_softmax(other.logits))
        return jnp.sum(p * (log_p - log_q), axis=-1)

    def _terms(self) -> tuple[jax.Array, jax.Array]:
        """Probabilities and their logarithms, with 0 for ``log 0``, so that gradients stay finite."""
        log_p = jax.nn.log_softmax(self.logits)
        p = jnp.exp(log_p)
        return p, jnp.where(p == 0.0, 0.0, log_p)


class Factored(NamedTuple):
    """D independent choices at once: ``p(a) = prod_d softmax(logits_d)[a_d]``, logits ``[..., A_d]`` for each of them.

    Log-probabilities, entropies and divergences are the sums of those of the choices (see `Categorical`).

    >>> policy = Factored((jnp.log(jnp.array([0.25, 0.75])), jnp.zeros(2)))
    >>> print(policy.mode(), jnp.exp(policy.log_prob(jnp.array([1, 0]))))
    [1 0] 0.375
    """

    logits: tuple[jax.Array, ...]

    def sample(self, key: Key) -> jax.Array:
        """Draw an action ``[..., D]``."""
        keys = jax.random.split(key, len(self.logits))
        return jnp.stack([each.sample(k) for each, k in zip(self.choices, keys, strict=True)], axis=-1)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """``sum_d log p_d(a_d)`` of actions ``[..., D]``."""
        return _total(each.log_prob(action[..., place]) for place, each in enumerate(self.choices))

    def entropy(self) -> jax.Array:
        """``sum_d H(p_d)``."""
        return _total(each.entropy() for each in self.choices)

    def mode(self) -> jax.Array:
        """The most likely action ``[..., D]``."""
        return jnp.stack([each.mode() for each in self.choices], axis=-1)

    def kl(self, other: Factored) -> jax.Array:
        """``sum_d KL(p_d || q_d)``."""
        return _total(mine.kl(its) for mine, its in zip(self.choices, other.choices, strict=True))

    def joint(self) -> jax.Array:
        """``[..., N]``, the log-probabilities of all combinations, in the order of `MultiDiscrete`.

        >>> print(jnp.exp(Factored((jnp.log(jnp.array([0.25, 0.75])), jnp.zeros(2))).joint()))
        [0.125 0.125 0.375 0.375]
        """
        first, *others = (jax.nn.log_softmax(logits) for logits in self.logits)
        for logits in others:
            sums = first[..., :, None] + logits[..., None, :]
            first = sums.reshape(*sums.shape[:-2], -1)
        return first

    @property
    def choices(self) -> tuple[Categorical, ...]:
        """The distribution of each choice."""
        return tuple(Categorical(logits) for logits in self.logits)


class Joint(NamedTuple):
    """Choices that depend on each other: a `Categorical` over actions ``[N, D]`` that are listed, with logits ``[..., N]``.

    >>> policy = Joint(jnp.log(jnp.array([0.25, 0.75])), jnp.array([[0, 0], [1, 2]]))
    >>> print(policy.mode(), jnp.exp(policy.log_prob(jnp.array([0, 0]))))
    [1 2] 0.25
    """

    logits: jax.Array
    actions: jax.Array

    def sample(self, key: Key) -> jax.Array:
        """Draw an action ``[..., D]``."""
        return self.actions[Categorical(self.logits).sample(key)]

    def log_prob(self, action: jax.Array) -> jax.Array:
        """``log p(a)`` of actions ``[..., D]`` that are listed."""
        chosen = jnp.all(self.actions == action[..., None, :], axis=-1)
        return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(self.logits), 0.0), axis=-1)

    def entropy(self) -> jax.Array:
        """``-sum_a p(a) log p(a)``."""
        return Categorical(self.logits).entropy()

    def mode(self) -> jax.Array:
        """The most likely action ``[..., D]``."""
        return self.actions[Categorical(self.logits).mode()]

    def kl(self, other: Joint) -> jax.Array:
        """``KL(self || other)`` of two distributions over the same list."""
        return Categorical(self.logits).kl(Categorical(other.logits))


def _total(parts: Iterable[jax.Array]) -> jax.Array:
    """The sum of at least one array."""
    first, *others = parts
    return sum(others, first)


class Gaussian(NamedTuple):
    """Real actions, independently normal; mean and log standard deviation are ``[..., D]``.

    Actions have no bounds; an environment clips those that it cannot take.

    >>> policy = Gaussian(jnp.zeros(2), jnp.zeros(2))
    >>> print(policy.mode(), policy.kl(policy))
    [0. 0.] 0.0
    """

    mean: jax.Array
    log_std: jax.Array

    def sample(self, key: Key) -> jax.Array:
        """Draw an action ``[..., D]``."""
        return self.mean + jnp.exp(self.log_std) * jax.random.normal(key, self.mean.shape)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """``sum_d log N(a_d; mean_d, std_d)`` of actions ``[..., D]``."""
        z = (action - self.mean) * jnp.exp(-self.log_std)
        return jnp.sum(-0.5 * z**2 - self.log_std - 0.5 * math.log(2 * math.pi), axis=-1)

    def entropy(self) -> jax.Array:
        """``sum_d log std_d + log(2 pi e) / 2``."""
        each = self.log_std + 0.5 * math.log(2 * math.pi * math.e)
        return jnp.sum(jnp.broadcast_to(each, self.mean.shape), axis=-1)

    def mode(self) -> jax.Array:
        """The mean ``[..., D]``."""
        return self.mean

    def kl(self, other: Gaussian) -> jax.Array:
        """``KL(self || other) = sum_d log(std'_d / std_d) + (std_d^2 + (mean_d - mean'_d)^2) / (2 std'_d^2) - 1 / 2``."""
        spread = jnp.exp(2.0 * (self.log_std - other.log_std)) + ((self.mean - other.mean) * jnp.exp(-other.log_std)) ** 2
        return jnp.sum(other.log_std - self.log_std + 0.5 * (spread - 1.0), axis=-1)


class TanhGaussian(NamedTuple):
    """Real actions ``center + reach * tanh(u)`` with ``u`` independently normal: within their bounds, and differentiable.

    ``log p(a) = log N(u; mean, std) - sum(log(reach * (1 - tanh(u)^2)))``, where
    ``log(1 - tanh(u)^2) = 2 * (log 2 - u - softplus(-2 u))`` stays finite for every ``u`` (Haarnoja et al. 2018,
    arXiv 1812.05905, appendix C). All are ``[..., D]``.

    >>> policy = TanhGaussian(jnp.zeros(1), jnp.zeros(1), low=jnp.array([0.0]), high=jnp.array([2.0]))
    >>> print(policy.mode())
    [1.]
    """

    mean: jax.Array
    log_std: jax.Array
    low: jax.Array
    high: jax.Array

    def sample(self, key: Key) -> jax.Array:
        """Draw an action ``[..., D]``."""
        return self.sample_and_log_prob(key)[0]

    def sample_and_log_prob(self, key: Key) -> tuple[jax.Array, jax.Array]:
        """Draw an action, with its exact log-probability, which `log_prob` cannot compute for actions near to their bounds."""
        inner = self._inner.sample(key)
        return self._squash(inner), self._log_prob_at(inner)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """``log p(a)`` of actions ``[..., D]``; an action within ``1e-6 * reach`` of its bound counts as that far away."""
        center, reach = self._frame
        return self._log_prob_at(jnp.arctanh(jnp.clip((action - center) / reach, -1.0 + 1e-6, 1.0 - 1e-6)))

    def mode(self) -> jax.Array:
        """The squashed mean, which is the median of each action."""
        return self._squash(self.mean)

    @property
    def _inner(self) -> Gaussian:
        """The distribution of ``u``."""
        return Gaussian(self.mean, self.log_std)

    @property
    def _frame(self) -> tuple[jax.Array, jax.Array]:
        """Center and reach."""
        return 0.5 * (self.high + self.low), 0.5 * (self.high - self.low)

    def _squash(self, inner: jax.Array) -> jax.Array:
        center, reach = self._frame
        return center + reach * jnp.tanh(inner)

    def _log_prob_at(self, inner: jax.Array) -> jax.Array:
        """The log-probability of the action ``center + reach * tanh(inner)``."""
        log_slope = 2.0 * (math.log(2.0) - inner - jax.nn.softplus(-2.0 * inner))
        stretch = jnp.broadcast_to(jnp.log(self._frame[1]), inner.shape)
        return self._inner.log_prob(inner) - jnp.sum(log_slope + stretch, axis=-1)


def policy_heads(spec: Spec) -> dict[str, Head]:
    """The heads of a stochastic policy: logits for discrete actions; mean and log standard deviation for real ones.

    For factored actions these are the logits of each choice, side by side.

    Mean and standard deviation are in units of the reach of an action, from its center (see `Continuous`).

    >>> policy_heads(Spec((4,), Discrete(2)))["policy"].shape
    (2,)
    >>> policy_heads(Spec((4,), MultiDiscrete((4, 3))))["policy"].shape
    (7,)
    >>> sorted(policy_heads(Spec((4,), Continuous((-1.0,), (1.0,)))))
    ['log_std', 'policy']
    """
    match spec.action:
        case Discrete(n):
            return {"policy": Head((n,), mix="distribution", gain=0.01)}
        case MultiDiscrete(factors):
            return {"policy": Head((sum(factors),), mix="distribution", gain=0.01, factors=factors)}
        case Continuous(low, _):
            return {"policy": Head((len(low),), gain=0.01), "log_std": Head((len(low),), form="constant", gain=0.0)}


def policy_of(spec: Spec, outputs: Outputs) -> Policy:
    """The distribution over actions whose heads are `policy_heads`.

    >>> print(policy_of(Spec((4,), Discrete(2)), {"policy": jnp.array([0.0, 1.0])}).mode())
    1
    """
    if isinstance(spec.action, Discrete):
        return Categorical(outputs["policy"])
    if isinstance(spec.action, MultiDiscrete):
        if JOINT in outputs:
            return Joint(outputs[JOINT], spec.action.action_of(jnp.arange(spec.action.combinations)))
        return Factored(spec.action.split(outputs["policy"]))
    center, reach = spec.action.center, spec.action.reach
    return Gaussian(center + reach * outputs["policy"], outputs["log_std"] + jnp.log(reach))
