"""``discover search`` and ``discover resume``: what they print, and how they end."""

import json
import math
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from discover import directory_lock

Invoke = Callable[..., Result]
Told = Callable[..., Any]


def test_search_prints_one_json_object_and_nothing_else(told: Told, config: Path) -> None:
    summary = told("search", config, "--directory", "found")
    assert summary["run_id"] == "search-run"
    assert summary["generations"] == 2
    assert math.isfinite(summary["best_fitness"])
    assert Path(summary["champion"]).is_file()
    finalists = {(2 * 4 * 1 + (each + 1) * 2) * 100 for each in (2, 3)}  # two and a recommendation; the champion once more
    assert summary["env_steps"] in finalists
    assert summary["seconds"] > 0
    assert summary["broken"] == {}
    assert [(row["candidate"], row["task"]) for row in summary["table"]] == [("champion", "payday"), ("climb", "payday")]


def test_search_without_tracking_has_no_run(told: Told, config: Path) -> None:
    summary = told("search", config, "--no-tracking", "--set", "report=null", "--set", "generations=1")
    assert summary["run_id"] is None
    assert summary["table"] == []
    assert summary["generations"] == 1


def test_search_says_what_it_found_and_how_to_go_on(invoke: Invoke, config: Path) -> None:
    result = invoke("search", config, "--directory", "found")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    heading = next(line for line in lines if "candidate" in line)
    assert [
        word for word in ("task", "IQM", "95 % interval", "seeds", "champion minus this", "verdict") if word not in heading
    ] == []
    assert any(line.split()[:5] == ["payday", "@", "100", "(searched)", "champion"] for line in lines)
    assert any(line.startswith("champion is ") for line in lines)
    again = next(line for line in lines if line.startswith("train it again:")).partition(":")[2]
    trained = invoke(*shlex.split(again)[1:], "--no-tracking", "--seeds", 2, plugins=False)
    assert trained.exit_code == 0, trained.stderr
    assert any(line.startswith("look at it:      discover ui --run search-run") for line in lines)
    assert "tiny: 2 generations" in result.stderr
    assert "generation 2/2, ETA 0:00, best " in result.stderr


def test_a_search_is_resumed_by_its_directory_or_its_run(told: Told, config: Path) -> None:
    first = told("search", config, "--directory", "found")
    by_directory = told("resume", "found")
    by_run = told("resume", "search-run")
    assert by_directory["best_fitness"] == by_run["best_fitness"] == first["best_fitness"]
    assert by_directory["run_id"] == "resume-run"


def test_a_finished_search_says_so_and_where_its_result_lies(invoke: Invoke, told: Told, config: Path) -> None:
    first = told("search", config, "--directory", "found")
    assert not first["finished_before"]
    again = told("resume", "found")
    assert again["finished_before"]
    assert [again[key] for key in ("champion", "table", "verdict")] == [first[key] for key in ("champion", "table", "verdict")]
    result = invoke("resume", "found")
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    verdict = first["verdict"].rstrip(".")
    assert line.startswith(f"the search 'tiny' has finished ({verdict}): nothing is run; its champion, of fitness ")
    assert " is found/champion.candidate; its report again: discover resume found --report --plugins-dir " in line


def test_a_finished_search_traces_nothing_unless_its_report_is_asked_for(
    invoke: Invoke, told: Told, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told("search", config, "--directory", "found")
    monkeypatch.setattr("discover.inner_loop.here.run_population", None)  # nothing is trained
    result = invoke("resume", "found", "--report")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "finished:        the search 'tiny' was finished before: a new report, nothing trained" in lines
    assert any(line.startswith("champion:        found/champion.candidate, fitness ") for line in lines)
    assert told("resume", "found", "--report")["table"] == first["table"]
    monkeypatch.setattr("discover.outer_loop.search.Runner", None)  # nothing is traced
    assert told("resume", "found")["champion"] == first["champion"]


def test_what_has_changed_is_named_and_accepted_by_anyway(invoke: Invoke, config: Path) -> None:
    few = ("--set", "report=null", "--set", "generations=1", "--no-tracking", "--directory", "found")
    assert invoke("search", config, *few).exit_code == 0
    words = Path("found/config.yaml").read_text()
    Path("found/config.yaml").write_text(words.replace("selection_seeds: 2", "selection_seeds: 3"))
    refused = invoke("resume", "found", "--no-tracking")
    told = "(selection_seeds is 3, was 2)"
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[-1] == (
        f"error: the search in 'found' was begun otherwise {told}: restore that, or accept it by --anyway."
    )
    accepted = invoke("resume", "found", "--no-tracking", "--anyway")
    assert accepted.exit_code == 0, accepted.stderr
    assert f"warning: the search goes on otherwise than it was begun {told}: bits may differ." in accepted.stderr.splitlines()


def test_a_second_process_is_told_at_once(invoke: Invoke, config: Path) -> None:
    Path("found").mkdir()
    with directory_lock("found"):
        refused = invoke("search", config, "--directory", "found", "--no-tracking")
    assert refused.exit_code == 2
    told = f"error: 'found' is in use by another process (process id {os.getpid()}): wait until it ends, or end it."
    assert refused.stderr.splitlines()[-1] == told


def test_ctrl_c_says_how_to_resume(invoke: Invoke, config: Path, brought: Path) -> None:
    (brought / "impatient.py").write_text(
        "from discover import hookimpl\n"
        "@hookimpl\n"
        "def discover_generation_done(generation):\n"
        "    if generation.index == 1:\n"
        "        raise KeyboardInterrupt\n"
    )
    result = invoke("search", config, "--directory", "my search")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        f"stopped: the search 'tiny' is saved; go on with it: discover resume 'my search' --plugins-dir {brought}"
    )
    (brought / "impatient.py").unlink()
    resumed = invoke("resume", "my search", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["generations"] == 2


def test_ctrl_c_before_the_search_begins(invoke: Invoke, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("discover.config.reading.read_config", interrupt)
    result = invoke("search", config)
    assert (result.exit_code, result.stderr) == (130, "stopped: nothing is left to resume.\n")


def test_ctrl_c_before_a_resumed_search_goes_on(invoke: Invoke, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert invoke("search", config, "--directory", "found", "--json").exit_code == 0
    monkeypatch.setattr("discover.outer_loop.search.read_config", interrupt)
    result = invoke("resume", "found", "--report")
    assert result.exit_code == 130
    assert "stopped: the search is saved; go on with it: discover resume found" in result.stderr.splitlines()[-1]


def test_a_search_does_not_overwrite_another(invoke: Invoke, config: Path) -> None:
    once = ("--directory", "found", "--set", "report=null", "--set", "generations=1", "--no-tracking")
    assert invoke("search", config, *once).exit_code == 0
    result = invoke("search", config, "--directory", "found")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "error: 'found' holds a search already: go on with it (discover resume), or give another directory."
    )
