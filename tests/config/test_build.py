"""A config's words and components are the same objects: there and back again, exactly."""

import json
from typing import Any

import jax
import numpy as np
import pytest
import toys
from toys import Blank, Climb, Learned, OneStep

from discover import Algorithm, Environment, Registry, ReturnFunction, Space, UserError, choice, free
from discover.base.mistakes import MistakesError
from discover.config.build import algorithm_from, component_from, config_of, environment_from
from discover.config.candidate_file import fingerprint_of, with_arrays, without_arrays

REGISTRY = toys.plugins().registry
RECIPES = [entry.name for entry in REGISTRY.entries("recipe")]


def same_bits(a: Any, b: Any) -> bool:
    def bits(tree: Any) -> list[Any]:
        return [(x.dtype, x.tobytes()) if isinstance(x, np.ndarray | jax.Array) else x for x in jax.tree.leaves(tree)]

    return jax.tree.structure(a) == jax.tree.structure(b) and bits(a) == bits(b)


def drawn(name: str) -> Algorithm:
    """The recipe with every number drawn from its prior, so that no digit is a round one."""
    template = algorithm_from(REGISTRY, name)
    opened = jax.tree.map(lambda _: free(), template)
    return Space(opened).decode(Space(opened).sample(jax.random.key(1)))


# There and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_words_and_json_to_the_bit(name: str) -> None:
    recipe = algorithm_from(REGISTRY, name)
    for candidate in [recipe, drawn(name)] if jax.tree.leaves(recipe) else [recipe]:
        words, arrays = without_arrays(config_of(REGISTRY, candidate))
        again = algorithm_from(REGISTRY, with_arrays(json.loads(json.dumps(words)), arrays))
        assert same_bits(candidate, again)
        assert repr(again) == repr(candidate)


def test_a_choice_may_have_nothing_as_an_option() -> None:
    words = {"recipe": "ppo", "normalizer": {"choice": [None, "observations"]}}
    space = Space(algorithm_from(REGISTRY, words))
    without, with_one = (space.decode(np.asarray(genome, np.float32)) for genome in ([1, 0], [0, 1]))
    assert without.normalizer is None
    assert type(with_one.normalizer).__name__ == "Observations"
    assert [space.describe(space.structure(space.encode(one))) for one in (without, with_one)] == [
        "normalizer=None",
        "normalizer=Observations",
    ]
    assert config_of(REGISTRY, space.template)["normalizer"]["choice"][0] is None
    with pytest.raises(UserError, match=r"candidate\.normalizer\.choice\.1: no normalizer is called 'observation'"):
        algorithm_from(REGISTRY, {**words, "normalizer": {"choice": [None, "observation"]}})


def test_a_float32_is_written_with_as_few_digits_as_name_it() -> None:
    assert config_of(REGISTRY, OneStep(gamma=0.1)) == {"toy_onestep": {"gamma": 0.1}}
    random = np.random.default_rng(0)
    for number in random.uniform(size=50).astype(np.float32):
        words = json.loads(json.dumps(config_of(REGISTRY, OneStep(gamma=number))))
        assert component_from(REGISTRY, ReturnFunction, words, "it").gamma.tobytes() == number.tobytes()


def test_weights_of_any_tree_are_arrays_by_path() -> None:
    made = Learned(width=3, drift=toys._start(Learned(width=3), jax.random.key(1)))
    words = config_of(REGISTRY, made)
    assert sorted(words["toy_learned"]["drift"]) == ["0.kernel", "0.offset", "1.0"]
    assert same_bits(made, component_from(REGISTRY, ReturnFunction, words, "it"))
    assert same_bits(made, component_from(REGISTRY, ReturnFunction, {"toy_learned": {"width": 3, "drift": made.drift}}, "it"))
    del words["toy_learned"]["drift"]["1.0"]
    with pytest.raises(UserError, match=r"^it\.toy_learned\.drift must be arrays of shapes"):
        component_from(REGISTRY, ReturnFunction, words, "it")


def test_a_space_has_the_same_words() -> None:
    space = Algorithm(
        rule=choice(Climb(slope=free(low=0.5, start=1.0)), Climb(slope=2.0, fails=choice(True, False))),
        network=Blank(),
    )
    words = config_of(REGISTRY, space)
    assert words["rule"]["choice"][0]["toy_climb"]["slope"] == {"free": {"low": 0.5, "start": 1.0}}
    assert repr(algorithm_from(REGISTRY, json.loads(json.dumps(words)))) == repr(space)


def test_equal_candidates_have_equal_fingerprints_and_others_do_not() -> None:
    made = [OneStep(gamma=0.5), OneStep(gamma=np.float64(0.5)), OneStep(gamma=np.nextafter(np.float32(0.5), np.float32(1)))]
    prints = [fingerprint_of(REGISTRY, one) for one in made]
    assert prints[0] == prints[1] != prints[2]
    width = [Learned(width=2, drift=toys._start(Learned(width=2), jax.random.key(i))) for i in (0, 0, 1)]
    prints = [fingerprint_of(REGISTRY, one) for one in width]
    assert prints[0] == prints[1] != prints[2]


# Recipes --------------------------------------------------------------------------------------------------------------


def changed(**change: Any) -> str:
    return repr(algorithm_from(registry(), {"recipe": "base", **change}))


def registry() -> Registry:
    made = Registry()
    toys.discover_register(made)
    base = {
        "rule": {"toy_climb": {"slope": 2.0, "noise": 0.5}},
        "network": "toy_blank",
    }
    made.add_recipe("base", base, summary="")
    return made


def test_a_recipe_keeps_what_is_not_changed() -> None:
    assert "Climb(slope=2.0, noise=0.5," in changed()
    assert "Climb(slope=3.0, noise=0.5," in changed(rule={"toy_climb": {"slope": 3}})
    assert "Climb(slope=free(), noise=0.5," in changed(rule={"toy_climb": {"slope": "free"}})


def test_an_unknown_recipe_hides_no_other_mistake() -> None:
    words = {"recipe": "clim", "rule": {"toy_climb": {"slop": 1, "noise": 7}}}
    with pytest.raises(MistakesError) as caught:
        algorithm_from(REGISTRY, words)
    assert [mistake.path for mistake in caught.value.mistakes] == [
        *("candidate.recipe", "candidate.rule.toy_climb.slop", "candidate.rule.toy_climb.noise")
    ]
    assert caught.value.lines[0].startswith("candidate.recipe: no recipe is called 'clim': did you mean 'climb'? ")
    with pytest.raises(MistakesError) as caught:  # what is missing may be in the recipe
        algorithm_from(REGISTRY, {"recipe": "clim", "rule": "toy_climb"})
    assert len(caught.value.mistakes) == 1


def test_one_changed_setting_keeps_the_only_other_one() -> None:
    made = registry()
    made.add_recipe("short", {"rule": {"toy_climb": {"slope": 2.0}}, "network": "toy_blank"}, summary="")
    both = algorithm_from(made, {"recipe": "short", "rule": {"toy_climb": {"noise": 0.25}}})
    assert repr(both.rule).startswith("Climb(slope=2.0, noise=0.25")


def test_a_bare_name_and_another_component_start_from_defaults() -> None:
    assert "Climb(slope=1.0, noise=0.0," in changed(rule="toy_climb")
    assert "network=Blank()" in changed(network={"toy_blank": None})
    assert "rule=choice(Climb(" in changed(rule={"choice": ["toy_climb", {"toy_climb": {"fails": True}}]})


# Mistakes -------------------------------------------------------------------------------------------------------------

BASE = {"rule": "toy_climb", "network": "toy_blank"}
MISTAKES: list[tuple[Any, str]] = [
    (3, "candidate must be the name of a recipe or a mapping with 'rule' and 'network'; got 3."),
    ("clim", "candidate: no recipe is called 'clim': did you mean 'climb'? Known: "),
    ({"recipe": "clim"}, "candidate.recipe: no recipe is called 'clim': did you mean 'climb'? Known: "),
    ({}, "candidate needs 'rule', an update rule, and 'network', a network: add them."),
    ({"network": "toy_blank"}, "candidate needs 'rule', an update rule: add it."),
    ({"rule": "toy_climb"}, "candidate needs 'network', a network: add it."),
    ({**BASE, "netwrok": 1}, "candidate: Algorithm has no field 'netwrok'; did you mean 'network'? Known: "),
    ({"recpie": "climb"}, "candidate: Algorithm has no field 'recpie'; did you mean 'recipe'? Known: "),
    ({**BASE, "rule": "toy_clim"}, "candidate.rule: no update rule is called 'toy_clim': did you mean 'toy_climb'? Known: "),
    (
        {**BASE, "rule": 3},
        "candidate.rule must be the name of an update rule, {name: {field: value}} or {choice: [...]}; got 3.",
    ),
    (
        {**BASE, "rule": {"toy_climb": 1}},
        "candidate.rule must be the name of an update rule, {name: {field: value}} or {choice: [...]}; got {'toy_climb': 1}.",
    ),
    (
        {**BASE, "rule": {"toy_climb": {"slop": 1}}},
        "candidate.rule.toy_climb: Climb has no field 'slop'; did you mean 'slope'? Known: ",
    ),
    ({**BASE, "rule": {"toy_climb": {"slope": 11}}}, "candidate.rule.toy_climb.slope must lie in [-10, 10]; got 11."),
    (
        {**BASE, "rule": {"toy_climb": {"slope": "steep"}}},
        "candidate.rule.toy_climb: slope of Climb must be a number; got 'steep'.",
    ),
    (
        {**BASE, "rule": {"toy_climb": {"slope": [1, 2]}}},
        "candidate.rule.toy_climb.slope must be one number; got array([1., 2.], dtype=float32).",
    ),
    (
        {**BASE, "rule": {"toy_climb": {"steps": 2.5}}},
        "candidate.rule.toy_climb: steps of Climb must be a whole number; got 2.5.",
    ),
    (
        {**BASE, "rule": {"toy_climb": {"slope": {"free": {"lo": 1}}}}},
        "candidate.rule.toy_climb.slope: free has no 'lo'; did you mean 'low'? Known: high, low, scale, start, std.",
    ),
    ({**BASE, "rule": {"toy_climb": {"slope": "fre"}}}, "candidate.rule.toy_climb.slope: got 'fre'; did you mean 'free'?"),
    (
        {**BASE, "rule": {"toy_climb": {"slope": {"fere": {"low": 1}}}}},
        "candidate.rule.toy_climb.slope: got {'fere': {'low': 1}}; did you mean 'free'?",
    ),
    (
        {**BASE, "rule": {"toy_climb": {"slope": {"free": 3}}}},
        "candidate.rule.toy_climb.slope.free must be a mapping of high, low, scale, start, std to values; got 3.",
    ),
    ({**BASE, "rule": {"choice": []}}, "candidate.rule.choice must list an option or more; got []."),
    ({**BASE, "rule": {"choice": "toy_climb"}}, "candidate.rule.choice must list an option or more; got 'toy_climb'."),
    ({**BASE, "wrappers": "toy"}, "candidate.wrappers must be a list of environment wrappers; got 'toy'."),
    (
        {**BASE, "wrappers": ["toy"]},
        "candidate.wrappers.0: no environment wrapper is called 'toy': ",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), MISTAKES, ids=lambda x: x if isinstance(x, str) else "")
def test_a_mistake_is_told_with_its_place_and_remedy(words: Any, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        algorithm_from(REGISTRY, words)
    told = str(caught.value)
    assert told.startswith(sentence) if sentence.endswith(" ") else told == sentence
    assert "\n" not in told


def test_a_task_is_a_name_or_an_environment() -> None:
    assert repr(environment_from(REGISTRY, "payday")) == repr(environment_from(REGISTRY, {"toy_payday": {"length": 5}}))
    assert isinstance(environment_from(REGISTRY, "toy_payday"), Environment)
    with pytest.raises(UserError, match=r"^task: no task is called 'pay-day': did you mean 'payday'\? Known: "):
        environment_from(REGISTRY, "pay-day")
