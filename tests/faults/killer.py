"""A plugin that does its own process harm at a given moment, so that a test hits where it means to.

A moment is the n-th event whose text holds a given one. Events are: a file is opened for writing, renamed, removed or cut
(``file open PATH``, ``file rename FROM TO``, ...), and a command says what it does (``says selection 1: payday @ 40``).

The environment says when, in JSON:

``KILL``
    ``{"text": ..., "count": n, "signal": s}``: signal s is sent to this process at that moment.
``FULL``
    ``[first, last]``: from the first event that holds the one text on, until one that holds the other, no file can be written,
    as if the disk were full (the limit of a file's size is 0).
``KILL_LOG``
    Not JSON: the path of a file that the texts of all events are written to.
``KILL_WORKPLACE``
    Not JSON: files elsewhere than below this folder are no events.
"""

import json
import os
import resource
import sys
from typing import Any

from discover import hookimpl
from discover.plugin.progress import Progress

_CHANGES = ("os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir", "sqlite3.connect")


class Killer:
    """Counts events, kills at one of them, and fills the disk between two."""

    def __init__(self, moment: dict[str, Any], full: list[str], log: str | None, workplace: str):
        self.moment, self.full, self.workplace, self.seen = moment, full, workplace, 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if log else None
        sys.addaudithook(self.audit)

    def audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        """What Python tells of files, before it happens."""
        if name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            self.touched("open", arguments[:1])
        elif name in _CHANGES:
            self.touched(name.split(".")[1], arguments[: 2 if name == "os.rename" else 1])

    def touched(self, what: str, paths: tuple[Any, ...]) -> None:
        """A file is about to be changed."""
        places = [os.path.abspath(path) for path in paths if isinstance(path, str | os.PathLike)]
        if any(place.startswith(self.workplace) for place in places):
            self.happened(f"file {what} {' '.join(os.path.relpath(place, self.workplace) for place in places)}")

    def happened(self, text: str) -> None:
        if self.log is not None:
            os.write(self.log, f"{text}\n".encode())
        if self.moment and self.moment["text"] in text:
            self.seen += 1
            if self.seen == self.moment["count"]:
                os.kill(os.getpid(), self.moment["signal"])
        if self.full and self.full[0] in text:
            most = 0 if len(self.full) == 2 else resource.RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            self.full = self.full[1:]


_killer = Killer(
    json.loads(os.environ.get("KILL", "{}")),
    json.loads(os.environ.get("FULL", "[]")),
    os.environ.get("KILL_LOG"),
    os.environ["KILL_WORKPLACE"],
)
_tell = Progress.__call__


def _heard(self: Progress, what: str, share: float) -> None:
    _killer.happened(f"says {what}")
    _tell(self, what, share)


Progress.__call__ = _heard


@hookimpl
def discover_register(registry: Any) -> None:
    """A plugin has a hook, else it is no plugin."""
