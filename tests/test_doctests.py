"""The examples in docstrings run, in every module of the core and of the plugins."""

import doctest
import importlib
import pkgutil
import types
from collections.abc import Iterator

import discover_mlflow
import discover_zoo
import pytest

import discover


def modules(package: types.ModuleType) -> Iterator[str]:
    """The names of all modules in a package."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield found.name


MODULES = sorted(name for package in (discover, discover_zoo, discover_mlflow) for name in modules(package))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name} fail"


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    assert sum(bool(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))) >= 5
