"""The JSON schema of configs: it allows what is legal, and refuses what an editor can see to be wrong."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import toys
from json_schema import is_valid

import discover
from discover import Registry, UserError
from discover.config.build import algorithm_from, config_of
from discover.config.candidate_file import without_arrays
from discover.config.example import example
from discover.config.keys import SECTIONS, config_keys
from discover.config.reading import read_config
from discover.config.schema import config_schema
from discover.config.search_config import checked_config
from discover.storage.yaml_text import values_in

REGISTRY = toys.plugins().registry
SCHEMA = config_schema(REGISTRY)
EXPERIMENTS = sorted((Path(discover.__file__).parents[1] / "experiments").glob("*.yaml"))
RECIPES = [entry.name for entry in REGISTRY.entries("recipe")]
WITHOUT_NUMBERS = ("random_play", "thompson", "psrl")
WORDS: dict[str, Any] = {
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}},
    "strategy": "toy_hill",
    "population": 4,
    "generations": 3,
    "tasks": [{"task": "payday", "steps": 100}],
}
TASK = WORDS["tasks"][0]


def allows(config: Any) -> bool:
    return is_valid(json.loads(json.dumps(config)), SCHEMA, SCHEMA)


def with_rule(**settings: Any) -> dict[str, Any]:
    return {"candidate": {"recipe": "climb", "rule": {"toy_climb": settings}}}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_allowed(path: Path) -> None:
    config = read_config(path)
    assert allows(config)
    checked_config(REGISTRY, config)
    broken = copy.deepcopy(dict(config))
    broken["candidate"]["rule"] = {name: {**settings, "clipp": 1} for name, settings in broken["candidate"]["rule"].items()}
    assert not allows(broken)


def test_there_are_experiments() -> None:
    assert len(EXPERIMENTS) >= 3


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_allowed_by_name_in_words_and_with_every_field(name: str) -> None:
    written, _ = without_arrays(config_of(REGISTRY, algorithm_from(REGISTRY, name)))
    for candidate in (name, {"recipe": name}, dict(REGISTRY.get("recipe", name).value), written):
        assert allows({**WORDS, "candidate": candidate})


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2**32 - 1, "name": "x", "checkpoint_minutes": 0, "time_limit_seconds": None, "report": None},
        {"time_limit_seconds": 0.5, "executor": {"local": {"chunk": 2}}, "objective": "toy_finalreturn"},
        with_rule(slope={"free": {"low": 0.5, "start": 1}}, fails={"choice": [True, False]}, steps=1),
        with_rule(slope={"free": None}),
        {"candidate": {"rule": {"choice": ["toy_climb", {"toy_climb": {"noise": 0.5}}]}, "network": {"toy_blank": None}}},
        {"candidate": {"recipe": "climb", "normalizer": {"choice": ["observations", None]}}},
        {"report": {"tasks": [{**TASK, "note": "seen"}], "baselines": {"a": "climb", "b": {"tune": WORDS["candidate"]}}}},
        {"report": {}},
        {"candidate": {"recipe": "climb", "rule": {"choice": ["toy_climb"]}}},
        {"strategy": {"toy_listed": {"genomes": [[1.0], [2]]}}},
    ],
)
def test_legal_configs_are_allowed(change: dict[str, Any]) -> None:
    assert allows({**WORDS, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"poplation": 3},
        {"population": 0},
        {"population": "4"},
        {"population": True},
        {"population": 2**20 + 1},
        {"seed": -1},
        {"name": ""},
        {"time_limit_seconds": 0},
        {"checkpoint_minutes": -1},
        {"tasks": []},
        {"tasks": [{"task": "payday"}]},
        {"tasks": [{**TASK, "step": 1}]},
        {"tasks": [{**TASK, "task": "pay"}]},
        {"report": {"tasks": []}},
        {"report": {"tasks": [TASK], "seeds": 1}},
        {"report": {"tasks": [TASK], "baselines": {"a": "clim"}}},
        {"strategy": "toy_hil"},
        {"strategy": {"choice": ["toy_hill", "toy_hill"]}},
        {"candidate": "clim"},
        {"candidate": {"rule": "toy_climb"}},
        {"candidate": {"recipe": "climb", "rule": "toy_blank"}},
        {"candidate": {"recipe": "climb", "rule": {"choice": []}}},
        with_rule(slop=1),
        with_rule(noise=2),
        with_rule(noise="loud"),
        with_rule(steps=2.5),
        with_rule(fails=1),
        with_rule(slope={"free": {"lo": 1}}),
    ],
)
def test_mistakes_are_refused_by_the_schema_and_by_the_check(change: dict[str, Any]) -> None:
    assert not allows({**WORDS, **change})
    with pytest.raises(UserError):
        checked_config(REGISTRY, {**WORDS, **change})


def test_the_schema_describes_what_it_can() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    slope = SCHEMA["$defs"]["update_rule.toy_climb"]["properties"]["slope"]
    assert slope["description"] == "what an update adds."
    assert slope["default"] == 1.0
    assert slope["anyOf"][0] == {"type": "number", "minimum": -10.0, "maximum": 10.0}
    recipes = SCHEMA["$defs"]["candidate"]["anyOf"][0]["anyOf"]
    assert {"const": "climb", "description": "toy"} in recipes
    assert "x-component" not in json.dumps(SCHEMA)


def test_plugins_that_bring_little_give_a_schema() -> None:
    registry = Registry()
    toys.discover_register(registry)
    schema = config_schema(registry)
    assert is_valid({**WORDS, "objective": "toy_finalreturn"}, schema, schema)
    assert not is_valid({**WORDS, "executor": "local"}, schema, schema)
    assert not is_valid({**WORDS, "candidate": {"recipe": "climb", "wrappers": ["frame_stack"]}}, schema, schema)


# Keys and the example -------------------------------------------------------------------------------------------------


def test_every_key_is_listed_and_described() -> None:
    keys = {key.path: key for key in config_keys()}
    assert [path for path in keys if "." not in path] == list(SECTIONS[""].model_fields)
    assert {"tasks[].steps", "report.baselines", "report.tasks[].note", "report.seeds"} <= set(keys)
    assert all(key.description.endswith(".") and key.takes for key in keys.values())
    assert (keys["seeds"].default, keys["seeds"].required, keys["seeds"].takes) == (2, False, "a whole number from 1 to 65536")
    assert [path for path, key in keys.items() if key.required and "[" not in path] == [
        *("candidate", "strategy", "population", "generations", "tasks")
    ]


@pytest.mark.parametrize("recipe", [None, *(name for name in RECIPES if name not in WITHOUT_NUMBERS)])
def test_an_example_is_legal_and_shows_every_key_below_its_description(recipe: str | None) -> None:
    text = example(REGISTRY, "first", recipe)
    config = values_in(text)
    assert allows(config)
    assert checked_config(REGISTRY, config).name == "first"
    read, place = " ".join(line.strip().lstrip("# ") for line in text.splitlines()), 0
    for key in config_keys():
        place = read.index(key.description, place)
        assert f"Takes {key.takes}" in read[place:]
        assert f" {key.path.rpartition('.')[2]}: " in read[place - 10 :]


@pytest.mark.parametrize("recipe", WITHOUT_NUMBERS)
def test_a_recipe_without_numbers_has_no_example(recipe: str) -> None:
    with pytest.raises(UserError, match=f"^the recipe '{recipe}' has no number to search: choose another with --recipe"):
        example(REGISTRY, "first", recipe)


def test_an_example_takes_a_task_whose_actions_suit(registry: Registry) -> None:
    assert values_in(example(registry, "it", "sac"))["tasks"][0]["task"] == "MountainCarContinuous-v0"
    assert values_in(example(registry, "it", "ppo"))["tasks"][0]["task"] == "Acrobot-v1"


def test_an_example_of_names_is_made_of_them() -> None:
    config = values_in(example(REGISTRY, "it", "climb", "payday", "toy_hill"))
    assert (config["name"], config["candidate"]["recipe"], config["strategy"]) == ("it", "climb", "toy_hill")
    assert config["candidate"]["rule"] == {"toy_climb": dict.fromkeys(("slope", "noise", "limit"), "free")}
    assert {run["task"] for run in (*config["tasks"], *config["report"]["tasks"])} == {"payday"}
    for wrong in ({"recipe": "clim"}, {"task": "pay"}, {"strategy": "hill"}):
        with pytest.raises(UserError, match=r"did you mean|Known: "):
            example(REGISTRY, "it", **wrong)


def test_an_example_without_plugins_is_told() -> None:
    with pytest.raises(UserError, match="no loaded plugin brings a recipe: install one"):
        example(Registry(), "it")
