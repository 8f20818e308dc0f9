"""Fitting: the genome of a space that is a candidate of another one, and what of the candidate the space lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

import jax
import numpy as np

from discover.base.errors import cut
from discover.components.component import Component, fields
from discover.components.domains import Domain, is_number
from discover.components.effective import effective
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.open_values import Choice, FieldValue, Free
from discover.components.option_domains import ChoiceDomain, OptionIndexDomain
from discover.components.space import Space
from discover.components.templates import are_equal

_Place: TypeAlias = tuple[str, str]
"""The path of a value in the template, where options of a choice have numbers, and in the candidate, where they have not."""

_LOST = 100
"""The cost of a component of another class: more than that of all its numbers."""


class Misfit(NamedTuple):
    """A value that a space lacks.

    Attributes:
        path: dotted path in the candidate.
        value: there.
        nearest: what the space has in its place.
        cost: 1 for a value, more for a component.
    """

    path: str
    value: str
    nearest: str
    cost: int = 1

    def __str__(self) -> str:
        return f"{self.path}: {self.value} is not in the space, where the nearest is {self.nearest}"


class Fit(NamedTuple):
    """A candidate as a member of a space.

    Attributes:
        genome: ``[D]``; what the candidate does not have is where a search begins.
        misfits: what of the candidate is not in the space; nothing, if the genome decodes to the candidate itself.
    """

    genome: np.ndarray
    misfits: tuple[Misfit, ...]


class _Part(NamedTuple):
    """The coordinates by the path of a gene, and the misfits, of a part of a candidate."""

    coordinates: Mapping[str, np.ndarray]
    misfits: tuple[Misfit, ...] = ()

    @property
    def cost(self) -> int:
        return sum(misfit.cost for misfit in self.misfits)

    def joined(self, other: _Part) -> _Part:
        return _Part({**self.coordinates, **other.coordinates}, (*self.misfits, *other.misfits))


def fit(space: Space, candidate: Component) -> Fit:
    """The genome of a candidate of any space in this one, as near as it comes.

    The parts of a candidate that do nothing need not fit, and one option of a component that holds several (`effective`) may
    stand for it.

    Args:
        space: the space.
        candidate: complete.

    >>> from discover_zoo.returns.gae import GAE
    >>> from discover import free
    >>> space = Space(GAE(gamma=free(low=0.9, high=0.99), lam=0.95))
    >>> [str(misfit) for misfit in fit(space, GAE(gamma=0.5, lam=0.95)).misfits]
    ['gamma: 0.5 is not in the space, where the nearest is 0.9']
    """
    domains = {gene.path: gene.domain for gene in space.genes}
    parts = [_fitted(domains, space.template, each, ("", "")) for each in (candidate, effective(candidate))]
    best = min(parts, key=lambda part: part.cost)
    genome = np.array(space.start(jax.random.key(0)), np.float32)
    for gene in space.genes:
        if gene.path in best.coordinates:
            genome[gene.start : gene.start + gene.size] = best.coordinates[gene.path]
    return Fit(genome, best.misfits)


def _fitted(domains: Mapping[str, Domain], template: FieldValue, value: FieldValue, place: _Place) -> _Part:
    """A part of a candidate in the part of the template in its place."""
    if isinstance(template, Choice):
        return _chosen(domains, template, value, place)
    if isinstance(template, Free):
        return _number(domains[place[0]], value, place)
    if isinstance(template, Component) and type(template) is type(value):
        return _all_fitted(domains, template, value, place)
    if isinstance(template, Component) and isinstance(value, Component):
        ways = [*_as_options(domains, template, value, place), _as_another(domains, template, value, place)]
        return min(ways, key=lambda part: part.cost)
    if isinstance(template, tuple) and isinstance(value, tuple) and len(template) == len(value):
        part = _Part({})
        for index, (one, other) in enumerate(zip(template, value, strict=True)):
            part = part.joined(_fitted(domains, one, other, _below(place, str(index))))
        return part
    return _Part({}) if are_equal(template, value) else _misfit(template, value, place)


def _all_fitted(domains: Mapping[str, Domain], template: Component, value: Component, place: _Place) -> _Part:
    """A component in a template: field by field, as far as both have them."""
    part, roles = _Part({}), {field.name: field.role for field in fields(type(value))}
    for field in fields(type(template)):
        if roles.get(field.name) == field.role:
            one, other = getattr(template, field.name), getattr(value, field.name)
            part = part.joined(_fitted(domains, one, other, _below(place, field.name)))
    return part


def _as_another(domains: Mapping[str, Domain], template: Component, value: Component, place: _Place) -> _Part:
    """A component in a template of another class: lost, but for what both call by the same name."""
    return _misfit(template, value, place).joined(_all_fitted(domains, template, value, place)._replace(misfits=()))


def _chosen(domains: Mapping[str, Domain], template: Choice, value: FieldValue, place: _Place) -> _Part:
    """A value in the option of a choice where the least of it is lost; of numbers that are no option, in the nearest."""

    def cost(index: int) -> tuple[float, float, int]:
        option = template.options[index]
        far = abs(option - value) if is_number(option) and is_number(value) else -len(parts[index].coordinates)
        return parts[index].cost, far, index

    parts = [
        _fitted(domains, option, value, (f"{place[0]}.{index}", place[1])) for index, option in enumerate(template.options)
    ]
    best = min(range(len(parts)), key=cost)
    taken = {place[0]: ChoiceDomain(len(parts)).encode(best)}
    return _Part(taken).joined(parts[best])


def _number(domain: Domain, value: FieldValue, place: _Place) -> _Part:
    """A value in an open field: at its place in the domain, or at the nearest one if it lies outside."""
    if domain.check(value) is None:
        return _Part({place[0]: np.asarray(domain.encode(value))})
    if isinstance(domain, RealDomain | IntegerDomain) and is_number(_item(value)):
        clipped = min(max(_item(value), domain.low), domain.high)
        inside: FieldValue = int(clipped) if isinstance(domain, IntegerDomain) else float(clipped)
        return _Part(
            {place[0]: np.asarray(domain.encode(inside))}, (Misfit(place[1], text_of_value(value), text_of_value(inside)),)
        )
    return _Part({}, (Misfit(place[1], text_of_value(value), "what the search begins with"),))


def _as_options(domains: Mapping[str, Domain], template: Component, value: Component, place: _Place) -> Iterator[_Part]:
    """A component in each option of a template that holds several components and the index of the one that it uses."""
    index = next((field for field in fields(type(template)) if isinstance(field.domain, OptionIndexDomain)), None)
    if index is None:
        return
    assert isinstance(index.domain, OptionIndexDomain)
    for field in fields(type(template)):
        options, taken = getattr(template, field.name), getattr(template, index.name)
        if not isinstance(options, tuple) or index.domain.count(template) != len(options):
            continue
        for number, option in enumerate(options):
            inner = f"{_below(place, field.name)[0]}.{number}"
            part = _fitted(domains, option, value, (inner, place[1]))
            yield part.joined(_fitted(domains, taken, np.int32(number), (_below(place, index.name)[0], place[1])))


def _misfit(template: FieldValue, value: FieldValue, place: _Place) -> _Part:
    lost = _LOST if isinstance(template, Component) or isinstance(value, Component) else 1
    return _Part({}, (Misfit(place[1] or "the candidate", text_of_value(value), text_of_value(template), lost),))


def _below(place: _Place, name: str) -> _Place:
    one, other = (f"{path}.{name}" if path else name for path in place)
    return one, other


def _item(value: FieldValue) -> FieldValue:
    """A number without its array."""
    return value.item() if getattr(value, "shape", None) == () else value


def text_of_value(value: FieldValue) -> str:
    """A value as a sentence shows it: a component by its class."""
    if isinstance(value, Component):
        return type(value).__name__
    if isinstance(value, tuple):
        return cut("(" + ", ".join(map(text_of_value, value)) + ")", 60)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(value)] if value is not None else []
    if len(leaves) == 1 and not leaves[0].shape and leaves[0].dtype.kind == "f":
        return f"{float(leaves[0]):.6g}"
    if sum(leaf.size for leaf in leaves) > 1:
        return f"{sum(leaf.size for leaf in leaves)} weights"
    return cut(repr(_item(value)), 60)
