"""The journal of finished work: what is recorded is not run again, and whatever happens to it changes no bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scripted import Scripted
from searches import WORDS, counters, state, watched

from discover import Curves, Done, Failure, Registry, Work
from discover.base.randomness import seed_keys
from discover.config.build import algorithm_from, environment_from
from discover.evaluation.journal import Journal, JournalWarning
from discover.outer_loop.search import resume, search


class Killed(BaseException):
    """The process is killed: nothing of ours takes notice."""


class Slopes(Scripted):
    """Returns the slope of each member, and notes which it was asked for; two at once fill it."""

    def __init__(self, name: str = "slopes") -> None:
        self.name, self.asked, self.fails_at = name, list[list[float]](), 99.0

    def __repr__(self) -> str:
        return self.name

    def members_at_once(self, seeds: int) -> int:
        return 2

    def curves(self, work: Work, progress: Any) -> Curves:
        slopes = np.asarray(work.candidates.rule.slope)
        if (slopes >= self.fails_at).any():
            raise ValueError("Error calling callback: too steep")
        self.asked.append(slopes.tolist())
        rows = np.broadcast_to(slopes[:, None, None], (*work.shape, 100)).astype(np.float32)
        return Curves(rows, rows + 1, {"b": rows + 2, "a": rows + 3}, rows[..., 0] > 0, rows[..., 0].astype(np.int32))


Make = Callable[..., Work]


@pytest.fixture
def made(registry: Registry) -> Make:
    """Makes a piece of work."""

    def make(*slopes: float, task: str = "payday", seed: int = 0, stop: int = 5, **static: int) -> Work:
        words = [{"recipe": "climb", "rule": {"toy_climb": {"slope": slope, **static}}} for slope in slopes]
        members = [algorithm_from(registry, word) for word in words]
        candidates = jax.tree.map(lambda *leaves: np.stack(leaves), *members)
        return Work(environment_from(registry, task), candidates, seed_keys(seed, "it", 3), stop=stop, total=5)

    return make


def opened(executor: Slopes, registry: Registry, path: Path, **dependencies: str) -> Journal:
    journal = Journal(executor, registry)
    journal.begin(path, dependencies)
    return journal


def curves(journal: Journal, *work: Work) -> list[bytes]:
    done = [result for _, result in sorted(journal.run(work)) if isinstance(result, Done)]
    assert len(done) == len(work)
    return [leaf.tobytes() for result in done for leaf in jax.tree.leaves(result.curves)]


def test_members_are_recorded_by_all_that_their_curves_depend_on(tmp_path: Path, registry: Registry, made: Make) -> None:
    executor, path = Slopes(), tmp_path / "it"
    journal = opened(executor, registry, path, jax="1")
    first = curves(journal, made(1.0, 2.0, 3.0))
    assert executor.asked == [[1.0, 2.0, 3.0]], "two fill it, and the third is too few alone"
    assert curves(opened(executor, registry, path, jax="1"), made(1.0, 2.0, 3.0)) == first
    assert len(executor.asked) == 1
    curves(journal, made(3.0, 4.0, 1.0, 5.0), made(2.0, task="late-payday"), made(2.0, 1.0))
    assert executor.asked[1:] == [[4.0, 5.0], [2.0]]
    executor.asked.clear()
    for change in ({"seed": 1}, {"stop": 4}, {"num_envs": 1}):
        curves(journal, made(1.0, **change))
    curves(opened(executor, registry, path, jax="2"), made(1.0))
    curves(opened(Slopes("others"), registry, path, jax="1"), made(1.0))
    assert executor.asked == [[1.0]] * 4


def test_work_is_cut_into_pieces_each_of_which_is_recorded_when_it_is_done(
    tmp_path: Path, registry: Registry, made: Make
) -> None:
    executor, whole = Slopes(), Slopes()
    executor.fails_at = 5.0
    work = made(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    ((_, failure),) = opened(executor, registry, tmp_path / "it").run([work])
    assert isinstance(failure, Failure)
    assert (failure.fault, failure.retry, executor.asked) == ("candidate", "alone", [[1.0, 2.0], [3.0, 4.0]])
    executor.fails_at = 99.0
    again = curves(opened(executor, registry, tmp_path / "it"), work)
    assert executor.asked[2:] == [[5.0, 6.0]]
    assert again == curves(opened(whole, registry, tmp_path / "other"), work)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"\xff" * 30, lambda data: b"", lambda data: data[1:]]
)
def test_a_damaged_journal_costs_work_and_no_more(
    tmp_path: Path, registry: Registry, made: Make, damage: Callable[[bytes], bytes]
) -> None:
    executor, path = Slopes(), tmp_path / "it"
    first = curves(opened(executor, registry, path), made(1.0, 2.0, 3.0, 4.0))
    path.write_bytes(damage(path.read_bytes()))
    for _ in range(2):
        assert curves(opened(executor, registry, path), made(1.0, 2.0, 3.0, 4.0)) == first
    assert sorted(executor.asked)[0] == [1.0, 2.0]
    assert len(executor.asked) <= 4


def test_a_full_disk_is_a_warning(tmp_path: Path, registry: Registry, made: Make) -> None:
    executor = Slopes()
    journal = opened(executor, registry, tmp_path / "missing" / "it")
    with pytest.warns(JournalWarning, match=r"^finished work is not recorded, and done again after a kill \(No such file"):
        curves(journal, made(1.0))
    curves(journal, made(1.0))
    assert executor.asked == [[1.0]] * 2


def test_lifetimes_that_go_on_pass_through(tmp_path: Path, registry: Registry, made: Make) -> None:
    executor = Slopes()
    journal = opened(executor, registry, tmp_path / "it")
    for _ in range(2):
        assert len(list(journal.run([made(1.0, 2.0, 3.0)._replace(keep=True)]))) == 1
    assert executor.asked == [[1.0, 2.0, 3.0]] * 2
    assert not (tmp_path / "it").exists()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The updates of each piece of work that runs."""
    from discover.inner_loop import here

    honest, counts = here.run_population, list[int]()

    def counted(work: Work, **more: Any) -> Any:
        counts.append(work.total)
        return honest(work, **more)

    monkeypatch.setattr(here, "run_population", counted)
    return counts


def test_a_search_that_is_killed_inside_a_generation_repeats_no_finished_work(tmp_path: Path, runs: list[int]) -> None:
    """Also if the kill tore the last record. Both tasks have one type of environment, so they run one after the other."""

    def kill(what: str, share: float) -> None:
        if what == "search 3: payday @ 40":
            raise Killed

    tasks = [{"task": "payday", "steps": 96}, {"task": "payday", "steps": 40}]
    words = {**WORDS, "generations": 3, "tasks": tasks}
    result = search(watched(), words, tmp_path / "whole")
    whole = len(runs)
    for name, torn in (("it", 0), ("torn", 9)):
        runs.clear()
        with pytest.raises(Killed):
            search(watched(), words, tmp_path / name, progress=kill)
        path = tmp_path / name / "work.journal"
        path.write_bytes(path.read_bytes()[: len(path.read_bytes()) - torn])
        again = resume(watched(), tmp_path / name)
        assert len(runs) == whole + bool(torn)
        assert not path.exists()
        assert state(tmp_path / name) == state(tmp_path / "whole")
        assert counters(tmp_path / name) == counters(tmp_path / "whole")
        champions = [(tmp_path / place / "champion.candidate").read_bytes() for place in (name, "whole")]
        assert champions[0] == champions[1]
        assert (again.champion_fitness, again.env_steps) == (result.champion_fitness, result.env_steps)
