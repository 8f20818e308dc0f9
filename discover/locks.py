"""A lock on a directory, which the kernel releases with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from discover.errors import UserError

LOCK_FILE = ".lock"


@contextlib.contextmanager
def directory_lock(path: Path) -> Iterator[None]:
    """Hold a directory for this process alone.

    Raises:
        UserError: another process holds it.
    """
    descriptor = os.open(Path(path) / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"another process works in '{path}': wait until it has ended, or stop it.") from None
        yield
    finally:
        os.close(descriptor)
