"""The registry: which components, recipes and tasks the loaded plugins bring, and where each comes from."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import PluginError, UserError, nearest
from discover.components.component import Component, fields
from discover.storage.yaml_text import values_in_file


class Provenance(NamedTuple):
    """Where a plugin comes from."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"'{self.plugin}' (of {self.distribution} {self.version}".rstrip() + ")"


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes:
        kind: kind of the component; ``recipe`` and ``task`` for named candidates and named environments.
        name: unique within the kind.
        component: the class, or None for a recipe or a task.
        value: for a recipe or a task, what it stands for, in the words of a config.
        summary: one line.
        paper: where it is published.
        provenance: which plugin of which distribution brings it.
        facts: further facts (a task's returns of a random and a reference policy, and their origin).
    """

    kind: str
    name: str
    component: type[Component] | None
    value: Any
    summary: str
    paper: str
    provenance: Provenance
    facts: Mapping[str, Any]


class Registry:
    """Names of components by kind. A plugin's ``discover_register(registry)`` fills it."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._names: dict[type[Component], str] = {}
        self._current = Provenance("discover", "discover-rl", "")
        self._plugins: dict[str, Provenance] = {}

    def add(self, name: str, component: type[Component], *, summary: str = "") -> None:
        """Register a component class under a name; its kind is that of its base class.

        Raises:
            UserError: the class is no component, or an annotation of it cannot be read.
            PluginError: the name is taken.
        """
        if not (isinstance(component, type) and issubclass(component, Component) and "__dataclass_fields__" in vars(component)):
            called = getattr(component, "__name__", repr(component))
            raise UserError(f"class '{called}' cannot be registered as '{name}': decorate it with @discover.component.")
        fields(component)
        line = summary or (inspect.getdoc(component) or "").partition("\n")[0]
        self._put(Entry(component.kind, name, component, None, line, component.paper, self._current, {}))
        self._names[component] = name

    def add_recipe(self, name: str, candidate: Mapping[str, Any] | Path, *, summary: str, paper: str = "") -> None:
        """Register a named candidate: a known algorithm with its published settings, in the words of a config.

        Args:
            name: the recipe's name.
            candidate: the words, or the YAML file that holds them.
            summary: one line.
            paper: where the settings are published.

        Raises:
            UserError: the file cannot be read, or holds no mapping.
            PluginError: the name is taken.
        """
        words = values_in_file(candidate, "recipe file") if isinstance(candidate, Path) else candidate
        if not isinstance(words, Mapping):
            raise UserError(
                f"recipe file '{candidate}' must hold a mapping of keys to values; it holds {type(words).__name__}: write "
                "'rule: ...', as in a config."
            )
        self._put(Entry("recipe", name, None, dict(words), summary, paper, self._current, {}))

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
            name: the task's id.
            environment: the environment component, in the words of a config.
            summary: one line.
            random: mean episode return of a uniform random policy: 0 on the normalized scale.
            reference: a reference return: 1 on the normalized scale.
            origin: where the two figures come from.
            paper: where the task is published.

        Raises:
            UserError: the reference return is no better than the random one, so that there is no scale between them.
        """
        if not reference > random:
            raise UserError(
                f"task '{name}': the reference return {reference:g} must be above the random one, {random:g}: it is 1 on the "
                "normalized scale, random is 0."
            )
        facts = {"random": random, "reference": reference, "origin": origin}
        self._put(Entry("task", name, None, environment, summary, paper, self._current, facts))

    def get(self, kind: str, name: str) -> Entry:
        """The entry of a kind and name.

        Raises:
            UserError: unknown; the message shows the five nearest names and the command that lists all.
        """
        entry = self._entries.get((kind, name))
        if entry is None:
            names = [known.name for known in self.entries(kind)]
            raise UserError(f"no {kind} is called '{name}': {nearest(name, names, command='discover plugins list')}.")
        return entry

    def has(self, kind: str, name: str) -> bool:
        return (kind, name) in self._entries

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """All entries, or those of one kind, sorted by kind and name."""
        for key in sorted(self._entries):
            if kind is None or key[0] == kind:
                yield self._entries[key]

    def name_of(self, component: type[Component]) -> str:
        """The name under which a class is registered.

        Raises:
            UserError: it is not.
        """
        if component not in self._names:
            raise UserError(
                f"component '{component.__name__}' is not registered: add it in a plugin's discover_register, "
                f"registry.add('{component.__name__.lower()}', {component.__name__})."
            )
        return self._names[component]

    def plugins(self) -> list[Provenance]:
        """Which plugins are loaded, those that register nothing (a tracker) among them; sorted."""
        return sorted(self._plugins.values())

    def forget(self, plugin: str) -> None:
        """Remove what a plugin has registered (it broke while loading)."""
        self._entries = {key: e for key, e in self._entries.items() if e.provenance.plugin != plugin}
        self._names = {e.component: e.name for e in self._entries.values() if e.component is not None}
        self._plugins.pop(plugin, None)

    def register_as(self, provenance: Provenance) -> None:
        """Say which plugin the following registrations belong to."""
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
