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
    point.name: point.module
    for point in importlib.metadata.entry_points(group="discover")
    if point.dist is not None and point.dist.name == "discover-rl"
}
"""The modules of the seed plugins, by the names of their entry points."""


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import, wherever it stands; the name is empty for a whole module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def module_of(path: Path) -> str:
    """The dotted name of a file below ``plugins``."""
    return ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts).removesuffix(".__init__")


def registers(path: Path) -> bool:
    """Whether a file is a plugin: whether it defines ``discover_register``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "discover_register" for node in tree.body)


MODULES = {module_of(path): path for path in sorted((ROOT / "plugins").rglob("*.py"))}
ZOO = {module: registers(path) for module, path in MODULES.items() if module.split(".")[0] == "discover_zoo"}
"""Every module of the zoo, and whether it is a plugin; the others support plugins."""


def owners(module: str) -> set[str]:
    """The plugins that a module is, or is a part of."""
    parts = module.split(".")
    return {name for end in range(1, len(parts) + 1) if ZOO.get(name := ".".join(parts[:end]))}


def foreign(module: str, imported: str, name: str) -> bool:
    """Whether ``module`` must not import ``name`` of ``imported``: a private name of the core, or of another plugin."""
    if imported.startswith("."):
        return True
    if imported.split(".")[0] == "discover":
        return imported != "discover" or name not in discover.__all__
    if not imported.startswith("discover_"):
        return False
    meant = f"{imported}.{name}" if f"{imported}.{name}" in MODULES else imported
    return meant.split(".")[0] != module.split(".")[0] or not owners(meant) <= owners(module)


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


OWN = {
    "os.open",
    "file.open",
    "archive.open",
    "self._display.open",
    "display.open",
    "executor.open",
}
"""Calls of that name which open no text: descriptors, members of zip files, displays, executors."""


def test_every_text_file_is_utf8_whatever_the_locale() -> None:
    sources = [path for folder in ("discover", "plugins", "experiments") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(sources) > 100
    found = [call for path in sources for call in undeclared(path) if call.split(": ")[1] not in OWN]
    assert found == []


def test_the_core_imports_no_plugin() -> None:
    foreign = ("discover_", "plugins", "tests", "experiments", ".")
    assert [(path.name, module) for path in CORE for module, _ in imports(path) if module.startswith(foreign)] == []


STAIR = (
    ("cli",),
    ("api",),
    ("testing", "scaffold"),
    ("reading", "reports"),
    ("outer_loop",),
    ("workers",),
    ("evaluation", "exporting"),
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
    assert {path.name for path in (ROOT / "discover").iterdir() if path.is_dir() and path.name != "__pycache__"} == set(step)
    arrows = [
        (path.relative_to(ROOT / "discover").parts[0].removesuffix(".py"), module.split(".")[0])
        for path in CORE
        for module in modules_imported(path)
    ]
    arrows = [(a, b) for a, b in arrows if a in step]  # the package itself and __main__ name every wing
    assert len(arrows) > 300
    assert [(a, b) for a, b in arrows if a != b and step[b] >= step[a]] == []


def test_no_module_of_the_core_imports_itself_by_a_detour() -> None:
    every = {path.relative_to(ROOT / "discover").with_suffix("").as_posix().replace("/", "."): path for path in CORE}
    graph = {name: modules_imported(path) - {name} for name, path in every.items()}
    assert graph["contract.algorithm"] >= {"contract.world", "contract.update_rule"}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(graph)


def test_every_module_that_registers_is_a_plugin_with_an_entry_point() -> None:
    assert {module for module, is_plugin in ZOO.items() if is_plugin} == set(SEEDS.values()) - {"discover_mlflow"}
    assert {"discover_zoo.rules.ppo", "discover_zoo.returns.gae", "discover_zoo.strategies.evosax"} <= set(SEEDS.values())


@pytest.mark.parametrize(
    ("module", "imported", "name"),
    [
        ("discover_zoo.rules.a2c", "discover_zoo.rules.ppo", "PPO"),
        ("discover_zoo.rules.a2c", "discover_zoo.rules", "ppo"),
        ("discover_zoo.rules.mirror", "discover_zoo.rules.ppo", "PPO"),
        ("discover_zoo.rules.ppo", "discover_zoo.strategies.evosax.adapter", "EvosaxStrategy"),
        ("discover_zoo.strategies.evosax.adapter", "discover_zoo.strategies.pbt", ""),
        ("discover_zoo.rules.ppo", "discover_mlflow", "names"),
        ("discover_mlflow.run", "discover_zoo.rules.drifts", "clip_drift"),
        ("discover_zoo.rules.ppo", "discover.base.errors", "UserError"),
        ("discover_zoo.rules.ppo", "discover", "errors"),
        ("discover_zoo.rules.ppo", "discover", ""),
        ("discover_zoo.rules.ppo", ".mirror", "MirrorLearning"),
    ],
)
def test_what_a_plugin_may_not_import(module: str, imported: str, name: str) -> None:
    assert module in MODULES
    assert foreign(module, imported, name)


@pytest.mark.parametrize(
    ("module", "imported", "name"),
    [
        ("discover_zoo.rules.ppo", "discover", "Scalar"),
        ("discover_zoo.rules.ppo", "jax", ""),
        ("discover_zoo.rules.ppo", "discover_zoo.rules.mirror", "MirrorLearning"),
        ("discover_zoo.rules.ppo", "discover_zoo.rules.recipes", "RECIPES"),
        ("discover_zoo.strategies.evosax", "discover_zoo.strategies.evosax.special", "SPECIAL"),
        ("discover_zoo.strategies.evosax.special", "discover_zoo.strategies.evosax.adapter", "with_fixed_dtypes"),
    ],
)
def test_what_a_plugin_may_import(module: str, imported: str, name: str) -> None:
    assert module in MODULES
    assert not foreign(module, imported, name)


def test_a_plugin_imports_public_names_and_supporting_modules_only() -> None:
    checked = [module for module in MODULES if module != "discover_launcher"]
    assert set(SEEDS.values()) < set(checked)
    found = [(module, *used) for module in checked for used in imports(MODULES[module]) if foreign(module, *used)]
    assert found == []


EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.py"))


def internals(source: str) -> list[str]:
    """Names that a user's script takes from inside of ``discover``, or private names of plugins."""
    tree, modules, found = ast.parse(source), {"discover"}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.name == "discover" and alias.asname}
            found += [alias.name for alias in node.names if internal(alias.name, "")]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names if internal(node.module or "", alias.name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found += [f"discover.{node.attr}"] if internal("discover", node.attr) else []
    return found


def internal(module: str, name: str) -> bool:
    package, *inner = module.split(".")
    if package == "discover":
        return bool(inner) or bool(name and name not in discover.__all__)
    return package.startswith("discover_") and any(part.startswith("_") for part in (*inner, name))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from discover.evaluation.train import train", "discover.evaluation.train.train"),
        ("from discover import evaluation", "discover.evaluation"),
        ("import discover.config.build", "discover.config.build"),
        ("import discover\ndiscover.api.train()", "discover.api"),
        ("import discover as d\nd.config", "discover.config"),
        ("def run():\n    from discover.inner_loop import lifetime", "discover.inner_loop.lifetime"),
        ("from discover_zoo.rules.ppo import _clipped", "discover_zoo.rules.ppo._clipped"),
    ],
)
def test_what_an_experiment_may_not_use(source: str, name: str) -> None:
    assert internals(source) == [name]


def test_an_experiment_uses_public_names_alone() -> None:
    assert internals("import discover\nfrom discover import train\ndiscover.compare([])") == []
    assert {"speed.py", "ppo_cartpole.py"} <= {path.name for path in EXPERIMENTS}
    sources = {path.name: path.read_text(encoding="utf-8") for path in EXPERIMENTS}
    assert {name: internals(source) for name, source in sources.items() if internals(source)} == {}


def test_an_algorithm_is_found_by_the_name_of_its_file(plugins: Plugins) -> None:
    files = {name: module for name, module in SEEDS.items() if MODULES[module].name != "__init__.py"}
    assert {"ppo", "gae", "genetic"} <= files.keys()
    for name, module in files.items():
        folder, stem = module.split(".")[-2:]
        brought = {e.name for e in plugins.registry.entries() if e.component is not None and e.provenance.plugin == name}
        assert len(brought) == 1, name
        assert brought <= {stem, f"{folder}_{stem}"}
        assert brought == {name}


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


@pytest.mark.parametrize(
    "name", [name if i % 4 == 0 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(SEEDS)]
)
def test_leaving_out_a_seed_plugin_breaks_no_other(plugins: Plugins, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", name)
    left = load_plugins(extra=[toys]).registry
    expected = [(e.kind, e.name) for e in plugins.registry.entries() if e.provenance.plugin != name]
    assert [(e.kind, e.name) for e in left.entries()] == expected
    for recipe in left.entries("recipe"):
        with contextlib.suppress(UserError):  # a recipe may lack what the plugin brought; it must say so in a sentence
            algorithm_from(left, recipe.name)
