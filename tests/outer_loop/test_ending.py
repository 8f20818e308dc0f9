"""The end of a search: killed anywhere in it and resumed, it has the same result, and no lifetime is run twice."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
import toys
import yaml
from scripted import Scripted
from searches import WORDS, Watcher, run, state, watched

from discover import (
    Comparison,
    ComparisonInfo,
    Curves,
    Registry,
    SearchInfo,
    Selection,
    Space,
    Work,
    fresh_work,
    hookimpl,
    run_alone,
)
from discover.base.errors import EvaluationError
from discover.base.randomness import seed_keys
from discover.config.build import algorithm_from, environment_from
from discover.config.candidate_file import load_notes
from discover.config.search_config import checked_config
from discover.contract.events import Status
from discover.contract.results import SearchResult
from discover.evaluation.curve_store import CurveStore, NotStoredError
from discover.outer_loop.fitness import Evaluation, Evaluator
from discover.outer_loop.search import resume, search
from discover.plugin.loader import Plugins

SHORT = {"tasks": [{"task": "payday", "steps": 40}], "generations": 2, "seeds": 1, "finalists": 2, "selection_seeds": 3}
REPORT = {
    "baselines": {"fixed": "climb", "best of it": {"tune": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}}},
    "tasks": [{"task": "payday", "steps": 40}, {"task": "payday", "steps": 80}],
    "seeds": 16,
}
TUNED = "tune-best-of-it"


class Killed(BaseException):
    """The process is killed: nothing of ours takes notice."""


class IntegerDomain(NamedTuple):
    """A search that nothing disturbed, and how often lifetimes were run for it."""

    directory: Path
    result: SearchResult
    runs: int


class Runs:
    """Counts the evaluations of populations."""

    def __init__(self, patch: pytest.MonkeyPatch):
        from discover.inner_loop import here

        honest = here.run_population
        self.count = 0

        def counted(*given: Any, **more: Any) -> Any:
            self.count += 1
            return honest(*given, **more)

        patch.setattr(here, "run_population", counted)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> IntegerDomain:
    directory = tmp_path_factory.mktemp("whole") / "it"
    with pytest.MonkeyPatch.context() as patched:
        runs = Runs(patched)
        result = run(directory, report=REPORT, **SHORT)
    return IntegerDomain(directory, result, runs.count)


def result_file(directory: Path) -> dict[str, Any]:
    """What says that a search is finished, without the time that it took."""
    return {key: value for key, value in json.loads((directory / "result.json").read_text()).items() if key != "seconds"}


def same(directory: Path, result: SearchResult, whole: IntegerDomain) -> None:
    for place, other in ((directory, whole.directory), (directory / TUNED, whole.directory / TUNED)):
        assert (place / "champion.candidate").read_bytes() == (other / "champion.candidate").read_bytes()
        assert state(place) == state(other)
        assert result_file(place) == result_file(other)
    assert result.comparison is not None
    assert whole.result.comparison is not None
    assert result.comparison.rows() == whole.result.comparison.rows()
    np.testing.assert_array_equal(result.finalists, whole.result.finalists)
    np.testing.assert_array_equal(result.finalist_fitness, whole.result.finalist_fitness)
    assert result.champion_fitness == whole.result.champion_fitness
    assert result.env_steps == whole.result.env_steps


def at(label: str) -> Callable[[pytest.MonkeyPatch], Any]:
    """Killed when this is about to be run."""

    def kill(what: str, share: float) -> None:
        if what.startswith(label):
            raise Killed

    return lambda patched: kill


def writing(name: str, done: bool) -> Callable[[pytest.MonkeyPatch], Any]:
    """Killed just before or after this file is written."""

    def patch(patched: pytest.MonkeyPatch) -> None:
        honest = Path.replace

        def replace(self: Path, target: Path) -> Path:
            wanted = str(target).endswith(name)
            if wanted and not done:
                raise Killed
            made = honest(self, target)
            if wanted:
                raise Killed
            return made

        patched.setattr(Path, "replace", replace)

    return patch


def told(hook: str, inner: bool = False) -> Callable[[pytest.MonkeyPatch], Any]:
    """Killed in this hook, when all generations are done."""

    def patch(patched: pytest.MonkeyPatch) -> None:
        honest = Plugins.tell

        def tell(self: Plugins, name: str, **facts: Any) -> list[Any]:
            directory = facts["search" if "search" in facts else "comparison"].directory if name == hook else None
            if directory and (directory / "champion.candidate").exists() and (directory.name == TUNED) == inner:
                raise Killed
            return honest(self, name, **facts)

        patched.setattr(Plugins, "tell", tell)

    return patch


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(at("selection 1"), marks=pytest.mark.slow),
        at("champion 1"),
        pytest.param(writing("it/champion.candidate", done=False), marks=pytest.mark.slow),
        pytest.param(writing("it/champion.candidate", done=True), marks=pytest.mark.slow),
        pytest.param(writing(f"{TUNED}/search.json", done=True), marks=pytest.mark.slow),
        pytest.param(writing(f"{TUNED}/config.yaml", done=True), marks=pytest.mark.slow),
        pytest.param(writing(f"{TUNED}/state.npz", done=True), marks=pytest.mark.slow),
        pytest.param(writing(f"{TUNED}/champion.candidate", done=True), marks=pytest.mark.slow),
        pytest.param(told("discover_search_finished", inner=True), marks=pytest.mark.slow),
        writing(f"{TUNED}/result.json", done=True),
        at("fixed on payday @ 80"),
        pytest.param(told("discover_selection_finished"), marks=pytest.mark.slow),
        pytest.param(told("discover_candidate_finished"), marks=pytest.mark.slow),
        pytest.param(told("discover_search_finished"), marks=pytest.mark.slow),
        told("discover_checkpoint"),
        pytest.param(writing("it/result.json", done=False), marks=pytest.mark.slow),
        pytest.param(writing("it/result.json", done=True), marks=pytest.mark.slow),
    ],
)
def test_killed_anywhere_in_its_end_and_resumed_it_ends_the_same(
    tmp_path: Path, whole: IntegerDomain, runs: Runs, kill: Callable[[pytest.MonkeyPatch], Any]
) -> None:
    directory = tmp_path / "it"
    with pytest.MonkeyPatch.context() as patched:
        progress = kill(patched)
        patched.setattr("discover.outer_loop.checkpoint.Checkpoint.save", lambda self, snapshot: False)
        with pytest.raises(Killed):
            search(watched(), {**WORDS, "report": REPORT, **SHORT}, directory, progress=progress)
    same(directory, resume(watched(), directory), whole)
    assert runs.count == whole.runs


def test_a_finished_search_shows_its_result_again_and_runs_nothing(tmp_path: Path, whole: IntegerDomain, runs: Runs) -> None:
    directory, watcher = Path(shutil.copytree(whole.directory, tmp_path / "it")), Watcher()
    result = resume(watched(watcher), directory)
    same(directory, result, whole)
    assert runs.count == 0
    assert watcher.events == ["started from 2", "finished"]
    assert result.seconds == whole.result.seconds


def test_the_choice_and_the_report_of_a_search_are_told_and_those_of_a_finished_one_are_not(tmp_path: Path) -> None:
    events: list[tuple[str, Any]] = []

    class Notes:
        @hookimpl
        def discover_selection_started(self, search: SearchInfo) -> None:
            events.append(("selection started", search.directory.name))

        @hookimpl
        def discover_selection_finished(self, search: SearchInfo, selection: Selection) -> None:
            events.append(("selection finished", search.directory.name))
            assert selection.fitness == pytest.approx(float(load_notes(search.directory / "champion.candidate")["fitness"]))
            assert len(selection.finalists) == len(selection.finalist_fitness)

        @hookimpl
        def discover_comparison_started(self, comparison: ComparisonInfo) -> None:
            assert comparison.directory is not None
            events.append(("report started", (comparison.directory.name, dict(comparison.roles))))

        @hookimpl
        def discover_comparison_finished(self, comparison: Comparison) -> None:
            events.append(("report finished", list(comparison.candidates)))

        @hookimpl
        def discover_search_finished(self, search: SearchInfo) -> None:
            events.append(("search finished", search.directory.name))

    directory = tmp_path / "it"
    search(watched(Notes()), {**WORDS, "report": REPORT, **SHORT}, directory)
    assert events == [
        ("selection started", "it"),
        ("selection finished", "it"),
        ("selection started", TUNED),
        ("selection finished", TUNED),
        ("search finished", TUNED),
        ("report started", ("it", {"champion": "champion", "fixed": "baseline", "best of it": "tuned"})),
        ("report finished", ["champion", "fixed", "best of it"]),
        ("search finished", "it"),
    ]
    events.clear()
    resume(watched(Notes()), directory)
    assert events == [("search finished", "it")]


def test_a_report_that_has_not_been_kept_is_not_run_again(tmp_path: Path, whole: IntegerDomain, runs: Runs) -> None:
    directory = Path(shutil.copytree(whole.directory, tmp_path / "it"))
    shutil.rmtree(directory / "evaluated")
    with pytest.warns(
        UserWarning, match=rf"^the report of the search in '{directory}' cannot be shown again \(its learning curves have"
    ):
        result = resume(watched(), directory)
    assert runs.count == 0
    assert result.comparison is None
    assert result.champion_fitness == whole.result.champion_fitness


def test_another_report_is_made_on_the_champion_that_was_found(tmp_path: Path, whole: IntegerDomain, runs: Runs) -> None:
    directory = Path(shutil.copytree(whole.directory, tmp_path / "it"))
    words = yaml.safe_load((directory / "config.yaml").read_text())
    words["report"]["tasks"].pop()
    words["report"]["baselines"]["steep"] = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}}
    (directory / "config.yaml").write_text(yaml.safe_dump(words, sort_keys=False))
    with pytest.warns(UserWarning, match=r"^the search goes on otherwise"):
        result = resume(watched(), directory, anyway=True)
    assert runs.count == 1  # of the new baseline
    assert result.comparison is not None
    assert list(result.comparison.candidates) == ["champion", "fixed", "best of it", "steep"]


# The champion ---------------------------------------------------------------------------------------------------------


def test_no_candidate_is_a_finalist_twice(tmp_path: Path) -> None:
    """Neither one that was evaluated again, nor the strategy's recommendation, nor genomes of one candidate."""
    strategy = {"toy_turns": {"genomes": [[[0.1], [0.5], [0.5]], [[0.5], [0.1], [0.3]]]}}
    result = run(tmp_path / "listed", **{**SHORT, "finalists": 5}, strategy=strategy)
    assert sorted(result.finalists[:, 0].tolist()) == pytest.approx([0.1, 0.3, 0.5])
    hill = run(tmp_path / "hill", **{**SHORT, "finalists": 6})
    assert len(hill.finalists) == 6  # all that were evaluated, the recommendation among them
    assert len(np.unique(hill.finalists)) == 6


def test_a_recommendation_that_was_never_evaluated_is_a_finalist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys.Hill, "recommendation", lambda self, state, space: state["mean"] + 0.25)
    result = run(tmp_path, **SHORT)
    assert len(result.finalists) == 3


def test_the_fitness_of_the_champion_is_that_on_seeds_that_did_not_choose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, asked = Evaluator.evaluate, []

    def noted(self: Any, genomes: np.ndarray, purpose: str, *further: Any, **more: Any) -> Evaluation:
        made = honest(self, genomes, purpose, *further, **more)
        asked.append((purpose, len(genomes), made))
        return made

    monkeypatch.setattr(Evaluator, "evaluate", noted)
    result = run(tmp_path, **SHORT)
    purposes = [(purpose, members) for purpose, members, _ in asked]
    assert purposes == [("search", 3), ("search", 3), ("selection", len(result.finalists)), ("champion", 1)]
    assert result.champion_fitness == asked[-1][2].fitness[0] == load_notes(result.champion_path)["fitness"]
    assert result.finalist_fitness.tolist() == asked[-2][2].fitness.tolist()
    assert not set(asked[-1][2].returns[0].ravel().tolist()) & set(asked[-2][2].returns[0].ravel().tolist())


@pytest.mark.parametrize("lucky", [1, 0])
def test_a_champion_that_breaks_on_its_own_seeds_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lucky: int
) -> None:
    honest, tried = Evaluator.evaluate, []

    def unlucky(self: Any, genomes: np.ndarray, purpose: str, *further: Any, **more: Any) -> Evaluation:
        made = honest(self, genomes, purpose, *further, **more)
        if purpose != "champion":
            return made
        tried.append(genomes[0, 0])
        broken = lucky == 0 or len(tried) == 1
        return made._replace(status=np.full(1, Status.NOT_FINITE, np.int8)) if broken else made

    monkeypatch.setattr(Evaluator, "evaluate", unlucky)
    if not lucky:
        with pytest.raises(EvaluationError, match=r"^each of the 2 best candidates broke on fresh seeds"):
            run(tmp_path, **SHORT)
        return
    result = run(tmp_path, **SHORT)
    best, second = np.argsort(-result.finalist_fitness)[:2]
    assert tried == [result.finalists[best, 0], result.finalists[second, 0]]
    assert result.broken == {"not_finite": 1}


def test_a_finalist_that_breaks_on_fresh_seeds_is_no_champion_whatever_it_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Evaluator.evaluate

    def breaks(self: Any, genomes: np.ndarray, purpose: str, *further: Any, **more: Any) -> Evaluation:
        made = honest(self, genomes, purpose, *further, **more)
        if purpose != "selection":
            return made
        status = np.asarray([Status.NOT_FINITE, *[Status.OK] * (len(genomes) - 1)], np.int8)
        return made._replace(status=status, fitness=-np.arange(len(genomes), dtype=np.float32))

    monkeypatch.setattr(Evaluator, "evaluate", breaks)
    result = run(tmp_path, **SHORT)
    assert result.finalist_fitness.tolist() == [-np.inf, *range(-1, -len(result.finalists), -1)]
    second = Space(checked_config(watched().registry, WORDS).template).decode(result.finalists[1])
    assert repr(result.champion) == repr(second)
    assert result.broken == {"not_finite": 1}


@pytest.mark.slow
def test_the_stated_fitness_is_unbiased(tmp_path: Path) -> None:
    """Twelve equal candidates: the best of them on the selection seeds looks better than it is, the stated fitness does not."""
    stated, looked = [], []
    for seed in range(12):
        strategy = {"toy_listed": {"genomes": [[index / 1e6] for index in range(12)]}}
        noisy = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 1.0}}}
        change = {"generations": 1, "population": 12, "finalists": 12, "seed": seed, "candidate": noisy}
        result = run(tmp_path / str(seed), **{**SHORT, **change}, strategy=strategy)
        truth = result.finalist_fitness.mean()
        stated.append(result.champion_fitness - truth)
        looked.append(result.finalist_fitness.max() - truth)
    assert min(looked) >= 0
    assert abs(np.mean(stated)) < 3 * np.std(stated) / np.sqrt(12)


# Kept curves ----------------------------------------------------------------------------------------------------------


class Stub(Scripted):
    """Gives curves of its own making, and counts how often it is asked."""

    def __init__(self, name: str = "stub"):
        self.name, self.count = name, 0

    def __repr__(self) -> str:
        return self.name

    def curves(self, work: Work, progress: Any) -> Curves:
        self.count += 1
        rows = np.arange(200, dtype=np.float32).reshape(1, 2, 100)
        return Curves(rows, rows + 1, {"b/c": rows + 2, "a": rows + 3}, rows[..., 0] > 0, rows[..., 0].astype(np.int32))


@pytest.fixture
def given(registry: Registry) -> Callable[..., Work]:
    """Makes a piece of work."""

    def made(slope: float = 1.0, task: str = "payday", seed: int = 0, seeds: int = 2, steps: int = 40, **static: int) -> Work:
        words = {"recipe": "climb", "rule": {"toy_climb": {"slope": slope, **static}}}
        candidates = jax.tree.map(lambda leaf: np.asarray(leaf)[None], algorithm_from(registry, words))
        return fresh_work(environment_from(registry, task), candidates, seed_keys(seed, "it", seeds), steps)

    return made


def test_curves_are_kept_by_all_that_they_depend_on(tmp_path: Path, registry: Registry, given: Any) -> None:
    stub, other, folder = Stub(), Stub("another"), tmp_path / "kept"
    kept = CurveStore(stub, folder, registry, {"jax": "1"})
    assert repr(kept) == "stub"
    first = run_alone(kept, given()).curves
    again = run_alone(CurveStore(stub, folder, registry, {"jax": "1"}, only=True), given()).curves
    assert stub.count == 1
    assert list(again.info) == list(first.info)
    for one, two in zip(jax.tree.leaves(first._asdict()), jax.tree.leaves(again._asdict()), strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
    changes = [{"task": "late-payday"}, {"slope": 1.5}, {"num_envs": 1}, {"seed": 1}, {"seeds": 1}, {"steps": 80}]
    for change in changes:
        run_alone(kept, given(**change))
    assert stub.count == 1 + len(changes)
    run_alone(CurveStore(stub, folder, registry, {"jax": "2"}), given())
    run_alone(CurveStore(other, folder, registry, {"jax": "1"}), given())
    assert (stub.count, other.count) == (2 + len(changes), 1)


@pytest.mark.parametrize("kept_bytes", [slice(0), slice(-40), slice(40, None), slice(None, None, -1)])
def test_damaged_curves_are_made_again(tmp_path: Path, registry: Registry, given: Any, kept_bytes: slice) -> None:
    stub = Stub()
    kept = CurveStore(stub, tmp_path, registry, {})
    first = run_alone(kept, given()).curves
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[kept_bytes])
    with pytest.raises(NotStoredError):
        run_alone(CurveStore(stub, tmp_path, registry, {}, only=True), given())
    assert run_alone(kept, given()).curves.episode_return.tobytes() == first.episode_return.tobytes()
    assert stub.count == 2


def test_what_a_killed_writer_left_of_curves_is_cleaned(tmp_path: Path, registry: Registry) -> None:
    ours, foreign = f".{'a' * 32}.npz.{os.getpid()}.new", f".notes.{os.getpid()}.new"
    for name in (ours, foreign):
        (tmp_path / name).write_text("half")
    CurveStore(Stub(), tmp_path, registry, {})
    assert os.listdir(tmp_path) == [foreign]


def test_champions_are_the_same_bytes_whenever_and_with_whomever_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "one", **SHORT)
    monkeypatch.setattr("time.time", lambda: 1e9)
    monkeypatch.setattr("discover.plugin.provenance._commit", lambda: "another")
    run(tmp_path / "two", Watcher(), **SHORT)
    first, second = ((tmp_path / name / "champion.candidate").read_bytes() for name in ("one", "two"))
    assert first == second
