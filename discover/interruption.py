"""Ctrl-C and SIGTERM, from the first import of a process to its end.

The first one is raised in the main thread, so that what runs there ends in order: checkpoint, watchers, a word on how to go on.
The second one ends the process at once, whatever the main thread is doing. Nothing here needs more than the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

from discover.errors import Terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_ECHO = 0.3  # seconds in which a second signal is the first one again: wrappers pass on what the terminal has sent already
_SHOW_CURSOR = b"\x1b[?25h"

_asked = 0


def install() -> None:
    """Take over ctrl-C and SIGTERM, unless whoever started the process had it ignore them (``nohup``)."""
    taken = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    for number in taken:
        signal.signal(number, _stop)
    if taken and os.name == "posix":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=_watch, args=(reader,), name="discover-interruption", daemon=True).start()


def asked() -> int:
    """The signal that has asked this process to stop, 0 if none has."""
    return _asked


def status_of(error: KeyboardInterrupt) -> int:
    """The exit status of a command that was stopped."""
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that an error stands for, also where a library has made another error of it; else None."""
    if isinstance(error, KeyboardInterrupt):
        return error
    return _error(_asked) if _asked else None


def raise_if_asked() -> None:
    """Raise again what somebody's code has swallowed."""
    if _asked:
        raise _error(_asked)


def leave(status: int) -> NoReturn:
    """End the process without a look back: what else would still run, such as half-imported libraries, may only complain."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def end_at_once() -> None:
    """From now on the first signal ends the process at once: its work is done."""
    for number in SIGNALS:
        if signal.getsignal(number) == _stop:
            signal.signal(number, lambda number, _: os._exit(128 + number))


def _stop(number: int, _: FrameType | None) -> None:
    global _asked
    if not _asked:
        _asked = number
        raise _error(number)


def _error(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _watch(reader: int) -> None:
    """End the process at the second signal. The main thread may be inside compiled code, where no handler runs."""
    first: float | None = None
    while True:
        for number in os.read(reader, 64):
            if number not in SIGNALS:
                continue
            if first is None:
                first = time.monotonic()
            elif time.monotonic() - first > _ECHO:
                _end(number)


def _end(number: int) -> NoReturn:
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR + b"\n")  # a progress bar hides it
    os._exit(128 + number)
