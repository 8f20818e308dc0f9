"""The executor on a cluster of Ray, by a stand-in for Ray; on a real one it is in `test_ray_cluster`."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest
import toys
from discover_zoo.executors import ray as module
from discover_zoo.executors import ray_actors
from discover_zoo.executors.local import Local
from discover_zoo.executors.processes import Processes
from discover_zoo.executors.ray import Ray
from fake_ray import Actor, FakeRay
from thread_workers import Bench, Threads
from worker_windows import WORK, all_bits, bits, windows

from discover import Failure, Registry, Surroundings, UserError, WorkerPool, replace
from discover.evaluation.work_digests import WorkDigests
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


@pytest.mark.parametrize("lost", [pytest.param((), marks=pytest.mark.slow), (3, 6)])
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


@pytest.mark.parametrize("made", [Ray, Processes])
def test_the_chunk_depends_on_no_number_of_workers(made: Any) -> None:
    one, environment = jax.tree.map(lambda x: x[0], WORK[0].candidates), WORK[0].environment
    for executor, chunk in ((made(), 4), (made(workers=40), 4), (made(workers=4, devices=2), 4), (made(chunk=3), 3)):
        assert repr(executor.settle(16, one, [environment])) == repr(replace(executor, {"chunk": chunk}))


def test_on_gpus_the_chunk_is_larger() -> None:
    one, environment = jax.tree.map(lambda x: x[0], WORK[0].candidates), WORK[0].environment
    assert repr(Ray(gpus=1).settle(5000, one, [environment])) == repr(Ray(gpus=1, chunk=1024))
    assert Ray(chunk=4, devices=2).members_at_once(seeds=3) == 8


def test_executors_whose_bits_are_the_same_find_the_work_of_each_other(registry: Registry) -> None:
    same = (
        Local(chunk=4),
        Processes(chunk=4),
        Processes(workers=3, devices=2, chunk=4),
        Ray(address="b:1", workers=9, chunk=4),
    )
    others = (Local(chunk=8), Local(chunk=4, room=99), Ray(gpus=1, chunk=4))
    digests = [WorkDigests(executor, registry, {}).of(WORK[1]) for executor in (*same, *others)]
    assert all(digest == digests[0] for digest in digests[: len(same)])
    assert len({tuple(digest) for digest in digests}) == 1 + len(others)
