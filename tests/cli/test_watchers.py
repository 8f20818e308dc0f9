"""A watcher never costs the result: whatever its hooks raise, the result is printed, and one line says what has failed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

TRAIN = ("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100)
COMPARE = ("compare", "climb", "--tasks", "payday", "--seeds", 2, "--steps", 100)
OBSERVER = """
from discover import UserError, hookimpl

class Clumsy:
    def _fail(self):
        raise {error}

    @hookimpl
    def {hook}(self):
        self._fail()

@hookimpl
def discover_observers():
    return [Clumsy()]
"""


@pytest.fixture
def clumsy(brought: Path) -> Callable[[str, str], None]:
    """Brings an observer whose hook raises an error."""

    def bring(hook: str, error: str) -> None:
        (brought / "clumsy.py").write_text(OBSERVER.format(hook=hook, error=error))

    return bring


def warned(result: Result) -> list[str]:
    return [line.removeprefix("warning: ") for line in result.stderr.splitlines() if line.startswith("warning: ")]


@pytest.mark.parametrize("error", ["SystemExit(0)", "ZeroDivisionError()", "BaseException()", "UserError('no.')"])
@pytest.mark.parametrize(("words", "hook"), [(TRAIN, "training"), (COMPARE, "comparison")], ids=["train", "compare"])
def test_the_result_of_a_command_survives_its_watcher(
    invoke: Invoke, clumsy: Callable[[str, str], None], words: tuple[object, ...], hook: str, error: str
) -> None:
    clumsy(f"discover_{hook}_finished", error)
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["told"] == [f"{hook} finished"]
    assert len(warned(result)) == 1
    assert warned(result)[0].startswith(f"plugin 'Clumsy' failed in discover_{hook}_finished (")


@pytest.mark.parametrize("hook", ["generation_done", "search_finished", "command_finished"])
def test_the_result_of_a_search_survives_its_watcher(
    invoke: Invoke, config: Path, clumsy: Callable[[str, str], None], hook: str
) -> None:
    clumsy(f"discover_{hook}", "SystemExit(0)")
    result = invoke("search", config, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["generations"] == 2
    assert warned(result) == [f"plugin 'Clumsy' failed in discover_{hook} (SystemExit: 0); everything else goes on."]


@pytest.mark.parametrize("words", [TRAIN, COMPARE, ("search",)], ids=lambda words: words[0])
def test_a_watcher_that_ends_the_command_does_so_after_the_result(
    invoke: Invoke, config: Path, clumsy: Callable[[str, str], None], words: tuple[object, ...]
) -> None:
    clumsy("discover_command_finished", "UserError('the store has refused the record: repair it.')")
    result = invoke(*words, *([config] if words == ("search",) else []), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["run_id"] == f"{words[0]}-run"
    assert result.stderr.splitlines()[-1] == "error: the store has refused the record: repair it."


def test_ctrl_c_while_watchers_finish_keeps_the_result(invoke: Invoke, clumsy: Callable[[str, str], None]) -> None:
    clumsy("discover_command_finished", "KeyboardInterrupt")
    result = invoke(*TRAIN, "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["candidate"] == "climb"
    assert result.stderr.splitlines()[-1] == "stopped: the result is complete, but may not be tracked to its end."


def test_an_error_of_the_command_is_told_before_what_watchers_object_to(
    invoke: Invoke, clumsy: Callable[[str, str], None]
) -> None:
    clumsy("discover_command_finished", "UserError('the store is away.')")
    result = invoke("train", "climb", "--task", "payday", "--steps", 1)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-2] == "warning: the store is away."
    assert result.stderr.splitlines()[-1].startswith("error: a lifetime of 1 env step is shorter than one update")


def test_facts_that_json_cannot_hold_are_texts(invoke: Invoke, brought: Path) -> None:
    (brought / "odd.py").write_text(
        "from discover import hookimpl\n\n@hookimpl\ndef discover_command_finished():\n    return {'odd': [object, {1: 2j}]}\n"
    )
    result = invoke(*TRAIN, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["odd"] == ["<class 'object'>", {"1": "2j"}]
