"""A drift as a small network, for LPO alone and on top of PPO; its weights are meta-parameters."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Weights

_FEATURES = 8
_WIDTH = 128
MARGIN = 1e-4
"""How far the network must rise above zero before it counts: where the policy has not moved, the drift is flat."""


def random_weights(rule: Any, key: jax.Array) -> dict[str, jax.Array]:
    """Normal weights of variance ``1 / inputs``: ``hidden[8, 128]`` and ``output[128]``."""
    del rule
    key_hidden, key_output = jax.random.split(key)
    return {
        "hidden": jax.random.normal(key_hidden, (_FEATURES, _WIDTH)) / jnp.sqrt(float(_FEATURES)),
        "output": jax.random.normal(key_output, (_WIDTH,)) / jnp.sqrt(float(_WIDTH)),
    }


def silent_weights(rule: Any, key: jax.Array) -> dict[str, jax.Array]:
    """Random weights whose output is zero. With the hidden layer at zero too, no small change would have an effect."""
    drawn = random_weights(rule, key)
    return drawn | {"output": jnp.zeros_like(drawn["output"])}


def drift_network(weights: Weights, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
    """``output . tanh(x @ hidden)`` with ``x = [f, A * f]`` and ``f = [log r, (log r)^2, 1 - r, (1 - r)^2]``.

    No biases: where ``r = 1`` the output is zero, whatever the weights.
    """
    fall = 1.0 - jnp.exp(log_ratio)
    features = jnp.stack([log_ratio, log_ratio**2, fall, fall**2], axis=-1)
    x = jnp.concatenate([features, features * advantage[..., None]], axis=-1)
    return jnp.tanh(x @ weights["hidden"]) @ weights["output"]
