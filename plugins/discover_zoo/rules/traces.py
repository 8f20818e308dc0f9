"""Eligibility traces over all parameters, and the semi-gradient that feeds them.

For a table (see `linear`) a trace is a number per entry; for any other network it is a tree like the parameters.
"""

from typing import Literal

import jax
import jax.numpy as jnp

from discover import Info, Outputs, Params, Scalar, Trajectory, World

Kind = Literal["accumulating", "replacing", "dutch"]
"""The kind of a trace (see `decay_trace`)."""


def decay_trace(kind: Kind, trace: Params, *, gradient: Params, decay: jax.Array, step_size: Scalar) -> Params:
    """The trace one step later (Sutton & Barto 2018, eq. 12.5, 12.12 and 12.11).

    ``accumulating``: ``decay z + x``. ``replacing``: ``x`` where it is not zero, else ``decay z``. ``dutch``:
    ``decay z + (1 - step_size decay z.x) x``; the last two are meant for binary and linear features.

    Args:
        kind: which of the three.
        trace: ``z``, a tree like the parameters.
        gradient: ``x``, the gradient of the value that is learned; for linear values the features.
        decay: ``gamma lam``; 0 where an episode starts.
        step_size: that of the update.

    >>> z, x = jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0])
    >>> print(decay_trace("accumulating", z, gradient=x, decay=0.5, step_size=0.5))
    [1.5 1. ]
    >>> print(decay_trace("replacing", z, gradient=x, decay=0.5, step_size=0.5))
    [1. 1.]
    >>> print(decay_trace("dutch", z, gradient=x, decay=0.5, step_size=0.5))
    [1.25 1.  ]
    """
    if kind == "replacing":
        return jax.tree.map(lambda z, x: jnp.where(x != 0, x, decay * z), trace, gradient)
    share = 1.0 - step_size * decay * inner(trace, gradient) if kind == "dutch" else 1.0
    return jax.tree.map(lambda z, x: decay * z + share * x, trace, gradient)


def inner(a: Params, b: Params) -> jax.Array:
    """The inner product of two trees of the same structure.

    >>> print(inner({"w": jnp.array([1.0, 2.0])}, {"w": jnp.array([3.0, 4.0])}))
    11.0
    """
    return sum((jnp.sum(x * y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)), jnp.zeros(()))


def add_steps(params: Params, *steps: tuple[Scalar, Params]) -> Params:
    """``params + sum(size * direction)`` over pairs of a number and a tree like the parameters.

    >>> print(add_steps(jnp.array([1.0, 1.0]), (0.5, jnp.array([2.0, 0.0])), (2.0, jnp.array([0.0, 1.0]))))
    [2. 3.]
    """
    for size, direction in steps:
        params = jax.tree.map(lambda p, x, size=size: p + size * x, params, direction)
    return params


def value_gradient(world: World, params: Params, batch: Trajectory) -> tuple[Params, jax.Array]:
    """The gradient of ``v(s)`` of one step ``[1, 1]``, and the value itself."""

    def value(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
        value = outputs["value"][0, 0]
        return value, {"value": value}

    gradient, info = world.gradient(value)(params, batch)
    return gradient, info["value"]


def action_value_gradient(world: World, params: Params, batch: Trajectory) -> tuple[Params, jax.Array]:
    """The gradient of ``q(s, a)`` of one step ``[1, 1]``, and the value itself."""

    def value(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
        value = outputs["q"][0, 0, batch.action[0, 0]]
        return value, {"value": value}

    gradient, info = world.gradient(value)(params, batch)
    return gradient, info["value"]
