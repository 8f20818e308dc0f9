"""gymnax environments as task families."""

import functools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Continuous, Discrete, Environment, EnvState, Key, Spec, Step, Task, UserError, component, nearest
from discover_zoo.environments.gymnax.drawings import DRAWINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class GymnaxEnvironment(NamedTuple):
    """A gymnax environment, built once per process.

    Attributes:
        environment: gymnax's object.
        params: its default parameters: Python numbers, hence constants of the compiled program.
        spec: shapes of observations and actions.
        categories: number of values of a discrete observation; None for an array.
    """

    environment: Any
    params: Task
    spec: Spec
    categories: int | None


@component
class Gymnax(Environment):
    """A gymnax environment with its default parameters.

    Observations are float32, a discrete one as a one-hot vector; continuous actions are clipped to their bounds; truncation (a
    time limit) is distinguished from termination. gymnax's own reset at the end of an episode is not used.

    >>> Gymnax(id="Pendulum-v1").spec().action
    Continuous(low=(-2.0,), high=(2.0,))

    Attributes:
        id: gymnax's name of the environment.
        start: the numbers that gymnax draws at a reset (arms, a goal, a position) are drawn anew for each ``episode``, or once
            for each ``task``, so that an agent without memory can learn it.
    """

    paper = "Lange 2022, gymnax: a JAX-based reinforcement learning environment library"

    id: str
    start: Literal["episode", "task"] = "episode"

    def spec(self) -> Spec:
        return make(self.id).spec

    def sample_task(self, key: Key) -> Task:
        return self._start(key) if self.start == "task" else jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return task if self.start == "task" else self._start(key)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        environment, _, _, categories = make(self.id)
        params = self._params(task)
        raw, state, reward, terminated, _ = environment.step_env(key, state, self._taken(action, task), params)
        observation, truncated = _encoded(categories, raw), environment.is_truncated(state, params) & ~jnp.asarray(terminated)
        return Step(_strong(state), observation, jnp.float32(reward), terminated=terminated, truncated=truncated)

    def render(self, axes: "Axes", state: EnvState, task: Task) -> None:
        drawing = DRAWINGS.get(self.id)
        if drawing is None:
            drawn = ", ".join(DRAWINGS)
            raise UserError(f"the gymnax environment '{self.id}' is not drawn: leave out --gif, or choose one of {drawn}.")
        drawing(axes, state)

    def _params(self, task: Task) -> Any:
        """The parameters of gymnax in a task."""
        return make(self.id).params

    def _taken(self, action: jax.Array, task: Task) -> jax.Array:
        """The action that gymnax receives: a real one within its bounds."""
        space = make(self.id).spec.action
        return jnp.clip(action, *(np.asarray(b, np.float32) for b in space)) if isinstance(space, Continuous) else action

    def _start(self, key: Key) -> tuple[EnvState, jax.Array]:
        environment, params, _, categories = make(self.id)
        observation, state = environment.reset_env(key, params)
        return _strong(state), _encoded(categories, observation)


@functools.cache
def make(name: str) -> GymnaxEnvironment:
    """The gymnax environment of a name.

    gymnax runs JAX when it is imported and when it builds an environment. Both happen here, outside any trace, since the result
    outlives the trace of the first call.

    >>> make("CartPole-v1").spec
    Spec(observation_shape=(4,), action=Discrete(n=2))

    Raises:
        UserError: gymnax has no such environment, or one with an action or observation space that agents here cannot use.
    """
    with jax.ensure_compile_time_eval():
        import gymnax

        if name not in gymnax.registered_envs:
            raise UserError(f"gymnax has no environment '{name}': {nearest(name, gymnax.registered_envs)}.")
        try:
            environment, params = gymnax.make(name)
        except OSError as error:
            raise UserError(f"gymnax cannot load the data of '{name}' ({error}): choose another environment.") from None
        action = _action(name, environment.action_space(params))
        shape, categories = _observation(name, environment.observation_space(params))
    return GymnaxEnvironment(environment, params, Spec(shape, action), categories)


def _action(name: str, space: Any) -> Discrete | Continuous:
    if hasattr(space, "n"):
        return Discrete(int(space.n))
    if hasattr(space, "low") and len(space.shape) == 1:
        low, high = (np.broadcast_to(bound, space.shape).tolist() for bound in (space.low, space.high))
        return Continuous(tuple(low), tuple(high))
    raise UserError(f"gymnax environment '{name}' has actions {space!r}: agents here need Discrete or a Box of one dimension.")


def _observation(name: str, space: Any) -> tuple[tuple[int, ...], int | None]:
    if hasattr(space, "n"):
        return (int(space.n),), int(space.n)
    if hasattr(space, "low"):
        return tuple(space.shape), None
    raise UserError(f"gymnax environment '{name}' has observations {space!r}: agents here need Discrete or a Box.")


def _encoded(categories: int | None, observation: jax.typing.ArrayLike) -> jax.Array:
    if categories is None:
        return jnp.asarray(observation, jnp.float32)
    return jax.nn.one_hot(observation, categories, dtype=jnp.float32)


def _strong(state: EnvState) -> EnvState:
    """The state without weak types, so that a saved and restored one runs the same program."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), state)
