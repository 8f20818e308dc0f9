"""All plugins, loaded once for the whole process."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.plugin.loader import Plugins


def plugins(folder: str | os.PathLike[str] | None = None, *, extra: Iterable[object] = ()) -> Plugins:
    """All plugins, loaded once; ``plugins().registry`` knows every component, recipe and task.

    Args:
        folder: a folder of one-file plugins to load as well. It must be given before anything else is called.
        extra: plugin objects to load as well, such as the module of a script, or an instance with methods that are marked
            ``@hookimpl``. One that is loaded already is not loaded again.

    Raises:
        UserError: an object is no plugin, or has the name of another one or of what another one brings.

    >>> plugins().registry.get("task", "CartPole-v1").facts["reference"]
    500.0
    """
    if folder is not None and _loaded.cache_info().currsize and _folder(folder) != _State.folder:
        raise UserError(f"plugins are loaded already: call discover.plugins({os.fspath(folder)!r}) before anything else.")
    if folder is not None:
        _State.folder = _folder(folder)
    loaded = _loaded()
    for plugin in extra:
        _add(loaded, plugin)
    return loaded


class _State:
    """The folder of one-file plugins that a call of `plugins` named."""

    folder: Path | None = None


@functools.cache
def _loaded() -> Plugins:
    from discover.plugin.session import start_plugins

    return start_plugins(_State.folder)


def _folder(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).absolute()


def _add(loaded: Plugins, plugin: object) -> None:
    from discover.plugin.loader import add_plugin

    if not loaded.manager.is_registered(plugin):
        add_plugin(loaded, plugin)
