"""Genes: the open values of a template, each with its stretch of the genome."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.components.component import Choice, Component, Field, Free, domain_of, fields
from discover.components.domains import ChoiceDomain, Domain, IntegerDomain, RealDomain

_LEAD = 1e-3  # by which the default option leads at the start: decisive, yet no noise of a search notices it


class Gene(NamedTuple):
    """One open value and its stretch of the genome.

    Attributes:
        path: where it stands.
        domain: what it may be.
        start: its first coordinate.
        size: how many coordinates it has.
        center: coordinates at which the search begins; None: drawn from the domain's prior.
        above: the choices that it stands below, as (index of the choice's gene, option): it has effect where each takes that
            option.
        decides: whether it chooses between options, and so the structure.
    """

    path: str
    domain: Domain
    start: int
    size: int
    center: np.ndarray | None
    above: tuple[tuple[int, int], ...]
    decides: bool


def genes_of(template: Component) -> list[Gene]:
    """Every open value of a template, in the order written.

    Raises:
        UserError: a value that is set, or a start, lies outside its domain; a domain is widened; structure is left free.
    """
    genes: list[Gene] = []
    _collect(template, "", (), genes)
    return genes


def _collect(node: Any, path: str, above: tuple[tuple[int, int], ...], genes: list[Gene]) -> None:
    """Add the open values below a node, in the order written, and check those that are set."""
    if isinstance(node, Choice):
        index, count = len(genes), len(node.options)
        _add(genes, path, ChoiceDomain(count), np.zeros(count, np.float32), above, decides=True)
        for option, value in enumerate(node.options):
            _collect(value, f"{path}.{option}", (*above, (index, option)), genes)
    elif isinstance(node, tuple):
        for index, item in enumerate(node):
            _collect(item, f"{path}.{index}", above, genes)
    elif isinstance(node, Component):
        for field in fields(type(node)):
            value, inner = getattr(node, field.name), f"{path}.{field.name}" if path else field.name
            if isinstance(value, Free):
                domain, center = opened_domain(node, field, value, inner)
                _add(genes, inner, domain, center, above)
            else:
                _check_set(node, field, value, inner)
                _collect(value, inner, above, genes)


def _add(
    genes: list[Gene],
    path: str,
    domain: Domain,
    center: np.ndarray | None,
    above: tuple[tuple[int, int], ...],
    decides: bool = False,
) -> None:
    start = genes[-1].start + genes[-1].size if genes else 0
    genes.append(Gene(path, domain, start, domain.size, center, above, decides))


def _check_set(owner: Component, field: Field, value: Any, path: str) -> None:
    """Check a value that is set, and each option of a choice, as if its owner held it."""
    for where, option in _options(value, path, several=field.role == "subtree"):
        try:
            holder = dataclasses.replace(owner, **{field.name: option})  # type: ignore[type-var]
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        problem = _domain(holder, field, where).check(option) if field.role == "leaf" else None
        if problem:
            raise UserError(f"{where} of {type(owner).__name__} {problem}.")


def _options(value: Any, path: str, several: bool) -> Iterator[tuple[str, Any]]:
    """All values that a field may take, without the choices between them; of ``several`` components each alone."""
    if isinstance(value, Choice):
        for index, option in enumerate(value.options):
            yield from _options(option, f"{path}.{index}", several)
    elif several and isinstance(value, tuple):
        for index, item in enumerate(value):
            for where, option in _options(item, f"{path}.{index}", several=False):
                yield where, (option,)
    else:
        yield path, value


def _domain(owner: Component, field: Field, path: str) -> Domain:
    """The domain of a leaf, of known size."""
    domain = domain_of(owner, field)
    try:
        _ = domain.size
    except Exception:
        for other in fields(type(owner)):
            if isinstance(getattr(owner, other.name), Choice):
                name = type(owner).__name__
                raise UserError(
                    f"{path}: the shapes of these weights depend on '{other.name}', which is an open choice itself: "
                    f"write a choice between whole components, {name}({other.name}=...) and {name}({other.name}=...)."
                ) from None
        raise
    return domain


def opened_domain(owner: Component, field: Field, opened: Free, path: str) -> tuple[Domain, np.ndarray | None]:
    """The domain of an open value, narrowed as asked, and the coordinates of its start."""
    if field.domain is None:
        raise UserError(f"{path} is structure, not a number: leave it open with choice(...), not with free().")
    domain, changes = _domain(owner, field, path), dict(opened.changes)
    start = changes.pop("start", field.default)
    if changes:
        domain = _narrowed(domain, changes, path)
    if isinstance(start, Free) or start is dataclasses.MISSING:
        return domain, None
    if isinstance(domain, RealDomain | IntegerDomain) and "start" not in dict(opened.changes):
        start = min(max(start, domain.low), domain.high)
    problem = domain.check(start)
    if problem:
        raise UserError(f"{path}: start {problem}.")
    lead = _LEAD if isinstance(domain, ChoiceDomain) else 1.0
    return domain, lead * domain.encode(start)


def _narrowed(domain: Domain, changes: Mapping[str, Any], path: str) -> Domain:
    known = sorted({f.name for f in dataclasses.fields(domain)} & {"low", "high", "scale", "std"})  # type: ignore[arg-type]
    for key in changes:
        if key not in known:
            remedy = f"it can change {', '.join(known)}" if known else "leave it out"
            raise UserError(f"{path}: free cannot change '{key}' here; {remedy}.")
    try:
        narrowed = dataclasses.replace(domain, **changes)  # type: ignore[type-var]
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if isinstance(domain, RealDomain | IntegerDomain) and (narrowed.low < domain.low or narrowed.high > domain.high):
        raise UserError(
            f"{path}: free may only narrow the domain [{domain.low:g}, {domain.high:g}]; "
            f"got low={narrowed.low:g}, high={narrowed.high:g}."
        )
    return narrowed
