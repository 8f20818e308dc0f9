"""Known candidates that a search begins with: members of its first generation, whatever the strategy, to the same bits."""

import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_up import made_up
from searches import WORDS, Watcher, counters, run, state, watched

from discover import Registry, Space, Strategy, free
from discover.config.build import component_from
from discover.outer_loop.checks import NearestWarning
from discover.outer_loop.search import check, resume
from discover.testing.hill import Point

INIT = [{"recipe": "climb", "rule": {"toy_climb": {"slope": slope}}} for slope in (8.0, -3.0)]
SHORT: dict[str, Any] = {"tasks": [{"task": "payday", "steps": 40}], "seeds": 1, "generations": 3, "population": 4}


def test_they_are_the_last_members_of_the_first_generation(tmp_path: Path) -> None:
    watcher, plain = Watcher(), Watcher()
    with made_up():
        run(tmp_path / "it", watcher, init=INIT, **SHORT)
        run(tmp_path / "plain", plain, **SHORT)
    first, second = watcher.generations[:2]
    space = Space(check(watched(), WORDS).template)
    slope = [[float(space.decode(genome).rule.slope) for genome in generation.genomes] for generation in (first, second)]
    assert slope[0][2:] == pytest.approx([8.0, -3.0], rel=1e-4)
    assert first.fitness[2] == first.fitness.max()  # a steeper slope climbs higher
    np.testing.assert_array_equal(plain.generations[0].genomes[:2], first.genomes[:2])
    assert np.mean(slope[1]) > 5.0  # the strategy knows them


@pytest.mark.parametrize("stop", [0, 1])
def test_a_search_with_them_resumes_to_the_same_bits(tmp_path: Path, stop: int) -> None:
    with made_up():
        run(tmp_path / "whole", init=INIT, **SHORT)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "it", Watcher(stop_in=stop), init=INIT, **SHORT)
        resume(watched(), tmp_path / "it")
    assert state(tmp_path / "it") == state(tmp_path / "whole")
    assert counters(tmp_path / "it") == counters(tmp_path / "whole")


def test_the_nearest_is_no_secret() -> None:
    with pytest.warns(NearestWarning) as told:
        check(watched(), {**WORDS, "init": [{"nearest": {"recipe": "climb", "rule": {"toy_climb": {"noise": 0.5}}}}]})
    assert [str(one.message) for one in told] == [
        "init.0: the search begins with the nearest to 'climb' (rule.noise: 0.5 is not in the space, where the nearest is 0.1)."
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error", NearestWarning)
        check(watched(), {**WORDS, "init": INIT})


# Strategies -----------------------------------------------------------------------------------------------------------

MOVED = ("niches", *(pytest.param(name, marks=pytest.mark.slow) for name in ("SNES", "SV_Open_ES")))
TOLD = ("RandomSearch", "genetic", "gradient", "map_elites", "pbt", "random_search", "regularized_evolution")
OTHERS = ("LGA", "MR15_GA", "PSO", "SAMR_GA", "DifferentialEvolution", "DiffusionEvolution", "GESMR_GA", "SimpleGA")
"""Algorithms of evosax that hold a population."""

KNOWN = np.array([[6.0, -6.0, 3.0], [5.0, -5.0, 2.0]], np.float32)


def made(registry: Registry, name: str) -> Strategy:
    return component_from(registry, Strategy, name, "strategy")


def begun(strategy: Strategy) -> tuple[Any, Any, Space]:
    """The states before and after it was given known candidates."""
    space, key = Space(Point(x=free(), y=free(), z=free())), jax.random.key(0)
    first = strategy.init(key, space, 16)
    return first, strategy.begin_at(key, first, space, 16, genomes=jnp.asarray(KNOWN)), space


@pytest.mark.parametrize("name", TOLD)
def test_a_strategy_that_learns_from_any_members_is_told_of_them(name: str, registry: Registry) -> None:
    space = Space(Point(x=free(), y=free(), z=free()))
    assert made(registry, name).begin_at(jax.random.key(0), None, space, 16, genomes=jnp.asarray(KNOWN)) is None


def goes_on_around_the_best(strategy: Strategy) -> None:
    first, after, space = begun(strategy)
    forms = [jax.tree.map(lambda x: (jnp.shape(x), jax.typeof(x).dtype, jax.typeof(x).weak_type), s) for s in (first, after)]
    assert forms[0] == forms[1]
    asked = strategy.ask(jax.random.key(1), after, space, 16)[0].genomes
    assert jnp.linalg.norm(asked.mean(axis=0) - KNOWN[0]) < 2.0


@pytest.mark.parametrize("name", MOVED)
def test_a_strategy_that_learns_from_its_own_draws_goes_on_around_the_best(name: str, registry: Registry) -> None:
    goes_on_around_the_best(made(registry, name))


@pytest.mark.slow
def test_every_strategy_does_one_or_the_other(registry: Registry) -> None:
    for entry in registry.entries("strategy"):
        if entry.name.startswith("toy_"):
            continue
        strategy = made(registry, entry.name)
        if entry.name in (*TOLD, *OTHERS):
            assert begun(strategy)[1] is None, entry.name
        else:
            goes_on_around_the_best(strategy)
