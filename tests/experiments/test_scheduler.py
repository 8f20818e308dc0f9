"""The simulation of a thousand workers, on a few of them."""

import doctest
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "scheduler.py"


@pytest.fixture(scope="module")
def scheduler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scheduler_experiment", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def test_its_examples_run(scheduler: ModuleType) -> None:
    failed, tried = doctest.testmod(scheduler)
    assert (failed, tried > 5) == (0, True)


def test_durations_have_mean_one_and_the_spread_that_was_asked_for(scheduler: ModuleType) -> None:
    pieces = scheduler.durations(np.random.default_rng(0), 100_000, 0.7)
    assert abs(pieces.mean() - 1.0) < 0.02
    assert abs(np.log(pieces).std() - 0.7) < 0.02


def test_one_piece_per_worker_and_generation_is_busy_for_the_mean_over_the_longest(scheduler: ModuleType) -> None:
    pieces = scheduler.durations(np.random.default_rng(0), 40, 1.0)
    longest = pieces.reshape(5, 8).max(axis=1).sum()
    assert scheduler.with_barriers(pieces, 8, 8) == pytest.approx(pieces.sum() / (8 * longest))


def test_fewer_barriers_are_never_worse_and_a_wide_spread_never_better(scheduler: ModuleType) -> None:
    rows = scheduler.busy_table(workers=20, seed=0)
    for row in rows:
        shares = [value for name, value in row.items() if name != "spread"]
        assert shares[:3] == sorted(shares[:3])
        assert shares[1] - 1e-9 <= shares[3] <= shares[4] + 0.05 <= 1.05
    narrow, *_, wide = rows
    assert [value for name, value in narrow.items() if name != "spread"] == pytest.approx([1.0] * 5)
    assert wide["barriers, 1 per worker"] < 0.3


def test_homes_spare_compilations(scheduler: ModuleType) -> None:
    rng = np.random.default_rng(0)
    pieces, structures = scheduler.durations(rng, 400, 1.0), rng.integers(20, size=400)
    more, fewer = (
        scheduler.compiling(pieces, structures, 10, compilation=0.1, kept=4, homes=homes)[0] for homes in (False, True)
    )
    assert 1.0 <= fewer < 0.5 * more <= 20.0
