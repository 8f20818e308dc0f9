"""Hand-made searches, trainings and comparisons, tracked in stores on this machine alone."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from discover_mlflow.ledger import Entry, Ledger, record_line
from discover_mlflow.tracker import Tracker

from discover import (
    Algorithm,
    Comparison,
    ComparisonInfo,
    Difference,
    Generation,
    Interval,
    Network,
    Registry,
    Scalar,
    SearchInfo,
    SearchResult,
    Space,
    Status,
    TaskRun,
    Training,
    TrainingInfo,
    UpdateRule,
    component,
    free,
    real,
)
from discover.config.candidate_file import save_candidate

TASKS = (TaskRun("CartPole-v1", 10_000), TaskRun("Acrobot-v1", 20_000))
POPULATION = 8
ENV_STEPS = 480_000
"""Env steps of a generation."""


@component
class Toy(UpdateRule):
    """A rule that only has a number and a picture of it."""

    rate: Scalar = real(0.5, low=0.0, high=1.0)

    def figures(self) -> Mapping[str, Any]:
        from matplotlib.figure import Figure

        figure = Figure()
        figure.add_subplot().plot([0.0, float(self.rate)])
        return {"rate over time": figure}


@component
class Broken(UpdateRule):
    """A rule whose picture cannot be drawn."""

    inner: UpdateRule

    def figures(self) -> Mapping[str, Any]:
        raise ValueError("no canvas")


@component
class Nothing(Network):
    """A network without anything."""


def toy_registry() -> Registry:
    made = Registry()
    made.add("toy", Toy)
    made.add("nothing", Nothing)
    return made


def copied(empty_store: Path, folder: Path) -> str:
    path = folder / "mlflow.db"
    with contextlib.closing(sqlite3.connect(empty_store)) as a, contextlib.closing(sqlite3.connect(path)) as b:
        a.backup(b)
    return f"sqlite:///{path}"


def changed(store: str, *statements: str) -> None:
    """Change a store behind MLflow's back."""
    with contextlib.closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def client_of(store: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store, registry_uri=store)


def search_info(directory: Path, registry: Registry, resumed_from: int = 0) -> SearchInfo:
    config = {
        "name": "toy",
        "seed": 7,
        "strategy": {"snes": {"rate": 0.1}},
        "population": POPULATION,
        "generations": 5,
        "tasks": [{"task": "CartPole-v1", "steps": 10_000}],
    }
    return SearchInfo(
        name="toy",
        directory=directory,
        config=config,
        space=Space(Algorithm(rule=Toy(rate=free()), network=Nothing())),
        tasks=TASKS,
        population=POPULATION,
        generations=5,
        seeds=2,
        provenance={
            "versions": {"jax": "0.10.2", "discover-rl": "0.1.0"},
            "plugins": {"toy": "toy-plugin 1.2"},
            "commit": "abc123",
            "device": {"kind": "cpu", "count": 2},
        },
        registry=registry,
        resumed_from=resumed_from,
    )


def generation(index: int) -> Generation:
    random = np.random.default_rng(index)
    status = np.zeros(POPULATION, np.int8)
    status[0] = Status.NOT_FINITE
    fitness = random.normal(index, 1.0, POPULATION).astype(np.float32)
    fitness[0] = fitness[1:].min()
    returns = [random.normal(size=(POPULATION, 2, 100)).astype(np.float32) for _ in TASKS]
    for curves in returns:
        curves[0] = np.nan
    return Generation(
        index=index,
        genomes=random.normal(size=(POPULATION, 1)),
        fitness=fitness,
        status=status,
        errors={0: "ValueError: too deep"} if index == 2 else {},
        returns=returns,
        structures=1,
        env_steps=ENV_STEPS,
        env_steps_so_far=ENV_STEPS * (index + 1),
        evaluation_seconds=2.9,
        seconds=3.0,
        best_fitness=float(fitness.max()),
        broken_so_far={"not_finite": index + 1},
    )


def training(name: str, task: TaskRun, shift: float = 0.0, seeds: int = 4) -> Training:
    random = np.random.default_rng(len(name))
    curves = shift + np.cumsum(random.uniform(size=(seeds, 100)), axis=1)
    returns = curves[:, -2:].mean(axis=1)
    return Training(
        name=name,
        algorithm=Algorithm(rule=Toy(rate=0.25), network=Nothing()),
        run=task,
        curves=curves,
        lengths=curves,
        info={"entropy": np.ones((seeds, 100))},
        returns=returns,
        status=np.zeros(seeds, np.int8),
        interval=Interval(float(returns.min()), float(returns.mean()), float(returns.max())),
        env_steps=seeds * task.steps,
        seconds=2.0,
        provenance={"versions": {"jax": "0.10.2"}, "commit": "abc123"},
    )


def comparison() -> Comparison:
    return Comparison(
        candidates=("champion", "ppo"),
        runs=TASKS,
        notes=("searched", "unseen task"),
        trainings={"champion": [training("champion", t, 10.0) for t in TASKS], "ppo": [training("ppo", t) for t in TASKS]},
        differences=[Difference("champion", "ppo", TASKS[0], Interval(5.0, 10.0, 15.0), 0.01, "better")],
        verdict="champion is better than ppo on 1 of 2 runs.",
        provenance={"versions": {"jax": "0.10.2"}},
    )


def track_training(tracker: Any, one: Training) -> None:
    """Tell a tracker (or all plugins) of a training, from its start to its end."""
    info = TrainingInfo(one.name, one.algorithm, one.run, seeds=len(one.returns), fingerprint="f1", provenance=one.provenance)
    tracker.discover_training_started(training=info)
    tracker.discover_training_finished(training=one)


def comparison_info(one: Comparison, directory: Path | None = None) -> ComparisonInfo:
    """A comparison before it has run; the report of the search in a directory, if one is given."""
    first = one.candidates[0]
    names = {"champion": "champion", "ppo": "baseline"} if directory else {first: "candidate"}
    return ComparisonInfo(
        candidates={name: one.trainings[name][0].algorithm for name in one.candidates},
        roles={name: names.get(name, "baseline") for name in one.candidates},
        runs=one.runs,
        seeds=len(one.trainings[first][0].returns),
        fingerprints={name: f"print of {name}" for name in one.candidates},
        provenance=one.provenance,
        directory=directory,
    )


def track_comparison(
    tracker: Tracker, one: Comparison, directory: Path | None = None, error: BaseException | None = None
) -> None:
    """Tell a tracker of a comparison, from its start to its end; with an error, to its middle."""
    info = comparison_info(one, directory)
    tracker.discover_comparison_started(info)
    for place in range(len(one.runs)):
        for name in one.candidates:
            tracker.discover_candidate_started(name)
            if error is not None and place == len(one.runs) - 1:
                tracker.discover_comparison_failed(info, error)
                return
            tracker.discover_candidate_finished(one.trainings[name][place])
    tracker.discover_comparison_finished(one)


def search_result(directory: Path, registry: Registry, compared: Comparison | None = None) -> SearchResult:
    champion = Algorithm(rule=Toy(rate=0.75), network=Nothing())
    directory.mkdir(parents=True, exist_ok=True)
    return SearchResult(
        champion=champion,
        champion_path=save_candidate(directory / "champion.candidate", champion, registry),
        champion_fitness=3.5,
        finalists=np.zeros((2, 1)),
        finalist_fitness=np.array([3.5, 3.0]),
        generations=5,
        env_steps=5 * ENV_STEPS,
        seconds=15.0,
        broken={"not_finite": 5},
        comparison=compared,
    )


def tracked(
    store: str,
    info: SearchInfo,
    generations: range,
    end: Callable[[Tracker], None] = lambda _: None,
    patience: float = 30.0,
) -> Tracker:
    """The tracker of a search that has run, and has ended as ``end`` says or not at all."""
    tracker = Tracker(store, patience=patience)
    tracker.discover_search_started(info)
    for index in generations:
        tracker.discover_generation_done(info, generation(index))
    end(tracker)
    tracker.finish()
    return tracker


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert done()


def is_begun(tracker: Tracker, info: SearchInfo) -> bool:
    """Whether the store has created the run of a search."""
    session = tracker.searches.session(info.directory)
    return session is not None and session.run_id is not None


def artifacts(store: str, run_id: str | None, path: str | None = None) -> set[str]:
    found = set()
    for entry in client_of(store).list_artifacts(run_id, path):
        found |= artifacts(store, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def steps_of(store: str, run_id: str | None, key: str) -> list[int]:
    return [point.step for point in client_of(store).get_metric_history(run_id, key)]


def generations_of(store: str, run_id: str | None, key: str) -> list[int]:
    """The generations that a metric has, by the env steps at which they ended."""
    steps = steps_of(store, run_id, key)
    assert all(step % ENV_STEPS == 0 for step in steps)
    return [step // ENV_STEPS - 1 for step in steps]


def below(store: str, run_id: str | None) -> dict[str, Any]:
    """The runs right below a run, by name."""
    client = client_of(store)
    runs = client.search_runs([client.get_run(run_id).info.experiment_id])
    found = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == run_id]
    assert len({one.info.run_name for one in found}) == len(found)
    return {one.info.run_name: one for one in found}


def written(folder: Path, *entries: tuple[str, Mapping[str, Any]]) -> None:
    """Append records to a ledger."""
    ledger = Ledger(folder)
    for kind, content in entries:
        ledger.append(Entry(record_line(kind, **content)))
    ledger.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
