"""Standard streams that cost no result when they are closed or full, or have an encoding that cannot show the output."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

from discover.base.errors import DiscoverError


class OutputError(DiscoverError):
    """Standard output cannot be written any more."""


def restart_in_utf8() -> None:
    """Start Python again in its UTF-8 mode where it would read names of files in another encoding (mostly in a C locale).

    In another encoding some files could be neither opened nor named. The output keeps the encoding of the terminal.
    """
    if sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or not sys.executable:
        return
    output = sys.stdout or sys.stderr
    os.environ["PYTHONUTF8"] = "1"
    if output is not None:
        os.environ.setdefault("PYTHONIOENCODING", f"{output.encoding}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def prepare_streams() -> None:
    """Replace the standard streams: closed ones lead to ``/dev/null``, unprintable characters become escapes.

    Output that is lost raises an `OutputError`.
    """
    for descriptor in range(3):
        _fill(descriptor)
    sys.stdout = sys.__stdout__ = _replacement(sys.stdout, 1, _Output)
    sys.stderr = sys.__stderr__ = _replacement(sys.stderr, 2, _Messages)


class _Output(io.TextIOWrapper):
    """Standard output. A lost write is an `OutputError`; a reader that ends early (``| head``) is a `BrokenPipeError`."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._lost(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._lost(error) from None

    def _lost(self, error: OSError) -> Exception:
        _divert(self.fileno())
        if isinstance(error, BrokenPipeError):
            return error
        return OutputError(f"standard output cannot be written ({error.strerror}): send it to where there is room.")


class _Messages(io.TextIOWrapper):
    """Standard error: messages are dropped without an error when it is closed or full."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _divert(self.fileno())
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _divert(self.fileno())


def _fill(descriptor: int) -> None:
    """Open a closed descriptor on ``/dev/null``: else the next file that is opened gets it, and then the output."""
    try:
        os.fstat(descriptor)
    except OSError:
        _divert(descriptor)


def _divert(descriptor: int) -> None:
    """Let a descriptor lead to ``/dev/null``, so that buffered output does not fail again at the end of the process."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere == descriptor:
            os.set_inheritable(descriptor, True)
        else:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _replacement(stream: TextIO | None, descriptor: int, kind: type[io.TextIOWrapper]) -> TextIO:
    """A stream of another class over the same descriptor."""
    if stream is None:
        return kind(os.fdopen(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return kind(stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=lines, write_through=through)
