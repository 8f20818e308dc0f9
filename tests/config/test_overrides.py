"""Changes of a candidate by path."""

import pytest

from discover import Registry, UserError, get
from discover.config.build import algorithm_from
from discover.config.candidates import settings_by_place
from discover.config.overrides import changed, changed_name, changes_in, changes_of

START = "the candidate has no "


def test_values_and_components_are_changed(registry: Registry) -> None:
    before = algorithm_from(registry, {"recipe": "climb", "wrappers": [{"time_limit": {"steps": 7}}]})
    settings = ("rule.toy_climb.slope=2", "wrappers.0.time_limit.steps=9", "normalizer=null", "rule.toy_climb.noise=0.5")
    after = changed(registry, before, changes_in(settings))
    paths = ("rule.slope", "wrappers.0.steps", "rule.noise")
    assert [float(get(after, path)) for path in paths] == [2.0, 9.0, 0.5]
    assert type(after.network) is type(before.network)
    whole = changed(registry, before, changes_of({"rule": {"toy_climb": {"slope": 2.0}}}))
    assert [float(get(whole, path)) for path in ("rule.slope", "rule.noise")] == [2.0, 0.0]  # the default, not the recipe's 0.1
    assert changed(registry, before, []) is before


def test_a_later_change_finds_what_an_earlier_one_brings(registry: Registry) -> None:
    settings = ("wrappers=[time_limit]", "wrappers.0.time_limit.steps=9")
    assert get(changed(registry, algorithm_from(registry, "climb"), changes_in(settings)), "wrappers.0.steps") == 9


def test_all_mistakes_are_told_with_their_settings(registry: Registry) -> None:
    candidate = algorithm_from(registry, "climb")
    with pytest.raises(UserError) as caught:
        changed(registry, candidate, changes_in(["rule.toy_climb.slop=2", "rule.slope=3", "netwrok=toy_blank"]))
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(
        f"--set 'rule.toy_climb.slop=2': {START}'rule.toy_climb.slop'; did you mean 'rule.toy_climb.slope'?"
    )
    assert second.startswith(f"--set 'rule.slope=3': {START}'rule.slope'; did you mean 'rule.toy_climb.slope'?")
    assert third.startswith(f"--set 'netwrok=toy_blank': {START}'netwrok'; did you mean 'network'?")
    with pytest.raises(UserError) as caught:
        changed(registry, candidate, changes_in(["rule.toy_climb.noise=2", "rule.toy_climb.steps=x"]))
    assert str(caught.value).splitlines() == [
        "--set 'rule.toy_climb.noise=2': candidate.rule.toy_climb.noise must lie in [0, 1]; got 2.",
        "--set 'rule.toy_climb.steps=x': candidate.rule.toy_climb: steps of Climb must be a whole number; got 'x'.",
    ]
    with pytest.raises(UserError) as caught:
        changed(registry, candidate, changes_of({"rule.toy_climb.noise": 2}))
    assert str(caught.value) == ("overrides 'rule.toy_climb.noise': candidate.rule.toy_climb.noise must lie in [0, 1]; got 2.")


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("rule", "--set 'rule' must be key=value, with dots between nested keys, such as --set rule.ppo.clip=0.3."),
        ("rule=[", "--set 'rule=[': the value is not YAML ("),
        ("rule.toy_climb.slope=free", "rule.slope of Climb is open (free()): set it, or search over it."),
    ],
)
def test_a_wrong_setting_is_refused(registry: Registry, setting: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        changed(registry, algorithm_from(registry, "climb"), changes_in([setting]))
    assert str(caught.value).startswith(sentence)


def test_names_show_the_changes() -> None:
    assert changed_name("ppo", []) == "ppo"
    assert changed_name("ppo", changes_in(["rule.ppo.clip=0.3", "network=gru"])) == "ppo (rule.ppo.clip=0.3, network=gru)"


def test_settings_name_candidates_by_name_or_place() -> None:
    assert settings_by_place(["runs:/a/b", "c", "c"], ["x=1:2", "runs:/a/b:x=3", "3:y=4"]) == [["x=1:2", "x=3"], [], ["y=4"]]
    with pytest.raises(UserError, match=r"several candidates are called 'c': write the place of one, such as 1:"):
        settings_by_place(["a", "c", "c"], ["c:x=1"])
    with pytest.raises(UserError, match=r"no candidate here is called 'ppoo'; did you mean 'ppo'\? Known: dpo, ppo\."):
        settings_by_place(["ppo", "dpo"], ["ppoo:x=1"])
