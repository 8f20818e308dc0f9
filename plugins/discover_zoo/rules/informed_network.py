"""A small network for drifts that know more than ratio and advantage; its weights are meta-parameters."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Key, Weights

_INPUTS = 7


class Features(NamedTuple):
    """The inputs of the network for each sample, beside the logarithm of the ratio; arrays of one shape, or numbers.

    Attributes:
        advantage: normalized over the minibatch.
        novelty: the exploration bonus of the step, normalized over the batch; 0 where there is none.
        value_error: how far the critic was off, normalized over the minibatch.
        entropy: of the policy that acted, as a share of the largest for discrete actions, in nats per number for real ones.
        progress: the share of the lifetime that has passed.
    """

    advantage: jax.Array | float = 0.0
    novelty: jax.Array | float = 0.0
    value_error: jax.Array | float = 0.0
    entropy: jax.Array | float = 0.0
    progress: jax.Array | float = 0.0


def random_weights(units: int, key: Key) -> dict[str, jax.Array]:
    """Normal weights of variance ``1 / inputs``: ``hidden[7, units]`` and ``output[units]``.

    >>> {name: weight.shape for name, weight in random_weights(6, jax.random.key(0)).items()}
    {'hidden': (7, 6), 'output': (6,)}
    """
    key_hidden, key_output = jax.random.split(key)
    return {
        "hidden": jax.random.normal(key_hidden, (_INPUTS, units)) / jnp.sqrt(float(_INPUTS)),
        "output": jax.random.normal(key_output, (units,)) / jnp.sqrt(float(units)),
    }


def silent_weights(units: int, key: Key) -> dict[str, jax.Array]:
    """Random weights whose output is zero."""
    return random_weights(units, key) | {"output": jnp.zeros(units)}


def informed_network(weights: Weights, log_ratio: jax.Array, features: Features) -> jax.Array:
    """``output . tanh(x @ hidden)`` with ``x = (log r, advantage, novelty, value error, entropy, progress, 1)``.

    Args:
        weights: as `random_weights` draws them.
        log_ratio: ``log r``, any shape.
        features: of the same shape.

    >>> weights = random_weights(6, jax.random.key(0))
    >>> informed_network(weights, jnp.zeros((5, 3)), Features(progress=0.5)).shape
    (5, 3)
    """
    inputs = [jnp.broadcast_to(x, log_ratio.shape) for x in (log_ratio, *features, 1.0)]
    return jnp.tanh(jnp.stack(inputs, axis=-1) @ weights["hidden"]) @ weights["output"]
