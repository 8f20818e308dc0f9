"""The kinds environment (task family) and environment wrapper."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import jax

from discover.components import Component

Redraw: TypeAlias = Literal["never", "episode", "update"]


class Discrete(NamedTuple):
    """Actions ``0 .. n - 1``."""

    n: int


class Continuous(NamedTuple):
    """Real actions, one bound per dimension."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class Spec(NamedTuple):
    """What an agent must know of a task family: static, the same for all its tasks."""

    observation_shape: tuple[int, ...]
    action: Discrete | Continuous


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
