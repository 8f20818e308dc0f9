"""Training on a task family, and the return on new tasks after each episode of adaptation."""

import functools
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toys
from discover_zoo.executors.local import Local
from discover_zoo.objectives.adapted_return import AdaptedReturn
from discover_zoo.wrappers.trials import Trials

from discover import (
    AdaptationPlan,
    AdaptedExecutor,
    Algorithm,
    Key,
    Registry,
    TaskReturns,
    TaskRun,
    Trajectory,
    UserError,
    World,
    WrappingRule,
    component,
    fresh_work,
    get,
    hookimpl,
    replace,
    run_alone,
)
from discover.evaluation.adapt import adapt
from discover.evaluation.adapting import adapted_returns, adapts, note_on, with_horizon
from discover.inner_loop.lifetime import Lifetime
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins, load_plugins

RUN, EXECUTOR, FAMILY = TaskRun("paydays", 24), Local(chunk=1), toys.Payday(spread=1.0, drawn="update")
PLAN = AdaptationPlan(episodes=2, batch=1, tasks=3)


@component
class Sprint(toys.Climb):
    """Climbs by ``slope`` once more at each step of adaptation."""

    def adapt_to_task(self, key: Key, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any]:
        return {**params, "policy": params["policy"] + self.slope}, state


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("toy_sprint", Sprint)
    facts: dict[str, Any] = {"random": 0.0, "reference": 60.0, "origin": "by hand"}
    registry.add_task("paydays", {"toy_payday": {"spread": 1.0, "drawn": "update"}}, summary="toy", **facts)


@functools.cache
def plugins() -> Plugins:
    return load_plugins(extra=[toys, sys.modules[__name__]])


def registry() -> Registry:
    return plugins().registry


SPRINT = Algorithm(rule=Sprint(), network=toys.Blank())
CLIMB = Algorithm(rule=toys.Climb(), network=toys.Blank())


def agents(algorithm: Algorithm) -> tuple[Lifetime, Any]:
    """Two agents after three updates of eight env steps: they act at level 3."""
    candidates = jax.tree.map(lambda x: np.asarray(x)[None], algorithm)
    keys = jax.random.split(jax.random.key(0), 2)
    done = run_alone(EXECUTOR, fresh_work(FAMILY, candidates, keys, 24, keep=True))
    return jax.tree.map(lambda x: x[0], jax.device_put(done.lifetimes, jax.devices()[0])), done.curves


def test_the_agents_are_those_at_the_end_of_training() -> None:
    made, curves = agents(SPRINT)
    np.testing.assert_array_equal(made.params["policy"], [[3.0], [3.0]])
    np.testing.assert_array_equal(curves.env_steps, [[24, 24]])


def test_each_episode_of_adaptation_counts_on_tasks_of_each_seeds_own() -> None:
    keys = jax.random.split(jax.random.key(1), 2)
    returns = adapted_returns(SPRINT, FAMILY, agents(SPRINT)[0], keys=keys, plan=PLAN._replace(horizon=5))
    assert returns.shape == (2, 3, 3)
    np.testing.assert_allclose(np.diff(returns, axis=-1), 5.0, atol=1e-4)  # five steps, one higher each
    tasks = returns[..., 0] / 5.0 - 3.0
    assert len(np.unique(tasks.round(4))) == 6
    assert (tasks >= 0.0).all()
    assert (tasks < 1.0).all()


def test_the_horizon_is_the_longest_episode_unless_given() -> None:
    assert with_horizon(SPRINT, FAMILY, PLAN, jax.random.key(0)).horizon == 5
    assert with_horizon(SPRINT, FAMILY, PLAN._replace(horizon=3), jax.random.key(0)).horizon == 3


def test_a_memory_adapts_within_a_trial_whose_episodes_are_the_columns() -> None:
    candidate = Algorithm(rule=toys.Climb(), network=toys.Blank(), wrappers=(Trials(episodes=2),))
    agent, _ = agents(candidate)
    plan = with_horizon(candidate, FAMILY, PLAN, jax.random.key(0))
    assert plan.horizon == 10
    returns = adapted_returns(candidate, FAMILY, agent, keys=jax.random.split(jax.random.key(1), 2), plan=plan)
    np.testing.assert_allclose(returns[..., 0], returns[..., 1], atol=1e-4)
    assert ((returns[..., :2] >= 15.0) & (returns[..., :2] < 20.0)).all()
    assert np.isnan(returns[..., 2]).all()
    assert note_on("it", candidate, FAMILY) == (
        "it adapts by its memory alone: column k is episode k + 1 of a trial of 2 episodes."
    )
    with pytest.raises(UserError, match=r"no act_greedily: leave --greedy \(greedy=True\) out"):
        adapted_returns(candidate, FAMILY, agent, keys=jax.random.split(jax.random.key(1), 2), plan=plan._replace(greedy=True))


def test_a_rule_adapts_if_it_or_one_inside_it_says_how() -> None:
    inside = [WrappingRule(rule=rule) for rule in (Sprint(), toys.Climb())]
    assert [adapts(rule) for rule in (Sprint(), toys.Climb(), *inside)] == [True, False, True, False]
    assert note_on("climb", CLIMB, FAMILY) == (
        "climb does not adapt: its columns are further episodes with what it learned in training."
    )
    assert note_on("sprint", SPRINT, FAMILY) == ""


def test_candidates_adapt_side_by_side_to_the_same_tasks_and_watchers_are_told() -> None:
    notes: list[str] = []
    result = adapt(
        registry(),
        EXECUTOR,
        {"sprint": SPRINT, "climb": CLIMB},
        RUN,
        plan=PLAN,
        seeds=2,
        tell=lambda hook, **facts: notes.append(f"{hook} {sorted(facts)}"),
    )
    sprint, climb = (result.candidates[name].returns for name in ("sprint", "climb"))
    np.testing.assert_allclose(sprint[..., 0], climb[..., 0], atol=1e-4)
    np.testing.assert_allclose(sprint[..., 2] - climb[..., 2], 10.0, atol=1e-4)
    assert notes == ["discover_adaptation_started ['adaptation']", "discover_adaptation_finished ['adaptation']"]
    assert (result.references, result.candidates["climb"].env_steps) == ((0.0, 60.0), 48)


def test_watchers_are_told_of_an_end_before_time() -> None:
    class Stops(Local):
        def settle(self, lifetimes: int, candidate: Any, environments: Any) -> Any:
            raise KeyboardInterrupt

    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        adapt(registry(), Stops(), {"climb": CLIMB}, RUN, plan=PLAN, seeds=1, tell=lambda hook, **_: notes.append(hook))
    assert notes == ["discover_adaptation_started", "discover_adaptation_failed"]


def test_a_task_that_is_no_family_is_refused() -> None:
    with pytest.raises(UserError, match=r"^task 'payday' is one task and no family, so there is nothing to adapt to: .*payday"):
        adapt(registry(), EXECUTOR, {"climb": CLIMB}, TaskRun("payday", 40), plan=PLAN, seeds=1)


def test_a_search_counts_the_return_after_adaptation_of_each_member() -> None:
    objective = AdaptedReturn(episodes=2, tasks=2)
    executor = objective.executor(EXECUTOR).settle(4, SPRINT, [FAMILY])
    members = jax.tree.map(lambda *numbers: np.stack(numbers), SPRINT, replace(SPRINT, {"rule.slope": 2.0}))
    keys = jax.random.split(jax.random.key(0), 2)
    work = fresh_work(FAMILY, members, keys, 24)
    curves = run_alone(executor, work).curves
    assert curves.episode_return.shape == (2, 2, 100)
    lower, higher = curves.episode_return[:, :, 0].mean(axis=1)
    assert higher - lower == pytest.approx(25.0, abs=1e-3)  # five updates of one more, for five steps
    fitness = objective([TaskReturns(curves.episode_return, 0.0, 60.0)])
    np.testing.assert_allclose(fitness, [lower / 60.0, higher / 60.0], rtol=1e-5)
    with pytest.raises(UserError, match="choose another objective"):
        run_alone(executor, work._replace(keep=True))
    assert isinstance(executor, AdaptedExecutor)


@pytest.mark.slow
def test_a_search_ends_with_the_fitness_after_adaptation(tmp_path: Path) -> None:
    words = {
        "name": "sprints",
        "candidate": {"rule": {"toy_sprint": {"slope": {"free": {"low": 1.0, "high": 2.0}}}}, "network": "toy_blank"},
        "strategy": "toy_hill",
        "objective": {"adapted_return": {"episodes": 1, "tasks": 2}},
        "population": 2,
        "generations": 1,
        "seeds": 1,
        "finalists": 1,
        "selection_seeds": 2,
        "tasks": [{"task": "paydays", "steps": 24}],
    }
    result = search(plugins(), words, tmp_path / "it")
    level = 4.0 * float(get(result.champion, "rule.slope"))  # three updates, and a step of adaptation
    assert 5.0 * level / 60.0 <= result.champion_fitness < 5.0 * (level + 1.0) / 60.0
