"""Plugins: found, blocked, and left out when they are broken, without a trace and without an end to the command."""

import importlib.metadata
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import toys
from toys import OneStep

from discover import Command, Registry, ReturnFunction, UserError, component, hookimpl
from discover.base.errors import PluginError
from discover.contract.registry import Provenance
from discover.plugin.loader import Plugins, PluginWarning, finish, load_plugins, watch

WriteFile = Callable[[str, str], Path]

GOOD = """
    from discover import ReturnFunction, Scalar, Segment, Targets, component, hookimpl, real

    @component
    class Half(ReturnFunction):
        '''Half the reward.'''

        share: Scalar = real(0.5, low=0.0, high=1.0)

        def __call__(self, segment: Segment) -> Targets:
            return Targets(self.share * segment.reward, self.share * segment.reward)

    @hookimpl
    def discover_register(registry):
        registry.add("half", Half)
"""


@pytest.fixture(autouse=True)
def no_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test brings is loaded: no installed plugin."""
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [])


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    def one(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        return path

    return one


def names(plugins: Plugins) -> list[str]:
    return [entry.name for entry in plugins.registry.entries() if not entry.name.startswith("toy")]


class FakePoint:
    """An entry point of an installed distribution."""

    def __init__(self, name: str, plugin: object):
        self.name, self._plugin = name, plugin
        self.dist: Any = type("Distribution", (), {"name": f"{name}-dist", "version": "1.2"})

    def load(self) -> object:
        if isinstance(self._plugin, BaseException):
            raise self._plugin
        return self._plugin


class Registers:
    """A plugin that registers one class under some names."""

    def __init__(self, *names: str, then: BaseException | None = None):
        self.names, self.then = names, then

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        for name in self.names:
            registry.add(name, OneStep)
        if self.then is not None:
            raise self.then


def installed(monkeypatch: pytest.MonkeyPatch, **plugins: object) -> None:
    points = [FakePoint(name, plugin) for name, plugin in plugins.items()]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points if group == "discover" else [])


@pytest.mark.parametrize("reference", [0.0, -1.0])
def test_a_task_whose_reference_is_no_better_than_random_is_refused(reference: float) -> None:
    with pytest.raises(UserError) as error:
        Registry().add_task("flat", "catch", summary="", random=0.0, reference=reference, origin="by hand")
    assert str(error.value) == (
        f"task 'flat': the reference return {reference:g} must be above the random one, 0: it is 1 on the normalized scale, "
        "random is 0."
    )


def test_a_plugin_that_registers_nothing_is_on_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watches:
        @hookimpl
        def discover_search_started(self) -> None: ...

    installed(monkeypatch, watcher=Watches(), mine=Registers("a"))
    assert [p.plugin for p in load_plugins().registry.plugins()] == ["mine", "watcher"]


# Found ----------------------------------------------------------------------------------------------------------------


def test_an_entry_point_is_loaded_with_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mine=Registers("a", "b"))
    plugins = load_plugins()
    assert names(plugins) == ["a", "b"]
    assert plugins.registry.get("return function", "a").provenance == Provenance("mine", "mine-dist", "1.2")
    assert plugins.registry.plugins() == [Provenance("mine", "mine-dist", "1.2")]


def test_the_metadata_of_a_distribution_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Distribution:
        reads = 0
        version = "1.2"

        @property
        def name(self) -> str:
            self.reads += 1
            return "many"

    many, points = Distribution(), [FakePoint(name, Registers(name)) for name in ("a", "b", "c")]
    for point in points:
        point.dist = many
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    plugins = load_plugins().registry.plugins()
    assert plugins == [Provenance(name, "many", "1.2") for name in ("a", "b", "c")]
    assert many.reads == 1


def test_a_file_of_a_folder_is_a_plugin(write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("mine", GOOD)
    for plugins in (load_plugins(tmp_path), load_plugins(str(tmp_path))):
        entry = plugins.registry.get("return function", "half")
        assert entry.provenance == Provenance("mine", str(path), "")
        assert entry.summary == "Half the reward."
    monkeypatch.setenv("DISCOVER_PLUGINS_DIR", str(tmp_path))
    assert names(load_plugins()) == ["half"]
    with pytest.warns(PluginWarning, match="holds no .py file"):
        assert names(load_plugins(tmp_path / "..", extra=[])) == []


@pytest.mark.parametrize(("package", "hint"), [(False, ""), (True, ", and install packages by pip .*")])
def test_a_folder_without_files_is_told(tmp_path: Path, package: bool, hint: str) -> None:
    if package:
        (tmp_path / "pyproject.toml").touch()
    told = f"^the plugin folder '{tmp_path}' holds no \\.py file: put one-file plugins into it{hint}\\.$"
    with pytest.warns(PluginWarning, match=told):
        load_plugins(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    told = f"^the plugin folder '{tmp_path / 'no'}' does not exist: give a folder that holds \\.py files\\.$"
    with pytest.raises(PluginError, match=told):
        load_plugins(tmp_path / "no")


def test_a_plugin_object_is_taken() -> None:
    assert names(load_plugins(extra=[Registers("a")])) == ["a"]


def test_a_plugin_is_blocked_by_name(monkeypatch: pytest.MonkeyPatch, write: WriteFile, tmp_path: Path) -> None:
    installed(monkeypatch, mine=Registers("a"), other=Registers("b"), broken=ImportError("would warn"))
    write("filed", "raise ImportError('would warn')")
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", " mine,broken , filed,unknown")
    assert names(load_plugins(tmp_path)) == ["b"]


def test_a_blocked_name_that_misspells_a_plugin_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, tracker=Registers("a"))
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "trakcer")
    told = r"^DISCOVER_BLOCK_PLUGINS names 'trakcer', which is no plugin: did you mean 'tracker', which is loaded\?$"
    with pytest.warns(PluginWarning, match=told):
        assert names(load_plugins()) == ["a"]


# Broken ---------------------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[str, str]] = {
    "import": ("import a_module_that_nobody_has", r"ModuleNotFoundError: No module named 'a_module_that_nobody_has'"),
    "syntax": ("def discover_register(registry:", r"SyntaxError: '\(' was never closed \(.*\)"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "unmarked": (GOOD.replace("@hookimpl", ""), "it has no function marked @discover.hookimpl"),
    "misspelled": (
        GOOD.replace("discover_register", "discover_registr"),
        r"PluginValidationError: unknown hook 'discover_registr' in plugin .*",
    ),
    "argument": (GOOD.replace("(registry)", "(registery)"), r"PluginValidationError: .*registery.*Argument.*"),
    "late": (GOOD + "\n        raise RuntimeError('half way')\n", "RuntimeError: half way"),
    "undecorated": (
        GOOD.replace("@component", ""),
        r"class 'Half' cannot be registered as 'half': decorate it with @discover\.component",
    ),
    "no_component": (
        GOOD.replace('"half", Half', '"half", dict'),
        r"class 'dict' cannot be registered as 'half': decorate it with @discover\.component",
    ),
    "annotation": (
        GOOD.replace("share: Scalar", "share: 'Nowhere'"),
        r"an annotation of component 'Half' cannot be read \(name 'Nowhere' is not defined\): .*",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_costs_a_warning_and_leaves_nothing_behind(how: str, write: WriteFile, tmp_path: Path) -> None:
    text, cause = BROKEN[how]
    path = write("broken", text)
    write("sound", GOOD.replace('"half"', '"sound"'))
    told = (
        rf"^plugin 'broken' \(of {path}\) is left out \({cause}\); repair it, or block it with DISCOVER_BLOCK_PLUGINS=broken\.$"
    )
    with pytest.warns(PluginWarning, match=told) as warned:
        plugins = load_plugins(tmp_path, extra=[Registers("a")])
    assert len(warned) == 1
    assert names(plugins) == ["a", "sound"]
    assert [p.plugin for p in plugins.registry.plugins()] == ["Registers", "sound"]
    assert not plugins.manager.has_plugin("broken")


def test_a_plugin_that_breaks_gives_back_the_names_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, first=Registers("a"), second=Registers("b", then=ValueError("no")))
    with pytest.warns(PluginWarning, match="second"):
        plugins = load_plugins()
    assert plugins.registry.name_of(OneStep) == "a"


# Names ----------------------------------------------------------------------------------------------------------------


def test_two_plugins_that_claim_one_name_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, first=Registers("a"), second=Registers("b", "a"))
    with pytest.raises(PluginError) as caught:
        load_plugins()
    assert str(caught.value) == (
        "two plugins register the return function 'a': 'first' (of first-dist 1.2) and 'second' (of second-dist 1.2); rename "
        "one, or block one with DISCOVER_BLOCK_PLUGINS=second."
    )
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "second")
    assert names(load_plugins()) == ["a"]


def test_one_plugin_that_registers_a_name_twice_is_told_so() -> None:
    with pytest.raises(PluginError) as caught:
        load_plugins(extra=[Registers("a", "a")])
    told = "plugin 'Registers' (of this process) registers the return function 'a' twice: rename one of them."
    assert str(caught.value) == told


def test_two_plugins_of_one_name_are_told(write: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, mine=Registers("a"))
    path = write("mine", GOOD)
    with pytest.raises(PluginError) as caught:
        load_plugins(tmp_path)
    assert str(caught.value) == (
        f"two plugins are called 'mine': 'mine' (of mine-dist 1.2) and 'mine' (of {path}); rename one, or block both with "
        "DISCOVER_BLOCK_PLUGINS=mine."
    )


def test_a_miss_lists_what_is_known_and_the_nearest() -> None:
    registry = load_plugins(extra=[toys]).registry
    with pytest.raises(UserError) as caught:
        registry.get("return function", "toy_onstep")
    assert str(caught.value) == (
        "no return function is called 'toy_onstep': did you mean 'toy_onestep'? Known: toy_learned, toy_onestep."
    )
    with pytest.raises(UserError) as caught:
        registry.get("curriculum", "any")
    assert str(caught.value) == ("no curriculum is called 'any': none is known; install the plugin that brings it.")


def test_an_unregistered_component_is_told_how_to_register() -> None:
    @component
    class Mine(ReturnFunction):
        pass

    with pytest.raises(UserError) as caught:
        Registry().name_of(Mine)
    assert str(caught.value) == (
        "component 'Mine' is not registered: add it in a plugin's discover_register, registry.add('mine', Mine)."
    )


# Watchers -------------------------------------------------------------------------------------------------------------


class Watcher:
    """Takes notes, or fails."""

    def __init__(self, failure: BaseException | None = None):
        self.seen: list[Any] = []
        self.failure = failure

    def _see(self, news: Any) -> None:
        self.seen.append(news)
        if self.failure is not None:
            raise self.failure

    @hookimpl
    def discover_search_started(self, search: Any) -> None:
        self._see(search)

    @hookimpl
    def discover_training_finished(self, training: Any) -> None:
        self._see(training)

    @hookimpl
    def discover_command_finished(self) -> Any:
        self._see("end")
        return {"seen": len(self.seen)}


def watching(*watchers: Watcher) -> Plugins:
    """Plugins that are watched as a command is."""

    class Brings:
        @hookimpl
        def discover_observers(self) -> Any:
            return watchers

    plugins = load_plugins(extra=[Brings()])
    watch(plugins, Command("train"))
    return plugins


ERRORS = [ZeroDivisionError("oh"), SystemExit(0), GeneratorExit(), BaseException("oh"), UserError("my own sentence.")]


@pytest.mark.parametrize("failure", ERRORS, ids=lambda error: type(error).__name__)
def test_a_watcher_that_fails_costs_a_warning_and_no_other_watcher_its_news(failure: BaseException) -> None:
    first, broken, last = Watcher(), type("Broken", (Watcher,), {})(failure), type("Last", (Watcher,), {})()
    plugins = load_plugins(extra=[first, broken, last])
    cause = "my own sentence" if isinstance(failure, UserError) else f"{type(failure).__name__}: {failure}"
    with pytest.warns(PluginWarning) as told:
        plugins.tell("discover_training_finished", training="news")
    text = f"plugin 'Broken' failed in discover_training_finished ({cause}); everything else goes on."
    assert [str(warning.message) for warning in told] == [text]
    assert first.seen == broken.seen == last.seen == ["news"]


def test_a_watcher_that_always_fails_costs_one_warning_per_hook() -> None:
    plugins = watching(Watcher(ZeroDivisionError("oh")), Watcher(ZeroDivisionError("oh")))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            plugins.tell("discover_training_finished", training="news")
            plugins.tell("discover_command_finished")
    hooks = [str(warning.message).split()[4] for warning in told]
    assert sorted(hooks) == ["discover_command_finished"] * 2 + ["discover_training_finished"] * 2


def test_an_observer_has_a_name_in_its_warning() -> None:
    named = Watcher(ZeroDivisionError("oh"))
    vars(named)["name"] = "my tracker"
    plugins = watching(Watcher(ZeroDivisionError("oh")), named)
    with pytest.warns(PluginWarning) as told:
        plugins.tell("discover_training_finished", training="news")
    assert [str(warning.message).partition(" failed")[0] for warning in told] == ["plugin 'Watcher'", "plugin 'my tracker'"]


def test_a_long_cause_is_cut() -> None:
    plugins = watching(Watcher(ValueError("x" * 10_000)))
    with pytest.warns(PluginWarning) as told:
        plugins.tell("discover_training_finished", training="news")
    assert "(ValueError: xxx" in str(told[0].message)
    assert len(str(told[0].message)) < 300


@pytest.mark.parametrize("brought", [None, 3, [None, 4], [object]], ids=str)
def test_what_cannot_observe_costs_a_warning_at_most(brought: Any) -> None:
    class Odd:
        @hookimpl
        def discover_observers(self) -> Any:
            return brought

    plugins = load_plugins(extra=[Odd()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        watch(plugins, Command("train"))
        assert finish(plugins) == {}


def test_ctrl_c_passes_a_watcher() -> None:
    plugins = watching(Watcher(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        plugins.tell("discover_training_finished", training="news")


@pytest.mark.parametrize("hook", ["discover_search_started", "discover_command_finished"])
def test_a_watcher_may_end_the_command_with_a_sentence_before_it_or_after_it(hook: str) -> None:
    last = Watcher()
    plugins = watching(Watcher(UserError("the tracking server is away: start it.")), last)
    facts: dict[str, Any] = {"search": "news"} if hook == "discover_search_started" else {}
    with pytest.raises(UserError, match=r"^the tracking server is away: start it\.$"):
        plugins.tell(hook, **facts)
    assert len(last.seen) == 1


def test_the_end_is_told_to_all_whoever_objects() -> None:
    plugins = watching(Watcher(UserError("no.")), Watcher())
    ends: list[BaseException] = []
    assert finish(plugins, ends) == {"seen": 1}
    assert [str(error) for error in ends] == ["no."]
    with pytest.raises(UserError, match=r"^no\.$"):
        finish(plugins)
