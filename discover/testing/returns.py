"""Checks of return functions."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.return_function import ReturnFunction, Segment, Targets
from discover.contract.types import Key
from discover.testing.components import complete
from discover.testing.failures import close, finite, require
from discover.testing.gradients import check_not_stopped
from discover.testing.guard import guarded, traced_twice
from discover.testing.populations import differentiable, members
from discover.testing.programs import quickly_compiled

STEPS, COLUMNS = 7, 3

_TARGETS = ("A rule learns from one target per step and environment.", "Return Targets(value, advantage), each float32 [T, B].")
_REPEATED = ("The same call must always be the same program.", "Take unseeded generators, counters and clocks out of it.")
_END = ("The next episode has nothing to do with this one.", "Multiply what follows by `1 - (terminated | truncated)`.")
_FINITE = ("One number that is not finite breaks a lifetime.", "Guard divisions, roots and logarithms by a small constant.")


@guarded("__call__")
def check_return_function(function: ReturnFunction) -> None:
    """Check a return function on a segment with a termination and a truncation inside.

    Targets are finite float32 ``[T, B]``, also where the numbers are extreme. They are the same compiled and not compiled,
    alone and in a population, and in every trace. Nothing after the end of an episode changes a target before it; the value
    after a termination does not count, whatever stands in ``next_value`` there. Gradients with respect to the function's own
    numbers, and to the values in the segment, are finite; none is stopped.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    function, name = complete(function), type(function).__name__
    segment = example_segment(jax.random.key(0))
    targets, same = traced_twice(lambda f, s: f(s), function, segment)
    require(isinstance(targets, Targets), f"{name} gives {type(targets).__name__}, not Targets.", *_TARGETS)
    for field, array in targets._asdict().items():
        actual, expected = f"{array.dtype}{list(array.shape)}", f"float32{[STEPS, COLUMNS]}"
        require(actual == expected, f"{name} gives a target '{field}' of {actual}, not {expected}.", *_TARGETS)
    require(same, f"{name} gives another program when it is traced again.", *_REPEATED)
    compiled = quickly_compiled(lambda f, s: f(s))
    targets = jax.tree.map(np.asarray, compiled(function, segment))
    require(
        close(targets, function(segment), 1e-4),
        f"{name} gives other targets when compiled than when not.",
        "A trace runs the Python code once.",
        "Branch by jnp.where, and keep nothing between calls.",
    )
    _check_ends(function, segment, targets, compiled=compiled, name=name)
    _check_population(function, segment, compiled, name)
    _check_gradient(function, segment, name, compiled)


def example_segment(key: Key) -> Segment:
    """Seven steps of three columns: an episode that terminates, one that is truncated, and one that does not end.

    As `Segment` says, the next value after a termination is 0.

    >>> segment = example_segment(jax.random.key(0))
    >>> segment.reward.shape, segment.terminated.sum().item(), segment.truncated.sum().item()
    ((7, 3), 1, 1)
    """
    segment: Segment = quickly_compiled(_segment)(key)
    return segment


def _segment(key: Key) -> Segment:
    keys = jax.random.split(key, 5)
    reward, value, following, behavior, target = (jax.random.normal(k, (STEPS, COLUMNS)) for k in keys)
    none = jnp.zeros((STEPS, COLUMNS), bool)
    terminated = none.at[2, 0].set(True)
    return Segment(
        reward=reward,
        value=value,
        next_value=jnp.where(terminated, 0.0, following),
        terminated=terminated,
        truncated=none.at[4, 1].set(True),
        behavior_log_prob=-jnp.abs(behavior),
        target_log_prob=-jnp.abs(target),
    )


def _check_ends(
    function: ReturnFunction,
    segment: Segment,
    targets: Targets,
    *,
    compiled: Callable[[ReturnFunction, Segment], Targets],
    name: str,
) -> None:
    """Check that no target depends on a reward or value after the end of its episode."""
    for column, end, kind in ((0, 2, "a termination"), (1, 4, "a truncation")):
        later = np.zeros((STEPS, COLUMNS), np.float32)
        later[end + 1 :, column] = 3.0
        changed = {field: np.asarray(getattr(segment, field)) + later for field in ("reward", "value", "next_value")}
        other = jax.tree.map(np.asarray, compiled(function, segment._replace(**changed)))
        before = [(x[: end + 1, column], y[: end + 1, column]) for x, y in zip(targets, other, strict=True)]
        require(
            all(close(x, y, 1e-6) for x, y in before), f"{name} lets what follows {kind} reach the targets before it.", *_END
        )
    following = np.array(segment.next_value)
    following[2, 0] = 3.0
    ended = compiled(function, segment._replace(next_value=following))
    require(
        close(targets.value[:3, 0], np.asarray(ended.value)[:3, 0], 1e-6),
        f"{name} bootstraps from the value after a termination.",
        "Nothing follows a termination. World.segment puts 0 there, but a rule may build segments by itself.",
        "Multiply `next_value` by `1 - terminated`.",
    )


def _check_population(
    function: ReturnFunction, segment: Segment, compiled: Callable[[ReturnFunction, Segment], Targets], name: str
) -> None:
    """Check that members of a population get the targets that they get alone; a function without numbers has no population."""
    if not jax.tree.leaves(function):
        return
    population = jax.tree.map(np.asarray, members(function, 4, spread=1e3))
    together = jax.tree.map(np.asarray, quickly_compiled(jax.vmap(lambda f: f(segment)))(population))
    require(finite(together), f"{name} gives targets that are not finite within the domains of its numbers.", *_FINITE)
    for index in range(4):
        one, alone = jax.tree.map(lambda x, i=index: x[i], (together, population))
        require(
            close(one, compiled(alone, segment), 1e-4),
            f"{name} gives other targets in a population than alone.",
            "A search trains many candidates side by side.",
            "Compute with the numbers as they are: float() and shapes made of them belong to one candidate alone.",
        )


def _check_gradient(
    function: ReturnFunction, segment: Segment, name: str, compiled: Callable[[ReturnFunction, Segment], Targets]
) -> None:
    """Check that the gradient of a weighted sum of all targets is finite, and nowhere stopped."""

    def total(function: ReturnFunction, value: jax.Array) -> jax.Array:
        targets = function(segment._replace(value=value))
        return jnp.sum(targets.value * weight) + jnp.sum(targets.advantage * weight)

    weight = np.cos(np.arange(STEPS * COLUMNS, dtype=np.float32)).reshape(
        STEPS, COLUMNS
    )  # so that slopes do not cancel each other

    own, value = quickly_compiled(jax.grad(total, argnums=(0, 1), allow_int=True))(function, segment.value)
    require(
        finite(differentiable(function, own)),
        f"{name} has a gradient with respect to its own numbers that is not finite.",
        *_FINITE,
    )
    require(finite(value), f"{name} has a gradient with respect to values that is not finite.", *_FINITE)
    check_not_stopped(function, own, lambda f: compiled(f, segment), method="__call__")
