"""MQL is TD3 on windows; adaptation weighs old experience, holds on to the trained parameters, and leaves nothing behind."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.navigation.half_circle import HalfCircle
from discover_zoo.networks.gru import GRU
from discover_zoo.optimizers.adam import Adam
from discover_zoo.rules.mql import MQL, Importance, pulled
from discover_zoo.rules.twin_critics import State
from discover_zoo.wrappers.last_action_and_reward import LastActionAndReward

from discover import Algorithm, Lifetime, Params, Registry, Trajectory, WindowBuffer, World, evaluate_adaptation, replace
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.inner_loop import lifetime
from discover.testing.small import Affine

SIZES: dict[str, Any] = {"steps": 4, "num_envs": 3, "batch": 5, "capacity": 6, "learning_starts": 0, "delay": 1}
RULE = MQL(optimizer=Adam(learning_rate=0.01), policy_optimizer=Adam(learning_rate=0.01), first=1, later=2, **SIZES)
TASK, DENSE = HalfCircle(), HalfCircle(dense=True)
AGENT = Algorithm(rule=RULE, network=GRU(encoder=(), memory=4, hidden=(), shared=False), wrappers=(LastActionAndReward(),))
GOALS = jnp.asarray([[0.0, 1.0], [1.0, 0.0]])


def world(agent: Algorithm = AGENT) -> World:
    return agent.world(TASK, env_steps=24, progress=1.0)


class Begun(NamedTuple):
    """New parameters, a buffer with three windows, and five drawn from it."""

    params: Params
    buffer: WindowBuffer
    batch: Trajectory


@functools.cache
def begun() -> Begun:
    return jax.jit(_begun)()


def _begun() -> Begun:
    params = world().initial_params(jax.random.key(0))
    buffer = RULE.empty_buffer(world().template(params, 4, 3))
    actor = world().start(jax.random.key(1), world().sample_tasks(jax.random.key(2), 3))
    buffer = buffer.add(world().collect(params, actor, jax.random.key(3), 4)[1])
    return Begun(params, buffer, buffer.sample(jax.random.key(4), 5))


def trained(agent: Algorithm) -> Lifetime:
    """The agent after two updates."""

    def run(key: jax.Array) -> Lifetime:
        return lifetime.advance(agent, TASK, lifetime.begin(agent, TASK, key), start=0, stop=2, total=2)

    return jax.jit(run)(jax.random.key(0))


def moved(gradient: Params) -> set[str]:
    return {name for name, part in gradient["heads"].items() if any(np.any(leaf) for leaf in jax.tree.leaves(part))}


def test_windows_are_kept_with_their_shaped_reward_and_the_memory_of_each_head() -> None:
    buffer = begun().buffer
    assert (int(buffer.added), buffer.rows.reward.shape) == (3, (6, 4))
    assert buffer.rows.carry.keys() == {"policy", "q1", "q2"}
    assert (np.asarray(buffer.rows.shaped)[:3] < 0.0).all()


def test_the_memory_of_a_step_holds_no_later_step() -> None:
    params, _, batch = begun()
    memory = jax.jit(lambda batch: world().memory(params, batch))
    before, after = memory(batch), memory(batch._replace(observation=batch.observation.at[2].add(1.0)))
    assert before.shape == (4, 5, 12)
    np.testing.assert_array_equal(before[:2], after[:2])
    assert np.abs(before[2:] - after[2:]).max(axis=(1, 2)).min() > 1e-3


def test_a_step_without_weight_teaches_nothing_and_weights_scale_the_loss() -> None:
    params, _, batch = begun()
    target = jnp.ones((4, 5))

    @jax.jit
    def gradient(weight: jax.Array, target: jax.Array) -> Params:
        extra = Importance(weight, jnp.zeros(()), params)
        return RULE.critic_gradient(world(), params, batch._replace(extra=extra), target)[0]["heads"]["q1"]["output"]

    weight = jnp.ones((5, 4)).at[2, 1].set(0.0)
    usual, other = gradient(weight, target), gradient(weight, target.at[1, 2].set(100.0))
    jax.tree.map(np.testing.assert_array_equal, usual, other)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, 2.0 * y, rtol=1e-4), gradient(2.0 * weight, target), usual)


def test_parameters_are_pulled_back_by_the_squared_distance_where_the_loss_reaches() -> None:
    slope = {"a": jnp.asarray([1.0, 0.0]), "b": jnp.asarray([0.0])}
    here = {"a": jnp.asarray([3.0, 5.0]), "b": jnp.asarray([7.0])}
    before = {"a": jnp.asarray([1.0, 2.0]), "b": jnp.asarray([1.0])}
    batch = begun().batch
    found = pulled(slope, here, batch._replace(extra=Importance(jnp.ones(()), jnp.asarray(0.25), before)))
    np.testing.assert_array_equal(found["a"], [1.0 + 0.5 * 2.0, 0.5 * 3.0])
    np.testing.assert_array_equal(found["b"], [0.0])
    assert pulled(slope, here, batch) is slope


def same_after_another_task(agent: Algorithm, life: Lifetime, steps: int) -> None:
    """Check that a task is the same after another task as after itself, and that adaptation changes what the agent does."""

    def returns(goals: jax.Array) -> np.ndarray:
        key = jax.random.key(1)
        return evaluate_adaptation(agent, DENSE, life, goals, key=key, episodes=2, horizon=4, steps=steps).returns

    after_another, after_itself = returns(GOALS), returns(GOALS[jnp.asarray([1, 1])])
    np.testing.assert_array_equal(after_another[:, 1], after_itself[:, 1])
    assert np.abs(np.diff(after_another, axis=0)).min() > 1e-3


@pytest.mark.slow
def test_nothing_is_carried_over_to_the_next_task() -> None:
    agent = replace(AGENT, {"network": Affine(), "rule.later": 0, "rule.policy_optimizer.learning_rate": 1.0})
    same_after_another_task(agent, jax.jit(lambda key: lifetime.begin(agent, DENSE, key))(jax.random.key(0)), steps=1)


@pytest.mark.slow
def test_nothing_is_carried_over_of_a_memory_and_of_weighted_experience() -> None:
    agent = replace(AGENT, {"rule.policy_optimizer.learning_rate": 1.0})
    same_after_another_task(agent, trained(agent), steps=2)


@pytest.mark.slow
def test_policy_and_critics_learn_apart_each_through_its_own_memory() -> None:
    life = trained(AGENT)
    batch = life.rule_state.buffer.sample(jax.random.key(4), 5)
    learner = life.rule_state.learner._replace(params=life.params)

    @jax.jit
    def gradients() -> tuple[Params, Params]:
        target = RULE.targets(jax.random.key(5), world(), learner, batch)
        by_critics = RULE.critic_gradient(world(), life.params, batch, target)[0]
        return by_critics, RULE.policy_gradient(jax.random.key(6), world(), learner, batch)[0]

    by_critics, by_policy = gradients()
    assert moved(by_critics) == {"q1", "q2"}
    assert moved(by_policy) == {"policy"}
    for gradient, name in ((by_critics, "q1"), (by_policy, "policy")):
        assert np.any(gradient["heads"][name]["torso"]["cell"]["memory"]["kernel"])


@pytest.mark.slow
def test_adaptation_changes_the_learner_by_fresh_optimizers_and_leaves_the_experience_alone() -> None:
    life = trained(AGENT)

    @jax.jit
    def adapted() -> tuple[Params, State]:
        actor = world().start(jax.random.key(1), GOALS[:1])
        new = world().collect(life.params, actor, jax.random.key(2), 8)[1]
        return RULE.adapt_to_task(jax.random.key(3), world(), life.params, life.rule_state, new)

    params, state = adapted()
    jax.tree.map(np.testing.assert_array_equal, state.buffer, life.rule_state.buffer)
    assert moved(jax.tree.map(lambda x, y: x - y, params, life.params)) == {"policy", "q1", "q2"}
    counts = [
        {int(leaf) for leaf in jax.tree.leaves(s.learner.optimizer) if jnp.issubdtype(leaf.dtype, jnp.integer)}
        for s in (life.rule_state, state)
    ]
    assert counts == [{2}, {3}]  # 2 updates of a step each, and 3 rounds from zero


def test_the_recipe_is_complete(registry: Registry) -> None:
    algorithm = algorithm_from(registry, "mql")
    check(algorithm)
    assert isinstance(algorithm.rule, MQL)
