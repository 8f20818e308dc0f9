"""The kinds environment (a task family) and environment wrapper."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.components.component import Component
from discover.contract.types import EnvState, Key, Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Redraw: TypeAlias = Literal["never", "episode", "update"]
"""When an environment gets a new task: never, at the start of each episode, or before each update."""


class Discrete(NamedTuple):
    """A discrete action space: the whole numbers ``0 .. n - 1``."""

    n: int


class MultiDiscrete(NamedTuple):
    """A factored action space: D choices at once, ``[D]`` whole numbers of which number d is one of ``0 .. factors[d] - 1``.

    Every combination is an action. As an action of the discrete space of all N combinations it has a number, in which the last
    choice counts fastest: the wrapper ``flat_actions`` offers these.

    >>> space = MultiDiscrete((4, 3, 2))
    >>> space.combinations, space.number_of(jnp.array([1, 0, 1])), space.action_of(jnp.int32(7))
    (24, Array(7, dtype=int32), Array([1, 0, 1], dtype=int32))

    Attributes:
        factors: the number of options of each choice.
    """

    factors: tuple[int, ...]

    @property
    def combinations(self) -> int:
        """N, the number of different actions."""
        return math.prod(self.factors)

    def number_of(self, action: jax.Array) -> jax.Array:
        """The numbers ``[...]``, from 0 to N - 1, of actions ``[..., D]``."""
        number = jnp.zeros((), jnp.int32)
        for place, options in enumerate(self.factors):
            number = number * options + action[..., place]
        return number

    def action_of(self, number: jax.Array) -> jax.Array:
        """The actions ``[..., D]`` that have these numbers ``[...]``."""
        choices = []
        for options in reversed(self.factors):
            choices.append(number % options)
            number = number // options
        return jnp.stack(choices[::-1], axis=-1)

    def split(self, joined: jax.Array) -> tuple[jax.Array, ...]:
        """The parts ``[..., factors[d]]`` of numbers ``[..., sum(factors)]`` that stand side by side, an option each."""
        return tuple(jnp.split(joined, list(itertools.accumulate(self.factors))[:-1], axis=-1))


class Continuous(NamedTuple):
    """A space of real actions ``[D]``, with a lower and an upper bound for each dimension.

    An algorithm expresses its own numbers about actions (how far to explore, how random to stay) in units of the ``reach``,
    measured from the ``center``. So they do not depend on the units of the environment.

    >>> space = Continuous(low=(-2.0, 0.0), high=(2.0, 1.0))
    >>> print(space.center, space.reach)
    [0.  0.5] [2.  0.5]
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def center(self) -> jax.Array:
        """``[D]``: the middle between the two bounds; 0 where one of them is infinite."""
        return self._from_bounds(lambda low, high: 0.5 * low + 0.5 * high, 0.0)

    @property
    def reach(self) -> jax.Array:
        """``[D]``: the distance from the center to the bounds; 1 where a bound is infinite, or where both are equal."""
        return self._from_bounds(lambda low, high: (0.5 * high - 0.5 * low) or 1.0, 1.0)

    def _from_bounds(self, number: Callable[[float, float], float], otherwise: float) -> jax.Array:
        """``number(low, high)`` for each dimension with finite bounds, else ``otherwise``."""
        pairs = zip(self.low, self.high, strict=True)
        numbers = [number(low, high) if math.isfinite(low) and math.isfinite(high) else otherwise for low, high in pairs]
        return jnp.asarray(numbers, jnp.float32)


class Spec(NamedTuple):
    """The observations and actions of a task family: known before tracing, and the same for all its tasks.

    Attributes:
        observation_shape: shape of one observation.
        action: action space.
    """

    observation_shape: tuple[int, ...]
    action: Discrete | MultiDiscrete | Continuous


def action_size(spec: Spec) -> int:
    """The number of values by which `encode_action` gives an action to a network.

    >>> action_size(Spec((4,), Discrete(3))), action_size(Spec((4,), MultiDiscrete((4, 3))))
    (3, 7)
    """
    match spec.action:
        case Discrete(n):
            return n
        case MultiDiscrete(factors):
            return sum(factors)
        case Continuous(low, _):
            return len(low)


def zero_action(spec: Spec) -> jax.Array:
    """Zero in the shape and dtype of an action: int32 scalar or ``[D]``, or float32 ``[D]``.

    >>> zero_action(Spec((4,), Discrete(2)))
    Array(0, dtype=int32)
    """
    match spec.action:
        case Discrete():
            return jnp.zeros((), jnp.int32)
        case MultiDiscrete(factors):
            return jnp.zeros(len(factors), jnp.int32)
        case Continuous(low, _):
            return jnp.zeros(len(low))


def decode_action(spec: Spec, encoded: jax.Array) -> jax.Array:
    """Actions of which `encode_action` made these numbers.

    >>> print(decode_action(Spec((4,), Discrete(3)), jnp.array([0.0, 0.0, 1.0])))
    2
    >>> print(decode_action(Spec((4,), Continuous((-2.0,), (2.0,))), jnp.array([0.5])))
    [1.]
    """
    if isinstance(spec.action, Discrete):
        return jnp.argmax(encoded, axis=-1)
    if isinstance(spec.action, MultiDiscrete):
        return jnp.stack([jnp.argmax(part, axis=-1) for part in spec.action.split(encoded)], axis=-1)
    return spec.action.center + spec.action.reach * encoded


def encode_action(spec: Spec, action: jax.Array) -> jax.Array:
    """Actions as the input of a network: one-hot if discrete, and so each choice of a factored one, side by side.

    Real ones are in units of their reach, from their center.

    Args:
        spec: whose action space it is.
        action: ``[...]`` if discrete, ``[..., D]`` if factored or real.

    Returns:
        ``[..., n]``, ``[..., sum(factors)]`` or ``[..., D]``.

    >>> print(encode_action(Spec((4,), Discrete(3)), jnp.array(2)))
    [0. 0. 1.]
    >>> print(encode_action(Spec((4,), Continuous((-2.0,), (2.0,))), jnp.array([1.0])))
    [0.5]
    >>> print(encode_action(Spec((4,), MultiDiscrete((2, 3))), jnp.array([1, 0])))
    [0. 1. 1. 0. 0.]
    """
    if isinstance(spec.action, Discrete):
        return jax.nn.one_hot(action, spec.action.n)
    if isinstance(spec.action, MultiDiscrete):
        parts = [jax.nn.one_hot(action[..., place], options) for place, options in enumerate(spec.action.factors)]
        return jnp.concatenate(parts, axis=-1)
    return (action - spec.action.center) / spec.action.reach


class Step(NamedTuple):
    """The result of one step of one environment. The environment does not reset itself; the framework does.

    Attributes:
        state: the environment after the step.
        observation: ``[*observation_shape]``, the true next observation, also at the end of an episode.
        reward: scalar.
        terminated: whether the episode ended for good: nothing follows, the value of the next state is 0.
        truncated: whether the episode was cut off, by a time limit say: the next state still has a value to bootstrap from.
        shaped: a denser reward, scalar, that rules may learn from; ``()`` where the environment has none. Returns count
            ``reward`` alone.
    """

    state: EnvState
    observation: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    shaped: jax.Array | tuple[()] = ()


class Environment(Component):
    """A task family: a distribution over tasks, each of which is one environment. A single environment is a family of one.

    All methods are pure functions that JAX can trace, written for one environment; the framework maps them over B environments.
    """

    kind: ClassVar[str] = "environment"

    @property
    def redraw(self) -> Redraw:
        """When an environment gets a new task. By default never: one task for the whole lifetime."""
        return "never"

    def spec(self) -> Spec:
        """The observation shape and the action space."""
        raise NotImplementedError

    def sample_task(self, key: Key) -> Task:
        """Draw a task: the tree of arrays that `reset` and `step` receive; ``()`` for a family of one."""
        raise NotImplementedError

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        """Start an episode.

        Returns:
            The first state and its observation ``[*observation_shape]``.
        """
        raise NotImplementedError

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        """Take one step.

        Args:
            key: randomness of the step.
            state: as `reset` or `step` gave it.
            action: a whole number, or ``[D]`` whole or real ones; real actions may lie outside of their bounds.
            task: the same for the whole episode.
        """
        raise NotImplementedError

    def expert(self, state: EnvState, task: Task) -> jax.Array:
        """Give the action of an expert who knows state and task, for rules that learn by imitation (`EXPERT`).

        Args:
            state: as `reset` or `step` gave it.
            task: of the episode.

        Returns:
            A whole number, or ``[D]`` whole or real ones within their bounds.

        Raises:
            UserError: the environment has no expert, as by default.
        """
        raise UserError(
            f"the environment {type(self).__name__} has no expert to imitate: choose a task that has one, give it the method "
            "expert, or let the rule train an expert, if it can."
        )

    def difficulty(self, task: Task) -> jax.Array:
        """The difficulty of a task, from 0 for the easiest one of the family to 1 for the hardest, for curricula.

        Raises:
            UserError: the environment does not tell tasks apart in this way, as by default.
        """
        raise UserError(
            f"the environment {type(self).__name__} does not say how difficult a task is: choose one that does, such as "
            "mazes-small, give it the method difficulty, or take another curriculum."
        )

    @property
    def episodes_per_trial(self) -> int:
        """The number of episodes of one task that make up one of its own episodes, a trial; 1 where an episode is just that."""
        return 1

    def episode_in_trial(self, state: EnvState) -> jax.Array:
        """The number, from 0, of the episode inside a trial that a state belongs to."""
        del state
        return jnp.zeros((), jnp.int32)

    def render(self, axes: Axes, state: EnvState, task: Task) -> None:
        """Draw a state on empty axes of matplotlib, for a picture of an episode (`discover.evaluate`).

        Args:
            axes: where to.
            state: of one environment, as arrays in the memory of the host.
            task: of the episode, likewise.

        Raises:
            UserError: the environment draws no pictures, as by default.
        """
        raise UserError(
            f"the environment {type(self).__name__} draws no pictures: leave out --gif, or give it the method render."
        )


class Wrapper(Component):
    """An environment wrapper: turns one task family into another (a time limit, a stack of frames, ...)."""

    kind: ClassVar[str] = "environment wrapper"

    def wrap(self, environment: Environment) -> Environment:
        """The task family inside the wrapper."""
        raise NotImplementedError
