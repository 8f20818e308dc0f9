"""The launcher tells our package from another of the same name."""

import os
import subprocess
import sys
from pathlib import Path

import discover_launcher
import pytest


def run(*, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | ({"PYTHONPATH": str(path)} if path else {})
    command = [
        sys.executable,
        "-P",
        "-c",
        "import sys; sys.argv = ['discover', '--version']; import discover_launcher as d; d.main()",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_our_own_package_runs() -> None:
    assert discover_launcher.foreign_module() is None
    made = run()
    assert (made.returncode, made.stdout.split()[0]) == (0, "discover-rl"), made.stderr


@pytest.mark.parametrize("name", ["discover.py", "discover/__init__.py"])
def test_a_foreign_package_is_refused_and_not_run(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise SystemExit('the foreign module ran')")
    made = run(path=tmp_path)
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr == (
        f"error: '{file}' hides the package 'discover' of discover-rl: uninstall it (pip uninstall discover), or take its "
        "folder out of PYTHONPATH, then reinstall discover-rl.\n"
    )
