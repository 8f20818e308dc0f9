"""Candidates of a tracking store, and of files, wherever a config names a recipe: fetched once, named by their version."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from json_schema import is_valid

import discover
from discover import Space, UserError, hookimpl
from discover.components.paths import get
from discover.config.build import algorithm_from
from discover.config.candidate_file import fingerprint_of, save_candidate
from discover.config.elsewhere import with_candidates
from discover.config.reading import read_config
from discover.config.schema import config_schema
from discover.config.search_config import checked_config
from discover.plugin.loader import Plugins
from discover.storage.yaml_text import text_of, values_in

WORDS: dict[str, Any] = {
    "strategy": "toy_hill",
    "population": 4,
    "generations": 3,
    "tasks": [{"task": "payday", "steps": 100}],
}


class Store:
    """A store with one registered model of three versions, whose champion is the second one."""

    @hookimpl
    def discover_fixed_address(self, address: str) -> str:
        if "gone" in address:
            raise UserError(f"there is no candidate at '{address}'.")
        return address.replace("@champion", "/2")

    @hookimpl
    def discover_fetch_candidate(self, address: str, store: str | None, folder: Path) -> Path:
        assert store == "sqlite:///here.db"
        plugins = toys.plugins()
        slope = {"models:/toy/1": 1.5, "models:/toy/2": 2.5}.get(address)
        made = algorithm_from(plugins.registry, {"recipe": "climb", "rule": {"toy_climb": {"slope": slope}}})
        return save_candidate(folder / "it.candidate", made, plugins.registry)


@pytest.fixture
def store(plugins: Plugins) -> Iterator[Plugins]:
    """Plugins with such a store."""
    store = Store()
    plugins.manager.register(store)
    yield plugins
    plugins.manager.unregister(store)


def filled(plugins: Plugins, words: dict[str, Any]) -> Any:
    """The config as a search keeps it: text that is read again."""
    return values_in(text_of(dict(with_candidates(plugins, words, "sqlite:///here.db")), "the config"))


def test_an_alias_becomes_the_version_that_it_is_now(store: Plugins) -> None:
    baselines = {"best": "models:/toy@champion", "tuned": {"tune": {"recipe": "models:/toy/1", "rule": RULE}}, "climb": "climb"}
    candidate = {"recipe": "models:/toy@champion", "rule": {"toy_climb": {"noise": "free"}}}
    words = filled(store, {**WORDS, "candidate": candidate, "report": {"baselines": baselines}})
    assert words["candidate"]["origin"] == "models:/toy/2"
    assert words["candidate"]["rule"]["toy_climb"]["slope"] == 2.5
    assert words["candidate"]["rule"]["toy_climb"]["noise"] == "free"
    found = words["report"]["baselines"]
    assert (found["best"]["origin"], found["tuned"]["tune"]["origin"]) == ("models:/toy/2", "models:/toy/1")
    assert found["climb"] == "climb"
    config = checked_config(store.registry, words)
    assert config.report is not None
    assert get(config.report.baselines["best"].template, "rule.slope") == 2.5
    assert config.report.baselines["tuned"].space is not None
    schema = config_schema(store.registry)
    assert is_valid(words, schema, schema)


RULE = {"toy_climb": {"slope": "free"}}


def test_weights_are_the_same_to_the_bit(store: Plugins, tmp_path: Path) -> None:
    registry = discover.plugins().registry

    space = Space(algorithm_from(registry, "lpo"))
    candidate = space.decode(np.random.default_rng(0).normal(size=space.dimension).astype(np.float32))
    path = save_candidate(tmp_path / "found.candidate", candidate, registry)
    words = values_in(text_of(dict(with_candidates(discover.plugins(), {**WORDS, "candidate": str(path)})), "the config"))
    assert words["candidate"]["origin"] == str(path)
    assert fingerprint_of(registry, algorithm_from(registry, words["candidate"])) == fingerprint_of(registry, candidate)


def test_mistakes_name_the_key_and_its_line(store: Plugins, tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("candidate: climb\nreport:\n  baselines:\n    a: models:/gone@champion\n    b: gone.candidate\n")
    with pytest.raises(UserError) as raised:
        with_candidates(store, read_config(path))
    first, second = str(raised.value).splitlines()
    assert first.endswith("search.yaml:4: report.baselines.a: there is no candidate at 'models:/gone@champion'.")
    assert second.endswith("search.yaml:5: report.baselines.b: candidate file 'gone.candidate' does not exist: check the path.")
