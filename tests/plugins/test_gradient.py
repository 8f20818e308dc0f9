"""The search by gradients: what its meta-objective is worth, how it steps, and a whole search that is stopped and goes on."""

import itertools
from pathlib import Path
from typing import Any

import climbing
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from climbing import Blind
from discover_zoo.executors.local import Local
from discover_zoo.executors.processes import Processes
from discover_zoo.executors.ray import Ray
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.strategies.gradient.gradient import Gradient
from discover_zoo.strategies.gradient.policy_gain import PolicyGain
from discover_zoo.strategies.racing import Racing
from searches import Watcher, counters, state

from discover import Algorithm, Executor, Segment, Space, Told, UserError, Window, free
from discover.config.search_config import checked_config
from discover.contract.results import SearchResult
from discover.inner_loop.update import collect, newborn
from discover.inner_loop.window_programs import WindowPrograms
from discover.outer_loop.estimate import rehearsed
from discover.outer_loop.search import resume, search
from discover.outer_loop.window_fitness import WindowEvaluator
from discover.testing import check_meta_objective, check_strategy
from discover.testing.small import Affine, Corridor

SPACE = Space(GAE(lam=free(), gamma=free()))

WORDS: dict[str, Any] = {
    "name": "uphill",
    "seed": 3,
    "candidate": {"rule": {"blind": {"rate": {"free": {"start": 0.3}}}}, "network": "affine"},
    "strategy": {"gradient": {"updates": 3, "learning_rate": 0.05, "objective": {"policy_gain": {"hidden": []}}}},
    "population": 1,
    "generations": 5,
    "seeds": 5,
    "finalists": 1,
    "selection_seeds": 2,
    "executor": {"local": {"chunk": 2}},
    "tasks": [{"task": "corridor", "steps": 8 * 7}],  # seven updates: two windows, and one update that is left out
}


def run(directory: Path, watcher: Watcher | None = None, **change: Any) -> SearchResult:
    return search(climbing.plugins(*([watcher] if watcher else [])), {**WORDS, **change}, directory)


# The meta-objective ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "objective",
    [PolicyGain(hidden=()), pytest.param(PolicyGain(hidden=(4,), normalize=False), marks=pytest.mark.slow)],
)
def test_the_meta_objective_keeps_the_promises_of_its_kind(objective: PolicyGain) -> None:
    check_meta_objective(objective)


def test_the_meta_objective_is_the_mean_of_log_probability_times_advantage() -> None:
    key = jax.random.key(0)
    algorithm = Space(Algorithm(rule=Blind(), network=Affine())).decode(np.zeros(3, np.float32))
    world, objective = algorithm.world(Corridor()), PolicyGain(hidden=(), normalize=False, learning_rate=0.5)

    @jax.jit
    def judged_twice(key: jax.Array) -> Any:
        life = newborn(algorithm, Corridor(), key)
        trajectory = collect(algorithm.rule, world, life, jnp.int32(0)).trajectory
        assert trajectory is not None
        first = objective.init(key, world)
        _, state, _ = objective(key, world, life.params, first, trajectory=trajectory)
        return life.params, trajectory, (first, state), objective(key, world, life.params, state, trajectory=trajectory)[0]

    params, trajectory, (first, state), gain = judged_twice(key)
    assert not np.allclose(first[0][0]["kernel"], state[0][0]["kernel"])
    value, following = (
        (x @ state[0][0]["kernel"] + state[0][0]["bias"])[..., 0] for x in (trajectory.observation, trajectory.next_observation)
    )
    segment = Segment(
        trajectory.reward,
        value,
        jnp.where(trajectory.terminated, 0.0, following),
        trajectory.terminated,
        truncated=trajectory.truncated,
        behavior_log_prob=value,
        target_log_prob=value,
    )
    advantage = GAE(gamma=0.99, lam=0.95)(segment).advantage
    log_prob = world.policy(world.evaluate(params, trajectory)).log_prob(trajectory.action)
    np.testing.assert_allclose(gain, jnp.mean(log_prob * advantage), rtol=1e-5)


# The strategy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [Gradient(learning_rate=0.1), Gradient(optimizer=SGD(learning_rate=0.1))])
def test_it_keeps_the_promises_of_its_kind(strategy: Gradient) -> None:
    check_strategy(strategy, population=3)


def test_it_steps_uphill_and_a_member_without_a_gradient_stays() -> None:
    strategy = Gradient(optimizer=SGD(learning_rate=0.5))
    proposal, asked = strategy.ask(jax.random.key(0), strategy.init(jax.random.key(0), SPACE, 2), SPACE, 2)
    np.testing.assert_array_equal(proposal.genomes[0], SPACE.start(jax.random.key(0)))
    told = Told.of(proposal.genomes, jnp.array([1.0, 2.0]))
    after = strategy.tell(jax.random.key(1), asked, SPACE, told._replace(gradients=jnp.array([[1.0, -2.0], [jnp.nan, 1.0]])))
    np.testing.assert_allclose(after.genomes - proposal.genomes, [[0.5, -1.0], [0.0, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(strategy.recommendation(after, SPACE), after.genomes[1])


def test_what_it_does_not_go_with() -> None:
    assert Local().gives_gradients
    assert not Processes().gives_gradients
    assert "climbs by gradients" in (Racing(strategy=Gradient()).check_population(SPACE, 9) or "")


def test_what_it_asks_for() -> None:
    strategy = Gradient(updates=3)
    assert strategy.window() == Window(3, strategy.objective)
    with pytest.raises(UserError, match="updates of Gradient must be a whole number of at least 2; got 1"):
        Gradient(updates=1)


# A search -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_search_that_is_stopped_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Watcher()
    result = run(tmp_path / "whole", whole)
    assert result.generations == 5
    first, last = whole.generations[0], whole.generations[-1]
    assert np.abs(last.genomes - first.genomes).max() > 0.05
    assert {"norm", "norm_of_error", "objective", "regularizer", "critic_error"} == set(first.climb)
    assert (first.climb["norm"] > 0).all()
    assert [generation.env_steps for generation in whole.generations] == [5 * 3 * 8] * 5
    run_of_tile, tiles, each = WindowPrograms.run, itertools.count(), -(-5 // (2 * min(3, jax.device_count())))

    def interrupted(*args: Any) -> Any:
        """The third window is stopped before its last tile."""
        if next(tiles) == 3 * each - 1:
            raise KeyboardInterrupt
        return run_of_tile(*args)

    stopped = tmp_path / "stopped"
    monkeypatch.setattr(WindowPrograms, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(stopped)
    monkeypatch.undo()
    assert counters(stopped)["generations"] == 2
    resumed = Watcher()
    again = resume(climbing.plugins(resumed), stopped)
    assert resumed.phases == [("search", True)]
    assert state(stopped) == state(tmp_path / "whole")
    assert again.champion_fitness == result.champion_fitness
    assert again.champion_path.read_bytes() == result.champion_path.read_bytes()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"objective": "adapted_return"}, "climbs by gradients, which neither this executor"),
        ({"candidate": {"rule": {"blind": {"fraction": "free"}}, "network": "affine"}}, "not differentiable with respect to"),
        ({"candidate": {"rule": {"blind": {"loops": {"choice": [False, True]}}}, "network": "affine"}}, "needs one structure"),
        ({"tasks": [{"task": "corridor", "steps": 8}]}, "has 1 update, fewer than the 3 of the strategy's window"),
        ({"elites": 1}, "elites 1 does not go with a strategy that keeps agents alive"),
    ],
)
def test_what_does_not_go_with_gradients_is_told_before_anything_runs(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=why):
        run(tmp_path / "search", **change)
    assert not (tmp_path / "search").exists()


@pytest.mark.parametrize("executor", [Processes(), Ray()])
def test_an_executor_without_gradients_is_refused(executor: Executor) -> None:
    registry = climbing.plugins().registry
    config = checked_config(registry, WORDS)
    evaluator = WindowEvaluator(registry, config, Space(config.template), executor, progress=lambda label, share: None)
    with pytest.raises(UserError, match=r"climbs by gradients, which neither this executor .*: write executor: local"):
        evaluator.ongoing_form(1, 5)


@pytest.mark.slow
def test_its_cost_is_known_before() -> None:
    estimate = rehearsed(climbing.plugins(), WORDS)
    assert estimate.phases[0].env_steps == 5 * 5 * 3 * 8
