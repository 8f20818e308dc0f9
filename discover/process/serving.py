"""A server of web pages, in place of a command: its address is told once it answers, its own words only if it fails.

This file is a program of the standard library alone, which a command becomes (`serve`): without JAX and plugins.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, NoReturn

_PAUSE = 0.1  # seconds between two attempts to reach the server
_SHOWN = 40  # lines of a server that has failed, or does not answer
_LATE = 60.0  # seconds after which a server is said not to answer
_LONGEST = 20_000  # bytes of them
_PATIENCE = 10.0  # seconds that a server may take to end
_DEATH_SIGNAL = 1  # of prctl: the signal that a process gets when its parent ends


def serve(line: Sequence[str], host: str, port: int, pages: Mapping[str, str]) -> NoReturn:
    """Become a process that serves a page until ctrl-C or SIGTERM.

    Args:
        line: the command line of the server.
        host, port: where it listens.
        pages: addresses below that of the page, each with a label; the first one is where to begin.
    """
    facts = json.dumps({"line": list(line), "host": host, "port": port, "pages": dict(pages)})
    os.execv(sys.executable, [sys.executable, "-P", __file__, facts])


def main(facts: Mapping[str, Any]) -> int:
    """Run a server until it ends; the result is its exit status, after ctrl-C and SIGTERM that of the signal."""
    stopped: list[int] = []
    late = time.monotonic() + _LATE
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(facts["line"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=_tied())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: stopped.append(number))
        told = False
        while server.poll() is None and not stopped:
            if not told and _answers(facts["host"], facts["port"]):
                told = True
                _tell(facts)
            if not told and time.monotonic() > late:
                late = float("inf")
                _say(_last_words(log), f"warning: the server has not answered within {_LATE:g} s; its words so far are above.")
            time.sleep(_PAUSE)
        if stopped:
            _end(server)
            return 128 + stopped[0]
        _say(_last_words(log), f"error: the server has ended with the status {server.returncode}; its last words are above.")
        return server.returncode if server.returncode > 0 else 1


def _tell(facts: Mapping[str, Any]) -> None:
    """Print the addresses of the pages."""
    place = f"http://{facts['host']}:{facts['port']}"
    first, *others = facts["pages"].items() or [("", "")]
    _say(f"look at {place}{first[1]} (ctrl-C ends it)", *(f"{label}: {place}{link}" for label, link in others))


def _say(*lines: str) -> None:
    """Print lines to standard error."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def _last_words(log: IO[bytes]) -> str:
    """The last lines in the log of a server."""
    end = log.seek(0, os.SEEK_END)
    words = os.pread(log.fileno(), _LONGEST, max(end - _LONGEST, 0)).decode(errors="backslashreplace")
    return "\n".join(words.splitlines()[-_SHOWN:])


def _answers(host: str, port: int) -> bool:
    """Whether a server answers a request for its page, with whatever status."""
    request = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5.0) as connection:
        connection.sendall(request.encode())
        return connection.recv(5) == b"HTTP/"
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a server, in order if it does so in time."""
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _tied() -> Callable[[], None] | None:
    """A function by which a new process ends with this one, even if this one is killed; None where there is none such."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    library = ctypes.CDLL(None)
    return lambda: library.prctl(_DEATH_SIGNAL, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
