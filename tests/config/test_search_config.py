"""Configs: YAML as one means it, and a sentence for every mistake in it."""

from pathlib import Path
from typing import Any

import pytest
from toys import FinalReturn, Hill

from discover import Registry, UserError
from discover.config.reading import read_config
from discover.config.search_config import SearchConfig, checked_config

WORDS: dict[str, Any] = {
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 3,
    "tasks": [{"task": "payday", "steps": 100}],
}


def changed(registry: Registry, **change: Any) -> SearchConfig:
    return checked_config(registry, {**WORDS, **change})


def test_a_config_is_completed_with_defaults(registry: Registry) -> None:
    config = changed(registry)
    assert isinstance(config.strategy, Hill)
    assert isinstance(config.objective, FinalReturn)
    assert (config.seed, config.seeds, config.finalists, config.selection_seeds, config.report) == (0, 2, 8, 8, None)
    assert config.words["checkpoint_minutes"] == 2.0
    assert list(config.words) == [
        *("name", "seed", "init", "objective", "executor", "seeds", "split", "seen_before", "elites", "finalists"),
        *("selection_seeds", "checkpoint_minutes", "time_limit_seconds", "directory", "after", "report"),
        *("candidate", "strategy", "population", "generations", "tasks"),
    ]
    assert config.tasks[0].label == "payday @ 100"
    assert checked_config(registry, config.words) is not config


def test_a_report_compares_on_the_searched_tasks(registry: Registry) -> None:
    tasks = [{"task": "payday", "steps": 100}, {"task": "payday", "steps": 300, "note": "longer"}]
    for report in ({}, {"tasks": None}):
        config = changed(registry, tasks=tasks, report=report)
        assert config.report is not None
        assert [run.label for run in config.report.runs] == ["payday @ 100", "payday @ 300"]
        assert list(config.report.notes) == ["searched", "longer"]
    with pytest.raises(UserError) as caught:
        changed(registry, tasks=[{"task": "pay", "steps": 100}], report={})
    assert len(str(caught.value).splitlines()) == 1


def test_yaml_is_read_as_one_means_it(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text("a: 1e-3\nb: 1.5E+2\nc: -2e4\nd: .5e1\ne: 12\nf: 1.5\ng: e5\nh: 1e\ni: '1e3'\nj: null\nk: [1e-3, true]\n")
    assert read_config(path) == {
        **{"a": 1e-3, "b": 150.0, "c": -2e4, "d": 5.0, "e": 12, "f": 1.5, "g": "e5", "h": "1e", "i": "1e3"},
        **{"j": None, "k": [1e-3, True]},
    }


def test_settings_change_what_they_name(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text("population: 4\ncandidate: {rule: {x: {slope: 1}}}\ntasks: [{task: a}, {task: b}]\n")
    settings = ["population=8", "candidate.rule.x.slope=1e-3", "tasks.1.task=c", "candidate.network.mlp.hidden=[8, 8]", "name="]
    assert read_config(path, settings) == {
        "population": 8,
        "candidate": {"rule": {"x": {"slope": 1e-3}}, "network": {"mlp": {"hidden": [8, 8]}}},
        "tasks": [{"task": "a"}, {"task": "c"}],
        "name": None,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "is not YAML (while parsing a flow sequence"),
        ("a: 1\nb: {c: 1, c: 2}", "is not YAML (the key 'c' stands twice, in line 2, column 11): repair it."),
        ("rule: 1\nrule: 2", "is not YAML (the key 'rule' stands twice, in line 2, column 1): repair it."),
        (
            "a: !!python/object:os.system {}",
            "is not YAML (the tag '!!python/object:os.system' stands for no plain value, in line 1, column 4): repair it.",
        ),
        ("- 1", "holds a list where a mapping of keys to values must be: take out the dashes before its keys, or write "),
        ("", "is empty: write 'key: value' lines (discover config new prints an example)."),
        ("hello", "holds 'hello' where a mapping of keys to values must be: write 'key: value' lines "),
        ("\xff", "is not YAML ("),
    ],
)
def test_a_file_that_is_no_config_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UserError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"config file '{path}' {told}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "quick.yaml").write_text("a: 1")
    with pytest.raises(UserError) as caught:
        read_config(tmp_path / "quik.yaml")
    assert str(caught.value) == (
        f"config file '{tmp_path / 'quik.yaml'}' does not exist: did you mean '{tmp_path / 'quick.yaml'}'?"
    )
    with pytest.raises(UserError, match="does not exist: check the path"):
        read_config(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("population", "must be key=value, with dots between nested keys, such as --set population=64."),
        ("=4", "must be key=value, with dots between nested keys, such as --set population=64."),
        (
            "population=!!int x",
            "the value is not YAML ('x' is no plain value with the tag '!!int', in line 1, column 1): repair it, or quote a "
            "text.",
        ),
        ("population.a=1", "there is nothing below 'population' to set."),
        ("population.a.b=1", "there is nothing below 'a' to set."),
        ("tasks.7.task=1", "'7' must be an index below 1."),
        ("tasks.first=1", "'first' must be an index below 1."),
    ],
)
def test_a_wrong_setting_is_told(tmp_path: Path, setting: str, told: str) -> None:
    path = tmp_path / "it.yaml"
    path.write_text("population: 4\ntasks: [{task: a}]\n")
    (wrong,) = read_config(path, [setting]).wrong_settings
    assert wrong.sentence in (f"--set '{setting}' {told}", f"--set '{setting}': {told}")


TASK = {"task": "payday", "steps": 100}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"poplation": 3}, "config: unknown key 'poplation'; did you mean 'population'? Known: "),
    ({"strategy": "toy_hil"}, "strategy: no strategy is called 'toy_hil': did you mean 'toy_hill'? Known: "),
    ({"strategy": {"toy_hill": {"rate": 1}}}, "strategy.toy_hill: Hill has no field 'rate'; "),
    (
        {"strategy": {"choice": ["toy_hill", "toy_hill"]}},
        "strategy must be one strategy; a search chooses between candidates alone: write the one.",
    ),
    ({"strategy": "toy_listed"}, "strategy.toy_listed needs 'genomes': add it."),
    ({"objective": 3}, "objective must be the name of an objective, {name: {field: value}} or {choice: [...]}; got 3."),
    ({"executor": "remote"}, "executor: no executor is called 'remote': "),
    ({"population": 0}, "population must be a whole number from 1 to 1048576; got 0."),
    ({"population": True}, "population must be a whole number from 1 to 1048576; got True."),
    ({"population": "many"}, "population must be a whole number from 1 to 1048576; got 'many'."),
    ({"population": 1}, "population 1 does not suit the strategy 'toy_hill': it needs 2 at least."),
    ({"generations": 2.5}, "generations must be a whole number from 1 to 2147483647; got 2.5."),
    ({"seed": -1}, "seed must be a whole number from 0 to 4294967295; got -1."),
    ({"seed": 2**32}, "seed must be a whole number from 0 to 4294967295; got 4294967296."),
    ({"seeds": None}, "seeds must be a whole number from 1 to 65536; got None."),
    ({"checkpoint_minutes": float("nan")}, "checkpoint_minutes must be a number of at least 0; got nan."),
    ({"name": ""}, "name must be a text; got ''."),
    ({"directory": 3}, "directory must be a text; got 3."),
    ({"candidate": "climb"}, "the space has no open value: write 'free' for a number, or {choice: [...]} for a component."),
    ({"tasks": []}, "tasks must be a list of {task: ID, steps: N}; got []."),
    ({"tasks": "payday"}, "tasks must be a list of {task: ID, steps: N}; got 'payday'."),
    ({"tasks": ()}, "tasks must be a list of {task: ID, steps: N}; got ()."),
    ({"tasks": (TASK,)}, "tasks must be a list of {task: ID, steps: N}; got ({'task': 'payday', 'steps': 100},)."),
    ({"tasks": ["payday"]}, "tasks.0 must be {task: ID, steps: N}; got 'payday'."),
    ({"tasks": [TASK, {"task": "payday"}]}, "tasks.1 must be {task: ID, steps: N}; got {'task': 'payday'}."),
    ({"tasks": [{**TASK, "step": 1}]}, "tasks.0: unknown key 'step'; did you mean 'steps'? Known: "),
    ({"tasks": [{**TASK, "steps": "100"}]}, "tasks.0.steps must be a whole number from 1 to 2147483647; got '100'."),
    ({"tasks": [{**TASK, "steps": 2**31}]}, "tasks.0.steps must be a whole number from 1 to 2147483647; got 2147483648."),
    ({"tasks": [TASK, TASK]}, "tasks: 'payday @ 100' is given twice: leave one out."),
    (
        {"report": {"tasks": [{**TASK, "note": "seen"}, {**TASK, "steps": 200}, {**TASK, "note": "again"}]}},
        "report.tasks: 'payday @ 100' is given twice: leave one out.",
    ),
    ({"tasks": [{**TASK, "task": "pay"}]}, "tasks.0.task: no task is called 'pay': "),
    (
        {"tasks": [{**TASK, "task": {"toy_payday": {}}}]},
        "tasks.0.task must be the name of a task; got {'toy_payday': {}}: register it under a name.",
    ),
    ({"tasks": [{**TASK, "task": "toy_payday"}]}, "tasks.0.task: no task is called 'toy_payday': "),
    ({"report": 3}, "report must be a mapping with baselines, tasks, seeds, suite; got 3."),
    ({"report": {"suite": "unsen"}}, "report.suite must be one of none, unseen, all; got 'unsen'."),
    (
        {"report": {"suite": "unseen"}},
        "report.suite: unseen names the tasks of the report that the search does not see, and it sees all of them: add others "
        "to report.tasks, or say 'suite: all'.",
    ),
    ({"report": {"task": []}}, "report: unknown key 'task'; did you mean 'tasks'? Known: "),
    (
        {"report": {"tasks": []}},
        "report.tasks must be a list of {task: ID, steps: N}, or null for those of the search; got [].",
    ),
    ({"report": {"tasks": [TASK], "baselines": ["climb"]}}, "report.baselines must map names to candidates; got ['climb']."),
    ({"report": {"tasks": [TASK], "baselines": {"a": "clim"}}}, "report.baselines.a: no recipe is called 'clim': "),
    (
        {"report": {"tasks": [TASK], "baselines": {"a": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}}}},
        "report.baselines.a: rule.slope of Climb is open (free()): set it, or search over it.",
    ),
    (
        {"report": {"tasks": [TASK], "baselines": {1: "climb"}}},
        "report.baselines: a name must be a text; got 1: put it in quotes.",
    ),
    (
        {"report": {"tasks": [TASK], "baselines": {"champion": "climb"}}},
        "report.baselines: 'champion' is what the search finds: give the baseline another name.",
    ),
    (
        {"report": {"tasks": [TASK], "baselines": {"A": {"tune": WORDS["candidate"]}, "a+": {"tune": WORDS["candidate"]}}}},
        "report.baselines: 'A' and 'a+' would be tuned in one folder, tune-a: rename one.",
    ),
    (
        {"report": {"tasks": [TASK], "baselines": {"A": {"tune": WORDS["candidate"], "tasks": [TASK]}}}},
        "report.baselines.A: 'tune' stands alone, since a baseline is tuned on the tasks and with the budget of the search: "
        "leave out 'tasks', or write it into the space.",
    ),
    ({"report": {"tasks": [TASK], "seeds": 1}}, "report.seeds must be a whole number from 2 to 65536; got 1."),
    ({"report": {"tasks": [{}]}}, "report.tasks.0 must be {task: ID, steps: N}; got {}."),
]


MISTAKES += [
    (
        {"time_limit_seconds": value},
        f"time_limit_seconds must be a number of seconds above 0, or null for no limit; got {value}.",
    )
    for value in (0, -1.5, True, float("inf"), float("nan"))
]
RULE: list[tuple[dict[str, Any], str]] = [
    ({"slope": {"free": {"low": 5, "high": 1}}}, ".slope: a real domain needs finite numbers low < high; got low=5, high=1."),
    ({"slope": {"free": {"low": -50}}}, ".slope: free may only narrow the domain [-10, 10]; got low=-50, high=10."),
    ({"slope": {"free": {"scale": "lg"}}}, ".slope: scale 'lg' is unknown; choose one of linear, log, log1m, logit."),
    ({"slope": {"free": {"start": 11}}}, ".slope: start must lie in [-10, 10]; got 11."),
    ({"slope": "free", "steps": {"choice": [1, "x"]}}, ".steps.choice.1: steps of Climb must be a whole number; got 'x'."),
]
MISTAKES += [
    ({"candidate": {"recipe": "climb", "rule": {"toy_climb": rule}}}, f"candidate.rule.toy_climb{told}") for rule, told in RULE
]


@pytest.mark.parametrize(("change", "sentence"), MISTAKES, ids=lambda x: x if isinstance(x, str) else "")
def test_a_mistake_is_told_in_one_sentence(registry: Registry, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        changed(registry, **change)
    told = str(caught.value)
    assert told.startswith(sentence) if sentence.endswith(" ") else told == sentence
    assert "\n" not in told


@pytest.mark.parametrize(
    ("key", "misspelled"), [("population", "populaton"), ("strategy", "strategi"), ("candidate", "candidat")]
)
def test_a_required_key_that_is_misspelled_is_told_once(registry: Registry, key: str, misspelled: str) -> None:
    words = {misspelled if name == key else name: value for name, value in WORDS.items()}
    with pytest.raises(UserError) as caught:
        checked_config(registry, words)
    assert str(caught.value).startswith(f"config: unknown key '{misspelled}'; did you mean '{key}'?")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("key", ["candidate", "strategy", "population", "generations", "tasks"])
def test_a_missing_key_is_told(registry: Registry, key: str) -> None:
    with pytest.raises(UserError) as caught:
        checked_config(registry, {name: value for name, value in WORDS.items() if name != key})
    assert str(caught.value) == f"config: '{key}' is missing: add it."


def test_a_strategy_has_no_open_values(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"^executor: .*chunk"):
        changed(registry, executor={"local": {"chunk": {"choice": [1, 2]}}})


def test_a_setting_changes_only_the_place_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text("a: &rule {gae: {gamma: 0.9, lam: [1, 2]}}\nb: *rule\nc: [*rule, {<<: *rule, d: 1}]\n")
    assert read_config(path, ["a.gae.gamma=0.5", "c.1.gae.lam.0=7"]) == {
        "a": {"gae": {"gamma": 0.5, "lam": [1, 2]}},
        "b": {"gae": {"gamma": 0.9, "lam": [1, 2]}},
        "c": [{"gae": {"gamma": 0.9, "lam": [1, 2]}}, {"gae": {"gamma": 0.9, "lam": [7, 2]}, "d": 1}],
    }


def test_a_config_of_json_is_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text('{"a":\t1e5, "b": "\\u00df"}')
    assert read_config(path, ["c=010"]) == {"a": 1e5, "b": "ß", "c": 10}
