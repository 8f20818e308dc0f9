"""Standard streams that never cost a result: closed, full, or of an encoding that cannot show what is printed."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

from discover.base.errors import DiscoverError


class OutputError(DiscoverError):
    """Standard output takes no more."""


def settle_encoding() -> None:
    """Start Python anew in its UTF-8 mode where names of files would be read in another encoding (a C locale, mostly).

    In another encoding some names could be neither opened nor printed. What is printed keeps the encoding of the terminal.
    """
    if sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or not sys.executable:
        return
    shown = sys.stdout or sys.stderr
    os.environ["PYTHONUTF8"] = "1"
    if shown is not None:
        os.environ.setdefault("PYTHONIOENCODING", f"{shown.encoding}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def settle_streams() -> None:
    """Open closed streams on nothing, have others escape what they cannot show, and say in a sentence when output is lost."""
    for descriptor in range(3):
        _fill(descriptor)
    sys.stdout = sys.__stdout__ = _settled(sys.stdout, 1, _Output)
    sys.stderr = sys.__stderr__ = _settled(sys.stderr, 2, _Messages)


class _Output(io.TextIOWrapper):
    """Standard output. What it loses is an `OutputError`; a reader that has seen enough (``| head``) a `BrokenPipeError`."""

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
    """Standard error: whoever closes it, or lets it fill up, does without messages."""

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
    """Open a closed descriptor on nothing: else the next file that anybody opens takes its place, and what is printed."""
    try:
        os.fstat(descriptor)
    except OSError:
        _divert(descriptor)


def _divert(descriptor: int) -> None:
    """Let a descriptor lead to nothing, so that what is still buffered does not fail again at the end of the process."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere == descriptor:
            os.set_inheritable(descriptor, True)
        else:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _settled(stream: TextIO | None, descriptor: int, kind: type[io.TextIOWrapper]) -> TextIO:
    if stream is None:
        return kind(os.fdopen(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return kind(stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=lines, write_through=through)
