"""Learned policy optimisation: the drift is a small network, its weights are meta-parameters."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Scalar, Weights, component, real, weights
from discover_mirror.drifts import clip_drift
from discover_mirror.mirror import MirrorLearning

_FEATURES = 8
_WIDTH = 128
_MARGIN = 1e-4
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


@component
class LPO(MirrorLearning):
    """Learned policy optimisation (Lu et al. 2022): ``drift = relu(network(ratio, A) - 1e-4)``.

    A bias-free network of one tanh layer, so that any weights give a valid drift: never negative, and zero with zero slope
    where the policy has not moved. A search begins without any drift.
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return jax.nn.relu(drift_network(self.drift_weights, log_ratio, advantage) - _MARGIN)


@component
class ResidualLPO(MirrorLearning):
    """LPO on top of PPO (the PPO-initialised variant of Lu et al. 2022's code).

    ``drift = relu(clip_drift(ratio, A) + network(ratio, A) - 1e-4)``: valid for any weights, and PPO up to 1e-4 where a search
    begins.
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)
    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        learned = drift_network(self.drift_weights, log_ratio, advantage)
        return jax.nn.relu(clip_drift(log_ratio, advantage, self.clip) + learned - _MARGIN)
