"""The registry: the components, recipes and tasks of all loaded plugins, and the origin of each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import PluginError, UserError, nearest
from discover.components.component import Component, fields, is_decorated
from discover.contract.found_recipe import RECORD, found_recipes_in
from discover.storage.yaml_text import values_in_file

THIS_PROCESS = "this process"
"""The distribution of plugins that are objects of this process."""


class Provenance(NamedTuple):
    """The origin of a plugin.

    Attributes:
        plugin: name of the plugin.
        distribution: name of the installed distribution, or path of the file.
        version: version of the distribution; ``""`` if it has none.

    >>> print(Provenance("ppo", "discover-rl", "0.1.0"))
    'ppo' (of discover-rl 0.1.0)
    """

    plugin: str
    distribution: str
    version: str

    @property
    def is_here_alone(self) -> bool:
        """Whether the plugin is an object of this process, which another one cannot load."""
        return self.distribution == THIS_PROCESS

    def __str__(self) -> str:
        return f"'{self.plugin}' (of {self.distribution} {self.version}".rstrip() + ")"


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes:
        kind: kind of the component; ``recipe`` for a named candidate, ``task`` for a named environment.
        name: unique within the kind.
        component: the class, or None for a recipe or a task.
        source: the config of a recipe or a task, or the file that holds it.
        summary: one line.
        paper: the publication.
        provenance: the plugin that registered it.
        facts: further facts (a task's returns of a random and a reference policy, and their origin; the record of a recipe
            that a search found).
    """

    kind: str
    name: str
    component: type[Component] | None
    source: Mapping[str, Any] | str | Path | None
    summary: str
    paper: str
    provenance: Provenance
    facts: Mapping[str, Any]

    @functools.cached_property
    def value(self) -> Any:
        """The config of a recipe or a task; a file is read at the first use.

        Raises:
            UserError: the file cannot be read, or holds no mapping.
        """
        if not isinstance(self.source, Path):
            return self.source
        config = values_in_file(self.source, "recipe file")
        if not isinstance(config, Mapping):
            raise UserError(
                f"recipe file '{self.source}' must hold a mapping of keys to values; it holds {type(config).__name__}: write "
                "'rule: ...', as in a config."
            )
        return config


class Registry:
    """Names of components by kind. A plugin's ``discover_register(registry)`` fills it.

    >>> from discover.contract.network import Network
    >>> from discover.components.component import component
    >>> @component
    ... class Linear(Network):
    ...     "A network with one layer."
    >>> registry = Registry()
    >>> registry.add("linear", Linear)
    >>> registry.get("network", "linear").summary
    'A network with one layer.'
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._names: dict[type[Component], str] = {}
        self._current = Provenance("discover", "discover-rl", "")
        self._plugins: dict[str, Provenance] = {}

    def add(self, name: str, component: type[Component], *, summary: str = "") -> None:
        """Register a component class under a name. Its kind is that of its base class.

        Args:
            name: the name that configs use.
            component: the class, decorated by ``@discover.component``.
            summary: one line; by default the first line of the docstring.

        Raises:
            UserError: the class is no component, or one of its annotations cannot be read.
            PluginError: the name is taken.
        """
        if isinstance(component, Component):
            cls = type(component).__name__
            raise UserError(f"'{name}' must be registered with a class, not with an instance: write {cls} instead of {cls}().")
        if not isinstance(component, type):
            label = getattr(component, "__name__", repr(component))
            raise UserError(
                f"'{label}' cannot be registered as '{name}', since it is no class: write one that derives from a kind, such "
                "as discover.ReturnFunction, with @discover.component above it."
            )
        if not (issubclass(component, Component) and is_decorated(component)):
            raise UserError(
                f"class '{component.__name__}' cannot be registered as '{name}': decorate it with @discover.component."
            )
        fields(component)
        line = summary or (inspect.getdoc(component) or "").partition("\n")[0]
        entry = Entry(
            component.kind, name, component, None, summary=line, paper=component.paper, provenance=self._current, facts={}
        )
        self._put(entry)
        self._names[component] = name

    def add_recipe(self, name: str, candidate: Mapping[str, Any] | Path, *, summary: str, paper: str = "") -> None:
        """Register a named candidate: a known algorithm with its published settings.

        Args:
            name: the recipe's name.
            candidate: the config, or the YAML file that holds it; the file is read when `Entry.value` is first used.
            summary: one line.
            paper: the publication of the settings.

        Raises:
            UserError: there is no such file, or the config is no mapping.
            PluginError: the name is taken.
        """
        if isinstance(candidate, Path) and not candidate.is_file():
            values_in_file(candidate, "recipe file")  # raises the sentence that says why
        if not isinstance(candidate, Mapping | Path):
            raise UserError(
                f"recipe '{name}' must be a mapping, as in a config, or the pathlib.Path of a YAML file; got {candidate!r}."
            )
        source = dict(candidate) if isinstance(candidate, Mapping) else candidate
        self._put(
            Entry(
                kind="recipe",
                name=name,
                component=None,
                source=source,
                summary=summary,
                paper=paper,
                provenance=self._current,
                facts={},
            )
        )

    def add_discovered(self, folder: Path) -> None:
        """Register the recipes in a folder that searches found (``discover promote SEARCH --recipe NAME --to FOLDER``).

        Each is called ``discovered/NAME``, and has the record of its search among its facts.

        Args:
            folder: holds a JSON file for each.

        Raises:
            UserError: a file is damaged.
            PluginError: a name is taken.
        """
        for found in found_recipes_in(folder):
            facts = {RECORD: found.record}
            entry = Entry(
                kind="recipe",
                name=found.name,
                component=None,
                source=found.candidate,
                summary=found.summary,
                paper="",
                provenance=self._current,
                facts=facts,
            )
            self._put(entry)

    def add_task(
        self,
        name: str,
        environment: Mapping[str, Any] | str,
        *,
        summary: str,
        random: float,
        reference: float,
        origin: str,
        paper: str = "",
    ) -> None:
        """Register a named environment.

        Args:
            name: the task's name.
            environment: the environment as a config would write it.
            summary: one line.
            random: mean episode return of a uniform random policy: 0 on the normalized scale.
            reference: a reference return: 1 on the normalized scale.
            origin: the source of the two returns.
            paper: the publication of the task.

        Raises:
            UserError: the reference return is not above the random one, so that there is no scale between them.
            PluginError: the name is taken.
        """
        if not reference > random:
            raise UserError(
                f"task '{name}': the reference return {reference:g} must be above the random one, {random:g}: it is 1 on the "
                "normalized scale, random is 0."
            )
        facts = {"random": random, "reference": reference, "origin": origin}
        entry = Entry("task", name, None, environment, summary=summary, paper=paper, provenance=self._current, facts=facts)
        self._put(entry)

    def copy(self) -> Registry:
        """A registry of the same names, to which others can be added without a change of this one."""
        copied = Registry()
        copied._entries, copied._names, copied._plugins = dict(self._entries), dict(self._names), dict(self._plugins)
        return copied

    def get(self, kind: str, name: str) -> Entry:
        """The entry of a kind and name.

        Raises:
            UserError: there is none; the message shows the five nearest names and the command that lists all.
        """
        entry = self._entries.get((kind, name))
        if entry is None:
            names = [known.name for known in self.entries(kind)]
            raise UserError(f"no {kind} is called '{name}': {nearest(name, names, command='discover plugins list')}.")
        return entry

    def has(self, kind: str, name: str) -> bool:
        """Whether a kind has an entry of that name."""
        return (kind, name) in self._entries

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """All entries, or those of one kind, in the order of kind and name."""
        for key in sorted(self._entries):
            if kind is None or key[0] == kind:
                yield self._entries[key]

    def name_of(self, component: type[Component]) -> str:
        """The name under which a class is registered.

        Raises:
            UserError: it is not registered.
        """
        if component not in self._names:
            raise UserError(
                f"component '{component.__name__}' is not registered: add it in a plugin's discover_register, "
                f"registry.add('{component.__name__.lower()}', {component.__name__})."
            )
        return self._names[component]

    def plugins(self) -> list[Provenance]:
        """All loaded plugins in the order of their names, also those that register nothing (a tracker)."""
        return sorted(self._plugins.values())

    def forget(self, plugin: str) -> None:
        """Remove everything that a plugin has registered, because it failed to load."""
        self._entries = {key: e for key, e in self._entries.items() if e.provenance.plugin != plugin}
        self._names = {e.component: e.name for e in self._entries.values() if e.component is not None}
        self._plugins.pop(plugin, None)

    def register_as(self, provenance: Provenance) -> None:
        """Set the plugin to which the next registrations belong."""
        self._current = provenance
        self._plugins[provenance.plugin] = provenance

    def _put(self, entry: Entry) -> None:
        taken = self._entries.get((entry.kind, entry.name))
        if taken is not None and taken.provenance == entry.provenance:
            raise PluginError(f"plugin {entry.provenance} registers the {entry.kind} '{entry.name}' twice: rename one of them.")
        if taken is not None:
            raise PluginError(
                f"two plugins register the {entry.kind} '{entry.name}': {taken.provenance} and {entry.provenance}; rename "
                f"one, or block one with DISCOVER_BLOCK_PLUGINS={entry.provenance.plugin}."
            )
        self._entries[entry.kind, entry.name] = entry
