"""Checks of optimizers."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from discover.components.component import fields
from discover.contract.optimizer import Optimizer
from discover.contract.types import OptimizerState, Params
from discover.testing.components import complete
from discover.testing.failures import finite, form, require
from discover.testing.populations import differentiable


def check_optimizer(optimizer: Optimizer) -> None:
    """Check an optimizer on the quadratic loss ``sum(x^2)``, with some parameters at the minimum from the start.

    Parameters and state keep their structure and stay finite. The loss falls. The derivatives of the loss after ten steps with
    respect to the optimizer's own numbers and to the gradient are finite, also where the gradient is zero, unless the optimizer
    declares that none of its numbers is differentiable.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    optimizer, name = complete(optimizer), type(optimizer).__name__
    params = {"kernel": jnp.asarray([[1.0, -2.0], [0.5, 0.0]]), "dead": jnp.zeros(2), "bias": jnp.asarray(0.3)}

    def bowl(params: Params) -> jax.Array:
        return sum((jnp.sum(x**2) for x in jax.tree.leaves(params)), jnp.zeros(()))

    def descend(optimizer: Optimizer, slope: Params) -> tuple[jax.Array, tuple[Params, OptimizerState]]:
        def step(carry: tuple[Params, OptimizerState], _: None) -> tuple[tuple[Params, OptimizerState], None]:
            params, state = carry
            gradient = jax.tree.map(jnp.multiply, slope, jax.grad(bowl)(params))
            return optimizer.update(gradient, state, params, jnp.float32(0.5)), None

        carry = (params, optimizer.init(params))
        after = jax.eval_shape(lambda c: step(c, None)[0], carry)
        require(form(after[0]) == form(carry[0]), f"{name} gives parameters of another form than it was given.")
        require(form(after[1]) == form(carry[1]), f"{name} changes the form of its state: it could not be scanned.")
        (last, state), _ = jax.lax.scan(step, carry, length=10)
        return bowl(last), (last, state)

    differentiated = jax.jit(jax.value_and_grad(descend, argnums=(0, 1), has_aux=True, allow_int=True))
    (reached, after), slopes = differentiated(optimizer, jax.tree.map(jnp.ones_like, params))
    require(finite(after), f"{name} gives parameters or a state that are not finite.")
    require(reached < bowl(params), f"{name} does not climb down a bowl: from {bowl(params)} to {reached} in ten steps.")
    if {field.name for field in fields(type(optimizer)) if field.role == "leaf"} <= set(optimizer.not_differentiable):
        return
    for slope, where in (
        (slopes, "on a bowl"),
        (differentiated(optimizer, jax.tree.map(jnp.zeros_like, params))[1], "where the gradient is zero"),
    ):
        sound = finite(differentiable(optimizer, slope[0])) and finite(slope[1])
        require(sound, f"{name} has a derivative that is not finite {where}: meta-gradients would be NaN.")
