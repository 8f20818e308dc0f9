"""Ctrl-C and SIGTERM, from the first import of a process to its end. Nothing here needs more than the standard library.

Until there is something to lose, the first signal ends the process at once: an exception in the middle of somebody's import
comes out as their traceback, or as a crash. From `in_order` on it is raised in the main thread, so that what runs there ends in
order: checkpoint, watchers, a word on how to go on. A second signal ends the process at once, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from enum import Enum
from types import FrameType
from typing import Any, NoReturn

from discover.base.errors import Terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTHING_LEFT = "nothing is left to resume."

_ECHO = 0.3  # seconds in which a second signal is the first one again: wrappers pass on what the terminal has sent already
_AGAIN = 0.02  # seconds until an exception is tried again where none could be raised
_SHOW_CURSOR = b"\x1b[?25h"


class _Phase(Enum):
    EMPTY = "nothing to lose"
    AT_WORK = "ends in order"
    OVER = "the result is out"


class _State:
    """What the handlers of this process know."""

    phase = _Phase.EMPTY
    words = NOTHING_LEFT
    asked = 0  # the first signal
    raised = False  # whether its exception has been raised
    retries = 0  # signals on their way that are our own


def install() -> None:
    """Take over ctrl-C and SIGTERM, unless whoever started the process had it ignore them (``nohup``)."""
    taken = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    if not taken or os.name != "posix":
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="discover-interruption", daemon=True).start()
    sys.unraisablehook = _unraisable
    for number in taken:
        signal.signal(number, _stop)


def in_order() -> None:
    """From now on there is something to lose: a signal becomes an exception in the main thread."""
    _State.phase = _Phase.AT_WORK


def over() -> None:
    """From now on the first signal ends the process at once again: its work is done."""
    _State.phase = _Phase.OVER


def say_when_stopped(words: str) -> None:
    """What to say if a signal ends the process before anything has begun."""
    _State.words = words


def asked() -> int:
    """The signal that has asked this process to stop, 0 if none has."""
    return _State.asked


def status_of(error: KeyboardInterrupt) -> int:
    """The exit status of a command that was stopped."""
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that an error stands for, also where a library has made another error of it; else None."""
    if isinstance(error, KeyboardInterrupt):
        return error
    return _error(_State.asked) if _State.asked else None


def raise_if_asked() -> None:
    """Raise again what somebody's code has swallowed."""
    if _State.asked:
        raise _error(_State.asked)


def leave(status: int) -> NoReturn:
    """End the process without a look back: what else would still run, such as half-imported libraries, may only complain."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def _error(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _stop(number: int, frame: FrameType | None) -> None:
    """The handler: it runs in the main thread, between any two steps of what runs there."""
    _State.asked = _State.asked or number
    if _State.phase is not _Phase.AT_WORK:
        if _State.phase is _Phase.EMPTY:
            encoding = sys.stderr.encoding or "utf-8"
            _write(f"stopped: {_State.words}\n".encode(encoding, "backslashreplace"))
        leave(128 + number)
    if _State.raised:
        return  # a second signal is for `_watch`
    if _takes_exceptions(frame):
        _State.raised = True
        raise _error(_State.asked)
    _try_again()


def _takes_exceptions(frame: FrameType | None) -> bool:
    """Whether an exception raised here would get through: not in an import, a finalizer or a callback of the collector."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__" or "gc_callback" in code.co_name:
            return False
        frame = frame.f_back
    return True


def _try_again() -> None:
    _State.raised = False
    _State.retries += 1
    timer = threading.Timer(_AGAIN, signal.pthread_kill, (threading.main_thread().ident, _State.asked))
    timer.daemon = True
    timer.start()


def _unraisable(info: Any) -> None:
    """Where Python could not raise an interruption, nothing is shown, and it is raised again a little later."""
    if _State.asked and issubclass(info.exc_type, KeyboardInterrupt):
        _try_again()
    else:
        sys.__unraisablehook__(info)


def _watch(reader: int) -> None:
    """End the process at the second signal. The main thread may be inside compiled code, where no handler runs."""
    first: float | None = None
    while True:
        for number in os.read(reader, 64):
            if number not in SIGNALS:
                continue
            if _State.retries:
                _State.retries -= 1
            elif first is None:
                first = time.monotonic()
            elif time.monotonic() - first > _ECHO:
                if os.isatty(2):
                    _write(_SHOW_CURSOR + b"\n")  # a progress bar hides it
                os._exit(128 + number)


def _write(text: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text)
