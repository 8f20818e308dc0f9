"""The phases after a search: the best structures are refined, the champion is explained, and a kill costs nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
import yaml
from made_up import made_up
from searches import state, watched

from discover import Ablation, Registry, SearchInfo, Selection, Space, UserError, hookimpl
from discover.components.paths import get
from discover.config.build import algorithm_from, config_of
from discover.config.candidate_file import load_candidate
from discover.config.elsewhere import plain_words
from discover.config.search_config import checked_config
from discover.contract.results import SearchResult
from discover.outer_loop.archive import empty_archive
from discover.outer_loop.estimating import estimate
from discover.outer_loop.refine import numbers_around, refinements
from discover.outer_loop.resumption import ResumeWarning
from discover.outer_loop.search import add_phases, resume, search
from discover.reports.reading import source_in
from discover.reports.report import report_on
from discover.storage.yaml_text import text_of, values_in

WORDS: dict[str, Any] = {
    "name": "it",
    "candidate": {
        "recipe": "climb",
        "rule": {"toy_climb": {"slope": {"free": {"low": -5, "high": 5}}, "noise": "free", "steps": {"choice": [4, 5]}}},
    },
    "strategy": {"toy_listed": {"genomes": [[0.0, -3.0, 1.0, 0.0], [1.0, -3.0, 0.0, 1.0], [0.5, -3.0, 1.0, 0.0]]}},
    "objective": "toy_finalreturn",
    "population": 3,
    "generations": 1,
    "seeds": 1,
    "finalists": 1,
    "selection_seeds": 2,
    "tasks": [{"task": "payday", "steps": 40}],
    "after": {
        "refine": {"structures": 2, "strategy": "toy_hill", "generations": 2},
        "ablate": {"against": "climb", "seeds": 8},
    },
}


class Killed(BaseException):
    """The process is killed: nothing of ours takes notice."""


class Notes:
    """What a search tells of its phases."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        self.events.append(("search", search.directory.name))

    @hookimpl
    def discover_selection_finished(self, search: SearchInfo, selection: Selection) -> None:
        self.events.append(("selection", search.directory.name))

    @hookimpl
    def discover_ablation_started(self, search: SearchInfo) -> None:
        self.events.append(("ablation", search.directory.name))

    @hookimpl
    def discover_ablation_finished(self, search: SearchInfo, ablation: Ablation) -> None:
        self.events.append(("ablated", ablation.known))

    @hookimpl
    def discover_search_finished(self, search: SearchInfo) -> None:
        self.events.append(("finished", search.directory.name))


class Whole(NamedTuple):
    """A search that nothing disturbed, what it told, and how often lifetimes were run for it."""

    directory: Path
    result: SearchResult
    events: list[tuple[str, str]]
    runs: int


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    directory, notes = tmp_path_factory.mktemp("phases") / "it", Notes()
    with made_up() as runs:
        result = search(watched(notes), WORDS, directory)
    return Whole(directory, result, notes.events, runs.count)


def test_phases_follow_each_other_in_folders_of_their_own(whole: Whole) -> None:
    refined = [[("search", name), ("selection", name), ("finished", name)] for name in ("refine-1", "refine-2")]
    assert whole.events == [
        ("search", "it"),
        *refined[0],
        *refined[1],
        ("selection", "it"),
        ("ablation", "it"),
        ("ablated", "climb"),
        ("finished", "it"),
    ]
    assert {path.name for path in whole.directory.iterdir()} >= {"refine-1", "refine-2", "ablate", "champion.candidate"}


def test_the_best_structures_are_refined_with_seeds_of_their_own(whole: Whole, registry: Registry) -> None:
    space = Space(checked_config(registry, WORDS).template)
    finalists = [space.decode(genome).rule for genome in whole.result.finalists]
    assert len(finalists) == 3  # the best of the search, and two that were refined
    spent = 0
    for place, steps in enumerate([5, 4]):  # the steepest slope has five steps an update
        directory = whole.directory / f"refine-{place + 1}"
        champion = load_candidate(directory / "champion.candidate", registry).rule
        assert get(champion, "steps") == steps
        alike = [float(rule.slope) for rule in finalists if rule.steps == steps]
        assert any(slope == pytest.approx(float(get(champion, "slope")), rel=1e-4) for slope in alike)
        config = yaml.safe_load((directory / "config.yaml").read_text())
        assert (config["seeds"], config["population"], config["seed"] == 0) == (2, 3, False)
        spent += json.loads((directory / "result.json").read_text())["env_steps"]
    assert whole.result.env_steps == 3 * 40 + spent + (3 + 1) * 2 * 40


def test_the_champion_is_explained(whole: Whole) -> None:
    ablation = whole.result.ablation
    assert ablation is not None
    assert (ablation.candidate, ablation.known) == ("champion", "climb")
    paths = {row["path"]: row["verdict"] for row in ablation.rows()}
    assert set(paths) <= {"rule.slope", "rule.noise", "rule.steps"}
    assert paths["rule.slope"] == "paid"
    assert "rule.slope" in repr(whole.result)


def at(label: str) -> Callable[[str, float], None]:
    def kill(what: str, share: float) -> None:
        if what.startswith(label):
            raise Killed

    return kill


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("refine 1, search 1", marks=pytest.mark.slow),
        "refine 2, search 2",
        pytest.param("refine 2, champion", marks=pytest.mark.slow),
        pytest.param("selection", marks=pytest.mark.slow),
        "ablation",
    ],
)
def test_killed_in_any_phase_and_resumed_it_ends_the_same(tmp_path: Path, whole: Whole, label: str) -> None:
    with made_up() as runs:
        with pytest.raises(Killed):
            search(watched(), WORDS, tmp_path / "it", progress=at(label))
        result = resume(watched(), tmp_path / "it")
    assert runs.count <= whole.runs + 1  # the piece that was running
    for name in ("", "refine-1", "refine-2"):
        assert state(tmp_path / "it" / name) == state(whole.directory / name)
        champion = Path(name, "champion.candidate")
        assert (tmp_path / "it" / champion).read_bytes() == (whole.directory / champion).read_bytes()
    np.testing.assert_array_equal(result.finalist_fitness, whole.result.finalist_fitness)
    assert result.ablation is not None
    assert whole.result.ablation is not None
    assert result.ablation.rows() == whole.result.ablation.rows()


def test_a_finished_search_shows_its_phases_again_and_runs_nothing(tmp_path: Path, whole: Whole) -> None:
    directory, notes = Path(shutil.copytree(whole.directory, tmp_path / "it")), Notes()
    with made_up() as runs:
        result = resume(watched(notes), directory)
    assert runs.count == 0
    assert notes.events == [("search", "it"), ("finished", "it")]
    np.testing.assert_array_equal(result.finalists, whole.result.finalists)
    assert repr(result.ablation) == repr(whole.result.ablation)


def test_phases_may_be_asked_for_later(tmp_path: Path, whole: Whole) -> None:
    directory = Path(shutil.copytree(whole.directory, tmp_path / "it"))
    config = yaml.safe_load((directory / "config.yaml").read_text())
    config["after"]["ablate"]["seeds"] = 9
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match=r"after\.ablate\.seeds is 9, was 8"):
        resume(watched(), directory)
    notes = Notes()
    with made_up(), pytest.warns(ResumeWarning, match=r"after\.ablate\.seeds is 9, was 8"):
        result = resume(watched(notes), directory, anyway=True)
    assert result.ablation is not None
    assert len(result.ablation.fitness) == 9
    assert ("ablated", "climb") in notes.events
    np.testing.assert_array_equal(result.finalists, whole.result.finalists)


# Phases that are asked for later --------------------------------------------------------------------------------------

REFINE = WORDS["after"]["refine"]


@pytest.fixture(scope="module")
def unrefined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same search, without its refinement."""
    directory = tmp_path_factory.mktemp("phases") / "it"
    with made_up():
        search(watched(), {**WORDS, "after": {"ablate": WORDS["after"]["ablate"]}}, directory)
    return directory


def same_end(directory: Path, whole: Whole) -> None:
    """A search has ended as though its config had asked for all phases."""
    for name in ("refine-1", "refine-2"):
        assert state(directory / name) == state(whole.directory / name)
    for name in ("champion.candidate", "refine-1/champion.candidate"):
        assert (directory / name).read_bytes() == (whole.directory / name).read_bytes()
    configs = [yaml.safe_load((place / "config.yaml").read_text()) for place in (directory, whole.directory)]
    assert configs[0] == configs[1]
    spent = ("champion_fitness", "finalist_fitness", "env_steps", "broken")
    ended, expected = (json.loads((place / "result.json").read_text()) for place in (directory, whole.directory))
    assert [ended[key] for key in spent] == [expected[key] for key in spent]


def test_a_refinement_after_the_search_is_as_one_within_it(tmp_path: Path, whole: Whole, unrefined: Path) -> None:
    directory, notes = Path(shutil.copytree(unrefined, tmp_path / "it")), Notes()
    began = (directory / "config.yaml").stat().st_mtime_ns
    with made_up():
        result = add_phases(watched(notes), directory, {"refine": REFINE})
    assert notes.events == whole.events
    same_end(directory, whole)
    assert (directory / "config.yaml").stat().st_mtime_ns == began  # it says when the search began
    with made_up() as runs:
        again = add_phases(watched(), directory, {"refine": {}})
    assert runs.count == 0
    assert again.champion_fitness == result.champion_fitness == whole.result.champion_fitness


@pytest.mark.slow
@pytest.mark.parametrize("label", ["refine 2, search 2", "ablation"])
def test_a_refinement_that_is_killed_goes_on(tmp_path: Path, whole: Whole, unrefined: Path, label: str) -> None:
    directory = Path(shutil.copytree(unrefined, tmp_path / "it"))
    with made_up(), pytest.raises(Killed):
        add_phases(watched(), directory, {"refine": REFINE}, at(label))
    with made_up():
        resume(watched(), directory)
    same_end(directory, whole)


def test_what_cannot_be_refined_is_told_and_nothing_changes(tmp_path: Path, whole: Whole, unrefined: Path) -> None:
    def told(directory: Path, **settings: Any) -> str:
        files = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        with made_up() as runs, pytest.raises(UserError) as caught:
            add_phases(watched(), directory, {"refine": settings})
        assert runs.count == 0
        assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == files
        return str(caught.value)

    empty, other = tmp_path / "empty", Path(shutil.copytree(whole.directory, tmp_path / "it"))
    empty.mkdir()
    assert told(empty).startswith(f"'{empty}' is not the directory of a search (it has no config.yaml)")
    assert told(unrefined, structure=3).startswith("after.refine: unknown key 'structure'; did you mean 'structures'?")
    assert told(unrefined, strategy="toy_hil").startswith("after.refine.strategy: no strategy is called 'toy_hil'")
    assert told(other, population=4) == (
        f"'{other / 'refine-1'}' was refined with population 3, which cannot become 4: give the same, or remove that folder to "
        "refine it anew."
    )


def test_only_a_search_that_is_over_can_be_refined(tmp_path: Path) -> None:
    directory = tmp_path / "it"
    words = {**WORDS, "strategy": "toy_hill", "generations": 2, "after": None}
    with made_up(), pytest.raises(Killed):
        search(watched(), words, directory, progress=at("search 2"))
    with made_up(), pytest.raises(UserError) as caught:
        add_phases(watched(), directory, {"refine": {}})
    assert str(caught.value) == (
        f"the search in '{directory}' has run 1 of its 2 generations, and phases come after the last one: go on with it first "
        f"(discover resume {directory})."
    )


@pytest.mark.slow
def test_a_search_without_numbers_has_nothing_to_refine(tmp_path: Path) -> None:
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"steps": {"choice": [4, 8]}}}}
    words = {**WORDS, "candidate": candidate, "strategy": "random_search", "after": None}
    with made_up():
        search(watched(), words, tmp_path / "it")
        with pytest.raises(UserError) as caught:
            add_phases(watched(), tmp_path / "it", {"refine": {"strategy": "random_search"}})
    assert str(caught.value) == (
        f"there is nothing to refine in '{tmp_path / 'it'}': the best 2 structures of the search have no open number; leave "
        "numbers open in its space, or refine more structures (--set structures=N)."
    )


@pytest.mark.slow
def test_phases_of_an_edited_config_that_are_killed_are_not_forgotten(tmp_path: Path, unrefined: Path) -> None:
    """Before, the result of the search without them stayed."""
    directory = Path(shutil.copytree(unrefined, tmp_path / "it"))
    config = yaml.safe_load((directory / "config.yaml").read_text())
    config["after"]["refine"] = REFINE
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    with made_up(), pytest.warns(ResumeWarning), pytest.raises(Killed):
        resume(watched(), directory, at("refine 1"), anyway=True)
    notes = Notes()
    with made_up():
        resume(watched(notes), directory)
    assert ("search", "refine-2") in notes.events


# The page -------------------------------------------------------------------------------------------------------------


def test_a_report_shows_what_paid(whole: Whole, registry: Registry) -> None:
    report = report_on([source_in(whole.directory, registry)])
    assert "What paid" in repr(report)
    (ablation,) = report.facts()["ablations"].values()
    assert ablation["table"][0]["path"] == "rule.slope"


def test_an_estimate_counts_the_phases() -> None:
    with made_up():
        expected = estimate(watched(), WORDS)
    assert [phase.name for phase in expected.phases] == ["it", "it: refine 1", "it: refine 2", "selection and report"]
    assert abs(expected.phases[1].env_steps - 2 * 3 * 2 * 40) <= 2 * 40  # copies are evaluated once


def test_a_baseline_that_is_tuned_is_refined_as_the_search_is(tmp_path: Path) -> None:
    tuned = {"candidate": WORDS["candidate"], "strategy": "random_search"}
    words = {**WORDS, **tuned, "after": {"refine": {**WORDS["after"]["refine"], "structures": 1}}}
    words["report"] = {"seeds": 4, "baselines": {"other": {"tune": WORDS["candidate"]}}}
    notes = Notes()
    with made_up():
        result = search(watched(notes), words, tmp_path / "it")
        expected = estimate(watched(), words)
    began = [name for event, name in notes.events if event == "search"]
    assert began == ["it", "refine-1", "tune-other", "refine-1"]
    assert result.comparison is not None
    assert [phase.name for phase in expected.phases] == [
        "it",
        "it: refine 1",
        "it: other",
        "it: other: refine 1",
        "selection and report",
    ]
    refined = [phase.env_steps for phase in expected.phases if "refine" in phase.name]
    assert abs(refined[0] - refined[1]) <= 2 * 40  # copies are evaluated once


def test_an_estimate_counts_the_seeds_and_steps_of_a_race(tmp_path: Path) -> None:
    race = {"racing": {"strategy": "toy_hill", "rungs": 2, "keep": 2, "steps": 0.5}}
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": "free"}}}
    sizes = {"population": 4, "generations": 6, "seeds": 4, "after": None}
    words = {**WORDS, "candidate": candidate, "strategy": race, **sizes}
    with made_up():
        result, expected = search(watched(), words, tmp_path / "it"), estimate(watched(), words)
    first, last = 4 * 1 * 2 * 8, 2 * 2 * 5 * 8  # members, seeds, updates (half of five are two), steps of an update
    assert expected.phases[0].env_steps == 3 * (first + last)
    assert abs(expected.env_steps - result.env_steps) <= 2 * 2 * 40  # a finalist more or less


@pytest.mark.slow
def test_real_lifetimes_have_the_same_phases(tmp_path: Path, whole: Whole) -> None:
    notes = Notes()
    result = search(watched(notes), WORDS, tmp_path / "it")
    assert notes.events == whole.events
    assert result.ablation is not None
    assert result.ablation.rows()[0]["path"] == "rule.slope"
    assert result.env_steps == whole.result.env_steps


# Parts of it ----------------------------------------------------------------------------------------------------------


def test_the_numbers_of_a_structure_begin_where_its_genome_is(registry: Registry) -> None:
    space = Space(algorithm_from(registry, WORDS["candidate"]))
    genome = np.array([0.5, -2.0, 0.0, 1.0], np.float32)
    template = numbers_around(space, genome)
    assert template is not None
    inner = Space(template)
    assert [gene.path for gene in inner.genes] == ["rule.slope", "rule.noise"]
    assert get(template, "rule.steps") == 5
    np.testing.assert_allclose(inner.start(jax.random.key(0)), genome[:2], rtol=1e-4)
    assert dict(get(template, "rule.slope").changes)["low"] == -5


def test_a_structure_without_numbers_is_left_out(registry: Registry) -> None:
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"steps": {"choice": [4, 8]}}}}
    config = checked_config(registry, {**WORDS, "candidate": candidate, "strategy": "toy_hill", "population": 4})
    space = Space(config.template)
    archive = empty_archive(2, space.dimension)
    archive.fitness[0] = 1.0
    assert [*refinements(registry, config, space, archive, executor=config.executor)] == []


def test_weights_begin_where_they_are(registry: Registry) -> None:
    """They are written into the config of the refinement, and read from it."""
    words = {"recipe": "lpo", "rule": {"lpo": {"entropy_coefficient": "free"}}}
    space = Space(algorithm_from(registry, words))
    genome = np.asarray(space.sample(jax.random.key(1)))
    template = numbers_around(space, genome)
    assert template is not None
    written = values_in(text_of(plain_words(config_of(registry, template)), "it"))
    refined, same = (Space(algorithm_from(registry, written)) for _ in range(2))
    np.testing.assert_allclose(refined.start(jax.random.key(0)), genome, rtol=1e-5)
    assert (refined, hash(refined)) == (same, hash(same))  # before, such a space had no hash, and its search failed
    assert refined != space


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"refine": {"structure": 2}}, "after.refine: unknown key 'structure'; did you mean 'structures'?"),
        (
            {"refine": {"strategy": "toy_hil"}},
            "after.refine.strategy: no strategy is called 'toy_hil': did you mean 'toy_hill'",
        ),
        (
            {"refine": {"strategy": "toy_hill", "population": 1}},
            "after.refine: population 1 does not suit the strategy 'toy_hill': it needs 2 at least.",
        ),
        ({"ablate": {"seeds": 1}}, "after.ablate.seeds must be a whole number from 2 to 65536; got 1."),
        ({"ablate": {"alone": "yes"}}, "after.ablate.alone must be true or false; got 'yes'."),
        ({"ablate": {}}, "after.ablate puts the champion's values back to those of a known algorithm, but none is named: add"),
        (7, "after must be a mapping with refine, ablate; got 7."),
    ],
)
def test_mistakes_are_told_before_the_search(registry: Registry, after: Any, told: str) -> None:
    with pytest.raises(UserError) as caught:
        checked_config(registry, {**WORDS, "after": after})
    assert str(caught.value).startswith(told)


def test_the_known_algorithm_is_the_nearest_of_those_that_are_named(registry: Registry) -> None:
    far = {"recipe": "climb", "rule": {"toy_climb": {"slope": 4.0, "noise": 0.0, "num_envs": 2}}}
    ablate = {"after": {"ablate": {}}, "report": {"baselines": {"far": far, "near": "climb"}}}
    config = checked_config(registry, {**WORDS, **ablate})
    assert config.after.ablate is not None
    champion = algorithm_from(registry, {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}})
    assert config.after.ablate.nearest(champion)[0] == "near"
    assert config.after.refine is None
