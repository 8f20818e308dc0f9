"""The plots of a search's genomes: which structures were alive, and where each number was, generation by generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from discover.components.number_domains import RealDomain
from discover.contract.events import Status
from discover.reports.genes import Column, columns_of
from discover.reports.plots import Plot, Trace, color, numbers
from discover.reports.source import Population

_MOST_STRUCTURES = 9  # with an area of their own
_MOST_POINTS = 2000  # of the plot of one number
_JITTER = 0.3  # of a generation, to each side
_OTHERS = "others"


def structures_plot(population: Population) -> Plot | None:
    """The share of each structure in every generation, the most frequent ones apart; None if the space has no choice."""
    choices = [column for column in columns_of(population) if column.options]
    if not choices:
        return None
    labels = _labels(choices)
    often = [name for name, _ in Counter(labels.ravel().tolist()).most_common(_MOST_STRUCTURES)]
    x, members = population.history.generation, labels.shape[1]
    areas = [(name, (labels == name).sum(axis=1) / members) for name in often]
    rest = 1.0 - np.sum([share for _, share in areas], axis=0)
    if (rest > 1e-9).any():
        areas.append((_OTHERS, rest))
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "stackgroup": "one",
            "x": x.tolist(),
            "y": numbers(share),
            "name": name,
            "line": {"color": color(place), "width": 0.5},
        }
        for place, (name, share) in enumerate(areas)
    ]
    return Plot("Structures alive", traces, "generation", "share of the population", layout={"yaxis": {"range": [0, 1]}})


def number_plots(population: Population) -> Iterator[Plot]:
    """For each number its values over the generations, colored by fitness among the members of a generation; broken in gray.

    Members that were not run are left out.
    """
    history = population.history
    sound = (history.status == Status.OK) & np.isfinite(history.fitness)
    ranks = _ranks(np.where(sound, history.fitness, np.nan))
    scales = {gene.path: gene.domain for gene in population.space.genes}
    for column in columns_of(population):
        if not column.options:
            domain = scales[column.path]
            is_log = isinstance(domain, RealDomain) and domain.scale == "log"
            yield _number_plot(population, column, ranks, is_log=is_log)


def _number_plot(population: Population, column: Column, ranks: np.ndarray, *, is_log: bool) -> Plot:
    places = np.argwhere(column.active & (population.history.status != Status.NOT_RUN))
    if len(places) > _MOST_POINTS:
        places = places[np.linspace(0, len(places) - 1, _MOST_POINTS).astype(int)]
    at = tuple(places.T)
    spread = (places[:, 1] + 0.5) / column.active.shape[1] - 0.5  # by member: no two of a generation cover each other
    x, y, rank = population.history.generation[places[:, 0]] + 2 * _JITTER * spread, column.values[at], ranks[at]
    known = np.isfinite(rank)
    scale = {"colorscale": "Viridis", "cmin": 0, "cmax": 1, "showscale": True, "colorbar": {"title": {"text": "fitness rank"}}}
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(x[some]),
            "y": numbers(y[some]),
            "marker": {"size": 5, **marker},
            "showlegend": False,
            "hoverinfo": "y",
        }
        for some, marker in ((~known, {"color": "#999999", "symbol": "x"}), (known, {"color": numbers(rank[known]), **scale}))
        if some.any()
    ]
    return Plot(column.path, traces, "generation", "value", layout={"yaxis": {"type": "log"}} if is_log else {})


def _labels(choices: Sequence[Column]) -> np.ndarray:
    """The structure of each member ``[G, P]`` in words: the options that it takes."""
    labels = np.full(choices[0].values.shape, "", object)
    for column in choices:
        names = np.asarray([f"{column.path.rpartition('.')[2]}={option}" for option in column.options], object)
        added = np.where(column.active, names[column.values], "")
        labels = labels + np.where((labels != "") & (added != ""), ", ", "") + added
    return labels


def _ranks(fitness: np.ndarray) -> np.ndarray:
    """The rank of each member in its generation ``[G, P]``, from 0 for the lowest to 1 for the highest; NaN where it broke."""
    ranks = np.full(fitness.shape, np.nan)
    for row, values in enumerate(fitness):
        known = np.flatnonzero(np.isfinite(values))
        ranks[row, known[np.argsort(values[known], kind="stable")]] = np.arange(len(known)) / max(len(known) - 1, 1)
    return ranks
