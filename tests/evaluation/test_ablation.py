"""Ablations: what each value pays is the difference of fitness, seed by seed, and what broke is no zero."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toys
from scripted import Scripted

from discover import Curves, Registry, Scalar, TaskRun, UpdateRule, UserError, Work, WrappingRule, component, real
from discover.components.open_values import Free
from discover.config.build import algorithm_from
from discover.contract.ablation import Ablation
from discover.contract.algorithm import Algorithm
from discover.evaluation.ablation import _felt, _told_apart, ablate
from discover.evaluation.ablation_file import ABLATION_FILE, read_ablation, write_ablation

RUNS = [TaskRun("payday", 40), TaskRun("late-payday", 80)]
SEEDS = 8


class Made(Scripted):
    """Curves whose end is the slope, plus noise of the seed, plus a bonus for a longer rollout; a noise of 1 breaks."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def curves(self, work: Work, progress: Any) -> Curves:
        rule: Any = work.candidates.rule
        self.shapes.append(work.shape)
        luck = np.asarray(jax.random.key_data(work.keys))[:, -1] / 2.0**32
        level = np.asarray(rule.slope)[:, None] + 0.5 * (rule.steps == 8) + 3.0 * luck[None]
        level = np.where(np.asarray(rule.noise)[:, None] == 1.0, np.nan, level)
        rows = np.repeat(level[..., None], 100, axis=-1).astype(np.float32)
        ones = np.ones(level.shape, np.int32)
        return Curves(rows, np.ones_like(rows), {}, np.isfinite(level), ones)


def candidate(registry: Registry, **numbers: Any) -> Algorithm:
    return algorithm_from(registry, {"recipe": "climb", "rule": {"toy_climb": numbers}})


@pytest.fixture
def ablated(registry: Registry) -> Callable[..., Ablation]:
    def make(one: dict[str, float], other: dict[str, float], executor: Scripted | None = None, **more: Any) -> Ablation:
        pair = candidate(registry, **one), candidate(registry, **other)
        return ablate(
            registry, executor or Made(), pair, RUNS, objective=toys.FinalReturn(), seeds=SEEDS, names=("mine", "climb"), **more
        )

    return make


def test_each_value_pays_the_difference_of_fitness(ablated: Callable[..., Ablation]) -> None:
    made = Made()
    result = ablated({"slope": 3.0, "noise": 0.2, "steps": 8}, {}, made, alone=True)
    assert [(row["path"], row["value"], row["known"]) for row in result.rows()] == [
        ("rule.slope", "3", "1"),
        ("rule.steps", "8", "4"),
        ("rule.noise", "0.2", "0.1"),
    ]
    assert [row["estimate"] for row in result.rows()] == pytest.approx([2.0, 0.5, 0.0], abs=1e-5)
    assert [row["alone"]["estimate"] for row in result.rows()] == pytest.approx([2.0, 0.5, 0.0], abs=1e-5)
    assert [row["verdict"] for row in result.rows()] == ["paid", "paid", "no difference"]
    low, high = result.rows()[0]["interval"]
    assert low == pytest.approx(high)  # luck is the same with and without it
    assert result.fitness.std() > 0.1
    assert result.total.interval.estimate == pytest.approx(2.5, abs=1e-5)
    assert result.verdict == (
        "beside climb, rule.slope, rule.steps paid (8 seeds, paired; verdicts corrected over 3 values by Holm's procedure)."
    )
    assert sorted(made.shapes) == [(4, SEEDS), (4, SEEDS)] * 2  # two structures on two tasks, whatever their number of values


def test_harm_is_told_and_what_breaks_has_no_verdict(ablated: Callable[..., Ablation]) -> None:
    result = ablated({"slope": 0.5, "noise": 0.0}, {"noise": 1.0})
    verdicts = {row["path"]: (row["verdict"], row["estimate"]) for row in result.rows()}
    assert verdicts["rule.noise"] == ("broken", None)
    assert verdicts["rule.slope"] == ("harmful", pytest.approx(-0.5, abs=1e-5))
    assert result.rows()[-1]["path"] == "rule.noise"
    assert np.isnan(result.known_fitness).all()
    assert "rule.slope did harm" in result.verdict
    assert "no value paid" in result.verdict


def test_candidates_that_are_the_same_have_nothing_to_put_back(ablated: Callable[..., Ablation]) -> None:
    result = ablated({}, {})
    assert result.rows() == []
    assert result.verdict == "mine is climb: there is nothing to put back."
    assert result.verdict in repr(result)
    assert result.plot() is not None


def test_an_ablation_is_read_as_it_was_written(ablated: Callable[..., Ablation], tmp_path: Path) -> None:
    result = ablated({"slope": 3.0, "noise": 0.0}, {"noise": 1.0}, alone=True)
    write_ablation(tmp_path, result)
    again = read_ablation(tmp_path)
    assert again is not None
    assert again.rows() == result.rows()
    assert again.values() == json.loads(json.dumps(result.values()))
    assert repr(again) == repr(result)
    (tmp_path / ABLATION_FILE).write_text("{}")
    with pytest.raises(UserError, match=r"^the ablation '.*ablation\.json' is damaged \(KeyError\): remove it"):
        read_ablation(tmp_path)
    assert read_ablation(tmp_path / "nowhere") is None


def test_mistakes_are_told_before_any_lifetime(ablated: Callable[..., Ablation], registry: Registry) -> None:
    executor = Made()
    pair = candidate(registry), candidate(registry)
    with pytest.raises(UserError, match=r"^an ablation needs 2 seeds or more, since one has no interval; got 1\.$"):
        ablate(registry, executor, pair, RUNS, objective=toys.FinalReturn(), seeds=1)
    with pytest.raises(UserError, match="climb"):
        ablated({}, {"steps": 1000}, executor)
    assert executor.shapes == []
    assert not any(isinstance(value, Free) for value in pair)


def test_values_of_a_part_that_does_nothing_in_the_known_algorithm_are_put_back_one_by_one(registry: Registry) -> None:
    @component
    class Times(WrappingRule):
        power: Scalar = real(0.0, low=0.0, high=1.0)
        base: Scalar = real(0.5, low=0.1, high=1.0)

        def effective(self) -> UpdateRule:
            return self.rule if float(self.power) == 0.0 else self

    def wrapped(power: float, base: float, **numbers: float) -> Algorithm:
        inner = candidate(registry, **numbers)
        return dataclasses.replace(inner, rule=Times(rule=inner.rule, power=power, base=base))

    found, silent = wrapped(0.5, 0.2, slope=3.0), wrapped(0.0, 0.5)
    assert [each.path for each in _felt(*_told_apart(found, silent))] == ["rule.rule.slope", "rule.power", "rule.base"]
    assert [each.path for each in _felt(*_told_apart(found, candidate(registry)))] == ["rule"]
    still, plain = wrapped(0.0, 0.2, slope=3.0), wrapped(0.0, 0.5)
    assert [each.path for each in _felt(*_told_apart(still, plain))] == ["rule.slope"]
