"""The examples in docstrings run, in every module of the core and of the plugins; every update rule has one."""

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from discover_zoo import rules

from discover import Registry, UpdateRule

PACKAGES = ("discover", "discover_zoo", "discover_mlflow")


def modules(package: str) -> Iterator[str]:
    """The names of a package and of all modules in it, without those that run a program."""
    yield package
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            yield module.name


def text_of(name: str) -> str:
    """The source of a module, which is not imported for it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return Path(spec.origin or "").read_text(encoding="utf-8")


MODULES = sorted(name for package in PACKAGES for name in modules(package))
DEAR = {
    "discover_zoo.networks.cnn",
    "discover_zoo.networks.one_of_networks",
    "discover_zoo.rules.linear_baseline",
    "discover_zoo.strategies.behaviors",
    "discover_zoo.strategies.pbt.pbt",
    "discover_zoo.strategies.racing",
}
"""Modules whose examples take seconds."""
SHOWING = [name for name in MODULES if ">>>" in text_of(name)]
RULES = sorted(module.name for module in pkgutil.iter_modules(rules.__path__, f"{rules.__name__}."))


def examples(name: str) -> list[doctest.DocTest]:
    """The docstrings of a module that hold examples."""
    return [test for test in doctest.DocTestFinder().find(importlib.import_module(name)) if test.examples]


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in DEAR else ()) for name in SHOWING])
def test_the_examples_of_a_module_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name} fail"


@pytest.mark.parametrize("package", ["discover", "discover_zoo"])
def test_there_are_examples(package: str) -> None:
    assert sum(len(examples(name)) for name in MODULES if name.split(".")[0] == package) >= 5


def test_every_update_rule_names_its_source_and_shows_its_use() -> None:
    """Every class that a plugin of the zoo registers as an update rule: a source, what its fields mean, and an example."""
    algorithms = {
        component
        for module in map(importlib.import_module, [name for name in MODULES if name.startswith(f"{rules.__name__}.")])
        for component in vars(module).values()
        if inspect.isclass(component) and issubclass(component, UpdateRule) and component.__module__ == module.__name__
        if component.paper
    }
    assert {"PPO", "DQN", "SAC", "QLearning", "MAML", "MetaGradient"} <= {algorithm.__name__ for algorithm in algorithms}
    for algorithm in algorithms:
        text = inspect.getdoc(algorithm) or ""
        assert ">>>" in text, f"{algorithm.__name__} has no example"
        assert "Attributes:" in text or "fields are those of" in text, f"{algorithm.__name__} does not say what its fields mean"
        assert "Pitfall" in text, f"{algorithm.__name__} does not say what to beware of"


def test_every_component_of_the_zoo_shows_its_use(registry: Registry) -> None:
    classes = {entry.component for entry in registry.entries() if entry.component is not None}
    zoo = [cls for cls in classes if cls.__module__.startswith("discover_zoo.")]
    assert len(zoo) > 100
    assert [cls.__name__ for cls in zoo if ">>>" not in (cls.__doc__ or "")] == []
