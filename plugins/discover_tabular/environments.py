"""Two classic problems with few enough states to know their answers: a random walk and a cliff."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Discrete, Environment, Spec, Step, component

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Rows and columns that the actions up, right, down and left add."""


@component
class RandomWalk(Environment):
    """Steps left and right (actions 0 and 1) along ``states`` states from the middle one (Sutton & Barto 2018, example 7.1).

    Leaving at the left end pays -1, at the right end 1, all else 0; both terminate. The observation is the state, one-hot.
    Under the uniformly random policy and without discounting, state i of n is worth ``2 (i + 1) / (n + 1) - 1``.
    """

    paper = "Sutton & Barto 2018, example 7.1"

    states: int = 19

    def spec(self) -> Spec:
        return Spec((self.states,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: jax.Array, task: Any) -> tuple[jax.Array, jax.Array]:
        middle = jnp.int32(self.states // 2)
        return middle, jax.nn.one_hot(middle, self.states)

    def step(self, key: jax.Array, state: jax.Array, action: jax.Array, task: Any) -> Step:
        state = state + 2 * action.astype(jnp.int32) - 1
        right = state == self.states
        ended = right | (state < 0)
        reward = jnp.float32(ended) * jnp.where(right, 1.0, -1.0)
        return Step(state, jax.nn.one_hot(state, self.states), reward, terminated=ended, truncated=jnp.array(False))


@component
class Cliff(Environment):
    """Walk along a cliff (Sutton & Barto 2018, example 6.6): up, right, down, left are actions 0 to 3, each pays -1.

    Start and goal are the ends of the bottom row; the cells between them are the cliff: it pays -100 and leads back to the
    start without an end. The goal terminates. The observation is the cell, one-hot, row by row from the top.
    """

    paper = "Sutton & Barto 2018, example 6.6"

    rows: int = 4
    columns: int = 12

    def spec(self) -> Spec:
        return Spec((self.rows * self.columns,), Discrete(4))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: jax.Array, task: Any) -> tuple[jax.Array, jax.Array]:
        start = jnp.array([self.rows - 1, 0], jnp.int32)
        return start, self._seen(start)

    def step(self, key: jax.Array, state: jax.Array, action: jax.Array, task: Any) -> Step:
        last = jnp.array([self.rows - 1, self.columns - 1], jnp.int32)
        cell = jnp.clip(state + jnp.array(_MOVES, jnp.int32)[action], 0, last)
        goal = jnp.all(cell == last)
        fell = (cell[0] == last[0]) & (cell[1] > 0) & ~goal
        cell = jnp.where(fell, jnp.array([self.rows - 1, 0], jnp.int32), cell)
        reward = jnp.where(fell, jnp.float32(-100.0), -1.0)
        return Step(cell, self._seen(cell), reward, terminated=goal, truncated=jnp.array(False))

    def _seen(self, cell: jax.Array) -> jax.Array:
        return jax.nn.one_hot(cell[0] * self.columns + cell[1], self.rows * self.columns)
