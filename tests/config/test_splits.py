"""Splits of tasks: a search sees those of meta-training alone, and is reported on the others."""

from pathlib import Path
from typing import Any

import pytest
import toys
from config.test_schema import SCHEMA
from discover_mlflow.content import _split_text
from json_schema import is_valid
from searches import WORDS, Watcher, run

import discover
from discover import Registry, TaskRun, UserError, text_of
from discover.base.mistakes import MistakesError
from discover.config.build import algorithm_from
from discover.config.candidate_file import load_notes, save_candidate
from discover.config.elsewhere import with_candidates
from discover.config.search_config import SearchConfig, checked_config
from discover.config.seen import Seen, seen_in_config, seen_in_notes
from discover.config.splits import with_split
from discover.outer_loop.directory import read_origin
from discover.reports.reading import source_in
from discover.storage.yaml_text import values_in_file

SPLITS = sorted((Path(discover.__file__).parents[1] / "experiments" / "splits").glob("*.yaml"))
TRAIN = [{"task": "payday", "steps": 40}, {"task": "catch", "steps": 50}]
TEST = [{"task": "late-payday", "steps": 96, "note": "longer"}]
SPLIT = {"meta_train": TRAIN, "meta_test": TEST}


def changed(registry: Registry, **change: Any) -> SearchConfig:
    words = {key: value for key, value in WORDS.items() if key != "tasks"}
    return checked_config(registry, {**words, "split": SPLIT, **change})


def labels(runs: Any) -> list[str]:
    return [run.label for run in runs]


def test_tasks_of_the_search_and_of_its_report_are_those_of_the_split(registry: Registry) -> None:
    config = changed(registry, report={})
    assert labels(config.tasks) == ["payday @ 40", "catch @ 50"]
    assert config.report is not None
    assert labels(config.report.runs) == ["late-payday @ 96"]
    assert list(config.report.notes) == ["unseen, longer"]
    assert config.split is not None
    assert (config.split.name, labels(config.split.meta_test)) == ("of the config", ["late-payday @ 96"])
    assert config.words["tasks"] == TRAIN


def test_a_report_says_what_the_search_has_seen(registry: Registry) -> None:
    tasks = [{"task": "payday", "steps": 40}, {"task": "payday", "steps": 90}, {"task": "cliff", "steps": 10}, *TEST]
    config = changed(registry, tasks=TRAIN[:1], report={"tasks": tasks})
    assert labels(config.tasks) == ["payday @ 40"]
    assert config.report is not None
    assert list(config.report.notes) == ["searched", "searched with other steps", "unseen", "unseen, longer"]


def test_what_was_seen_before_the_search_is_no_unseen_task(registry: Registry) -> None:
    report = {"tasks": [*TEST, {"task": "cliff", "steps": 10}], "suite": "unseen"}
    before = [{"task": "cliff", "steps": 10}, TRAIN[0]]
    config = changed(registry, report=report, seen_before=before)
    assert config.report is not None
    assert list(config.report.notes) == ["unseen, longer", "searched"]
    assert labels(config.report.suite) == ["late-payday @ 96"]
    assert labels(seen_in_config(config.words).runs) == ["payday @ 40", "catch @ 50", "cliff @ 10"]
    assert labels(seen_in_config(changed(registry).words).runs) == ["payday @ 40", "catch @ 50"]


def test_what_was_seen_before_counts_in_the_notes_without_a_split(registry: Registry) -> None:
    tasks = [{"task": "cliff", "steps": 10, "note": "mine"}, {"task": "catch", "steps": 60}]
    before = [{"task": "cliff", "steps": 20}]
    for report, notes in (({"tasks": tasks}, ["searched with other steps, mine", "unseen"]), ({}, ["searched"])):
        config = changed(registry, report=report, seen_before=before, split=None, tasks=TRAIN[:1])
        assert config.report is not None
        assert list(config.report.notes) == notes


def test_a_suite_of_unseen_tasks_is_that_of_meta_testing(registry: Registry) -> None:
    tasks = [{"task": "payday", "steps": 90}, *TEST]
    for report in ({"suite": "unseen"}, {"suite": "unseen", "tasks": tasks}):
        config = changed(registry, report=report)
        assert config.report is not None
        assert labels(config.report.suite) == ["late-payday @ 96"]
    everything = changed(registry, report={"suite": "all", "tasks": tasks}).report
    assert everything is not None
    assert labels(everything.suite) == ["payday @ 90", "late-payday @ 96"]


def test_a_search_that_names_a_task_of_meta_testing_is_refused(registry: Registry) -> None:
    with pytest.raises(UserError) as caught:
        changed(registry, tasks=[*TRAIN, {"task": "late-payday", "steps": 7}])
    assert str(caught.value) == (
        "tasks.2.task: 'late-payday' is a meta-test task of the split 'of the config', which no search may see: choose among "
        "payday, catch, or leave out 'split'."
    )


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({**SPLIT, "meta_test": [{"task": "payday", "steps": 900}]}, "split: 'payday' is in meta_train and in meta_test"),
        ({"meta_train": TRAIN}, "split: 'meta_test' is missing: give a list"),
        ({"meta_train": TRAIN, "meta_tests": TEST}, "split: 'meta_test' is missing; 'meta_tests' is no key of a split"),
        ({**SPLIT, "name": "x"}, "split: unknown key 'name'"),
        ({**SPLIT, "meta_test": [{"task": "late", "steps": 9}]}, "split.meta_test.0.task: no task is called 'late'"),
        ({**SPLIT, "meta_test": [{"task": "cliff"}]}, "split.meta_test.0 must be {task: ID, steps: N}"),
        ([], "split must be the file of a split, or a mapping with meta_train, meta_test"),
        ("nowhere.yaml", "split: there is no file 'nowhere.yaml'"),
    ],
)
def test_mistakes_in_a_split_are_told_in_a_sentence(registry: Registry, split: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        changed(registry, split=split, tasks=TRAIN)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_of_a_split_is_taken_into_the_config(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(text_of(SPLIT, "the split"))
    config = changed(registry, split=str(path))
    path.unlink()
    assert config.split is not None
    assert config.split.name == "two"
    assert config.words["split"] == {"file": path.as_posix(), **SPLIT}
    again = checked_config(registry, config.words)
    assert (again.tasks, again.split) == (config.tasks, config.split)
    (tmp_path / "tow.yaml").write_text("- 1")
    with pytest.raises(UserError, match="must hold a mapping with meta_train and meta_test"):
        with_split({"split": str(tmp_path / "tow.yaml")})
    with pytest.raises(UserError, match=r"there is no file .*did you mean 'tow.yaml'"):
        with_split({"split": str(path)})


@pytest.mark.slow
def test_a_search_records_its_split_and_its_report_tells_it(tmp_path: Path) -> None:
    watcher, path = Watcher(), tmp_path / "two.yaml"
    path.write_text(text_of({**SPLIT, "meta_train": WORDS["tasks"][1:]}, "the split"))
    change: dict[str, Any] = {"split": str(path), "tasks": WORDS["tasks"][1:], "generations": 1, "finalists": 1}
    run(tmp_path / "it", watcher, **change, report={"seeds": 2})
    assert seen_in_notes(load_notes(tmp_path / "it" / "champion.candidate")) == Seen(
        "Laws & order", (TaskRun("payday", 40),), "two", ("late-payday",)
    )
    stored = read_origin(tmp_path / "it").config["split"]
    assert stored["meta_test"] == values_in_file(tmp_path / "it" / "config.yaml", "config")["split"]["meta_test"] == TEST
    source = source_in(tmp_path / "it", toys.plugins().registry)
    assert source.notes == (
        "The search 'Laws & order' saw payday @ 40; of the split 'two' it saw no meta-test task. Of the 1 runs of its report 1 "
        "are on unseen tasks, 1 of the split.",
    )
    assert source.comparison is not None
    assert source.comparison.notes == ("unseen, longer",)
    assert _split_text(stored) == f"{path.as_posix()}; meta_train: payday @ 40; meta_test: late-payday @ 96"


def test_a_split_is_a_tag_with_its_content() -> None:
    assert _split_text({"file": "two.yaml", **SPLIT}) == (
        "two.yaml; meta_train: payday @ 40, catch @ 50; meta_test: late-payday @ 96"
    )
    assert _split_text(None) == ""


def test_an_editor_takes_a_split_in_both_ways() -> None:
    words = {key: value for key, value in WORDS.items() if key != "tasks"}
    for split in ("some.yaml", SPLIT):
        assert is_valid({**words, "split": split}, SCHEMA, SCHEMA)
    for split in (7, {**SPLIT, "name": "x"}):
        assert not is_valid({**words, "split": split}, SCHEMA, SCHEMA)
    assert not is_valid(words, SCHEMA, SCHEMA)


@pytest.mark.parametrize("path", SPLITS, ids=lambda path: path.stem)
def test_every_split_of_the_experiments_is_right(registry: Registry, path: Path) -> None:
    config = changed(registry, split=str(path), report={})
    assert config.split is not None
    train, test = ({TaskRun(*run).task for run in runs} for runs in (config.split.meta_train, config.split.meta_test))
    assert 5 <= len(train) <= 12
    assert len(test) >= 6
    assert all(8_000 <= run.steps <= 25_000 for run in config.split.meta_train)
    assert all(run.steps <= 100_000 for run in config.split.meta_test)


def test_there_are_splits() -> None:
    assert SPLITS


def test_a_champion_that_has_seen_a_task_of_meta_testing_is_no_start(tmp_path: Path) -> None:
    """Whether it is a file or a recipe, and whether it is the candidate or in ``init``."""
    plugins = toys.plugins()
    climb = algorithm_from(plugins.registry, "climb")
    for task in ("payday", "late-payday"):
        notes = {"seen": Seen("before", (TaskRun(task, 7),)).words()}
        save_candidate(tmp_path / f"{task}.candidate", climb, plugins.registry, notes)
    fine, spoilt = (str(tmp_path / f"{task}.candidate") for task in ("payday", "late-payday"))
    words = {**WORDS, "split": SPLIT}
    with_candidates(plugins, {**words, "candidate": {"recipe": fine}, "init": [fine, {"nearest": fine}, "climb"]})
    begun = with_candidates(plugins, {**words, "split": None, "init": [spoilt, fine, spoilt], "report": {"suite": "unseen"}})
    assert begun["seen_before"] == [{"task": "late-payday", "steps": 7}, {"task": "payday", "steps": 7}]
    assert with_candidates(plugins, begun)["seen_before"] == begun["seen_before"]
    told = "was found by the search 'before', which saw 'late-payday', a meta-test task of the split: leave it out"
    for change, place in (
        ({"candidate": {"recipe": spoilt}}, "candidate"),
        ({"init": ["climb", {"nearest": {"recipe": spoilt}}]}, "init.1"),
    ):
        with pytest.raises(MistakesError) as error:
            with_candidates(plugins, {**words, **change})
        (mistake,) = error.value.mistakes
        assert told in mistake.sentence
        assert mistake.path == place
