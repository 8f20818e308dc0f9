"""``discover promote --recipe``: the champion of a search becomes a recipe with the record of where it comes from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest
import toys
from typer.testing import Result

from discover import Registry, Space, UserError
from discover.config.build import algorithm_from, config_of
from discover.config.candidate_file import fingerprint_of, load_candidate
from discover.contract.found_recipe import (
    FoundRecipe,
    check_not_of_another,
    checked_name,
    found_recipe_file,
    found_recipes_in,
)
from discover.outer_loop.found_recipe import plain

Invoke = Callable[..., Result]
Told = Callable[..., Any]

PLUGIN = """
from pathlib import Path

from discover import hookimpl


@hookimpl
def discover_register(registry):
    registry.add_discovered(Path(__file__).parent / "found")
"""


def test_a_champion_becomes_a_recipe_that_shows_its_record(told: Told, invoke: Invoke, config: Path, brought: Path) -> None:
    split = "split={meta_train: [{task: payday, steps: 100}], meta_test: [{task: late-payday, steps: 90}]}"
    few = ("generations=1", "finalists=1", "report.seeds=2", "after={ablate: {against: climb, seeds: 2}}", split)
    words = [word for setting in few for word in ("--set", setting)]
    told("search", config, *words, "--directory", "searched")
    made = told("promote", "searched", "--recipe", "steep-1", "--to", brought / "found")
    assert made == {"recipe": "discovered/steep-1", "file": str(brought / "found" / "steep-1.json")}
    (brought / "finder.py").write_text(PLUGIN)

    listed = told("plugins", "list", "--search", "discovered/steep")
    assert [(one["kind"], one["name"], one["summary"]) for one in listed] == [
        ("recipe", "discovered/steep-1", "Found by the search 'tiny' with seed 0")
    ]
    shown = told("show", "discovered/steep-1")
    assert shown["nearest"]["name"] == "climb"
    assert (
        shown["lineage"]["seen"] == "The search 'tiny' saw payday @ 100; of the split 'of the config' it saw no meta-test task."
    )
    assert {row["candidate"] for row in shown["results"]} == {"champion", "climb"}
    assert {row["path"] for row in shown["paid"]} == {"rule.slope", "rule.steps"}
    assert "versions" in shown["provenance"]
    assert shown["cost"]["generations"] == "1"
    text = invoke("show", "discovered/steep-1").stdout
    assert "What each value pays" in text
    again = invoke("promote", "searched", "--recipe", "steep-1", "--to", brought / "found")
    assert again.exit_code == 0  # of the same search
    assert "record: discover show discovered/steep-1" in invoke("plugins", "show", "discovered/steep-1").stdout

    (found,) = found_recipes_in(brought / "found")
    registry = toys.plugins().registry
    champion = load_candidate(Path("searched/champion.candidate"), registry)
    again = algorithm_from(registry, found.candidate)
    assert fingerprint_of(registry, again) == fingerprint_of(registry, champion) == found.record["fingerprint"]
    assert found.record["search"]["config"]["population"] == 4
    (brought / "found" / "steep-1.json").write_text("{")
    assert "recipe file" in invoke("plugins", "list", "--search", "discovered/").stderr


def test_weights_come_back_to_the_bit(tmp_path: Path, registry: Registry) -> None:
    space = Space(algorithm_from(registry, "informed_lpo"))
    drawn = space.decode(space.sample(jax.random.key(0)))
    path, data = found_recipe_file(tmp_path, FoundRecipe("discovered/it", "", plain(config_of(registry, drawn)), {}))
    path.write_bytes(data)
    (found,) = found_recipes_in(tmp_path)
    assert fingerprint_of(registry, algorithm_from(registry, found.candidate)) == fingerprint_of(registry, drawn)


def test_files_that_are_no_recipes_are_told_in_a_sentence(tmp_path: Path) -> None:
    for text, message in (
        ("{", "is damaged: write it again"),
        ('{"format": 1}', "is damaged: write it again"),
        ('{"format": 1, "candidate": 3, "record": {}}', "is damaged: write it again"),
        ('{"format": 9, "candidate": {}, "record": {}}', "has format 9; this version reads 1"),
    ):
        (tmp_path / "it.json").write_text(text)
        with pytest.raises(UserError, match=message):
            list(found_recipes_in(tmp_path))
    for name in ("", "../up", "Big", "a/b", "a.b", "-"):
        with pytest.raises(UserError, match="cannot name a recipe"):
            checked_name(name)


def test_both_options_of_a_recipe_are_needed(invoke: Invoke) -> None:
    for words in (("--recipe", "it"), ("--to", "there")):
        result = invoke("promote", "searched", *words)
        assert (result.exit_code, result.stderr.splitlines()[-1][:40]) == (2, "error: a recipe needs both --recipe NAME")


def test_the_recipe_of_another_search_is_not_overwritten(tmp_path: Path) -> None:
    def recipe(seed: int, **change: object) -> FoundRecipe:
        config = {"name": "tiny", "seed": seed, "population": 4, "report": None, **change}
        return FoundRecipe("discovered/it", "", {}, {"search": {"name": "tiny", "seed": seed, "config": config}})

    path, data = found_recipe_file(tmp_path, recipe(0))
    check_not_of_another(path, recipe(0))  # nothing is there
    path.write_bytes(data)
    check_not_of_another(path, recipe(0, report={"seeds": 4}))
    for other in (recipe(1), recipe(0, population=8)):
        with pytest.raises(UserError, match=r"it\.json' holds the recipe of another search, 'tiny' with seed 0: take another"):
            check_not_of_another(path, other)
    path.write_text("{")
    check_not_of_another(path, recipe(1))
