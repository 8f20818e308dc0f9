"""Numbers of the original rule, to which an exported file must come."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_keys
from discover.components.component import component
from discover.contract.actor import Actor
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Continuous, Discrete, Environment, Spec, Step
from discover.contract.network import Inputs
from discover.contract.trajectory import Info, Trajectory
from discover.contract.types import EnvState, Key, Params, RuleState, Task
from discover.exporting.stand_ins import world as stand_ins

Clock: TypeAlias = tuple[float, int, int]
"""Progress, env steps, and those of the whole lifetime."""

UPDATES = 5
"""The updates over which an exported file is compared with the original."""

_SPECS = (
    Spec((4,), Discrete(2)),
    Spec((8, 8, 2), Discrete(3)),
    Spec((4,), Continuous((-2.0, -1.0), (2.0, 1.0))),
    Spec((8, 8, 2), Continuous((-2.0, -1.0), (2.0, 1.0))),
)
_BEGUN = 2**30  # env steps before the first update, so that no rule waits for a replay buffer to fill


@component
class Noise(Environment):
    """Observations and rewards at random: numbers for a comparison, nothing to learn. Pictures are of zeros and ones.

    Attributes:
        shape: of the observations.
        action: the action space.
    """

    shape: tuple[int, ...]
    action: Any

    def spec(self) -> Spec:
        return Spec(self.shape, self.action)

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return jnp.zeros((), jnp.int32), self._observation(key)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        key_seen, key_reward, key_end = jax.random.split(key, 3)
        end = jax.random.uniform(key_end)
        reward = jax.random.normal(key_reward)
        return Step(state, self._observation(key_seen), reward, terminated=end < 0.1, truncated=(end >= 0.1) & (end < 0.2))

    def _observation(self, key: Key) -> jax.Array:
        noise = jax.random.normal(key, self.shape)
        return noise if len(self.shape) == 1 else jnp.float32(noise > 1.0)


def fitting_spec(algorithm: Algorithm) -> Spec:
    """Observations and actions that a candidate can learn with: those of CartPole, if it can.

    Raises:
        UserError: it can learn with none of those that are tried.
    """
    for spec in _SPECS[:-1]:
        with contextlib.suppress(UserError):
            _check(algorithm, spec)
            return spec
    _check(algorithm, _SPECS[-1])
    return _SPECS[-1]


def _check(algorithm: Algorithm, spec: Spec) -> None:
    """Trace the beginning of a lifetime."""
    jax.eval_shape(lambda: _begin(algorithm, spec, jax.random.key(0)))


def reference_of(algorithm: Algorithm, spec: Spec, seed: int = 0) -> dict[str, np.ndarray]:
    """The numbers of `UPDATES` updates on noise, and of one choice of actions, as arrays by name."""
    key_begin, key_act, key_run, key_look = named_keys(jax.random.key(seed), "begin", "act", "run", "look")
    rollout = algorithm.rule.rollout(spec)
    each = rollout.steps * rollout.num_envs
    clocks = [(index / 10.0, _BEGUN + index * each, 10 * each) for index in range(UPDATES)]
    key_state, params, state, actor = jax.jit(lambda key: _begin(algorithm, spec, key))(key_begin)
    observation = jax.random.normal(key_look, (16, *spec.observation_shape))
    action, log_prob = jax.jit(lambda *a: _act(algorithm, spec, *a))(key_act, params, state, observation)
    arrays = _leaves("params 0", params)
    collect, update = (jax.jit(functools.partial(each, algorithm, spec)) for each in (_collect, _update))
    trajectories, keys = [], []
    for index, clock in enumerate(clocks):
        key_collect, key_update = jax.random.split(jax.random.fold_in(key_run, index))
        actor, trajectory = collect(key_collect, (params, state), actor=actor, clock=clock)
        params, state, _ = update(key_update, (params, state), trajectory=trajectory, clock=clock)
        trajectories.append(trajectory)
        keys.append(jax.random.key_data(key_update))
        arrays |= _leaves(f"params {index + 1}", params)
    for name in stand_ins.Trajectory._fields[:-1]:
        arrays[f"trajectory {name}"] = np.stack([np.asarray(getattr(one, name)) for one in trajectories])
    arrays |= {"action": np.asarray(action), "log_prob": np.asarray(log_prob), "observation": np.asarray(observation)}
    arrays |= {"init key": _data(key_state), "act key": _data(key_act), "update keys": np.stack(keys)}
    return arrays | {"clock": np.asarray(clocks, np.float64), "actions": _actions(spec)}


def _begin(algorithm: Algorithm, spec: Spec, key: Key) -> tuple[Key, Params, RuleState, Actor]:
    key_params, key_state, key_start = named_keys(key, "params", "state", "start")
    world = algorithm.world(Noise(shape=spec.observation_shape, action=spec.action))
    params = world.initial_params(key_params)
    tasks = world.sample_tasks(key_start, algorithm.rule.rollout(spec).num_envs)
    state = algorithm.rule.init(jax.random.split(key_state)[1], world, params)
    return key_state, params, state, world.start(key_start, tasks)


def _act(algorithm: Algorithm, spec: Spec, key: Key, params: Params, state: RuleState, observation: jax.Array) -> Any:
    world = algorithm.world(Noise(shape=spec.observation_shape, action=spec.action), 0.0, _BEGUN)
    acting, context = algorithm.rule.behavior(params, state)
    inputs = Inputs(observation, jnp.zeros(len(observation), bool), context, world.progress)
    return algorithm.rule.act(key, world, world.network.apply(acting, world.network_heads, inputs, ())[0], context)


def _collect(
    algorithm: Algorithm, spec: Spec, key: Key, learned: tuple[Params, RuleState], *, actor: Actor, clock: Clock
) -> tuple[Actor, Trajectory]:
    world = algorithm.world(Noise(shape=spec.observation_shape, action=spec.action), *clock)
    acting, context = algorithm.rule.behavior(*learned)
    return world.collect(acting, actor, key, algorithm.rule.rollout(spec).steps, context=context)


def _update(
    algorithm: Algorithm, spec: Spec, key: Key, learned: tuple[Params, RuleState], *, trajectory: Trajectory, clock: Clock
) -> tuple[Params, RuleState, Info]:
    world = algorithm.world(Noise(shape=spec.observation_shape, action=spec.action), *clock)
    return algorithm.rule.update(key, world, *learned, trajectory=trajectory)


def _leaves(name: str, tree: Any) -> dict[str, np.ndarray]:
    return {f"{name} {place}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(tree))}


def _data(key: Key) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))[None]


def _actions(spec: Spec) -> np.ndarray:
    return np.asarray(spec.action.n if isinstance(spec.action, Discrete) else spec.action)
