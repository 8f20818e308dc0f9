"""Laws of return functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.return_function import ReturnFunction, Segment, Targets
from discover.testing.components import settled
from discover.testing.failures import close, finite, require
from discover.testing.populations import differentiable, members

STEPS, COLUMNS = 7, 3


def check_return_function(function: ReturnFunction) -> None:
    """Check a return function on a segment with a termination and a truncation inside.

    Targets are finite float32 ``[T, B]``, also where the numbers are extreme; compiled or not, alone or in a population, they
    agree; nothing after the end of an episode reaches a target before it; gradients with respect to the function's own
    numbers, and to the values that it is given, are finite.

    Raises:
        ConformanceError: in one sentence.
    """
    function, name = settled(function), type(function).__name__
    segment = example_segment(jax.random.key(0))
    compiled = jax.jit(lambda f, s: f(s))
    targets = compiled(function, segment)
    require(isinstance(targets, Targets), f"{name} gives {type(targets).__name__}, not Targets.")
    for field, array in targets._asdict().items():
        found = f"{array.dtype}{list(array.shape)}"
        want = f"float32{[STEPS, COLUMNS]}"
        require(found == want, f"{name} gives a target '{field}' of {found}, not {want}.")
    require(close(targets, function(segment), 1e-4), f"{name} gives other targets when compiled than when not.")
    _check_ends(function, segment, targets, compiled, name)
    population = members(function, 4, spread=1e3)
    together = jax.jit(jax.vmap(lambda f: f(segment)))(population)
    require(finite(together), f"{name} gives targets that are not finite within the domains of its numbers.")
    for index in range(4):
        one, alone = jax.tree.map(lambda x, i=index: x[i], (together, population))
        require(close(one, compiled(alone, segment), 1e-4), f"{name} gives other targets in a population than alone.")
    _check_gradient(function, segment, name)


def example_segment(key: jax.Array) -> Segment:
    """Seven steps of three environments: one that terminates, one that is truncated, one that goes on."""
    keys = jax.random.split(key, 5)
    reward, value, following, behavior, target = (jax.random.normal(k, (STEPS, COLUMNS)) for k in keys)
    none = jnp.zeros((STEPS, COLUMNS), bool)
    return Segment(
        reward=reward,
        value=value,
        next_value=following,
        terminated=none.at[2, 0].set(True),
        truncated=none.at[4, 1].set(True),
        behavior_log_prob=-jnp.abs(behavior),
        target_log_prob=-jnp.abs(target),
    )


def _check_ends(function: Any, segment: Segment, targets: Targets, compiled: Any, name: str) -> None:
    for column, end, how in ((0, 2, "a termination"), (1, 4, "a truncation")):
        later = np.zeros((STEPS, COLUMNS), np.float32)
        later[end + 1 :, column] = 3.0
        changed = {field: getattr(segment, field) + later for field in ("reward", "value", "next_value")}
        other = compiled(function, segment._replace(**changed))
        before = [(x[: end + 1, column], y[: end + 1, column]) for x, y in zip(targets, other, strict=True)]
        require(all(close(x, y, 1e-6) for x, y in before), f"{name} lets what follows {how} reach the targets before it.")
    ended = segment._replace(next_value=segment.next_value.at[2, 0].add(3.0))
    require(
        close(targets.value[:3, 0], compiled(function, ended).value[:3, 0], 1e-6),
        f"{name} bootstraps from the value after a termination.",
    )


def _check_gradient(function: Any, segment: Segment, name: str) -> None:
    def total(function: Any, value: jax.Array) -> jax.Array:
        made = function(segment._replace(value=value))
        return jnp.sum(made.value) + jnp.sum(made.advantage)

    own, value = jax.jit(jax.grad(total, argnums=(0, 1), allow_int=True))(function, segment.value)
    require(finite(differentiable(function, own)), f"{name} has a gradient with respect to its own numbers that is not finite.")
    require(finite(value), f"{name} has a gradient with respect to values that is not finite.")
