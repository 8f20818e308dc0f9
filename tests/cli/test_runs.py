"""``discover runs``, and ``discover resume`` by a name."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from typer.testing import Result

from discover.cli import runs

Invoke = Callable[..., Result]

LISTED = """
from pathlib import Path

from discover import RunSummary, hookimpl

RUNS = [
    RunSummary("search", f"number {i}", 1e9 + i, "finished", f"run{i}", "better " * 20, 0.5, Path(f"place{i}"))
    for i in range(40)
] + [
    RunSummary("training", "ppo on catch", 1e8, "failed", "train1"),
    RunSummary("comparison", "ppo against dpo", 9e7, "finished", "compare1", "dpo is worse", 12.5, best_name="ppo"),
]

@hookimpl
def discover_runs(store, kind, word, limit):
    if store == "none":
        return None
    every = sorted(RUNS, key=lambda one: -one.started)
    return [one for one in every if kind in (None, one.kind) and word.lower() in one.name][:limit]
"""


@pytest.fixture
def listed(brought: Path) -> None:
    """A store with forty searches and a training."""
    (brought / "listed.py").write_text(LISTED)


def begun(name: str, directory: Path, result: dict[str, Any] | None = None, age: float = 0.0) -> None:
    """A search's directory, as far as a list reads it."""
    directory.mkdir(parents=True)
    (directory / "config.yaml").write_text(yaml.safe_dump({"name": name}))
    os.utime(directory / "config.yaml", (2e9 - age, 2e9 - age))
    origin = {"words": {"name": name}, "belongs": {}, "provenance": {}, "checkpoint": True, "changes": []}
    (directory / "search.json").write_text(json.dumps({"format": 1, **origin}))
    if result is not None:
        numbers = {
            "champion_fitness": 0.5,
            "generations": 2,
            "env_steps": 10,
            "seconds": 1.0,
            "broken": {},
            "finalist_fitness": [],
        }
        (directory / "result.json").write_text(json.dumps({"format": 1, **numbers, **result}))
        (directory / "champion.candidate").touch()


@pytest.mark.usefixtures("listed")
def test_the_newest_runs_come_first_and_a_screen_of_them_by_default(invoke: Invoke) -> None:
    result = invoke("runs")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["name", "kind", "when", "status", "best", "verdict", "run", "or", "directory"]
    assert [line.split("search")[0].strip() for line in lines[2:-1]] == [f"number {i}" for i in range(39, 19, -1)]
    assert lines[2].split()[-1] == "run39"
    assert f"{'better ' * 8}b...   run39" in lines[2]
    assert lines[-1] == "the newest 20; more of them: --limit, --kind, --search"


@pytest.mark.usefixtures("listed")
def test_on_a_narrow_terminal_a_run_is_one_line(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(runs, "sys", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    lines = invoke("runs").stdout.splitlines()
    assert lines[0].split() == ["name", "when", "status", "run", "or", "directory"]
    assert len(lines) == 23  # the heading, its line, 20 runs, and the note on the others


@pytest.mark.usefixtures("listed")
def test_a_list_is_narrowed_and_read_by_programs(told: Callable[..., Any], invoke: Invoke) -> None:
    assert len(told("runs", "--limit", 100)) == 42
    assert [one["run_id"] for one in told("runs", "--kind", "training")] == ["train1"]
    (one,) = told("runs", "--search", "Number 7")
    assert one == {
        **{"kind": "search", "name": "number 7", "started": 1e9 + 7, "status": "finished", "run_id": "run7"},
        **{"verdict": "better " * 20, "best": 0.5, "best_name": "", "directory": "place7"},
    }
    assert "ppo 12.5" in invoke("runs", "--kind", "comparison").stdout
    assert told("runs", "--search", "zebra") == []
    assert invoke("runs", "--search", "zebra").stdout == "no run there whose name holds 'zebra'\n"


def test_a_kind_that_there_is_not(invoke: Invoke) -> None:
    result = invoke("runs", "--kind", "serch")
    known = "ablation, adaptation, comparison, search, training"
    said = f"error: there is no kind of runs 'serch': did you mean 'search'? Known: {known}.\n"
    assert (result.exit_code, result.stderr) == (2, said)


def test_without_a_store_the_directories_of_searches_are_listed(told: Callable[..., Any]) -> None:
    begun("old", Path("discover-runs/old-1"), {"verdict": "old is better."}, age=9.0)
    begun("new", Path("discover-runs/new-1"))
    Path("discover-runs/other").mkdir()
    first, second = told("runs", "--no-tracking")
    assert (first["name"], first["status"], first["best"]) == ("new", "unfinished", None)
    assert (second["name"], second["status"], second["best"], second["verdict"]) == ("old", "finished", 0.5, "old is better.")
    assert second["directory"] == "discover-runs/old-1"
    assert told("runs", "--no-tracking", "--kind", "training") == []


def test_a_search_is_resumed_by_its_name_the_newest_of_that_name(told: Callable[..., Any]) -> None:
    begun("tiny", Path("discover-runs/newer"), {})
    begun("tiny", Path("discover-runs/older"), {}, age=9.0)
    begun("another", Path("discover-runs/newest"), {}, age=-9.0)
    assert told("resume", "tiny", "--no-tracking")["directory"] == "discover-runs/newer"
    assert told("resume", "older", "--no-tracking")["directory"] == "discover-runs/older"
    assert told("resume", "TIN", "--no-tracking")["directory"] == "discover-runs/newer"  # no other name holds it


def test_names_that_stand_for_no_search_or_for_several(invoke: Invoke) -> None:
    begun("drift one", Path("discover-runs/a"))
    begun("drift two", Path("discover-runs/b"))
    sentences = {
        "drift": "'drift' is a part of several names (drift one, drift two): give one of them.",
        "drft one": "'drft one' is neither a directory nor the name or the run of a search: did you mean 'drift one'? "
        "Known: drift one, drift two.",
    }
    for name, sentence in sentences.items():
        result = invoke("resume", name, "--no-tracking")
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"error: {sentence}"), name
    shutil.rmtree("discover-runs")
    result = invoke("resume", "drift", "--no-tracking")
    assert result.stderr.endswith("the run of a search: 'discover runs' lists what there is.\n")


@pytest.mark.usefixtures("listed")
def test_the_directory_of_a_tracked_search_that_was_moved(invoke: Invoke) -> None:
    for address, subject, place in (
        ("number 7", "the search 'number 7'", "place7"),
        ("search-run", "the search of run", "found"),
    ):
        result = invoke("resume", address)
        assert result.exit_code == 2
        assert subject in result.stderr
        assert f"was in '{place}', which is not there any more: if it was moved, give its new place." in result.stderr
