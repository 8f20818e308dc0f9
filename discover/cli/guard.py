"""What a user sees when something goes wrong: one sentence, and the exit status.

======  =======================================================
status  meaning
======  =======================================================
0       done
1       a failure that is nobody's mistake, or a bug
2       a user's mistake
130     stopped by ctrl-C
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
from typing import Any, TypeVar

import typer

from discover.errors import DiscoverError, DiscoverWarning, shortened

R = TypeVar("R")

STOPPED = 130
_show_traceback = False


class StoppedError(DiscoverError):
    """The user pressed ctrl-C; the message says how to go on."""

    exit_status = STOPPED


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
            except DiscoverError as error:
                say("stopped" if isinstance(error, StoppedError) else "error", str(error))
                raise typer.Exit(error.exit_status) from None
            except KeyboardInterrupt:
                say("stopped", "nothing is left to resume.")
                raise typer.Exit(STOPPED) from None
            except SystemExit as error:  # of a component or a library: a command of ours ends by typer.Exit
                from discover.reasons import reason

                say("error", f"the command was asked to exit in the middle ({reason(error)}): repair what does so.")
                raise typer.Exit(1) from None
            except Exception as error:
                say("error", _unexpected(error))
                raise typer.Exit(1) from None

    return run


def say(what: str, message: str) -> None:
    """One line on standard error."""
    colour = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}.get(what)
    typer.echo(f"{typer.style(f'{what}:', fg=colour, bold=True)} {' '.join(message.split())}", err=True)


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show each warning as one line; those of discover always."""

    def show(message: Warning | str, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        say("warning", str(message))

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=DiscoverWarning)
        warnings.showwarning = show
        yield


def _unexpected(error: Exception) -> str:
    """A sentence for an error that nobody foresaw; its traceback goes to a file, or is shown with ``--debug``."""
    what = shortened(f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".: "))
    if _show_traceback:
        traceback.print_exc(file=sys.stderr)
        return f"unexpected {what}."
    with tempfile.NamedTemporaryFile("w", prefix="discover-", suffix=".traceback.txt", delete=False) as file:
        traceback.print_exc(file=file)
    return f"unexpected {what}; this is a bug: its traceback lies in '{file.name}' (discover --debug COMMAND shows it)."
