"""Training and comparing where the returns, or where they come from, are known."""

from typing import Any

import numpy as np
import toys
from scripted import Scripted

from discover import Algorithm, Executor, Status, TaskRun, Work, component, replace
from discover.base.statistics import holm
from discover.config.build import algorithm_from, component_from
from discover.contract.executor import Curves
from discover.evaluation.compare import compare
from discover.evaluation.train import statuses, train

REGISTRY = toys.plugins().registry


def executor() -> Executor:
    return component_from(REGISTRY, Executor, "local", "executor")


def toy() -> Algorithm:
    return algorithm_from(REGISTRY, "climb")


def test_a_comparison_has_seeds_of_its_own() -> None:
    run, noisy = TaskRun("payday", 40), algorithm_from(REGISTRY, {"recipe": "climb", "rule": {"toy_climb": {"noise": 0.5}}})
    compared = compare(REGISTRY, executor(), {"a": noisy}, [run], seeds=2, seed=3).trainings["a"][0].returns

    def alone(seed: int = 3, purpose: str = "train") -> np.ndarray:
        return train(REGISTRY, executor(), "a", noisy, run=run, seeds=2, seed=seed, purpose=purpose).returns

    np.testing.assert_array_equal(compared, alone(purpose="report"))
    for others in (alone(), alone(purpose="selection"), alone(seed=4, purpose="report")):
        assert not np.isin(others, compared).any()


@component
class Recorded(Scripted):
    """Gives learning curves that are known beforehand: the square of the row, plus 1000 per seed."""

    def curves(self, work: Work, progress: Any) -> Curves:
        returns = np.arange(100.0)[None, None] ** 2 + 1000.0 * np.arange(len(work.keys))[None, :, None]
        finite, env_steps = np.ones(work.shape, bool), np.full(work.shape, 8 * work.total)
        return Curves(returns, returns, {}, finite, env_steps)


def test_the_return_at_the_end_of_training_is_the_mean_of_the_last_two_rows() -> None:
    made = train(REGISTRY, Recorded(), "toy", toy(), run=TaskRun("payday", 40), seeds=3)
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
    made = train(REGISTRY, Recorded(), "toy", toy(), run=TaskRun("payday", 40), seeds=1)
    np.testing.assert_array_equal(made.interval, [np.nan, (98**2 + 99**2) / 2, np.nan])


def test_a_comparison_tells_what_is_trained_and_how_far_it_is() -> None:
    told: list[tuple[str, float]] = []
    runs = [TaskRun("payday", 40), TaskRun("payday", 48)]
    candidates = {"a": toy(), "b": toy()}
    compare(REGISTRY, Recorded(), candidates, runs, seeds=2, progress=lambda *what: told.append(what))
    names = [f"{name} on payday @ {steps}" for steps in (40, 48) for name in "ab"]
    assert told == list(zip(names, (0.0, 0.25, 0.5, 0.75), strict=True))


@component
class Drawn(Scripted):
    """Gives returns from normal distributions, whose mean is the candidate's slope: others for each slope and horizon."""

    def curves(self, work: Work, progress: Any) -> Curves:
        slope, seeds, steps = float(work.candidates.rule.slope[0]), len(work.keys), 8 * work.total
        drawn = np.random.default_rng([int(10 * slope), steps]).normal(slope, 1.0, seeds)
        returns = np.broadcast_to(drawn[None, :, None], (1, seeds, 100))
        return Curves(returns, returns, {}, np.ones((1, seeds), bool), np.full((1, seeds), steps))


def test_differences_are_corrected_for_each_other() -> None:
    """The p value of each is what it is alone, adjusted by Holm for all."""
    candidates = {"first": replace(toy(), {"rule.slope": 1.0}), "second": replace(toy(), {"rule.slope": 2.0})}

    def p_values(*steps: int) -> list[float]:
        runs = [TaskRun("payday", count) for count in steps]
        return [made.p_value for made in compare(REGISTRY, Drawn(), candidates, runs, seeds=16).differences]

    alone, together = [*p_values(40), *p_values(48), *p_values(56)], p_values(40, 48, 56)
    assert np.all(np.greater(together, alone)[np.argsort(alone)[:2]])
    np.testing.assert_allclose(together, holm(alone))
