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


@pytest.mark.parametrize("alias", ["", "models:/tiny@champion"])
def test_the_end_of_a_search_says_how_to_use_its_champion(invoke: Invoke, config: Path, brought: Path, alias: str) -> None:
    facts = {"tracking": "http://***@host", "run_id": "ab12", "model": "models:/tiny/3"}
    tell(brought, {**facts, "model_alias": alias} if alias else facts)
    result = invoke("search", config, "--tracking", "http://ann:s3cret@host")
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "models:/" in line]
    more = f"--tracking 'http://***@host' --plugins-dir {brought}"
    use = f"use it:          discover train {alias or 'models:/tiny/3'} --task payday --steps 100 {more}"
    if alias:
        assert lines == ["registered:      models:/tiny/3, the champion of its name", use]
    else:
        promote = f"promote it:      discover promote models:/tiny/3 {more}, if it is better than the champion"
        assert lines == ["registered:      models:/tiny/3", use, promote]


@pytest.mark.parametrize("command", ["search", "train", "compare"])
def test_a_run_that_the_store_lacks_lies_in_its_ledger(command: str, invoke: Invoke, config: Path, brought: Path) -> None:
    tell(brought, {"tracking": "http://host", "ledger": "/somewhere/tracking"})
    compare = ("compare", "climb", "--tasks", "payday", "--seeds", 2, "--steps", 100)
    words = {"search": ("search", config), "train": TRAIN, "compare": compare}[command]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert "run: not in the tracking store yet; its ledger lies in /somewhere/tracking\n" in result.stdout
    assert "None" not in result.stdout
