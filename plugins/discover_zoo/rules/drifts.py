"""Drifts in closed form: how much of ``ratio * advantage`` the objective of mirror learning takes back, per sample.

All functions take the *logarithm* of ``ratio = pi / pi_old``: it stays finite where the ratio falls to zero.
"""

import jax
import jax.numpy as jnp

from discover import Scalar


def clip_drift(log_ratio: jax.Array, advantage: jax.Array, clip: Scalar) -> jax.Array:
    """The drift of PPO, ``relu((ratio - clip(ratio, 1 - eps, 1 + eps)) * A)``: what PPO's minimum takes back.

    Args:
        log_ratio: ``log(pi / pi_old)``, any shape.
        advantage: ``A``, of the same shape.
        clip: ``eps``.

    >>> import numpy as np
    >>> print(np.asarray(clip_drift(jnp.log(jnp.array([0.5, 1.1, 2.0])), jnp.ones(3), 0.2)).round(4))
    [0.  0.  0.8]
    """
    ratio = jnp.exp(log_ratio)
    return jax.nn.relu((ratio - jnp.clip(ratio, 1.0 - clip, 1.0 + clip)) * advantage)


def tanh_drift(log_ratio: jax.Array, advantage: jax.Array, alpha: Scalar, beta: Scalar) -> jax.Array:
    """The drift of DPO, ``relu(x - alpha * tanh(x / alpha))`` with ``x = (ratio - 1) * A`` where ``A >= 0``.

    Where ``A < 0``, ``beta`` takes the place of ``alpha`` and ``x = log(ratio) * A``.

    Args:
        log_ratio: ``log(pi / pi_old)``, any shape.
        advantage: ``A``, of the same shape.
        alpha, beta: how far ``x`` may go before the drift counts; both positive, in units of the advantage.

    >>> import numpy as np
    >>> print(np.asarray(tanh_drift(jnp.log(jnp.array([0.5, 2.0, 4.0])), jnp.ones(3), 2.0, 0.6)).round(4))
    [0.     0.0758 1.1897]
    """
    positive = advantage >= 0.0
    x = jnp.where(positive, jnp.exp(log_ratio) - 1.0, log_ratio) * advantage
    scale = jnp.where(positive, alpha, beta)
    return jax.nn.relu(x - scale * jnp.tanh(x / scale))
