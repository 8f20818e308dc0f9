"""The runs of trainings and comparisons: one per candidate below that of the comparison, with the same names in all of them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from discover_mlflow import figures
from discover_mlflow import run as module
from discover_mlflow.__main__ import send
from discover_mlflow.ledger import records
from discover_mlflow.report_files import fetch_run
from discover_mlflow.sent import load_state
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    TASKS,
    below,
    client_of,
    comparison,
    comparison_info,
    copied,
    generation,
    search_info,
    search_result,
    steps_of,
    toy_registry,
    track_comparison,
    track_training,
    tracked,
    training,
    wait_until,
)

from discover import Ablated, Ablation, AblationInfo, Registry, SearchInfo, Selection, Terminated, TrainingInfo, UserError
from discover.evaluation.ablation_file import read_ablation, write_ablation
from discover.process.interruption import _State
from discover.storage.locks import LOCK_FILE

LABELS = ("CartPole-v1 10000", "Acrobot-v1 20000")
CURVES = [f"{group}/{label}" for label in LABELS for group in ("curve", "curve_low", "curve_high")]
ENDS = [f"{group}/{label}" for label in LABELS for group in ("iqm", "iqm_low", "iqm_high")]
OF_PAIRS = ("difference", "difference_low", "difference_high", "p")
PAID = ("paid", "paid_low", "paid_high")


@pytest.fixture(scope="module", autouse=True)
def drawn_at_once() -> Iterator[None]:
    """Figures take seconds to draw, and other tests look at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "png_bytes", lambda figure: b"a figure")
        yield


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> tuple[str, str]:
    """A comparison in a store: the store, and the run's id."""
    store = copied(empty_store, tmp_path_factory.mktemp("compared"))
    tracker = Tracker(store)
    track_comparison(tracker, comparison())
    assert tracker.run_id is not None
    return store, tracker.run_id


def test_a_comparison_has_a_run_per_candidate_with_the_same_curves_in_all_of_them(compared: tuple[str, str]) -> None:
    store, run_id = compared
    found = below(store, run_id)
    assert set(found) == {"champion", "ppo"}
    for name, run in found.items():
        assert run.info.status == "FINISHED"
        assert set(CURVES + ENDS) <= set(run.data.metrics)
        for place, one in enumerate(comparison().trainings[name]):
            key, steps = CURVES[3 * place], one.run.steps
            assert steps_of(store, run.info.run_id, key) == [steps * (row + 1) // 100 for row in range(100)]
            assert run.data.metrics[ENDS[3 * place]] == pytest.approx(one.interval.estimate)
            assert steps_of(store, run.info.run_id, ENDS[3 * place]) == [0]  # MLflow draws a bar


def test_a_training_has_the_names_of_a_candidate_in_a_comparison(compared: tuple[str, str]) -> None:
    store, run_id = compared
    tracker = Tracker(store)
    track_training(tracker, training("ppo", TASKS[0]))
    alone, ppo = client_of(store).get_run(tracker.run_id), below(store, run_id)["ppo"]
    expected = {key for key in ppo.data.metrics if key.endswith("CartPole-v1 10000") and key.partition("/")[0] not in OF_PAIRS}
    assert set(alone.data.metrics) == expected
    assert set(alone.data.params) == set(ppo.data.params)


def test_a_candidate_has_the_difference_of_the_first_one_from_it(compared: tuple[str, str]) -> None:
    store, run_id = compared
    found = below(store, run_id)
    assert [found["ppo"].data.metrics[f"{group}/CartPole-v1 10000"] for group in OF_PAIRS] == [10.0, 5.0, 15.0, 0.01]
    assert not [key for key in found["champion"].data.metrics if key.partition("/")[0] in OF_PAIRS]
    assert not [key for key in found["ppo"].data.metrics if key.startswith("difference/Acrobot")]
    assert found["ppo"].data.tags["discover.verdict"] == "champion against ppo: better on 1, broken on 1 of 2"
    assert found["champion"].data.tags["discover.verdict"] == comparison().verdict


def test_the_values_of_a_candidate_are_params_by_path(compared: tuple[str, str]) -> None:
    store, run_id = compared
    for name, run in below(store, run_id).items():
        assert run.data.params == {
            "candidate": name,
            "tasks": "CartPole-v1 @ 10,000, Acrobot-v1 @ 20,000",
            "seeds": "4",
            "rule": "Toy",
            "rule.rate": "0.25",
            "network": "Nothing",
        }


def test_tags_say_what_a_candidate_is(compared: tuple[str, str]) -> None:
    store, run_id = compared
    found = {name: run.data.tags for name, run in below(store, run_id).items()}
    assert {name: tags["discover.role"] for name, tags in found.items()} == {"champion": "candidate", "ppo": "baseline"}
    for name, tags in found.items():
        assert (tags["discover.kind"], tags["discover.fingerprint"]) == ("candidate", f"print of {name}")
        assert not [key for key in tags if not key.startswith(("mlflow.", "discover."))]
    assert len({tags["mlflow.runColor"] for tags in found.values()}) == 2


# While it runs ----------------------------------------------------------------------------------------------------------


def started(one: Any) -> TrainingInfo:
    return TrainingInfo(one.name, one.algorithm, one.run, seeds=len(one.returns), fingerprint="f1", provenance=one.provenance)


def runs_of(store: str) -> dict[str, Any]:
    """All runs of the experiment of runs, by name; none before it is there."""
    client = client_of(store)
    experiment = client.get_experiment_by_name("discover")
    return {} if experiment is None else {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_a_training_is_in_the_store_while_it_runs(store: str) -> None:
    one, tracker = training("ppo", TASKS[0]), Tracker(store)
    tracker.discover_training_started(started(one))
    wait_until(lambda: bool(runs_of(store)))
    (run,) = runs_of(store).values()
    assert (run.info.status, run.data.metrics) == ("RUNNING", {})
    tracker.discover_training_finished(one)
    after = client_of(store).get_run(run.info.run_id)
    assert (after.info.status, after.info.start_time) == ("FINISHED", run.info.start_time)
    assert after.info.end_time >= after.info.start_time


def test_the_run_of_a_process_that_was_killed_is_ended_by_sending_its_ledger(store: str, tmp_path: Path) -> None:
    one, tracker = training("ppo", TASKS[0]), Tracker(store)
    tracker.discover_training_started(started(one))
    wait_until(lambda: bool(runs_of(store)))
    session = tracker.commands.session
    assert session is not None
    (line,) = (text for name, text in _State.last_words.items() if name == str(session.folder))
    assert f"'python -m discover_mlflow {session.folder}' sends what the store lacks, and ends its run" in line
    with pytest.raises(UserError, match="is in use by another process"):
        send(session.folder)
    left = tmp_path / "left"
    wait_until(lambda: load_state(session.folder, tracker.address).run_id != "")
    shutil.copytree(session.folder, left, ignore=shutil.ignore_patterns(LOCK_FILE))
    assert send(left, store) == 0
    (run,) = runs_of(store).values()
    assert run.info.status == "KILLED"
    tracker.finish()
    assert str(session.folder) not in _State.last_words


def test_a_candidate_shows_its_first_task_while_the_others_run(store: str) -> None:
    one, tracker = comparison(), Tracker(store)
    tracker.discover_comparison_started(comparison_info(one))
    tracker.discover_candidate_started("champion")
    tracker.discover_candidate_finished(one.trainings["champion"][0])
    wait_until(lambda: "champion" in runs_of(store) and "iqm/CartPole-v1 10000" in runs_of(store)["champion"].data.metrics)
    found = runs_of(store)
    assert {name: run.info.status for name, run in found.items()} == {"champion against ppo": "RUNNING", "champion": "RUNNING"}
    tracker.finish()


@pytest.mark.parametrize(("error", "status"), [(ValueError("too deep"), "FAILED"), (Terminated(), "KILLED")])
def test_a_training_that_fails_has_ended(store: str, error: BaseException, status: str) -> None:
    one, tracker = training("ppo", TASKS[0]), Tracker(store)
    tracker.discover_training_started(started(one))
    tracker.discover_training_failed(started(one), error)
    found = client_of(store).get_run(tracker.run_id)
    assert found.info.status == status
    assert found.data.tags["discover.error"].startswith(type(error).__name__)


@pytest.mark.parametrize(("error", "status"), [(ValueError("too deep"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_a_comparison_that_fails_has_ended_with_all_its_candidates(store: str, error: BaseException, status: str) -> None:
    tracker = Tracker(store)
    track_comparison(tracker, comparison(), error=error)
    client = client_of(store)
    assert client.get_run(tracker.run_id).info.status == status
    found = below(store, tracker.run_id)
    assert {name: run.info.status for name, run in found.items()} == {"champion": status, "ppo": status}
    assert "iqm/CartPole-v1 10000" in found["ppo"].data.metrics  # what was done by then


def test_a_command_that_ends_without_a_word_leaves_no_run_running(store: str) -> None:
    one, tracker = comparison(), Tracker(store)
    tracker.discover_comparison_started(comparison_info(one))
    tracker.discover_candidate_started("champion")
    tracker.finish()
    assert {run.info.status for run in runs_of(store).values()} == {"FAILED"}


# The report of a search -------------------------------------------------------------------------------------------------


def whole_search(store: str, info: SearchInfo, registry: Registry) -> str:
    """The id of the run of a search that has run from its first generation to the end of its report."""
    one = comparison()

    def end(tracker: Tracker) -> None:
        select(tracker, info)
        track_comparison(tracker, one, info.directory)
        tracker.discover_search_finished(info, search_result(info.directory, registry, one))

    run_id = tracked(store, info, range(2), end).run_id
    assert run_id is not None
    return run_id


def select(tracker: Tracker, info: SearchInfo) -> None:
    tracker.discover_selection_started(info)
    champion = search_result(info.directory, info.registry).champion
    finalists, fitness = np.array([[0.1], [0.2], [0.3]]), np.array([1.5, 3.5, -np.inf])
    tracker.discover_selection_finished(info, Selection(champion, 3.0, finalists, fitness))


def test_a_search_is_the_parent_of_its_phases(store: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path / "s", registry)
    run_id = whole_search(store, info, registry)
    found = below(store, run_id)
    assert set(found) == {"selection", "report"}
    candidates = below(store, found["report"].info.run_id)
    assert {name: run.data.tags["discover.role"] for name, run in candidates.items()} == {
        "champion": "champion",
        "ppo": "baseline",
    }
    every = [*found.values(), *candidates.values()]
    assert {run.info.status for run in every} == {"FINISHED"}
    assert {run.data.tags["discover.search"] for run in every} == {"toy"}
    assert found["report"].data.tags["discover.verdict"] == comparison().verdict
    assert set(CURVES + ENDS) <= set(candidates["champion"].data.metrics)


def test_the_selection_tells_how_good_the_finalists_are(store: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path / "s", registry)
    selection = below(store, whole_search(store, info, registry))["selection"]
    assert selection.data.metrics == {
        "champion/fitness": 3.0,
        "fitness/best": 3.5,
        "fitness/mean": 2.5,
        "status/broken": 1.0,
    }
    path = client_of(store).download_artifacts(selection.info.run_id, "finalists.json", str(tmp_path))
    finalists = json.loads(Path(path).read_text())
    assert [one["fitness"] for one in finalists] == [3.5, 1.5, None]
    assert [round(one["values"]["rule.rate"], 3) for one in finalists] == [
        round(float(info.space.decode(np.array([genome])).rule.rate), 3) for genome in (0.2, 0.1, 0.3)
    ]


def test_a_report_that_is_interrupted_and_resumed_goes_on_with_its_runs(store: str, tmp_path: Path, registry: Registry) -> None:
    info, one = search_info(tmp_path / "s", registry), comparison()

    def stop(tracker: Tracker) -> None:
        select(tracker, info)
        track_comparison(tracker, one, info.directory, error=KeyboardInterrupt())
        tracker.discover_search_failed(info, KeyboardInterrupt())

    run_id = tracked(store, info, range(2), stop).run_id
    stopped = below(store, below(store, run_id)["report"].info.run_id)
    assert {run.info.status for run in stopped.values()} == {"KILLED"}
    again = dataclasses.replace(search_info(tmp_path / "s", registry, resumed_from=2), resumed=True, phase="end")

    def end(tracker: Tracker) -> None:
        select(tracker, again)
        track_comparison(tracker, one, info.directory)
        tracker.discover_search_finished(again, search_result(info.directory, registry, one))

    assert tracked(store, again, range(0), end).run_id == run_id
    found = below(store, run_id)
    candidates = below(store, found["report"].info.run_id)
    assert set(found) == {"selection", "report"}
    assert {name: run.info.run_id for name, run in candidates.items()} == {
        name: run.info.run_id for name, run in stopped.items()
    }
    every = [client_of(store).get_run(run_id), *found.values(), *candidates.values()]
    assert {run.info.status for run in every} == {"FINISHED"}
    assert not [run for run in every if "discover.error" in run.data.tags]
    assert_nothing_doubled(store, every)


def assert_nothing_doubled(store: str, runs: list[Any]) -> None:
    for run in runs:
        for key in run.data.metrics:
            steps = steps_of(store, run.info.run_id, key)
            assert len(set(steps)) == len(steps), (run.info.run_name, key)


def test_another_report_of_the_same_search_has_runs_of_its_own(store: str, tmp_path: Path, registry: Registry) -> None:
    info, one = search_info(tmp_path / "s", registry), comparison()
    run_id = whole_search(store, info, registry)
    again = dataclasses.replace(search_info(tmp_path / "s", registry, resumed_from=2), resumed=True, phase="end")
    other = dataclasses.replace(
        one,
        runs=one.runs[:1],
        notes=one.notes[:1],
        trainings={name: some[:1] for name, some in one.trainings.items()},
        verdict="champion is better.",
    )

    def end(tracker: Tracker) -> None:
        track_comparison(tracker, other, info.directory)
        tracker.discover_search_finished(again, search_result(info.directory, registry, other))

    tracked(store, again, range(0), end)
    client = client_of(store)
    runs = client.search_runs([client.get_run(run_id).info.experiment_id], "tags.`discover.kind` = 'comparison'")
    assert sorted(run.data.tags["discover.verdict"] for run in runs) == sorted([one.verdict, other.verdict])
    assert client.get_run(run_id).data.tags["discover.verdict"] == other.verdict


@pytest.mark.slow
@pytest.mark.parametrize("place", range(0, 29, 3))
def test_wherever_a_report_is_killed_the_store_ends_up_the_same(
    place: int, tmp_path: Path, registry: Registry, empty_store: Path
) -> None:
    """The process dies after some records, of which the store has some, and the search is resumed."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    info = search_info(tmp_path / "whole" / "s", registry)
    whole = shape(copied(empty_store, tmp_path / "whole"), info, registry)
    folder = tmp_path / "killed" / "s" / "tracking"
    shutil.copytree(info.directory / "tracking", folder)
    (folder / "state.json").unlink()
    ends = [end for end, record in records(folder) if "of" in record]
    assert len(ends) == 29
    (folder / "ledger.jsonl").write_bytes((folder / "ledger.jsonl").read_bytes()[: ends[place] + 9])
    store = copied(empty_store, tmp_path / "killed")
    if place % 2:
        assert send(folder, store) == 0
    again = dataclasses.replace(search_info(folder.parent, registry, resumed_from=2), resumed=True, phase="end")
    assert shape(store, again, registry) == whole


def shape(store: str, info: SearchInfo, registry: Registry) -> Any:
    """What the store has in the end of a search: every run with its parent, status, params and metrics."""
    run_id = whole_search(store, info, registry)
    client = client_of(store)
    runs = client.search_runs([client.get_run(run_id).info.experiment_id])
    names = {run.info.run_id: run.info.run_name for run in runs}
    assert_nothing_doubled(store, runs)
    return sorted(
        (
            run.info.run_name,
            names.get(run.data.tags.get("mlflow.parentRunId"), ""),
            run.info.status,
            sorted(run.data.params.items()),
            sorted(run.data.metrics.items()),
        )
        for run in runs
    )


def test_a_store_that_has_lost_the_runs_gets_all_of_them_again(tmp_path: Path, registry: Registry, empty_store: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    info = search_info(tmp_path / "s", registry)
    whole_search(copied(empty_store, tmp_path / "a"), info, registry)
    other = copied(empty_store, tmp_path / "b")
    assert send(info.directory / "tracking", other) == 0
    found = below(other, load_state(info.directory / "tracking", other).run_id)
    assert set(below(other, found["report"].info.run_id)) == {"champion", "ppo"}


def test_a_run_below_that_the_store_refuses_costs_its_own_records_alone(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = module.Run._create

    def create(self: Any, experiment: str, record: Any, alone: bool) -> str:
        if record["name"] == "ppo":
            raise UnicodeError("no such name")
        return honest(self, experiment, record, alone)

    info = search_info(tmp_path / "s", registry)
    with monkeypatch.context() as patch:
        patch.setattr(module.Run, "_create", create)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run_id = whole_search(store, info, registry)
    assert "refuses a record of kind 'run' (no such name)" in str(caught[0].message)
    report = below(store, run_id)["report"].info
    assert (set(below(store, report.run_id)), report.status) == ({"champion"}, "FINISHED")
    assert send(info.directory / "tracking", store) == 0
    ppo = below(store, report.run_id)["ppo"]
    assert (ppo.info.status, set(ENDS) <= set(ppo.data.metrics)) == ("FINISHED", True)


def test_generations_are_told_beside_the_env_steps(store: str, tmp_path: Path, registry: Registry) -> None:
    run_id = tracked(store, search_info(tmp_path, registry), range(3)).run_id
    points = client_of(store).get_metric_history(run_id, "spent/generations")
    assert [(point.step, point.value) for point in points] == [(generation(i).env_steps_so_far, i + 1) for i in range(3)]


@pytest.mark.slow
def test_the_ablation_tells_what_each_value_pays(store: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path / "s", registry)
    parts = [Ablated("rule.rate", "0.7", "0.5", without=np.arange(8.0) - 2.0, alone=np.zeros(0))]
    champion = search_result(info.directory, registry).champion
    one = Ablation("champion", "toy", TASKS, np.arange(8.0), np.arange(8.0) - 2.0, parts, env_steps=10)

    def end(tracker: Tracker) -> None:
        select(tracker, info)
        tracker.discover_ablation_started(info, AblationInfo(dict.fromkeys(("champion", "toy"), champion), TASKS, 8, {}))
        write_ablation(info.directory, one)
        tracker.discover_ablation_finished(info, one)
        tracker.discover_search_finished(info, search_result(info.directory, registry))

    run_id = tracked(store, info, range(2), end).run_id
    assert run_id is not None
    ablation = below(store, run_id)["ablation"]
    assert (ablation.info.status, ablation.data.tags["discover.kind"]) == ("FINISHED", "ablation")
    assert ablation.data.metrics == {f"{key}/{name}": 2.0 for key in PAID for name in ("all", "rule.rate")}
    assert ablation.data.params == {"candidates": "champion, toy", "tasks": ", ".join(t.label for t in TASKS), "seeds": "8"}
    assert "| rule.rate | 0.7 | 0.5 | 2 [2, 2] | paid |" in ablation.data.tags["mlflow.note.content"]
    path = client_of(store).download_artifacts(ablation.info.run_id, "ablation.json", str(tmp_path))
    assert json.loads(Path(path).read_text())["table"][0]["verdict"] == "paid"
    fetched = fetch_run(run_id, store, tmp_path)
    again = read_ablation(fetched)
    assert again is not None
    assert again.rows() == one.rows()
