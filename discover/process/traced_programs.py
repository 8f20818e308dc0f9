"""Traced programs on the disk, in a folder ``traced`` beside the compiled ones: StableHLO and JSON, both data.

A file is a line with the digest of all that follows, a line of JSON, and the program. It names the list of source files that
were loaded when the program was traced, which is a file of its own. A program is found only while all of them are unchanged.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from discover.base.errors import DiscoverError
from discover.process.loaded_sources import Sources, are_unchanged, installed, loaded_sources
from discover.storage.array_file import write_atomically
from discover.storage.ownership import open_to_others

FOLDER = "traced"
"""The folder of traced programs, in that of compiled programs."""

_FORMAT = 1
_MOST = 2**28
_ASIDE = ("jax_compilation_cache", "jax_persistent_cache", "jax_log", "jax_debug_log", "jax_explain", "jax_dump")
_COUNT_OF_DEVICES = "jax_num_cpu_devices"

_writing = threading.Lock()

_packages = {"discover"}
"""Top-level packages whose components have traced programs kept: those of plugins, whose code is in files."""


def keep_programs_of(module: str) -> None:
    """Keep the traced programs of components from a plugin's package.

    Args:
        module: the name of the plugin's module.
    """
    _packages.add(module.partition(".")[0])


def are_kept(component: type) -> bool:
    """Whether traced programs of a class of components are kept."""
    return component.__module__.partition(".")[0] in _packages


def place() -> Path | None:
    """The folder of traced programs, private to this user; None where programs are not kept between runs."""
    values = jax.config.values
    folder = values["jax_compilation_cache_dir"]
    if not folder or not values["jax_enable_compilation_cache"] or values["jax_disable_jit"]:
        return None
    return _private(folder)


def key_of(facts: object) -> str:
    """The name of a program: a digest of facts about it that JSON can hold, of versions, and of the settings of JAX."""
    names = [name for name in jax.config.values if not name.startswith(_ASIDE) and name != _COUNT_OF_DEVICES]
    settings = {name: repr(getattr(jax.config, name, jax.config.values[name])) for name in names}
    return _digest(json.dumps([_FORMAT, installed(), settings, facts], sort_keys=True).encode())


def read(folder: Path, key: str) -> tuple[Any, bytes] | None:
    """The facts that were written with a program, and the program; None where there is no sound and current one."""
    content = _content(folder / key)
    if content is None:
        return None
    head, _, program = content.partition(b"\n")
    facts = json.loads(head)
    if not _hold(folder / facts["sources"]):
        return None
    return facts["facts"], program


def write(folder: Path, key: str, facts: object, program: bytes) -> None:
    """Write a program, unless the disk fails, or a source file has changed since this process began."""
    with _writing, contextlib.suppress(OSError, DiscoverError):
        sources = loaded_sources()
        if sources is None:
            return
        listed = json.dumps(sources, sort_keys=True).encode()
        name = f"{_digest(listed)}.sources"
        if _content(folder / name) is None:
            _write(folder / name, listed)
        head = json.dumps({"sources": name, "facts": facts}).encode()
        _write(folder / key, head + b"\n" + program)
        _make_room(folder, jax.config.values["jax_compilation_cache_max_size"])


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, _digest(content).encode() + b"\n" + content)


def _content(path: Path) -> bytes | None:
    """The content after the first line of a file; None if that is not its digest, or there is no such file."""
    try:
        if path.stat().st_size > _MOST:
            return None
        digest, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if digest == _digest(content).encode() else None


@functools.cache
def _hold(path: Path) -> bool:
    """Whether all source files of a list are unchanged."""
    content = _content(path)
    if content is None:
        return False
    sources: Sources = {name: (file, identity) for name, (file, identity) in json.loads(content).items()}
    return are_unchanged(sources)


def _make_room(folder: Path, most: int) -> None:
    """Remove the files that were written first, beyond ``most`` bytes; -1 for any number, as JAX has it."""
    if most < 0:
        return
    taken = 0
    for size, path in _newest_first(folder):
        taken += size
        if taken > most:
            path.unlink(missing_ok=True)


def _newest_first(folder: Path) -> Iterator[tuple[int, Path]]:
    found = [(path.stat(), path) for path in folder.iterdir()]
    for facts, path in sorted(found, key=lambda each: -each[0].st_mtime_ns):
        yield facts.st_size, path


@functools.cache
def _private(folder: str) -> Path | None:
    """The folder of traced programs in one of compiled programs; None if others may write to it, or there is none.

    Without flatbuffers JAX cannot write a traced program.
    """
    path = Path(folder) / FOLDER
    try:
        if (
            importlib.util.find_spec("flatbuffers") is None
            or not path.parent.is_dir()
            or open_to_others(path.parent) is not None
        ):
            return None
        path.mkdir(mode=0o700, exist_ok=True)
        return path if open_to_others(path) is None else None
    except (OSError, ValueError):
        return None


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
