"""Lists of the runs in a store, and the addresses of MLflow's pages: the same effort however many runs there are."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest
from discover_mlflow.best import best_candidate
from discover_mlflow.listing import list_runs
from discover_mlflow.page import page_links
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    TASKS,
    client_of,
    comparison,
    copied,
    search_info,
    search_result,
    toy_registry,
    track_comparison,
    track_training,
    tracked,
    training,
)

from discover import Interval, UserError

PAGE = "?workflowType=machine_learning"


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a search that has finished, one that has failed, a training and a comparison."""
    folder, registry = tmp_path_factory.mktemp("listed"), toy_registry()
    store = copied(empty_store, folder)
    info = search_info(folder / "one", registry)
    result = search_result(info.directory, registry, comparison())
    tracked(store, info, range(2), lambda t: t.discover_search_finished(info, result))
    other = search_info(folder / "two", registry)
    tracked(store, other, range(1), lambda t: t.discover_search_failed(other, ValueError("no")))
    tracker = Tracker(store)
    track_training(tracker, training("ppo", TASKS[0]))
    tracker.finish()
    tracker = Tracker(store)
    track_comparison(tracker, comparison())
    tracker.finish()
    return store


def test_runs_are_listed_with_their_results_the_newest_first(store: str) -> None:
    every = list_runs(store, None, "", 100) or []
    assert sorted((one.kind, one.status) for one in every) == [
        ("comparison", "finished"),
        ("search", "failed"),
        ("search", "finished"),
        ("training", "finished"),
    ]
    assert [one.started for one in every] == sorted((one.started for one in every), reverse=True)
    by_kind = {one.kind: one for one in every if one.status == "finished"}
    assert (by_kind["search"].name, by_kind["search"].best) == ("toy", 3.5)
    assert by_kind["search"].verdict == by_kind["comparison"].verdict == "champion is better than ppo on 1 of 2 runs."
    assert str(by_kind["search"].directory).endswith("/one")
    end = training("ppo", TASKS[0]).interval
    assert by_kind["training"].best == pytest.approx(float(end.estimate))
    assert by_kind["training"].verdict == f"return {end.estimate:.4g} [{end.low:.4g}, {end.high:.4g}] at the end"
    best = best_candidate(comparison())
    assert best is not None
    assert (by_kind["comparison"].best_name, by_kind["comparison"].best) == (best.name, pytest.approx(best.figure, rel=1e-5))


def test_the_best_of_a_comparison_is_sound_and_judged_on_the_scale_of_each_task() -> None:
    several = comparison()
    assert len(several.runs) == 2
    one = dataclasses.replace(
        several, runs=several.runs[:1], trainings={name: several.trainings[name][:1] for name in several.candidates}
    )
    ends = {name: float(one.trainings[name][0].interval.estimate) for name in one.candidates}
    assert best_candidate(one) == (max(ends, key=lambda name: ends[name]), max(ends.values()))
    broken = Interval(float("nan"), float("nan"), float("nan"))
    name = max(ends, key=lambda name: ends[name])
    spoilt = dataclasses.replace(one.trainings[name][0], interval=broken)
    left = best_candidate(dataclasses.replace(one, trainings={**one.trainings, name: [spoilt]}))
    assert left is not None
    assert left.name != name
    known = [
        dataclasses.replace(training, references=(0.0, 4.0 * float(training.interval.estimate) or 1.0))
        for training in several.trainings["champion"]
    ]
    judged = best_candidate(dataclasses.replace(several, candidates=("champion",), trainings={"champion": known}))
    assert judged == ("champion", pytest.approx(0.25))


def test_a_list_is_narrowed_by_kind_word_and_number(store: str) -> None:
    assert {one.kind for one in list_runs(store, "search", "", 100) or []} == {"search"}
    assert [one.name for one in list_runs(store, None, "TO", 100) or []] == ["toy", "toy"]
    assert [one.name for one in list_runs(store, None, "%", 100) or []] == []
    assert [one.name for one in list_runs(store, None, "it's \\", 100) or []] == []
    assert len(list_runs(store, None, "", 2) or []) == 2


def test_without_a_store_there_is_no_list_and_a_store_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert list_runs(None, None, "", 5) is None
    assert page_links(None) == {}
    with pytest.raises(UserError, match="there is no tracking store at 'sqlite:"):
        list_runs(f"sqlite:///{tmp_path}/absent.db", None, "", 5)
    with pytest.raises(UserError, match=r"the tracking store 'http://127.0.0.1:9' cannot be used \("):
        list_runs("http://127.0.0.1:9", None, "", 5)


def test_the_page_opens_on_the_experiment_and_on_the_last_run_that_is_part_of_no_other(store: str) -> None:
    newest = (list_runs(store, None, "", 1) or [])[0].run_id
    client = client_of(store)
    number = client.get_experiment_by_name("discover").experiment_id
    client.create_run(number, start_time=2**41, tags={"mlflow.parentRunId": newest})
    runs = f"/#/experiments/{number}/runs{PAGE}"
    charts = f"{runs}&compareRunsMode=CHART&searchFilter=tags.%60mlflow.parentRunId%60%20%3D%20%27{newest}%27"
    curves = {"learning curves": f"{charts}&orderByKey=tags.%60mlflow.runName%60&orderByAsc=true"}  # the newest is a comparison
    one = f"/#/experiments/{number}/runs/{newest}{PAGE}"
    assert page_links(store) == {"runs": runs, **curves, "last run": one}
    assert page_links(store, newest) == {"runs": runs, **curves, "run": one}
    search = (list_runs(store, "search", "", 1) or [])[0].run_id
    assert page_links(store, search) == {"runs": runs, "run": f"/#/experiments/{number}/runs/{search}{PAGE}"}
    with pytest.raises(UserError, match=r"run 'nothing' is not in the tracking store .*: 'discover runs' lists them"):
        page_links(store, "nothing")


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow_with_the_runs(
    store: str, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = copied(empty_store, tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "experiments" / "benchmarks")
    importlib.import_module("many_runs").fill(tmp_path / "mlflow.db", 500)
    work = {
        "list": lambda address: list_runs(address, None, "", 4),
        "track": lambda address: _compare(address),
    }
    for name, use in work.items():
        few, many = (queries(use, address, monkeypatch) for address in (store, large))
        assert 0 < many <= few + 2, name


def _compare(address: str) -> None:
    tracker = Tracker(address)
    track_comparison(tracker, comparison())
    tracker.finish()


def queries(use: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of statements of SQL that some work takes."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    said: list[str] = []

    def hear(*arguments: Any) -> None:
        said.append(arguments[2])

    use(address)  # what is read once per process is read by now
    event.listen(Engine, "before_cursor_execute", hear)
    try:
        use(address)
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    return len(said)
