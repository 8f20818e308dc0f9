"""Three searches that write to one server at once, which is killed in between: nothing is lost, and nothing is doubled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toys
import yaml
from discover_mlflow.__main__ import send
from discover_mlflow.ledger import records
from faults.servers import Server, database, programs
from plugins.tracked import artifacts, client_of, free_port, steps_of
from searches import WORDS

NAMES = ("first", "second", "third")
GENERATIONS = 4
REPORT = {
    "baselines": {"climb": "climb", "tuned": {"tune": WORDS["candidate"]}},
    "tasks": [{"task": "payday", "steps": 40, "note": "searched"}],
    "seeds": 4,
}

WAITING = """
import os
import time
from pathlib import Path

from discover import hookimpl

@hookimpl
def discover_generation_done(search, generation):
    (Path("marks") / f"{search.name}-{generation.index}").touch()
    while generation.index == 1 and not Path("marks/go").exists():
        time.sleep(0.1)
"""
"""A plugin: each search marks its generations, and waits in the second until it may go on; the tracker is told of it then."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with database(tmp_path) as backend:
        assert backend.startswith("postgresql+psycopg2:") == (programs() is not None)
        server = Server(tmp_path, backend, free_port())
        try:
            server.start()
            yield server
        finally:
            server.kill()


def begun(folder: Path, name: str, address: str) -> subprocess.Popen[str]:
    """A search in a process of its own."""
    config = folder / f"{name}.yaml"
    config.write_text(yaml.safe_dump({**WORDS, "name": name, "generations": GENERATIONS, "report": REPORT}))
    line = [sys.executable, "-m", "discover", "search", str(config), "--directory", name, "--tracking", address]
    return subprocess.Popen(
        [*line, "--plugins-dir", str(folder / "brought")],
        cwd=folder,
        env={**os.environ, "DISCOVER_CACHE": str(folder / "programs")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(what: Callable[[], bool], searches: list[subprocess.Popen[str]]) -> None:
    """Wait until something is so, while all searches run."""
    deadline = time.monotonic() + 300
    while not what():
        for search in searches:
            assert search.poll() is None, search.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_three_searches_at_once_and_a_server_that_is_killed_lose_and_double_nothing(tmp_path: Path, server: Server) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "waiting.py").write_text(WAITING)
    shutil.copy(toys.__file__, tmp_path / "brought")
    searches = [begun(tmp_path, name, server.address) for name in NAMES]
    try:
        wait_for(lambda: all((marks / f"{name}-1").exists() for name in NAMES), searches)
        wait_for(lambda: generations_in(server.address) == {name: [1] for name in NAMES}, searches)
        server.kill()
        (marks / "go").touch()
        wait_for(lambda: all((marks / f"{name}-{GENERATIONS - 1}").exists() for name in NAMES), searches)
        server.start()
        for search in searches:
            said, _ = search.communicate(timeout=300)
            assert search.returncode == 0, said
    finally:
        for search in searches:
            search.kill()
    ledgers = [path.parent for name in NAMES for path in (tmp_path / name).rglob("ledger.jsonl")]
    assert [send(folder, server.address) for folder in sorted(ledgers, key=lambda one: len(one.parts))] == [0] * len(ledgers)
    check(server.address, tmp_path, ledgers)


def generations_in(address: str) -> dict[str, list[float]]:
    """The number of generations over time in the runs of the searches, by name."""
    client = client_of(address)
    return {
        name: [point.value for point in client.get_metric_history(run.info.run_id, "spent/generations")]
        for name, run in runs_of(address).items()
    }


def runs_of(address: str) -> dict[str, Any]:
    """The runs of the searches themselves, by name; each name is there once."""
    client = client_of(address)
    known = client.get_experiment_by_name("discover")
    runs = [] if known is None else client.search_runs([known.experiment_id], max_results=1000)
    own = [run for run in runs if run.info.run_name in NAMES]
    assert len({run.info.run_name for run in own}) == len(own)
    return {run.info.run_name: run for run in own}


def check(address: str, folder: Path, ledgers: list[Path]) -> None:
    """Check that the server has every record of the ledgers, once."""
    client = client_of(address)
    (experiment,) = [one for one in client.search_experiments() if one.name == "discover"]
    every = client.search_runs([experiment.experiment_id], max_results=1000)
    assert set(Counter(run.data.tags["discover.key"] for run in every).values()) == {1}
    by_key = {run.data.tags["discover.key"]: run for run in every}
    assert set(runs_of(address)) == set(NAMES)
    for ledger in ledgers:
        entries = [record for _, record in records(ledger)]
        run = by_key[next(record["key"] for record in entries if record["kind"] == "run")]
        assert run.info.status == "FINISHED"
        generations = [record for record in entries if "fitness" in record]
        assert [record["generation"] for record in generations] == list(range(GENERATIONS))
        assert steps_of(address, run.info.run_id, "fitness/mean") == [record["step"] for record in generations]
        files = {record["path"] for record in entries if record["kind"] == "artifact" and "of" not in record}
        assert files <= artifacts(address, run.info.run_id)
        assert len(run.outputs.model_outputs) == 1
        model = client.get_logged_model(run.outputs.model_outputs[0].model_id)
        assert str(model.status) == "READY"
    models = client.search_logged_models([experiment.experiment_id])
    assert sorted(model.source_run_id for model in models) == sorted(by_key[key].info.run_id for key in keys_of(ledgers))
    versions = sorted((version.name, str(version.version), version.run_id) for version in client.search_model_versions())
    assert versions == sorted((name, "1", run.info.run_id) for name, run in runs_of(address).items())
    assert [client.get_registered_model(name).aliases for name in NAMES] == [{"champion": "1"}] * len(NAMES)


def keys_of(ledgers: list[Path]) -> list[str]:
    return [next(record["key"] for _, record in records(folder) if record["kind"] == "run") for folder in ledgers]
