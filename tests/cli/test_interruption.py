"""Ctrl-C and SIGTERM at real processes, at several moments: no traceback, the right status, and a word on how to go on."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SLEEPER = """
import sys, time
from discover import hookimpl

def pause():
    print("now", file=sys.stderr, flush=True)
    time.sleep(300)

{body}
"""
AT = {
    "import": "pause()",
    "generation": "@hookimpl\ndef discover_generation_done(generation):\n    if generation.index == 1:\n        pause()",
    "report": (
        "@hookimpl\ndef discover_observers():\n    import discover.outer_loop.ending\n"
        "    discover.outer_loop.ending.compare = lambda *_, **__: pause()\n    return []"
    ),
    "swallowed": (
        "@hookimpl\ndef discover_generation_done(generation):\n    try:\n        pause()\n"
        "    except KeyboardInterrupt:\n        time.sleep(300)"
    ),
    "end": "@hookimpl\ndef discover_command_finished():\n    pause()",
}


@pytest.fixture
def start(command: Callable[..., list[str]], process_environment: dict[str, str]) -> Start:
    """Start a command line as a process of its own."""

    def begin(*words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=process_environment
        )

    return begin


@pytest.fixture
def paused(start: Start, brought: Path) -> Callable[..., tuple[subprocess.Popen[str], list[str]]]:
    """A process that has reached a moment, and the lines that it has written to standard error so far."""

    def begin(moment: str, *words: object) -> tuple[subprocess.Popen[str], list[str]]:
        (brought / "sleeper.py").write_text(SLEEPER.format(body=AT[moment]))
        process, lines = start(*words), [""]
        assert process.stderr is not None
        while lines[-1] != "now\n":
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        (brought / "sleeper.py").unlink()
        return process, lines

    return begin


def ended(process: subprocess.Popen[str], number: int, seconds: float = 40.0) -> tuple[int, str, str]:
    """Status and output of a process that a signal ends; what it pauses in would last longer than it is given."""
    process.send_signal(number)
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=str)
def test_while_modules_are_imported(paused: Callable[..., tuple[subprocess.Popen[str], list[str]]], number: int) -> None:
    process, _ = paused("import", "train", "climb", "--task", "payday")
    assert ended(process, number) == (128 + number, "", "stopped: nothing is left to resume.\n")


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        pytest.param("generation", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("generation", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("report", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("report", signal.SIGTERM, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_search_is_saved_and_goes_on(
    paused: Callable[..., tuple[subprocess.Popen[str], list[str]]],
    invoke: Invoke,
    config: Path,
    brought: Path,
    moment: str,
    number: int,
) -> None:
    process, _ = paused(moment, "search", config, "--directory", "found", "--json")
    status, out, err = ended(process, number)
    how = f"discover resume found --plugins-dir {brought}"
    assert (status, out) == (128 + number, "")
    assert err == f"stopped: the search 'tiny' is saved; go on with it: {how}\n"
    assert Path("found/state.npz").is_file()
    resumed = invoke("resume", "found", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    whole = invoke("search", config, "--json", "--directory", "whole")
    same = ("best_fitness", "env_steps", "table")
    assert [json.loads(resumed.stdout)[key] for key in same] == [json.loads(whole.stdout)[key] for key in same]


@pytest.mark.slow
def test_a_second_signal_says_how_to_go_on(
    paused: Callable[..., tuple[subprocess.Popen[str], list[str]]], config: Path, brought: Path
) -> None:
    """The first one is not answered: a plugin holds it up."""
    process, _ = paused("swallowed", "search", config, "--directory", "found", "--json")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    status, out, err = ended(process, signal.SIGTERM)
    assert (status, out) == (143, "")
    how = f"discover resume found --plugins-dir {brought}"
    assert err == f"stopped at once: the search 'tiny' is saved; go on with it: {how}\n"


def test_while_watchers_finish_the_result_is_kept(
    paused: Callable[..., tuple[subprocess.Popen[str], list[str]]],
) -> None:
    words = ("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100, "--json")
    process, _ = paused("end", *words)
    status, out, err = ended(process, signal.SIGINT)
    assert (status, json.loads(out)["candidate"]) == (130, "climb")
    assert err == "stopped: the result is complete, but may not be tracked to its end.\n"


@pytest.mark.slow
def test_resume_says_how_to_go_on_from_its_first_import_on(
    paused: Callable[..., tuple[subprocess.Popen[str], list[str]]], invoke: Invoke, config: Path, brought: Path
) -> None:
    assert invoke("search", config, "--directory", "found").exit_code == 0
    process, _ = paused("import", "resume", "found")
    how = f"discover resume found --plugins-dir {brought}"
    assert ended(process, signal.SIGTERM) == (143, "", f"stopped: the search is saved; go on with it: {how}\n")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_at_any_moment(start: Start, config: Path, seed: int) -> None:
    chance = random.Random(seed)
    number, words = chance.choice(SIGNALS), ["search", config, "--set", "generations=30"]
    if chance.random() < 0.3:
        words = ["compare", "climb", "--tasks", "payday", "--seeds", 4, "--steps", 1000]
    process = start(*words)
    time.sleep(chance.uniform(0.5, 8.0))
    status, _, err = ended(process, number)
    assert status in (0, 128 + number)
    assert [mark for mark in ("Traceback", "Exception ignored", "Fatal", "unexpected") if mark in err] == []
    if status:
        assert err.splitlines()[-1].startswith("stopped: ")


LONG = ("--steps", 160_000_000, "--seeds", 2)
TRAIN = ("train", "climb", "--task", "payday", *LONG)
LONG_TRAININGS = {
    "training": (signal.SIGINT, "training has not finished, and what was tracked of it is run train-run", TRAIN),
    "kept agents": (
        signal.SIGTERM,
        "training has not finished, and nothing of it is kept",
        (*TRAIN, "--agents", "kept", "--no-tracking"),
    ),
    "comparison": (
        signal.SIGTERM,
        "comparison has not finished, and what was tracked of it is run compare-run",
        ("compare", "climb", "--tasks", "payday", *LONG),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LONG_TRAININGS)
def test_a_long_training_ends_within_seconds(start: Start, case: str) -> None:
    """All of it is one tile of lifetimes, which runs for a minute."""
    number, what, words = LONG_TRAININGS[case]
    process, line = start(*words), ""
    assert process.stderr is not None
    while not re.search(r" \([1-9]\d?%", line):  # it moves within the tile
        line = process.stderr.readline()
        assert line, case
    begun = time.monotonic()
    status, out, err = ended(process, number)
    assert (status, out) == (128 + number, "")
    assert err.splitlines()[-1] == f"stopped: the {what}; the same command starts it again."
    assert time.monotonic() - begun < 8.0, "windows of about a second, on a machine that may be busy"
    assert not Path("kept").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=("SIGINT", "SIGTERM"))
def test_the_tracked_run_is_killed_until_it_is_resumed(
    command: Callable[..., list[str]],
    process_environment: dict[str, str],
    config: Path,
    brought: Path,
    number: int,
) -> None:
    (brought / "watcher.py").unlink()
    (brought / "sleeper.py").write_text(SLEEPER.format(body=AT["generation"]))
    del process_environment["DISCOVER_BLOCK_PLUGINS"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "env": process_environment}
    process = subprocess.Popen(command("search", config, "--directory", "found"), **pipes)
    assert process.stderr is not None
    while process.stderr.readline() != "now\n":
        assert process.poll() is None
    assert ended(process, number, 240.0)[0] == 128 + number  # the store is waited for
    (brought / "sleeper.py").unlink()
    assert statuses_of_the_runs() == {"KILLED"}
    resumed = subprocess.run(command("resume", "found", "--json"), timeout=300, check=False, **pipes)
    assert resumed.returncode == 0, resumed.stderr
    assert statuses_of_the_runs() == {"FINISHED"}


def statuses_of_the_runs() -> set[str]:
    """Of the search and of those below it, in the store in this folder."""
    ask = (
        "import mlflow; print(*[r.info.status for r in mlflow.search_runs(search_all_experiments=True, output_format='list')])"
    )
    tell = f"import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db'); {ask}"
    made = subprocess.run([sys.executable, "-c", tell], capture_output=True, encoding="utf-8", timeout=120, check=True)
    return set(made.stdout.split())
