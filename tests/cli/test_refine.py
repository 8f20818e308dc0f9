"""``discover refine``: numbers are searched further, the champion is chosen anew, and mistakes are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
SETTINGS = ("--set", "structures=1", "--set", "strategy=toy_hill", "--set", "generations=1")


@pytest.mark.slow
def test_refine_goes_on_with_a_search_that_is_over(invoke: Invoke, told: Callable[..., Any], config: Path) -> None:
    first = told("search", config, "--directory", "found")
    refined = told("refine", "found", *SETTINGS)
    assert refined["run_id"] == "refine-run"
    assert refined["directory"] == first["directory"]
    assert refined["generations"] == first["generations"]
    cost = json.loads(Path("found/refine-1/result.json").read_text())["env_steps"]
    assert refined["env_steps"] > cost
    result = invoke("refine", "found", *SETTINGS)
    assert result.exit_code == 0, result.stderr
    assert "finished:        the search 'tiny' was finished before" in result.stdout
    assert told("resume", "found")["best_fitness"] == refined["best_fitness"]
    other = invoke("refine", "found", "--set", "generations=2")
    assert other.exit_code == 2
    assert other.stderr.splitlines()[-1] == (
        "error: 'found/refine-1' was refined with generations 1, which cannot become 2: give the same, or remove that folder "
        "to refine it anew."
    )


def test_mistakes_of_refine_are_told(invoke: Invoke) -> None:
    def sentence(*words: str) -> str:
        result = invoke("refine", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        return result.stderr.splitlines()[-1]

    Path("empty").mkdir()
    assert sentence("empty") == (
        "error: 'empty' is not the directory of a search (it has no config.yaml): give one that search made."
    )
    assert sentence("nowhere").startswith("error: 'nowhere' is neither a directory nor the name or the run of a search: ")
    assert sentence("empty", "--set", "structures") == (
        "error: --set 'structures' must be key=value, with dots between nested keys, such as --set structures=3."
    )
