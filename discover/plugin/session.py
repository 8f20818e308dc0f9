"""A session: one command from its beginning to its end, with the objects that watch it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.base.errors import DiscoverWarning
from discover.plugin.names import remember_names
from discover.plugin.progress import Progress, progress_on_stderr
from discover.process.interruption import in_order, raise_if_stopped

if TYPE_CHECKING:
    from discover.contract.events import Command
    from discover.plugin.loader import Plugins


@dataclass
class Session:
    """A command in progress.

    Attributes:
        plugins: the loaded plugins, together with the watchers of the command.
        progress: a callable that shows the work in progress, and the share of it that is done.
        facts: facts that the watchers add to the result (``run_id``); complete when the session has ended.
        late: errors of watchers that end the command, once its result has been printed.
    """

    plugins: Plugins
    progress: Progress
    facts: dict[str, Any] = field(default_factory=dict)
    late: list[BaseException] = field(default_factory=list)

    def finish(self, succeeded: bool) -> None:
        """Let the watchers finish their work. Their errors must wait until the result has been printed.

        Args:
            succeeded: whether the command has a result.
        """
        from discover.plugin.loader import finish

        errors: list[BaseException] = []
        try:
            self.facts.update(finish(self.plugins, errors))
        except KeyboardInterrupt as error:
            if not succeeded:
                raise
            errors.append(error)
        if succeeded:
            self.late = errors
        else:  # the command ends with another error already
            for error in errors:
                warnings.warn(str(error), DiscoverWarning, stacklevel=3)


def start_plugins(folder: Path | None = None) -> Plugins:
    """Load all plugins. Before any of them may start JAX, set its devices (each CPU core is one) and its cache of programs.

    Args:
        folder: folder of further one-file plugins; by default the one in ``DISCOVER_PLUGINS_DIR``.
    """
    from discover.process.jax_start import check_width, import_jax, start_devices

    import_jax()
    from discover.process.devices import keep_programs, use_every_core

    use_every_core()
    keep_programs()
    start_devices()
    from discover.plugin.loader import load_plugins

    plugins = load_plugins(folder)
    remember_names(plugins.registry, folder)
    check_width()
    raise_if_stopped()
    return plugins


@contextlib.contextmanager
def session(command: Command, plugins: Plugins) -> Iterator[Session]:
    """Run one command: its observers are registered from the beginning to the end of the ``with`` block."""
    from discover.plugin.loader import watch

    running = Session(plugins, progress_on_stderr())
    before = set(plugins.manager.get_plugins())
    plugins.manager.register(running.progress)
    succeeded = False
    in_order()
    try:
        watch(plugins, command)
        with running.progress:
            yield running
        succeeded = True
    finally:
        running.finish(succeeded)
        for observer in set(plugins.manager.get_plugins()) - before:
            plugins.manager.unregister(observer)
