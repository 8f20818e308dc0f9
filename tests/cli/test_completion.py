"""A shell completes names and files without loading a plugin."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discover.cli import app

Invoke = Callable[..., Result]


@pytest.fixture
def remembered(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for caches in which a command has left the names of the toys."""
    monkeypatch.setenv("DISCOVER_CACHE", str(tmp_path / "cache"))
    assert invoke("plugins", "list", "--json").exit_code == 0
    return tmp_path / "cache"


def completed(words: str) -> list[str]:
    """What bash is told to complete the last word with."""
    environment = {"_DISCOVER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    result = CliRunner().invoke(app, [], env=environment, prog_name="discover")
    assert result.exit_code == 0, result.stderr
    return result.stdout.split()


def test_names_of_plugins_and_files_are_completed(remembered: Path, brought: Path) -> None:
    Path("climber.candidate").touch()
    Path("climbers").mkdir()
    Path("climb.txt").touch()
    folder = f"--plugins-dir {brought}"
    assert completed(f"discover train {folder} cl") == ["climb", "climber.candidate", "climbers/"]
    assert completed(f"discover train climb {folder} --task pay") == ["payday"]
    assert completed(f"discover compare climb {folder} --tasks payday,late") == ["payday,late-payday"]
    assert completed(f"discover plugins show {folder} toy_h") == ["toy_hill"]
    assert completed(f"discover config new {folder} --strategy toy_h") == ["toy_hill"]
    assert completed(f"discover export {folder} cl") == ["climb", "climber.candidate", "climbers/"]
    assert completed(f"discover plugins list {folder} --kind update") == ["update-rule"]
    assert completed("discover tra") == ["train"]
    (names,) = remembered.glob("names-*.json")
    names.write_text("[1]")
    assert completed(f"discover train {folder} cli") == ["climber.candidate", "climbers/"]


def test_nothing_heavy_is_imported(remembered: Path, brought: Path) -> None:
    script = (
        "import os, sys\n"
        "from discover.cli import main\n"
        f"os.environ.update(COMP_WORDS='discover train --plugins-dir {brought} cl', COMP_CWORD='4')\n"
        "os.environ.update(_DISCOVER_COMPLETE='complete_bash')\n"
        "sys.argv = ['discover']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'jax', 'mlflow', 'matplotlib', 'numpy', 'optax', 'gymnax'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["climb"]


def test_without_a_cache_there_are_no_names(brought: Path) -> None:
    assert completed(f"discover train --plugins-dir {brought} clim") == []
