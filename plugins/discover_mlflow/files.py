"""Writing files so that nobody ever sees half of one."""

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
    """Write a file aside, make it durable, and let it take its place."""
    os.replace(_aside(path, content, mode), path)


def put_new(path: Path, content: bytes) -> None:
    """Write a file aside, make it durable, and let it take its place unless something is there by then."""
    aside = _aside(path, content, 0o644)
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()


def _aside(path: Path, content: bytes, mode: int) -> Path:
    aside = path.with_name(f".{path.name}.new")  # one name, so that what a killed process left is removed here
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(file, content, 0)
        os.fsync(file)
    finally:
        os.close(file)
    return aside
