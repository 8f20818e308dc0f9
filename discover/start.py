"""What the command ``discover`` and ``python -m discover`` run.

Signals and standard streams are settled before anything is imported that takes time, and looked at again at the end.
"""

from __future__ import annotations

import sys

from discover import interruption, streams
from discover.errors import DiscoverError


def main() -> None:
    """Run the command line, and end with its status."""
    try:
        streams.settle_encoding()
        streams.settle_streams()  # before anything is opened, which would take the place of a closed stream
        interruption.install()
        status = _status()
        interruption.over()
    except KeyboardInterrupt as error:
        _say(f"stopped: {interruption.NOTHING_LEFT}")
        status = interruption.status_of(error)
    if interruption.asked():
        interruption.leave(128 + interruption.asked())
    sys.exit(status)


def _status() -> int:
    """The exit status of the command line, once all that it prints is on its way."""
    try:
        from discover.cli import main as run

        try:
            run()
        except SystemExit as end:
            sys.stdout.flush()
            return end.code if isinstance(end.code, int) else int(bool(end.code))
        return 0
    except BrokenPipeError:
        return 1
    except DiscoverError as error:
        _say(f"error: {error}")
        return error.exit_status


def _say(line: str) -> None:
    print(line, file=sys.stderr)
