"""Finding, loading and calling plugins.

A plugin is a module with functions marked ``@discover.hookimpl``. The loader finds it by its entry point in the group
``discover``, or as a ``.py`` file in a folder of the user. The algorithms of this distribution are plugins in the same way.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from discover.base.errors import DiscoverError, DiscoverWarning, PluginError, UserError, cause_of
from discover.contract import hooks as hookspecs
from discover.contract.registry import THIS_PROCESS, Provenance, Registry
from discover.process.traced_programs import keep_programs_of
from discover.storage.files import checked_path
from discover.storage.ownership import open_to_others

if TYPE_CHECKING:
    from discover.contract.events import Command

GROUP = "discover"
BLOCK = "DISCOVER_BLOCK_PLUGINS"
FOLDER = "DISCOVER_PLUGINS_DIR"


_HEEDED: dict[str, tuple[type[BaseException], ...]] = {
    "discover_observers": (DiscoverError,),
    "discover_search_started": (DiscoverError,),
    "discover_checkpoint": (DiscoverError, OSError),
    "discover_command_finished": (DiscoverError,),
}
"""The errors of watchers that end the command or delay the checkpoint, by hook. All others become a warning."""


class PluginWarning(DiscoverWarning):
    """A plugin failed, and the command continues without it."""


class Plugins(NamedTuple):
    """All loaded plugins.

    Attributes:
        registry: names of components, recipes and tasks.
        hook: pluggy's callers of the hooks; `tell` calls them so that one plugin's error does not affect the others.
        manager: pluggy's manager, to register a plugin object by hand.
        warned: pairs of plugin and hook for which a warning has been shown.
        folder: folder of the plugins that are files; None without one.
    """

    registry: Registry
    hook: Any
    manager: pluggy.PluginManager
    warned: set[tuple[str, str]]
    folder: Path | None = None

    def tell(self, hook: str, **facts: object) -> list[Any]:
        """Call a hook of every plugin, in the order in which they were loaded.

        A plugin that fails costs one `PluginWarning` per hook; the other plugins are called nevertheless.

        Args:
            hook: name of the hook.
            facts: its arguments.

        Returns:
            The results of all plugins.

        Raises:
            KeyboardInterrupt: at ctrl-C, at once.
            DiscoverError: of a watcher, in hooks in which it may end the command; after all plugins have been called.
            OSError: of a watcher that cannot write before a checkpoint; after all plugins have been called.
        """
        answers, errors = self.ask(hook, **facts)
        if errors:
            raise errors[0]
        return answers

    def ask(self, hook: str, **facts: object) -> tuple[list[Any], list[BaseException]]:
        """Call a hook as `tell` does, but return the errors of watchers beside the results."""
        answers: list[Any] = []
        errors: list[BaseException] = []
        every = [(name, plugin) for name, plugin in self.manager.list_name_plugin() if plugin is not None]
        for name, plugin in every:
            others = [other for _, other in every if other is not plugin]
            try:
                answers += self.manager.subset_hook_caller(hook, others)(**facts)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if isinstance(error, _HEEDED.get(hook, ())):
                    errors.append(error)
                else:
                    self._warn(name, plugin, hook, error)
        return answers, errors

    def _warn(self, name: str, plugin: object, hook: str, error: BaseException) -> None:
        """Warn of an error, once for each plugin and hook."""
        if (name, hook) in self.warned:
            return
        self.warned.add((name, hook))
        text = f"plugin '{_label(name, plugin)}' failed in {hook} ({cause_of(error)}); everything else goes on."
        warnings.warn(text, PluginWarning, stacklevel=4)


def load_plugins(folder: str | os.PathLike[str] | None = None, *, extra: Iterable[object] = ()) -> Plugins:
    """Load all plugins: entry points, files of a folder, and further objects.

    A plugin that fails to load costs a `PluginWarning`, never the command. ``DISCOVER_BLOCK_PLUGINS=a,b`` leaves plugins out by
    name.

    Args:
        folder: a folder of one-file plugins; by default the one in the environment variable ``DISCOVER_PLUGINS_DIR``.
        extra: plugin objects (modules or instances with hook implementations).

    Raises:
        PluginError: two plugins have one name or register one, or ``folder`` does not exist.
    """
    manager = pluggy.PluginManager("discover")
    manager.add_hookspecs(hookspecs)
    registry = Registry()
    blocked = {name.strip() for name in os.environ.get(BLOCK, "").split(",") if name.strip()}
    loaded: dict[str, Provenance] = {}
    names: set[str] = set()
    folder = folder or os.environ.get(FOLDER)
    for name, provenance, load in [*_entry_points(), *_files(folder), *_objects(extra)]:
        names.add(name)
        if name in blocked:
            manager.set_blocked(name)
            continue
        if name in loaded:
            both = f"{loaded[name]} and {provenance}"
            raise PluginError(f"two plugins are called '{name}': {both}; rename one, or block both with {BLOCK}={name}.")
        try:
            _load(manager, registry, provenance, load)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            _give_up(manager, registry, provenance, error)
        else:
            loaded[name] = provenance
    _warn_of_misspelled(blocked - names, names)
    return Plugins(registry, manager.hook, manager, warned=set(), folder=Path(folder).absolute() if folder else None)


def add_plugin(plugins: Plugins, plugin: object) -> None:
    """Load one more plugin object of this process, such as a script that defines components of its own.

    Raises:
        PluginError: another plugin has its name, or it cannot be loaded; nothing of it stays.
    """
    ((name, provenance, load),) = _objects([plugin])
    if plugins.manager.has_plugin(name):
        raise PluginError(f"a plugin is called '{name}' already: rename {provenance}.")
    try:
        _load(plugins.manager, plugins.registry, provenance, load)
    except (Exception, SystemExit) as error:
        _forget(plugins.manager, plugins.registry, name)
        if isinstance(error, PluginError):
            raise
        raise PluginError(f"plugin {provenance} cannot be loaded ({cause_of(error)}): repair it.") from error


def load_plugin(plugins: Plugins, provenance: Provenance, load: Callable[[], object]) -> None:
    """Load one more plugin by a function that imports it. What either raises is raised, and nothing of the plugin stays."""
    try:
        _load(plugins.manager, plugins.registry, provenance, load)
    except BaseException:
        _forget(plugins.manager, plugins.registry, provenance.plugin)
        raise


def watch(plugins: Plugins, command: Command) -> None:
    """Register the plugins' observers (a tracker, a progress bar) for one command.

    Raises:
        UserError: an observer cannot do its work, because a tracking server does not answer, say.
    """
    for observers in plugins.tell("discover_observers", command=command):
        try:
            for observer in observers:
                _register(plugins.manager, observer)
        except Exception as error:
            text = f"what a plugin gives as observers cannot watch ({cause_of(error)}); everything else goes on."
            warnings.warn(text, PluginWarning, stacklevel=2)


def finish(plugins: Plugins, ends: list[BaseException] | None = None) -> dict[str, Any]:
    """Let the observers finish their work at the end of a command.

    Args:
        plugins: the loaded plugins.
        ends: a list to which errors of observers are added; without it, the first one is raised.

    Returns:
        The facts that the observers add to the summary of the command (``run_id``, ...).
    """
    answers, errors = plugins.ask("discover_command_finished")
    if ends is None and errors:
        raise errors[0]
    if ends is not None:
        ends.extend(errors)
    facts: dict[str, Any] = {}
    for answer in answers:
        if isinstance(answer, Mapping):
            facts.update(answer)
    return facts


def _warn_of_misspelled(unknown: set[str], names: set[str]) -> None:
    """Warn of blocked names that are close to the name of a plugin; others may be meant for another machine."""
    for name in sorted(unknown):
        close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.8)
        if close:
            text = f"{BLOCK} names '{name}', which is no plugin: did you mean '{close[0]}', which is loaded?"
            warnings.warn(text, PluginWarning, stacklevel=3)


def _register(manager: pluggy.PluginManager, observer: object) -> None:
    """Register an observer, completely or not at all."""
    try:
        manager.register(observer)
    except Exception:
        if manager.is_registered(observer):
            manager.unregister(observer)
        raise


def _label(name: str, plugin: object) -> str:
    """The name of a plugin in messages. An observer is registered without a name: its own attribute, or its class."""
    if not name.isdecimal():
        return name
    own = getattr(plugin, "name", None)
    return own if isinstance(own, str) else type(plugin).__name__


def _load(manager: pluggy.PluginManager, registry: Registry, provenance: Provenance, load: Callable[[], object]) -> None:
    """Import a plugin and let it register its components.

    Raises:
        UserError: it has no hook.
        PluginError: a name is taken.
    """
    plugin = load()
    manager.register(plugin, provenance.plugin)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise UserError("it has no function marked @discover.hookimpl")
    others = [other for other in manager.get_plugins() if other is not plugin]
    registry.register_as(provenance)
    manager.subset_hook_caller("discover_register", others)(registry=registry)
    if not provenance.is_here_alone:
        keep_programs_of(getattr(plugin, "__name__", ""))


def _give_up(manager: pluggy.PluginManager, registry: Registry, provenance: Provenance, error: BaseException) -> None:
    """Remove a plugin that failed to load, with a warning."""
    name = provenance.plugin
    _forget(manager, registry, name)
    text = f"plugin {provenance} is left out ({cause_of(error)}); repair it, or block it with {BLOCK}={name}."
    warnings.warn(text, PluginWarning, stacklevel=3)


def _forget(manager: pluggy.PluginManager, registry: Registry, name: str) -> None:
    """Undo what loading a plugin has begun."""
    if manager.has_plugin(name):
        manager.unregister(name=name)
    registry.forget(name)


def _entry_points() -> Iterable[tuple[str, Provenance, Any]]:
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.name)
    # Each reading of a name or a version parses the metadata of the distribution: once for all its entry points.
    origins = {dist: (dist.name, dist.version) if dist else ("unknown", "") for dist in {point.dist for point in points}}
    for point in points:
        yield point.name, Provenance(point.name, *origins[point.dist]), point.load


def _files(folder: str | os.PathLike[str] | None) -> Iterable[tuple[str, Provenance, Any]]:
    if not folder:
        return
    if not checked_path(folder, "the plugin folder").is_dir():
        raise PluginError(f"the plugin folder '{folder}' does not exist: give a folder that holds .py files.")
    paths = sorted(Path(folder).glob("*.py"))
    if not paths:
        text = f"the plugin folder '{folder}' holds no .py file: put one-file plugins into it{_package_hint(Path(folder))}."
        warnings.warn(text, PluginWarning, stacklevel=4)
    for path in (Path(folder), *paths, *_compiled(paths)):
        check_owner(path)
    for path in paths:
        yield path.stem, Provenance(path.stem, str(path), ""), lambda path=path: import_file(path)


def _package_hint(folder: Path) -> str:
    """The end of a sentence on a folder that holds a package instead."""
    holds_package = (folder / "pyproject.toml").is_file() or any(folder.glob("*/__init__.py"))
    return ", and install packages by pip (`discover plugins check` takes the folder of one)" if holds_package else ""


def _compiled(paths: Iterable[Path]) -> list[Path]:
    """The compiled copies of files, which Python would run in their place."""
    return [copy for path in paths if (copy := Path(importlib.util.cache_from_source(str(path)))).exists()]


def check_owner(path: Path) -> None:
    """Check that no other user can put code into a plugin's file.

    Raises:
        PluginError: one can, or the file's permissions cannot be read.
    """
    try:
        problem = open_to_others(path)
    except OSError as error:
        raise PluginError(f"plugin file '{path}' cannot be looked at ({error.strerror}): check its permissions.") from None
    if problem is not None:
        raise PluginError(f"plugins are not loaded from a place that others can change: {problem}.")


def import_file(path: Path) -> Any:
    """The module of a file, which is run.

    Raises:
        PluginError: it is no Python file.
    """
    name = f"discover_file_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"'{path}' cannot be read as a Python module: is it a .py file?")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _objects(extra: Iterable[object]) -> Iterable[tuple[str, Provenance, Any]]:
    for plugin in extra:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        yield name, Provenance(name, THIS_PROCESS, ""), lambda plugin=plugin: plugin
