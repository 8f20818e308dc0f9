"""Whole searches with workers: lost ones, a kill inside a generation, and how many workers there are leave no trace."""

from pathlib import Path
from typing import Any

import pytest
from discover_zoo.executors import processes
from searches import WORDS, counters, state, watched
from thread_workers import Bench, ThreadWorker
from toys import plugins

from discover.base.errors import UserError
from discover.config.reading import read_config
from discover.inner_loop import here
from discover.outer_loop.search import resume, search
from discover.storage.yaml_text import text_of

LOCAL = {"local": {"chunk": 2}}
PBT = {"strategy": {"pbt": {"share": 0.4}}, "population": 5, "generations": 3, "tasks": [{"task": "payday", "steps": 96}]}


class Killed(BaseException):
    """The process is killed: nothing of ours takes notice."""


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> list[ThreadWorker]:
    """The workers of the executor `processes`, which are threads of this process; a test says which jobs end one."""
    made = list[ThreadWorker]()

    def before(worker: ThreadWorker, job: int) -> None:
        JOBS.append(job)
        if len(JOBS) in LOST:
            worker.kill()
            raise RuntimeError("killed")

    def start() -> ThreadWorker:
        made.append(ThreadWorker(len(made), Bench(plugins(), 2), before))
        return made[-1]

    JOBS.clear()
    LOST.clear()
    monkeypatch.setattr(processes, "ProcessWorker", start)
    monkeypatch.setattr(processes, "worker_settings", lambda *facts, **more: b"")
    return made


LOST = set[int]()
"""The jobs, counted over all workers, in whose middle a worker is lost."""

JOBS = list[int]()
"""The jobs so far."""


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many members each program ran."""
    run, counts = here.run_population, list[int]()

    def counted(work: Any, **more: Any) -> Any:
        counts.append(work.shape[0])
        return run(work, **more)

    monkeypatch.setattr(here, "run_population", counted)
    return counts


def left(folder: Path) -> Any:
    """All that a search leaves, but for the words of its executor."""
    return state(folder), counters(folder)


@pytest.mark.parametrize(
    "change", [pytest.param({}, id="fresh lifetimes"), pytest.param(PBT, id="lifetimes that go on", marks=pytest.mark.slow)]
)
def test_a_search_with_workers_leaves_what_one_without_them_leaves(
    change: dict[str, Any], tmp_path: Path, team: list[ThreadWorker], lives: list[int]
) -> None:
    """With one worker; with three, five of which are lost."""
    words = {**WORDS, **change}
    result = search(watched(), {**words, "executor": LOCAL}, tmp_path / "local")
    whole = sum(lives)
    for name, workers, lost in (("one", 1, ()), ("three", 3, (1, 3, 4, 6, 8))):
        team.clear()
        JOBS.clear()
        LOST.clear()
        LOST.update(lost)
        lives.clear()
        again = search(watched(), {**words, "executor": {"processes": {"workers": workers, "chunk": 2}}}, tmp_path / name)
        assert left(tmp_path / name) == left(tmp_path / "local")
        assert (again.champion_fitness, again.env_steps) == (result.champion_fitness, result.env_steps)
        assert len(team) >= workers + bool(lost) * 2
        if not change:
            assert sum(lives) == whole, "no lifetime is lost, and none runs twice"
        assert again.broken == {}
        assert all(worker.dead.is_set() for worker in team), "they end with the search"


@pytest.mark.parametrize(
    "after", [pytest.param({}, marks=pytest.mark.slow), {"processes": {"workers": 3, "devices": 2, "chunk": 2}}, LOCAL], ids=str
)
def test_a_search_that_is_killed_inside_a_generation_goes_on(
    after: dict[str, Any], tmp_path: Path, team: list[ThreadWorker], lives: list[int]
) -> None:
    """Also with another executor, if it gives the same bits: what is done stays done."""

    def kill(what: str, share: float) -> None:
        if what.startswith("search 3") and share > 0:
            raise Killed

    tasks = [{"task": "payday", "steps": 96}, {"task": "payday", "steps": 40}]
    words = {**WORDS, "generations": 3, "tasks": tasks, "executor": {"processes": {"workers": 2, "chunk": 2}}}
    search(watched(), words, tmp_path / "whole")
    whole = sum(lives)
    lives.clear()
    with pytest.raises(Killed):
        search(watched(), words, tmp_path / "it", progress=kill)
    if after:
        config = tmp_path / "it" / "config.yaml"
        config.write_text(text_of({**read_config(config), "executor": after}, "it"))
    resume(watched(), tmp_path / "it")
    assert whole <= sum(lives) <= whole + 2 * len(team), "what a worker was doing, and nobody took, runs again"
    assert left(tmp_path / "it") == left(tmp_path / "whole")


def test_a_search_does_not_go_on_with_an_executor_whose_bits_differ(tmp_path: Path, team: list[ThreadWorker]) -> None:
    search(watched(), {**WORDS, "executor": LOCAL}, tmp_path / "it")
    config = tmp_path / "it" / "config.yaml"
    config.write_text(text_of({**read_config(config), "executor": {"processes": {"workers": 2, "chunk": 4}}}, "it"))
    with pytest.raises(UserError, match=r"executor is .*processes.* was .*local.*, which cannot be taken up by it"):
        resume(watched(), tmp_path / "it")
