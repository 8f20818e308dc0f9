"""The examples in docstrings run, in every module of the core and of the plugins."""

import doctest
import importlib
import pkgutil
import types
from collections.abc import Iterator

import pytest

import discover


def modules(package: types.ModuleType) -> Iterator[str]:
    """The names of all modules in a package."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield found.name


CORE = sorted(modules(discover))


@pytest.mark.parametrize("name", CORE)
def test_the_examples_of_a_module_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name} fail"


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    assert sum(bool(test.examples) for name in CORE for test in finder.find(importlib.import_module(name))) >= 5
