"""What surrounds a command that runs lifetimes: devices, plugins, watchers, and standard output kept for one JSON object."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.cli.guard import StoppedError, say
from discover.cli.options import Common
from discover.cli.progress import Progress, progress_on_stderr
from discover.process.interruption import in_order, raise_if_asked

if TYPE_CHECKING:
    from discover.plugin.loader import Plugins


@dataclass
class Session:
    """A command in progress.

    Attributes:
        plugins: the loaded plugins, the command's watchers among them.
        progress: to be told what is being done.
        facts: what the watchers add to the summary (``run_id``); complete when the session has ended.
    """

    plugins: Plugins
    progress: Progress
    facts: dict[str, Any] = field(default_factory=dict)
    _late: list[BaseException] = field(default_factory=list)

    def finish(self, succeeded: bool) -> None:
        """Tell the watchers that the command is over; what they object to must wait until the result has been printed."""
        from discover.plugin.loader import finish

        ends: list[BaseException] = []
        try:
            self.facts.update(finish(self.plugins, ends))
        except KeyboardInterrupt as error:
            if not succeeded:
                raise
            ends.append(error)
        if succeeded:
            self._late = ends
        else:  # what ended the command is told as its error
            for error in ends:
                say("warning", str(error))

    def raise_late(self) -> None:
        """End the command as its watchers ask, or as ctrl-C did while they were at work. Its result has been printed."""
        for error in self._late:
            if isinstance(error, KeyboardInterrupt):
                raise StoppedError("the result is complete, but may not be tracked to its end.", error)
            raise error


def loaded_plugins(folder: Path | None) -> Plugins:
    """All plugins. Before any of them may start JAX, its devices and the cache of compiled programs are settled."""
    from discover.process.jax_start import check_width, import_jax, start_devices

    import_jax()
    from discover.process.devices import keep_programs, use_every_core

    use_every_core()
    keep_programs()
    start_devices()
    from discover.plugin.loader import load_plugins

    plugins = load_plugins(folder)
    check_width()
    raise_if_asked()
    return plugins


@contextlib.contextmanager
def quiet_output(json: bool) -> Iterator[None]:
    """With ``json``, whatever is printed meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def session(name: str, options: Common, plugins: Plugins, directory: Path | None = None) -> Iterator[Session]:
    """Watch one command.

    Args:
        name: ``search``, ``resume``, ``train`` or ``compare``.
        options: what the user said.
        plugins: the loaded plugins.
        directory: of the search that is resumed.
    """
    from discover.contract.events import Command
    from discover.plugin.loader import watch

    running = Session(plugins, progress_on_stderr())
    plugins.manager.register(running.progress)
    succeeded = False
    in_order()
    try:
        watch(plugins, Command(name, directory, options.tracking, options.store, options.json))
        with running.progress:
            yield running
        succeeded = True
    finally:
        running.finish(succeeded)
