"""How well an agent adapts: what is counted, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, small_ppo
from discover_zoo.networks.mlp import MLP
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards
from discover_zoo.normalizers.several import Several
from toys import Blank, Climb, Payday

from discover import (
    Adaptation,
    Algorithm,
    Context,
    Key,
    Outputs,
    Trajectory,
    UserError,
    World,
    WrappingRule,
    adaptation_figure,
    component,
    ends_within,
    evaluate_adaptation,
    replace,
    standardized,
    step_weights,
    trained_agent,
)
from discover.contract.update_rule import check_greedy
from discover.inner_loop.adaptation import first_episodes


def batch(terminated: np.ndarray, truncated: np.ndarray) -> Trajectory:
    nothing = jnp.zeros(terminated.shape)
    ends = jnp.asarray(terminated), jnp.asarray(truncated)
    return Trajectory(nothing, nothing, nothing, {}, nothing, *ends, nothing, nothing, {}, (), ())


ENDS = np.zeros((5, 4), bool)
ENDS[[1, 3], [0, 0]] = True  # column 0 ends two episodes, column 1 is cut off in the end, columns 2 and 3 end none
CUT = np.zeros((5, 4), bool)
CUT[4, 1] = True
BATCH = batch(ENDS, CUT)


def test_the_first_episode_of_each_column() -> None:
    expected = [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
    np.testing.assert_array_equal(first_episodes(BATCH).T, expected)


def test_steps_of_episodes_that_do_not_end_weigh_nothing() -> None:
    np.testing.assert_array_equal(ends_within(BATCH).T, [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0] * 5, [0] * 5])
    np.testing.assert_allclose(step_weights(BATCH, None), ends_within(BATCH) / 9.0)
    np.testing.assert_allclose(np.asarray(step_weights(BATCH, 1)).sum(0), [0.25, 0.25, 0.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(step_weights(BATCH, 2)).sum(), 0.5, rtol=1e-6)  # the second group has none


def test_a_single_step_that_counts_has_all_the_weight() -> None:
    ends = np.zeros((5, 4), bool)
    ends[0, 2] = True
    np.testing.assert_array_equal(step_weights(batch(ends, np.zeros_like(ends)), None), ends)


def test_advantages_are_standardized_in_each_group_over_the_steps_that_count() -> None:
    advantage = jnp.asarray(np.random.default_rng(0).normal(3.0, 2.0, (5, 4)).astype(np.float32))
    for group in (1, 2, None):
        weights = step_weights(BATCH, group)
        made = np.asarray(standardized(advantage, weights, group))
        assert np.isfinite(made).all()
        for start in range(0, 2, group or 4):
            columns = slice(start, start + (group or 4))
            counted = made[:, columns][np.asarray(ends_within(BATCH))[:, columns] > 0]
            np.testing.assert_allclose([counted.mean(), counted.std()], [0.0, 1.0], atol=1e-5)


def test_intervals_are_of_the_mean_over_tasks() -> None:
    found = Adaptation(np.stack([np.arange(20.0), np.full(20, 3.0)]))
    first, second = found.intervals()
    assert first.low < first.estimate < first.high
    assert first.estimate == 9.5
    assert second == (3.0, 3.0, 3.0)
    axes = adaptation_figure({"an agent": found}).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [9.5, 3.0])


@pytest.mark.parametrize(("episodes", "horizon", "steps"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_nothing_to_record_is_refused(episodes: int, horizon: int, steps: int) -> None:
    with pytest.raises(UserError, match="nothing to record: give at least 1 episode"):
        evaluate_adaptation(None, None, None, None, None, episodes=episodes, horizon=horizon, steps=steps)  # type: ignore[arg-type]


def test_an_agent_without_a_step_of_training_is_the_one_that_training_begins_with() -> None:
    candidate, key = Algorithm(rule=Climb(slope=0.5, steps=4, num_envs=2), network=Blank()), jax.random.key(0)
    begun, trained = (trained_agent(candidate, Payday(), key, steps) for steps in (0, 24))
    assert begun.rule_state["updates"] == 0
    assert trained.rule_state["updates"] == 3
    np.testing.assert_array_equal(trained.params["policy"], begun.params["policy"] + 1.5)
    with pytest.raises(UserError, match="a lifetime of 7 env steps is shorter than one update of Climb, which takes 8"):
        trained_agent(candidate, Payday(), key, 7)


def test_an_agent_is_judged_with_the_statistics_that_it_was_trained_with() -> None:
    normalizer = Several(normalizers=(Observations(), Rewards()))
    candidate = replace(agent(small_ppo(), MLP(hidden=(8,))), {"normalizer": normalizer})
    made = trained_agent(candidate, CATCH, jax.random.key(0), 2_000)
    trained = made.actor
    assert trained is not None
    tasks, seen, rewards = jnp.zeros(6), *trained.normalizer

    def judged(mean: jax.Array) -> np.ndarray:
        actor = trained._replace(normalizer=(seen._replace(mean=mean), rewards))
        other = made._replace(actor=actor)
        return evaluate_adaptation(candidate, CATCH, other, tasks, jax.random.key(1), episodes=3, horizon=4, steps=0).returns

    assert np.isfinite(judged(seen.mean)).all()
    assert np.any(judged(seen.mean) != judged(seen.mean + 5.0))


@component
class Cautious(Climb):
    """Climbs by ``slope`` at a step of adaptation; greedily it does twice what it does to explore."""

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return 2.0 * outputs["policy"]

    def adapt_to_task(self, key: Key, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any]:
        return {**params, "policy": params["policy"] + jnp.mean(trajectory.action)}, state


def test_greedy_episodes_are_recorded_beside_those_to_adapt_to() -> None:
    candidate, key = Algorithm(rule=Cautious(steps=4, num_envs=2), network=Blank()), jax.random.key(0)
    family = Payday(spread=1.0, drawn="update")
    agent_, tasks = trained_agent(candidate, family, key, 8), jnp.asarray([0.0, 1.0])
    plan: dict[str, Any] = {"episodes": 2, "horizon": 4, "steps": 2}
    acted = evaluate_adaptation(candidate, family, agent_, tasks, key=key, **plan).returns
    greedy = evaluate_adaptation(candidate, family, agent_, tasks, key=key, greedy=True, **plan).returns
    exploring = 4.0 * np.asarray([[1.0], [2.0], [4.0]])  # each step of adaptation adds what the agent did to explore
    np.testing.assert_allclose(greedy - acted, np.broadcast_to(exploring, (3, 2)))


def test_a_rule_that_cannot_act_greedily_is_told_so() -> None:
    candidate = Algorithm(rule=Climb(), network=Blank())
    with pytest.raises(UserError, match="Climb chooses actions in its own way and has no act_greedily: leave greedy=True out"):
        evaluate_adaptation(candidate, Payday(), None, None, key=None, episodes=1, horizon=1, greedy=True)  # type: ignore[arg-type]


def test_a_rule_that_wraps_another_acts_greedily_as_that_one_can() -> None:
    check_greedy(WrappingRule(rule=Cautious()), "leave it out")
    with pytest.raises(UserError, match="Climb chooses actions in its own way and has no act_greedily: leave it out"):
        check_greedy(WrappingRule(rule=WrappingRule(rule=Climb())), "leave it out")
