"""The kinds environment (task family) and environment wrapper."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover.components.component import Component

Redraw: TypeAlias = Literal["never", "episode", "update"]


class Discrete(NamedTuple):
    """Actions ``0 .. n - 1``."""

    n: int


class Continuous(NamedTuple):
    """Real actions, one bound per dimension.

    What an algorithm says of actions in numbers of its own (how far to explore, how random to stay) it says in units of the
    ``reach``, from the ``center``: then it does not depend on the units of the environment.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def center(self) -> jax.Array:
        """``[D]``: the middle between both bounds; 0 where either is infinite."""
        return self._bounded(lambda low, high: 0.5 * low + 0.5 * high, 0.0)

    @property
    def reach(self) -> jax.Array:
        """``[D]``: how far the bounds are from the center; 1 where either is infinite, or both are the same."""
        return self._bounded(lambda low, high: (0.5 * high - 0.5 * low) or 1.0, 1.0)

    def _bounded(self, number: Callable[[float, float], float], otherwise: float) -> jax.Array:
        pairs = zip(self.low, self.high, strict=True)
        made = [number(low, high) if math.isfinite(low) and math.isfinite(high) else otherwise for low, high in pairs]
        return jnp.asarray(made, jnp.float32)


class Spec(NamedTuple):
    """What an agent must know of a task family: static, the same for all its tasks."""

    observation_shape: tuple[int, ...]
    action: Discrete | Continuous


def encoded(spec: Spec, action: jax.Array) -> jax.Array:
    """Actions as numbers that a network reads: one-hot if discrete, else in units of their reach, from their center."""
    if isinstance(spec.action, Discrete):
        return jax.nn.one_hot(action, spec.action.n)
    return (action - spec.action.center) / spec.action.reach


class Step(NamedTuple):
    """One transition of one environment. Nothing is reset: the lifetime does that.

    ``terminated`` and ``truncated`` are apart, since a truncated episode still has a value to bootstrap from.
    """

    state: Any
    observation: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


class Environment(Component):
    """A task family: a distribution over tasks, each one environment with its parameters. One task is a family of one.

    Written for one environment; the lifetime maps it over its B columns. ``redraw`` says when a column's task is drawn
    anew: never (one task for the lifetime), at each episode, or before each update.
    """

    kind: ClassVar[str] = "environment"

    @property
    def redraw(self) -> Redraw:
        return "never"

    def spec(self) -> Spec:
        raise NotImplementedError

    def sample_task(self, key: jax.Array) -> Any:
        """One task: a tree of arrays, handed to `reset` and `step`."""
        raise NotImplementedError

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        """A first state and observation."""
        raise NotImplementedError

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        """One transition."""
        raise NotImplementedError


class Wrapper(Component):
    """An environment wrapper: makes one task family out of another (time limit, frame stack, RL2's trials, ...)."""

    kind: ClassVar[str] = "environment wrapper"

    def wrap(self, environment: Environment) -> Environment:
        raise NotImplementedError
