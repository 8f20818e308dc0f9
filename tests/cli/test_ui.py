"""``discover ui``: the page of the right store, for this machine alone."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]


def test_ui_becomes_what_the_tracker_says(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr("discover.cli.ui.serve", lambda *facts: served.append(facts))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = invoke("ui", "--port", port, "--tracking", "sqlite:///here.db")
    assert (result.exit_code, result.output) == (0, "")  # its address is told once it answers
    assert served == [(["server", "sqlite:///here.db", str(port)], "127.0.0.1", port, {})]


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


LINKS = """
from discover import UserError, hookimpl

@hookimpl
def discover_ui_links(store, run):
    if run == "nothing":
        raise UserError("run 'nothing' is not there.")
    return {"runs": "/#/all", "run" if run else "last run": f"/#/{run or 'last'}"}
"""


def test_ui_names_the_page_of_the_experiment_and_that_of_a_run(
    invoke: Invoke, brought: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (brought / "links.py").write_text(LINKS)
    pages: list[object] = []
    monkeypatch.setattr("discover.cli.ui.serve", lambda line, host, port, links: pages.append(links))
    port = free_port()
    assert invoke("ui", "--port", port).exit_code == invoke("ui", "--port", port, "--run", "ab").exit_code == 0
    assert pages == [{"runs": "/#/all", "last run": "/#/last"}, {"runs": "/#/all", "run": "/#/ab"}]
    result = invoke("ui", "--port", port, "--run", "nothing")
    assert (result.exit_code, result.stderr) == (2, "error: run 'nothing' is not there.\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
