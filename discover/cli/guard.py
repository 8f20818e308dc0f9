"""What a user sees when something goes wrong: one sentence, and the exit status.

======  =======================================================
status  meaning
======  =======================================================
0       done
1       a failure that is nobody's mistake, or a bug
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
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from discover.base.errors import DiscoverError, DiscoverWarning, message_of, shortened
from discover.base.mistakes import MistakesError
from discover.process import interruption

if TYPE_CHECKING:
    from discover.plugin.session import Session

R = TypeVar("R")

_show_traceback = False


class StoppedError(DiscoverError):
    """Ctrl-C or SIGTERM; the message says how to go on."""

    def __init__(self, message: str, cause: KeyboardInterrupt):
        super().__init__(message)
        self.exit_status = interruption.status_of(cause)


def raise_late(session: Session) -> None:
    """End a command as its watchers ask, or as ctrl-C did while they were at work. Its result has been printed."""
    for error in session.late:
        if isinstance(error, KeyboardInterrupt):
            raise StoppedError("the result is complete, but may not be tracked to its end.", error)
        raise error


def set_debug(wanted: bool) -> None:
    """Whether unexpected errors are shown with their traceback."""
    global _show_traceback
    _show_traceback = wanted


def guarded(command: Callable[..., R]) -> Callable[..., R]:
    """A command whose errors end as one sentence on standard error and an exit status."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> R:
        with one_line_warnings():
            try:
                return command(*args, **kwargs)
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise
            except BaseException as error:
                raise typer.Exit(_told(error)) from None

    return run


def _told(error: BaseException) -> int:
    """Say what has ended a command; returns the exit status."""
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
    elif isinstance(error, SystemExit):  # of a component or a library: a command of ours ends by typer.Exit
        from discover.inner_loop.reasons import reason

        say("error", f"the command was asked to exit in the middle ({reason(error)}): repair what does so.")
        return 1
    else:
        say("error", _unexpected(error))
        return 1
    return error.exit_status


def say(what: str, message: str) -> None:
    """One line on standard error. Spaces inside a line stay: they may be those of a path."""
    color = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}.get(what)
    head = typer.style(f"{what}:", fg=color, bold=True) if sys.stderr.isatty() else f"{what}:"
    print(head, *filter(None, map(str.strip, message.splitlines())), file=sys.stderr, flush=True)


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show each warning as one line; those of discover always."""

    def show(message: Warning | str, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        say("warning", str(message))

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=DiscoverWarning)
        warnings.showwarning = show
        yield


def _unexpected(error: BaseException) -> str:
    """A sentence for an error that nobody foresaw; its traceback goes to a file, or is shown with ``--debug``."""
    what = shortened((f"{type(error).__name__}: {message_of(error)}".splitlines() or [type(error).__name__])[0].rstrip(".: "))
    if _show_traceback:
        traceback.print_exc(file=sys.stderr)
        return f"unexpected {what}."
    try:
        where = _traceback_file()
    except OSError as refused:
        return (
            f"unexpected {what}; this is a bug: discover --debug COMMAND shows its traceback, which no file takes ({refused})."
        )
    return f"unexpected {what}; this is a bug: its traceback lies in '{where}' (discover --debug COMMAND shows it)."


def _traceback_file() -> str:
    """A new file that holds the traceback of the error being handled."""
    facts: dict[str, Any] = {"prefix": "discover-", "suffix": ".traceback.txt", "delete": False}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="backslashreplace", **facts) as file:
        traceback.print_exc(file=file)
    return file.name
