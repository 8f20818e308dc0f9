"""Whether others may change what is about to be run: a plugin's file, a compiled program."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def open_to_others(path: Path) -> str | None:
    """Why others may change what lies at a path, and the remedy, as a clause; None if only this user and root may.

    Looked at are its own owner and permissions and those of every folder above it, also behind symbolic links. In a folder with
    the sticky bit (``/tmp``) others can add but neither rename nor remove, so such a one may be open.
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
