"""Reports of tracked runs: made from their artifacts alone, and attached to searches and comparisons."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from discover_mlflow.report_files import fetch_run
from discover_mlflow.tracker import Tracker
from plotly_stub import with_plotly
from plugins.tracked import artifacts, client_of
from searches import WORDS, Watcher, watched

from discover import Registry, TaskRun, UserError, report_on
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.evaluation.compare import Watched, compare
from discover.outer_loop.search import search
from discover.reports.reading import source_in

SHORT: dict[str, Any] = {
    **WORDS,
    "name": "tracked",
    "tasks": [{"task": "payday", "steps": 40}],
    "generations": 2,
    "seeds": 1,
    "finalists": 1,
    "report": {"baselines": {"climb": "climb"}, "tasks": [{"task": "payday", "steps": 40}], "seeds": 4},
}
FILES = {"report.comparison", "history/generations_000000.npz"}


def test_a_tracked_search_has_its_report_and_can_be_reported_without_its_directory(
    tmp_path: Path, store: str, registry: Registry
) -> None:
    tracker, directory = Tracker(store), tmp_path / "it"
    with with_plotly():
        search(watched(tracker), SHORT, directory)
        run_id = tracker.finish()
    assert run_id is not None
    assert artifacts(store, run_id) >= {*FILES, "report.html"}
    here = report_on([source_in(directory, registry, run_id)]).facts()
    shutil.rmtree(directory)
    folder = tmp_path / "fetched"
    folder.mkdir()
    there = report_on([source_in(fetch_run(f"runs:/{run_id}", store, folder), registry, run_id)]).facts()
    for facts in (here, there):
        facts["sources"] = [source["name"] for source in facts["sources"]]
    assert here == there
    assert there["effects"]["tracked"][0]["path"] == "rule.slope"


def test_a_search_that_was_interrupted_is_reported_as_far_as_it_is(tmp_path: Path, store: str, registry: Registry) -> None:
    tracker = Tracker(store)
    with pytest.raises(KeyboardInterrupt):
        search(watched(tracker, Watcher(stop_in=1)), SHORT, tmp_path / "it")
    run_id = tracker.finish()
    assert run_id is not None
    folder = tmp_path / "fetched"
    folder.mkdir()
    report = report_on([source_in(fetch_run(run_id, store, folder), registry, run_id)])
    assert report.notes[0].endswith("is not finished: 1 of 2 generations are done, and there is no champion.")


def test_runs_that_cannot_be_reported_are_named(tmp_path: Path, store: str) -> None:
    with pytest.raises(UserError, match=f"run '{'0' * 32}' cannot be read from the tracking store"):
        fetch_run("0" * 32, store, tmp_path)
    client = client_of(store)
    foreign = client.create_run(client.create_experiment("mine")).info.run_id
    with pytest.raises(UserError, match=f"run '{foreign}' is no search, comparison or training of discover"):
        fetch_run(foreign, store, tmp_path)


def test_a_tracked_comparison_has_its_report(tmp_path: Path, store: str, registry: Registry) -> None:
    tracker = Tracker(store)
    steep = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}}
    candidates = {name: algorithm_from(registry, words) for name, words in (("climb", "climb"), ("steep", steep))}
    with with_plotly():
        compare(
            registry,
            default_executor(registry),
            candidates,
            [TaskRun("payday", 40)],
            seeds=4,
            watched=Watched(watched(tracker).tell),
        )
        run_id = tracker.finish()
    assert run_id is not None
    assert artifacts(store, run_id) >= {"report.comparison", "report.html"}
    report = report_on([source_in(fetch_run(run_id, store, tmp_path), registry, run_id)])
    assert report.title == "Comparison climb against steep"
    assert report.facts()["table"][1]["seeds"] == 4
