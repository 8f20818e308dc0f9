"""Every registered task keeps the contract of an environment, and runs inside a lifetime's collection."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
import toys

from discover import (
    Actor,
    Algorithm,
    Context,
    Continuous,
    Discrete,
    Environment,
    Heads,
    Inputs,
    MultiDiscrete,
    Network,
    Outputs,
    Rollout,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    zero_action,
)
from discover.config.build import environment_from

REGISTRY = toys.plugins().registry
TASKS = [entry.name for entry in REGISTRY.entries("task")]
LONG = {"Asterix-MinAtar", "Freeway-MinAtar", "Seaquest-MinAtar", "SpaceInvaders-MinAtar", "mazes-huge"}
"""Tasks whose programs take longest to compile."""
COMPILER = {"xla_backend_optimization_level": 0}
STEPS, COLUMNS = 8, 3


@component
class Nothing(Network):
    """No parameters, no outputs."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return ()

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        return {}, carry


@component
class Wild(UpdateRule):
    """Acts uniformly at random, real actions far beyond their bounds; learns nothing."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(STEPS, COLUMNS)

    def heads(self, spec: Spec) -> Heads:
        return Heads({})

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        match world.spec.action:
            case Discrete(n):
                action = jax.random.randint(key, (COLUMNS,), 0, n)
            case MultiDiscrete(factors):
                action = jax.random.randint(key, (COLUMNS, len(factors)), 0, jnp.asarray(factors))
            case Continuous(low, _):
                action = 100.0 * jax.random.normal(key, (COLUMNS, len(low)))
        return action, jnp.zeros(COLUMNS)


def environment_of(task: str) -> Environment:
    return environment_from(REGISTRY, task)


def action_like(spec: Spec) -> jax.ShapeDtypeStruct:
    return jax.eval_shape(lambda: zero_action(spec))


def types(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


@pytest.mark.parametrize("task", TASKS)
def test_shapes_and_types_are_those_promised_and_stay_the_same(task: str) -> None:
    environment = environment_of(task)
    spec, key = environment.spec(), jax.random.key(0)
    drawn = jax.eval_shape(environment.sample_task, key)
    state, observation = jax.eval_shape(environment.reset, key, drawn)
    step = jax.eval_shape(environment.step, key, state, action_like(spec), drawn)
    assert types(step.state) == types(state)
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
    assert types(observation) == types(step.observation) == (spec.observation_shape, jnp.float32, False)
    assert types(step.reward) == ((), jnp.float32, False)
    assert (step.terminated.shape, step.terminated.dtype) == ((), bool)
    assert (step.truncated.shape, step.truncated.dtype) == ((), bool)


FIRST: dict[Any, str] = {}
"""The first task of each program: others of its family differ from it in numbers alone."""
for each in TASKS:
    FIRST.setdefault(jax.tree.structure(environment_of(each)), each)


def is_dear(index: int, task: str) -> bool:
    return task in LONG or index % 8 > 0 or task not in FIRST.values()


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=pytest.mark.slow if is_dear(i, task) else ()) for i, task in enumerate(TASKS)]
)
def test_a_lifetime_collects_experience(task: str) -> None:
    algorithm, environment = Algorithm(rule=Wild(), network=Nothing()), environment_of(task)

    def collect(key: jax.Array) -> tuple[Actor, Trajectory]:
        world = algorithm.world(environment)
        return world.collect((), world.start(key, world.sample_tasks(key, COLUMNS)), key, STEPS)

    actor, trajectory = jax.jit(collect, compiler_options=COMPILER)(jax.random.key(0))
    shape = environment.spec().observation_shape
    assert trajectory.observation.shape == trajectory.next_observation.shape == (STEPS, COLUMNS, *shape)
    assert trajectory.reward.shape == (STEPS, COLUMNS)
    for values in (trajectory.observation, trajectory.next_observation, trajectory.reward):
        assert bool(jnp.isfinite(values).all())
    ended = trajectory.terminated | trajectory.truncated
    assert bool((trajectory.is_first[1:] == ended[:-1]).all())
    follows = (trajectory.observation[1:] == trajectory.next_observation[:-1]).reshape(STEPS - 1, COLUMNS, -1).all(axis=-1)
    assert bool((follows | ended[:-1]).all())
    assert actor.env_steps == STEPS * COLUMNS
