"""The package of the tutorial: the page shows its files, and its plugin comes by its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from doc_blocks import ROOT, blocks

from discover.config.build import algorithm_from
from discover.plugin.loader import load_plugins

PACKAGE = ROOT / "docs/examples/discover-spo"
_OTHERS = {"my_returns.py", "my_watcher.py"}
"""Files that the page shows beside those of the package."""


def test_the_tutorial_shows_the_files_of_the_package() -> None:
    shown = {block.title: block.text for block in blocks("docs/tutorial.md") if block.title}
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {name: text for name, text in shown.items() if name not in _OTHERS} == {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in files
    }


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with what an installer writes of the package, for ``sys.path``: its modules and its entry point."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (tmp_path / "discover_spo").symlink_to(PACKAGE / "discover_spo")
    facts = tmp_path / f"discover_spo-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"[{group}]\n{name} = {module}\n" for group, of in project["entry-points"].items() for name, module in of.items()]
    (facts / "entry_points.txt").write_text("\n".join(points))
    return tmp_path


def test_its_plugin_is_loaded_by_its_entry_point(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed))
    registry = load_plugins().registry
    assert registry.get("update rule", "spo").provenance[:] == ("spo", "discover-spo", "0.1.0")
    assert type(algorithm_from(registry, "spo").rule).__name__ == "SPO"


@pytest.mark.slow
def test_its_own_tests_pass_and_it_trains(installed: Path) -> None:
    paths = [str(installed), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for command in (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={PACKAGE}", str(PACKAGE / "tests")],
        ["-m", "discover", "train", "spo", "--task", "catch", "--steps", "4096", "--seeds", "2", "--no-tracking"],
    ):
        done = subprocess.run([sys.executable, *command], cwd=installed, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
