"""Small environments and candidates for the tests of the contract."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.ppo import PPO

from discover import Algorithm, Discrete, Environment, Network, Redraw, Spec, Step, UpdateRule, component
from discover.inner_loop import lifetime


@component
class Catch(Environment):
    """A ball falls four rows of five columns; the paddle must be below it: reward 1, else -1, at the bottom."""

    def spec(self) -> Spec:
        return Spec((9,), Discrete(3))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state = jnp.stack([jnp.zeros((), jnp.int32), jax.random.randint(key, (), 0, 5), jnp.int32(2)])
        return state, self._seen(state)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        row, ball, paddle = state[0] + 1, state[1], jnp.clip(state[2] + action - 1, 0, 4)
        state, done = jnp.stack([row, ball, paddle]), row == 4
        reward = jnp.where(done, jnp.where(ball == paddle, 1.0, -1.0), 0.0)
        return Step(state, self._seen(state), reward, done, jnp.array(False))

    def _seen(self, state: jax.Array) -> jax.Array:
        return jnp.concatenate([jax.nn.one_hot(state[2] - state[1] + 4, 9)[:8], state[:1] / 4.0])


@component
class Arms(Environment):
    """A family of bandits: the task is the arm that pays 1, one of the first ``paying`` of ``arms``. One pull per episode."""

    arms: int = 6
    paying: int = 3

    @property
    def redraw(self) -> Redraw:
        return "update"

    def spec(self) -> Spec:
        return Spec((1,), Discrete(self.arms))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.randint(key, (), 0, self.paying)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return (), jnp.ones(1)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        return Step((), jnp.ones(1), (action == task).astype(jnp.float32), jnp.array(True), jnp.array(False))


@component
class Counter(Environment):
    """Counts steps, reward 1 each; truncated after ``limit``, or terminated by action 1 if that ``stops`` it.

    The task is a number; both are seen unless the environment is not ``visible``.
    """

    limit: int = 3
    stops: bool = True
    visible: bool = True
    renewed: Redraw = "never"

    @property
    def redraw(self) -> Redraw:
        return self.renewed

    def spec(self) -> Spec:
        return Spec((2,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.uniform(key)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return jnp.zeros(()), self._seen(jnp.zeros(()), task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        state = state + 1.0
        return Step(state, self._seen(state, task), jnp.ones(()), (action == 1) & self.stops, state >= self.limit)

    def _seen(self, count: jax.Array, task: jax.Array) -> jax.Array:
        return self.visible * jnp.stack([count, task])


def small_ppo(gamma: float = 0.99, learning_rate: float = 0.01, **changes: Any) -> PPO:
    """PPO of a size that compiles and runs in moments."""
    settings: dict[str, Any] = {"steps": 8, "num_envs": 4, "epochs": 2, "minibatches": 2}
    return PPO(returns=GAE(gamma=gamma), optimizer=Adam(learning_rate=learning_rate), **(settings | changes))


def agent(rule: UpdateRule, network: Network | None = None, **more: Any) -> Algorithm:
    """A candidate, with a linear network unless given: it is enough here, and compiles in half the time."""
    return Algorithm(rule=rule, network=network or MLP(hidden=()), **more)


def stacked(*candidates: Any) -> Any:
    """A population: the same component with a leading axis on each leaf."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *candidates)


def compiled(function: Callable[..., Any]) -> Any:
    """The function compiled in a hurry: what is tested here takes far longer to compile than to run."""
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return jax.jit(function, compiler_options=options)


@functools.cache
def _program(environment: Environment) -> Any:
    return compiled(
        jax.vmap(lambda member, key, updates: lifetime.run(member, environment, key, updates), in_axes=(0, None, None))
    )


def curves(population: Any, environment: Environment, updates: int, seed: int = 0) -> lifetime.Curve:
    """Learning curves ``[P, ...]`` of a population, all members with the same randomness; one program per structure.

    The key's generator is one that compiles fast; any other would do.
    """
    return _program(environment)(population, jax.random.key(seed, impl="rbg"), jnp.asarray(updates, jnp.int32))


CATCH, ARMS = Catch(), Arms()
