"""Ctrl-C and SIGTERM, from the first import of a process to its end. This module needs the standard library alone.

As long as there is nothing to lose, the first signal ends the process at once: an exception in the middle of an import would
show the traceback of another library, or crash. After `in_order` the signal becomes an exception in the main thread, so that
the work there ends in order: it writes a checkpoint, ends its observers and says how to go on. A second signal ends the process
at once, whatever it is doing, and says what `say_when_killed` was told.
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
from typing import TYPE_CHECKING, ClassVar, NoReturn

from discover.base.errors import Terminated

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTHING_LEFT = "nothing is left to resume."
"""The message of a process that is stopped before it has begun its work."""

_ECHO = 0.3  # seconds in which a second signal counts as the first: wrapper programs repeat the signal of the terminal
_AGAIN = 0.02  # seconds until the next attempt to raise an exception where Python could not raise it
_SHOW_CURSOR = b"\x1b[?25h"


class _Phase(Enum):
    EMPTY = "nothing to lose"
    AT_WORK = "ends in order"
    OVER = "the result is out"


class _State:
    """The state of the signal handlers of this process."""

    phase = _Phase.EMPTY
    message = NOTHING_LEFT
    signal = 0  # the first signal
    raised = False  # whether its exception has been raised
    retries = 0  # signals that this module itself has sent and that have not arrived yet
    last_words: ClassVar[dict[str, str]] = {}


def install() -> None:
    """Handle ctrl-C and SIGTERM, unless the process was started so as to ignore them (``nohup``)."""
    signals = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    if not signals or os.name != "posix":
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="discover-interruption", daemon=True).start()
    sys.unraisablehook = _unraisable
    for number in signals:
        signal.signal(number, _stop)


def in_order() -> None:
    """Begin the work: from now on a signal becomes an exception in the main thread."""
    _State.phase = _Phase.AT_WORK


def over() -> None:
    """End the work: from now on the first signal ends the process at once again."""
    _State.phase = _Phase.OVER


def say_when_stopped(message: str) -> None:
    """Set the message to print if a signal ends the process before its work has begun."""
    _State.message = message


def say_when_killed(subject: str, message: str) -> None:
    """Set a line to print if a second signal ends the process at once: what is left, and the command that puts it in order.

    Nothing but the line is left for that moment, since the work of the main thread is then half done.

    Args:
        subject: what the line is about; a later line about it takes the place of this one.
        message: one sentence; an empty text takes the line back.
    """
    if message:
        _State.last_words[subject] = message
    else:
        _State.last_words.pop(subject, None)


def stop_signal() -> int:
    """The number of the first signal to stop this process, 0 if there was none.

    >>> stop_signal()
    0
    """
    return _State.signal


def status_of(error: KeyboardInterrupt) -> int:
    """The exit status of a command that was stopped: 128 plus the number of the signal.

    >>> status_of(KeyboardInterrupt()), status_of(Terminated())
    (130, 143)
    """
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that caused an error, also where a library has turned it into another error; None if there was none.

    >>> behind(ValueError("no interruption")) is None
    True
    """
    if isinstance(error, KeyboardInterrupt):
        return error
    return _error(_State.signal) if _State.signal else None


def raise_if_stopped() -> None:
    """Raise the interruption again if the code of a library has caught it.

    Raises:
        KeyboardInterrupt: a signal to stop has come.
    """
    if _State.signal:
        raise _error(_State.signal)


def leave(status: int) -> NoReturn:
    """End the process at once, without the code that Python runs at an exit: half-imported libraries may fail in it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def _error(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _stop(number: int, frame: FrameType | None) -> None:
    """Handle a signal. Python calls this in the main thread, between any two steps of the code there."""
    _State.signal = _State.signal or number
    if _State.phase is not _Phase.AT_WORK:
        if _State.phase is _Phase.EMPTY:
            encoding = sys.stderr.encoding or "utf-8"
            _write(f"stopped: {_State.message}\n".encode(encoding, "backslashreplace"))
        leave(128 + number)
    if _State.raised:
        return  # a second signal is for `_watch`
    if _takes_exceptions(frame):
        _State.raised = True
        raise _error(_State.signal)
    _try_again()


def _takes_exceptions(frame: FrameType | None) -> bool:
    """Whether an exception would reach the program: not from an import, a finalizer or a callback of the garbage collector."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__" or "gc_callback" in code.co_name:
            return False
        frame = frame.f_back
    return True


def _try_again() -> None:
    _State.raised = False
    _State.retries += 1
    timer = threading.Timer(_AGAIN, signal.pthread_kill, (threading.main_thread().ident, _State.signal))
    timer.daemon = True
    timer.start()


def _unraisable(info: UnraisableHookArgs) -> None:
    """Show an error that Python could not raise. An interruption is not shown, but raised again a little later."""
    if _State.signal and issubclass(info.exc_type, KeyboardInterrupt):
        _try_again()
    else:
        sys.__unraisablehook__(info)


def _watch(reader: int) -> None:
    """End the process at the second signal, also while the main thread is inside compiled code, where no handler runs."""
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
                _write_last_words()
                os._exit(128 + number)


def _write_last_words() -> None:
    with contextlib.suppress(Exception):  # a lost line must not keep the process alive
        lines = [f"stopped at once: {message}\n" for message in list(_State.last_words.values())]
        _write("".join(lines).encode(sys.stderr.encoding or "utf-8", "backslashreplace"))


def _write(text: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text)
