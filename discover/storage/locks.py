"""Locks on directories. The kernel releases them when their process ends, also if it is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from discover.base.errors import DiscoverWarning, UserError

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None

LOCK_FILE = ".discover.lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class LockWarning(DiscoverWarning):
    """A directory is not locked, since its file system or platform has no such locks; the program goes on."""


@contextlib.contextmanager
def directory_lock(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Lock an existing directory for one process, and within it for one thread.

    The lock is a lock of the kernel (``flock``) on a file in the directory, so that it ends with its process. On a system
    without such locks a `LockWarning` is issued, and the directory is not locked.

    Raises:
        UserError: the directory is locked already, and nothing was changed in it; or it cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, directory_lock(folder), directory_lock(folder):
    ...     pass  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    discover.base.errors.UserError: '...' is in use by another process (process id ...): wait until it ends, or end it.
    """
    path = Path(directory) / LOCK_FILE
    descriptor = _locked(path)
    try:
        yield
    finally:
        if descriptor is not None:
            if _stands_at(descriptor, path):
                with contextlib.suppress(OSError):
                    path.unlink()
            os.close(descriptor)


def _locked(path: Path) -> int | None:
    """The descriptor of the file at ``path``, open and locked; None where there are no locks."""
    if fcntl is None:
        _warn(path, "this platform has no file locks that end with their process")
        return None
    while True:
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise UserError(f"'{path.parent}' is in use by another process{holder}: wait until it ends, or end it.") from None
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _NO_LOCKS:
                raise UserError(f"'{path}' cannot be locked ({error.strerror}): choose another directory.") from None
            _warn(path, f"its file system has no locks ({error.strerror})")
            return None
        if _stands_at(descriptor, path):
            _note_holder(descriptor)
            return descriptor
        os.close(descriptor)  # its holder removed the file in between: try again


def _open(path: Path) -> int:
    """The descriptor of the file at ``path``, which is created if it does not exist."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise UserError(
            f"'{path.parent}' cannot be locked ({error.strerror}): make it a directory that can be written to, or choose "
            "another."
        ) from None


def _stands_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def _holder(descriptor: int) -> str:
    """A clause with the process that noted itself in the file; empty if none did."""
    text = os.read(descriptor, 32).decode("ascii", "replace").strip()
    return f" (process id {text})" if text.isdecimal() else ""


def _note_holder(descriptor: int) -> None:
    """Write the id of this process into the file, for messages of other processes; without it if the disk is full."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())


def _warn(path: Path, why: str) -> None:
    text = f"'{path.parent}' is not locked, since {why}: see to it that no second process works in it."
    warnings.warn(text, LockWarning, stacklevel=4)
