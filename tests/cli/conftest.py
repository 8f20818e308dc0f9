"""What tests of the command line share: a runner in this process, tiny plugins, and a tiny config."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

Invoke = Callable[..., Result]

BROUGHT = Path(__file__).parent / "brought"
WORDS: dict[str, Any] = {
    "name": "tiny",
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "steps": 5}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 2,
    "seeds": 1,
    "finalists": 2,
    "selection_seeds": 2,
    "tasks": [{"task": "payday", "steps": 100}],
    "report": {"baselines": {"climb": "climb"}, "tasks": [{"task": "payday", "steps": 100, "note": "searched"}], "seeds": 4},
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, with no tracker and no kept programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "mlflow")
    monkeypatch.setenv("DISCOVER_CACHE", "off")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A folder of one-file plugins, to which a test may add."""
    folder = tmp_path / "brought"
    shutil.copytree(BROUGHT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def invoke(brought: Path) -> Invoke:
    """Run a command line with the tiny plugins."""
    from discover.cli import app

    def run(*words: object, plugins: bool = True) -> Result:
        more = ["--plugins-dir", str(brought)] if plugins else []
        return CliRunner().invoke(app, [*map(str, words), *more])

    return run


@pytest.fixture
def command(brought: Path) -> Callable[..., list[str]]:
    """A command line with the tiny plugins, for a process of its own (`process_environment` goes with it)."""

    def line(*words: object, plugins: bool = True) -> list[str]:
        more = ["--plugins-dir", str(brought)] if plugins else []
        return [sys.executable, "-m", "discover", *map(str, words), *more]

    return line


@pytest.fixture
def process_environment() -> dict[str, str]:
    """The environment of a process that finds the same modules as this one."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file of a search that takes a second."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(WORDS))
    return path


@pytest.fixture
def told(invoke: Invoke) -> Callable[..., Any]:
    """The one JSON object that a command prints."""

    def run(*words: object) -> Any:
        result = invoke(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run
