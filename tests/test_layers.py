"""The core knows no plugin and no algorithm; a plugin knows the core's public names and no other plugin."""

import ast
import contextlib
import graphlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import toys

import discover
from discover import UserError
from discover.config.build import algorithm_from
from discover.plugin.loader import Plugins, load_plugins

ROOT = Path(discover.__file__).parents[1]
CORE = sorted((ROOT / "discover").rglob("*.py"))
SEEDS = {
    point.name: ROOT / "plugins" / point.module.split(".")[0]
    for point in importlib.metadata.entry_points(group="discover")
    if point.dist is not None and point.dist.name == "discover-rl"
}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import, wherever it stands; the name is empty for a whole module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def words(path: Path) -> set[str]:
    """Every identifier of a file, and every text that is one word."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        values = (getattr(node, field, None) for field in ("id", "attr", "arg", "name", "value"))
        found |= {value for value in values if isinstance(value, str)}
    return found


def undeclared(path: Path) -> Iterator[str]:
    """Calls that read or write text in whatever encoding the locale happens to have."""
    takes_mode = {"open": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0, "fdopen": 1}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        method = isinstance(node.func, ast.Attribute) and called == "open"
        place = 0 if method else takes_mode.get(called)
        mode = given.get("mode", node.args[place] if place is not None and len(node.args) > place else None)
        binary = (isinstance(mode, ast.Constant) and "b" in str(mode.value)) or (mode is None and "Temporary" in called)
        text = called in ("read_text", "write_text") or (called in takes_mode and not binary)
        if (text or ("text" in given and called in ("run", "Popen", "check_output"))) and "encoding" not in given:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node.func)}"


OWN = {"os.open", "file.open", "opened.open", "self._display.open", "display.open"}
"""Calls of that name which open no text: descriptors, members of zip files, displays."""


def test_every_text_file_is_utf8_whatever_the_locale() -> None:
    sources = [path for folder in ("discover", "plugins", "experiments") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(sources) > 100
    found = [call for path in sources for call in undeclared(path) if call.split(": ")[1] not in OWN]
    assert found == []


def test_the_core_imports_no_plugin() -> None:
    foreign = ("discover_", "plugins", "tests", "experiments", ".")
    assert [(path.name, module) for path in CORE for module, _ in imports(path) if module.startswith(foreign)] == []


STAIR = (
    ("cli", "testing", "api"),
    ("outer_loop",),
    ("evaluation",),
    ("config",),
    ("inner_loop",),
    ("plugin",),
    ("learning",),
    ("contract",),
    ("components",),
    ("process",),
    ("storage",),
    ("base",),
)
"""The wings of ``discover/``: each imports only from itself and from those below it."""


def modules_imported(path: Path) -> set[str]:
    """The modules of the core that a file imports, from ``discover.`` on."""
    found = set()
    for module, name in imports(path):
        if module.startswith("discover."):
            inner = f"{module}.{name}".removeprefix("discover.")
            file = ROOT / "discover" / (inner.replace(".", "/") + ".py")
            found.add(inner if file.exists() else module.removeprefix("discover."))
    return found


def test_imports_of_the_core_go_down_the_stair() -> None:
    step = {wing: len(STAIR) - place for place, wings in enumerate(STAIR) for wing in wings}
    assert {path.name for path in (ROOT / "discover").iterdir() if path.is_dir() and path.name != "__pycache__"} < set(step)
    arrows = [
        (path.relative_to(ROOT / "discover").parts[0].removesuffix(".py"), module.split(".")[0])
        for path in CORE
        for module in modules_imported(path)
    ]
    arrows = [(a, b) for a, b in arrows if a in step]  # the package itself and __main__ name every wing
    assert len(arrows) > 300
    assert [(a, b) for a, b in arrows if a != b and (b == "api" or step[b] >= step[a]) and (a, b) != ("cli", "api")] == []


def test_no_module_of_the_core_imports_itself_by_a_detour() -> None:
    every = {path.relative_to(ROOT / "discover").with_suffix("").as_posix().replace("/", "."): path for path in CORE}
    graph = {name: modules_imported(path) - {name} for name, path in every.items()}
    assert graph["contract.algorithm"] >= {"contract.world", "contract.update_rule"}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(graph)


def test_a_plugin_imports_public_names_only_and_no_other_plugin() -> None:
    assert {"mirror", "returns"} <= set(SEEDS)
    found = []
    for package in SEEDS.values():
        for path in sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]:
            for module, name in imports(path):
                public = module == "discover" and name in discover.__all__
                other = module.startswith("discover_") and module.split(".")[0] != package.name
                if other or module.startswith(".") or (module.split(".")[0] == "discover" and not public):
                    found.append((str(path.relative_to(ROOT)), module, name))
    assert found == []


def test_every_public_name_is_there_and_stands_in_both_tables() -> None:
    listed = {}
    for node in ast.walk(ast.parse((ROOT / "discover" / "__init__.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("discover."):
            listed |= {alias.asname: node.module for alias in node.names}
    assert sorted(listed) == discover.__all__
    for name, module in listed.items():
        assert getattr(discover, name) is getattr(sys.modules[str(module)], name)


def test_the_core_starts_without_what_is_heavy() -> None:
    code = "import sys, discover, discover.base.errors; print([m for m in ('jax', 'numpy', 'mlflow') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout == "[]\n"


def test_the_core_names_no_algorithm(plugins: Plugins) -> None:
    entries = [*plugins.registry.entries("update rule"), *plugins.registry.entries("recipe")]
    seeds = [entry for entry in entries if entry.provenance.plugin in SEEDS]
    called = {entry.name for entry in seeds} | {entry.component.__name__ for entry in seeds if entry.component is not None}
    assert {"ppo", "PPO"} <= called
    assert {path.name: called & words(path) for path in CORE if called & words(path)} == {}


@pytest.mark.parametrize("name", SEEDS)
def test_leaving_out_a_seed_plugin_breaks_no_other(plugins: Plugins, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", name)
    left = load_plugins(extra=[toys]).registry
    expected = [(e.kind, e.name) for e in plugins.registry.entries() if e.provenance.plugin != name]
    assert [(e.kind, e.name) for e in left.entries()] == expected
    for recipe in left.entries("recipe"):
        with contextlib.suppress(UserError):  # a recipe may lack what the plugin brought; it must say so in a sentence
            algorithm_from(left, recipe.name)
