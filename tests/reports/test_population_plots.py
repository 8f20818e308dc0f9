"""The plots of genomes: shares of structures add up to one, and every number is where its members had it."""

from dataclasses import replace

import numpy as np
import pytest
from toys import plugins

from discover import History, Space, Status
from discover.config.build import algorithm_from
from discover.outer_loop.history import columns_kept
from discover.reports.effects import effects_of
from discover.reports.population_plots import number_plots, structures_plot
from discover.reports.sections import sections_of
from discover.reports.source import Population, Source

CLIMB = {"slope": "free", "noise": "free", "steps": {"choice": [4, 5]}, "limit": {"free": {"low": 1.0, "scale": "log"}}}
SPACE = Space(algorithm_from(plugins().registry, {"recipe": "climb", "rule": {"toy_climb": CLIMB}}))
GENERATIONS, MEMBERS = 3, 4


def population(space: Space = SPACE) -> Population:
    """In generation g, g members have the second option; the second member breaks."""
    genomes = np.random.default_rng(0).normal(size=(GENERATIONS, MEMBERS, space.dimension)).astype(np.float32)
    for gene in space.genes:
        if gene.decides:
            for generation in range(GENERATIONS):
                second = np.arange(MEMBERS) < generation
                genomes[generation, :, gene.start] = ~second
                genomes[generation, :, gene.start + 1] = second
    status = np.where(np.arange(MEMBERS) == 1, Status.ERROR, Status.OK)[None].repeat(GENERATIONS, axis=0)
    fitness = np.arange(GENERATIONS * MEMBERS, dtype=np.float32).reshape(GENERATIONS, MEMBERS)
    steps, kept = np.arange(GENERATIONS), genomes[:, :, columns_kept(space)]
    return Population("it", History(steps, steps, kept, fitness, status.astype(np.int8)), space)


def test_shares_of_structures_are_stacked() -> None:
    plot = structures_plot(population())
    assert plot is not None
    shares = {trace["name"]: trace["y"] for trace in plot.traces}
    assert shares == {"steps=4": [1.0, 0.75, 0.5], "steps=5": [0.0, 0.25, 0.5]}
    assert all(trace["stackgroup"] == "one" and trace["x"] == [0, 1, 2] for trace in plot.traces)


def test_rare_structures_share_an_area(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discover.reports.population_plots._MOST_STRUCTURES", 1)
    plot = structures_plot(population())
    assert plot is not None
    assert {trace["name"]: trace["y"] for trace in plot.traces} == {"steps=4": [1.0, 0.75, 0.5], "others": [0.0, 0.25, 0.5]}


def test_a_space_without_choices_has_no_structures() -> None:
    space = Space(algorithm_from(plugins().registry, {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}))
    assert structures_plot(population(space)) is None


def test_every_number_is_where_its_members_had_it() -> None:
    it = population()
    plots = {plot.title: plot for plot in number_plots(it)}
    assert list(plots) == ["rule.slope", "rule.noise", "rule.limit"]
    broken, sound = plots["rule.slope"].traces
    assert (len(broken["x"]), len(sound["x"])) == (GENERATIONS, GENERATIONS * (MEMBERS - 1))
    assert sound["marker"]["color"][:3] == [0.0, 0.5, 1.0]  # by fitness within the generation
    first = np.zeros(SPACE.dimension, np.float32)
    first[columns_kept(SPACE)] = it.history.genomes[0, 0]
    assert sound["y"][0] == pytest.approx(float(SPACE.decode(first).rule.slope), rel=1e-4)
    assert all(abs(x - round(x)) <= 0.3 for x in sound["x"])
    assert plots["rule.limit"].spec()["layout"]["yaxis"]["type"] == "log"
    assert "type" not in plots["rule.slope"].spec()["layout"]["yaxis"]


def test_members_that_were_not_run_are_left_out() -> None:
    it = population()
    status = np.where(np.arange(MEMBERS) == 2, Status.NOT_RUN, it.history.status).astype(np.int8)
    (plot, *_) = number_plots(replace(it, history=it.history._replace(status=status)))
    assert [len(trace["x"]) for trace in plot.traces] == [GENERATIONS, GENERATIONS * (MEMBERS - 2)]


def test_points_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discover.reports.population_plots._MOST_POINTS", 5)
    assert all(sum(len(trace["x"]) for trace in plot.traces) == 5 for plot in number_plots(population()))


def test_the_page_of_a_search_has_them() -> None:
    it = population()
    sections = sections_of([Source("it", "search", "it", population=it)], None, [effects_of(it)])
    text = repr(sections[0].parts)
    assert "Structures alive" in text
    assert "Each number, generation by generation" in text
