"""Distributions over several choices at once, as one over all N combinations: in this form they are mixed."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from discover import JOINT, Factored, Head, MultiDiscrete, Outputs

POLICY = "policy"
"""Name of the head of policies."""


def joint_heads(heads: Mapping[str, Head]) -> dict[str, Head]:
    """Heads with N logits in the place of those of several choices."""
    return {
        name: head._replace(shape=(math.prod(head.factors),), factors=()) if head.factors else head
        for name, head in heads.items()
    }


def joined(heads: Mapping[str, Head], outputs: Outputs) -> Outputs:
    """Outputs as `joint_heads` has them: of independent choices, the product of their distributions.

    >>> head, logits = Head((4,), mix="distribution", factors=(2, 2)), jnp.log(jnp.array([0.5, 0.5, 0.25, 0.75]))
    >>> print(jnp.exp(joined({"policy": head}, {"policy": logits})["policy"]))
    [0.125 0.375 0.125 0.375]
    """
    factored = {name: head.factors for name, head in heads.items() if head.factors and name in outputs}
    if not factored:
        return outputs
    kept = {name: value for name, value in outputs.items() if name != JOINT}
    for name, factors in factored.items():
        known = name == POLICY and JOINT in outputs
        kept[name] = outputs[JOINT] if known else Factored(MultiDiscrete(factors).split(outputs[name])).joint()
    return kept


def separated(heads: Mapping[str, Head], outputs: Outputs) -> Outputs:
    """Undo `joined`: the distribution of each choice by itself, and that of all combinations beside it, for the policy.

    A mixture of products is no product: its choices depend on each other.
    """
    factored = {name: head.factors for name, head in heads.items() if head.factors and name in outputs}
    if not factored:
        return outputs
    made = {name: _marginals(value, factored[name]) if name in factored else value for name, value in outputs.items()}
    return {**made, JOINT: outputs[POLICY]} if POLICY in factored else made


def _marginals(logits: jax.Array, factors: tuple[int, ...]) -> jax.Array:
    """The logits ``[..., sum(factors)]`` of each choice by itself, from those of all combinations ``[..., N]``."""
    table = jax.nn.log_softmax(logits).reshape(*logits.shape[:-1], *factors)
    first, parts = table.ndim - len(factors), []
    for place in range(len(factors)):
        others = tuple(first + axis for axis in range(len(factors)) if axis != place)
        possible = jnp.any(table > -jnp.inf, axis=others)
        known = jnp.where(jnp.expand_dims(possible, others), table, 0.0)
        parts.append(jnp.where(possible, jax.nn.logsumexp(known, axis=others), -jnp.inf))
    return jnp.concatenate(parts, axis=-1)
