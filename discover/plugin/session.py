"""A session: plugins that are loaded once, and what watches one command from its beginning to its end."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.base.errors import DiscoverWarning
from discover.plugin.progress import Progress, progress_on_stderr
from discover.process.interruption import in_order, raise_if_stopped

if TYPE_CHECKING:
    from discover.contract.events import Command
    from discover.plugin.loader import Plugins


@dataclass
class Session:
    """A command in progress.

    Attributes:
        plugins: the loaded plugins, the command's watchers among them.
        progress: a callable that is told what is being done, and the share of it that is done.
        facts: what the watchers add to the result (``run_id``); complete when the session has ended.
        late: errors with which watchers want the command to end, once its result is out.
    """

    plugins: Plugins
    progress: Progress
    facts: dict[str, Any] = field(default_factory=dict)
    late: list[BaseException] = field(default_factory=list)

    def finish(self, succeeded: bool) -> None:
        """Tell the watchers that the command is over; what they object to must wait until the result is out."""
        from discover.plugin.loader import finish

        ends: list[BaseException] = []
        try:
            self.facts.update(finish(self.plugins, ends))
        except KeyboardInterrupt as error:
            if not succeeded:
                raise
            ends.append(error)
        if succeeded:
            self.late = ends
        else:  # what ended the command is told as its error
            for error in ends:
                warnings.warn(str(error), DiscoverWarning, stacklevel=3)


def start_plugins(folder: Path | None = None) -> Plugins:
    """All plugins. Before any of them may start JAX, its devices (each CPU core is one) and the cache of programs are settled.

    Args:
        folder: of one-file plugins to load as well; ``DISCOVER_PLUGINS_DIR`` unless given.
    """
    from discover.process.jax_start import check_width, import_jax, start_devices

    import_jax()
    from discover.process.devices import keep_programs, use_every_core

    use_every_core()
    keep_programs()
    start_devices()
    from discover.plugin.loader import load_plugins

    plugins = load_plugins(folder)
    check_width()
    raise_if_stopped()
    return plugins


@contextlib.contextmanager
def session(command: Command, plugins: Plugins) -> Iterator[Session]:
    """Watch one command: its observers are registered while it runs."""
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
