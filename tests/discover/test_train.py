"""Training and comparing from Python."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
import toys

from discover import Algorithm, Executor, Status, TaskRun, component
from discover.compare import compare
from discover.events import Comparison, Training
from discover.executors import Curves
from discover.statistics import holm
from discover.train import statuses, train
from discover.words import algorithm_from, component_from

REGISTRY = toys.plugins().registry
REPEATABLE = f"Local(chunk={-(-3 // jax.device_count())})"


def executor() -> Executor:
    return component_from(REGISTRY, Executor, "local", "executor")


def toy() -> Algorithm:
    return algorithm_from(REGISTRY, "climb")


def test_a_training_records_the_chunk_size_that_its_bits_depend_on() -> None:
    made = train(REGISTRY, executor(), "toy", toy(), TaskRun("payday", 40), seeds=3)
    assert made.provenance["executor"] == REPEATABLE


def test_a_seed_that_broke_counts_in_no_figure_though_its_returns_are_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = [np.zeros((1, 3), np.int8), np.array([[Status.OK, Status.NOT_FINITE, Status.OK]], np.int8)]
    monkeypatch.setattr("discover.train.statuses", lambda curves: judged.pop(0))
    made = compare(REGISTRY, executor(), {"a": toy(), "b": toy()}, [TaskRun("payday", 40)], seeds=3)
    broken = made.trainings["b"][0]
    assert np.isfinite(broken.returns).all()
    assert np.isnan(broken.interval.estimate)
    assert made.differences == []
    assert "not comparable on 1 because a seed broke" in made.verdict


def test_each_training_of_a_comparison_records_its_own() -> None:
    made = compare(REGISTRY, executor(), {"a": toy(), "b": toy()}, [TaskRun("payday", 40)], seeds=3)
    assert [made.trainings[name][0].provenance["executor"] for name in "ab"] == [REPEATABLE, REPEATABLE]


def test_a_comparison_has_seeds_of_its_own() -> None:
    run, noisy = TaskRun("payday", 40), algorithm_from(REGISTRY, {"recipe": "climb", "rule": {"toy_climb": {"noise": 0.5}}})
    compared = compare(REGISTRY, executor(), {"a": noisy}, [run], seeds=2, seed=3).trainings["a"][0].returns

    def alone(seed: int = 3, **purpose: str) -> np.ndarray:
        return train(REGISTRY, executor(), "a", noisy, run, 2, seed, **purpose).returns

    np.testing.assert_array_equal(compared, alone(purpose="report"))
    for others in (alone(), alone(purpose="selection"), alone(seed=4, purpose="report")):
        assert not np.isin(others, compared).any()


@component
class Recorded(Executor):
    """Gives learning curves that are known beforehand: the square of the row, plus 1000 per seed."""

    def evaluate(self, environment: Any, candidates: Any, keys: jax.Array, steps: int, progress: Any = None) -> Curves:
        returns = np.arange(100.0)[None, None] ** 2 + 1000.0 * np.arange(len(keys))[None, :, None]
        finite, env_steps = np.ones((1, len(keys)), bool), np.full((1, len(keys)), steps)
        return Curves(returns, returns, {}, finite, env_steps)


def test_the_return_at_the_end_of_training_is_the_mean_of_the_last_two_rows() -> None:
    made = train(REGISTRY, Recorded(), "toy", toy(), TaskRun("payday", 40), seeds=3)
    np.testing.assert_array_equal(made.returns, (98**2 + 99**2) / 2 + 1000.0 * np.arange(3))
    assert made.interval.estimate == np.mean(made.returns)
    assert made.env_steps == 3 * 40


def test_the_worst_that_happened_to_a_seed_is_its_status() -> None:
    fine, ended = np.zeros(100), np.ones((2, 5), bool)
    never, part, infinite = np.full(100, np.nan), np.r_[np.nan, np.zeros(99)], np.r_[np.zeros(99), np.inf]
    returns = np.stack([[fine, never, part, infinite, fine], [fine, fine, never, never, fine]])
    ended[0, 4] = ended[1, 3] = False
    found = statuses(Curves(returns, returns, {}, ended, ended))
    ok, none, broken = Status.OK, Status.NO_EPISODE, Status.NOT_FINITE
    np.testing.assert_array_equal(found, [[ok, none, none, broken, broken], [ok, ok, none, broken, ok]])


def test_one_seed_has_no_interval() -> None:
    made = train(REGISTRY, Recorded(), "toy", toy(), TaskRun("payday", 40), seeds=1)
    np.testing.assert_array_equal(made.interval, [np.nan, (98**2 + 99**2) / 2, np.nan])


def test_a_comparison_tells_what_is_trained_and_how_far_it_is() -> None:
    told: list[tuple[str, float]] = []
    runs = [TaskRun("payday", 40), TaskRun("payday", 48)]
    candidates = {"a": toy(), "b": toy()}
    compare(REGISTRY, Recorded(), candidates, runs, seeds=2, progress=lambda *what: told.append(what))
    names = [f"{name} on payday @ {steps}" for steps in (40, 48) for name in "ab"]
    assert told == list(zip(names, (0.0, 0.25, 0.5, 0.75), strict=True))


SEEDS = 16
SEEDS = 16
BESIDE = {"first": 0.0, "near": 0.9, "far": 1.4}  # how far from the first, in standard deviations


def compared(monkeypatch: pytest.MonkeyPatch, baselines: tuple[str, ...], runs: tuple[TaskRun, ...]) -> Comparison:
    """Candidates with known returns."""

    def trained(registry: Any, executor: Any, name: str, algorithm: Any, run: TaskRun, *further: Any) -> Training:
        random = np.random.default_rng([list(BESIDE).index(name), run.steps])
        made = train(registry, executor, name, algorithm, run, SEEDS)
        return dataclasses.replace(made, returns=random.normal(BESIDE[name], 1.0, SEEDS))

    monkeypatch.setattr("discover.compare.train", trained)
    return compare(REGISTRY, Recorded(), dict.fromkeys(("first", *baselines), toy()), runs, seeds=SEEDS)


def test_differences_are_corrected_over_all_baselines_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The p value of each pair is what it is alone, adjusted by Holm for all pairs of the report."""
    runs = tuple(TaskRun("payday", steps) for steps in (40, 48, 56))
    whole = compared(monkeypatch, ("near", "far"), runs)
    pairs = [(baseline, run) for baseline in ("near", "far") for run in runs]
    alone = [compared(monkeypatch, (baseline,), (run,)).differences[0].p_value for baseline, run in pairs]
    found = {(d.baseline, d.run): d.p_value for d in whole.differences}
    adjusted = holm(alone)
    assert np.all(adjusted > alone)
    np.testing.assert_allclose([found[pair] for pair in pairs], adjusted)
