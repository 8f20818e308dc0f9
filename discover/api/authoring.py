"""New plugins, and checks of plugins, from Python."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from discover.api.loaded import plugins as loaded_plugins
from discover.base.errors import UserError, cause_of

if TYPE_CHECKING:
    from discover.plugin.loader import Plugins
    from discover.plugin.project import Failure
    from discover.testing.plugins import Outcome
    from discover.testing.problems import Problem


@dataclass(frozen=True)
class PluginCheck:
    """The checks of one plugin or several.

    Attributes:
        plugins: their names.
        outcomes: one for each name that they bring, in the order in which they were checked.
        seconds: that all checks took.
    """

    plugins: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no check fails."""
        return not any(outcome.problem for outcome in self.outcomes)

    @property
    def summary(self) -> str:
        """A line with the numbers of names that were checked, failed and left out, and the time."""
        failed = sum(each.problem is not None for each in self.outcomes)
        left_out = sum(bool(each.skipped) for each in self.outcomes)
        more = f", {left_out} not checked" if left_out else ""
        return f"{len(self.outcomes) - left_out} checked, {failed} failed{more}, {self.seconds:.1f} s"

    def __repr__(self) -> str:
        from discover.base.text_table import text_table

        rows = [(each.kind, each.name, verdict(each), f"{each.seconds:.1f}") for each in self.outcomes]
        return f"{text_table(('kind', 'name', 'verdict', 'seconds'), rows, ('seconds',))}\n{self.summary}"


def new_plugin(name: str, kind: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Write a package with one working component, its tests, and a search that uses it.

    Args:
        name: of the plugin and its component, such as ``my_rule``.
        kind: such as ``update rule``.
        folder: of the package, empty or not there yet; by default one of the package's name in this folder.

    Returns:
        The folder.

    Raises:
        UserError: the name is none, or taken; the kind is unknown; or the folder is not empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in new_plugin("my_rule", "update rule", folder).iterdir())
    ['.github', '.gitignore', 'README.md', 'discover_my_rule', 'pyproject.toml', 'search.yaml', 'tests']
    """
    return new_plugin_in(loaded_plugins(), name, kind, folder)


def new_plugin_in(plugins: Plugins, name: str, kind: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Write a package whose names none of ``plugins`` has, see `new_plugin`."""
    from discover.scaffold.names import names_from
    from discover.scaffold.package import kind_from, new_package

    names, kind = names_from(name), kind_from(kind)
    target = Path(folder) if folder is not None else Path(names.distribution)
    _check_free(plugins, names.name, names.component, names.module)
    new_package(names, kind, target)
    return target


def check_plugin(plugin: str | os.PathLike[str]) -> PluginCheck:
    """Check all that a plugin brings by the conformance suite, and its recipes by two updates.

    Args:
        plugin: its name, that of its package, or the folder of its package, which need not be installed.

    Raises:
        UserError: there is no such plugin.

    >>> check_plugin("final_return").passed
    True
    """
    return check_plugin_in(loaded_plugins(), os.fspath(plugin))


def check_plugin_in(plugins: Plugins, text: str, told: Callable[[str], None] = lambda _: None) -> PluginCheck:
    """Check what a text names among ``plugins``, see `check_plugin`.

    Args:
        plugins: all that is loaded; a plugin that is not installed is added to them.
        text: see `check_plugin`.
        told: called with the name of each thing before it is checked.
    """
    from discover.plugin.project import find_plugins

    started = time.perf_counter()
    found = find_plugins(plugins, text)
    results = [*map(_failed, found.failures), *_checked(plugins, found.names, found.entry, told)]
    names = (*(failure.name for failure in found.failures), *found.names)
    return PluginCheck(names, tuple(results), time.perf_counter() - started)


def verdict(outcome: Outcome) -> str:
    """The verdict of a check in a word or a sentence."""
    if outcome.problem is not None:
        return "FAILS"
    return f"not checked, because {outcome.skipped}" if outcome.skipped else "passes"


def _checked(plugins: Plugins, names: list[str], entry: str, told: Callable[[str], None]) -> Iterator[Outcome]:
    """The outcomes of all that plugins register, and of those that watch."""
    from discover.testing.plugins import Outcome, outcomes
    from discover.testing.problems import Problem, problem_of

    every = [each for each in plugins.registry.entries() if each.provenance.plugin in names]
    for name in names:
        if not entry and not _brings(plugins, name):
            what, why = f"plugin '{name}' brings nothing.", "A plugin registers components, recipes or tasks, or watches."
            remedy = "Call registry.add(name, Class) in its function discover_register."
            yield Outcome("plugin", name, 0.0, Problem(what, "", why, remedy))
        plugin = plugins.manager.get_plugin(name)
        callers = plugins.manager.get_hookcallers(plugin) or []
        if entry or not {caller.name for caller in callers} - {"discover_register"}:
            continue
        from discover.testing.watchers import check_watcher

        told(f"watcher {name}")
        started = time.perf_counter()
        problem = problem_of(lambda plugin=plugin: check_watcher(plugin))
        yield Outcome("watcher", name, time.perf_counter() - started, problem)
    yield from outcomes(plugins.registry, [each for each in every if entry in ("", each.name)], told)


def _brings(plugins: Plugins, name: str) -> bool:
    """Whether a plugin registers anything, or has other hooks than the one that registers."""
    hooks = {caller.name for caller in plugins.manager.get_hookcallers(plugins.manager.get_plugin(name)) or ()}
    return bool(hooks - {"discover_register"}) or any(each.provenance.plugin == name for each in plugins.registry.entries())


def _failed(failure: Failure) -> Outcome:
    """The outcome of a plugin that could not be loaded."""
    from discover.testing.guard import place_in
    from discover.testing.plugins import Outcome
    from discover.testing.problems import Problem

    error = failure.error
    place = place_in(error, failure.folder) if failure.folder is not None else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
    sentence, remedy = _loading(failure.name, error)
    why = "A plugin that raises while it is loaded is left out, with a warning."
    problem: Problem = Problem(sentence, place or str(failure.folder or ""), why, remedy)
    return Outcome("plugin", failure.name, 0.0, problem)


def _loading(name: str, error: BaseException) -> tuple[str, str]:
    """A sentence on a plugin that cannot be loaded, and the remedy."""
    import re

    missing = re.search(r"Registry\.(add\w*)\(\) missing \d+ required .*?: (.*)", str(error))
    if isinstance(error, TypeError) and missing:
        remedy = (
            "Give them: a summary is one line; a task has the returns of a random and a reference policy, and their origin."
        )
        return f"plugin '{name}' calls registry.{missing[1]} without {missing[2]}.", remedy
    mutable = re.search(r"mutable default <class '(\w+)'> for field (\w+)", str(error))
    if isinstance(error, ValueError) and mutable:
        remedy = f"Make it a tuple, such as `{mutable[2]}: tuple[int, ...] = ()`; what changes in a lifetime is its state."
        return f"plugin '{name}' has a component whose field '{mutable[2]}' begins with a {mutable[1]}, which changes.", remedy
    remedy = "Repair that line; import heavy modules inside discover_register."
    return f"plugin '{name}' cannot be loaded ({cause_of(error)}).", remedy


def _check_free(plugins: Plugins, name: str, component: str, module: str) -> None:
    """Check that nothing has the names of a new plugin.

    Raises:
        UserError: something has.
    """
    import builtins
    from importlib.util import find_spec

    import discover

    taken = next((entry for entry in plugins.registry.entries() if entry.name == name), None)
    if taken is not None:
        raise UserError(f"the {taken.kind} '{name}' exists already, of plugin {taken.provenance}: take another name.")
    if plugins.manager.has_plugin(name) or find_spec(module) is not None:
        raise UserError(f"a plugin '{name}' is installed already: take another name, or uninstall it first.")
    if component in discover.__all__ or hasattr(builtins, component):
        raise UserError(
            f"the class of '{name}' would be called '{component}', as another is: take another name, such as 'my_{name}'."
        )
