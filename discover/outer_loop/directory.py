"""The directory of a search: what lies in it, whose it is, who may work in it, and what its checkpoint belongs to."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from discover.base.errors import DiscoverWarning, UserError
from discover.config.search_config import SearchConfig, slug
from discover.contract.registry import Registry
from discover.storage.array_file import leftovers, remove_leftovers, write_atomically
from discover.storage.locks import LOCK_FILE, directory_lock
from discover.storage.yaml_text import text_of, values_in

CONFIG_FILE = "config.yaml"
ORIGIN_FILE = "search.json"
STATE_FILE = "state.npz"
CHAMPION_FILE = "champion.candidate"
RESULT_FILE = "result.json"
KEPT_FOLDER = "evaluated"

FORMAT = 1
"""Of `ORIGIN_FILE` and `RESULT_FILE`."""

_OURS = (CONFIG_FILE, ORIGIN_FILE, STATE_FILE, CHAMPION_FILE, RESULT_FILE)
_SHAPING = ("discover-rl", "jax", "jaxlib", "numpy", "optax", "evosax", "gymnax")
"""Distributions by whose version bits may change."""

_HARMLESS = ("directory", "checkpoint_minutes", "selection_seeds", "report")
"""Keys of a config that do not shape the state, nor name it: it may be gone on with when they have changed."""


class ResumeWarning(DiscoverWarning):
    """A search goes on with something else than it was begun with."""


@dataclass(frozen=True)
class Origin:
    """What a search was begun with, kept in its directory.

    Attributes:
        words: the config, as it is read from the directory's file.
        belongs: what bits depend on beside it: versions, plugins, device.
        provenance: of the process that began it.
        checkpoint: whether it has ever had one.
        changes: what was accepted to differ when it was resumed, in sentences.
    """

    words: Mapping[str, Any]
    belongs: Mapping[str, Any]
    provenance: Mapping[str, Any]
    checkpoint: bool = False
    changes: tuple[str, ...] = ()


def is_search(directory: Path) -> bool:
    """Whether a search lies in the directory."""
    return all((directory / name).is_file() for name in (CONFIG_FILE, ORIGIN_FILE))


@contextlib.contextmanager
def locked(directory: Path, *, resume: bool) -> Iterator[None]:
    """Work in a directory: alone, on a search of our own, or where nothing lies yet.

    Raises:
        UserError: another process works in it, or it is not what was expected; nothing has been touched.
    """
    check = check_search if resume else _check_free
    check(directory)
    with directory_lock(directory):
        check(directory)  # another process may have been quicker
        remove_leftovers(directory, _OURS)
        yield


def new_directory(config: SearchConfig) -> Path:
    """A directory of its own for a new search."""
    base = config.directory / f"{slug(config.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in itertools.count(1):
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with contextlib.suppress(FileExistsError):  # another search may begin in the same second
            make_directory(path, exist_ok=False)
            return path
    raise AssertionError


def make_directory(directory: Path, exist_ok: bool) -> None:
    """Make a directory; who asks for a new one is told by ``FileExistsError`` that it exists."""
    try:
        directory.mkdir(parents=True, exist_ok=exist_ok)
    except (OSError, ValueError) as error:
        if isinstance(error, FileExistsError) and not exist_ok:
            raise
        cause = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"directory '{directory}' cannot be made ({cause}): choose another.") from None


# What it belongs to ---------------------------------------------------------------------------------------------------


def belongings(registry: Registry, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What bits depend on beside the config: versions, the plugins that bring components, and the device.

    A git commit is not among them: it changes with every note that is committed.
    """
    return {
        "versions": {name: provenance["versions"].get(name, "not installed") for name in _SHAPING},
        "plugins": {p.plugin: _content(p.distribution, p.version) for p in sorted({e.provenance for e in registry.entries()})},
        "device": provenance["device"],
    }


def begin(directory: Path, words: Mapping[str, Any], belongs: Mapping[str, Any], provenance: Mapping[str, Any]) -> Origin:
    """Say in a directory which search it is: from the last of two files on, it can be resumed."""
    text = text_of(words, "the config")
    origin = Origin(_plain(values_in(text)), _plain(belongs), _plain(provenance))
    write_origin(directory, origin)
    write_atomically(directory / CONFIG_FILE, text.encode())
    return origin


def read_origin(directory: Path) -> Origin:
    """What the search in a directory was begun with.

    Raises:
        UserError: the file is damaged, or of another version.
    """
    path = directory / ORIGIN_FILE
    found = read_json(path) or {}
    if found.pop("format", None) != FORMAT or set(found) != {field.name for field in fields(Origin)}:
        raise UserError(f"'{path}' is damaged, or written by another version: start a new search in another directory.")
    return replace(Origin(**found), changes=tuple(found["changes"]))


def write_origin(directory: Path, origin: Origin) -> None:
    write_atomically(directory / ORIGIN_FILE, json.dumps({"format": FORMAT, **vars(origin)}, indent=2).encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The mapping in a file of ours, None if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def changes(directory: Path, origin: Origin, words: Mapping[str, Any], belongs: Mapping[str, Any], anyway: bool) -> list[str]:
    """What differs from that which a search was begun with, and is accepted.

    Args:
        directory: of the search.
        origin: what it was begun with.
        words, belongs: the config now, and what bits depend on now.
        anyway: accept differences that do not make the state meaningless.

    Raises:
        UserError: something differs; the message names it.
    """
    differing = list(_differing(origin.words, _plain(words)))
    for path, before, now in differing:
        if path[0] not in _HARMLESS:
            raise UserError(
                f"'{directory / CONFIG_FILE}' has changed since the search began: {'.'.join(path)} is {_short(now)}, was "
                f"{_short(before)}, which cannot be taken up by it: change it back, or start a new search."
            )
    found = [f"{'.'.join(path)} is {_short(now)}, was {_short(before)}" for path, before, now in differing]
    found += _differences(origin.belongs, _plain(belongs))
    if not found:
        return []
    told = "; ".join(found[:4]) + (f"; and {len(found) - 4} more" if len(found) > 4 else "")
    if not anyway:
        raise UserError(f"the search in '{directory}' was begun otherwise ({told}): restore that, or accept it by --anyway.")
    warnings.warn(f"the search goes on otherwise than it was begun ({told}): bits may differ.", ResumeWarning, stacklevel=3)
    return found


def accepted(origin: Origin, words: Mapping[str, Any], belongs: Mapping[str, Any], notes: Sequence[str]) -> Origin:
    """The origin with accepted changes noted, as that which the search belongs to from now on."""
    if not notes:
        return origin
    return replace(origin, words=_plain(words), belongs=_plain(belongs), changes=(*origin.changes, *notes))


def end_differs(origin: Origin, words: Mapping[str, Any]) -> bool:
    """Whether the config asks for another selection or report than it did, so that the end is due again."""
    now = _plain(words)
    return any(origin.words[key] != now[key] for key in ("selection_seeds", "report"))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Versions, plugins and device that differ; a plugin that was added shapes nothing that was there before."""
    for name, version in before["versions"].items():
        if now["versions"].get(name) != version:
            yield f"{name} is {now['versions'].get(name)}, was {version}"
    for name, content in before["plugins"].items():
        if name not in now["plugins"]:
            yield f"the plugin '{name}' is missing"
        elif now["plugins"][name] != content:
            yield f"the plugin '{name}' is {_short(now['plugins'][name])}, was {_short(content)}"
    if now["device"] != before["device"]:
        yield f"the device is {_device(now['device'])}, was {_device(before['device'])}"


def _device(device: Mapping[str, Any]) -> str:
    return f"{device['count']} x {device['kind']}"


def _content(distribution: str, version: str) -> str:
    """What a plugin is: the version of its distribution, or the content of its one file."""
    path = Path(distribution)
    if version or path.suffix != ".py" or not path.is_file():
        return f"{distribution} {version}".strip()
    return f"file {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _differing(before: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Places at which two plain values differ, with both values there; None where there is none."""
    if isinstance(before, dict) and isinstance(now, dict) and (not path or set(before) & set(now)):
        for key in dict.fromkeys([*before, *now]):
            yield from _differing(before.get(key), now.get(key), (*path, key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differing(one, other, (*path, str(index)))
    elif type(before) is not type(now) or before != now:
        yield path, before, now


def _short(value: Any) -> str:
    if value is None:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return json.loads(json.dumps(value, default=str))


# Whose it is ----------------------------------------------------------------------------------------------------------


def check_search(directory: Path) -> None:
    """Check that a search lies in a directory."""
    for name in (CONFIG_FILE, ORIGIN_FILE):
        if not (directory / name).is_file():
            raise UserError(f"'{directory}' is not the directory of a search (it has no {name}): give one that search made.")


def _check_free(directory: Path) -> None:
    """Check that nothing lies in a directory, save what a search leaves that was killed before it could begin."""
    if is_search(directory):
        raise UserError(f"'{directory}' holds a search already: go on with it (discover resume), or give another directory.")
    try:
        ours = {LOCK_FILE, *(path.name for path, _ in leftovers(directory, _OURS))}
        found = sorted(set(os.listdir(directory)) - ours)
    except OSError as error:
        raise UserError(f"directory '{directory}' cannot be used ({error.strerror}): choose another.") from None
    if found == [ORIGIN_FILE] and (read_json(directory / ORIGIN_FILE) or {}).get("format") == FORMAT:
        return
    if found:
        names = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise UserError(f"'{directory}' holds other files ({names}): give a directory that is empty, or is not there yet.")
