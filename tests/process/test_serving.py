"""A server in the place of a command: its address once it answers, its words only where it fails, one end for both."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from discover.process import serving as serving_program

SERVER = """
import http.server, sys, time
print("a server's own words", flush=True)
print("and a warning", file=sys.stderr, flush=True)
time.sleep(0.2)
http.server.HTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@contextmanager
def serving(script: str, port: int) -> Iterator[subprocess.Popen[str]]:
    facts = {
        "line": [sys.executable, "-c", script],
        "host": "127.0.0.1",
        "port": port,
        "pages": {"runs": "/#/a", "last": "/#/b"},
    }
    line = [sys.executable, "-P", serving_program.__file__, json.dumps(facts)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_address_is_told_once_it_answers_and_nothing_else() -> None:
    port = free_port()
    with serving(SERVER.format(port=port), port) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"look at http://127.0.0.1:{port}/#/a (ctrl-C ends it)\n"
        assert answers(port)
        assert process.stderr.readline() == f"last: http://127.0.0.1:{port}/#/b\n"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, output, errors) == (143, "", "")
        assert not answers(port)


def test_a_server_that_fails_is_heard() -> None:
    with serving("import sys; print('no such table', file=sys.stderr); sys.exit(3)", free_port()) as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 3
        assert errors.splitlines() == [
            "no such table",
            "error: the server has ended with the status 3; its last words are above.",
        ]


def test_a_kill_ends_the_server_too() -> None:
    port = free_port()
    with serving(SERVER.format(port=port), port) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.kill()
        deadline = time.monotonic() + 20.0
        while answers(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not answers(port)
