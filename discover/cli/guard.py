"""Errors as a user sees them: one sentence, and the exit status.

======  =======================================================
status  meaning
======  =======================================================
0       done
1       a failure that is not the user's mistake, or a bug
2       a user's mistake
130     stopped by ctrl-C
143     stopped by SIGTERM
======  =======================================================
"""

from __future__ import annotations

import functools
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import typer

from discover.base.errors import DiscoverError, DiscoverWarning, message_of, shortened
from discover.base.mistakes import MistakesError
from discover.process import interruption

if TYPE_CHECKING:
    from discover.contract.events import Command
    from discover.plugin.loader import Plugins
    from discover.plugin.session import Session

R = TypeVar("R")

_show_traceback = False


class StoppedError(DiscoverError):
    """Ctrl-C or SIGTERM ended the command; the message has the command that resumes it, if there is one."""

    def __init__(self, message: str, cause: KeyboardInterrupt):
        super().__init__(message)
        self.exit_status = interruption.status_of(cause)


@contextmanager
def repeatable_session(command: Command, plugins: Plugins, work: str) -> Iterator[Session]:
    """Run a command that can be repeated, but cannot go on where it was stopped.

    Args:
        command: that begins.
        plugins: the loaded plugins.
        work: what it does, as a stop names it.

    Raises:
        StoppedError: ctrl-C or SIGTERM; the message says what is left of the work.
    """
    from discover.plugin.session import session

    running: Session | None = None
    try:
        with session(command, plugins) as running:
            yield running
    except BaseException as error:
        stop = interruption.behind(error)
        if stop is None:
            raise
        run_id = running.facts.get("run_id") if running else None
        left = "nothing of it is kept" if run_id is None else f"what was tracked of it is run {run_id}"
        raise StoppedError(f"the {work} has not finished, and {left}; the same command starts it again.", stop) from None


def raise_late(session: Session) -> None:
    """Raise what watchers raised at the end of a command, or a ctrl-C during their work. The result is printed already.

    Raises:
        StoppedError: ctrl-C or SIGTERM.
        DiscoverError: of a watcher.
    """
    for error in session.late:
        if isinstance(error, KeyboardInterrupt):
            raise StoppedError("the result is complete, but may not be tracked to its end.", error)
        raise error


def set_debug(show: bool) -> None:
    """Set whether unexpected errors are shown with their traceback."""
    global _show_traceback
    _show_traceback = show


def guard_command(command: Callable[..., R]) -> Callable[..., R]:
    """A command whose errors end as one sentence on standard error and an exit status."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> R:
        with one_line_warnings():
            try:
                return command(*args, **kwargs)
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise
            except BaseException as error:
                raise typer.Exit(_print_error(error)) from None

    return run


def _print_error(error: BaseException) -> int:
    """Print why a command ended; the result is the exit status."""
    stop = interruption.behind(error)
    if isinstance(error, StoppedError):
        say("stopped", str(error))
    elif stop is not None:
        say("stopped", interruption.NOTHING_LEFT)
        return interruption.status_of(stop)
    elif isinstance(error, MistakesError):
        for line in error.lines:
            say("error", line)
    elif isinstance(error, DiscoverError):
        say("error", str(error))
    elif isinstance(error, SystemExit):  # of a component or a library: the commands here end by typer.Exit
        from discover.inner_loop.reasons import reason

        say("error", f"the command was asked to exit in the middle ({reason(error)}): repair what does so.")
        return 1
    else:
        say("error", _unexpected(error))
        return 1
    return error.exit_status


def say(label: str, message: str) -> None:
    """Print one line to standard error. Spaces inside a line stay: they may be part of a path."""
    color = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}.get(label)
    head = typer.style(f"{label}:", fg=color, bold=True) if sys.stderr.isatty() else f"{label}:"
    print(head, *filter(None, map(str.strip, message.splitlines())), file=sys.stderr, flush=True)


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print each warning as one line; those of discover every time."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        say("warning", str(message))

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=DiscoverWarning)
        warnings.showwarning = show
        yield


def _unexpected(error: BaseException) -> str:
    """The sentence for an unexpected error. Its traceback goes to a file; with ``--debug`` it is printed."""
    first = (f"{type(error).__name__}: {message_of(error)}".splitlines() or [type(error).__name__])[0]
    summary = shortened(first.rstrip(".: "))
    if _show_traceback:
        traceback.print_exc(file=sys.stderr)
        return f"unexpected {summary}."
    try:
        path = _traceback_file()
    except OSError as refused:
        return (
            f"unexpected {summary}; this is a bug: discover --debug COMMAND shows its traceback, which no file takes "
            f"({refused})."
        )
    return f"unexpected {summary}; this is a bug: its traceback lies in '{path}' (discover --debug COMMAND shows it)."


def _traceback_file() -> str:
    """The path of a new file with the traceback of the current error."""
    options: dict[str, Any] = {"prefix": "discover-", "suffix": ".traceback.txt", "delete": False}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="backslashreplace", **options) as file:
        traceback.print_exc(file=file)
    return file.name
