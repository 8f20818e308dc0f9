"""What a command says of where its run is tracked."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

TELLER = """
from discover import hookimpl

class Teller:
    @hookimpl
    def discover_command_finished(self):
        return {facts}

@hookimpl
def discover_observers(command):
    return [Teller()] if command.tracking else []
"""
TRAIN = ("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100)


def tell(brought: Path, facts: dict[str, str]) -> None:
    """Have the place of the watcher taken by one that tells these facts."""
    (brought / "watcher.py").unlink()
    (brought / "teller.py").write_text(TELLER.replace("{facts}", repr(facts)), "utf-8")


@pytest.mark.parametrize("command", ["search", "train"])
def test_the_store_is_named_in_the_words_of_the_tracker(command: str, invoke: Invoke, config: Path, brought: Path) -> None:
    tell(brought, {"tracking": "http://***@host", "run_id": "ab12"})
    words = ("search", config) if command == "search" else TRAIN
    result = invoke(*words, "--tracking", "http://ann:s3cret@host")
    assert result.exit_code == 0, result.stderr
    assert "ab12" in result.stdout
    assert "s3cret" not in result.stdout + result.stderr
    assert command == "train" or "--tracking 'http://***@host'" in result.stdout


@pytest.mark.parametrize("command", ["search", "train", "compare"])
def test_a_run_that_the_store_lacks_lies_in_its_ledger(command: str, invoke: Invoke, config: Path, brought: Path) -> None:
    tell(brought, {"tracking": "http://host", "ledger": "/somewhere/tracking"})
    compare = ("compare", "climb", "--tasks", "payday", "--seeds", 2, "--steps", 100)
    words = {"search": ("search", config), "train": TRAIN, "compare": compare}[command]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert "run: not in the tracking store yet; its ledger lies in /somewhere/tracking\n" in result.stdout
    assert "None" not in result.stdout
