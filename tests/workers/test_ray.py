"""The executor on a cluster of Ray: by a stand-in for Ray, and (slow) by three nodes, of which some are killed."""

import contextlib
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
import toys
from discover_zoo.executors import ray as module
from discover_zoo.executors import ray_actors
from discover_zoo.executors.ray import Ray
from fake_ray import Actor, FakeRay
from thread_workers import Bench, Threads
from worker_kills import CHUNK, assert_survives_kills, plugins_in
from worker_windows import WORK, all_bits, bits, windows

from discover import Failure, Registry, Surroundings, UserError, WorkerPool, replace
from discover.testing.executors import check_executor


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """Ray is a stand-in, whose actors are threads of this process."""
    made = FakeRay(cpus=3)
    monkeypatch.setitem(sys.modules, "ray", made)
    monkeypatch.setattr(module, "worker_settings", lambda *facts, **more: b"")
    monkeypatch.setattr(
        ray_actors, "Workshop", type("Mine", (Bench,), {"__init__": lambda self: Bench.__init__(self, toys.plugins(), 2)})
    )
    monkeypatch.setattr(ray_actors, "_DEATH", 0.2)
    for name in ray_actors._QUIET | ray_actors._ALONE:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    ray_actors.imported.cache_clear()
    ray_actors._actor_class.cache_clear()
    yield made
    for actor in made.actors:
        actor.die()
    ray_actors.imported.cache_clear()
    ray_actors._actor_class.cache_clear()


def losing(*jobs: int) -> Callable[[Actor, str], None]:
    seen = list[str]()

    def before(actor: Actor, name: str) -> None:
        if name == "job":
            seen.append(name)
            if len(seen) in jobs:
                actor.die()
                raise RuntimeError("died")

    return before


def opened(registry: Registry, **settings: Any) -> WorkerPool:
    pool = Ray(chunk=2, **settings).open(Surroundings(registry))
    assert isinstance(pool, WorkerPool)
    return pool


def test_a_cluster_of_its_own_is_on_the_loopback_address_and_tells_nobody(fake: FakeRay, registry: Registry) -> None:
    pool = opened(registry)
    assert pool._executor._wanted() == 3  # type: ignore[attr-defined]
    (began,) = fake.began
    assert began["address"] == "local"
    assert began["_node_ip_address"] == "127.0.0.1"
    assert began["include_dashboard"] is False
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert fake.actors == [], "nothing is asked of a cluster before there is work"


def test_another_cluster_is_taken_as_it_is(fake: FakeRay, registry: Registry) -> None:
    wanted = opened(registry, address="10.1.2.3:6379", devices=2)._executor._wanted()  # type: ignore[attr-defined]
    assert wanted == 1, "three CPUs are room for one worker with two"
    assert set(fake.began[0]) == {"address", "configure_logging", "log_to_driver"}
    assert fake.began[0]["address"] == "10.1.2.3:6379"


def bits_at_last(pool: WorkerPool) -> dict[int, list[bytes]]:
    """The bits of all work. What by chance three actors in turn died of is tried again, as a search does."""
    found = dict[int, Any]()
    for _ in range(3):
        places = [place for place in range(len(WORK)) if place not in found]
        results = {places[place]: result for place, result in pool.run([WORK[place] for place in places])}
        found |= {place: bits(result) for place, result in results.items() if not isinstance(result, Failure)}
        assert all(result.retry == "again" for result in results.values() if isinstance(result, Failure))
    return found


@pytest.mark.parametrize("lost", [(), (1, 2, 4, 5, 7)])
def test_bits_are_those_of_this_process_also_if_five_actors_die(
    lost: tuple[int, ...], fake: FakeRay, registry: Registry
) -> None:
    fake.before = losing(*lost)
    pool = opened(registry, workers=3)
    assert bits_at_last(pool) == all_bits(Threads(2, 1))
    assert len([actor for actor in fake.actors if actor.dead]) == len(lost)
    assert {(asked["num_cpus"], asked["num_gpus"], asked["max_restarts"]) for asked in fake.asked} == {(1, 0, 0)}
    pool.close()


@pytest.mark.parametrize("lost", [(), (3, 6)])
def test_lifetimes_go_from_actor_to_actor(lost: tuple[int, ...], fake: FakeRay, registry: Registry) -> None:
    fake.before = losing(*lost)
    pool = opened(registry, workers=2)
    assert windows(pool, hold=True) == windows(Threads(2, 1), hold=False)
    pool.close()


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    ray_actors.imported.cache_clear()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"^the executor 'ray' needs Ray \(.*\): pip install 'discover-rl\[ray\]'\.$"):
        Ray().open(Surroundings(registry))


def test_it_keeps_the_promises_of_its_kind() -> None:
    check_executor(Ray(chunk=2))


def test_the_chunk_is_chosen_by_what_the_config_says_of_devices() -> None:
    one, environment = jax.tree.map(lambda x: x[0], WORK[0].candidates), WORK[0].environment
    for executor, chunk in ((Ray(), 8), (Ray(workers=4), 4), (Ray(workers=4, devices=2), 2), (Ray(workers=4, chunk=3), 3)):
        assert repr(executor.settle(16, one, [environment])) == repr(replace(executor, {"chunk": chunk}))
    assert repr(Ray(gpus=1).settle(5000, one, [environment])) == repr(Ray(gpus=1, chunk=1024))
    assert Ray(chunk=4, devices=2).members_at_once(seeds=3) == 8


class Nodes:
    """A cluster of three nodes on the loopback address, each with room for one worker."""

    def __init__(self) -> None:
        ray_actors.imported()
        node = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
        self._cluster, self._node = importlib.import_module("ray.cluster_utils").Cluster(), node
        self.nodes = [self._cluster.add_node(**node) for _ in range(3)]
        self.address = self._cluster.address

    def workers(self) -> list[int]:
        """The processes of actors."""
        raylets = {self._raylet(node) for node in self.nodes}
        return [process for process, parent, name in _processes() if parent in raylets and name.startswith(b"ray::Actor")]

    def kill(self, place: int) -> None:
        """Kill a node, and add another one."""
        os.kill(self._raylet(self.nodes.pop(place)), signal.SIGKILL)
        self.nodes.append(self._cluster.add_node(**self._node))

    def end(self) -> None:
        ray_actors.imported().shutdown()
        self._cluster.shutdown()

    def _raylet(self, node: Any) -> int:
        return node.all_processes["raylet"][0].process.pid


def _processes() -> Iterator[tuple[int, int, bytes]]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            yield int(place.name), parent, (place / "cmdline").read_bytes()


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_health_check_period_ms", "500")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "4")
    ray_actors.imported.cache_clear()
    ray_actors._actor_class.cache_clear()
    made = Nodes()
    yield made
    made.end()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.parametrize("kills", [5, 50])
def test_workers_and_a_node_of_three_are_killed(
    kills: int, nodes: Nodes, tmp_path: Path, compiled_alike: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fifth kill is that of a whole node, with its worker; it is replaced."""
    count = itertools.count(1)

    def victim(pool: WorkerPool) -> int | None:
        at_work = nodes.workers()
        if not at_work:
            return None
        if next(count) % 5 == 0:
            nodes.kill(-1)  # not the first one, which keeps the books of the cluster
            return None
        return at_work[-1]

    executor = Ray(address=nodes.address, workers=3, chunk=CHUNK)
    assert_survives_kills(executor, plugins_in(tmp_path / "plugins"), victim, kills=kills, monkeypatch=monkeypatch)
