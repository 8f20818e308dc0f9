"""Training and comparing from Python."""

import jax
import numpy as np
import pytest
import toys

from discover import Algorithm, Executor, Status, TaskRun
from discover.compare import compare
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
