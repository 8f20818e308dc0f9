"""Estimates of searches, beside what the searches then do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker_kills import plugins_in

from discover import Curves, Done, Executor, Failure, Work
from discover.outer_loop import estimating, rehearsal
from discover.outer_loop.estimate import Estimate, Phase
from discover.outer_loop.estimating import estimate
from discover.outer_loop.rehearsal import Ledger
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins

SPACE = {"recipe": "climb", "rule": {"toy_climb": {"noise": "free"}}}
WORDS: dict[str, Any] = {
    "name": "tiny",
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "steps": 5}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 5,
    "seeds": 3,
    "finalists": 2,
    "selection_seeds": 3,
    "executor": {"local": {"chunk": 2}},  # so that everything runs on two devices: one program per algorithm
    "tasks": [{"task": "payday", "steps": 200}],
    "report": {"baselines": {"tuned": {"tune": SPACE}}, "seeds": 4},
}


def test_env_steps_are_those_of_the_search(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = search(plugins, WORDS, tmp_path / "it")
    before = sorted(tmp_path.iterdir())
    expected = estimate(plugins, WORDS)
    assert sorted(tmp_path.iterdir()) == before
    assert result.comparison is not None
    report = sum(training.env_steps for each in result.comparison.trainings.values() for training in each)
    finalist = WORDS["selection_seeds"] * 200  # the recommendation of a strategy may be a finalist more
    assert abs(expected.env_steps - (2 * result.env_steps + report)) <= 2 * finalist  # the baseline has the same budget
    assert (expected.structures, expected.possible_structures) == (1, 1)
    assert [phase.name for phase in expected.phases] == ["tiny", "tiny: tuned", "selection and report"]
    assert [phase.env_steps for phase in expected.phases[:2]] == [5 * 4 * 3 * 200] * 2
    assert expected.compilations == 2
    assert expected.seconds > sum(phase.seconds for phase in expected.phases) > 0.0
    assert expected.memory > 10_000_000


class Machine:
    """A clock, and calls that take time on it: one second each, a tenth for each update, and five to compile."""

    def __init__(self) -> None:
        self.now, self.compiled, self.updates = 0.0, False, list[int]()

    def perf_counter(self) -> float:
        return self.now

    def run(self, updates: int) -> Curves:
        self.now += 1.0 + 0.1 * updates + (0.0 if self.compiled else 5.0)
        self.compiled = True
        self.updates.append(updates)
        rows = np.zeros((2, 3, 100), np.float32)
        return Curves(rows, rows, {"loss": rows}, np.ones((2, 3), bool), np.full((2, 3), 8 * updates, np.int32))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    built = Machine()
    monkeypatch.setattr(rehearsal, "time", built)
    return built


def test_a_call_is_split_into_compilation_a_fixed_part_and_updates(machine: Machine) -> None:
    ledger = Ledger(Executor(), generations=4)
    curves = ledger.call("program", 500, machine.run, (2, 3))
    cost = ledger.measured["program"]
    assert (cost.compilation, cost.fixed, cost.update) == (pytest.approx(5.0), pytest.approx(1.0), pytest.approx(0.1))
    assert machine.updates == [2, 2, 4]
    ledger.call("program", 100, machine.run, (2, 3))
    assert machine.updates == [2, 2, 4]  # its like has been measured
    first, second = ledger.take()
    assert (first.seconds, first.env_steps) == (pytest.approx(51.0), 500 * 2 * 3 * 8)
    assert (second.seconds, second.env_steps) == (pytest.approx(11.0), 100 * 2 * 3 * 8)
    assert not ledger.take()
    assert (curves.episode_return.shape, list(curves.info)) == ((2, 3, 100), ["loss"])


def an_estimate(compilation: float) -> Estimate:
    phases = (Phase("tiny", 800, 3.0),)
    return Estimate("tiny", 1, 1, 2, compilation, phases, 3.0 + compilation, 7, 0, 4.0, compilation)


@pytest.mark.parametrize(("compilation", "loadable"), [(0.9, True), (5.0, False), (5.0, True)])
def test_what_was_compiled_is_found_by_another_rehearsal(
    compilation: float, loadable: bool, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[object]()
    first, second = an_estimate(compilation), an_estimate(0.25)
    monkeypatch.setattr(estimating, "rehearsed", lambda *facts: first)
    monkeypatch.setattr(estimating, "_repeatable", lambda given: loadable)
    monkeypatch.setattr(estimating, "_in_new_process", lambda *facts: (asked.append(facts), second)[1])
    expected = estimate(plugins, WORDS)
    if compilation == 5.0 and loadable:
        assert asked == [(plugins, WORDS)]
        assert expected == replace(second, rehearsal_seconds=8.0, rehearsal_compilation_seconds=5.0)
    else:
        assert (expected, asked) == (first, [])


def test_an_object_of_this_process_cannot_be_rehearsed_in_another_one(plugins: Plugins) -> None:
    assert not estimating._repeatable(plugins)


@pytest.mark.slow
def test_a_new_process_rehearses_what_this_one_does(tmp_path: Path) -> None:
    loaded = plugins_in(tmp_path / "plugins")
    here, there = estimating.rehearsed(loaded, WORDS), estimating._in_new_process(loaded, WORDS)
    assert (here.env_steps, here.structures, here.compilations) == (there.env_steps, there.structures, there.compilations)
    assert [phase.name for phase in here.phases] == [phase.name for phase in there.phases]
    assert there.memory > 10_000_000


class SideBySide(Executor):
    """Runs all pieces at the same time, on the clock of a machine, and fails those of 'broken'."""

    def __init__(self, machine: Machine):
        self.machine, self.stops = machine, list[list[int]]()

    def run(self, work: Any, progress: Any = None) -> Any:
        self.stops.append([piece.stop for piece in work])
        self.machine.run(max(self.stops[-1]))
        for place, piece in enumerate(work):
            rows = np.zeros((*piece.shape, 100), np.float32)
            steps = np.full(piece.shape, 8 * piece.stop, np.int32)
            curves = Curves(rows, rows, {str(piece.environment): rows}, np.ones(piece.shape, bool), steps)
            yield place, Failure("candidate", "broken") if piece.environment == "broken" else Done(curves)


def test_pieces_of_a_generation_are_measured_together_as_the_search_will_run_them(machine: Machine) -> None:
    def piece(task: str, members: int, updates: int) -> Work:
        return Work(task, {"x": np.zeros(members)}, np.zeros(2), stop=updates, total=updates)  # type: ignore[arg-type]

    executor = SideBySide(machine)
    ledger = Ledger(executor, generations=4)
    work = [piece("long", 2, 500), piece("broken", 1, 500), piece("short", 3, 50)]
    results = dict(rehearsal.rehearsing(ledger)().run(work))
    assert executor.stops == [[2, 2, 1], [2, 1], [4, 1]]
    assert [type(results[place]).__name__ for place in range(3)] == ["Done", "Failure", "Done"]
    assert [list(results[place].curves.info) for place in (0, 2)] == [["long"], ["short"]]  # type: ignore[union-attr]
    (call,) = ledger.take()
    assert call.seconds == pytest.approx(51.0)
    assert call.env_steps == pytest.approx(8 * (2 * 2 * 500 + 3 * 2 * 50), rel=1e-3)
    again = dict(rehearsal.rehearsing(ledger)().run(work))
    assert len(executor.stops) == 3, "its like has been measured"
    assert isinstance(again[1], Failure)
    assert len(ledger.programs) == 3
    assert dict(rehearsal.rehearsing(ledger)().run([piece("broken", 4, 5)])).keys() == {0}
    assert len(ledger.take()) == 1, "what does not run costs nothing"
