"""Estimates of searches, beside what the searches then do."""

from pathlib import Path
from typing import Any

import pytest

from discover.outer_loop.estimate import estimate
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins

SPACE = {"recipe": "climb", "rule": {"toy_climb": {"noise": "free"}}}
WORDS: dict[str, Any] = {
    "name": "tiny",
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "steps": 5}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 5,
    "seeds": 3,
    "finalists": 2,
    "selection_seeds": 3,
    "executor": {"local": {"chunk": 2}},  # so that everything runs on two devices: one program per algorithm
    "tasks": [{"task": "payday", "steps": 200}],
    "report": {"baselines": {"tuned": {"tune": SPACE}}, "seeds": 4},
}


def test_env_steps_are_those_of_the_search(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = estimate(plugins, WORDS)
    assert not list(tmp_path.iterdir())
    result = search(plugins, WORDS, tmp_path / "it")
    tuned = search(plugins, {**WORDS, "candidate": SPACE, "report": None}, tmp_path / "tuned")
    assert result.comparison is not None
    report = sum(training.env_steps for each in result.comparison.trainings.values() for training in each)
    finalist = WORDS["selection_seeds"] * 200  # the recommendation of a strategy may be a finalist more
    assert abs(expected.env_steps - (result.env_steps + tuned.env_steps + report)) <= 2 * finalist
    assert (expected.structures, expected.possible_structures) == (1, 1)
    assert [phase.name for phase in expected.phases] == ["tiny", "tiny: tuned", "selection and report"]
    assert [phase.env_steps for phase in expected.phases[:2]] == [5 * 4 * 3 * 200] * 2
    assert expected.compilations == 2
    assert expected.seconds > expected.compilation_seconds > 0.0
    assert expected.memory > 10_000_000
