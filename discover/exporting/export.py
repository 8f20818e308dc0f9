"""Export of a candidate into a folder of its own, checked before it is handed over."""

from __future__ import annotations

import importlib.util
import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from discover.base.errors import UserError, message_of, shortened
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Discrete
from discover.exporting.module import TEXTS, module_of
from discover.exporting.reference import fitting_spec, reference_of
from discover.exporting.refusals import NotExportableError, check_exportable
from discover.storage.array_file import write_atomically
from discover.storage.files import check_empty, new_folder


def export_candidate(algorithm: Algorithm, name: str, folder: Path, *, fingerprint: str) -> list[Path]:
    """Write a candidate as source that needs no framework: ``rule.py``, an example, a test and its numbers.

    Args:
        algorithm: a complete candidate.
        name: of the candidate.
        folder: empty, or not there yet.
        fingerprint: of the candidate, for the head of the file.

    Returns:
        The files.

    Raises:
        NotExportableError: the candidate cannot be exported.
        UserError: the folder is not empty, or a value is open.
    """
    check_empty(folder, "export folder")
    try:
        files = _files(algorithm, name, fingerprint)
    except NotExportableError as error:
        raise NotExportableError(error.reason, name) from None
    new_folder(folder, "export folder")
    for file, data in files.items():
        write_atomically(folder / file, data)
    return [folder / file for file in files]


def _files(algorithm: Algorithm, name: str, fingerprint: str) -> dict[str, bytes]:
    """The contents of the files by name, checked.

    Raises:
        NotExportableError: see there.
    """
    spec = fitting_spec(algorithm)
    check_exportable(algorithm, spec)
    try:
        module = module_of(algorithm, name, fingerprint)
    except NotExportableError:
        raise
    except UserError as error:
        raise NotExportableError(str(error).rstrip(".")) from None
    files = {"rule.py": module.text.encode(), "test_rule.py": (TEXTS / "test_rule.txt").read_bytes()}
    if spec.observation_shape == (4,) and isinstance(spec.action, Discrete):
        files["example.py"] = (TEXTS / "example.txt").read_bytes()
    if module.arrays:
        files["arrays.npz"] = _npz(module.arrays)
    files["reference.npz"] = _npz(reference_of(algorithm, spec))
    _check(files)
    return files


def _check(files: Mapping[str, bytes]) -> None:
    """Run the tests of the exported files.

    Raises:
        NotExportableError: they fail.
    """
    before = set(sys.modules)
    with tempfile.TemporaryDirectory(prefix="discover-export-") as folder:
        for file, data in files.items():
            (Path(folder) / file).write_bytes(data)
        try:
            tests = _loaded(Path(folder) / "test_rule.py")
            tests.test_it_acts_as_the_original()
            tests.test_five_updates_equal_those_of_the_original()
        except AssertionError as error:  # of the comparison
            raise NotExportableError(f"its numbers would differ ({_short(error)})") from None
        except Exception as error:  # of a component's own code, without the framework around it
            raise NotExportableError(f"its source does not run by itself ({_short(error)})") from None
        finally:
            for name in {name for name in sys.modules if name.startswith("exported_")} - before:
                del sys.modules[name]


def _short(error: Exception) -> str:
    return shortened(" ".join(f"{type(error).__name__}: {message_of(error)}".split())).rstrip(".: ")


def _loaded(path: Path) -> ModuleType:
    """The module of a file that was just written here."""
    spec = importlib.util.spec_from_file_location("discover_exported_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
