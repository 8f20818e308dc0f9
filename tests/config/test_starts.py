"""Known candidates in a config (``init``): exact, or refused with a sentence, or the nearest where that is asked for."""

from typing import Any

import numpy as np
import pytest
from json_schema import is_valid

from discover import Registry, Space, UserError
from discover.config.build import algorithm_from
from discover.config.candidate_file import save_candidate
from discover.config.elsewhere import with_candidates
from discover.config.schema import config_schema
from discover.config.search_config import SearchConfig, checked_config
from discover.plugin.loader import Plugins
from discover.storage.yaml_text import text_of, values_in

WORDS: dict[str, Any] = {
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": {"free": {"low": -1, "high": 4}}}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 3,
    "tasks": [{"task": "payday", "steps": 100}],
}


def climb(**numbers: Any) -> dict[str, Any]:
    return {"recipe": "climb", "rule": {"toy_climb": numbers}}


def slopes(config: SearchConfig) -> list[float]:
    space = Space(config.template)
    return [round(float(space.decode(start.genome).rule.slope), 5) for start in config.init]


def test_known_candidates_are_in_the_space(registry: Registry) -> None:
    config = checked_config(registry, {**WORDS, "init": ["climb", climb(slope=3.5), {"nearest": climb(slope=7.5)}]})
    assert slopes(config) == [1.0, 3.5, 4.0]
    assert [start.name for start in config.init] == ["climb", "climb", "climb"]
    lost = "rule.slope: 7.5 is not in the space, where the nearest is 4"
    assert [start.lost for start in config.init] == [(), (), (lost,)]
    assert checked_config(registry, WORDS).init == []


@pytest.mark.parametrize(
    ("init", "told"),
    [
        (
            [climb(slope=7.5, noise=0.5)],
            "init.0: rule.slope: 7.5 is not in the space, where the nearest is 4; rule.noise: 0.5 is not in the space, where "
            "the nearest is 0.1: open it there, or go with the nearest by {nearest: climb}.",
        ),
        (["clime"], "init.0: no recipe is called 'clime': did you mean 'climb'?"),
        ([{"nearest": climb(slope="free")}], "init.0: rule.slope of Climb is open (free()): set it, or search over it."),
        (["climb"] * 5, "init: 5 candidates are more than the population of 4: take some out."),
        ([], "init must be a list of candidates, or {nearest: CANDIDATE}, or null for none; got []."),
        ("climb", "init must be a list of candidates, or {nearest: CANDIDATE}, or null for none; got 'climb'."),
    ],
)
def test_what_is_wrong_with_them_is_told(registry: Registry, init: Any, told: str) -> None:
    with pytest.raises(UserError) as caught:
        checked_config(registry, {**WORDS, "init": init})
    assert str(caught.value).startswith(told)


def test_they_may_come_from_elsewhere(plugins: Plugins, tmp_path: Any) -> None:
    registry = plugins.registry
    path = save_candidate(tmp_path / "it.candidate", algorithm_from(registry, climb(slope=2.5)), registry)
    words = with_candidates(plugins, {**WORDS, "init": [str(path), {"nearest": str(path)}]})
    config = checked_config(registry, values_in(text_of(dict(words), "it")))
    assert slopes(config) == [2.5, 2.5]
    assert [start.name for start in config.init] == [str(path)] * 2
    np.testing.assert_array_equal(config.init[0].genome, config.init[1].genome)


def test_an_editor_knows_them(registry: Registry) -> None:
    schema = config_schema(registry)
    assert is_valid({**WORDS, "init": ["climb", {"nearest": climb(slope=9.0)}, "models:/it@champion"]}, schema, schema)
    assert not is_valid({**WORDS, "init": [{"closest": "climb"}]}, schema, schema)
