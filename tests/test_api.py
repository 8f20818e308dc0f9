"""The front door: train, compare and search from Python."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import searches
import toys
from matplotlib.figure import Figure

import discover
from discover import Algorithm, ModelVersion, Registry, UserError, free, get, hookimpl, replace
from discover.config.search_config import default_executor
from discover.evaluation.train import train
from discover.storage.yaml_text import text_of

FASTER = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}}
WORDS = searches.WORDS | {"generations": 2, "tasks": [{"task": "payday", "steps": 40}]}


@pytest.fixture(scope="module", autouse=True)
def registry() -> Registry:
    """What plugins registered, the toys among them."""
    return discover.plugins(extra=[toys]).registry


def same(one: Any, other: Any) -> bool:
    """Whether two components are equal, to the bit."""
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return jax.tree.structure(one) == jax.tree.structure(other) and all((np.asarray(a) == b).all() for a, b in leaves)


# Training and comparing -----------------------------------------------------------------------------------------------


def test_a_training_is_that_of_the_core_and_prints_as_a_table(registry: Registry) -> None:
    seeds, seed = np.asarray([2, 3])  # whole numbers of numpy count as such
    training = discover.train("climb", "payday", steps=40, seeds=seeds, seed=seed)
    run = discover.TaskRun("payday", 40)
    expected = train(registry, default_executor(registry), "climb", discover.recipe("climb"), run=run, seeds=2, seed=3)
    np.testing.assert_array_equal(training.curves, expected.curves)
    head, rule, row = repr(training).splitlines()
    assert head.split() == ["candidate", "task", "IQM", "95", "%", "interval", "seeds", "env", "steps", "seconds"]
    assert set(rule) == {"─"}
    assert row.split()[:4] == ["climb", "payday", "@", "40"]


def test_a_training_plots_its_learning_curve() -> None:
    training = discover.train(FASTER, "payday", steps=40, seeds=2, name="faster")
    figure = training.plot()
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    assert axes.get_legend_handles_labels()[1] == ["faster (2 seeds)"]


@pytest.mark.parametrize(
    ("candidate", "name"),
    [("climb", "climb"), (FASTER, "Climb"), (Algorithm(rule=toys.Climb(), network=toys.Blank()), "Climb")],
)
def test_a_candidate_is_called_as_the_user_does_or_by_its_rule(candidate: Any, name: str) -> None:
    assert discover.train(candidate, "payday", steps=40, seeds=2).name == name


def test_a_comparison_prints_its_verdict_and_plots_a_figure_per_run() -> None:
    comparison = discover.compare(["climb", FASTER], {"payday": 40, "late-payday": 96}, seeds=2)
    assert comparison.candidates == ("climb", "Climb")
    assert [run.label for run in comparison.runs] == ["payday @ 40", "late-payday @ 96"]
    *table, verdict = repr(comparison).splitlines()
    assert table[0].split()[:3] == ["task", "candidate", "IQM"]
    assert len(table) == 2 + 4
    assert verdict == comparison.verdict
    assert [axes.get_title() for axes in comparison.plot().axes] == ["payday @ 40", "late-payday @ 96"]


def test_candidates_may_have_names_and_one_task_is_enough(tmp_path: Path) -> None:
    comparison = discover.compare({"new": FASTER, "old": "climb"}, "payday", steps=40, seeds=2)
    again = discover.load_comparison(str(discover.save_comparison(tmp_path / "it.comparison", comparison)))
    assert repr(again) == repr(comparison)
    assert comparison.candidates == ("new", "old")
    assert comparison.trainings["new"][0].returns.mean() > comparison.trainings["old"][0].returns.mean()


# Candidates -----------------------------------------------------------------------------------------------------------


def test_a_candidate_is_loaded_by_name_in_words_from_a_file_or_as_it_is(tmp_path: Path) -> None:
    faster = replace(discover.recipe("climb"), {"rule.slope": 2.0})
    words = tmp_path / "faster.yaml"
    words.write_text(text_of(FASTER, "the candidate"), encoding="utf-8")
    assert same(discover.load("climb"), discover.recipe("climb"))
    assert discover.load(faster) is faster
    for candidate in (FASTER, words, str(words)):
        assert same(discover.load(candidate), faster)


def test_overrides_change_a_candidate_and_show_in_its_name() -> None:
    overrides = {"rule.toy_climb.slope": 2.0}
    assert get(discover.load("climb", overrides=overrides), "rule.slope") == 2.0
    training = discover.train("climb", "payday", steps=40, seeds=2, overrides=overrides)
    assert (training.name, float(get(training.algorithm, "rule.slope"))) == ("climb (rule.toy_climb.slope=2.0)", 2.0)
    with pytest.raises(
        UserError, match=r"^overrides 'rule\.slope': the candidate has no 'rule\.slope'; did you mean 'rule\.toy"
    ):
        discover.load("climb", overrides={"rule.slope": 2.0})
    with pytest.raises(UserError, match=r"^overrides: 'rule' must be a number, a text, a list or a mapping; got <object"):
        discover.load("climb", overrides={"rule": object()})


def test_overrides_change_any_candidate_of_a_comparison_and_what_is_shown() -> None:
    overrides = {"rule.toy_climb.slope": 2.0, "2:rule.toy_climb.slope": 3.0, "Climb:rule.toy_climb.noise": 0.5}
    comparison = discover.compare(["climb", "climb", FASTER], "payday", steps=40, seeds=2, overrides=overrides)
    first, second, third = comparison.candidates
    assert (first, second) == ("climb (rule.toy_climb.slope=2.0)", "climb (rule.toy_climb.slope=3.0)")
    assert third == "Climb (rule.toy_climb.noise=0.5)"
    assert get(comparison.trainings[second][0].algorithm, "rule.slope") == 3.0
    with pytest.raises(UserError, match=r"^overrides 'clim:rule.toy_climb.slope': no candidate here is called 'clim'; did you"):
        discover.compare(["climb", FASTER], "payday", overrides={"clim:rule.toy_climb.slope": 2.0})
    page = discover.show("climb", overrides={"rule.toy_climb.slope": 2.0})
    assert page.sentence == "climb (rule.toy_climb.slope=2.0) is climb with slope: 1 -> 2."


def test_a_candidate_that_is_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    faster = replace(discover.recipe("climb"), {"rule.slope": 0.1})
    path = discover.save(faster, tmp_path / "faster.candidate")
    assert path == tmp_path / "faster.candidate"
    assert same(discover.load(path), discover.load(faster))


def test_an_environment_is_that_of_a_task_or_in_words() -> None:
    assert same(discover.environment("late-payday"), toys.Payday(length=9, spread=1.0, drawn="episode"))
    assert same(discover.environment({"toy_payday": {"length": 3}}), toys.Payday(length=3))
    assert not same(toys.Payday(length=3), toys.Payday(length=9))


# Searching ------------------------------------------------------------------------------------------------------------


def test_an_estimate_checks_its_config_first() -> None:
    with pytest.raises(UserError, match=r"^population must be a whole number from 1 to 1048576; got 0\.$"):
        discover.estimate(WORDS, overrides={"seeds": 1}, population=0)


def test_a_search_by_words_and_one_over_a_space_are_the_same(tmp_path: Path) -> None:
    report = {"baselines": {"climb": "climb"}, "tasks": [{"task": "payday", "steps": 40}], "seeds": 2}
    one = discover.search(WORDS, tmp_path / "one", overrides={"generations": 1}, report=report)
    assert one.champion_path == tmp_path / "one" / "champion.candidate"
    assert same(discover.load(one.champion_path), one.champion)
    assert [line.split(":")[0] for line in repr(one).splitlines()[-3:]] == ["spent", "champion", "doubt"]
    assert [axes.get_title() for axes in one.plot().axes] == ["payday @ 40"]

    space = replace(discover.recipe("climb"), {"rule.slope": free()})
    settings: dict[str, Any] = {key: value for key, value in WORDS.items() if key != "candidate"} | {"generations": 1}
    other = discover.search(space, tmp_path / "other", **settings)
    assert other.champion_fitness == one.champion_fitness
    assert same(other.champion, one.champion)
    with pytest.raises(UserError, match="this search has no report to plot: add 'report' to its config"):
        other.plot()


@pytest.fixture
def stopping() -> Iterator[searches.Watcher]:
    """A watcher that stops a search after its first generation."""
    watcher, loaded = searches.Watcher(stop_in=0), discover.plugins()
    discover.plugins(extra=[watcher])
    yield watcher
    loaded.manager.unregister(watcher)
    loaded.registry.forget("Watcher")


def test_a_search_that_was_stopped_goes_on_to_the_same_result(tmp_path: Path, stopping: searches.Watcher) -> None:
    with pytest.raises(KeyboardInterrupt):
        discover.search(WORDS, tmp_path / "run")
    stopping.stop_in = None
    resumed = discover.resume(tmp_path / "run")
    assert stopping.phases == [("search", False), ("search", True)]
    whole = discover.search(WORDS, tmp_path / "whole")
    assert same(resumed.champion, whole.champion)
    assert resumed.champion_fitness == whole.champion_fitness
    assert discover.resume(tmp_path / "run").champion_fitness == whole.champion_fitness


# Mistakes -------------------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown task": (lambda: discover.train("climb", "paydya"), "no task is called 'paydya': did you mean 'payday'?"),
    "task that is none": (lambda: discover.train("climb", 3), "a task is given by its name, such as 'CartPole-v1'; got 3."),  # type: ignore[arg-type]
    "misspelled recipe": (lambda: discover.recipe("climp"), "no recipe is called 'climp': did you mean 'climb'?"),
    "misspelled field": (lambda: discover.load({"recipe": "climb", "rul": {}}), "Algorithm has no field 'rul'; did you mean"),
    "no seeds": (
        lambda: discover.train("climb", "payday", seeds=0),
        "seeds must be a whole number of at least 1; got 0.",
    ),
    "no steps": (
        lambda: discover.compare(["climb"], "payday", steps=0),
        "steps must be a whole number of at least 1; got 0.",
    ),
    "candidates as a text": (
        lambda: discover.compare("climb", "payday"),
        "candidates must be a list, such as ['climb', 'ppo']; got the text 'climb'.",
    ),
    "one candidate for several": (
        lambda: discover.compare({"recipe": "climb"}, "payday"),
        "candidates must be a list, or a mapping from names to candidates; got {'recipe': 'climb'}.",
    ),
    "no candidates": (
        lambda: discover.compare([], "payday"),
        "candidates must be a list, or a mapping from names to candidates; got [].",
    ),
    "no tasks": (
        lambda: discover.compare(["climb"], []),
        "tasks must be a task's name, a list of names, or a mapping from names to env steps; got [].",
    ),
    "one candidate twice": (
        lambda: discover.compare(["climb", "climb"], "payday"),
        "candidate 'climb' is given twice: leave one out, or give a mapping from names to candidates.",
    ),
    "two candidates of one name": (
        lambda: discover.compare([FASTER, {"recipe": "climb"}], "payday"),
        "candidate 'Climb' is given twice: leave one out, or give a mapping from names to candidates.",
    ),
    "one algorithm by two names": (
        lambda: discover.compare({"a": "climb", "b": {"recipe": "climb"}}, "payday"),
        "candidates 'a' and 'b' are the same algorithm: leave one out.",
    ),
    "open value": (
        lambda: discover.train({"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}, "payday"),
        "rule.slope",
    ),
    "rule for a candidate": (
        lambda: discover.train(toys.Climb(), "payday"),  # type: ignore[arg-type]
        "a candidate is a text, a mapping or Algorithm(rule=..., network=...); got Climb(",
    ),
    "seed as a text": (
        lambda: discover.train("climb", "payday", seed="3"),  # type: ignore[arg-type]
        "seed must be a whole number of at least 0; got '3'.",
    ),
    "candidate in a file of another kind": (
        lambda: discover.save("climb", "climb.yaml"),
        "a candidate is saved in a file whose name ends in '.candidate'; got 'climb.yaml': rename it.",
    ),
    "config that is none": (
        lambda: discover.search(3),  # type: ignore[arg-type]
        "a config is a file, a mapping or a space; got 3.",
    ),
    "override that is no plain value": (
        lambda: discover.search(WORDS, overrides={"seeds": np.int64(3)}),
        "overrides: 'seeds' must be a number, a text, a list or a mapping; got np.int64(3).",
    ),
    "folder too late": (
        lambda: discover.plugins("elsewhere"),
        "plugins are loaded already: call discover.plugins('elsewhere') before anything else.",
    ),
    "object that is no plugin": (lambda: discover.plugins(extra=[object()]), "it has no function marked @discover.hookimpl"),
    "search without a strategy": (
        lambda: discover.search({key: value for key, value in WORDS.items() if key != "strategy"}),
        "config: 'strategy' is missing: add it.",
    ),
    "directory of no search": (lambda: discover.resume("nowhere"), "nowhere"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, sentence = MISTAKES[mistake]
    with pytest.raises(UserError) as caught:
        call()
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# Plugins, progress, imports -------------------------------------------------------------------------------------------


class Counting:
    """Counts how often it is asked to register, and may fail at it."""

    def __init__(self, fails: bool = False):
        self.fails, self.asked = fails, 0

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        self.asked += 1
        registry.add_recipe("counted", {"recipe": "climb"}, summary="toy")
        if self.fails:
            raise ValueError("it is broken")


def test_plugins_are_loaded_once_and_watchers_leave(registry: Registry) -> None:
    counting, loaded = Counting(), discover.plugins()
    try:
        assert discover.plugins(extra=[counting, toys]) is loaded
        before = loaded.manager.get_plugins()
        discover.train("climb", "payday", steps=40, seeds=2)
        assert discover.plugins(extra=[counting]).registry is registry
        assert counting.asked == 1
        assert loaded.manager.get_plugins() == before
        with pytest.raises(UserError, match="a plugin is called 'Counting' already: rename"):
            discover.plugins(extra=[Counting()])
    finally:
        loaded.manager.unregister(counting)
        registry.forget("Counting")


def test_nothing_of_a_plugin_that_fails_stays(registry: Registry) -> None:
    counting, before = Counting(fails=True), discover.plugins().manager.get_plugins()
    with pytest.raises(UserError, match=r"plugin 'Counting'.* cannot be loaded \(ValueError: it is broken\): repair it"):
        discover.plugins(extra=[counting])
    assert not registry.has("recipe", "counted")
    assert discover.plugins().manager.get_plugins() == before


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    discover.train("climb", "payday", steps=40, seeds=2)
    discover.compare(["climb"], "payday", steps=40, seeds=2)
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == ["climb on payday @ 40 (100%)", "climb on payday @ 40 (0%)"]


def test_the_front_door_opens_without_what_is_heavy() -> None:
    code = "import sys; from discover import train; print(type(train).__name__, {'jax', 'numpy'} & sys.modules.keys())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert printed == "function set()\n"


@pytest.mark.parametrize("name", ["compare", "environment", "load", "plugins", "recipe", "resume", "save", "search", "train"])
def test_every_name_of_the_front_door_is_a_function(name: str) -> None:
    assert inspect.isfunction(getattr(discover, name))
    assert getattr(discover, name).__module__.startswith("discover.api.")


class Versions:
    """A registry of two versions, which `discover.promote` may move."""

    def __init__(self, registry: Registry, champion: str | None):
        self.registry, self.champion = registry, champion

    @hookimpl
    def discover_model_version(self, address: str) -> ModelVersion:
        return ModelVersion(address, self.champion, [discover.TaskRun("payday", 40)])

    @hookimpl
    def discover_fetch_candidate(self, address: str, folder: Path) -> Path:
        rule = {"toy_climb": {"slope": 1.0 if address == "models:/toy/1" else 2.0, "noise": 0.0, "steps": 5}}
        return discover.save({"recipe": "climb", "rule": rule}, folder / "it.candidate")

    @hookimpl
    def discover_promote(self, version: ModelVersion) -> bool:
        self.champion = version.address
        return True


def test_a_version_is_promoted_when_it_is_better(registry: Registry) -> None:
    manager, versions = discover.plugins().manager, Versions(registry, "models:/toy/1")
    manager.register(versions)
    try:
        promotion = discover.promote("models:/toy/2", seeds=4, tracking=False)
        assert (promotion.promoted, versions.champion) == (True, "models:/toy/2")
        assert promotion.comparison is not None
        assert str(promotion).splitlines()[-2:] == [
            promotion.comparison.verdict,
            "models:/toy/2 is the champion now, instead of models:/toy/1.",
        ]
        promotion = discover.promote("models:/toy/1", {"payday": 60}, seeds=4, tracking=False)
        assert (promotion.promoted, versions.champion) == (False, "models:/toy/2")
        assert discover.promote("models:/toy/1", force=True, tracking=False).promoted
        with pytest.raises(UserError, match="a verdict on 1 task needs 4 seeds or more; got 2"):
            discover.promote("models:/toy/2", seeds=2, tracking=False)
    finally:
        manager.unregister(versions)
