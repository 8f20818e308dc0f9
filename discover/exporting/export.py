"""Export of a candidate into a folder of its own, checked before it is handed over."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from discover.base.errors import UserError, message_of, shortened
from discover.contract.algorithm import Algorithm
from discover.exporting.module import TEXTS, module_of
from discover.exporting.reference import fitting_spec, reference_of
from discover.exporting.refusals import check_exportable, refuse
from discover.storage.array_file import write_atomically
from discover.storage.files import checked_path, printable


def export_candidate(algorithm: Algorithm, name: str, folder: Path) -> list[Path]:
    """Write a candidate as source that needs no framework: ``rule.py``, an example, a test and its numbers.

    Args:
        algorithm: a complete candidate.
        name: of the candidate.
        folder: empty, or not there yet.

    Returns:
        The files.

    Raises:
        UserError: the folder is not empty, or the candidate cannot be exported.
    """
    _check_empty(folder)
    spec = fitting_spec(algorithm)
    check_exportable(algorithm, spec)
    try:
        module = module_of(algorithm, name)
    except UserError as error:
        raise error if "cannot be exported" in str(error) else refuse(str(error).rstrip(".")) from None
    files = {"rule.py": module.text.encode(), "test_rule.py": (TEXTS / "test_rule.txt").read_bytes()}
    if spec.observation_shape == (4,) and hasattr(spec.action, "n"):
        files["example.py"] = (TEXTS / "example.txt").read_bytes()
    if module.arrays:
        files["arrays.npz"] = _npz(module.arrays)
    files["reference.npz"] = _npz(reference_of(algorithm, spec))
    _check(files)
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        write_atomically(folder / file, data)
    return [folder / file for file in files]


def _check_empty(folder: Path) -> None:
    checked_path(folder, "export folder")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"'{printable(folder)}' is a file, not a folder: give a new folder.")
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"the export folder '{printable(folder)}' is not empty: give a new folder, or empty it.")


def _check(files: Mapping[str, bytes]) -> None:
    """Run the tests of the exported files.

    Raises:
        UserError: they fail.
    """
    with tempfile.TemporaryDirectory(prefix="discover-export-") as folder:
        for file, data in files.items():
            (Path(folder) / file).write_bytes(data)
        try:
            tests = _loaded(Path(folder) / "test_rule.py")
            tests.test_it_acts_as_the_original()
            tests.test_five_updates_equal_those_of_the_original()
        except AssertionError as error:
            raise refuse(f"its numbers would differ ({_short(error)})") from None
        except Exception as error:  # of a component's own code, without the framework around it
            raise refuse(f"its source does not run by itself ({_short(error)})") from None


def _short(error: Exception) -> str:
    return shortened(" ".join(f"{type(error).__name__}: {message_of(error)}".split())).rstrip(".: ")


def _loaded(path: Path) -> ModuleType:
    """The module of a file that was just written here."""
    name = f"discover_export_{os.getpid()}_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    try:
        spec.loader.exec_module(module)
    finally:
        for added in set(sys.modules) - before:
            if added.startswith("exported_"):
                del sys.modules[added]
    return module


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
