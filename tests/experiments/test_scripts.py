"""Every script of an experiment can be imported, and says what it does."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
IMPORTED = {"mixed_toys"}
"""Files that a script imports, and that are none themselves."""

SCRIPTS = {path.stem: path for path in sorted(FOLDER.rglob("*.py")) if path.stem not in IMPORTED}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, module_name = SCRIPTS[name], f"experiment_{name}"
    monkeypatch.syspath_prepend(path.parent)  # as Python does for a script; two of them share a wrapper
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module_name, module)
    spec.loader.exec_module(module)
    assert callable(module.main)
    assert f"python {path.relative_to(FOLDER.parent).as_posix()}" in (module.__doc__ or "")


def test_there_are_scripts() -> None:
    assert {"ppo_cartpole", "pbt_toy", "speed"} <= SCRIPTS.keys()
