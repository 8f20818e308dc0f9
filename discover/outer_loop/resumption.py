"""Changes since a search began, and whether it may be resumed all the same."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from discover.base.errors import DiscoverWarning, UserError
from discover.outer_loop.directory import CONFIG_FILE, Origin, plain

_HARMLESS = ("directory", "checkpoint_minutes", "selection_seeds", "after", "report")
"""Keys of a config that neither shape nor name the state: a search may be resumed with other values of them."""


class ResumeWarning(DiscoverWarning):
    """A search is resumed with another config, version, plugin or device than it was begun with."""


def changes(
    directory: Path,
    origin: Origin,
    *,
    config: Mapping[str, Any],
    dependencies: Mapping[str, Any],
    anyway: bool,
) -> list[str]:
    """The differences from the origin of a search, if they are accepted; a sentence part for each.

    Args:
        directory: of the search.
        origin: of the search.
        config, dependencies: of this process.
        anyway: whether to accept differences that leave the state valid.

    Raises:
        UserError: a difference that is not accepted; the message names it.
    """
    differing = list(_differing(origin.config, plain(config)))
    for path, before, now in differing:
        if path[0] not in _HARMLESS:
            raise UserError(
                f"'{directory / CONFIG_FILE}' has changed since the search began: {'.'.join(path)} is {_short(now)}, was "
                f"{_short(before)}, which cannot be taken up by it: change it back, or start a new search."
            )
    sentences = [f"{'.'.join(path)} is {_short(now)}, was {_short(before)}" for path, before, now in differing]
    sentences += _differences(origin.dependencies, plain(dependencies))
    if not sentences:
        return []
    summary = "; ".join(sentences[:4]) + (f"; and {len(sentences) - 4} more" if len(sentences) > 4 else "")
    if not anyway:
        raise UserError(f"the search in '{directory}' was begun otherwise ({summary}): restore that, or accept it by --anyway.")
    warnings.warn(f"the search goes on otherwise than it was begun ({summary}): bits may differ.", ResumeWarning, stacklevel=3)
    return sentences


def accept_changes(origin: Origin, config: Mapping[str, Any], dependencies: Mapping[str, Any], notes: Sequence[str]) -> Origin:
    """The origin with the config and the dependencies of this process, and notes of the accepted changes."""
    if not notes:
        return origin
    changes = (*origin.changes, *notes)
    return replace(origin, config=plain(config), dependencies=plain(dependencies), changes=changes)


def end_differs(origin: Origin, config: Mapping[str, Any]) -> bool:
    """Whether the config asks for other phases after the search than before, so that the end must be run again."""
    now = plain(config)
    return any(origin.config.get(key) != now.get(key) for key in ("selection_seeds", "after", "report"))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Versions, plugins and device that differ; a plugin that was added changes nothing in an older search."""
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


def _differing(before: object, now: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object, object]]:
    """Paths at which two plain values differ, with the two values at that path; None where one has none."""
    if isinstance(before, dict) and isinstance(now, dict) and (not path or set(before) & set(now)):
        for key in dict.fromkeys([*before, *now]):
            yield from _differing(before.get(key), now.get(key), (*path, key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differing(one, other, (*path, str(index)))
    elif type(before) is not type(now) or before != now:
        yield path, before, now


def _short(value: object) -> str:
    """A value as a sentence shows it."""
    if value is None:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
