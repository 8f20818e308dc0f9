"""Searches of one config side by side."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SPEC = importlib.util.spec_from_file_location("replicates", Path(__file__).parents[2] / "experiments" / "replicates.py")
assert SPEC
assert SPEC.loader
replicates: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(replicates)


def row(baseline: str, estimate: float, verdict: str) -> dict[str, Any]:
    return {"baseline": baseline, "estimate": estimate, "interval": [estimate - 0.1, estimate + 0.1], "verdict": verdict}


def result(*suite: dict[str, Any]) -> dict[str, Any]:
    difference = {"verdict": "better"}
    seen = {"task": "catch", "steps": 5000, "note": "unseen", "interval": [0.0, 1.0]}
    rows = [
        {**seen, "candidate": "champion", "iqm": 0.9, "first_minus_this": None},
        {**seen, "candidate": "PPO", "iqm": 0.25, "first_minus_this": difference},
    ]
    doubt = {"probability": 0.25, "shortfall": 0.01}
    return {"suite": list(suite), "table": rows, "env_steps": 2_000_000, "seconds": 120.0, "champion_doubt": doubt}


FIRST = result(row("PPO", 0.3, "better"), row("tuned PPO", 0.05, "no difference"))
SECOND = result(row("PPO", 0.2, "better"), row("tuned PPO", 0.4, "better"))


def test_the_better_of_a_baseline_and_its_tuned_version_counts() -> None:
    lines = replicates.suite_table([FIRST, SECOND]).splitlines()
    assert lines[2] == "| PPO | .300 [.200, .400] better | .200 [.100, .300] better | 2 of 2 |"
    assert lines[3] == "| tuned PPO | .050 [-.050, .150] no difference | .400 [.300, .500] better | 1 of 2 |"
    assert lines[4] == "| the better PPO | .050 (tuned PPO) | .200 (PPO) | 1 of 2 |"


def test_tasks_show_who_is_beaten() -> None:
    assert "| catch @ 5,000 (unseen) | .900 | .250 (+) |" in replicates.task_tables([FIRST])


def test_a_champion_beats_all_baselines_or_is_marked() -> None:
    third = {"candidate": "DQN", "task": "catch", "steps": 5000, "note": "unseen", "iqm": 0.95, "interval": [0.9, 1.0]}
    worse = {**SECOND, "table": [*SECOND["table"], {**third, "first_minus_this": {"verdict": "worse"}}]}
    equal = {**SECOND, "table": [*SECOND["table"], {**third, "first_minus_this": {"verdict": "no difference"}}]}
    lines = replicates.beaten_table([FIRST, worse, equal]).splitlines()
    assert lines[2:] == [
        "| 0 | .900 / .250 (+) |",
        "| 1 | .900 / .950 (-) |",
        "| 2 | .900 / .950 |",
        "| better than all | 1 of 3 |",
    ]


def test_a_candidate_that_broke_has_no_return() -> None:
    broken = result()
    broken["table"][1] |= {"iqm": None, "first_minus_this": None}
    assert "| catch @ 5,000 (unseen) | .900 | broken |" in replicates.task_tables([broken])
    assert "| 0 | .900 / broken |" in replicates.beaten_table([broken])


def test_what_is_not_finished_or_has_no_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="run or resume"):
        replicates.read(tmp_path)
    (tmp_path / "result.json").write_text(json.dumps({**result(), "table": None}))
    with pytest.raises(SystemExit, match="asks for no report"):
        replicates.read(tmp_path)


def test_searches_with_other_baselines_are_told(tmp_path: Path) -> None:
    for name, found in {"one": FIRST, "two": result(row("PPO", 0.2, "better"))}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(found))
    one, two = tmp_path / "one", tmp_path / "two"
    assert replicates.read_all([one, one]) == [FIRST, FIRST]
    with pytest.raises(SystemExit, match=r"one and .*two are not both compared with 'tuned PPO' over the suite"):
        replicates.read_all([one, two])
