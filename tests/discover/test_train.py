"""Training and comparing from Python."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import pytest
import toys

from discover import Algorithm, Comparison, Executor, Status, TaskRun, component, replace
from discover.compare import compare
from discover.executors import Curves
from discover.train import train
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


@component
class Known(Executor):
    """Gives each candidate the returns of its row, by its slope, and each run those of its place, by its horizon."""

    returns: tuple[tuple[tuple[float, ...], ...], ...]

    def evaluate(self, environment: Any, candidates: Any, keys: jax.Array, steps: int, progress: Any = None) -> Curves:
        scores = np.array(self.returns[int(candidates.rule.slope[0])][steps - 40], np.float64)
        returns = np.broadcast_to(scores[None, :, None], (1, len(keys), 100))
        return Curves(returns, returns, {}, np.ones((1, len(keys)), bool), np.full((1, len(keys)), steps))


def given(returns: Mapping[str, Sequence[Sequence[float]]], seeds: int) -> Comparison:
    """The comparison of candidates that return what is given, by candidate and run."""
    candidates = {name: replace(toy(), {"rule.slope": float(row)}) for row, name in enumerate(returns)}
    rows = tuple(tuple(tuple(scores) for scores in of_runs) for of_runs in returns.values())
    runs = [TaskRun("payday", 40 + run) for run in range(len(rows[0]))]
    return compare(REGISTRY, Known(returns=rows), candidates, runs, seeds)


def test_a_comparison_is_corrected_over_all_its_baselines_and_runs() -> None:
    low, high = list(range(8)), [score + 4.2 for score in range(8)]
    alone = given({"a": [high], "b": [low]}, 8)
    counts = "a is better than b on 1 of 1 runs (payday @ 40), worse on 0, not told apart on 0"
    assert alone.verdict == f"{counts} (8 seeds, 95 % intervals)."
    runs = given({"a": [high] * 3, "b": [low] * 3}, 8)
    baselines = given({"a": [high], "b": [low], "c": [low], "d": [low]}, 8)
    for made in (runs, baselines):
        assert [d.verdict for d in made.differences] == ["no difference"] * 3
        assert made.verdict.endswith(
            "(8 seeds, 95 % intervals; verdicts and intervals of differences corrected over all 3 (Holm))."
        )
        assert made.differences[0].p_value == pytest.approx(3 * alone.differences[0].p_value)
        assert made.differences[0].interval.low <= 0 < alone.differences[0].interval.low


def test_a_comparison_does_not_pair_seeds() -> None:
    low, high = list(range(8)), [score + 0.5 for score in range(8)]
    assert given({"a": [high], "b": [low]}, 8).differences[0].verdict == "no difference"


def test_a_comparison_with_too_few_seeds_says_how_many_a_verdict_needs() -> None:
    far = {"a": [[100.0, 101.0, 102.0]] * 2, "b": [[0.0, 1.0, 2.0]] * 2}
    made = given(far, 3)
    assert [d.verdict for d in made.differences] == ["too few seeds"] * 2
    assert all(d.interval.low == 0 for d in made.differences)
    assert made.verdict == "a is not judged: 3 seeds are too few for a verdict on 2 differences together; give 5 or more."
    one = given({"a": [[9.0] * 2], "b": [[1.0] * 2]}, 2)
    assert one.verdict == "a is not judged: 2 seeds are too few for a verdict on the difference; give 4 or more."
