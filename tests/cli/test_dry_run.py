"""``discover search --dry-run``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from discover.outer_loop import estimating
from discover.outer_loop.estimate import Estimate, Phase

ESTIMATE = Estimate(
    name="tiny",
    structures=1,
    possible_structures=2,
    compilations=3,
    compilation_seconds=2.0,
    phases=(Phase("tiny", 1_000_000, 60.0), Phase("selection and report", 500, 1.0)),
    seconds=70.0,
    memory=1_500_000_000,
    device_memory=0,
    rehearsal_seconds=30.0,
    rehearsal_compilation_seconds=20.0,
)


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configs that were rehearsed, with a cost that is known."""
    configs: list[Any] = []
    monkeypatch.setattr(estimating, "estimate", lambda plugins, config, progress: configs.append(config) or ESTIMATE)
    return configs


def test_the_cost_is_printed_and_nothing_is_run(invoke: Callable[..., Result], config: Path, rehearsed: list[Any]) -> None:
    before = sorted(Path().iterdir())
    result = invoke("search", config, "--dry-run", "--set", "population=8")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[2:] == [
        "tiny                   1,000,000   1:00",
        "selection and report         500   0:01",
        "compilation                        0:02",
        "between lifetimes                  0:07",
        "structures:    1 in the first generation, of 2 possible",
        "compilations:  3 or more, 0:20 in this rehearsal, 0:02 in the search",
        "env steps:     1,000,500",
        "time:          about 1:10 (measured in 0:30)",
        "memory:        about 1.5 GB",
    ]
    values = json.loads(invoke("search", config, "--dry-run", "--json").stdout)
    assert (values["env_steps"], values["seconds"], values["phases"][1]["env_steps"]) == (1_000_500, 70.0, 500)
    assert [each["population"] for each in rehearsed] == [8, 4]
    assert sorted(Path().iterdir()) == before


def test_mistakes_are_told_first(invoke: Callable[..., Result], config: Path) -> None:
    result = invoke("search", config, "--dry-run", "--set", "population=0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("error: --set 'population=0': population must be a whole number from 1 to 1048576; got 0.\n")
