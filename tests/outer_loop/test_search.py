"""Searches: the same bits whatever watches, stops or kills them, and broken candidates that spoil nothing."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toys
import yaml
from searches import WORDS, Watcher, counters, run, state, watched

from discover import Algorithm, Registry, Space, UserError, hookimpl
from discover.base.errors import EvaluationError
from discover.config import build
from discover.config.candidate_file import fingerprint_of, load_candidate, load_notes
from discover.config.search_config import checked_config
from discover.contract.events import Generation, SearchInfo, Status
from discover.contract.results import SearchResult
from discover.outer_loop.directory import new_directory
from discover.outer_loop.search import resume, search
from discover.plugin.loader import PluginWarning, load_plugins


def champion(directory: Path, registry: Registry) -> str:
    return fingerprint_of(registry, load_candidate(directory / "champion.candidate", registry))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watcher, SearchResult]:
    """A search that nothing disturbed."""
    directory, watcher = tmp_path_factory.mktemp("search") / "whole", Watcher()
    return directory, watcher, run(directory, watcher)


@pytest.fixture
def same_as_whole(whole: tuple[Path, Watcher, SearchResult], registry: Registry) -> Any:
    def check(directory: Path) -> None:
        assert state(directory) == state(whole[0])
        assert counters(directory) == counters(whole[0])
        assert champion(directory, registry) == champion(whole[0], registry)

    return check


# What a search tells --------------------------------------------------------------------------------------------------


def test_a_search_tells_what_it_does(whole: tuple[Path, Watcher, SearchResult], registry: Registry) -> None:
    directory, watcher, result = whole
    assert watcher.events == ["started from 0", *(f"generation {i}" for i in range(4)), "finished"]
    best = -np.inf
    for index, generation in enumerate(watcher.generations):
        assert generation.genomes.shape == (3, 1)
        assert [task.shape for task in generation.returns] == [(3, 2, 100)] * 2
        np.testing.assert_array_equal(generation.status, np.zeros(3))
        assert generation.env_steps == 3 * 2 * (96 + 40)
        assert generation.env_steps_so_far == (index + 1) * generation.env_steps
        best = max(best, float(generation.fitness.max()))
        assert generation.best_fitness == best
        assert 0 < generation.evaluation_seconds <= generation.seconds
    assert result.generations == 4
    finalists = len(result.finalists)
    assert finalists in (2, 3)  # two of the archive, and the strategy's recommendation unless it is one of them
    assert result.env_steps == (4 * 3 + finalists + 1) * 2 * 136  # and the champion again on seeds of its own
    assert result.champion_fitness == load_notes(result.champion_path)["fitness"]
    assert result.broken == {}
    assert repr(result.champion) == repr(load_candidate(result.champion_path, registry))
    made = ["champion.candidate", "config.yaml", "evaluated", "history", "result.json", "search.json", "state.npz"]
    assert sorted(os.listdir(directory)) == made


def test_fitness_is_the_objective_of_the_curves_on_common_seeds(whole: tuple[Path, Watcher, SearchResult]) -> None:
    for generation in whole[1].generations:
        expected = np.mean([task[:, :, -1].mean(axis=1) for task in generation.returns], axis=0)
        np.testing.assert_array_equal(generation.fitness, expected.astype(np.float32))


def test_the_search_climbs(whole: tuple[Path, Watcher, SearchResult]) -> None:
    first = whole[1].generations[0]
    assert whole[2].champion_fitness > first.fitness.mean()


# The same bits --------------------------------------------------------------------------------------------------------


def test_the_same_config_and_seed_give_the_same_bits_watched_or_not(tmp_path: Path, same_as_whole: Any) -> None:
    run(tmp_path / "again")
    same_as_whole(tmp_path / "again")


def test_another_seed_gives_other_bits(tmp_path: Path, whole: tuple[Path, Watcher, SearchResult]) -> None:
    run(tmp_path / "other", seed=6)
    assert state(tmp_path / "other") != state(whole[0])


def test_a_watcher_that_fails_changes_no_bit(tmp_path: Path, same_as_whole: Any) -> None:
    class Failing:
        @hookimpl
        def discover_generation_done(self) -> None:
            raise RuntimeError("the disk of the tracker is full")

    with pytest.warns(PluginWarning, match=r"^plugin 'Failing' failed in discover_generation_done \(RuntimeError: the disk"):
        search(watched(Failing()), WORDS, tmp_path / "it")
    same_as_whole(tmp_path / "it")


def test_interrupted_anywhere_and_resumed_is_as_if_nothing_had_happened(tmp_path: Path, same_as_whole: Any) -> None:
    directory = tmp_path / "it"
    first, second, last = Watcher(stop_in=1), Watcher(stop_in=3), Watcher()
    with pytest.raises(KeyboardInterrupt):
        run(directory, first)
    with pytest.raises(KeyboardInterrupt):
        resume(watched(second), directory)
    resume(watched(last), directory)
    assert first.events == ["started from 0", "generation 0", "generation 1", "failed: KeyboardInterrupt"]
    assert second.events == ["started from 1", *(f"generation {i}" for i in (1, 2, 3)), "failed: KeyboardInterrupt"]
    assert last.events == ["started from 3", "generation 3", "finished"]
    same_as_whole(directory)


def test_stopped_in_the_middle_of_a_generation_it_goes_on_from_the_one_before(tmp_path: Path, same_as_whole: Any) -> None:
    def stop(what: str, share: float) -> None:
        if what.startswith("search 2: payday"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(watched(), WORDS, tmp_path / "it", progress=stop)
    assert counters(tmp_path / "it")["generations"] == 1
    resume(watched(), tmp_path / "it")
    same_as_whole(tmp_path / "it")


def test_killed_before_the_first_checkpoint_it_starts_over_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_as_whole: Any
) -> None:
    directory = tmp_path / "it"
    with monkeypatch.context() as patched:
        patched.setattr("discover.outer_loop.checkpoint.Checkpoint.save", lambda self, snapshot: False)
        with pytest.raises(KeyboardInterrupt):
            run(directory, Watcher(stop_in=2))
    assert not (directory / "state.npz").exists()
    resume(watched(), directory)
    same_as_whole(directory)


KILLED = """
import sys
import jax
jax.config.update("jax_num_cpu_devices", 2)
import json, os, pathlib, signal
sys.path.insert(0, sys.argv[1])
import toys
from discover import hookimpl
from discover.plugin.loader import load_plugins
from discover.outer_loop.search import search

class Killer:
    @hookimpl
    def discover_generation_done(self, generation):
        if generation.index == 2:
            os.kill(os.getpid(), signal.SIGKILL)

search(load_plugins(extra=[toys, Killer()]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_alike")
def test_killed_without_warning_and_resumed_is_as_if_nothing_had_happened(tmp_path: Path, same_as_whole: Any) -> None:
    directory = tmp_path / "it"
    words = json.dumps({**WORDS, "checkpoint_minutes": 0})
    arguments = [sys.executable, "-c", KILLED, str(Path(toys.__file__).parent), words, str(directory)]
    killed = subprocess.run(arguments, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert counters(directory)["generations"] == 2
    resume(watched(), directory)
    same_as_whole(directory)


def test_the_chunk_that_bits_depend_on_is_settled_recorded_and_used_for_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import discover.outer_loop.ending

    used = []
    monkeypatch.setattr(
        discover.outer_loop.ending, "compare", lambda registry, executor, *rest, **more: used.append(repr(executor))
    )
    report = {"tasks": [{"task": "payday", "steps": 40}], "seeds": 16}
    run(tmp_path, generations=1, report=report)
    recorded = yaml.safe_load((tmp_path / "config.yaml").read_text())["executor"]
    assert recorded == {"local": {"chunk": 3, "room": 0}}  # 3 candidates x 2 seeds on 2 devices
    (tmp_path / "result.json").unlink()
    resume(watched(), tmp_path)
    assert used == ["Local(chunk=3)", "Local(chunk=3)"]


# Broken candidates ----------------------------------------------------------------------------------------------------


def listed(*genomes: tuple[float, ...]) -> dict[str, Any]:
    """A search that evaluates these genomes, once."""
    strategy = {"toy_listed": {"genomes": [list(genome) for genome in genomes]}}
    return {"strategy": strategy, "population": len(genomes), "generations": 1, "executor": {"local": {"chunk": 2}}}


def test_watchers_are_shown_the_config_that_a_resumed_search_reads(tmp_path: Path) -> None:
    """By it a tracker knows its run again where there was no checkpoint yet."""
    seen: list[Any] = []

    class Sees:
        @hookimpl
        def discover_search_started(self, search: SearchInfo) -> None:
            seen.append(search.config)

    plugins = load_plugins(extra=[toys, Sees()])
    search(plugins, {**WORDS, "generations": 1, "executor": "local", "report": None}, tmp_path)
    resume(plugins, tmp_path)
    assert seen[0] == seen[1]
    assert "chunk" in seen[0]["executor"]["local"]


FRAGILE = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "limit": 30.0}}}
SPLIT = {
    "recipe": "climb",
    "rule": {"choice": [{"toy_climb": {"slope": "free", "noise": 0.1}}, {"toy_climb": {"slope": "free", "fails": True}}]},
}


def only(directory: Path, *genomes: tuple[float, ...], **change: Any) -> tuple[Generation, SearchResult]:
    watcher = Watcher()
    result = run(directory, watcher, **{**listed(*genomes), **change})
    return watcher.generations[0], result


def test_a_candidate_that_gives_nan_spoils_no_other(tmp_path: Path) -> None:
    sound, _ = only(tmp_path / "sound", (0.0,), (0.5,), candidate=FRAGILE)
    broken, result = only(tmp_path / "broken", (0.0,), (9.0,), (0.5,), candidate=FRAGILE)
    assert broken.status.tolist() == [Status.OK, Status.NOT_FINITE, Status.OK]
    np.testing.assert_array_equal(broken.fitness[[0, 2]], sound.fitness)
    for beside, alone in zip(broken.returns, sound.returns, strict=True):
        assert beside[[0, 2]].tobytes() == alone.tobytes()
    assert broken.fitness[1] == np.nextafter(sound.fitness.min(), np.float32(-np.inf))
    assert broken.broken_so_far == result.broken == {"not_finite": 1}
    assert broken.best_fitness == sound.best_fitness
    assert abs(float(result.champion.rule.slope)) < 2.5  # type: ignore[attr-defined]


def test_a_lifetime_without_an_episode_has_a_status_of_its_own(tmp_path: Path) -> None:
    tasks = [{"task": "payday", "steps": 40}, {"task": "never-payday", "steps": 40}]
    with pytest.raises(EvaluationError) as caught:
        only(tmp_path, (0.0,), (0.5,), tasks=tasks)
    assert str(caught.value) == (
        "every candidate of the search broke (no_episode 2), so there is no champion: narrow the space."
    )


def test_a_program_that_fails_spoils_no_other_structure_and_is_told(tmp_path: Path) -> None:
    sound, _ = only(tmp_path / "sound", (1.0, 0.0, 0.1, 0.0), (1.0, 0.0, 0.4, 0.0), candidate=SPLIT)
    genomes = (0.0, 1.0, 0.1, 0.3), (1.0, 0.0, 0.1, 0.0), (0.0, 1.0, 0.2, 0.3), (1.0, 0.0, 0.4, 0.0)
    broken, result = only(tmp_path / "broken", *genomes, candidate=SPLIT)
    assert broken.status.tolist() == [Status.ERROR, Status.OK, Status.ERROR, Status.OK]
    line = next(n for n, text in enumerate(Path(toys.__file__).read_text().splitlines(), 1) if "cannot be traced" in text)
    assert broken.errors == dict.fromkeys(
        (0, 2),
        f"ValueError: this rule cannot be traced, in tests/toys.py:{line}, with rule=Climb(slope=free(), noise=0.0, "
        "limit=1e+06, fails=True)",
    )
    assert broken.structures == 2
    np.testing.assert_array_equal(broken.fitness[[1, 3]], sound.fitness)
    assert (broken.fitness[[0, 2]] < sound.fitness.min()).all()
    assert broken.env_steps == sound.env_steps
    assert result.broken == {"error": 2}
    assert not result.champion.rule.fails  # type: ignore[attr-defined]


def test_all_broken_is_one_clear_sentence(tmp_path: Path) -> None:
    watcher = Watcher()
    with pytest.raises(EvaluationError) as caught:
        run(tmp_path, watcher, **listed((0.0, 1.0, 0.1, 0.3), (0.0, 1.0, 0.2, 0.3)), candidate=SPLIT)
    assert re.fullmatch(
        r"every candidate of the search broke \(error 2\), so there is no champion: narrow the space \(last error: ValueError: "
        r"this rule cannot be traced, in tests/toys\.py:\d+, with rule=Climb\(.*fails=True\)\)\.",
        str(caught.value),
    )
    assert watcher.events == ["started from 0", "generation 0", "failed: EvaluationError"]
    np.testing.assert_array_equal(watcher.generations[0].fitness, -1e9)


def test_what_breaks_is_below_every_sound_candidate_of_earlier_generations(tmp_path: Path) -> None:
    """Else it would push them out of an elite."""
    watcher = Watcher()
    genomes = [[9.0], [0.0]], [[0.5], [9.0]], [[9.0], [9.0]]
    strategy = {"toy_turns": {"genomes": genomes}}
    run(tmp_path, watcher, strategy=strategy, population=2, generations=3, candidate=FRAGILE)
    first, second, third = (generation.fitness for generation in watcher.generations)
    assert first[1] < second[0]
    below = np.nextafter(first[1], np.float32(-np.inf))
    np.testing.assert_array_equal([first[0], second[1], *third], below)


def test_a_first_candidate_that_cannot_be_traced_is_told_before_the_search(tmp_path: Path) -> None:
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "fails": True}}}
    with pytest.raises(EvaluationError) as caught:
        run(tmp_path / "it", candidate=candidate)
    assert re.fullmatch(
        r"the first candidate cannot be traced on late-payday @ 96 \(ValueError: this rule cannot be traced, in "
        r"tests/toys\.py:\d+\): repair the component that raises this, or take it out\.",
        str(caught.value),
    )
    assert not (tmp_path / "it").exists()


def test_a_baseline_that_cannot_be_run_is_told_before_the_search(tmp_path: Path) -> None:
    watcher = Watcher()
    baseline = {"recipe": "climb", "rule": {"toy_climb": {"num_envs": 100}}}
    report = {"baselines": {"wide": baseline}, "tasks": [{"task": "payday", "steps": 40}], "seeds": 2}
    with pytest.raises(UserError, match=r"^report\.baselines\.wide on payday @ 40: a lifetime of 40 env steps is shorter than"):
        run(tmp_path, watcher, report=report)
    assert watcher.events == []


def test_two_searches_of_the_same_second_have_directories_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    monkeypatch.setenv("HOME", str(tmp_path))
    config = checked_config(registry, {**WORDS, "directory": "~/runs"})
    made = [new_directory(config) for _ in range(3)]
    name = "laws-order-20260101-000000"
    assert made == [tmp_path / "runs" / each for each in (name, f"{name}-2", f"{name}-3")]
    assert all(path.is_dir() for path in made)


def test_finalists_that_break_on_fresh_seeds_are_no_champions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discover.outer_loop.fitness import Evaluation, Evaluator

    honest = Evaluator.evaluate

    def unlucky(self: Any, genomes: np.ndarray, purpose: str, *further: Any, **more: Any) -> Evaluation:
        made = honest(self, genomes, purpose, *further, **more)
        broken = made._replace(status=np.full(len(genomes), Status.ERROR, np.int8), errors={0: "ValueError: odd, in my.py:3"})
        return made if purpose == "search" else broken

    monkeypatch.setattr(Evaluator, "evaluate", unlucky)
    told = (
        r"^each of the 2 best candidates broke on fresh seeds, so there is no champion: narrow the space, or search with more "
        r"seeds \(last error: ValueError: odd, in my\.py:3\)\.$"
    )
    with pytest.raises(EvaluationError, match=told):
        run(tmp_path, generations=1)
    assert not (tmp_path / "champion.candidate").exists()


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ("climb", "the space has no open value"),
        (
            {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "steps": 64}}},
            "a lifetime of 96 env steps is shorter than one update",
        ),
    ],
)
def test_what_tunes_a_baseline_is_checked_before_the_first_generation(tmp_path: Path, space: Any, told: str) -> None:
    """On the search's tasks too, whose lifetimes are shorter than those of the report."""
    report = {"baselines": {"tuned": {"tune": space}}, "tasks": [{"task": "payday", "steps": 256}], "seeds": 2}
    watcher = Watcher()
    with pytest.raises(UserError, match=rf"^report\.baselines\.tuned: {told}"):
        run(tmp_path / "it", watcher, report=report)
    assert not watcher.events
    assert not (tmp_path / "it").exists()


def test_a_baseline_is_tuned_as_the_champion_was(tmp_path: Path, registry: Registry) -> None:
    """Over the same space, with the same budget, strategy, tasks and seeds, it becomes the champion itself."""
    tasks = [{"task": "payday", "steps": 40}]
    report = {"baselines": {"the same": {"tune": WORDS["candidate"]}}, "tasks": [{"task": "payday", "steps": 48}], "seeds": 2}
    comparison = run(tmp_path, tasks=tasks, report=report, generations=2).comparison
    assert comparison is not None
    assert list(comparison.candidates) == ["champion", "the same"]
    assert champion(tmp_path / "tune-the-same", registry) == champion(tmp_path, registry)
    ours, tuned = (comparison.trainings[name][0].returns for name in comparison.candidates)
    np.testing.assert_array_equal(ours, tuned)
    assert [(run.task, run.steps) for run in comparison.runs] == [("payday", 48)]


def test_finalists_are_the_best_of_all_generations(tmp_path: Path) -> None:
    """Without noise, the steeper the better."""
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 0.0}}}
    strategy = {"toy_turns": {"genomes": [[[0.1], [0.6]], [[0.5], [-0.3]], [[0.2], [0.3]]]}}
    tasks = [{"task": "payday", "steps": 40}]
    change = {"candidate": candidate, "strategy": strategy, "tasks": tasks, "population": 2, "finalists": 3}
    result = run(tmp_path, **change, generations=3)
    np.testing.assert_allclose(np.sort(result.finalists[:, 0]), [0.3, 0.5, 0.6])
    assert result.champion_fitness == pytest.approx(max(result.finalist_fitness))


def test_the_champion_is_the_finalist_that_is_best_on_fresh_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the best of the search: here fresh seeds like the lowest slope most, the search the highest."""
    from discover.outer_loop.fitness import Evaluation, Evaluator

    honest = Evaluator.evaluate

    def other_taste(self: Any, genomes: np.ndarray, purpose: str, *further: Any, **more: Any) -> Evaluation:
        made = honest(self, genomes, purpose, *further, **more)
        return made if purpose == "search" else made._replace(fitness=-genomes[:, 0])

    monkeypatch.setattr(Evaluator, "evaluate", other_taste)
    tasks = [{"task": "payday", "steps": 40}]
    _, result = only(tmp_path, (0.1,), (0.3,), (0.2,), finalists=3, tasks=tasks)
    slopes = [
        float(Space(checked_config(toys.plugins().registry, WORDS).template).decode(g).rule.slope) for g in result.finalists
    ]
    assert len(set(slopes)) == 3
    assert slopes[0] == max(slopes)
    assert float(result.champion.rule.slope) == min(slopes)  # type: ignore[attr-defined]
    assert result.champion_fitness == pytest.approx(-0.1)


# Directories ----------------------------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^directory '.*file/it' cannot be made \(Not a directory\): choose another\.$"):
        run(tmp_path / "file" / "it")


def test_words_that_yaml_cannot_hold_are_told(tmp_path: Path) -> None:
    words = {**WORDS, "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": np.float32(0.1)}}}}
    with pytest.raises(UserError, match=r"^the config holds what YAML cannot \(np\.float32\(0\.1\)\): write plain numbers"):
        search(watched(), words, tmp_path / "it")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"populatoin": 3}, r"unknown key 'populatoin'"),
        ({"candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "fails": True}}}}, r"cannot be traced"),
        ({"report": {"tasks": [{"task": "payday", "steps": 7}]}}, r"shorter than one update"),
        (
            {
                "report": {
                    "baselines": {"b": {"recipe": "climb", "rule": {"toy_climb": {"fails": True}}}},
                    "tasks": WORDS["tasks"],
                }
            },
            r"^report\.baselines\.b cannot be traced on late-payday @ 96",
        ),
    ],
)
def test_a_search_that_is_refused_leaves_no_file_and_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], sentence: str
) -> None:
    """Be the mistake in the config, or in what a trace alone can show."""
    monkeypatch.chdir(tmp_path)
    for directory in (None, tmp_path / "runs" / "it"):
        with pytest.raises((UserError, EvaluationError), match=sentence):
            search(watched(), {**WORDS, **change}, directory)
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises((UserError, EvaluationError), match=sentence):
        search(watched(), {**WORDS, **change}, tmp_path / "empty")
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_each_baseline_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, places = build._built, []

    def counted(registry: Registry, cls: Any, settings: Any, where: str, **others: Any) -> Any:
        if cls is Algorithm:
            places.append(where)
        return honest(registry, cls, settings, where, **others)

    monkeypatch.setattr(build, "_built", counted)
    tuned = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}
    report = {"baselines": {"fixed": "climb", "tuned": {"tune": tuned}}, "tasks": [{"task": "payday", "steps": 40}], "seeds": 2}
    run(tmp_path, tasks=[{"task": "payday", "steps": 40}], report=report, generations=1)
    assert places == ["candidate", "report.baselines.fixed", "report.baselines.tuned.tune"]


def test_a_new_directory_is_named_after_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [search(watched(), {**WORDS, "generations": 1}).champion_path.parent for _ in range(2)]
    assert len(set(made)) == 2
    assert all(path.parent == Path("discover-runs") and path.name.startswith("laws-order-2") for path in made)


def test_the_tests_run_on_two_devices() -> None:
    assert jax.device_count() == 2
