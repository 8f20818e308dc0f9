"""``discover ui``: the page of the right store, for this machine alone."""

import socket
from collections.abc import Callable

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]


def test_ui_becomes_what_the_tracker_says(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[object] = []
    monkeypatch.setattr("os.execvp", lambda *line: lines.append(line))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = invoke("ui", "--port", port, "--tracking", "sqlite:///here.db")
    assert result.exit_code == 0
    assert result.stderr == f"look at http://127.0.0.1:{port} (ctrl-C ends it)\n"
    assert lines == [("server", ["server", "sqlite:///here.db", str(port)])]


def test_a_taken_port(invoke: Invoke) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = invoke("ui", "--port", port)
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: port {port} cannot be used (Address already in use): give another with --port.\n",
    )


def test_no_tracker(invoke: Invoke) -> None:
    result = invoke("ui", plugins=False)
    assert (result.exit_code, result.stderr) == (
        2,
        "error: no loaded plugin serves a page: is the plugin 'mlflow' blocked or broken?\n",
    )
