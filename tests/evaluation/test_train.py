"""Training and comparing from Python."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
import toys
from scripted import Scripted

from discover import Algorithm, Comparison, Executor, Status, TaskRun, UserError, Work, component, replace
from discover.base.statistics import Interval, corrected_difference
from discover.config.build import algorithm_from, component_from
from discover.contract.executor import Curves
from discover.evaluation.checks import check_lifetimes
from discover.evaluation.compare import _differences, compare
from discover.evaluation.train import train

REGISTRY = toys.plugins().registry
REPEATABLE = f"Local(chunk={-(-3 // jax.device_count())})"


def executor() -> Executor:
    return component_from(REGISTRY, Executor, "local", "executor")


def toy() -> Algorithm:
    return algorithm_from(REGISTRY, "climb")


def test_a_training_records_the_chunk_size_that_its_bits_depend_on() -> None:
    made = train(REGISTRY, executor(), "toy", toy(), run=TaskRun("payday", 40), seeds=3)
    assert made.provenance["executor"] == REPEATABLE


def test_a_seed_that_broke_counts_in_no_figure_though_its_returns_are_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = [np.zeros((1, 3), np.int8), np.array([[Status.OK, Status.NOT_FINITE, Status.OK]], np.int8)]
    monkeypatch.setattr("discover.evaluation.train.statuses", lambda curves: judged.pop(0))
    made = compare(REGISTRY, executor(), {"a": toy(), "b": toy()}, [TaskRun("payday", 40)], seeds=3)
    broken = made.trainings["b"][0]
    assert np.isfinite(broken.returns).all()
    assert np.isnan(broken.interval.estimate)
    assert made.differences == []
    assert "not comparable on 1 because a seed broke" in made.verdict


def test_each_training_of_a_comparison_records_its_own() -> None:
    made = compare(REGISTRY, executor(), {"a": toy(), "b": toy()}, [TaskRun("payday", 40)], seeds=3)
    assert [made.trainings[name][0].provenance["executor"] for name in "ab"] == [REPEATABLE, REPEATABLE]


def test_a_task_that_nobody_brings_is_told_without_the_name_of_a_candidate() -> None:
    with pytest.raises(UserError, match=r"^task: no task is called 'paydy': did you mean 'payday'\? Known: "):
        check_lifetimes(REGISTRY, {"toy": toy()}, [TaskRun("payday", 40), TaskRun("paydy", 40)])


@component
class Known(Scripted):
    """Gives each candidate the returns of its row, by its slope, and each run those of its place, by its horizon."""

    returns: tuple[tuple[tuple[float, ...], ...], ...]

    def curves(self, work: Work, progress: Any) -> Curves:
        scores = np.array(self.returns[int(work.candidates.rule.slope[0])][work.total - 5], np.float64)
        returns = np.broadcast_to(scores[None, :, None], (*work.shape, 100))
        return Curves(returns, returns, {}, np.ones(work.shape, bool), np.full(work.shape, 8 * work.total))


def given(returns: Mapping[str, Sequence[Sequence[float]]], seeds: int) -> Comparison:
    """The comparison of candidates that return what is given, by candidate and run."""
    candidates = {name: replace(toy(), {"rule.slope": float(row)}) for row, name in enumerate(returns)}
    rows = tuple(tuple(tuple(scores) for scores in of_runs) for of_runs in returns.values())
    runs = [TaskRun("payday", 40 + 8 * run) for run in range(len(rows[0]))]
    return compare(REGISTRY, Known(returns=rows), candidates, runs, seeds=seeds)


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


def test_a_verdict_names_the_runs_on_which_the_first_is_better_and_worse() -> None:
    low, high, middle = list(range(8)), [score + 50.0 for score in range(8)], [3.0, 4.0, 2.0, 5.0, 1.0, 6.0, 0.0, 7.0]
    made = given({"a": [high, low, low, high], "b": [low, high, middle, low], "c": [middle, low, middle, middle]}, 8)
    assert made.verdict == (
        "a is better than b on 2 of 4 runs (payday @ 40, payday @ 64), worse on 1 (payday @ 48), not told apart on 1; better "
        "than c on 2 of 4 runs (payday @ 40, payday @ 64), worse on 0, not told apart on 2 (8 seeds, 95 % intervals; verdicts "
        "and intervals of differences corrected over all 8 (Holm))."
    )
    assert [(d.candidate, d.baseline, d.run.steps) for d in made.differences] == [
        ("a", baseline, steps) for baseline in "bc" for steps in (40, 48, 56, 64)
    ]
    assert [d.interval.estimate for d in made.differences[:4]] == [50.0, -50.0, 0.0, 50.0]
    assert made.notes == ("",) * 4
    assert given({"a": [low]}, 8).verdict == "a was trained alone: nothing to compare with."


def test_a_table_has_a_row_for_each_candidate_and_run() -> None:
    made = given({"a": [[3.0] * 6, [8.0] * 6], "b": [[1.0] * 6, [9.0] * 6]}, 6)
    broken = dataclasses.replace(made.trainings["b"][1], status=np.array([0, 1, 0, 3, 0, 0]), interval=Interval(*[np.nan] * 3))
    shown = dataclasses.replace(
        made,
        notes=("searched", "unseen"),
        trainings={**made.trainings, "b": [made.trainings["b"][0], broken]},
        differences=made.differences[:1],
    )
    p_value = 2 * 2 / math.comb(12, 6)
    difference = {"estimate": 2.0, "interval": [2.0, 2.0], "p_value": pytest.approx(p_value), "verdict": "better"}

    def row(name: str, run: int, note: str, iqm: float | None, broken: int, difference: Any) -> dict[str, Any]:
        found = {"candidate": name, "task": "payday", "steps": 40 + 8 * run, "note": note, "seeds": 6, "iqm": iqm}
        return {**found, "interval": [iqm, iqm], "broken": broken, "first_minus_this": difference}

    assert shown.rows() == [
        row("a", 0, "searched", 3.0, 0, None),
        row("a", 1, "unseen", 8.0, 0, None),
        row("b", 0, "searched", 1.0, 0, difference),
        row("b", 1, "unseen", None, 2, None),
    ]


@component
class Told(Scripted):
    """Gives curves that are all different."""

    def curves(self, work: Work, progress: Any) -> Curves:
        rows = np.arange(100.0 * len(work.keys)).reshape(1, len(work.keys), 100)
        assert progress is not None
        progress(0.5)
        env_steps = np.full(work.shape, 2**30, np.int32)
        return Curves(rows, rows + 1, {"loss": rows + 2}, np.asarray([[True, False]]), env_steps)


def test_a_training_holds_what_its_executor_gave() -> None:
    told: list[float] = []
    made = train(
        REGISTRY, Told(), "toy", toy(), run=TaskRun("payday", 40), seeds=2, progress=told.append, facts={"python": "3"}
    )
    rows = np.arange(200.0).reshape(2, 100)
    for found, wanted in ((made.curves, rows), (made.lengths, rows + 1), (made.info["loss"], rows + 2)):
        np.testing.assert_array_equal(found, wanted)
    assert (made.name, made.run, list(made.info), told) == ("toy", TaskRun("payday", 40), ["loss"], [0.5])
    assert made.status.tolist() == [Status.OK, Status.NOT_FINITE]
    assert not made.sound
    assert made.env_steps == 2**31
    assert 0 < made.seconds < 60
    assert made.provenance == {"python": "3", "executor": "Told()"}


def test_many_differences_are_resampled_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as tells the tail of the smallest level."""
    asked: list[int] = []

    def none(pairs: Sequence[Any], resamples: int) -> list[Any]:
        asked.append(resamples)
        return corrected_difference(pairs[:1]) * len(pairs)

    monkeypatch.setattr("discover.evaluation.compare.corrected_difference", none)
    one = SimpleNamespace(returns=np.arange(2.0), sound=True)
    for count in (50, 51, 300):
        runs = [TaskRun("payday", steps) for steps in range(count)]
        assert len(_differences(["a", "b"], runs, {"a": [one] * count, "b": [one] * count})) == count  # type: ignore[dict-item]
    assert asked == [40_000, 40_800, 240_000]
