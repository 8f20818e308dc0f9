"""Drifts in closed form: how much of ``ratio * advantage`` an update takes back, per sample.

All take the *logarithm* of ``ratio = pi / pi_old``: it stays finite where the ratio falls to zero.
"""

import jax
import jax.numpy as jnp

from discover import Scalar


def clip_drift(log_ratio: jax.Array, advantage: jax.Array, clip: Scalar) -> jax.Array:
    """PPO: ``relu((ratio - clip(ratio, 1 - eps, 1 + eps)) * A)``, what its minimum takes back."""
    ratio = jnp.exp(log_ratio)
    return jax.nn.relu((ratio - jnp.clip(ratio, 1.0 - clip, 1.0 + clip)) * advantage)


def tanh_drift(log_ratio: jax.Array, advantage: jax.Array, alpha: Scalar, beta: Scalar) -> jax.Array:
    """DPO: ``relu(x - alpha * tanh(x / alpha))`` with ``x = (ratio - 1) * A`` where ``A >= 0``.

    Where ``A < 0``, ``beta`` takes the place of ``alpha`` and ``x = log(ratio) * A``.
    """
    good = advantage >= 0.0
    x = jnp.where(good, jnp.exp(log_ratio) - 1.0, log_ratio) * advantage
    scale = jnp.where(good, alpha, beta)
    return jax.nn.relu(x - scale * jnp.tanh(x / scale))
