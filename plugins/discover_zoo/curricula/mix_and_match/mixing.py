"""The mixture of K agents: their outputs, weighed, and the loss that passes on what the simpler ones know."""

import itertools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from discover import AUXILIARY_LOSS, Categorical, Head, Outputs

_OFF = 1e-6
"""How far a weight keeps off zero inside the logarithm."""

NEVER = -1e9
"""A logit that stands for no probability at all, and yet is finite in every product."""


def weights(alpha: jax.Array, agents: int) -> list[jax.Array]:
    """What each of K agents weighs: at most two neighbors share, ``w_k = max(0, 1 - |alpha (K - 1) - k|)``.

    Of two agents, ``1 - alpha`` and ``alpha``.
    """
    come = [_between(alpha * (agents - 1) - k) for k in range(agents - 1)]
    return [a - b for a, b in itertools.pairwise([jnp.ones(()), *come, jnp.zeros(())])]


def mixture(
    heads: Mapping[str, Head],
    agents: Sequence[Outputs],
    alpha: jax.Array,
    coefficient: jax.Array | float,
    shape: tuple[int, ...] = (),
) -> dict[str, jax.Array]:
    """One agent out of K, from the simplest to the one to be trained (Czarnecki et al. 2018).

    ``pi = sum_k w_k pi_k``, mixed in probability space; values are mixed linearly. The auxiliary loss is
    ``coefficient * sum_k w_k KL(pi_k || pi_{k+1})`` over all heads that are distributions, which for two agents is
    ``(1 - alpha) KL(pi_1 || pi_2)``, an upper bound of ``KL(pi || pi_2)``. An agent that weighs nothing has no part in
    anything, not even in a gradient.

    Args:
        heads: how each output is mixed.
        agents: what each agent says, by head.
        alpha: how far the curriculum has come, in ``[0, 1]``.
        coefficient: of the distillation.
        shape: of the states; without a head that is a distribution, the loss is zero for each.
    """
    shares = weights(alpha, len(agents))
    loss = _weighed([agent.get(AUXILIARY_LOSS, jnp.zeros(shape)) for agent in agents], shares)
    outputs = {}
    for name in agents[-1].keys() - {AUXILIARY_LOSS}:
        said = [agent[name] for agent in agents]
        outputs[name] = mixed(heads[name], said, shares)
        if heads[name].mix == "distribution":
            distances = [Categorical(a).kl(Categorical(b)) for a, b in itertools.pairwise(said)]
            loss = loss + coefficient * _weighed(distances, shares)
    return {**outputs, AUXILIARY_LOSS: loss}


def mixed(head: Head, said: Sequence[jax.Array], shares: Sequence[jax.Array]) -> jax.Array:
    """One output of the mixture: of distributions, the log of ``sum_k w_k pi_k`` by log-sum-exp, -inf where all are 0."""
    if head.mix == "first":
        return said[0]
    if head.mix == "linear":
        return _weighed(said, shares)
    parts = jnp.stack(
        [
            jnp.where(share > 0.0, jnp.log(jnp.maximum(share, _OFF)) + jax.nn.log_softmax(logits), -jnp.inf)
            for logits, share in zip(said, shares, strict=True)
        ]
    )
    possible = jnp.any(parts > -jnp.inf, axis=0)
    return jnp.where(possible, jax.nn.logsumexp(jnp.where(possible, parts, 0.0), axis=0), -jnp.inf)


def _between(x: jax.Array) -> jax.Array:
    """``x`` held in ``[0, 1]``, with slope 1 at the ends too."""
    return jnp.where(x < 0.0, 0.0, jnp.where(x > 1.0, 1.0, x))


def _weighed(values: Sequence[jax.Array], shares: Sequence[jax.Array]) -> jax.Array:
    """The weighed sum; a weight without a value (that of the last agent's distance) falls away."""
    parts = [share * value for value, share in zip(values, shares, strict=False)]
    return sum(parts[1:], parts[0])
