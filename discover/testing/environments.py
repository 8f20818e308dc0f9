"""Checks of environments."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from discover.contract.environment import Discrete, Environment, Spec, Step
from discover.contract.types import EnvState, Key, Task
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.failures import finite, form, require, same_bits
from discover.testing.guard import guarded, traced_twice

_STARTS = 64
"""Starts of an episode from which the range of its first states is taken."""

_LAST = ("A step gives the true last state and observation; the framework resets.", "Return the state that the action led to.")
_FINITE = ("One number that is not finite breaks a lifetime.", "Guard divisions, roots and logarithms, and bound the state.")
_SHAPES = ("Steps run in a loop over many environments, whose forms never change.", "Return what the contract names.")
_ENDS = (
    "A value follows a truncation, and none follows a termination.",
    "Write truncated=late & ~terminated: an episode that ends by itself is not cut off.",
)


class Roll(NamedTuple):
    """Steps with random actions, each field ``[steps, ...]``.

    Attributes:
        observation, reward, terminated, truncated: as `Environment.step` gave them.
        at_start: whether state and observation both lie where episodes start.
    """

    observation: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    at_start: jax.Array


@guarded("step")
def check_environment(environment: Environment, steps: int = 128, num_envs: int = 4, longest: int = 100_000) -> None:
    """Check a family with random actions, in several environments side by side; after the end of an episode a new one starts.

    Shapes are those of `check_environment_shapes`. Observations and rewards are finite. The same key gives the same bits. Not
    every step looks the same. Episodes end, and by one of the two ends alone. The last state of an episode is not the first
    state of another: an environment does not reset itself.

    Args:
        environment: open values are set first.
        steps: of each environment.
        num_envs: B environments, each with a task and keys of its own.
        longest: steps after which an episode must have ended, if none ends within ``steps``.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    environment, name = complete(environment), repr(environment)
    check_environment_shapes(environment)
    roll = jax.jit(lambda e, keys: jax.vmap(lambda key: _roll(e, key, steps))(keys))
    keys = jax.random.split(jax.random.key(0), num_envs)
    rolled = roll(environment, keys)
    require(finite(rolled.observation), f"{name} gives observations that are not finite.", *_FINITE)
    require(finite(rolled.reward), f"{name} gives rewards that are not finite.", *_FINITE)
    require(
        same_bits(rolled, roll(environment, keys)),
        f"{name} is not decided by its keys.",
        "The same key gives the same bits.",
        "Draw with jax.random from the key that the method receives.",
    )
    ended = np.asarray(rolled.terminated | rolled.truncated)
    varied = np.ptp(np.asarray(rolled.observation), axis=1).any() or np.ptp(np.asarray(rolled.reward), axis=1).any()
    require(
        varied or ended.any(),
        f"{name} shows and pays the same for {steps} random steps, and never ends.",
        "There is nothing to learn.",
        "Change the state by the action, and show it.",
    )
    require(not np.any(rolled.terminated & rolled.truncated), f"{name} ends an episode in both ways at once.", *_ENDS)
    require(
        not _resets_itself(np.asarray(rolled.at_start), ended),
        f"{name} resets itself: where an episode ends, its state and observation are those of a start.",
        *_LAST,
    )
    require(
        ended.any() or jax.jit(lambda e, k: _ends(e, k, longest))(environment, keys[0]),
        f"{name} ends no episode within {longest:,} random steps.",
        "The return of an episode is counted when it ends; a lifetime without one has no fitness (status NO_EPISODE).",
        "Add a limit: truncated=count >= limit, or the wrapper time_limit.",
    )


@guarded("step")
def check_environment_shapes(environment: Environment) -> None:
    """Check shapes and dtypes by a trace alone: nothing is run.

    `reset` and `step` give states of one structure, and observations of the spec's shape. The reward is one float32, as
    is a shaped reward. ``terminated`` and ``truncated`` are one bool each. Every trace is the same program.

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
    action = jax.eval_shape(lambda key: _random_action(spec, key), key)
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


def _check_traces(environment: Environment, spec: Spec, name: str) -> None:
    """Check by traces alone that a step is the same program each time, and the same for the state after it."""

    def step(key: Key) -> tuple[EnvState, Step]:
        task = environment.sample_task(key)
        state, _ = environment.reset(key, task)
        return state, environment.step(key, state, _random_action(spec, key), task)

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


def _is(value: jax.Array, dtype: DTypeLike) -> bool:
    """Whether a value is a scalar of a dtype."""
    return getattr(value, "shape", None) == () and value.dtype == dtype


def _random_action(spec: Spec, key: Key) -> jax.Array:
    if isinstance(spec.action, Discrete):
        return jax.random.randint(key, (), 0, spec.action.n)
    low, high = (jnp.clip(jnp.asarray(bound, jnp.float32), -1e3, 1e3) for bound in spec.action)
    return jax.random.uniform(key, low.shape, minval=low, maxval=high)


def _roll(environment: Environment, key: Key, steps: int) -> Roll:
    """Steps with random actions, with a new episode after the end of one."""
    key_task, key_reset, key_steps = jax.random.split(key, 3)
    task, spec = environment.sample_task(key_task), environment.spec()
    starts = jax.vmap(lambda key: _numbers(*environment.reset(key, task)))(jax.random.split(key_reset, _STARTS))
    low, high = starts.min(axis=0), starts.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)  # a start may lie a little outside of those that were drawn

    def step(state: EnvState, key: Key) -> tuple[EnvState, Roll]:
        after, fresh = _random_step(environment, spec, task, state=state, key=key)
        numbers = _numbers(after.state, after.observation)
        at_start = jnp.all((numbers >= low) & (numbers <= high))
        return fresh, Roll(after.observation, after.reward, after.terminated, after.truncated, at_start=at_start)

    return jax.lax.scan(step, environment.reset(key_reset, task)[0], jax.random.split(key_steps, steps))[1]


def _random_step(environment: Environment, spec: Spec, task: Task, *, state: EnvState, key: Key) -> tuple[Step, EnvState]:
    """A step with a random action, and the state from which to go on: a fresh one where the episode has ended."""
    key_action, key_step, key_reset = jax.random.split(key, 3)
    after = environment.step(key_step, state, _random_action(spec, key_action), task)
    done, fresh = after.terminated | after.truncated, environment.reset(key_reset, task)[0]
    return after, jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, after.state)


def _numbers(state: EnvState, observation: jax.Array) -> jax.Array:
    """All numbers of a state and an observation in one row; random keys are left out."""
    leaves = [x for x in jax.tree.leaves((state, observation)) if not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)]
    return jnp.concatenate([jnp.ravel(x).astype(jnp.float32) for x in leaves])


def _resets_itself(at_start: np.ndarray, ended: np.ndarray) -> bool:
    """Whether nearly all ends of episodes look like starts, and most steps before an end do not."""
    before = ~ended
    return bool(ended.any() and before.any() and at_start[ended].mean() > 0.95 and at_start[before].mean() < 0.5)


def _ends(environment: Environment, key: Key, most: int) -> jax.Array:
    """Whether an episode ends within so many random steps."""
    key_task, key_reset = jax.random.split(key)
    task, spec = environment.sample_task(key_task), environment.spec()

    def step(carry: tuple[jax.Array, jax.Array, EnvState]) -> tuple[jax.Array, jax.Array, EnvState]:
        index, _, state = carry
        after, fresh = _random_step(environment, spec, task, state=state, key=jax.random.fold_in(key, index))
        return index + 1, after.terminated | after.truncated, fresh

    start = jnp.zeros((), jnp.int32), jnp.array(False), environment.reset(key_reset, task)[0]
    return jax.lax.while_loop(lambda carry: (carry[0] < most) & ~carry[1], step, start)[1]
