"""The executor on a real cluster of Ray (slow): nodes of this machine, of which some are killed, and some join later."""

import itertools
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from discover_zoo.executors import ray_actors
from discover_zoo.executors.ray import Ray
from discover_zoo.executors.ray_actors import RayWorker
from ray_nodes import SETTINGS, Nodes
from searches import WORDS, counters, state
from worker_kills import CHUNK, assert_survives_kills, plugins_in

from discover import Parcel, Worker, hookimpl
from discover.contract.events import Generation, SearchInfo
from discover.outer_loop.search import search
from discover.plugin.loader import load_plugins

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("default"),  # Ray's own
    pytest.mark.filterwarnings("ignore:os.fork"),  # what forks runs another program
]


@pytest.fixture
def nodes(request: pytest.FixtureRequest, compiled_alike: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    ray_actors.imported.cache_clear()
    ray_actors._actor_class.cache_clear()
    made = Nodes(request.param)
    yield made
    made.end()


@pytest.mark.parametrize("nodes", [3], indirect=True)
@pytest.mark.parametrize("kills", [5, 50])
def test_workers_and_nodes_of_three_are_killed(
    kills: int, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fifth time it is a whole node, which is replaced."""
    count = itertools.count(1)

    def strike(worker: Worker) -> bool:
        assert isinstance(worker, RayWorker)
        node, process = nodes.place_of(worker)
        if next(count) % 5 == 0 and nodes.kill(node):
            nodes.add()
        else:
            os.kill(process, signal.SIGKILL)
        return True

    executor = Ray(address=nodes.address, workers=3, chunk=CHUNK)
    assert_survives_kills(executor, plugins_in(tmp_path / "plugins"), strike, kills=kills, monkeypatch=monkeypatch)


class Struck:
    """Kills workers of a search, each as soon as it has a job: a process in the second generation, a node in the third.

    After the first generation another node joins.
    """

    def __init__(self, nodes: Nodes):
        self.nodes, self.generation, self.killed = nodes, 0, list[str]()
        self.lost, self.joined, self.at_work = list[Future[bytes]](), "", set[str]()

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        self.generation = generation.index + 1
        if generation.index == 0:
            self.joined = self.nodes.add()

    def job(self, worker: RayWorker, future: Future[bytes]) -> None:
        """A worker has got a job."""
        node, process = self.nodes.place_of(worker)
        self.at_work.add(node)
        if self.generation == 1 and not self.killed:
            os.kill(process, signal.SIGKILL)
            self.killed.append("process")
            self.lost.append(future)
        if self.generation == 2 and len(self.killed) == 1 and self.nodes.kill(node):
            self.killed.append("node")
            self.lost.append(future)


@pytest.mark.parametrize("nodes", [2], indirect=True)
@pytest.mark.parametrize("strategy", ["toy_hill", "pbt"], ids=["fresh lifetimes", "lifetimes that go on"])
def test_a_whole_search_with_a_worker_killed_and_a_node_killed_and_one_that_joins(
    strategy: str, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves the bits of one that runs in this process, and blames nobody; the node that joins gets work."""
    folder, struck, ask = plugins_in(tmp_path / "plugins").folder, Struck(nodes), RayWorker.ask

    def told(worker: RayWorker, job: bytes, parcels: Sequence[Parcel]) -> Future[bytes]:
        future = ask(worker, job, parcels)
        struck.job(worker, future)
        return future

    monkeypatch.setattr(RayWorker, "ask", told)
    tasks = [{"task": "late-payday", "steps": 200_000}, {"task": "payday", "steps": 200_000}]  # a job takes a while
    words: dict[str, Any] = {**WORDS, "strategy": strategy, "population": 6, "generations": 6, "tasks": tasks}
    ray = {"ray": {"address": nodes.address, "chunk": CHUNK}}
    result = search(load_plugins(folder, extra=[struck]), {**words, "executor": ray}, tmp_path / "ray")
    alone = search(load_plugins(folder), {**words, "executor": {"local": {"chunk": CHUNK}}}, tmp_path / "local")
    assert struck.killed == ["process", "node"]
    assert all(future.exception() is not None for future in struck.lost), "they were in the middle of a job"
    assert struck.joined in struck.at_work
    assert result.broken == {}
    assert (result.champion_fitness, result.env_steps) == (alone.champion_fitness, alone.env_steps)
    assert (state(tmp_path / "ray"), counters(tmp_path / "ray")) == (state(tmp_path / "local"), counters(tmp_path / "local"))
