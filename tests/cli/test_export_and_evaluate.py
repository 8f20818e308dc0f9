"""``discover export``, ``discover train --agents`` and ``discover evaluate``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import discover

Invoke = Callable[..., Result]
Told = Callable[..., Any]


def test_agents_are_kept_and_evaluated(told: Told, invoke: Invoke) -> None:
    summary = told("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100, "--no-tracking", "--agents", "kept")
    assert summary["agents"] == "kept"
    summary = told("evaluate", "kept", "--episodes", 4, "--sample")
    assert [Path(row["agent"]).name for row in summary["agents"]] == ["seed-0.agent", "seed-1.agent"]
    assert [len(row["returns"]) for row in summary["agents"]] == [4, 4]
    assert {row["candidate"] for row in summary["agents"]} == {"climb"}
    result = invoke("evaluate", "kept/seed-0.agent", "--episodes", 4, "--sample")
    assert result.exit_code == 0, result.stderr
    assert "seed-0.agent" in result.stdout
    assert "actions: sampled as in training" in result.stdout
    for words, message in (
        (("evaluate", "kept/seed-0.agent", "--sample", "--episodes", 1), "episodes must be at least 2"),
        (("evaluate", "kept/seed-0.agent"), "add --sample"),
        (("evaluate", "kept/seed-0.agent", "--sample", "--task", "nowhere"), "no task is called 'nowhere'"),
        (("evaluate", "kept/seed-0.agent", "--sample", "--task", "catch"), "choose a task with the same observations"),
        (("evaluate", "kept/seed-0.agent", "--sample", "--gif", "it.gif"), "draws no pictures"),
        (("evaluate", "kept/seed-7.agent"), "does not exist"),
        (("evaluate", "."), "holds no agent"),
        (("evaluate", "runs:/ab/agents"), "no loaded plugin can fetch the agents 'runs:/ab/agents'"),
        (("train", "climb", "--task", "payday", "--agents", "kept", "--no-tracking"), "agents folder 'kept' is not empty"),
        (("export", "climb", "--to", "kept"), "export folder 'kept' is not empty"),
        (("export", "sac", "--to", "new"), "the head 'q1' of SAC reads 'action'"),
        (("export", "nothing", "--to", "new"), "no recipe is called 'nothing'"),
    ):
        check_mistake(invoke(*words), message)
    assert not Path("new").exists()


def check_mistake(result: Result, message: str) -> None:
    """One sentence on standard error, and status 2."""
    assert result.exit_code == 2, result.stdout
    assert message in result.stderr
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_an_export_tells_its_files(told: Told, invoke: Invoke) -> None:
    summary = told("export", "a2c", "--to", "mine")
    assert summary["files"] == ["rule.py", "test_rule.py", "example.py", "reference.npz"]
    assert {path.name for path in Path("mine").iterdir()} == set(summary["files"])
    assert summary["fingerprint"] in Path("mine/rule.py").read_text(encoding="utf-8")
    change = "rule.a2c.entropy_coefficient=0.05"
    result = invoke("export", "a2c", "--to", "again", "--set", change)
    assert f"a2c ({change}) is exported to again; five updates equal those of the original to 1e-6" in result.stdout
    assert "\nENTROPY_COEFFICIENT = 0.05  # " in Path("again/rule.py").read_text(encoding="utf-8")
    discover.export("a2c", to="python", overrides={"rule.a2c.entropy_coefficient": 0.05})
    assert Path("python/rule.py").read_bytes() == Path("again/rule.py").read_bytes()
