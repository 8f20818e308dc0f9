"""Finding and loading plugins.

A plugin is a module with functions marked ``@discover.hookimpl``. It is found by its entry point in the group ``discover``,
or as a ``.py`` file in a folder given by the user. The seed algorithms come by the same road.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from discover.base.errors import DiscoverError, DiscoverWarning, PluginError, UserError, cause_of
from discover.contract import hooks as hookspecs
from discover.contract.registry import Provenance, Registry
from discover.storage.files import checked_path
from discover.storage.ownership import open_to_others

if TYPE_CHECKING:
    from discover.contract.events import Command

GROUP = "discover"
BLOCK = "DISCOVER_BLOCK_PLUGINS"
FOLDER = "DISCOVER_PLUGINS_DIR"


_HEARD: dict[str, tuple[type[BaseException], ...]] = {
    "discover_observers": (DiscoverError,),
    "discover_search_started": (DiscoverError,),
    "discover_checkpoint": (DiscoverError, OSError),
    "discover_command_finished": (DiscoverError,),
}
"""The errors of watchers that are heeded: they end the command, or hold back the checkpoint. All others cost a warning."""


class PluginWarning(DiscoverWarning):
    """A plugin was left out because it is broken; everything else goes on."""


class Plugins(NamedTuple):
    """What has been loaded.

    Attributes:
        registry: names of components, recipes and tasks.
        hook: pluggy's callers of the hooks; `tell` calls them with care.
        manager: pluggy's manager, to register a plugin object by hand.
        warned: of which plugin and hook a warning has been given.
        folder: of the plugins that are files; None if none was given.
    """

    registry: Registry
    hook: Any
    manager: pluggy.PluginManager
    warned: set[tuple[str, str]]
    folder: Path | None = None

    def tell(self, hook: str, **facts: Any) -> list[Any]:
        """Call a hook of every plugin, in the order in which they were loaded; returns what they return.

        A plugin that fails, with whatever error, costs one `PluginWarning` per hook, and no other plugin its news. Ctrl-C
        passes. What a watcher may object to, in one sentence, is raised once all others have heard the news: a `DiscoverError`
        before anything dear has begun and once all is over, and what keeps it from writing before a checkpoint.
        """
        answers, ends = self.ask(hook, **facts)
        if ends:
            raise ends[0]
        return answers

    def ask(self, hook: str, **facts: Any) -> tuple[list[Any], list[BaseException]]:
        """As `tell`; objections are returned beside the answers."""
        answers: list[Any] = []
        ends: list[BaseException] = []
        every = [(name, plugin) for name, plugin in self.manager.list_name_plugin() if plugin is not None]
        for name, plugin in every:
            others = [other for _, other in every if other is not plugin]
            try:
                answers += self.manager.subset_hook_caller(hook, others)(**facts)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if isinstance(error, _HEARD.get(hook, ())):
                    ends.append(error)
                else:
                    self._warn(name, plugin, hook, error)
        return answers, ends

    def _warn(self, name: str, plugin: object, hook: str, error: BaseException) -> None:
        if (name, hook) in self.warned:
            return
        self.warned.add((name, hook))
        text = f"plugin '{_called(name, plugin)}' failed in {hook} ({cause_of(error)}); everything else goes on."
        warnings.warn(text, PluginWarning, stacklevel=4)


def load_plugins(folder: str | os.PathLike[str] | None = None, *, extra: Iterable[object] = ()) -> Plugins:
    """Load all plugins: entry points, files of a folder, and objects given here.

    Args:
        folder: a folder of one-file plugins; else the environment variable ``DISCOVER_PLUGINS_DIR``.
        extra: plugin objects (modules or instances with hook implementations).

    Raises:
        PluginError: two plugins share or claim one name, or ``folder`` does not exist. A plugin that breaks while loading
            costs a `PluginWarning`, never the command. ``DISCOVER_BLOCK_PLUGINS=a,b`` leaves plugins out by name.
    """
    manager = pluggy.PluginManager("discover")
    manager.add_hookspecs(hookspecs)
    registry = Registry()
    blocked = {name.strip() for name in os.environ.get(BLOCK, "").split(",") if name.strip()}
    loaded: dict[str, Provenance] = {}
    seen: set[str] = set()
    folder = folder or os.environ.get(FOLDER)
    for name, provenance, load in [*_entry_points(), *_files(folder), *_objects(extra)]:
        seen.add(name)
        if name in blocked:
            manager.set_blocked(name)
            continue
        if name in loaded:
            both = f"{loaded[name]} and {provenance}"
            raise PluginError(f"two plugins are called '{name}': {both}; rename one, or block both with {BLOCK}={name}.")
        try:
            _load(manager, registry, name, provenance, load)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            _give_up(manager, registry, name, provenance, error)
        else:
            loaded[name] = provenance
    _warn_of_misspelled(blocked - seen, seen)
    return Plugins(registry, manager.hook, manager, set(), Path(folder).absolute() if folder else None)


def add_plugin(plugins: Plugins, plugin: object) -> None:
    """Load one more plugin object of this process, such as a script that defines components of its own.

    Raises:
        PluginError: another plugin has its name, or it cannot be loaded; nothing of it stays.
    """
    ((name, provenance, load),) = _objects([plugin])
    if plugins.manager.has_plugin(name):
        raise PluginError(f"a plugin is called '{name}' already: rename {provenance}.")
    try:
        _load(plugins.manager, plugins.registry, name, provenance, load)
    except (Exception, SystemExit) as error:
        _forget(plugins.manager, plugins.registry, name)
        if isinstance(error, PluginError):
            raise
        raise PluginError(f"plugin {provenance} cannot be loaded ({cause_of(error)}): repair it.") from error


def watch(plugins: Plugins, command: Command) -> None:
    """Let the plugins' observers (a tracker, a progress bar) see one command.

    Raises:
        UserError: an observer cannot do its work, such as a tracking server that does not answer.
    """
    for observers in plugins.tell("discover_observers", command=command):
        try:
            for observer in observers:
                _register(plugins.manager, observer)
        except Exception as error:
            text = f"what a plugin gives as observers cannot watch ({cause_of(error)}); everything else goes on."
            warnings.warn(text, PluginWarning, stacklevel=2)


def finish(plugins: Plugins, ends: list[BaseException] | None = None) -> dict[str, Any]:
    """Tell the observers that the command is over; returns what they add to its summary (``run_id``, ...).

    Args:
        plugins: the loaded plugins.
        ends: where to put the errors with which observers want the command to end; None raises the first.
    """
    answers, found = plugins.ask("discover_command_finished")
    if ends is None and found:
        raise found[0]
    if ends is not None:
        ends.extend(found)
    facts: dict[str, Any] = {}
    for answer in answers:
        if isinstance(answer, Mapping):
            facts.update(answer)
    return facts


def _warn_of_misspelled(unknown: set[str], seen: set[str]) -> None:
    """Say which blocked names are close to a plugin's; any other may be meant for another machine."""
    for name in sorted(unknown):
        close = difflib.get_close_matches(name, sorted(seen), n=1, cutoff=0.8)
        if close:
            text = f"{BLOCK} names '{name}', which is no plugin: did you mean '{close[0]}', which is loaded?"
            warnings.warn(text, PluginWarning, stacklevel=3)


def _register(manager: pluggy.PluginManager, observer: object) -> None:
    try:
        manager.register(observer)
    except Exception:
        if manager.is_registered(observer):
            manager.unregister(observer)
        raise


def _called(name: str, plugin: object) -> str:
    """How to call a plugin: by its name, or what it calls itself where it was registered without one (an observer)."""
    if not name.isdecimal():
        return name
    own = getattr(plugin, "name", None)
    return own if isinstance(own, str) else type(plugin).__name__


def _load(manager: pluggy.PluginManager, registry: Registry, name: str, provenance: Provenance, load: Any) -> None:
    plugin = load()
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise UserError("it has no function marked @discover.hookimpl")
    others = [p for p in manager.get_plugins() if p is not plugin]
    registry.register_as(provenance)
    manager.subset_hook_caller("discover_register", others)(registry=registry)


def _give_up(
    manager: pluggy.PluginManager, registry: Registry, name: str, provenance: Provenance, error: BaseException
) -> None:
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
    for path in (Path(folder), *paths, *_compiled(paths)):
        _check_owner(path)
    for path in paths:
        yield path.stem, Provenance(path.stem, str(path), ""), lambda path=path: _import_file(path)


def _compiled(paths: Iterable[Path]) -> list[Path]:
    """What Python would run in the place of files: its own copies of them."""
    return [copy for path in paths if (copy := Path(importlib.util.cache_from_source(str(path)))).exists()]


def _check_owner(path: Path) -> None:
    """Check that nobody else can put code into a plugin's file."""
    try:
        problem = open_to_others(path)
    except OSError as error:
        raise PluginError(f"plugin file '{path}' cannot be looked at ({error.strerror}): check its permissions.") from None
    if problem is not None:
        raise PluginError(f"plugins are not loaded from a place that others can change: {problem}.")


def _import_file(path: Path) -> Any:
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
        yield name, Provenance(name, "this process", ""), lambda plugin=plugin: plugin
