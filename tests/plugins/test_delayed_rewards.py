"""Delayed rewards: when what is paid, what is drawn, and that the stored scales are those of episodes."""

from typing import Any

import jax
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.delayed_rewards import DelayedRewards, Payments

from discover import Registry, UserError, replace

QUIET = DelayedRewards(noise=0.0, bait=0.25, horizon=40)
COUNT = 64


def played(family: DelayedRewards, choose: Any, count: int = COUNT) -> tuple[Payments, Any]:
    """Tasks, and ``[count, horizon]`` what was chosen, paid and whether it was the end."""

    def one(key: jax.Array) -> Any:
        key_task, key_run = jax.random.split(key)
        task = family.sample_task(key_task)

        def step(state: Any, key: jax.Array) -> Any:
            action = choose(key, state, task)
            made = family.step(key, state, action, task)
            good, bait = action == task.good[state.context], action == task.bait[state.context]
            return made.state, (good, bait, made.reward, made.truncated, made.terminated)

        return task, jax.lax.scan(step, family.reset(key, task)[0], jax.random.split(key_run, int(family.horizon)))[1]

    return jax.tree.map(np.asarray, compiled(jax.vmap(one))(jax.random.split(jax.random.key(0), count)))


def anything(key: jax.Array, state: Any, task: Payments) -> jax.Array:
    return jax.random.randint(jax.random.fold_in(key, 1), (), 0, 3)


def test_good_actions_are_paid_after_the_delay_of_the_task_and_the_bait_at_once() -> None:
    tasks, (good, bait, rewards, truncated, terminated) = played(QUIET, anything)
    for row, delay in enumerate(tasks.delay):
        expected = 0.25 * bait[row]
        expected[delay:] += good[row, : 40 - delay]
        np.testing.assert_allclose(rewards[row], expected, atol=1e-6)
    assert not terminated.any()
    assert truncated.sum(axis=1).tolist() == truncated[:, -1].tolist() == [1] * COUNT


def test_delays_and_actions_are_drawn_for_each_lifetime() -> None:
    tasks = jax.tree.map(np.asarray, jax.vmap(QUIET.sample_task)(jax.random.split(jax.random.key(1), 400)))
    assert set(tasks.delay) == set(range(8, 33))
    assert (tasks.good != tasks.bait).all()
    for actions in (tasks.good, tasks.bait):
        np.testing.assert_allclose([(actions == action).mean() for action in range(3)], 1 / 3, atol=0.05)
    assert QUIET.redraw == "never"


def test_rewards_are_as_noisy_as_asked() -> None:
    family = replace(QUIET, {"noise": 2.0})
    task = family.sample_task(jax.random.key(0))
    state, _ = family.reset(jax.random.key(1), task)
    idle = 3 - task.good[state.context] - task.bait[state.context]
    rewards = jax.vmap(lambda key: family.step(key, state, idle, task).reward)(jax.random.split(jax.random.key(2), 4096))
    assert float(rewards.std()) == pytest.approx(2.0, rel=0.06)
    assert abs(float(rewards.mean())) < 0.2


def test_the_best_discount_of_white_noise_is_that_of_the_docstring() -> None:
    gamma = np.linspace(0.5, 0.999, 2000)
    for delay in (2, 10, 30):
        clear = gamma**delay * np.sqrt(1.0 - gamma**2)
        assert gamma[clear.argmax()] == pytest.approx(np.sqrt(delay / (delay + 1)), abs=1e-3)


def test_stored_scales_are_those_of_episodes(registry: Registry) -> None:
    facts, family = registry.get("task", "delayed-rewards").facts, DelayedRewards(noise=0.0)
    for choose, key in ((anything, "random"), (lambda _, state, task: family.expert(state, task), "reference")):
        returns = played(family, choose)[1][2].sum(axis=1)
        assert abs(returns.mean() - facts[key]) < 4.0 * returns.std() / COUNT**0.5


def test_delays_that_do_not_fit_are_told() -> None:
    with pytest.raises(UserError, match="sizes from 8 to 65 do not fit the largest size 64"):
        DelayedRewards(longest=65).spec()
