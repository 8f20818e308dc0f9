"""Normalizers: statistics as numpy computes them over all items, and what the world makes of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.moments import add_batch, no_moments
from discover_zoo.networks.mlp import MLP
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards
from discover_zoo.normalizers.several import Several
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.ppo import PPO

from discover import Algorithm, Discrete, Environment, Spec

SPEC = Spec((3,), Discrete(2))


def test_where_environments_start_anew_so_does_the_running_return() -> None:
    normalizer = Several(normalizers=(Observations(), Rewards(gamma=0.9)))
    state, _ = normalizer.update_reward(normalizer.init(SPEC, 2), jnp.asarray([1.0, -2.0]), jnp.zeros(2, bool))
    np.testing.assert_array_equal(state[1].returns, [1.0, -2.0])
    after = normalizer.restart(state, 3)
    np.testing.assert_array_equal(after[1].returns, [0.0, 0.0, 0.0])
    assert jax.tree.all(jax.tree.map(jnp.array_equal, (after[0], after[1].moments), (state[0], state[1].moments)))


@pytest.mark.parametrize("columns", [1, 4])
def test_running_moments_are_those_of_all_items(columns: int) -> None:
    """Of numbers far from zero, where the sum of squares would lose all digits."""
    items = np.random.default_rng(0).normal(1000.0, 0.5, (200, columns, 3))
    moments = jax.lax.scan(lambda m, x: (add_batch(m, x), None), no_moments((3,)), jnp.asarray(items, jnp.float32))[0]
    every = np.asarray(jnp.asarray(items, jnp.float32), np.float64).reshape(-1, 3)
    assert float(moments.total) == 200 * columns
    np.testing.assert_allclose(moments.mean, every.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(moments.variance, every.var(axis=0), rtol=1e-3)


def test_observations_are_centered_scaled_and_clipped_and_looking_alone_counts_nothing() -> None:
    normalizer = Observations(limit=2.0)
    batch = jnp.asarray([[1.0, 10.0, 5.0], [3.0, -10.0, 5.0]])
    state, scaled = normalizer.update(normalizer.init(SPEC, 2), batch)
    np.testing.assert_allclose(scaled, [[-1.0, 1.0, 0.0], [1.0, -1.0, 0.0]], atol=1e-5)
    np.testing.assert_allclose(normalizer.normalize(state, jnp.asarray([[2.0, 1e6, -1e6]])), [[0.0, 2.0, -2.0]], atol=1e-5)
    after, reward = normalizer.update_reward(state, jnp.asarray([5.0, -5.0]), jnp.array([True, False]))
    np.testing.assert_array_equal(reward, [5.0, -5.0])
    assert jax.tree.all(jax.tree.map(jnp.array_equal, after, state))


def test_rewards_are_divided_by_the_deviation_of_the_running_discounted_return() -> None:
    random = np.random.default_rng(1)
    rewards, done = random.normal(5.0, 3.0, (50, 4)).astype(np.float32), random.random((50, 4)) < 0.2
    normalizer = Rewards(gamma=0.9, limit=1.5)

    def step(state: Any, x: Any) -> tuple[Any, jax.Array]:
        return normalizer.update_reward(state, *x)

    _, scaled = jax.lax.scan(step, normalizer.init(SPEC, 4), (jnp.asarray(rewards), jnp.asarray(done)))
    running, seen, expected = np.zeros(4), [], []
    for reward, over in zip(rewards.astype(np.float64), done, strict=True):
        running = 0.9 * running + reward
        seen.append(running)
        expected.append(np.clip(reward / np.sqrt(np.var(seen) + 1e-8), -1.5, 1.5))
        running = np.where(over, 0.0, running)
    np.testing.assert_allclose(scaled, expected, rtol=1e-4)
    assert np.any(np.asarray(scaled) == 1.5)
    assert np.all(np.sign(scaled) == np.sign(rewards))


def test_several_do_what_each_does() -> None:
    one, other, both = Observations(), Rewards(), Several(normalizers=(Observations(), Rewards()))
    batch, reward, done = jnp.arange(6.0).reshape(2, 3), jnp.asarray([1.0, 2.0]), jnp.zeros(2, bool)
    state, seen = both.update(both.init(SPEC, 2), batch)
    state, paid = both.update_reward(state, reward, done)
    alone, expected = one.update(one.init(SPEC, 2), batch)
    np.testing.assert_array_equal(seen, expected)
    np.testing.assert_array_equal(both.normalize(state, batch + 1.0), one.normalize(alone, batch + 1.0))
    np.testing.assert_array_equal(paid, other.update_reward(other.init(SPEC, 2), reward, done)[1])


def test_the_world_normalizes_what_is_learned_from_and_reports_what_was_earned(walk: Environment) -> None:
    """True next observations, also at the end of an episode, are on the scale of the observations around them."""
    rule = PPO(returns=GAE(), optimizer=SGD(), steps=64, num_envs=8)

    def collected(normalizer: Any) -> Any:
        world = Algorithm(rule=rule, network=MLP(hidden=()), normalizer=normalizer).world(walk)

        @jax.jit
        def run(key: jax.Array) -> Any:
            params = jax.tree.map(jnp.zeros_like, world.initial_params(key))  # acts evenly, whatever it sees
            actor = world.start(key, world.sample_tasks(key, 8))
            return world.collect(params, actor, key, 64)

        return run(jax.random.key(0))

    plain, trajectory = collected(None)
    scaled, normalized = collected(Several())
    np.testing.assert_array_equal(normalized.action, trajectory.action)
    np.testing.assert_allclose(scaled.episodes.return_sum, plain.episodes.return_sum, rtol=1e-6)
    seen = np.asarray(trajectory.observation)[-16:, ..., 0]
    expected = (seen - np.asarray(trajectory.observation)[..., 0].mean()) / np.asarray(trajectory.observation)[..., 0].std()
    np.testing.assert_allclose(np.asarray(normalized.observation)[-16:, ..., 0], expected, atol=0.15)
    ends = np.asarray(trajectory.terminated | trajectory.truncated)[-16:]
    true_next = np.asarray(trajectory.next_observation)[-16:, ..., 0]
    shown = np.asarray(normalized.next_observation)[-16:, ..., 0]
    slope, offset = np.polyfit(true_next[~ends], shown[~ends], 1)
    np.testing.assert_allclose(shown[ends], slope * true_next[ends] + offset, atol=0.15)
    assert ends.any()
    going_on = ~np.asarray(normalized.terminated | normalized.truncated)[:-1]
    np.testing.assert_array_equal(
        np.asarray(normalized.next_observation)[:-1][going_on], np.asarray(normalized.observation)[1:][going_on]
    )
