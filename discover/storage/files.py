"""Files that a user names: looked up without surprises, read up to a limit."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from discover.base.errors import UserError

_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def checked_path(path: str | os.PathLike[str], what: str) -> Path:
    """A path that the system can look up, whether something lies there or not; ``what`` it is begins the message.

    Raises:
        UserError: it holds a NUL, is longer than names can be, or leads through what may not be looked into.
    """
    try:
        os.stat(path)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise UserError(f"{what} '{printable(path)}' cannot be looked up ({error.strerror}): give another path.") from None
    except ValueError:  # a NUL, or what the file system's encoding cannot write
        raise UserError(
            f"{what} '{printable(path)}' is no path (it holds a character that no path can): give another."
        ) from None
    return Path(path)


def is_file(path: str | os.PathLike[str], what: str) -> bool:
    """Whether a regular file lies at a path.

    Raises:
        UserError: see `checked_path`.
    """
    return checked_path(path, what).is_file()


def bytes_of(path: Path, what: str, most: int) -> bytes:
    """What a file holds.

    Raises:
        UserError: it cannot be read, or holds more than ``most`` bytes.
    """
    try:
        with checked_path(path, what).open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UserError(f"{what} '{path}' cannot be read ({error.strerror}): check its permissions.") from None
    if len(data) > most:
        raise UserError(f"{what} '{path}' holds more than {most:,} bytes: is it the right file?")
    return data


def printable(path: str | os.PathLike[str]) -> str:
    """A path with what cannot be printed as escapes."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in os.fspath(path))
