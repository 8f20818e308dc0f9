"""The directory of a search: its files, the lock on it, and the config, versions and device that its state depends on."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.config.baselines import slug
from discover.config.search_config import SearchConfig
from discover.contract.registry import Registry
from discover.evaluation.comparison_file import REPORT_FILE
from discover.storage.array_file import leftovers, remove_leftovers, write_atomically
from discover.storage.locks import LOCK_FILE, directory_lock
from discover.storage.yaml_text import text_of, values_in

CONFIG_FILE = "config.yaml"
ORIGIN_FILE = "search.json"
STATE_FILE = "state.npz"
CHAMPION_FILE = "champion.candidate"
RESULT_FILE = "result.json"
CURVES_FOLDER = "evaluated"
JOURNAL_FILE = "work.journal"

FORMAT = 1
"""Version of `ORIGIN_FILE` and `RESULT_FILE`."""

_KEYS = {"config": "words", "dependencies": "belongs"}
"""Attributes of `Origin` whose key in `ORIGIN_FILE` has another name."""

_FILES = (CONFIG_FILE, ORIGIN_FILE, STATE_FILE, CHAMPION_FILE, REPORT_FILE, RESULT_FILE)
_SHAPING = ("discover-rl", "jax", "jaxlib", "numpy", "optax", "evosax", "gymnax")
"""Distributions whose version may change bits."""


@dataclass(frozen=True)
class Origin:
    """The origin of a search, stored in its directory.

    Attributes:
        config: as it is read from the file in the directory.
        dependencies: what the bits depend on beside the config: versions, plugins, device.
        provenance: of the process that began the search.
        checkpoint: whether there has been a checkpoint.
        changes: differences that were accepted when the search was resumed, in sentences.
    """

    config: Mapping[str, Any]
    dependencies: Mapping[str, Any]
    provenance: Mapping[str, Any]
    checkpoint: bool = False
    changes: tuple[str, ...] = ()


def is_search(directory: Path) -> bool:
    """Whether a directory holds a search."""
    return all((directory / name).is_file() for name in (CONFIG_FILE, ORIGIN_FILE))


@contextlib.contextmanager
def locked(directory: Path, *, resume: bool) -> Iterator[None]:
    """Hold the lock of a directory: of a search that is resumed, or of an empty one for a new search.

    Raises:
        UserError: another process holds it, or it is no such directory; nothing has been changed.
    """
    check = check_search if resume else _check_free
    check(directory)
    with directory_lock(directory):
        check(directory)  # another process may have been faster
        remove_leftovers(directory, _FILES)
        yield


def new_directory(config: SearchConfig) -> Path:
    """Make a directory for a new search, named after the config and the time."""
    base = config.directory / f"{slug(config.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in itertools.count(1):
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with contextlib.suppress(FileExistsError):  # another search may begin in the same second
            make_directory(path, exist_ok=False)
            return path
    raise AssertionError


def make_directory(directory: Path, exist_ok: bool) -> None:
    """Make a directory, and those above it.

    Raises:
        FileExistsError: it exists, and ``exist_ok`` is false.
        UserError: it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=exist_ok)
    except (OSError, ValueError) as error:
        if isinstance(error, FileExistsError) and not exist_ok:
            raise
        cause = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"directory '{directory}' cannot be made ({cause}): choose another.") from None


# Origin ---------------------------------------------------------------------------------------------------------------


def bit_dependencies(registry: Registry, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The facts beside the config that bits depend on: versions, the plugins that bring components, and the device.

    The git commit is not among them: it changes with every text that is committed.
    """
    return {
        "versions": {name: provenance["versions"].get(name, "not installed") for name in _SHAPING},
        "plugins": {p.plugin: _content(p.distribution, p.version) for p in sorted({e.provenance for e in registry.entries()})},
        "device": provenance["device"],
    }


def begin(directory: Path, config: Mapping[str, Any], dependencies: Mapping[str, Any], provenance: Mapping[str, Any]) -> Origin:
    """Write the two files that identify a search; after the second one, it can be resumed."""
    text = text_of(config, "the config")
    origin = Origin(plain(values_in(text)), plain(dependencies), plain(provenance))
    write_origin(directory, origin)
    write_atomically(directory / CONFIG_FILE, text.encode())
    return origin


def read_origin(directory: Path) -> Origin:
    """The origin of the search in a directory.

    Raises:
        UserError: the file is damaged, or of another version.
    """
    path = directory / ORIGIN_FILE
    values = read_json(path) or {}
    if values.pop("format", None) != FORMAT or set(values) != {_KEYS.get(field.name, field.name) for field in fields(Origin)}:
        raise UserError(f"'{path}' is damaged, or written by another version: start a new search in another directory.")
    origin = Origin(**{field.name: values[_KEYS.get(field.name, field.name)] for field in fields(Origin)})
    return replace(origin, changes=tuple(origin.changes))


def write_origin(directory: Path, origin: Origin) -> None:
    """Write the origin of a search to its directory."""
    values = {_KEYS.get(name, name): value for name, value in vars(origin).items()}
    write_atomically(directory / ORIGIN_FILE, json.dumps({"format": FORMAT, **values}, indent=2).encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The mapping in a JSON file of a search; None if the file is missing or holds something else."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _content(distribution: str, version: str) -> str:
    """The identity of a plugin: the version of its distribution, or a digest of its one file."""
    path = Path(distribution)
    if version or path.suffix != ".py" or not path.is_file():
        return f"{distribution} {version}".strip()
    return f"file {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def end_again(directory: Path) -> None:
    """Have the end of a search be run again, now or whenever it is resumed."""
    (directory / RESULT_FILE).unlink(missing_ok=True)


def plain(value: object) -> Any:
    """A value as JSON gives it back."""
    return json.loads(json.dumps(value, default=str))


# Checks ---------------------------------------------------------------------------------------------------------------


def check_search(directory: Path) -> None:
    """Check that a directory holds a search.

    Raises:
        UserError: it does not.
    """
    for name in (CONFIG_FILE, ORIGIN_FILE):
        if not (directory / name).is_file():
            raise UserError(f"'{directory}' is not the directory of a search (it has no {name}): give one that search made.")


def _check_free(directory: Path) -> None:
    """Check that a directory is empty, except for the files of a search that was killed before it could begin."""
    if is_search(directory):
        raise UserError(f"'{directory}' holds a search already: go on with it (discover resume), or give another directory.")
    try:
        expected = {LOCK_FILE, *(path.name for path, _ in leftovers(directory, _FILES))}
        others = sorted(set(os.listdir(directory)) - expected)
    except OSError as error:
        raise UserError(f"directory '{directory}' cannot be used ({error.strerror}): choose another.") from None
    if others == [ORIGIN_FILE] and (read_json(directory / ORIGIN_FILE) or {}).get("format") == FORMAT:
        return
    if others:
        names = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise UserError(f"'{directory}' holds other files ({names}): give a directory that is empty, or is not there yet.")
