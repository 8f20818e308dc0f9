"""Reports of what searches leave: finished, unfinished, of an earlier version, and of directories that hold no search."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from searches import Watcher, run
from toys import plugins

from discover import SearchResult, UserError, report_on, save_comparison, source_of
from discover.reports.reading import source_from_file, source_in

REGISTRY = plugins().registry
SHORT: dict[str, Any] = {
    "tasks": [{"task": "payday", "steps": 40}],
    "generations": 3,
    "seeds": 1,
    "finalists": 1,
    "selection_seeds": 2,
    "report": {"baselines": {"climb": "climb"}, "tasks": [{"task": "payday", "steps": 40}], "seeds": 4},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    return run(tmp_path_factory.mktemp("whole") / "it", **SHORT)


@pytest.fixture
def directory(whole: SearchResult, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.champion_path.parent, tmp_path / "it"))


def test_a_finished_search_is_reported_with_its_population(directory: Path, whole: SearchResult) -> None:
    report = report_on([source_in(directory, REGISTRY)])
    assert report.notes == ()
    assert report.verdict == whole.comparison.verdict if whole.comparison else False
    (effects,) = report.effects
    assert effects is not None
    assert [effect.path for effect in effects.effects] == ["rule.slope"]
    assert sum(level.members for level in effects.effects[0].levels) == 3 * 3
    facts = report.facts()
    assert facts["sources"][0]["champion_fitness"] == whole.champion_fitness
    assert facts["sources"][0]["provenance"]["versions"]["jax"]
    assert facts["effects"]["Laws & order"][0]["path"] == "rule.slope"


@pytest.mark.usefixtures("plotly")
def test_a_result_in_memory_gives_the_same_page(directory: Path, whole: SearchResult) -> None:
    page = report_on([source_of(whole, REGISTRY)]).html()
    assert "Which choice paid" in page
    assert page.replace(str(whole.champion_path.parent), str(directory)) == report_on([source_in(directory, REGISTRY)]).html()


@pytest.mark.usefixtures("plotly")
def test_an_unfinished_search_is_reported_as_far_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "it", Watcher(stop_in=2), **SHORT)
    report = report_on([source_in(tmp_path / "it", REGISTRY)])
    told = "The search 'Laws & order' is not finished: 2 of 3 generations are done, and there is no champion."
    assert report.notes == (told,)
    assert report.verdict == "No candidates are compared here."
    assert "Fitness of the population" in report.html()


def test_a_search_of_an_earlier_version_is_reported_without_its_population(directory: Path) -> None:
    shutil.rmtree(directory / "history")
    report = report_on([source_in(directory, REGISTRY)])
    assert report.notes == ("The search 'Laws & order' has no history of its population: an earlier version began it.",)
    assert report.comparison is not None
    (directory / "report.comparison").unlink()
    with pytest.raises(UserError, match=r"has nothing to report .it was written by an earlier version"):
        source_in(directory, REGISTRY)


def test_other_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds neither a search nor a comparison: give the directory that a search printed"):
        source_in(tmp_path, REGISTRY)
    (tmp_path / "config.yaml").write_text("population: 3")
    with pytest.raises(UserError, match=r"config.yaml' is not the config of a search"):
        source_in(tmp_path, REGISTRY)


@pytest.mark.parametrize(
    ("status", "told"),
    [("FAILED", "has failed"), ("KILLED", "has failed"), ("RUNNING", "is not finished"), ("FINISHED", "has no results")],
)
def test_a_run_without_results_says_why(tmp_path: Path, status: str, told: str) -> None:
    (tmp_path / "run.json").write_text(f'{{"kind": "comparison", "name": "a", "status": "{status}"}}')
    with pytest.raises(UserError, match=f"run '7f' {told} .there is no report.comparison among its artifacts"):
        source_in(tmp_path, REGISTRY, "7f")


def test_the_file_of_a_comparison_is_a_source(whole: SearchResult, tmp_path: Path) -> None:
    assert whole.comparison is not None
    source = source_from_file(save_comparison(tmp_path / "mine.comparison", whole.comparison), REGISTRY)
    assert (source.kind, source.name) == ("comparison", "champion against climb")
