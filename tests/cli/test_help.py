"""``--help`` is complete and instant."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.testing import Result

COMMANDS = (
    *("", "search", "resume", "refine", "runs", "train", "compare", "ablate", "promote", "show", "report", "export"),
    *("evaluate", "ui"),
    *("plugins", "plugins list", "plugins show", "plugins new", "plugins check"),
    *("config", "config new", "config check", "config schema"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(invoke: Callable[..., Result], command: str) -> None:
    result = invoke(*command.split(), "--help", plugins=False)
    assert result.exit_code == 0
    after = result.stdout.partition("Example:")[2]
    assert after.strip().startswith(f"discover {command}".strip())


HEAVY = {"jax", "mlflow", "gymnax", "matplotlib", "numpy", "optax", "evosax"}


@pytest.mark.parametrize(
    ("lines", "heavy"),
    [
        (("--help", "--version"), HEAVY | {"pydantic"}),
        (("search --help", "plugins list --help", "config check --help", "frobnicate"), HEAVY),  # typer loads pydantic
    ],
    ids=["first", "commands"],
)
def test_help_imports_nothing_heavy(lines: tuple[str, ...], heavy: set[str]) -> None:
    script = (
        "import sys\n"
        "from discover.cli import main\n"
        f"for line in {lines}:\n"
        "    sys.argv = ['discover', *line.split()]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit:\n"
        "        pass\n"
        f"heavy = {heavy} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("\n Usage: discover") or "Usage: discover" in made.stdout


def test_the_module_runs_as_the_command() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "discover", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (made.returncode, made.stdout.split()[0]) == (0, "discover-rl"), made.stderr
