"""Mistakes in configs: all at once, each with the line or the setting that makes it."""

from pathlib import Path
from typing import Any

import pytest

from discover import Registry
from discover.base.mistakes import MOST_SHOWN, Mistakes, MistakesError
from discover.config.reading import Places, read_config, with_settings
from discover.config.search_config import checked_config
from discover.storage.yaml_text import values_and_lines

CONFIG = """\
# A comment.
name: it

candidate:
  recipe: climb
  rule:
    toy_climb: &rule
      slope:
        free:
      noise: 0.5
strategy: toy_hill
population: 4
generations: 3
tasks:
- {task: payday, steps: 100}
- task: late-payday
  steps: 100
report:
  baselines:
    v1: climb
    v1.0: {recipe: climb, rule: {toy_climb: {noise: 0.25}}}
    tuned:
      tune:
        rule: {choice: [
          toy_climb,
          toy_climb: {steps: 2}
        ]}
        network: toy_blank
  tasks: [{task: payday,
    steps: 100}, {
    task: late-payday, steps: 7}]
"""


def mistakes_of(registry: Registry, path: Path, text: str, *settings: str) -> list[str]:
    """The lines of the error, without the path of the file."""
    path.write_text(text)
    with pytest.raises(MistakesError) as caught:
        checked_config(registry, read_config(path, settings))
    assert str(caught.value) == "\n".join(caught.value.lines)
    return [line.removeprefix(f"{path}:").lstrip() for line in caught.value.lines]


def test_the_config_is_legal(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(CONFIG)
    assert checked_config(registry, read_config(path)).name == "it"


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("name: it", "nam: it", 2, "config: unknown key 'nam'; did you mean 'name'? Known: "),
        ("name: it", "name:", 2, "name must be a text; got None."),
        ("name: it", "name: it\n1: 2", 3, "config: unknown key '1'; Known: "),
        ("  recipe: climb\n  rule", "  recipe: clim\n  rule", 5, "candidate.recipe: no recipe is called 'clim': "),
        ("noise: 0.5\n", "noise: 5\n", 10, "candidate.rule.toy_climb.noise must lie in [0, 1]; got 5."),
        ("noise: 0.5\n", "noice: 5\n", 10, "candidate.rule.toy_climb: Climb has no field 'noice'; did you mean 'noise'? "),
        ("noise: 0.5\n", "steps: x\n", 10, "candidate.rule.toy_climb: steps of Climb must be a whole number; got 'x'."),
        ("free:", "free: {lo: 1}", 8, "candidate.rule.toy_climb.slope: free has no 'lo'; did you mean 'low'? Known: "),
        ("population: 4", "population: '4'", 12, "population must be a whole number from 1 to 1048576; got '4'."),
        ("population: 4", "population: true", 12, "population must be a whole number from 1 to 1048576; got True."),
        ("population: 4", "population: 1", 12, "population 1 does not suit the strategy 'toy_hill': it needs 2 at least."),
        ("  steps: 100\nreport", "  step: 100\nreport", 17, "tasks.1: unknown key 'step'; did you mean 'steps'? Known: "),
        ("  steps: 100\nreport", "report", 16, "tasks.1 must be {task: ID, steps: N}; got {'task': 'late-payday'}."),
        ("task: late-payday\n", "task: payday\n", 14, "tasks: 'payday @ 100' is given twice: leave one out."),
        ("    v1: climb", "    v1: clim", 20, "report.baselines.v1: no recipe is called 'clim': did you mean 'climb'? "),
        ("noise: 0.25", "noise: 25", 21, "report.baselines.v1.0.rule.toy_climb.noise must lie in [0, 1]; got 25."),
        (
            "{noise: 0.25}",
            "*rule",
            21,
            "report.baselines.v1.0: rule.slope of Climb is open (free()): set it, or search over it.",
        ),
        ("    v1: climb", "    champion: climb", 19, "report.baselines: 'champion' is what the search finds: "),
        (
            "{steps: 2}",
            "{steps: x}",
            26,
            "report.baselines.tuned.tune.rule.choice.1.toy_climb: steps of Climb must be a whole number; got 'x'.",
        ),
        ("network: toy_blank", "netwrok: toy_blank", 28, "report.baselines.tuned.tune: Algorithm has no field 'netwrok'; "),
        ("steps: 7", "steps: 7, notes: x", 31, "report.tasks.1: unknown key 'notes'; did you mean 'note'? Known: "),
        ("steps: 7", "steps: 7, note: 3", 31, "report.tasks.1.note must be a text; got 3."),
        ("  tasks: [", "  seeds: 1\n  tasks: [", 29, "report.seeds must be a whole number from 2 to 65536; got 1."),
    ],
)
def test_a_mistake_has_its_line(registry: Registry, tmp_path: Path, old: str, new: str, line: int, sentence: str) -> None:
    assert CONFIG.count(old) == 1
    (made,) = mistakes_of(registry, tmp_path / "it.yaml", CONFIG.replace(old, new))
    assert made.startswith(f"{line}: {sentence}") if sentence.endswith(" ") else made == f"{line}: {sentence}"


def test_all_mistakes_are_told_at_once_from_top_to_end(registry: Registry, tmp_path: Path) -> None:
    text = CONFIG
    for old, new in (
        ("name: it", "name: 3\nsed: 1"),
        ("noise: 0.5\n", "noise: 5\n      limit: -1\n      stops: 2\n"),
        ("strategy: toy_hill", "strategy: toy_hil"),
        ("generations: 3\n", ""),
        ("task: late-payday\n  steps: 100", "task: late-pay\n  steps: many"),
        ("toy_climb: {steps: 2}", "toy_climb: {steps: 2, fails: 2}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    settings = ("population=0", "report.tasks.0.task=pay", "candidate.network={toy_blank: {a: 1}}")
    made = mistakes_of(registry, tmp_path / "it.yaml", text, *settings)
    starts = [
        "config: 'generations' is missing: add it.",
        "2: name must be a text; got 3.",
        "3: config: unknown key 'sed'; did you mean 'seed'? Known: ",
        "11: candidate.rule.toy_climb.noise must lie in [0, 1]; got 5.",
        "12: candidate.rule.toy_climb.limit must lie in [0, 1e+06]; got -1.",
        "13: candidate.rule.toy_climb: Climb has no field 'stops'; did you mean 'steps'? Known: ",
        "14: strategy: no strategy is called 'toy_hil': did you mean 'toy_hill'? Known: ",
        "18: tasks.1.task: no task is called 'late-pay': did you mean 'late-payday'? Known: ",
        "19: tasks.1.steps must be a whole number from 1 to 2147483647; got 'many'.",
        "28: report.baselines.tuned.tune.rule.choice.1.toy_climb: fails of Climb must be true or false; got 2.",
        "--set 'population=0': population must be a whole number from 1 to 1048576; got 0.",
        "--set 'report.tasks.0.task=pay': report.tasks.0.task: no task is called 'pay': ",
        "--set 'candidate.network={toy_blank: {a: 1}}': candidate.network.toy_blank: Blank has no field 'a'; ",
    ]
    assert len(made) == len(starts)
    for line, start in zip(made, starts, strict=True):
        assert line.startswith(start)


def test_a_long_list_of_mistakes_ends(registry: Registry, tmp_path: Path) -> None:
    text = CONFIG.replace("tasks:\n- {task: payday, steps: 100}", "tasks:\n" + "- {task: payday, steps: 0}\n" * 50 + "-\n")
    text = text.replace("- task: late-payday\n  steps: 100\n", "")
    made = mistakes_of(registry, tmp_path / "it.yaml", text)
    assert len(made) == MOST_SHOWN + 1
    assert made[-1] == "and 31 more mistakes: repair these first."


def test_without_a_file_there_is_no_place(registry: Registry) -> None:
    words: dict[str, Any] = {"population": "4", "seed": -1}
    with pytest.raises(MistakesError) as caught:
        checked_config(registry, words)
    assert caught.value.lines[0] == "seed must be a whole number from 0 to 4294967295; got -1."
    assert {mistake.path for mistake in caught.value.mistakes} == {
        *("population", "seed", "candidate", "strategy", "generations", "tasks")
    }
    with pytest.raises(MistakesError) as caught:
        checked_config(registry, with_settings(words, ["seed=-2"]))
    assert caught.value.lines[-1] == "--set 'seed=-2': seed must be a whole number from 0 to 4294967295; got -2."


def test_json_has_lines_too(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text("""{"name": "a \\"{\\" name", "seed": 1,
"population":
"4", "report": {"baselines": {
   "v1.0": {"recipe": "climb", "rule": {"toy_climb": {"noise":
     25}}},
   "next": ["climb"]}, "seeds": 1},
"tasks": [{"task": "payday", "steps": 100},
  {"task": "payday",
   "steps": 0}]}""")
    with pytest.raises(MistakesError) as caught:
        checked_config(registry, read_config(path))
    lines = [line for line in caught.value.lines if "missing" not in line]
    assert [line.removeprefix(f"{path}:").partition(": ")[::2] for line in lines] == [
        ("2", "population must be a whole number from 1 to 1048576; got '4'."),
        ("4", "report.baselines.v1.0.rule.toy_climb.noise must lie in [0, 1]; got 25."),
        ("6", "report.seeds must be a whole number from 2 to 65536; got 1."),
        ("6", "report.baselines.next must be the name of a recipe or a mapping with 'rule' and 'network'; got ['climb']."),
        ("9", "tasks.1.steps must be a whole number from 1 to 2147483647; got 0."),
    ]


def test_several_settings_that_are_wrong_are_told_at_once(registry: Registry, tmp_path: Path) -> None:
    settings = ("population", "seed=-1", "tasks.7.task=1", "seeds=1")
    assert mistakes_of(registry, tmp_path / "it.yaml", CONFIG, *settings) == [
        "--set 'seed=-1': seed must be a whole number from 0 to 4294967295; got -1.",
        "--set 'population' must be key=value, with dots between nested keys, such as --set population=64.",
        "--set 'tasks.7.task=1': '7' must be an index below 2.",
    ]


def test_an_unknown_recipe_and_the_mistakes_beside_it_have_their_lines(registry: Registry, tmp_path: Path) -> None:
    text = CONFIG.replace("recipe: climb\n", "recipe: clim\n").replace("noise: 0.5", "noise: 7")
    recipe, noise = mistakes_of(registry, tmp_path / "it.yaml", text)
    assert recipe.startswith("5: candidate.recipe: no recipe is called 'clim': did you mean 'climb'? ")
    assert noise == "10: candidate.rule.toy_climb.noise must lie in [0, 1]; got 7."


def test_the_last_setting_of_a_place_is_named() -> None:
    _, line = values_and_lines("a: {b: 1}\nc: 2\n")
    places = Places("it", line, (("a", "a={b: 2}"), ("a.b", "a.b=3"), ("d.e", "d.e=4")))
    assert [places.of(path) for path in ("a", "a.b", "a.b.c", "a.c", "c", "c.d", "d", "d.e.f", "x", "")] == [
        *("--set 'a={b: 2}'", "--set 'a.b=3'", "--set 'a.b=3'", "--set 'a={b: 2}'", "it:2", "it:2", "--set 'd.e=4'"),
        *("--set 'd.e=4'", "it", "it"),
    ]


def test_what_is_right_is_still_checked_beside_a_mistake(registry: Registry, tmp_path: Path) -> None:
    text = CONFIG.replace("population: 4", "population: 2000").replace("name: it", "name: 3\nseeds: 60000")
    assert mistakes_of(registry, tmp_path / "it.yaml", text) == [
        "2: name must be a text; got 3.",
        "13: population 2000 x seeds 60000 are 120,000,000 lifetimes at once, more than 4,194,304: take fewer of either.",
    ]


def test_a_mistake_is_told_once() -> None:
    mistakes = Mistakes()
    for path in ("tasks.0.task", "tasks.0.steps"):
        mistakes.add(path, "tasks.0 must be {task: ID, steps: N}; got {}.")
    assert [mistake.path for mistake in mistakes.collected] == ["tasks.0.task"]
    assert mistakes.below("tasks.0")
    assert not mistakes.below("tasks.1")
