"""Writing files as a whole: no reader ever finds half of one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_all(file: int, content: bytes, start: int) -> None:
    """Write all of ``content`` into an open file from byte ``start`` on."""
    view = memoryview(content)
    while view:
        count = os.pwrite(file, view, start)
        start, view = start + count, view[count:]


def write_aside(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file beside its place, make it durable, and rename it. Only one process may do so at a time."""
    aside = path.with_name(f".{path.name}.new")  # one name, so that the rest of a killed process is replaced here
    aside.unlink(missing_ok=True)
    _write_new(aside, content, mode)
    os.replace(aside, path)
    sync_folder(path.parent)


def put_new(path: Path, content: bytes) -> None:
    """Write a file beside its place, make it durable, and rename it, unless there is a file by then."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    _write_new(aside, content, 0o644)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()


def sync_folder(folder: Path) -> None:
    """Make the list of files in a folder durable, where its file system can."""
    file = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):
        os.fsync(file)
    os.close(file)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(file, content, 0)
        os.fsync(file)
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(file)
