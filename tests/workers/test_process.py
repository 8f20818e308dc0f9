"""Workers in processes of their own: what they promise, and what becomes of it when they are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from discover_zoo.executors.processes import Processes
from searches import WORDS, counters, state
from worker_kills import CHUNK, assert_survives_kills, plugins_in

from discover import ProcessWorker, ReadyParcel, Worker, WorkerLostError
from discover.base.errors import EvaluationError
from discover.config.reading import read_config
from discover.outer_loop.search import search as run_search
from discover.storage.yaml_text import text_of
from discover.workers import process

PROGRAM = (sys.executable, str(Path(__file__).parents[1] / "worker_stand_in.py"))


@pytest.fixture
def worker() -> Iterator[ProcessWorker]:
    made = ProcessWorker(PROGRAM)
    yield made
    made.end()


def test_five_workers_are_killed_and_each_promise_is_broken_once() -> None:
    """Whatever was promised: a job that runs, lifetimes for another worker, and what is asked afterwards."""
    workers = [ProcessWorker(PROGRAM) for _ in range(5)]
    survivor = ProcessWorker(PROGRAM)
    try:
        for worker in workers:
            assert int(worker.begin(b"settings").result(60)) == worker.process.pid
            job = worker.ask(b"sleep", [])
            os.kill(worker.process.pid, signal.SIGKILL)
            with pytest.raises(WorkerLostError, match=r"^its process ended \(exit status -9\)$") as caught:
                job.result(60)
            assert worker.is_lost_by(caught.value)
            parcel = worker.pack(1, [0])
            moved = survivor.ask(b"job", [parcel])
            with pytest.raises(EvaluationError, match="did not arrive") as late:
                moved.result(60)
            assert not survivor.is_lost_by(late.value)
            assert worker.is_lost_by(parcel.future().exception(60) or RuntimeError())
            assert worker.has_ended()
        assert survivor.ask(b"job", []).result(60) == b"job"
        assert not survivor.has_ended()
    finally:
        for worker in [*workers, survivor]:
            worker.end()


def test_lifetimes_travel_from_one_worker_to_another(worker: ProcessWorker) -> None:
    other = ProcessWorker(PROGRAM)
    try:
        asked = worker.ask(b"job", [other.pack(7, [2, 0]), ReadyParcel(b"mine")])
        back = other.ask(b"job", [worker.pack(8, [1])])
        assert asked.result(60) == b"job+7:[2, 0]+mine"
        assert back.result(60) == b"job+8:[1]"
    finally:
        other.end()


def test_a_job_that_runs_delays_no_parcel(worker: ProcessWorker) -> None:
    running = worker.ask(b"sleep", [])
    worker.drop(3)
    assert worker.pack(3, [0]).future().result(60) == b"3:[0]"
    assert not running.done()


def test_the_other_end_ends_with_its_input() -> None:
    worker = ProcessWorker(PROGRAM)
    worker.begin(b"").result(60)
    worker._outbox.put(None)
    assert worker.process.wait(60) == 3


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [5, 50])
def test_real_workers_that_are_killed(
    kills: int, tmp_path: Path, compiled_alike: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With plugins of a folder."""

    def strike(worker: Worker) -> bool:
        assert isinstance(worker, ProcessWorker)
        os.kill(worker.process.pid, signal.SIGKILL)
        return True

    executor = Processes(workers=2, chunk=CHUNK)
    assert_survives_kills(executor, plugins_in(tmp_path / "plugins"), strike, kills=kills, monkeypatch=monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_search_is_killed_inside_a_generation_and_goes_on_with_more_workers(
    tmp_path: Path, compiled_alike: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers end by themselves."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")
    plugins = plugins_in(tmp_path / "plugins")
    tasks = [{"task": "late-payday", "steps": 200_000}, {"task": "payday", "steps": 200_000}]  # a job takes a while
    words = {**WORDS, "generations": 3, "population": 6, "tasks": tasks}
    run_search(plugins, {**words, "executor": {"local": {"chunk": CHUNK}}}, tmp_path / "whole")
    config, executor = tmp_path / "killed.yaml", {"processes": {"workers": 2, "chunk": CHUNK}}
    config.write_text(text_of({**words, "executor": executor, "directory": str(tmp_path / "killed")}, "it"))
    command, options = [sys.executable, "-m", "discover"], ["--no-tracking", "--plugins-dir", str(tmp_path / "plugins")]
    search = subprocess.Popen([*command, "search", str(config), *options])
    try:
        first = 0
        while not first or recorded_in(tmp_path / "killed") < 4 * first:  # of the twelve parts of the first generation
            assert search.poll() is None
            first = first or recorded_in(tmp_path / "killed")
            time.sleep(0.01)
        workers = workers_of(search.pid)
    finally:
        search.kill()
        search.wait()
    assert len(workers) == 2
    (directory,) = (tmp_path / "killed").iterdir()
    executor["processes"]["workers"] = 3
    (directory / "config.yaml").write_text(text_of({**read_config(directory / "config.yaml"), "executor": executor}, "it"))
    subprocess.run([*command, "resume", str(directory), *options], check=True)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert state(directory) == state(tmp_path / "whole")
    assert counters(directory) == counters(tmp_path / "whole")


def recorded_in(directory: Path) -> int:
    """The bytes of finished work that a search below a directory has recorded."""
    return sum(path.stat().st_size for path in directory.rglob("work.journal*"))


def workers_of(process: int) -> list[int]:
    """The processes that it started."""
    children = [Path(f"/proc/{process}/task/{task.name}/children") for task in Path(f"/proc/{process}/task").iterdir()]
    return [int(child) for place in children for child in place.read_text().split()]


def test_the_real_program_is_a_module_of_the_core() -> None:
    assert process.PROGRAM[1:] == ("-P", "-m", "discover.workers.process_end")
