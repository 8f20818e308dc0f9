"""Spaces: a candidate in which some values are left open, and the coordinates by which a search moves in it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.components import Choice, Component, Free, check, domain_of, fields
from discover.domains import Category, Domain, Real, Whole
from discover.errors import UserError
from discover.randomness import named_key


class Gene(NamedTuple):
    """One open value: where it stands, its domain, and its stretch of the genome."""

    path: str
    domain: Domain
    start: int  # first coordinate
    centre: np.ndarray | None  # coordinates at which the search begins; None: where the domain begins


class Group(NamedTuple):
    """Members of a population that share one structure: one compiled program.

    Attributes:
        structure: which option of each choice they take, by path.
        members: their indices in the population.
        candidates: the members' candidate, each leaf with a leading axis.
    """

    structure: tuple[tuple[str, int], ...]
    members: np.ndarray
    candidates: Any


class Space:
    """All candidates that a component with open values stands for.

    A *genome* is a vector of ``dimension`` coordinates, unconstrained and in units of each domain's standard deviation:
    every open value of every option has its own stretch, so that any strategy over vectors can search any space. A choice of k
    options holds k coordinates, the largest of which wins; stretches of options not taken have no effect.

    >>> from discover_returns import GAE  # doctest: +SKIP
    >>> Space(GAE(gamma=free())).dimension  # doctest: +SKIP
    1
    """

    def __init__(self, template: Component):
        self.template = template
        self.genes: tuple[Gene, ...] = tuple(_genes(template))
        self.dimension = sum(gene.domain.size for gene in self.genes)
        if self.dimension == 0:
            raise UserError("the space has no open value: write 'free' for a number, or {choice: [...]} for a component.")
        self._check_settled()

    # One genome -------------------------------------------------------------------------------------------------------

    def start(self, key: jax.Array) -> jax.Array:
        """The genome at which a search begins: defaults where there are any, else as the domain begins."""
        return self._join(
            jnp.asarray(g.centre) if g.centre is not None else g.domain.begin(named_key(key, g.path)) for g in self.genes
        )

    def sample(self, key: jax.Array) -> jax.Array:
        """A genome drawn from the prior of every domain."""
        return self._join(g.domain.sample(named_key(key, g.path)) for g in self.genes)

    def mutate(self, key: jax.Array, genome: jax.Array, rate: Any) -> jax.Array:
        """A genome whose genes each mutate with probability ``rate``, as befits their domain."""

        def one(gene: Gene) -> jax.Array:
            key_whether, key_how = jax.random.split(named_key(key, gene.path))
            part = self._part(genome, gene)
            return jnp.where(jax.random.bernoulli(key_whether, rate), gene.domain.mutate(key_how, part), part)

        return self._join(map(one, self.genes))

    def crossover(self, key: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two genomes, gene by gene, as befits each domain."""
        return self._join(
            g.domain.crossover(named_key(key, g.path), self._part(first, g), self._part(second, g)) for g in self.genes
        )

    def encode(self, candidate: Component) -> np.ndarray:
        """The genome of a candidate of this space; ``decode`` inverts it up to rounding."""
        genome = np.zeros(self.dimension, np.float32)
        for gene in self.genes:
            found = _find(self.template, candidate, gene.path.split("."))
            if found is not None:
                part = gene.domain.encode(found)
                genome[gene.start : gene.start + gene.domain.size] = part
        return genome

    # Candidates -------------------------------------------------------------------------------------------------------

    def structure(self, genome: Any) -> tuple[tuple[str, int], ...]:
        """Which option each choice takes. Choices inside options not taken are left out, since they have no effect."""
        taken: dict[str, int] = {}
        for gene in self.genes:
            if isinstance(gene.domain, Category) and _is_choice(self.template, gene.path) and _active(gene.path, taken):
                taken[gene.path] = int(np.argmax(np.asarray(self._part(genome, gene))))
        return tuple(sorted(taken.items()))

    def decode(self, genome: Any, structure: Sequence[tuple[str, int]] | None = None) -> Any:
        """The candidate of a genome. With ``structure`` given it may be traced, and mapped over a population."""
        taken = dict(self.structure(genome) if structure is None else structure)
        values = {g.path: functools.partial(self._value, genome, g) for g in self.genes}
        return _filled(self.template, "", taken, values)

    def groups(self, genomes: Any) -> list[Group]:
        """A population ``[P, D]`` as candidates, grouped by structure; every member is in exactly one group."""
        structures = [self.structure(genome) for genome in np.asarray(genomes)]
        made = []
        for structure in sorted(set(structures)):
            members = np.asarray([i for i, s in enumerate(structures) if s == structure])
            made.append(Group(structure, members, self._decode_many(structure)(jnp.asarray(genomes)[members])))
        return made

    @functools.cached_property
    def structures(self) -> int:
        """How many structures the space holds."""
        return _count(self.template)

    # Inside -----------------------------------------------------------------------------------------------------------

    @functools.cache  # noqa: B019  a space lives as long as its search
    def _decode_many(self, structure: tuple[tuple[str, int], ...]) -> Any:
        return jax.jit(jax.vmap(lambda genome: self.decode(genome, structure)))

    def _value(self, genome: jax.Array, gene: Gene) -> Any:
        return gene.domain.decode(jnp.asarray(self._part(genome, gene)))

    def _part(self, genome: Any, gene: Gene) -> Any:
        return genome[gene.start : gene.start + gene.domain.size]

    def _join(self, parts: Any) -> jax.Array:
        return jnp.concatenate([jnp.asarray(part, jnp.float32) for part in parts])

    def _check_settled(self) -> None:
        """Check values that are set, by deciding every open one (first options, prior draws)."""
        check(self.decode(np.asarray(self.start(jax.random.key(0)))))


def _genes(template: Component) -> list[Gene]:
    found: list[tuple[str, Domain, np.ndarray | None]] = []
    _collect(template, "", found)
    genes, start = [], 0
    for path, domain, centre in found:
        genes.append(Gene(path, domain, start, centre))
        start += domain.size
    return genes


def _collect(node: Any, prefix: str, found: list[tuple[str, Domain, np.ndarray | None]]) -> None:
    """Open values below a node, in the order written."""
    if isinstance(node, Choice):
        found.append((prefix, Category(len(node.options)), np.zeros(len(node.options), np.float32)))
        for index, option in enumerate(node.options):
            _collect(option, f"{prefix}.{index}", found)
    elif isinstance(node, tuple):
        for index, item in enumerate(node):
            _collect(item, f"{prefix}.{index}", found)
    elif isinstance(node, Component):
        for field in fields(type(node)):
            value, path = getattr(node, field.name), f"{prefix}.{field.name}" if prefix else field.name
            if isinstance(value, Free):
                domain, centre = _open(node, field, value, path)
                found.append((path, domain, centre))
            elif field.role == "subtree" or isinstance(value, Choice):
                _collect(value, path, found)


def _open(owner: Component, field: Any, opened: Free, path: str) -> tuple[Domain, np.ndarray | None]:
    """The domain of an open value, narrowed as asked, and the coordinates of its start."""
    if field.domain is None:
        raise UserError(f"{path} is structure, not a number: leave it open with choice(...), not with free().")
    domain, changes = domain_of(owner, field), dict(opened.changes)
    start = changes.pop("start", field.default)
    if changes:
        domain = _narrowed(domain, changes, path)
    if isinstance(start, Free) or start is dataclasses.MISSING:
        return domain, None
    if isinstance(domain, Category):
        return domain, np.zeros(domain.size, np.float32)
    if isinstance(domain, Real | Whole) and "start" not in dict(opened.changes):
        start = min(max(start, domain.low), domain.high)
    problem = domain.check(start)
    if problem:
        raise UserError(f"{path}: start {problem}.")
    return domain, domain.encode(start)


def _narrowed(domain: Domain, changes: Mapping[str, Any], path: str) -> Domain:
    known = {f.name for f in dataclasses.fields(domain)} & {"low", "high", "scale", "deviation"}  # type: ignore[arg-type]
    for key in changes:
        if key not in known:
            raise UserError(f"{path}: free cannot change '{key}' here; it can change {', '.join(sorted(known))}.")
    try:
        narrowed = dataclasses.replace(domain, **changes)  # type: ignore[type-var]
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if isinstance(domain, Real | Whole) and (narrowed.low < domain.low or narrowed.high > domain.high):
        raise UserError(
            f"{path}: free may only narrow the domain [{domain.low:g}, {domain.high:g}]; "
            f"got low={narrowed.low:g}, high={narrowed.high:g}."
        )
    return narrowed


def _filled(node: Any, path: str, taken: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    if isinstance(node, Choice):
        index = taken[path]
        return _filled(node.options[index], f"{path}.{index}", taken, values)
    if isinstance(node, tuple):
        return tuple(_filled(item, f"{path}.{i}", taken, values) for i, item in enumerate(node))
    if not isinstance(node, Component):
        return node
    changes = {}
    for field in fields(type(node)):
        value, inner = getattr(node, field.name), f"{path}.{field.name}" if path else field.name
        if isinstance(value, Free):
            changes[field.name] = values[inner]()
        elif field.role == "subtree" or isinstance(value, Choice):
            changes[field.name] = _filled(value, inner, taken, values)
    return dataclasses.replace(node, **changes)  # type: ignore[type-var]


def _active(path: str, taken: Mapping[str, int]) -> bool:
    """Whether every choice above a path takes the option that the path runs through."""
    for choice, index in taken.items():
        if path.startswith(choice + ".") and not path.startswith(f"{choice}.{index}.") and path != f"{choice}.{index}":
            return False
    return True


def _is_choice(template: Component, path: str) -> bool:
    return isinstance(_at(template, path.split(".")), Choice)


def _at(node: Any, path: list[str]) -> Any:
    for name in path:
        if isinstance(node, Choice):
            node = node.options[int(name)]
        elif isinstance(node, tuple):
            node = node[int(name)]
        else:
            node = getattr(node, name)
    return node


def _find(template: Any, candidate: Any, path: list[str]) -> Any:
    """The value of a gene in a candidate: an option's index for a choice; None where the option is not taken."""
    for name in path:
        if isinstance(template, Choice):
            if _option_of(template, candidate) != int(name):
                return None
            template = template.options[int(name)]
        elif isinstance(template, tuple):
            template, candidate = template[int(name)], candidate[int(name)]
        else:
            template, candidate = getattr(template, name), getattr(candidate, name)
    return _option_of(template, candidate) if isinstance(template, Choice) else candidate


def _option_of(choice: Choice, candidate: Any) -> int:
    for index, option in enumerate(choice.options):
        if isinstance(option, Component) and type(option) is type(candidate):
            return index
        if not isinstance(option, Component) and option == candidate:
            return index
    raise UserError(f"{candidate!r} is none of the options {choice!r}.")


def _count(node: Any) -> int:
    if isinstance(node, Choice):
        return sum(_count(option) for option in node.options)
    total = 1
    if isinstance(node, tuple):
        for item in node:
            total *= _count(item)
    elif isinstance(node, Component):
        for field in fields(type(node)):
            total *= _count(getattr(node, field.name))
    return total
