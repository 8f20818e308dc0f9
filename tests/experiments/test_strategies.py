"""Strategies at their defaults on the typed toys of ``experiments/strategies.py``: none is near random search."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest

from discover.plugin.loader import load_plugins

SCRIPT = Path(__file__).parents[2] / "experiments" / "strategies.py"
STRATEGIES: dict[str, Any] = {entry.name: entry.component for entry in load_plugins().registry.entries("strategy")}

EXEMPT = {
    "RandomSearch": "it draws from the prior, whatever it is told",
    "random_search": "the same",
    "racing": "it needs another strategy inside",
    "gradient": "it climbs by the gradients of what agents do, and here nothing lives",
    "pbt": "its numbers are a schedule for agents that live on, and here nothing lives",
}
"""Strategies that need not beat random search, and why."""

QUICK = ("Open_ES",)
BETTER = {"sphere": 5.0, "bounds": 2.0}
"""How many times nearer than random search the best of 16 x 30 evaluations is at least, in the median."""


@pytest.fixture(scope="module")
def experiment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("strategies_experiment", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def luck(experiment: ModuleType) -> dict[str, float]:
    return reached(experiment, "random_search")


def reached(experiment: ModuleType, name: str) -> dict[str, float]:
    """The median of the best distance on each toy, at other optima than those of the table."""
    run = experiment.Searches(STRATEGIES[name]())
    return {toy: float(np.median(run(experiment.toy(toy, 0.0, 5000), 5000).best)) for toy in BETTER}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(STRATEGIES) if name not in EXEMPT],
)
def test_each_strategy_is_clearly_better_than_luck_at_its_defaults(
    experiment: ModuleType, luck: dict[str, float], name: str
) -> None:
    found = reached(experiment, name)
    for toy, times in BETTER.items():
        assert found[toy] < luck[toy] / times, toy


def test_the_distance_is_zero_at_the_optimum_alone_and_in_units_of_the_domains(experiment: ModuleType) -> None:
    space, place = experiment.NUMBERS, experiment.place_of_numbers
    middle = place(space.decode(np.zeros(space.dimension, np.float32), ()))
    np.testing.assert_allclose(middle, 0.5, atol=1e-5)
    start = place(space.decode(space.start(jax.random.key(0)), ()))
    np.testing.assert_allclose(start, 0.3, atol=1e-5)
    for toy in experiment.TOYS[:3]:
        for problem in experiment.each(experiment.toy(toy, 0.0).problems):
            assert problem.distance(problem.target) == 0.0
    ends = experiment.each(experiment.toy("bounds", 0.0).problems)
    assert all(int(np.sum((problem.target == 0.0) | (problem.target == 1.0))) == 3 for problem in ends)
    bent = experiment.each(experiment.toy("ellipsoid", 0.0).problems)[0].axes
    assert np.linalg.cond(bent.T @ bent) == pytest.approx(1000.0, rel=1e-2)


def test_two_categories_are_a_distance_of_one_apart(experiment: ModuleType) -> None:
    problem = experiment.each(experiment.toy("mixed", 0.0).problems)[0]
    other = problem.target.copy()
    other[5:] = np.roll(other[5:], 1)
    assert problem.distance(other) == pytest.approx(1.0)


def test_every_strategy_has_a_row_in_the_table(experiment: ModuleType) -> None:
    text = SCRIPT.with_suffix(".md").read_text(encoding="utf-8")
    assert {*STRATEGIES} - {*experiment.LEFT_OUT} < {*experiment.rows()}
    for name in experiment.rows():
        assert f"| {name} |" in text, name
