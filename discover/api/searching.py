"""Searches from Python."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.api.listing import find_search
from discover.api.loaded import plugins
from discover.api.running import command_session, store_of
from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.components.component import Component
    from discover.contract.results import SearchResult
    from discover.plugin.session import Session


def search(
    config: str | os.PathLike[str] | Mapping[str, Any] | Component,
    directory: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
    promote: bool = False,
    **settings: Any,
) -> SearchResult:
    """Search for the best candidate in a space, and compare it with baselines.

    Args:
        config: a YAML or JSON file, a mapping with the same keys, or a space: an `Algorithm` with open values, to which
            ``settings`` adds the other keys of a config (``tasks``, ``population``, ``strategy``, ...).
        directory: place of checkpoints and champion, empty or not there yet; by default named after the search and the time.
        overrides: values of the config by dotted key, such as ``{"report.seeds": 16}``.
        tracking: whether to track the search, or the address of the store.
        promote: whether the champion is to be that of its registered model, without a comparison (see `discover.promote`).
        settings: keys of the config that replace those in ``config``.

    Returns:
        The result, with the champion: it prints as the table of the report.

    Raises:
        UserError: the config or the directory has a mistake; before the first generation.
    """
    from discover.outer_loop.search import search as searched

    values = config_words(config, overrides, settings, store_of(tracking))
    place = None if directory is None else Path(directory)

    def work(running: Session) -> SearchResult:
        return searched(running.plugins, values, place, progress=running.progress)

    return run_search("search", tracking, work, promote=promote)


def resume(
    directory: str | os.PathLike[str], *, anyway: bool = False, tracking: bool | str = False, promote: bool = False
) -> SearchResult:
    """Continue a search that was stopped or killed. Its result is the same to the bit as without the interruption.

    Args:
        directory: directory of the search, or its name (the newest of that name), or the id of its tracked run.
        anyway: whether to continue even if versions, plugins or the device have changed.
        tracking: whether to track the search, or the address of the store.
        promote: see `search`.

    Raises:
        UserError: there is no such search, or versions, plugins or the device have changed.
    """
    from discover.outer_loop.search import resume as resumed

    place = find_search(plugins(), os.fspath(directory), store=store_of(tracking), tracking=bool(tracking))

    def work(running: Session) -> SearchResult:
        return resumed(running.plugins, place, running.progress, anyway=anyway)

    return run_search("resume", tracking, work, place, promote=promote)


def run_search(
    name: str,
    tracking: bool | str,
    work: Callable[[Session], SearchResult],
    directory: Path | None = None,
    *,
    promote: bool,
) -> SearchResult:
    with command_session(name, tracking, directory, promote=promote) as running:
        result = work(running)
    return dataclasses.replace(result, facts=running.facts)


def config_words(
    config: str | os.PathLike[str] | Mapping[str, Any] | Component,
    overrides: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    store: str | None = None,
) -> dict[str, Any]:
    """The config as a mapping of plain values, with the candidates that it takes from elsewhere."""
    from discover.components.component import Component
    from discover.config.build import config_of
    from discover.config.elsewhere import with_candidates
    from discover.config.reading import read_config, with_settings

    if isinstance(config, Component):
        config = {"candidate": config_of(plugins().registry, config)}
    elif isinstance(config, str | os.PathLike):
        config = read_config(Path(config))
    if not isinstance(config, Mapping):
        raise UserError(f"a config is a file, a mapping or a space; got {config!r}.")
    if isinstance(config.get("init", settings.get("init")), list | tuple):
        settings = {**settings, "init": [_start(item) for item in settings.get("init", config.get("init"))]}
    changes = [f"{key}={_plain(key, value)}" for key, value in (overrides or {}).items()]
    return with_candidates(plugins(), with_settings({**config, **settings} if settings else config, changes), store)


def _start(item: Any) -> Any:
    """A candidate to begin with, in words."""
    from discover.components.component import Component
    from discover.config.build import config_of
    from discover.config.elsewhere import plain_words

    if isinstance(item, Mapping) and set(item) == {"nearest"}:
        return {"nearest": _start(item["nearest"])}
    if isinstance(item, Component):
        return plain_words(config_of(plugins().registry, item))
    return os.fspath(item) if isinstance(item, os.PathLike) else item


def _plain(key: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except TypeError:
        raise UserError(f"overrides: '{key}' must be a number, a text, a list or a mapping; got {value!r}.") from None
