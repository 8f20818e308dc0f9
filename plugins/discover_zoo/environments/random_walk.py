"""A random walk, small enough to know the value of every state."""

import jax
import jax.numpy as jnp

from discover import Discrete, Environment, Key, Registry, Spec, Step, Task, component, hookimpl


@component
class RandomWalk(Environment):
    """Steps left and right (actions 0 and 1) along ``states`` states from the middle one (Sutton & Barto 2018, example 7.1).

    Leaving at the left end pays -1, at the right end 1, all else 0; both terminate. The observation is the state, one-hot.
    Under the uniformly random policy and without discounting, state i of n is worth ``2 (i + 1) / (n + 1) - 1``.

    >>> walk, task = RandomWalk(states=3), jnp.zeros((), jnp.int32)
    >>> step = walk.step(jax.random.key(0), jnp.int32(2), jnp.int32(1), task)
    >>> float(step.reward), bool(step.terminated)
    (1.0, True)

    Attributes:
        states: number of states between both ends.
    """

    paper = "Sutton & Barto 2018, example 7.1"

    states: int = 19

    def spec(self) -> Spec:
        return Spec((self.states,), Discrete(2))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[jax.Array, jax.Array]:
        middle = jnp.int32(self.states // 2)
        return middle, jax.nn.one_hot(middle, self.states)

    def step(self, key: Key, state: jax.Array, action: jax.Array, task: Task) -> Step:
        state = state + 2 * action.astype(jnp.int32) - 1
        right = state == self.states
        ended = right | (state < 0)
        reward = jnp.float32(ended) * jnp.where(right, 1.0, -1.0)
        return Step(state, jax.nn.one_hot(state, self.states), reward, terminated=ended, truncated=jnp.array(False))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("random_walk", RandomWalk)
    registry.add_task(
        "random_walk",
        "random_walk",
        summary="Leave a corridor of 19 states at its right end",
        random=0.0,
        reference=1.0,
        origin="random: exact, by symmetry; reference: optimum, always right",
        paper=RandomWalk.paper,
    )
