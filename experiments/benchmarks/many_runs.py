"""Seconds that tracking a comparison, listing runs and MLflow's page take in a store of many runs.

    python experiments/benchmarks/many_runs.py --runs 2000

SQLite stores are filled with runs that have params, tags and metrics. In each, a comparison is tracked, runs are listed, and
the requests that MLflow's page makes when it opens are timed against a server. Start-up (importing MLflow and JAX, the server's
own) is not counted. Everything lies in a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from discover import Comparison, ComparisonInfo

PARAMS, KEYS, POINTS = 40, 20, 10
REPEATS = 5
TAGS = {"discover.kind": "comparison", "discover.key": "", "mlflow.source.name": "discover compare", "versions.jax": "0.10"}


def fill(path: Path, runs: int, experiment: str = "discover") -> None:
    """Add runs to an experiment of a SQLite store, which is created; the store has its tables already."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        now, folder = 1_700_000_000_000, (path.parent / "mlruns" / experiment).as_uri()
        database.execute(
            "INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time) VALUES (?, ?, 'active', ?)",
            [experiment, folder, now],
        )
        number = database.execute("SELECT experiment_id FROM experiments WHERE name = ?", [experiment]).fetchone()[0]
        for index in range(runs):
            _add_run(database, number, folder, start=now + 60_000 * index, name=f"candidate {index} against ppo")
        database.commit()


def _add_run(database: sqlite3.Connection, experiment: int, folder: str, *, start: int, name: str) -> None:
    run = uuid.uuid4().hex
    database.execute(
        "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, "
        "experiment_id) VALUES (?, ?, 'UNKNOWN', 'me', 'FINISHED', ?, ?, 'active', ?, ?)",
        [run, name, start, start + 50_000, f"{folder}/{run}/artifacts", experiment],
    )
    tags = {**TAGS, "mlflow.runName": name, "discover.key": run, "mlflow.note.content": f"**{name}: no verdict.**"}
    database.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(key, value, run) for key, value in tags.items()])
    database.executemany("INSERT INTO params VALUES (?, ?, ?)", [(f"rule.param_{i}", f"{i / 7}", run) for i in range(PARAMS)])
    points = [(f"return/task_{k}", p / 3, start + p, run, p * 1000) for k in range(KEYS) for p in range(POINTS)]
    database.executemany(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)", points
    )
    database.executemany(
        "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
        [point for point in points if point[-1] == (POINTS - 1) * 1000],
    )


def seconds(work: Callable[[], object]) -> float:
    """The seconds that a call takes: the median of five."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[REPEATS // 2]


def page_requests(address: str, experiment: str) -> dict[str, float]:
    """The seconds of each request that MLflow's page makes when it opens on an experiment."""
    base, some = f"{address}/ajax-api/2.0/mlflow", {"max_results": 100}
    asked = {
        "the page": (f"{address}/", None),
        "the experiment": (f"{base}/experiments/get?experiment_id={experiment}", None),
        "its newest 100 runs": (
            f"{base}/runs/search",
            {**some, "experiment_ids": [experiment], "order_by": ["attributes.start_time DESC"]},
        ),
        "its models": (f"{base}/logged-models/search", {"max_results": 50, "experiment_ids": [experiment]}),
        "registered models": (f"{base}/registered-models/search?max_results=10", None),
    }
    return {name: seconds(lambda url=url, body=body: _ask(url, body)) for name, (url, body) in asked.items()}


def _ask(url: str, body: dict[str, object] | None) -> None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


@contextlib.contextmanager
def served(store: str, folder: Path) -> Iterator[str]:
    """The address of a server of MLflow's page, as ``discover ui`` starts it."""
    from discover_mlflow.page import ui_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(ui_command(store, port), cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        while server.poll() is None:
            with contextlib.suppress(OSError):
                _ask(f"{address}/health", None)
                break
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def info_of(comparison: Comparison) -> ComparisonInfo:
    """A comparison as its watchers see it when it begins."""
    from discover import ComparisonInfo

    names = comparison.candidates
    return ComparisonInfo(
        candidates={name: comparison.trainings[name][0].algorithm for name in names},
        roles=dict.fromkeys(names, "candidate"),
        runs=comparison.runs,
        seeds=4,
        fingerprints=dict.fromkeys(names, ""),
        provenance=comparison.provenance,
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs

    from discover_mlflow.listing import list_runs
    from discover_mlflow.page import page_links
    from discover_mlflow.stores import client_of
    from discover_mlflow.tracker import Tracker

    import discover

    comparison = discover.compare(["ppo", "a2c"], ["catch"], steps=2560, seeds=4)

    def track(store: str) -> None:
        tracker = Tracker(store)
        tracker.discover_comparison_started(info_of(comparison))
        for name in comparison.candidates:
            tracker.discover_candidate_started(name)
            tracker.discover_candidate_finished(comparison.trainings[name][0])
        tracker.discover_comparison_finished(comparison)
        assert tracker.finish() is not None

    with tempfile.TemporaryDirectory() as name:
        folders = {"a store of 100 runs": 100, f"a store of {runs} runs": runs}
        for index, (title, count) in enumerate(folders.items()):
            folder = Path(name) / str(index)
            folder.mkdir()
            store = f"sqlite:///{folder}/mlflow.db"
            client_of(store).search_experiments(max_results=1)
            fill(folder / "mlflow.db", count)
            track(store)  # what is loaded once is loaded by now
            figures = {"tracking a comparison of two": seconds(lambda store=store: track(store))}
            figures["listing 20 runs"] = seconds(lambda store=store: list_runs(store, None, "", 20))
            figures["finding the links"] = seconds(lambda store=store: page_links(store))
            with served(store, folder) as address:
                figures |= page_requests(address, "1")
            print(title)
            for what, value in figures.items():
                print(f"  {what}: {value:.2f} s")


if __name__ == "__main__":
    main()
