"""The sections of a report's page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from discover.reports import candidate_plots, population_plots, search_plots, tables
from discover.reports.effects import Effects
from discover.reports.numbers import Numbers
from discover.reports.page import Fold, Grid, Section
from discover.reports.scores import HOW
from discover.reports.source import Population, Source

_SHOWN = 4  # effects with plots that are not folded away
_MOST_EFFECTS = 24  # with plots at all


def sections_of(sources: Sequence[Source], numbers: Numbers | None, effects: Sequence[Effects | None]) -> list[Section]:
    """All sections: candidates first, then each search, then the provenance."""
    sections = [] if numbers is None else list(_candidate_sections(numbers))
    searches = [(s, each) for s, each in zip(sources, effects, strict=True) if s.population is not None and each is not None]
    for source, each in searches:
        assert source.population is not None
        name = "Search" if len(searches) == 1 else f"Search {source.name} ({source.label})"
        sections.append(_search_section(name, source.population, each))
    for source in sources:
        if source.ablation is not None:
            sections.append(_ablation_section(source, several=len(sources) > 1))
    sections.append(Section("Provenance", [tables.provenance_table(sources)]))
    return sections


def _candidate_sections(of: Numbers) -> Iterator[Section]:
    intervals = "Estimates are interquartile means over seeds (IQM); bands and bars are 95 % bootstrap intervals."
    yield Section("Results", [tables.returns_table(of.comparison), Grid(candidate_plots.return_plots(of))])
    seeds = " Thin lines are seeds." if candidate_plots.has_seeds(of) else ""
    yield Section("Learning curves", [f"{intervals}{seeds}", Grid(candidate_plots.curve_plots(of))])
    improvement = candidate_plots.improvement_plot(of)
    how = (
        f"{HOW} The IQM is that of all runs on all tasks together; the median and the mean are over tasks; the optimality gap "
        "is by how much runs fall short of 1. Intervals draw seeds within each task (stratified bootstrap)."
    )
    plots = [candidate_plots.profile_plot(of), *([improvement] if improvement else [])]
    yield Section(
        "Over all tasks",
        [how, tables.overall_table(of), Grid(candidate_plots.aggregate_plots(of)), Grid(plots), tables.scales_table(of)],
    )
    cost = (
        "A point of a curve is what a lifetime had reached when so much was spent; the dotted stairs are the Pareto front: the "
        "highest return of any candidate for so much. Seconds are as they were measured, with compilation, and spread evenly; "
        "lifetimes that were taken from disk when a search was resumed cost almost none."
    )
    yield Section("Return against cost", [cost, tables.cost_table(of), Grid(candidate_plots.cost_plots(of))])
    yield Section("Candidates", [tables.candidates_table(of.comparison)])


def _ablation_section(source: Source, *, several: bool) -> Section:
    assert source.ablation is not None
    of = source.ablation
    tasks = ", ".join(run.label for run in of.runs)
    how = (
        f"Each value by which the {of.candidate} differs from {of.known} is put back, one at a time: what it pays is the "
        f"fitness of the {of.candidate} minus that without it, on the same {len(of.fitness)} fresh seeds ({tasks}). Intervals "
        "are of each mean difference alone, paired by seed; verdicts are corrected over all values (Holm)."
    )
    name = f"What paid: {source.name} ({source.label})" if several else "What paid"
    plots = [Grid([search_plots.ablation_plot(of)], wide=True)] if of.parts else []
    return Section(name, [of.verdict, how, tables.ablation_table(of), *plots])


def _search_section(name: str, population: Population, effects: Effects) -> Section:
    how = (
        "A member's fitness counts as its difference from the mean of its generation, so that what is frequent late does not "
        "seem good for that alone. 'Explains' is the share of these differences that a choice or number accounts for (omega "
        "squared). These are marginal effects in the population that the search happened to visit, and no experiment."
    )
    structures = population_plots.structures_plot(population)
    moved = list(itertools.islice(population_plots.number_plots(population), _MOST_EFFECTS))
    by_generation = (
        "A point is a member in which the number has an effect, from dark to light by its fitness within its generation; gray "
        "crosses broke."
    )
    shown = effects.effects[:_MOST_EFFECTS]
    first, rest = shown[:_SHOWN], shown[_SHOWN:]
    plots = [plot for effect in first for plot in search_plots.effect_plots(effects, effect)]
    folded = [
        Fold(
            f"{effect.path}: {100 * effect.explained:.1f} %",
            [tables.levels_table(effect), Grid(search_plots.effect_plots(effects, effect))],
        )
        for effect in rest
    ]
    return Section(
        name,
        [
            Grid([search_plots.fitness_plot(population), *([structures] if structures else [])], wide=True),
            how,
            tables.effects_table(effects),
            *(tables.levels_table(effect) for effect in first),
            Grid(plots),
            *folded,
            *([Grid([search_plots.parallel_plot(population)], wide=True)] if effects.effects else []),
            *([Fold("Each number, generation by generation", [by_generation, Grid(moved)])] if moved else []),
        ],
    )
