"""Plugins that are not installed: those of a package's folder, and single files."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import UserError, nearest
from discover.contract.registry import Provenance
from discover.plugin.loader import BLOCK, GROUP, Plugins, check_owner, import_file, load_plugin


class Failure(NamedTuple):
    """A plugin that could not be loaded.

    Attributes:
        name: of the plugin.
        error: what was raised.
        folder: of its code; None where that is not known.
    """

    name: str
    error: BaseException
    folder: Path | None


class Found(NamedTuple):
    """The plugins that a text names.

    Attributes:
        names: of those that are loaded.
        failures: those that could not be loaded.
        entry: the one name to which the text restricts their registrations; empty for all.
    """

    names: list[str]
    failures: list[Failure]
    entry: str = ""


class _Source(NamedTuple):
    """A plugin that can be loaded: its origin, its code, and the function that imports it."""

    provenance: Provenance
    folder: Path
    load: Callable[[], Any]


def find_plugins(plugins: Plugins, text: str) -> Found:
    """The plugins of a folder or a file, of a distribution or a module, or of a name.

    Plugins of a folder or a file are loaded here, unless they are loaded already.

    Args:
        plugins: all that is loaded.
        text: a path; the name of a plugin, a package or a module; or a name that a plugin registers.

    Raises:
        UserError: it is none of these.
    """
    if Path(text).exists() and (Path(text).is_dir() or text.endswith(".py")):
        return _loaded(plugins, _sources(Path(text).absolute()))
    points = list(importlib.metadata.entry_points(group=GROUP))
    wanted = [point for point in points if text == point.name or _normal(text) in _origins(point)]
    known = {each.plugin for each in plugins.registry.plugins()}
    names = sorted({point.name for point in wanted if point.name in known} | ({text} & known))
    failures = [_failure(plugins, point) for point in wanted if point.name not in known]
    if names or failures:
        return Found(names, failures)
    bringing = {entry.provenance.plugin for entry in plugins.registry.entries() if entry.name == text}
    if bringing:
        return Found(sorted(bringing), [], text)
    every = known | {point.name for point in points} | {entry.name for entry in plugins.registry.entries()}
    hint = nearest(text, every, command="discover plugins list")
    raise UserError(f"'{text}' is no plugin, no package with plugins and no folder of one: {hint}.")


def _origins(point: importlib.metadata.EntryPoint) -> set[str]:
    """The names of an entry point's distribution and modules."""
    module = point.value.partition(":")[0]
    parts = module.split(".")
    modules = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return {_normal(name) for name in (*modules, *([point.dist.name] if point.dist else []))}


def _normal(name: str) -> str:
    return re.sub(r"[-_]+", "-", name).lower()


def _failure(plugins: Plugins, point: importlib.metadata.EntryPoint) -> Failure:
    """The reason why an installed plugin is not loaded: it is loaded once more."""
    spec = importlib.util.find_spec(point.value.partition(":")[0].partition(".")[0])
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    origin = (point.dist.name, point.dist.version) if point.dist else ("unknown", "")
    if plugins.manager.is_blocked(point.name):
        return Failure(point.name, UserError(f"it is blocked by {BLOCK}"), folder)
    try:
        load_plugin(plugins, Provenance(point.name, *origin), point.load)
    except (Exception, SystemExit) as error:
        return Failure(point.name, error, folder)
    return Failure(point.name, UserError("it was left out before, but is loaded now: try again"), folder)


def _loaded(plugins: Plugins, sources: Iterator[_Source]) -> Found:
    """Load plugins of which the code is at hand."""
    names: list[str] = []
    failures: list[Failure] = []
    for source in sources:
        name = source.provenance.plugin
        if plugins.manager.has_plugin(name):  # installed, so that its entry point was found
            names.append(name)
            continue
        try:
            load_plugin(plugins, source.provenance, source.load)
        except (Exception, SystemExit) as error:
            failures.append(Failure(name, error, source.folder))
        else:
            names.append(name)
    return Found(names, failures)


def _sources(path: Path) -> Iterator[_Source]:
    """The plugins of a package's folder, of a folder of files, or of a file.

    Raises:
        UserError: there is none, or others may change them.
    """
    project = path / "pyproject.toml"
    if project.is_file():
        yield from _of_project(project)
        return
    files = [path] if path.is_file() else sorted(path.glob("*.py"))
    if not files:
        raise UserError(f"'{path}' holds neither a pyproject.toml nor .py files: give the folder of a plugin's package.")
    for file in files:
        check_owner(file)
        yield _Source(Provenance(file.stem, str(file), ""), file.parent, lambda file=file: import_file(file))


def _of_project(project: Path) -> Iterator[_Source]:
    """The plugins that a ``pyproject.toml`` names."""
    check_owner(project)
    try:
        facts = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        points = facts.get("entry-points", {}).get(GROUP, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise UserError(f"'{project}' cannot be read ({error}): repair it.") from None
    if not points:
        raise UserError(
            f"'{project}' names no plugin: add [project.entry-points.{GROUP}] with a line such as my_rule = \"my_package\"."
        )
    roots = [folder for folder in (project.parent / "src", project.parent) if folder.is_dir()]
    sys.path[:0] = [str(root) for root in roots if str(root) not in sys.path]
    for name, module in points.items():
        origin = Provenance(name, facts.get("name", str(project.parent)), str(facts.get("version", "")))
        yield _Source(origin, project.parent, importlib.metadata.EntryPoint(name, str(module), GROUP).load)
