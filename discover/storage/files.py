"""Files that a user names: every failure is one sentence, and only so many bytes are read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from discover.base.errors import UserError

_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def checked_path(path: str | os.PathLike[str], what: str) -> Path:
    """A path that the system can look up, whether a file is there or not.

    Args:
        path: the path.
        what: its role (``config file``), which begins the message of an error.

    Raises:
        UserError: it holds a NUL, is longer than names can be, or leads through a folder that this user may not look into.

    >>> checked_path("no/such/file", "config file").name
    'file'
    >>> checked_path("a" * 300, "config file")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    discover.base.errors.UserError: config file 'aaa...' cannot be looked up (File name too long): give another path.
    """
    try:
        os.stat(path)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise UserError(f"{what} '{printable(path)}' cannot be looked up ({error.strerror}): give another path.") from None
    except ValueError:  # a NUL, or a character that the file system cannot encode
        raise UserError(
            f"{what} '{printable(path)}' is no path (it holds a character that no path can): give another."
        ) from None
    return Path(path)


def is_file(path: str | os.PathLike[str], what: str) -> bool:
    """Whether a path leads to a regular file.

    Raises:
        UserError: see `checked_path`.

    >>> is_file("no/such/file", "config file")
    False
    """
    return checked_path(path, what).is_file()


def check_empty(folder: Path, what: str) -> None:
    """Check that a folder is empty or not there yet.

    Args:
        folder: its path.
        what: its role (``export folder``), which begins the message of an error.

    Raises:
        UserError: it holds something, is a file, or cannot be looked into.

    >>> check_empty(Path("no/such/folder"), "export folder")
    """
    try:
        if not checked_path(folder, what).exists():
            return
        if not folder.is_dir():
            raise UserError(f"{what} '{printable(folder)}' is a file: give a new folder.")
        if any(folder.iterdir()):
            raise UserError(f"{what} '{printable(folder)}' is not empty: give a new folder, or empty this one.")
    except OSError as error:
        raise UserError(f"{what} '{printable(folder)}' cannot be looked into ({error.strerror}): give another.") from None


def new_folder(folder: Path, what: str) -> Path:
    """Make a folder, with those above it.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{what} '{printable(folder)}' cannot be made ({error.strerror}): give another.") from None
    return folder


def bytes_of(path: Path, what: str, most: int) -> bytes:
    """The content of a file.

    Args:
        path: its path.
        what: its role (``config file``), which begins the message of an error.
        most: the largest size in bytes.

    Raises:
        UserError: it cannot be read, or holds more than ``most`` bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "it").write_bytes(b"data")
    ...     bytes_of(Path(folder) / "it", "config file", most=4)
    b'data'
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
    """A path whose unprintable characters are written as escapes.

    >>> print(printable("a\\nb"))
    a\\nb
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in os.fspath(path))


def check_place(path: str | os.PathLike[str], what: str) -> None:
    """Check that a file could be written, before the work that goes into it.

    Args:
        path: of the file.
        what: its role (``--html``), which begins the message of an error.

    Raises:
        UserError: it is a folder, lies in none, or lies in one that this user may not write to.

    >>> check_place("no/such/file", "--html")
    Traceback (most recent call last):
    discover.base.errors.UserError: --html 'no/such/file' lies in the folder 'no/such', which does not exist: make it first.
    """
    place, shown = checked_path(path, what), printable(path)
    if place.is_dir():
        raise UserError(f"{what} '{shown}' is a folder: give the name of a file, such as '{place / 'page.html'}'.")
    if not place.parent.is_dir():
        raise UserError(
            f"{what} '{shown}' lies in the folder '{printable(place.parent)}', which does not exist: make it first."
        )
    if not os.access(place.parent, os.W_OK):
        raise UserError(f"{what} '{shown}' cannot be written (its folder is read-only): choose another place.")
