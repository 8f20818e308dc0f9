"""Linear function approximation: on one-hot observations, a table."""

import math

import jax.numpy as jnp

from discover import Carry, Head, Heads, Inputs, Key, Network, Outputs, Params, Registry, Spec, component, hookimpl


@component
class Linear(Network):
    """Linear outputs ``x @ w`` without a bias, from ``w = 0``; ``x`` is the flattened observation and what the head reads.

    On one-hot observations an output that reads nothing else is a table with one entry per observation.

    >>> import jax
    >>> from discover import Discrete
    >>> linear, heads = Linear(), Heads({"q": Head((2,))})
    >>> linear.init(jax.random.key(0), Spec((3,), Discrete(2)), heads)["q"].shape
    (3, 2)
    """

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        def rows(head: Head) -> tuple[int, ...]:
            inputs = math.prod(spec.observation_shape) + sum(heads.context[name] for name in head.reads)
            return () if head.form == "constant" else (inputs,)

        return {name: jnp.zeros((*rows(head), *head.shape)) for name, head in heads.outputs.items()}

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        batch, outputs = inputs.is_first.shape, {}
        for name, head in heads.outputs.items():
            if head.form == "constant":
                outputs[name] = jnp.broadcast_to(params[name], batch + params[name].shape)
            elif head.known(inputs):
                read = (inputs.context[other] for other in head.reads)
                x = jnp.concatenate([inputs.observation.reshape(*batch, -1).astype(jnp.float32), *read], axis=-1)
                outputs[name] = jnp.tensordot(x, params[name], axes=1)
        return outputs, carry


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("linear", Linear)
