"""The mixture of K agents: their outputs, weighted, and the loss that distills the simpler agents into the next."""

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp

from discover import AUXILIARY_LOSS, Categorical, Head, Outputs, Scalar

_LEAST_WEIGHT = 1e-6
"""The least weight inside a logarithm."""

NEVER = -1e9
"""A logit of probability 0 that stays finite in every product."""


def weights(alpha: jax.Array, agents: int) -> list[jax.Array]:
    """Weights of K agents, of which at most two neighbors are not 0: ``w_k = max(0, 1 - |alpha (K - 1) - k|)``.

    Of two agents, ``1 - alpha`` and ``alpha``.

    >>> [float(weight) for weight in weights(jnp.array(0.25), 2)]
    [0.75, 0.25]
    """
    steps = [_between(alpha * (agents - 1) - k) for k in range(agents - 1)]
    return [a - b for a, b in itertools.pairwise([jnp.ones(()), *steps, jnp.zeros(())])]


def mixture(
    heads: Mapping[str, Head],
    agents: Sequence[Outputs],
    alpha: jax.Array,
    coefficient: Scalar,
    *,
    shape: tuple[int, ...] = (),
    known: Mapping[str, Sequence[jax.Array]] = MappingProxyType({}),
) -> dict[str, jax.Array]:
    """Outputs of one agent out of K, from the simplest to the one to be trained (Czarnecki et al. 2018).

    ``pi = sum_k w_k pi_k``, mixed in probability space; values are mixed linearly. The auxiliary loss is
    ``coefficient * sum_k w_k KL(pi_k || pi_{k+1})`` over all heads that are distributions, which for two agents is
    ``(1 - alpha) KL(pi_1 || pi_2)``, an upper bound of ``KL(pi || pi_2)``. An agent of weight 0 has no part in
    anything, not even in a gradient.

    Args:
        heads: how each output is mixed.
        agents: outputs of each agent, by head.
        alpha: progress of the curriculum, in ``[0, 1]``.
        coefficient: weight of the distillation.
        shape: of the states; without a head that is a distribution, the loss is zero for each.
        known: by head, for each simpler agent, which options ``[A]`` it knows: the divergence from it then counts the next
            agent's distribution over these alone, ``KL(pi_k || pi_{k+1}(. | known))``. Heads that are not named count all.
    """
    shares = weights(alpha, len(agents))
    loss = _weighted_sum([agent.get(AUXILIARY_LOSS, jnp.zeros(shape)) for agent in agents], shares)
    outputs = {}
    for name in agents[-1].keys() - {AUXILIARY_LOSS}:
        values = [agent[name] for agent in agents]
        outputs[name] = mix(heads[name], values, shares)
        if heads[name].mix == "distribution":
            following = [jnp.where(mask, b, -jnp.inf) for mask, b in zip(known.get(name, ()), values[1:], strict=False)]
            targets = following or values[1:]
            distances = [Categorical(a).kl(Categorical(b)) for a, b in zip(values[:-1], targets, strict=True)]
            loss = loss + coefficient * _weighted_sum(distances, shares)
    return {**outputs, AUXILIARY_LOSS: loss}


def mix(head: Head, values: Sequence[jax.Array], shares: Sequence[jax.Array]) -> jax.Array:
    """One output of the mixture: of distributions, the log of ``sum_k w_k pi_k`` by log-sum-exp, -inf where all are 0.

    >>> float(mix(Head(()), [jnp.array(1.0), jnp.array(3.0)], [jnp.array(0.5), jnp.array(0.5)]))
    2.0
    """
    if head.mix == "first":
        return values[0]
    if head.mix == "linear":
        return _weighted_sum(values, shares)
    parts = jnp.stack(
        [
            jnp.where(share > 0.0, jnp.log(jnp.maximum(share, _LEAST_WEIGHT)) + jax.nn.log_softmax(logits), -jnp.inf)
            for logits, share in zip(values, shares, strict=True)
        ]
    )
    possible = jnp.any(parts > -jnp.inf, axis=0)
    return jnp.where(possible, jax.nn.logsumexp(jnp.where(possible, parts, 0.0), axis=0), -jnp.inf)


def _between(x: jax.Array) -> jax.Array:
    """The number ``x`` clipped to ``[0, 1]``, with slope 1 at both ends too."""
    return jnp.where(x < 0.0, 0.0, jnp.where(x > 1.0, 1.0, x))


def _weighted_sum(values: Sequence[jax.Array], shares: Sequence[jax.Array]) -> jax.Array:
    """The sum of values times weights; a weight without a value (that of the last agent's distance) is left out."""
    parts = [share * value for value, share in zip(values, shares, strict=False)]
    return sum(parts[1:], parts[0])
