"""The names that plugins bring, remembered on the disk, so that a shell can complete them without loading a plugin."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from discover.contract.registry import Registry

Names: TypeAlias = Mapping[str, Mapping[str, str]]
"""By kind, the names with a line about each."""

_CACHE = "DISCOVER_CACHE"
_OFF = ("0", "false", "no", "off")


def remember_names(registry: Registry, folder: Path | None) -> None:
    """Write down the names of a registry, if they have changed; a disk that does not take them costs nothing.

    Args:
        registry: of all loaded plugins.
        folder: of one-file plugins among them.
    """
    names: dict[str, dict[str, str]] = {}
    for entry in registry.entries():
        names.setdefault(entry.kind, {})[entry.name] = entry.summary
    path = _path(folder)
    if path is None or names == known_names(folder):
        return
    from discover.storage.array_file import write_atomically

    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, json.dumps(names).encode())


def known_names(folder: Path | None) -> Names:
    """The names that were written down last; none if no command has loaded the plugins yet."""
    path = _path(folder)
    try:
        names = json.loads(path.read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    sound = isinstance(names, dict) and all(isinstance(each, dict) for each in names.values())
    return names if sound else {}


def _path(folder: Path | None) -> Path | None:
    """The file of the names: one per Python environment and folder of plugins; None if nothing is to be kept."""
    choice = os.environ.get(_CACHE, "")
    if choice.lower() in _OFF:
        return None
    try:
        home = Path(choice) if choice else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "discover"
    except RuntimeError:  # there is no home
        return None
    where = f"{sys.prefix}\n{folder.absolute() if folder else os.environ.get('DISCOVER_PLUGINS_DIR', '')}"
    return home / f"names-{hashlib.sha256(where.encode()).hexdigest()[:12]}.json"
