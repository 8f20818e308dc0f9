"""A program from its first import to its exit status.

Signals and standard streams are prepared before the first slow import, and checked again at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from discover.base.errors import DiscoverError
from discover.process import interruption, streams


def run_program(program: Callable[[], object]) -> None:
    """Run a program and end the process with its exit status.

    Signals end the program in order, and lost standard streams end in one sentence.

    Args:
        program: returns its exit status, or raises the error that ends it; of a `DiscoverError` the message is printed.
    """
    try:
        streams.restart_in_utf8()
        streams.prepare_streams()  # first, since a file that is opened would take the descriptor of a closed stream
        interruption.install()
        status = _status(program)
        interruption.over()
    except KeyboardInterrupt as error:
        _say(f"stopped: {interruption.NOTHING_LEFT}")
        status = interruption.status_of(error)
    if interruption.stop_signal():
        interruption.leave(128 + interruption.stop_signal())
    sys.exit(status)


def _status(program: Callable[[], object]) -> int:
    """Run a program; its exit status, after all its output has been written."""
    try:
        try:
            status = program()
        except SystemExit as end:
            status = end.code
        sys.stdout.flush()
        return status if isinstance(status, int) else int(bool(status))
    except BrokenPipeError:
        return 1
    except DiscoverError as error:
        _say(f"error: {error}")
        return error.exit_status


def _say(line: str) -> None:
    print(line, file=sys.stderr)
