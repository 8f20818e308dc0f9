"""The registry holds what was registered, by whom, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from toys import Blank, OneStep

from discover import Registry, ReturnFunction, UserError, component
from discover.base.errors import PluginError
from discover.contract.registry import Entry, Provenance

MINE, OTHER = Provenance("mine", "mine-dist", "1.2"), Provenance("other", "/folder/other.py", "")


@component
class Cited(ReturnFunction):
    """Says where it is from.

    And more.
    """

    paper = "Somebody 2020"


class Bare(ReturnFunction):
    """Lacks its decorator."""


class Inherits(Cited):
    """Lacks it too, though its base has one."""


def filled() -> Registry:
    registry = Registry()
    registry.register_as(MINE)
    registry.add("cited", Cited)
    registry.add_recipe("known", {"rule": "x"}, summary="a recipe", paper="Anybody 2021")
    registry.register_as(OTHER)
    registry.add("blank", Blank, summary="nothing")
    registry.add_task("task", "catch", summary="a task", random=-1.0, reference=2.0, origin="by hand", paper="Nobody 2022")
    return registry


def test_an_entry_holds_what_was_registered_and_by_whom() -> None:
    facts = {"random": -1.0, "reference": 2.0, "origin": "by hand"}
    assert list(filled().entries()) == [
        Entry("network", "blank", Blank, None, "nothing", "", OTHER, {}),
        Entry("recipe", "known", None, {"rule": "x"}, "a recipe", "Anybody 2021", MINE, {}),
        Entry("return function", "cited", Cited, None, "Says where it is from.", "Somebody 2020", MINE, {}),
        Entry("task", "task", None, "catch", "a task", "Nobody 2022", OTHER, facts),
    ]
    assert [entry.name for entry in filled().entries("task")] == ["task"]
    assert list(filled().entries("curriculum")) == []


def test_entries_are_found_by_kind_and_name_and_classes_by_themselves() -> None:
    registry = filled()
    assert registry.get("network", "blank").component is Blank
    assert (registry.has("task", "task"), registry.has("recipe", "task")) == (True, False)
    assert registry.name_of(Cited) == "cited"
    with pytest.raises(UserError, match=r"^no network is called 'blnk': did you mean 'blank'\? Known: blank\.$"):
        registry.get("network", "blnk")


def test_a_miss_shows_the_five_nearest_names_and_the_command_that_lists_all() -> None:
    registry = Registry()
    registry.register_as(MINE)
    for name in ("a2c", "dpo", "impala", "lpo", "ppo", "sac", "td3"):
        registry.add_recipe(name, {"rule": name}, summary="a recipe")
    with pytest.raises(UserError) as caught:
        registry.get("recipe", "ppoo")
    assert str(caught.value) == (
        "no recipe is called 'ppoo': did you mean 'ppo'? Known: ppo, lpo, dpo, impala, td3 and 2 more "
        "(discover plugins list shows all)."
    )


def test_a_recipe_is_a_copy() -> None:
    registry, words = Registry(), {"rule": "x"}
    registry.add_recipe("known", words, summary="")
    words["rule"] = "y"
    assert registry.get("recipe", "known").value == {"rule": "x"}


def test_a_recipe_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text("# by A. Müller\nrule: {x: {rate: 1e-3, on: [1, 2]}}\n", encoding="utf-8")
    registry = Registry()
    registry.add_recipe("known", path, summary="")
    assert registry.get("recipe", "known").value == {"rule": {"x": {"rate": 0.001, "on": [1, 2]}}}


def recipe_in(path: Path) -> Mapping[str, Any]:
    registry = Registry()
    registry.add_recipe("known", path, summary="")
    return registry.get("recipe", "known").value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, r"^recipe file '.*known\.yaml' .*"),
        ("rule: {", r"^recipe file '.*known\.yaml' is not YAML \(.*\): repair it\.$"),
        (
            "- rule",
            r"^recipe file '.*known\.yaml' must hold a mapping .*; it holds list: write 'rule: \.\.\.', as in a config\.$",
        ),
    ],
    ids=["missing", "not YAML", "no mapping"],
)
def test_a_broken_recipe_file_says_so(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "known.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        recipe_in(path)


def test_a_recipe_file_is_read_at_its_first_use_and_once(tmp_path: Path) -> None:
    path, registry = tmp_path / "known.yaml", Registry()
    path.write_text("rule: {", encoding="utf-8")
    registry.add_recipe("known", path, summary="")
    path.write_text("rule: x", encoding="utf-8")
    assert registry.get("recipe", "known").value == {"rule": "x"}
    path.unlink()
    assert registry.get("recipe", "known").value == {"rule": "x"}


def test_a_missing_recipe_file_is_reported_when_it_is_registered(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^recipe file '.*known\.yaml' "):
        Registry().add_recipe("known", tmp_path / "known.yaml", summary="")


def test_a_recipe_is_a_mapping_or_a_path() -> None:
    sentence = r"^recipe 'known' must be a mapping, .* pathlib\.Path of a YAML file; got 'known\.yaml'\.$"
    with pytest.raises(UserError, match=sentence):
        Registry().add_recipe("known", "known.yaml", summary="")  # type: ignore[arg-type]


def test_what_a_plugin_registered_is_forgotten_and_the_rest_is_not() -> None:
    registry = filled()
    assert registry.plugins() == [MINE, OTHER]
    registry.forget("mine")
    assert [entry.name for entry in registry.entries()] == ["blank", "task"]
    assert registry.plugins() == [OTHER]
    assert registry.name_of(Blank) == "blank"
    with pytest.raises(UserError, match=r"^component 'Cited' is not registered"):
        registry.name_of(Cited)
    registry.forget("never heard of")
    registry.add("cited", Cited)
    assert registry.get("return function", "cited").provenance == OTHER


UNDECORATED = r"^class '.*' cannot be registered as 'it': decorate it with @discover\.component\.$"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Bare, UNDECORATED),
        (Inherits, UNDECORATED),
        (str, UNDECORATED),
        (dataclass(frozen=True)(type("Plain", (ReturnFunction,), {})), UNDECORATED),
        (
            3,
            r"^'3' cannot be registered as 'it', since it is no class: write one .* with @discover.component above it\.$",
        ),
        (Cited(), r"^'it' must be registered with a class, not with an instance: write Cited instead of Cited\(\)\.$"),
    ],
    ids=["bare", "inherits", "text", "dataclass", "number", "object"],
)
def test_what_is_no_component_class_is_refused(wrong: type[ReturnFunction], sentence: str) -> None:
    registry = Registry()
    with pytest.raises(UserError, match=sentence):
        registry.add("it", wrong)
    assert list(registry.entries()) == []


def test_a_name_is_taken_once_within_its_kind() -> None:
    registry = filled()
    with pytest.raises(PluginError, match=r"^plugin 'other' \(of /folder/other\.py\) registers the network 'blank' twice"):
        registry.add("blank", Blank)
    with pytest.raises(PluginError) as caught:
        registry.add("cited", OneStep)
    assert str(caught.value) == (
        "two plugins register the return function 'cited': 'mine' (of mine-dist 1.2) and 'other' (of /folder/other.py); rename "
        "one, or block one with DISCOVER_BLOCK_PLUGINS=other."
    )
    registry.add_recipe("cited", {}, summary="of another kind")
    assert registry.get("return function", "cited").component is Cited
