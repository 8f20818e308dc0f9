"""A program from its first import to its exit status.

Signals and standard streams are settled before anything is imported that takes time, and looked at again at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from discover.base.errors import DiscoverError
from discover.process import interruption, streams


def run_program(program: Callable[[], object]) -> None:
    """Run a program from its first import to its exit status, with signals and standard streams settled.

    Args:
        program: returns its exit status, or raises what ends it: a `DiscoverError` is told in its sentence.
    """
    try:
        streams.settle_encoding()
        streams.settle_streams()  # before anything is opened, which would take the place of a closed stream
        interruption.install()
        status = _status(program)
        interruption.over()
    except KeyboardInterrupt as error:
        _say(f"stopped: {interruption.NOTHING_LEFT}")
        status = interruption.status_of(error)
    if interruption.asked():
        interruption.leave(128 + interruption.asked())
    sys.exit(status)


def _status(program: Callable[[], object]) -> int:
    """The exit status of a program, once all that it prints is on its way."""
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
