"""The source files of the modules that this process has loaded, and whether they are still those of an earlier process.

A file outside Python's folders of packages (an editable install, a plugin's file) is known by its content, one inside them by
size and times, since nobody edits it there. Data beside the modules of a package counts as source. Python itself and what is
installed are known by their versions.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Sources: TypeAlias = Mapping[str, tuple[str, str]]
"""File and identity, by the name of the module, or by the path of a file of data."""

_STARTED = time.time() - time.process_time()
_PYTHON = os.path.join(sysconfig.get_path("stdlib"), "")
_INSTALLED = ("site-packages", "dist-packages")


def loaded_sources() -> Sources | None:
    """The sources of all loaded modules but the one that was started; None if a file may not be the one that was loaded."""
    sources = {name: (file, _identity(file)) for name, file in _files()}
    return None if any(not identity for _, identity in sources.values()) else sources


def are_unchanged(sources: Sources) -> bool:
    """Whether sources are the same files as before, and no module of such a name has been loaded from elsewhere."""
    for name, (file, identity) in sources.items():
        module = sys.modules.get(name)
        if not identity or _identity(file) != identity or (module is not None and _file_of(module) != file):
            return False
    return True


@functools.cache
def installed() -> tuple[str, ...]:
    """The version of Python, and the names and versions of all that is installed."""
    found = set[str]()
    for place in filter(os.path.isdir, sys.path):
        found |= {name for name in os.listdir(place) if name.endswith((".dist-info", ".egg-info"))}
    return sys.version, *sorted(found)


def _files() -> Iterator[tuple[str, str]]:
    started = sys.modules.get("__main__")
    for name, module in sys.modules.copy().items():  # a list of items may be interrupted by the import of another thread
        file = _file_of(module)
        if not file or module is started or (file.startswith(_PYTHON) and not _is_installed(file)):
            continue
        yield name, file
        if os.path.basename(file) == "__init__.py" and not _is_installed(file):
            yield from ((path, path) for path in _data_beside(file))


def _file_of(module: object) -> str:
    """The file of a module; empty where it has none. (Modules that a program has made may name one that is nowhere.)"""
    file = getattr(module, "__dict__", {}).get("__file__")
    return file if isinstance(file, str) and os.path.isabs(file) else ""


def _is_installed(file: str) -> bool:
    return any(f"{os.sep}{folder}{os.sep}" in file for folder in _INSTALLED)


@functools.cache
def _data_beside(file: str) -> tuple[str, ...]:
    """The files beside a package's first module that are not modules."""
    beside = os.scandir(os.path.dirname(file))
    return tuple(sorted(entry.path for entry in beside if entry.is_file() and not entry.name.endswith((".py", ".pyc"))))


@functools.cache
def _identity(file: str) -> str:
    """The identity of a file; empty if it cannot be read, or is younger than this process, which may have loaded another."""
    try:
        facts = os.stat(file)
        if max(facts.st_mtime, facts.st_ctime) >= _STARTED:
            return ""
        if _is_installed(file):
            return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
        return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""
