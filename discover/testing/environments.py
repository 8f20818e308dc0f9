"""Checks of environments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from discover.base.dependence import depends
from discover.contract.environment import Environment, Spec, Step
from discover.contract.types import EnvState, Key
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.experts import check_expert, check_expert_shape
from discover.testing.failures import finite, form, require, same_bits
from discover.testing.guard import guarded, traced_twice
from discover.testing.programs import quickly_compiled
from discover.testing.rolling import Roll, ends_within, held_actions, random_action, rolls

_LAST = ("A step gives the true last state and observation; the framework resets.", "Return the state that the action led to.")
_FINITE = ("One number that is not finite breaks a lifetime.", "Guard divisions, roots and logarithms, and bound the state.")
_SHAPES = ("Steps run in a loop over many environments, whose forms never change.", "Return what the contract names.")
_ENDS = (
    "A value follows a truncation, and none follows a termination.",
    "Write truncated=late & ~terminated: an episode that ends by itself is not cut off.",
)


@guarded("step")
def check_environment(environment: Environment, steps: int = 128, num_envs: int = 4, longest: int = 100_000) -> tuple[str, ...]:
    """Check a family with random actions, in several environments side by side; after the end of an episode a new one starts.

    Beside them, each of a few actions is held: all discrete ones up to 8, or the lowest, the middle and the highest real one.

    Shapes are those of `check_environment_shapes`. Observations and rewards are finite. The same key gives the same bits. Not
    every step looks the same. Episodes end, and by one of the two ends alone. The last state of an episode is not the first
    state of another: an environment does not reset itself. An expert, if there is one, acts within the bounds of actions.

    Args:
        environment: open values are set first.
        steps: of each environment.
        num_envs: B environments, each with a task and keys of its own.
        longest: steps after which an episode must have ended, if none ends within ``steps``.

    Returns:
        What the check could not see, a sentence each: an end that may happen, but did not.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    environment, name = complete(environment), repr(environment)
    check_environment_shapes(environment)
    keys, held = jax.random.split(jax.random.key(0), num_envs), held_actions(environment.spec())
    roll = quickly_compiled(lambda e, keys, held: rolls(e, keys, held, steps))
    rolled = jax.tree.map(np.asarray, roll(environment, keys, held))
    require(finite(rolled.observation), f"{name} gives observations that are not finite.", *_FINITE)
    require(finite(rolled.reward), f"{name} gives rewards that are not finite.", *_FINITE)
    require(
        same_bits(rolled, roll(environment, keys, held)),
        f"{name} is not decided by its keys.",
        "The same key gives the same bits.",
        "Draw with jax.random from the key that the method receives.",
    )
    ended = rolled.terminated | rolled.truncated
    varied = np.ptp(rolled.observation[:num_envs], axis=1).any() or np.ptp(rolled.reward[:num_envs], axis=1).any()
    require(
        varied or ended[:num_envs].any(),
        f"{name} shows and pays the same for {steps} random steps, and never ends.",
        "There is nothing to learn.",
        "Change the state by the action, and show it.",
    )
    require(not np.any(rolled.terminated & rolled.truncated), f"{name} ends an episode in both ways at once.", *_ENDS)
    require(
        not _resets_itself(rolled.at_start[:num_envs], ended[:num_envs]),
        f"{name} resets itself: where an episode ends, its state and observation are those of a start.",
        *_LAST,
    )
    require(
        ended.any() or quickly_compiled(lambda e, k: ends_within(e, k, longest))(environment, keys[0]),
        f"{name} ends no episode within {longest:,} random steps.",
        "The return of an episode is counted when it ends; a lifetime without one has no fitness (status NO_EPISODE).",
        "Add a limit: truncated=count >= limit, or the wrapper time_limit.",
    )
    check_expert(environment, keys)
    return _unseenends_within(environment, rolled)


@guarded("step")
def check_environment_shapes(environment: Environment) -> None:
    """Check shapes and dtypes by a trace alone: nothing is run.

    `reset` and `step` give states of one structure, and observations of the spec's shape. The reward is one float32, as
    is a shaped reward. ``terminated`` and ``truncated`` are one bool each.
    An expert, if there is one, gives one action. Every trace is the same program.

    Raises:
        ConformanceError: the first check that fails, in one sentence.

    >>> from discover.testing.small import Corridor
    >>> check_environment_shapes(Corridor())
    """
    environment, name = complete(environment), repr(environment)
    spec = environment.spec()
    require(isinstance(spec, Spec), f"{name} gives no Spec but {type(spec).__name__}.", *_SHAPES, method="spec")
    require(
        environment.redraw in ("never", "episode", "update"),
        f"{name} redraws '{environment.redraw}': never, episode or update.",
        *_SHAPES,
        method="redraw",
    )
    key = jax.random.key(0)
    task = jax.eval_shape(environment.sample_task, key)
    require(
        jax.tree.leaves(task),
        f"{name} has tasks without a single array: give at least a zero.",
        "Tasks of many environments are stacked along an axis.",
        "Return jnp.zeros(()) for a family of one.",
        method="sample_task",
    )
    start = jax.eval_shape(environment.reset, key, task)
    sentence = f"{name}.reset gives {type(start).__name__}, not a pair of state and observation."
    require(isinstance(start, tuple) and len(start) == 2, sentence, *_SHAPES, method="reset")
    state, observation = start
    action = jax.eval_shape(lambda key: random_action(spec, key), key)
    after = jax.eval_shape(environment.step, key, state, action, task)
    require(isinstance(after, Step), f"{name}.step gives {type(after).__name__}, not Step.", *_SHAPES)
    require(form(after.state) == form(state), f"{name}.step gives a state of another form than reset does.", *_SHAPES)
    for method, value in (("reset", observation), ("step", after.observation)):
        shape, expected = tuple(value.shape), tuple(spec.observation_shape)
        sentence = f"{name}.{method} gives an observation of shape {shape}; its spec says {expected}."
        require(shape == expected, sentence, *_SHAPES, method=method)
    require(observation.dtype == after.observation.dtype, f"{name} gives observations of two dtypes.", *_SHAPES)
    require(_is(after.reward, jnp.float32), f"{name} gives a reward of {after.reward}, not one float32.", *_SHAPES)
    shaped, sentence = after.shaped, f"{name} gives a shaped reward of {after.shaped}, neither one float32 nor ()."
    require(shaped == () if isinstance(shaped, tuple) else _is(shaped, jnp.float32), sentence, *_SHAPES)
    for end in ("terminated", "truncated"):
        sentence = f"{name} gives '{end}' as {getattr(after, end)}, not one truth value."
        require(_is(getattr(after, end), jnp.bool_), sentence, *_SHAPES)
    _check_traces(environment, spec, name)
    check_expert_shape(environment)


def _check_traces(environment: Environment, spec: Spec, name: str) -> None:
    """Check by traces alone that a step is the same program each time, and the same for the state after it."""

    def step(key: Key) -> tuple[EnvState, Step]:
        task = environment.sample_task(key)
        state, _ = environment.reset(key, task)
        return state, environment.step(key, state, random_action(spec, key), task)

    (state, after), same = traced_twice(step, jax.random.key(0))
    require(
        same,
        f"{name} gives another program when it is traced again.",
        "The same call must always be the same program, and a trace draws once for ever.",
        "Draw with jax.random from the key; take generators, counters and clocks out of it.",
    )
    changed = changed_weak_type(state, after.state)
    require(
        changed is None,
        f"{name} begins with a number of Python in its state, at '{changed}'.",
        "A program that is given the state would be compiled a second time after the first step.",
        "Write jnp.zeros(()) or jnp.float32(0) in `reset`, and keep the dtype in `step`.",
        method="reset",
    )


def _unseenends_within(environment: Environment, rolled: Roll) -> tuple[str, ...]:
    """A sentence for each kind of end that did not happen, although a step may give it."""
    if rolled.terminated.any() and rolled.truncated.any():
        return ()
    key, spec = jax.random.key(0), environment.spec()

    def ends(key: Key, action: jax.Array) -> tuple[jax.Array, jax.Array]:
        task = environment.sample_task(key)
        after = environment.step(key, environment.reset(key, task)[0], action, task)
        return after.terminated, after.truncated

    program = jax.make_jaxpr(ends)(key, jax.eval_shape(lambda k: random_action(spec, k), key)).jaxpr
    possible = depends(program, [True] * len(program.invars))
    facts = ((rolled.terminated, "terminated", "an end by itself"), (rolled.truncated, "was truncated", "a time limit"))
    return tuple(
        f"no episode {end} in the check, so what happens at {at} was not seen."
        for may, (seen, end, at) in zip(possible, facts, strict=True)
        if may and not seen.any()
    )


def _is(value: jax.Array, dtype: DTypeLike) -> bool:
    """Whether a value is a scalar of a dtype."""
    return getattr(value, "shape", None) == () and value.dtype == dtype


def _resets_itself(at_start: np.ndarray, ended: np.ndarray) -> bool:
    """Whether nearly all ends of episodes look like starts, and most steps before an end do not."""
    before = ~ended
    return bool(ended.any() and before.any() and at_start[ended].mean() > 0.95 and at_start[before].mean() < 0.5)
