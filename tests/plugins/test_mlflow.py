"""The MLflow plugin, on hand-made searches, trainings and comparisons, and stores on this machine alone."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from discover_mlflow import content, returns, run, stores
from discover_mlflow.__main__ import send
from discover_mlflow.addresses import resolve_store
from discover_mlflow.figures import component_figures, fitness_figure
from discover_mlflow.ledger import Ledger, records
from discover_mlflow.lineage import lineage
from discover_mlflow.listing import find_search
from discover_mlflow.models import fetch_candidate, is_address
from discover_mlflow.page import page_links, ui_command
from discover_mlflow.population import history
from discover_mlflow.sent import load_state
from discover_mlflow.session import TrackingWarning
from discover_mlflow.stores import check_tracking
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    POPULATION,
    TASKS,
    Broken,
    Nothing,
    Toy,
    artifacts,
    below,
    client_of,
    comparison,
    contents,
    copied,
    free_port,
    generation,
    generations_of,
    is_begun,
    search_info,
    search_result,
    steps_of,
    toy_registry,
    track_comparison,
    track_training,
    tracked,
    training,
    wait_until,
    written,
)

from discover import (
    Algorithm,
    Command,
    DiscoverWarning,
    Generation,
    Interval,
    Registry,
    SearchInfo,
    Status,
    TaskRun,
    Training,
    UserError,
)
from discover.base.figures import band
from discover.config.candidate_file import load_candidate, save_candidate
from discover.plugin.loader import finish, load_plugins, watch


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


# A search ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, registry: Registry) -> tuple[str, SearchInfo, str]:
    """A finished search in a store: the store, the search and the run's id."""
    directory = tmp_path_factory.mktemp("search")
    store = copied(empty_store, directory)
    info = search_info(directory, registry)
    result = search_result(directory, registry, comparison())
    tracker = tracked(store, info, range(5), lambda t: t.discover_search_finished(info, result))
    assert tracker.run_id is not None
    return store, info, tracker.run_id


def test_a_search_is_one_run_that_says_what_a_repeat_needs(searched: tuple[str, SearchInfo, str], tmp_path: Path) -> None:
    store, info, run_id = searched
    client = client_of(store)
    found = client.get_run(run_id)
    assert [one.info.run_id for one in client.search_runs([found.info.experiment_id])] == [run_id]
    assert (found.info.run_name, found.info.status) == ("toy", "FINISHED")
    params, tags = found.data.params, found.data.tags
    assert params["strategy.snes.rate"] == "0.1"
    assert (params["seed"], params["seeds"], params["population"]) == ("7", "2", "8")
    provenance = client.download_artifacts(run_id, "provenance.json", str(tmp_path))
    assert json.loads(Path(provenance).read_text()) == info.provenance
    assert (tags["mlflow.source.name"], tags["mlflow.source.git.commit"]) == ("discover search", "abc123")
    assert {key: text for key, text in tags.items() if not key.startswith(("mlflow.", "discover."))} == {
        "plugins.toy": "toy-plugin 1.2"  # of those, the plugins of others alone; discover's own are in provenance.json
    }
    assert tags["discover.directory"] == str(info.directory)
    assert (tags["discover.kind"], tags["discover.search"]) == ("search", "toy")
    assert tags["discover.verdict"] == "champion is better than ppo on 1 of 2 runs."
    assert "champion is better than ppo on 1 of 2 runs." in tags["mlflow.note.content"]


def test_each_generation_is_one_step_of_at_most_forty_metrics(searched: tuple[str, SearchInfo, str]) -> None:
    store, _, run_id = searched
    metrics = client_of(store).get_run(run_id).data.metrics
    assert len(metrics) <= 40
    assert generations_of(store, run_id, "fitness/mean") == [0, 1, 2, 3, 4]
    last = generation(4)
    assert metrics["fitness/mean"] == pytest.approx(last.fitness[1:].mean())
    assert metrics["status/not_finite"] == 1
    assert not {"status/no_episode", "status/error", "status/time"} & set(metrics)  # nothing has ever broken so
    assert steps_of(store, run_id, "fitness/mean")[-1] == 5 * 480_000
    assert metrics["spent/evaluation_share"] == pytest.approx(2.9 / 3.0)
    mean = last.returns[1][1:, :, -2:].mean()
    assert metrics["return_of_population/Acrobot-v1 20000"] == pytest.approx(mean, rel=1e-5)
    assert metrics["champion/fitness"] == 3.5


def test_results_come_before_what_may_be_zero() -> None:
    """MLflow's pages sort the charts by the part of a name before the slash."""
    groups = {key.rpartition("/")[0] for key in content.generation_metrics(generation(0), TASKS)}
    groups |= {key.rpartition("/")[0] for key in returns.difference_metrics(comparison().differences)}
    groups |= {key.rpartition("/")[0] for key in returns.return_curves(training("ppo", TASKS[0]))["curves"]}
    groups |= {key.rpartition("/")[0] for key in returns.spent_metrics(training("ppo", TASKS[0]))}
    results = [group for group in sorted(groups) if group.split("_")[0] in ("curve", "difference", "fitness", "p", "return")]
    assert sorted(groups)[: len(results)] == results
    assert len(results) == 10
    assert sorted(groups)[len(results) :] == [
        "rule",
        "spent",
        "spent/env_steps_per_second",
        "spent/seconds",
        "status",
        "structures",
    ]


def test_a_search_logs_the_figures_of_its_verdict(searched: tuple[str, SearchInfo, str]) -> None:
    store, _, run_id = searched
    metrics, result = client_of(store).get_run(run_id).data.metrics, comparison()
    for one in result.trainings["champion"]:
        task = one.run.label.replace(" @ ", " ").replace(",", "")
        found = [metrics[f"{part}/{task}"] for part in ("iqm_low", "iqm", "iqm_high")]
        assert found == pytest.approx(list(one.interval))
    difference = [metrics[f"{part}/CartPole-v1 10000"] for part in ("difference_low", "difference", "difference_high", "p")]
    assert difference == [5.0, 10.0, 15.0, 0.01]
    assert "difference/Acrobot-v1 20000" not in metrics


def test_forty_keys_hold_with_any_number_of_tasks() -> None:
    many = [TaskRun(f"task-{i}", 1000) for i in range(30)]
    wide = generation(0)
    wide = Generation(**{**vars(wide), "returns": [wide.returns[0]] * 30})
    assert len(content.generation_metrics(wide, many)) + len(content.result_metrics(search_like())) <= 40
    assert {"fitness/best", "spent/seconds", "return_of_best/task-0 1000"} <= set(content.generation_metrics(wide, many))


def test_a_search_by_gradients_shows_them() -> None:
    figures = {"climb": {"norm": np.array([1.0, 3.0]), "norm_of_error": np.array([np.inf, 1.0])}}
    metrics = content.generation_metrics(Generation(**{**vars(generation(0)), **figures}), TASKS)
    assert metrics["gradient/norm"] == 2.0
    assert "gradient/norm_of_error" not in metrics  # MLflow's charts cannot show what is not finite


def search_like() -> Any:
    return type("Result", (), {"champion_fitness": 1.0, "seconds": 2.0, "comparison": None})()


def test_the_artifacts_are_the_populations_fitness_the_figures_the_table_and_the_champion(
    searched: tuple[str, SearchInfo, str], tmp_path: Path
) -> None:
    store, info, run_id = searched
    found = artifacts(store, run_id)
    assert {
        "config.yaml",
        "provenance.json",
        "errors.json",
        "champion.candidate",
        "champion.html",
        "champion.md",
        "comparison.json",
        "comparison.md",
        "figures/fitness.png",
        "figures/curves/CartPole-v1_10_000.png",
        "figures/curves/Acrobot-v1_20_000.png",
        "figures/candidate/rule/rate_over_time.png",
        "population/generations_000000-000099.npz",
    } == found
    client = client_of(store)
    with np.load(client.download_artifacts(run_id, "population/generations_000000-000099.npz", str(tmp_path))) as arrays:
        np.testing.assert_array_equal(arrays["generation"], range(5))
        np.testing.assert_array_equal(arrays["fitness"], [generation(i).fitness for i in range(5)])
        np.testing.assert_array_equal(arrays["status"], [generation(i).status for i in range(5)])
    config = Path(client.download_artifacts(run_id, "config.yaml", str(tmp_path)))
    assert yaml.safe_load(config.read_text()) == info.config
    errors = json.loads(Path(client.download_artifacts(run_id, "errors.json", str(tmp_path))).read_text())
    assert errors == {"2": {"0": "ValueError: too deep"}}
    assert Path(client.download_artifacts(run_id, "figures/fitness.png", str(tmp_path))).read_bytes().startswith(b"\x89PNG")


def test_who_descends_from_whom_is_kept_and_drawn_where_lifetimes_go_on(store: str, tmp_path: Path, registry: Registry) -> None:
    info, tracker = search_info(tmp_path, registry), Tracker(store)
    tracker.discover_search_started(info)
    steps = [dataclasses.replace(generation(index), parents=np.roll(np.arange(POPULATION), index)) for index in range(3)]
    for step in steps:
        tracker.discover_generation_done(info, step)
    tracker.discover_search_failed(info, ValueError("enough"))
    assert {"population/lineage.npz", "figures/lineage.png"} <= artifacts(store, tracker.run_id)
    with np.load(tmp_path / "tracking" / "artifacts" / "population" / "lineage.npz") as stored:
        np.testing.assert_array_equal(stored["parents"], [step.parents for step in steps])
        rates = [[info.space.decode(genome).rule.rate for genome in step.genomes] for step in steps]
        np.testing.assert_allclose(stored["rule.rate"], rates, rtol=1e-6)
    found = lineage(tmp_path / "tracking")
    assert found is not None
    best = int(np.argmax(steps[-1].fitness))
    np.testing.assert_array_equal(found.ancestors(), [(best - 3) % POPULATION, (best - 2) % POPULATION, best])


def test_a_failed_search_says_why_and_keeps_its_figures(store: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path, registry)
    tracker = tracked(store, info, range(2), lambda t: t.discover_search_failed(info, RuntimeError("out of memory")))
    found = client_of(store).get_run(tracker.run_id)
    assert found.info.status == "FAILED"
    assert found.data.tags["discover.error"] == "RuntimeError: out of memory"
    assert "figures/fitness.png" in artifacts(store, tracker.run_id)


def test_a_failure_before_the_first_generation_is_no_run(store: str, tmp_path: Path, registry: Registry) -> None:
    tracker = Tracker(store)
    tracker.discover_search_failed(search_info(tmp_path, registry), UserError("no such task"))
    assert tracker.finish() is None


# Resume -----------------------------------------------------------------------------------------------------------------


def test_a_resumed_search_goes_on_in_its_run_and_no_step_is_doubled(store: str, tmp_path: Path, registry: Registry) -> None:
    began = search_info(tmp_path, registry)
    stopped = tracked(store, began, range(4), lambda t: t.discover_search_failed(began, KeyboardInterrupt()))
    assert client_of(store).get_run(stopped.run_id).info.status == "KILLED"
    info = search_info(tmp_path, registry, resumed_from=2)
    result = search_result(tmp_path, registry)
    resumed = tracked(store, info, range(2, 5), lambda t: t.discover_search_finished(info, result))
    assert resumed.run_id == stopped.run_id
    assert client_of(store).get_run(resumed.run_id).info.status == "FINISHED"
    assert generations_of(store, resumed.run_id, "fitness/mean") == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(history(tmp_path / "tracking").fitness, [generation(i).fitness for i in range(5)])


def test_a_finished_search_that_cannot_be_shown_again_stays_finished(store: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path, registry)
    first = tracked(store, info, range(5), lambda t: t.discover_search_finished(info, search_result(tmp_path, registry)))
    before = (tmp_path / "tracking" / "ledger.jsonl").read_bytes()
    again = dataclasses.replace(search_info(tmp_path, registry, resumed_from=5), resumed=True, phase="finished")
    for error in (UserError("its champion is damaged"), KeyboardInterrupt()):
        tracked(store, again, range(0), lambda t, error=error: t.discover_search_failed(again, error))
    found = client_of(store).get_run(first.run_id)
    assert found.info.status == "FINISHED"
    assert "discover.error" not in found.data.tags
    assert (tmp_path / "tracking" / "ledger.jsonl").read_bytes() == before


def test_an_end_that_comes_out_otherwise_is_told_as_it_is_now(store: str, tmp_path: Path, registry: Registry) -> None:
    """As after ``resume --anyway`` with another selection or report; the same end again says nothing twice."""
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry, comparison())
    tracked(store, info, range(5), lambda t: t.discover_search_finished(info, result))
    again = search_info(tmp_path, registry, resumed_from=5)
    champion = Algorithm(rule=Toy(rate=0.25), network=Nothing())
    save_candidate(result.champion_path, champion, registry)
    other = dataclasses.replace(result, champion=champion, champion_fitness=4.5)
    run_ids = [tracked(store, again, range(0), lambda t: t.discover_search_finished(again, other)).run_id for _ in range(2)]
    run_id = run_ids[0]
    assert run_ids == [run_id, run_id]
    client = client_of(store)
    found = client.get_run(run_id)
    assert "fitness 4.5 on" in found.data.tags["mlflow.note.content"]
    assert [point.value for point in client.get_metric_history(run_id, "champion/fitness")] == [3.5, 4.5]
    assert len(found.outputs.model_outputs) == 2
    fetched = fetch_candidate(f"runs:/{run_id}", store, tmp_path)
    assert fetched.read_bytes() == result.champion_path.read_bytes()


def test_a_kill_loses_nothing(store: str, tmp_path: Path, registry: Registry) -> None:
    """A process that dies at once, with a half-written line, and with records that the store has but the state does not."""
    info = search_info(tmp_path, registry)
    first = tracked(store, info, range(3))
    folder = tmp_path / "tracking"
    state = json.loads((folder / "state.json").read_text())
    ends = [end for end, record in records(folder) if record["kind"] != "metrics"]
    (folder / "state.json").write_text(json.dumps({**state, "sent": ends[-1]}))
    with (folder / "ledger.jsonl").open("ab") as file:
        file.write(b'{"kind":"metrics","step":3,"fit')
    resumed = tracked(store, search_info(tmp_path, registry, resumed_from=1), range(1, 5))
    assert resumed.run_id == first.run_id
    assert generations_of(store, resumed.run_id, "fitness/mean") == [0, 1, 2, 3, 4]


def test_a_ledger_that_is_not_of_this_search_is_left_alone(store: str, tmp_path: Path, registry: Registry) -> None:
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry)
    tracked(store, info, range(2), lambda t: t.discover_search_finished(info, result))
    before = contents(tmp_path / "tracking")
    for other in (info, dataclasses.replace(info, seeds=3), dataclasses.replace(info, name="else", resumed_from=2)):
        with pytest.raises(UserError, match=r"holds the ledger of another search \('toy'\): move it away"):
            Tracker(store).discover_search_started(other)
    assert contents(tmp_path / "tracking") == before


FOREIGN = {
    "no ledger": {"thesis.tex": b"years of work"},
    "another ledger": {"ledger.jsonl": b"accounts of 1926"},
    "another ledger in lines": {"ledger.jsonl": b"accounts\nof 1926\n"},
    "a ledger of JSON": {"ledger.jsonl": b'{"account": 1926}\n', "state.json": b"{}"},
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("resumed_from", [0, 2])
def test_a_folder_that_is_not_a_ledger_is_left_alone(
    case: str, resumed_from: int, store: str, tmp_path: Path, registry: Registry
) -> None:
    info = search_info(tmp_path / "s", registry, resumed_from)
    for folder in (info.directory / "tracking", info.directory / "notes" / "tracking"):
        folder.mkdir(parents=True)
        for name, text in FOREIGN[case].items():
            (folder / name).write_bytes(text)
    with pytest.raises(UserError, match="move it away"):
        Tracker(store).discover_search_started(info)
    with contextlib.suppress(UserError):
        Tracker(store, directory=info.directory).finish()
    with pytest.raises(UserError):
        send(info.directory / "notes" / "tracking", store)
    for folder in (info.directory / "tracking", info.directory / "notes" / "tracking"):
        assert {name: text for name, text in contents(folder).items() if not name.startswith(".")} == FOREIGN[case]


def test_a_ledger_that_was_killed_in_its_first_record_begins_anew(store: str, tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "tracking").mkdir()
    (tmp_path / "tracking" / "ledger.jsonl").write_bytes(b'{"kind":"run","ti')
    assert tracked(store, search_info(tmp_path, registry), range(2)).run_id is not None
    assert list(history(tmp_path / "tracking").generation) == [0, 1]


def test_a_search_within_a_search_is_a_run_below_its_own(store: str, tmp_path: Path, registry: Registry) -> None:
    """As when a report tunes a baseline: the outer search has not finished when the inner one begins and ends."""
    outer, inner = search_info(tmp_path / "outer", registry), search_info(tmp_path / "outer" / "tune-ppo", registry)

    def end(tracker: Tracker) -> None:
        wait_until(lambda: is_begun(tracker, outer))
        tracker.discover_search_started(inner)
        tracker.discover_generation_done(inner, generation(0))
        tracker.discover_search_finished(inner, search_result(inner.directory, registry))
        tracker.discover_search_finished(outer, search_result(outer.directory, registry))

    run_id = tracked(store, outer, range(3), end).run_id
    client = client_of(store)
    found = {one.info.run_id: one.data.tags for one in client.search_runs([client.get_run(run_id).info.experiment_id])}
    assert len(found) == 2
    assert found[run_id]["discover.directory"] == str(outer.directory)
    (inside,) = (one for one in found if found[one].get("mlflow.parentRunId") == run_id)
    assert found[inside]["discover.directory"] == str(inner.directory)
    assert generations_of(store, run_id, "structures/in_generation") == [0, 1, 2]
    assert generations_of(store, inside, "structures/in_generation") == [0]


# Stores that fail -------------------------------------------------------------------------------------------------------


def test_a_slow_store_does_not_hold_up_the_search(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def slowly(method: Callable[..., None]) -> Callable[..., None]:
        def call(self: run.Run, some: Any, state: Any) -> None:
            calls.append(len(some))
            time.sleep(0.3)
            method(self, some, state)

        return call

    monkeypatch.setattr(run.Run, "metrics", slowly(run.Run.metrics))
    info = search_info(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(info)
    generations = [generation(i) for i in range(60)]
    started = time.perf_counter()
    for one in generations:
        tracker.discover_generation_done(info, one)
    assert time.perf_counter() - started < 0.3  # one call of the store takes as long
    tracker.finish()
    assert generations_of(store, tracker.run_id, "fitness/best") == list(range(60))
    assert len(calls) < 60  # what has piled up goes in larger batches
    assert max(calls) * len(content.generation_metrics(generations[0], TASKS)) <= 1000


def test_a_store_that_fails_is_reported_once_and_gets_everything_when_it_answers_again(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_metrics, down = run.Run.metrics, threading.Event()
    down.set()

    def failing(self: run.Run, some: Any, state: Any) -> None:
        if down.is_set():
            raise ConnectionError("connection refused")
        send_metrics(self, some, state)

    monkeypatch.setattr(run.Run, "metrics", failing)
    info = search_info(tmp_path, registry)
    with pytest.warns(TrackingWarning) as caught:
        tracker = tracked(store, info, range(5), patience=1.5)
    texts = [str(one.message) for one in caught]
    assert texts[0].startswith(f"the tracking store '{store}' fails (connection refused); nothing is lost: {tmp_path}")
    assert texts[1].startswith("5 records are not in the tracking store")
    assert len(texts) == 2
    assert len(history(tmp_path / "tracking").generation) == 5
    down.clear()
    assert send(tmp_path / "tracking") == 0
    assert generations_of(store, tracker.run_id, "fitness/mean") == [0, 1, 2, 3, 4]


def test_a_record_that_the_store_refuses_is_kept_and_does_not_stop_the_others(store: str, tmp_path: Path) -> None:
    metrics = [{"step": step, "metrics": {"fine" if step != 1 else "not@allowed": 1.0}} for step in range(3)]
    begin = {"experiment": "e", "name": "n", "params": {"a": "1"}, "tags": {}, "key": "k"}
    written(
        tmp_path,
        ("run", begin),
        *(("metrics", one) for one in metrics),
        ("artifact", {"path": "late.txt"}),
        ("tags", {"tags": {"after": "yes"}}),
        ("status", {"status": "FINISHED"}),
    )
    for _ in range(2):  # the second time the store refuses again, and nothing is counted as sent
        assert send(tmp_path, store) == 1
        assert len(load_state(tmp_path, store).refused) == 2
    run_id = load_state(tmp_path, store).run_id
    found = client_of(store).get_run(run_id)
    assert found.data.tags["after"] == "yes"
    assert found.info.status == "FINISHED"
    assert steps_of(store, run_id, "fine") == [0, 2]
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "late.txt").write_text("here after all")
    assert send(tmp_path, store) == 1
    assert artifacts(store, run_id) == {"late.txt"}
    assert len(load_state(tmp_path, store).refused) == 1


def test_a_ledger_can_be_sent_to_another_store_from_the_beginning(
    searched: tuple[str, SearchInfo, str], store: str, tmp_path: Path
) -> None:
    _, info, old = searched
    folder = tmp_path / "copy"
    shutil.copytree(info.directory / "tracking", folder)
    assert send(folder, store) == 0
    run_id = load_state(folder, store).run_id
    assert run_id != old
    assert generations_of(store, run_id, "fitness/mean") == [0, 1, 2, 3, 4]


def test_an_error_in_the_tracker_costs_a_warning_not_the_search(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    info, tracker = search_info(tmp_path, registry), Tracker(store)
    plugins = load_plugins(extra=[tracker])
    plugins.tell("discover_search_started", search=info)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full)
        with pytest.warns(DiscoverWarning, match="no space left on device"):
            plugins.tell("discover_generation_done", search=info, generation=generation(0))
    assert plugins.tell("discover_command_finished") == [{"run_id": tracker.run_id, "tracking": store}]


# The check --------------------------------------------------------------------------------------------------------------


def test_an_unreachable_server_is_found_out_at_once_and_said_in_one_sentence() -> None:
    address, started = f"http://127.0.0.1:{free_port()}", time.perf_counter()
    with pytest.raises(UserError) as caught:
        Tracker(address)
    assert time.perf_counter() - started < 10
    text = str(caught.value)
    assert text.startswith(f"the tracking store '{address}' cannot be used (")
    assert "refused" in text
    assert text.endswith("or leave tracking out with --no-tracking.")
    assert "\n" not in text
    assert caught.value.exit_status == 2


def test_a_server_that_never_answers_is_found_out_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stores._CHECK, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        with pytest.raises(UserError, match=r"cannot be used .*time"):
            check_tracking(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.perf_counter() - started < 10


def test_a_store_that_cannot_work_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 99)
    for address, why in {
        f"sqlite:///{tmp_path}/absent/mlflow.db": "there is no folder",
        f"sqlite:///{tmp_path}/text.db": "not a database",
        "htp://localhost": "htp",
    }.items():
        with pytest.raises(
            UserError, match=rf"^the tracking store '{address}' cannot be used \(.*{why}.*\): .*--no-tracking\.$"
        ):
            check_tracking(address)


def test_the_check_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    with contextlib.suppress(UserError):
        check_tracking(f"http://127.0.0.1:{free_port()}")
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_the_default_store_is_a_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_store() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert resolve_store() == "http://127.0.0.1:5000"
    assert resolve_store("sqlite:///other.db") == f"sqlite:///{tmp_path}/other.db"


def test_starting_to_track_does_not_import_mlflow_in_the_main_thread(tmp_path: Path) -> None:
    code = "import sys; from discover_mlflow.tracker import Tracker; Tracker('sqlite:///x.db'); print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# The champion -----------------------------------------------------------------------------------------------------------


def test_the_champion_comes_back_from_every_address(
    searched: tuple[str, SearchInfo, str], tmp_path: Path, registry: Registry
) -> None:
    store, info, run_id = searched
    model_id = client_of(store).get_run(run_id).outputs.model_outputs[0].model_id
    saved = (info.directory / "champion.candidate").read_bytes()
    for address in (run_id, f"runs:/{run_id}", f"runs:/{run_id}/champion.candidate", f"models:/{model_id}"):
        assert is_address(address)
        folder = tmp_path / hashlib.sha256(address.encode()).hexdigest()
        folder.mkdir()
        path = fetch_candidate(address, store, folder)
        assert path.parent == folder
        assert path.read_bytes() == saved
        champion = load_candidate(path, registry)
        assert isinstance(champion.rule, Toy)
        assert float(champion.rule.rate) == 0.75
        assert {found.name for found in folder.iterdir()} <= {"MLmodel", path.name}
    for address in (run_id, f"runs:/{run_id}", f"models:/{model_id}"):
        assert find_search(address, store) == info.directory


def test_a_registered_version_and_its_alias_are_addresses_too(searched: tuple[str, SearchInfo, str], tmp_path: Path) -> None:
    store, _, run_id = searched
    client = client_of(store)
    model = client.get_logged_model(client.get_run(run_id).outputs.model_outputs[0].model_id)
    client.create_registered_model("best")
    version = client.create_model_version("best", model.artifact_location, run_id, model_id=model.model_id)
    client.set_registered_model_alias("best", "champion", version.version)
    for address in (f"models:/best/{version.version}", "models:/best@champion"):
        assert fetch_candidate(address, store, tmp_path).suffix == ".candidate"


def test_the_model_holds_arrays_and_json_and_nothing_that_runs(searched: tuple[str, SearchInfo, str]) -> None:
    store, _, run_id = searched
    client = client_of(store)
    model = client.get_logged_model(client.get_run(run_id).outputs.model_outputs[0].model_id)
    assert (model.name, model.model_type, model.source_run_id, str(model.status)) == ("champion", "discover", run_id, "READY")
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert sorted(path.name for path in folder.iterdir()) == ["MLmodel", "champion.candidate"]
    assert list(yaml.safe_load((folder / "MLmodel").read_text())["flavors"]) == ["discover"]
    with zipfile.ZipFile(folder / "champion.candidate") as file:
        assert {Path(name).suffix for name in file.namelist()} <= {".json", ".npy"}


def test_logging_the_model_again_finds_the_one_that_is_there(searched: tuple[str, SearchInfo, str]) -> None:
    store, info, run_id = searched
    client = client_of(store)
    before = client.get_run(run_id)
    candidate = info.directory / "champion.candidate"
    made = run.log_model(client, before.info.experiment_id, run_id, candidate, name="champion", params={})
    assert [made] == [one.model_id for one in client.get_run(run_id).outputs.model_outputs]


MODELS = {
    "flavors: {sklearn: {pickled_model: model.pkl}}": "no flavor 'discover'",
    "flavors: {discover: {candidate: ../other, format: 1, sha256: '0'}}": "names a file outside",
    "flavors: {discover: {candidate: champion.candidate, format: 2, sha256: '0'}}": "update discover-rl",
    "flavors: {discover: {candidate: champion.candidate, format: 1, sha256: '0'}}": "has been altered",
    "flavors: {discover: {candidate: gone.candidate, format: 1, sha256: '0'}}": "there is no candidate at",
    "- !!python/object/apply:os.system [exit]": "cannot be read: file '.*' is not YAML .the tag '!!python/object/app",
    "&a flavors: {discover: &b [*b]}": "cannot be read: file '.*' is not YAML .the alias",
    f"a: &a {'x' * 1000}\nflavors: [{', '.join(['*a'] * 1000)}]": "is not YAML .its aliases stand for more than ",
}


def test_a_model_that_is_not_as_it_was_logged_is_refused(store: str, tmp_path: Path, registry: Registry) -> None:
    info, result = search_info(tmp_path / "s", registry), search_result(tmp_path / "s", registry)
    run_id = tracked(store, info, range(1), lambda t: t.discover_search_finished(info, result)).run_id
    assert run_id is not None
    client = client_of(store)
    model = client.get_logged_model(client.get_run(run_id).outputs.model_outputs[0].model_id)
    for words, why in MODELS.items():
        (Path(model.artifact_location.removeprefix("file://")) / "MLmodel").write_text(words)
        with pytest.raises(UserError, match=why):
            fetch_candidate(run_id, store, tmp_path)


def test_addresses_that_lead_nowhere(store: str, tmp_path: Path, registry: Registry) -> None:
    absent = "0" * 32
    for address in (absent, f"runs:/{absent}", f"runs:/{absent}/x.candidate", "models:/m-nothing", "models:/none/1"):
        with pytest.raises(UserError, match=f"there is no candidate at '{address}' in the tracking store 'sqlite:"):
            fetch_candidate(address, store, tmp_path)
    with pytest.raises(UserError, match=f"run '{absent}' is not in the tracking store"):
        find_search(absent, store)
    with pytest.raises(UserError, match="there is no tracking store at"):
        fetch_candidate(absent, f"sqlite:///{tmp_path}/absent.db", tmp_path)
    unfinished = tracked(store, search_info(tmp_path, registry), range(1)).run_id
    with pytest.raises(UserError, match="has no champion"):
        fetch_candidate(str(unfinished), store, tmp_path)
    assert not is_address("ppo")
    assert not is_address("champion.candidate")


# Trainings and comparisons ----------------------------------------------------------------------------------------------


def test_a_training_is_one_run_with_its_curve(store: str) -> None:
    one = training("ppo", TASKS[0])
    tracker = Tracker(store)
    track_training(tracker, one)
    found = client_of(store).get_run(tracker.run_id)
    assert (found.info.run_name, found.info.status) == ("ppo on CartPole-v1 @ 10,000", "FINISHED")
    assert found.data.metrics["iqm/CartPole-v1 10000"] == pytest.approx(one.interval.estimate)
    low, middle, high = band(one.curves)
    last = [found.data.metrics[f"{key}/CartPole-v1 10000"] for key in ("curve_low", "curve", "curve_high")]
    assert last == pytest.approx([low[-1], middle[-1], high[-1]])
    assert found.data.params == {
        "candidate": "ppo",
        "tasks": "CartPole-v1 @ 10,000",
        "seeds": "4",
        "rule": "Toy",
        "rule.rate": "0.25",
        "network": "Nothing",
    }
    tags = found.data.tags
    assert (tags["discover.kind"], tags["discover.role"], tags["discover.fingerprint"]) == ("training", "candidate", "f1")
    assert len(found.data.metrics) <= 40
    assert steps_of(store, tracker.run_id, "curve/CartPole-v1 10000") == [100 * (row + 1) for row in range(100)]
    assert artifacts(store, tracker.run_id) == {
        "provenance.json",
        "training.json",
        "figures/curve.png",
        "figures/candidate/rule/rate_over_time.png",
    }


def test_a_broken_training_is_tracked_as_broken(store: str) -> None:
    one = training("ppo", TASKS[0])
    one.curves[1, 50:] = np.nan
    one = Training(
        **{**vars(one), "interval": Interval(np.nan, np.nan, np.nan), "status": np.array([0, Status.NOT_FINITE, 0, 0])}
    )
    tracker = Tracker(store)
    track_training(tracker, one)
    found = client_of(store).get_run(tracker.run_id)
    assert found.data.metrics["status/broken_seeds/CartPole-v1 10000"] == 1
    assert "iqm/CartPole-v1 10000" not in found.data.metrics
    assert len(steps_of(store, tracker.run_id, "curve/CartPole-v1 10000")) == 50


def test_a_comparison_is_a_run_with_its_table(store: str, tmp_path: Path) -> None:
    tracker = Tracker(store)
    track_comparison(tracker, comparison())
    client = client_of(store)
    found = client.get_run(tracker.run_id)
    assert (found.info.run_name, found.info.status) == ("champion against ppo", "FINISHED")
    assert found.data.metrics == {}  # those of its candidates have them, so that a chart has a line per candidate
    assert found.data.tags["discover.verdict"] == "champion is better than ppo on 1 of 2 runs."
    path = client.download_artifacts(tracker.run_id, "comparison.json", str(tmp_path))
    rows = json.loads(Path(path).read_text())["table"]
    assert [(row["candidate"], row["task"], row["note"]) for row in rows] == [
        ("champion", "CartPole-v1", "searched"),
        ("champion", "Acrobot-v1", "unseen task"),
        ("ppo", "CartPole-v1", "searched"),
        ("ppo", "Acrobot-v1", "unseen task"),
    ]
    assert "| CartPole-v1 @ 10,000 (searched) | ppo |" in found.data.tags["mlflow.note.content"]
    assert "10 [5, 15] | better (p = 0.01) |" in found.data.tags["mlflow.note.content"]
    assert artifacts(store, tracker.run_id) == {
        "comparison.json",
        "comparison.md",
        "provenance.json",
        "figures/curves/CartPole-v1_10_000.png",
        "figures/curves/Acrobot-v1_20_000.png",
    }


# Figures and texts ------------------------------------------------------------------------------------------------------


def test_a_component_whose_figure_fails_does_not_cost_the_others() -> None:
    problems: list[str] = []
    found = list(component_figures(Algorithm(rule=Broken(inner=Toy(rate=0.5)), network=Nothing()), problems))
    assert [name for name, _ in found] == ["figures/candidate/rule.inner/rate_over_time.png"]
    assert problems == ["the figures of rule (Broken) cannot be drawn (ValueError: no canvas)"]


def test_the_band_is_that_of_the_seeds_and_missing_where_one_has_broken() -> None:
    curves = np.tile(np.arange(5.0)[:, None], (1, 100))
    curves[0, 60:] = np.nan
    low, middle, high = band(curves)
    assert middle[0] == 2.0
    assert low[0] < 2.0 < high[0]
    assert np.isnan(middle[60:]).all()
    alone = band(curves[1:2])
    assert alone[1][0] == 1.0
    assert np.isnan(alone[0]).all()


def test_the_fitness_figure_leaves_broken_members_out(tmp_path: Path, registry: Registry, store: str) -> None:
    tracked(store, search_info(tmp_path, registry), range(3))
    axes = fitness_figure(history(tmp_path / "tracking"), 2.5).axes[0]
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
    np.testing.assert_allclose(lines["mean"], [generation(i).fitness[1:].mean() for i in range(3)], rtol=1e-6)
    np.testing.assert_allclose(lines["best of its generation"], [generation(i).fitness[1:].max() for i in range(3)])
    assert set(lines["champion, fresh seeds"]) == {2.5}


def test_a_large_config_stays_within_a_hundred_params(tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path, registry)
    large = {f"part{i}": {f"x{j}": {"deep": j, "text": "y" * 9000} for j in range(10)} for i in range(9)}
    params = content.search_params(SearchInfo(**{**vars(info), "config": large}))
    assert len(params) <= 105
    assert "part3.x4" in params
    assert max(map(len, params.values())) <= 500


# The road through the hooks ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("alone")
def test_the_command_line_reaches_the_tracker_through_hooks_alone(
    searched: tuple[str, SearchInfo, str], tmp_path: Path, registry: Registry
) -> None:
    store, _, run_id = searched
    plugins = load_plugins()
    watch(plugins, Command("train", store=store))
    track_training(plugins.hook, training("ppo", TASKS[0]))
    facts = finish(plugins)
    assert facts["tracking"] == store
    assert client_of(store).get_run(facts["run_id"]).info.run_name == "ppo on CartPole-v1 @ 10,000"
    path = plugins.hook.discover_fetch_candidate(address=run_id, store=store, folder=tmp_path)
    assert path == tmp_path / "champion.candidate"
    assert plugins.hook.discover_fetch_candidate(address="ppo", store=store, folder=tmp_path) is None
    assert plugins.hook.discover_find_search(address=run_id, store=store).is_dir()
    command = plugins.hook.discover_ui(store=store, port=5123)
    assert command[1:4] == ["-m", "mlflow", "server"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--backend-store-uri") + 1] == store


@pytest.mark.usefixtures("alone")
def test_tracking_off_registers_no_observer() -> None:
    plugins = load_plugins()
    watch(plugins, Command("search", tracking=False, store="http://127.0.0.1:9"))
    assert finish(plugins) == {}


@pytest.mark.usefixtures("alone")
def test_a_resumed_search_goes_to_the_store_it_began_in(store: str, tmp_path: Path, registry: Registry) -> None:
    began = tracked(store, search_info(tmp_path, registry), range(2))
    plugins = load_plugins()
    watch(plugins, Command("resume", directory=tmp_path))
    plugins.tell("discover_search_started", search=search_info(tmp_path, registry, resumed_from=1))
    assert finish(plugins) == {"run_id": began.run_id, "tracking": store}


def test_no_page_is_served_of_a_server_that_does_not_answer() -> None:
    with pytest.raises(UserError, match=r"the tracking store 'http://127.0.0.1:9' cannot be used \("):
        ui_command("http://127.0.0.1:9", 5001)


@pytest.mark.slow
def test_the_page_is_served_and_a_server_takes_what_a_file_takes(
    store: str, tmp_path: Path, registry: Registry, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    server = subprocess.Popen(
        ui_command(store, port), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(address), 120)
        with pytest.raises(UserError, match=f"is a server with a page of its own: look at {address}$"):
            ui_command(address, 5001)
        info, result = search_info(tmp_path / "s", registry), search_result(tmp_path / "s", registry)

        def end(tracker: Tracker) -> None:
            track_comparison(tracker, comparison(), info.directory)
            tracker.discover_search_finished(info, result)

        tracker = tracked(address, info, range(3), end)
        assert capfd.readouterr().out == ""  # standard output belongs to the command
        assert generations_of(store, tracker.run_id, "fitness/mean") == [0, 1, 2]
        path = fetch_candidate(str(tracker.run_id), address, tmp_path)
        assert path.read_bytes() == result.champion_path.read_bytes()
        assert page_links(address) == page_links(store)
        links = page_links(address, tracker.run_id)
        assert links == page_links(store, tracker.run_id)
        assert below(store, tracker.run_id)["report"].info.run_id in links["learning curves"]
        assert tracker.discover_command_finished()["link"] == f"{address}{links['run']}"
        with pytest.raises(UserError, match=f"look at {address}/#/experiments/1/runs"):
            ui_command(address, 5001)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def test_nothing_is_warned_of_when_all_goes_well(store: str, tmp_path: Path, registry: Registry) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrackingWarning)
        tracked(store, search_info(tmp_path, registry), range(3))
