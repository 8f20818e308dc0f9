"""Mix & Match: a simple agent mixed with the one to be trained."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import AUXILIARY_LOSS, Curriculum, Head, Heads, Inputs, Network, Outputs, Scalar, Spec, component, real

_OFF = 1e-6
"""How far a share keeps off zero inside the logarithm."""


@component
class MixAndMatch(Curriculum):
    """One agent out of two: ``pi = (1 - alpha) * pi_simple + alpha * pi_network`` (Czarnecki et al. 2018).

    The auxiliary loss ``coefficient * (1 - alpha) * KL(pi_simple || pi_network)`` distils the simple agent into the network.
    ``alpha`` goes from ``start`` to ``stop`` over the lifetime.
    """

    simple: Network
    start: Scalar = real(0.0, low=0.0, high=1.0)
    stop: Scalar = real(1.0, low=0.0, high=1.0)
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)

    def wrap_network(self, network: Network) -> Network:
        return Mixture(mixing=self, network=network)


@component
class Mixture(Network):
    """The network that `MixAndMatch` makes: both agents side by side, each with its own parameters and carry."""

    mixing: MixAndMatch
    network: Network

    @property
    def forms(self) -> frozenset[str]:
        return self.mixing.simple.forms & self.network.forms

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        keys = jax.random.split(key)
        return self.mixing.simple.init(keys[0], spec, heads), self.network.init(keys[1], spec, heads)

    def carry(self, heads: Heads) -> Any:
        return self.mixing.simple.carry(heads), self.network.carry(heads)

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        simple, simple_carry = self.mixing.simple.apply(params[0], heads, inputs, carry[0])
        target, target_carry = self.network.apply(params[1], heads, inputs, carry[1])
        alpha = self.mixing.start + (self.mixing.stop - self.mixing.start) * inputs.progress
        loss = (1.0 - alpha) * simple.get(AUXILIARY_LOSS, 0.0) + alpha * target.get(AUXILIARY_LOSS, 0.0)
        outputs = {}
        for name in target.keys() - {AUXILIARY_LOSS}:
            outputs[name] = mixed(heads.outputs[name], simple[name], target[name], alpha)
            if heads.outputs[name].mix == "distribution":
                loss = loss + self.mixing.coefficient * (1.0 - alpha) * divergence(simple[name], target[name])
        return {**outputs, AUXILIARY_LOSS: loss}, (simple_carry, target_carry)


def mixed(head: Head, simple: jax.Array, target: jax.Array, alpha: jax.Array) -> jax.Array:
    """One output of the mixture; a share of zero leaves nothing, not even a gradient."""
    if head.mix == "first":
        return simple
    if head.mix == "linear":
        return (1.0 - alpha) * simple + alpha * target
    share = jnp.clip(alpha, _OFF, 1.0 - _OFF)
    log_simple, log_target = jax.nn.log_softmax(simple), jax.nn.log_softmax(target)
    mixture = jnp.logaddexp(jnp.log1p(-share) + log_simple, jnp.log(share) + log_target)
    return jnp.where(alpha >= 1.0, log_target, jnp.where(alpha <= 0.0, log_simple, mixture))


def divergence(simple: jax.Array, target: jax.Array) -> jax.Array:
    """``KL(simple || target)`` of two sets of logits."""
    log_simple = jax.nn.log_softmax(simple)
    return jnp.sum(jnp.exp(log_simple) * (log_simple - jax.nn.log_softmax(target)), axis=-1)
