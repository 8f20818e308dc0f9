"""Whether other users may change code before it runs: the file of a plugin, a compiled program."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def open_to_others(path: Path) -> str | None:
    """Why other users may change a file or folder, and the remedy, as a clause; None if only this user and root may.

    The check reads the owner and the permissions of the path and of every folder above it, also behind symbolic links. A folder
    with the sticky bit (``/tmp``) may be open to others above the path: they can add files there, but not rename or remove any.

    Args:
        path: of the file or folder, which must exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder).chmod(0o777)
    ...     open_to_others(Path(folder))  # doctest: +ELLIPSIS
    "others may write to '...': chmod go-w '...'"
    """
    if not hasattr(os, "getuid"):  # Windows keeps a profile's folders to their owner
        return None
    places = Path(os.path.realpath(path)), Path(os.path.abspath(path))
    for place in dict.fromkeys(each for whole in places for each in (whole, *whole.parents)):
        facts = place.lstat()
        if facts.st_uid not in (0, os.getuid()):
            return f"'{place}' belongs to another user: move it to a folder of your own"
        sticky = facts.st_mode & stat.S_ISVTX and place not in places
        if facts.st_mode & _OTHERS and not sticky and not stat.S_ISLNK(facts.st_mode):
            return f"others may write to '{place}': chmod go-w '{place}'"
    return None
