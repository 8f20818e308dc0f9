"""Checks of optimizers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.component import fields
from discover.contract.optimizer import Optimizer
from discover.contract.types import OptimizerState, Params
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.failures import finite, form, is_tuple_of, require
from discover.testing.gradients import check_not_stopped
from discover.testing.guard import guarded, traced_twice
from discover.testing.populations import differentiable
from discover.testing.programs import quickly_compiled

_SCANNED = (
    "Updates run in a loop, whose state keeps its form.",
    "Return the same structure, shapes and dtypes as `init` does.",
)
_SLOPE = (
    "A unit that is dead for a while has a gradient of zero, and a meta-gradient runs through the optimizer.",
    "Put a small constant under roots and norms: jnp.sqrt(x + 1e-12).",
)

_SLOPES = (1.0, 0.0, 0.37)
"""Factors of the gradient of a bowl. With the last one, no usual learning rate comes to the bottom in one step."""


@guarded("update")
def check_optimizer(optimizer: Optimizer) -> None:
    """Check an optimizer on the quadratic loss ``sum(x^2)``, with some parameters at the minimum from the start.

    Parameters and state keep their structure and stay finite. The loss falls. The derivatives of the loss after ten steps with
    respect to the optimizer's own numbers and to the gradient are finite, also where the gradient is zero, and none is stopped,
    unless the optimizer declares that none of its numbers is differentiable. Every trace is the same program.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    optimizer, name = complete(optimizer), type(optimizer).__name__
    start = {"kernel": [[1.0, -2.0], [0.5, 0.0]], "dead": [0.0, 0.0], "bias": 0.3}
    params = {leaf: jnp.asarray(np.asarray(numbers, np.float32)) for leaf, numbers in start.items()}

    def bowl(params: Params) -> jax.Array:
        return sum((jnp.sum(x**2) for x in jax.tree.leaves(params)), jnp.zeros(()))

    def descend(optimizer: Optimizer, slope: Params) -> tuple[jax.Array, tuple[Params, OptimizerState]]:
        def step(carry: tuple[Params, OptimizerState], _: None) -> tuple[tuple[Params, OptimizerState], None]:
            params, state = carry
            gradient = jax.tree.map(jnp.multiply, slope, jax.grad(bowl)(params))
            return optimizer.update(gradient, state, params, jnp.float32(0.5)), None

        carry = (params, optimizer.init(params))
        after = jax.eval_shape(lambda c: step(c, None)[0], carry)
        sentence = f"{name}.update gives {type(after).__name__}, not a pair of new parameters and state."
        require(is_tuple_of(2, after), sentence, *_SCANNED)
        require(form(after[0]) == form(carry[0]), f"{name} gives parameters of another form than it was given.", *_SCANNED)
        require(form(after[1]) == form(carry[1]), f"{name} changes the form of its state: it could not be scanned.", *_SCANNED)
        changed = changed_weak_type(carry[1], after[1])
        require(
            changed is None,
            f"the state of {name} begins with a number of Python at '{changed}'.",
            "A program that is given the state would be compiled a second time after the first step.",
            "Write jnp.zeros(()) or jnp.float32(0) in `init`.",
            method="init",
        )
        (last, state), _ = jax.lax.scan(step, carry, length=10)
        moved = jax.tree.map(lambda start, x: jnp.cos(x) * (start != 0.0), params, last)  # so that no slope is zero by chance
        return bowl(last) + sum(jnp.sum(x) for x in jax.tree.leaves(moved)), (last, state)

    ones, zeros, flatter = (jax.tree.map(lambda x, all=slope: np.full(x.shape, all, np.float32), params) for slope in _SLOPES)
    same = traced_twice(descend, optimizer, ones)[1]
    require(
        same,
        f"{name} gives another program when it is traced again.",
        "The same call must always be the same program.",
        "Take unseeded generators, counters and clocks out of it.",
    )
    differentiated = quickly_compiled(jax.value_and_grad(descend, argnums=(0, 1), has_aux=True, allow_int=True))
    (_, after), slopes = differentiated(optimizer, ones)
    require(
        finite(after),
        f"{name} gives parameters or a state that are not finite.",
        "One number that is not finite breaks a lifetime.",
        "Guard divisions, roots and logarithms by a small constant.",
    )
    before, reached = (sum(float(np.sum(np.square(x))) for x in jax.tree.leaves(tree)) for tree in (params, after[0]))
    require(
        reached < before,
        f"{name} does not climb down a bowl: from {before:.4g} to {reached:.4g} in ten steps.",
        "An optimizer steps against the gradient, and returns the new parameters, not a change of them.",
        "Return params - step, and choose a default that moves.",
    )
    if {field.name for field in fields(type(optimizer)) if field.role == "leaf"} <= set(optimizer.not_differentiable):
        return
    for (own, gradient), where in (
        (slopes, "on a bowl"),
        (differentiated(optimizer, zeros)[1], "where the gradient is zero"),
    ):
        sound = finite(differentiable(optimizer, own)) and finite(gradient)
        require(sound, f"{name} has a derivative that is not finite {where}: meta-gradients would be NaN.", *_SLOPE)
    check_not_stopped(
        optimizer, differentiated(optimizer, flatter)[1][0], lambda o: differentiated(o, flatter)[0][1][0], method="update"
    )
