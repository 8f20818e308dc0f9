"""A drift as a small network, for LPO alone and on top of PPO; its weights are meta-parameters (Lu et al. 2022)."""

import jax
import jax.numpy as jnp

from discover import Key, Weights

_FEATURES = 8
_WIDTH = 128
MARGIN = 1e-4
"""How far the network must rise above zero before it counts: where the policy has not changed, the drift is flat."""

NETWORK_FORMULA = (
    r"f_w(r, A) = w_2 \cdot \tanh\left(W_1 (\phi, A \phi)\right), \quad \phi = (\log r, \log^2 r, 1 - r, (1 - r)^2)"
)
"""The network in LaTeX."""


def random_weights(rule: object, key: Key) -> dict[str, jax.Array]:
    """Normal weights of variance ``1 / inputs``: ``hidden[8, 128]`` and ``output[128]``.

    >>> {name: weight.shape for name, weight in random_weights(None, jax.random.key(0)).items()}
    {'hidden': (8, 128), 'output': (128,)}
    """
    del rule
    key_hidden, key_output = jax.random.split(key)
    return {
        "hidden": jax.random.normal(key_hidden, (_FEATURES, _WIDTH)) / jnp.sqrt(float(_FEATURES)),
        "output": jax.random.normal(key_output, (_WIDTH,)) / jnp.sqrt(float(_WIDTH)),
    }


def silent_weights(rule: object, key: Key) -> dict[str, jax.Array]:
    """Random weights whose output is zero. With the hidden layer at zero too, no small change would have an effect."""
    weights = random_weights(rule, key)
    return weights | {"output": jnp.zeros_like(weights["output"])}


def drift_network(weights: Weights, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
    """``output . tanh(x @ hidden)`` with ``x = [f, A * f]`` and ``f = [log r, (log r)^2, 1 - r, (1 - r)^2]``.

    There are no biases: where ``r = 1`` the output is zero, whatever the weights.

    Args:
        weights: as `random_weights` draws them.
        log_ratio: ``log r``, any shape.
        advantage: ``A``, of the same shape.

    >>> weights = random_weights(None, jax.random.key(0))
    >>> output = drift_network(weights, jnp.array([0.0, 0.5, 1.0]), jnp.ones(3))
    >>> (output != 0.0).tolist()
    [False, True, True]
    """
    fall = 1.0 - jnp.exp(log_ratio)
    features = jnp.stack([log_ratio, log_ratio**2, fall, fall**2], axis=-1)
    x = jnp.concatenate([features, features * advantage[..., None]], axis=-1)
    return jnp.tanh(x @ weights["hidden"]) @ weights["output"]
