"""Work with workers: who does it, and which of them are lost, changes no bit; no candidate is blamed."""

import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from thread_workers import Threads, ThreadWorker
from worker_windows import WORK, all_bits, bits, raw, windows

from discover import Done, Failure, Registry, UserError, Work, gathered, run_here
from discover.contract.executor import Surroundings
from discover.inner_loop import here
from discover.workers import crew
from discover.workers.crew import WorkerWarning
from discover.workers.settings import worker_settings

MEMBERS = sum(each.shape[0] for each in WORK)


@pytest.fixture(scope="module")
def honest() -> dict[int, list[bytes]]:
    return {place: bits(result) for place, result in run_here(WORK, 2)}


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The slope of every member that runs."""
    run, slopes = here.run_population, list[float]()

    def counted(work: Work, **more: Any) -> Done:
        slopes.extend(np.asarray(work.candidates.rule.slope).tolist())
        return run(work, **more)

    monkeypatch.setattr(here, "run_population", counted)
    return slopes


def losing(*jobs: int, most: int = 2) -> Callable[[ThreadWorker, int], None]:
    """Loses the worker that is about to do one of these jobs, counted over all workers; but no job more often than ``most``."""
    seen, lost = list[int](), Counter[bytes]()

    def before(worker: ThreadWorker, job: int) -> None:
        seen.append(job)
        if lost.total() < sum(each <= len(seen) for each in jobs) and lost[worker.content] < most:
            lost[worker.content] += 1
            worker.kill()
            raise RuntimeError("killed")

    return before


@pytest.mark.parametrize(("workers", "lost"), [(1, ()), (3, ()), (1, (1, 3)), (3, (1, 2, 4, 5, 7))])
def test_bits_depend_neither_on_workers_nor_on_losses_and_no_lifetime_runs_twice(
    workers: int, lost: tuple[int, ...], registry: Registry, honest: dict[int, list[bytes]], lives: list[float]
) -> None:
    threads, told = Threads(2, workers, losing(*lost)), list[float]()
    pool = threads.opened(registry)
    assert {place: bits(result) for place, result in pool.run(WORK, told.append)} == honest
    assert len(lives) == MEMBERS
    assert len(threads.all) >= workers + len(lost) - 1
    assert told == sorted(told)
    assert told[-1] == 1.0
    pool.close()


def test_a_piece_whose_workers_are_lost_again_and_again_is_the_fault_of_machines(registry: Registry) -> None:
    pool = Threads(2, 2, losing(*range(1, 99), most=3)).opened(registry)
    ((_, result),) = pool.run([WORK[1]])
    assert isinstance(result, Failure)
    assert (result.fault, result.retry, result.why) == ("machine", "again", "each of 3 workers that had it was lost: killed")
    pool.close()


def test_what_fails_for_good_is_tried_once(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[int]()

    def broken(work: Work, **more: Any) -> Done:
        tried.append(work.shape[0])
        raise ValueError("broken")

    monkeypatch.setattr(here, "run_population", broken)
    pool = Threads(2, 1).opened(registry)
    for _, result in pool.run([WORK[0], WORK[2]]):
        assert isinstance(result, Failure)
        assert (result.fault, result.retry) == ("candidate", "never")
        assert result.why.startswith("ValueError: broken")
    assert tried == [1]
    pool.close()


def test_what_takes_too_long_ends_with_its_worker(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discover.workers.dispatch._TICK", 0.02)

    def slow(worker: ThreadWorker, job: int) -> None:
        worker.dead.wait(60)
        raise RuntimeError("ended")

    threads = Threads(2, 1, slow)
    pool = threads.open(Surroundings(registry, seconds=0.1))
    ((_, result),) = pool.run([WORK[1]])
    assert isinstance(result, Failure)
    assert (result.fault, result.retry, result.why) == ("time", "never", "it took longer than 0.1 s and was ended")
    assert threads.all[0].dead.is_set()
    pool.close()


@pytest.mark.parametrize(
    ("workers", "lost"),
    [pytest.param(1, (), marks=pytest.mark.slow), (3, ()), pytest.param(2, (3, 6), marks=pytest.mark.slow), (3, (9, 10, 11))],
)
def test_lifetimes_that_stay_with_workers_go_on_as_here(workers: int, lost: tuple[int, ...], registry: Registry) -> None:
    """Also if a worker is lost that holds some: they are made again by the windows before."""
    expected = windows(Threads(2, 1), hold=False)
    threads = Threads(2, workers, losing(*lost))
    pool = threads.opened(registry)
    assert windows(pool, hold=True) == expected
    gc.collect()
    list(pool.run([]))
    pool._crew.tend()
    held = [worker.bench._held for worker in threads.all if not worker.dead.is_set()]
    for worker in threads.all:
        worker._aside.shutdown()
    assert not any(held), "nobody needs them any more"
    pool.close()


def test_lifetimes_come_home_as_arrays_unless_they_may_stay(registry: Registry) -> None:
    pool = Threads(2, 2).opened(registry)
    assert windows(pool, hold=False) == windows(Threads(2, 1), hold=False)
    pool.close()


def test_lifetimes_that_were_gathered_need_not_be_made_again(registry: Registry, lives: list[float]) -> None:
    threads = Threads(2, 2)
    pool = threads.opened(registry)
    ((_, result),) = pool.run([WORK[2]._replace(keep=True, hold=True, stop=4)])
    assert isinstance(result, Done)
    before = [raw(leaf) for leaf in jax.tree.leaves(gathered(result.lifetimes))]
    for worker in list(threads.all):
        pool._crew.lose(worker)
    count = len(lives)
    assert [raw(leaf) for leaf in jax.tree.leaves(gathered(result.lifetimes))] == before
    ((_, after),) = pool.run([WORK[2]._replace(keep=True, hold=True, start=4, stop=8, ongoing=result.lifetimes)])
    assert isinstance(after, Done)
    assert len(lives) == count + 4
    pool.close()


def test_work_that_is_given_up_does_not_disturb_what_follows(registry: Registry, honest: dict[int, list[bytes]]) -> None:
    pool = Threads(2, 2).opened(registry)
    for _ in range(2):
        results = pool.run(WORK)
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert all_bits(pool) == honest
    pool.close()


def test_workers_that_cannot_begin_are_an_error_in_one_sentence(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(2, 1, lambda worker, job: None)
    start = threads._start

    def broken() -> ThreadWorker:
        worker = start()
        worker.kill()
        return worker

    monkeypatch.setattr(threads, "_start", broken)
    pool = threads.opened(registry)
    with (
        pytest.warns(WorkerWarning, match=r"^a worker could not begin \(killed\): another one is tried\.$"),
        pytest.raises(
            crew.EvaluationError, match=r"^workers cannot begin \(killed\): repair that, or choose the executor 'local'"
        ),
    ):
        list(pool.run(WORK))


def test_a_worker_with_another_version_gets_no_work() -> None:
    facts = {"host": "a", "versions": {"jax": "1", "mlflow": "2"}, "device": "cpu"}
    team = crew.Crew(lambda: ThreadWorker(0, None, None), lambda: 0, b"", versions={"jax": "1"})  # type: ignore[arg-type]
    assert team._differs(facts) is None
    assert team._differs({**facts, "versions": {"jax": "2"}}) == "'a' has jax 2, and this process has 1"
    with pytest.warns(WorkerWarning, match=r"^'c' computes on TPU, 'a' on cpu: bits may depend on who runs what"):
        assert team._differs({**facts, "host": "c", "device": "TPU"}) is None


def test_components_of_this_process_are_refused(registry: Registry) -> None:
    with pytest.raises(
        UserError, match=r"^lifetimes run in other processes, which cannot load the plugin object 'toys': put it"
    ):
        worker_settings(Surroundings(registry), chunk=1, devices=1, here=True)
