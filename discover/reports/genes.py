"""The open values of a space as columns: what each member of each generation had there, and whether it mattered."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import cut
from discover.components.component import Component, fields
from discover.components.genes import Gene
from discover.components.option_domains import ChoiceDomain
from discover.components.paths import nodes
from discover.components.space import Space
from discover.components.templates import option_name
from discover.outer_loop.history import genes_kept
from discover.reports.source import Population


class Column(NamedTuple):
    """One open value over a whole search.

    Attributes:
        path: dotted path of the value.
        options: names of the options of a choice; empty for a number.
        values: ``[G, P]``: the number, or the index of the option.
        active: ``[G, P]``: whether it has an effect: no choice above it takes another option.
    """

    path: str
    options: tuple[str, ...]
    values: np.ndarray
    active: np.ndarray


def columns_of(population: Population) -> list[Column]:
    """Every choice and every number of a population's space."""
    space, genomes = population.space, population.history.genomes
    kept, places = genes_kept(space), {id(gene): place for place, gene in enumerate(space.genes)}
    parts: dict[int, np.ndarray] = {}
    start = 0
    for gene in kept:
        parts[places[id(gene)]] = genomes[:, :, start : start + gene.size]
        start += gene.size
    chosen = {place: part.argmax(axis=-1) for place, part in parts.items() if _is_choice(space.genes[place])}
    columns = []
    for gene in kept:
        place = places[id(gene)]
        above = [*gene.above, *_indices_above(space, gene)]
        active = np.ones(genomes.shape[:2], bool)
        for choice, option in above:
            active &= chosen[choice] == option
        values = chosen[place] if place in chosen else _numbers(gene, parts[place])
        columns.append(Column(gene.path, _options(space, gene), values, active))
    return columns


def _is_choice(gene: Gene) -> bool:
    return gene.decides or isinstance(gene.domain, ChoiceDomain)


def _numbers(gene: Gene, coordinates: np.ndarray) -> np.ndarray:
    flat = jnp.asarray(coordinates.reshape(-1, gene.size))
    return np.asarray(jax.vmap(gene.domain.decode)(flat), np.float64).reshape(coordinates.shape[:2])


def _indices_above(space: Space, gene: Gene) -> list[tuple[int, int]]:
    """Option indices that a gene depends on: it stands in one of the options that the index of their owner does not take."""
    found = []
    for place, other in enumerate(space.genes):
        if other.decides or not isinstance(other.domain, ChoiceDomain):
            continue
        owner = other.path.rpartition(".")[0]
        inside = gene.path.removeprefix(f"{owner}.") if gene.path.startswith(f"{owner}.") else ""
        head, _, rest = inside.partition(".")
        number = rest.partition(".")[0]
        if number.isdecimal() and head in _lists(space, owner, other.size):
            found.append((place, int(number)))
    return found


def _options(space: Space, gene: Gene) -> tuple[str, ...]:
    """The names of a choice's options."""
    if gene.decides:
        return tuple(option_name(space.template, gene.path, option) for option in range(gene.size))
    if not _is_choice(gene):
        return ()
    owner = gene.path.rpartition(".")[0]
    for options in _lists(space, owner, gene.size).values():
        names = [type(option).__name__ for option in options]
        return tuple(n if names.count(n) == 1 else cut(repr(o), 60) for n, o in zip(names, options, strict=True))
    return tuple(f"option {option}" for option in range(gene.size))


def _lists(space: Space, owner: str, size: int) -> dict[str, tuple[Component, ...]]:
    """The lists of ``size`` components that the component at a path has, by the names of their fields."""
    node = dict(nodes(space.template)).get(owner) if owner else space.template
    if node is None or not dataclasses.is_dataclass(node):
        return {}
    values = {field.name: getattr(node, field.name) for field in fields(type(node)) if field.role == "subtree"}
    return {name: value for name, value in values.items() if isinstance(value, tuple) and len(value) == size}
