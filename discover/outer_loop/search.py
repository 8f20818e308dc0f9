"""The search: new or resumed, from its checks to its result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from discover.config.reading import read_config
from discover.config.search_config import SearchConfig, checked_config
from discover.contract.results import SearchResult
from discover.outer_loop import directory as search_directory
from discover.outer_loop.directory import CONFIG_FILE
from discover.outer_loop.runner import Runner
from discover.plugin.loader import Plugins
from discover.storage.files import checked_path


def search(
    plugins: Plugins,
    config: Mapping[str, Any],
    directory: Path | None = None,
    *,
    resume: bool = False,
    anyway: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> SearchResult:
    """Run a search as its config says, or resume one.

    Nothing is written to disk before the config, and a trace of every candidate that it names, are checked.

    Args:
        plugins: the loaded plugins; their hooks receive every event.
        config: the mapping of a YAML file.
        directory: of checkpoints and the champion, empty or not yet there; by default a new one, named after the config's name
            and the time. No other process may work in it at the same time.
        resume: continue from the directory's checkpoint, to the same bits as if there had been no interruption. A finished
            search is not run again: its result is read.
        anyway: continue although versions, plugins, the device, or config keys that shape no state have changed.
        progress: called with a description of the work in progress and the share of it that is done, between generations too.

    Returns:
        The result; its champion is in ``directory / champion.candidate``.

    Raises:
        UserError: a mistake in the config or the directory, before the first generation.
        StorageError: the disk is full or fails at the end; what was written before is whole.
    """
    checked = checked_config(plugins.registry, config)
    directory = None if directory is None else checked_path(directory, "directory")
    return _run(plugins, checked, directory, resume=resume, anyway=anyway, progress=progress)


def check(plugins: Plugins, config: Mapping[str, Any]) -> SearchConfig:
    """Check all that a search checks before its first lifetime; nothing is run or written.

    Raises:
        UserError: a mistake in the config.
    """
    checked = checked_config(plugins.registry, config)
    Runner(plugins, checked, None, _run).close()
    return checked


def resume(
    plugins: Plugins,
    directory: Path,
    progress: Callable[[str, float], None] | None = None,
    *,
    anyway: bool = False,
) -> SearchResult:
    """Resume the search in a directory; see `search`."""
    directory = checked_path(directory, "directory")
    search_directory.check_search(directory)
    config = read_config(directory / CONFIG_FILE)
    return search(plugins, config, directory, resume=True, anyway=anyway, progress=progress)


def add_phases(
    plugins: Plugins,
    directory: Path,
    after: Mapping[str, Mapping[str, Any]],
    progress: Callable[[str, float], None] | None = None,
    *,
    anyway: bool = False,
) -> SearchResult:
    """Run phases after a search that has run all of its generations, as though its config had asked for them.

    Its directory asks for them from now on, so that `resume` goes on with phases that were stopped. What has been run before is
    not run again; the champion is chosen anew among the finalists that there are now.

    Args:
        plugins: the loaded plugins.
        directory: of the search.
        after: phases by name, as in a config; keys that a phase does not have here are as they were.
        progress: see `search`.
        anyway: see `search`.

    Raises:
        UserError: the directory holds no search or an unfinished one, a key is wrong, or there is nothing to refine; nothing
            has been changed.
    """
    directory = checked_path(directory, "directory")
    search_directory.check_search(directory)
    config = read_config(directory / CONFIG_FILE)
    before = _mapping(config.get("after"))
    phases = {name: {**_mapping(before.get(name)), **values} for name, values in after.items()}
    checked = checked_config(plugins.registry, {**config, "after": {**before, **phases}})
    return _run(plugins, checked, directory, resume=True, anyway=anyway, progress=progress, phases=True)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _run(
    plugins: Plugins,
    config: SearchConfig,
    directory: Path | None,
    *,
    resume: bool,
    anyway: bool,
    progress: Callable[[str, float], None] | None,
    phases: bool = False,
) -> SearchResult:
    """`search`, with a config that is checked; `add_phases`, with a config whose phases may be new."""
    with contextlib.ExitStack() as holding:
        exists = directory is not None and (resume or os.path.lexists(directory))  # also if it cannot be read
        if directory is not None and exists:
            holding.enter_context(search_directory.locked(directory, resume=resume))
        runner = Runner(plugins, config, progress, _run)
        holding.callback(runner.close)
        if directory is None:
            directory = search_directory.new_directory(config)
        if not exists:
            search_directory.make_directory(directory, exist_ok=True)
            holding.enter_context(search_directory.locked(directory, resume=False))
        runner.enter(directory, resume, anyway, phases=phases)
        try:
            return runner.run()
        except BaseException as error:
            if runner.now.counters.generations > runner.checkpoint.generations:
                runner.checkpoint.save(runner.now)
            plugins.tell("discover_search_failed", search=runner.info, error=error)
            raise
