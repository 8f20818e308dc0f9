"""Spaces: a candidate in which some values are left open, and the coordinates by which a search moves in it."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.components import Choice, Component, Field, Free, domain_of, fields
from discover.domains import Category, Domain, Real, Whole
from discover.errors import UserError
from discover.randomness import named_key

_LEAD = 1e-3  # by which the default option leads at the start: decisive, yet no noise of a search notices it

Structure: TypeAlias = tuple[tuple[str, int], ...]
"""Which option each choice takes, by path."""


class Gene(NamedTuple):
    """One open value and its stretch of the genome.

    Attributes:
        path: where it stands.
        domain: what it may be.
        start: its first coordinate.
        size: how many coordinates it has.
        centre: coordinates at which the search begins; None: drawn from the domain's prior.
        above: the choices that it stands below, as (index of the choice's gene, option): it has effect where each takes that
            option.
        decides: whether it chooses between options, and so the structure.
    """

    path: str
    domain: Domain
    start: int
    size: int
    centre: np.ndarray | None
    above: tuple[tuple[int, int], ...]
    decides: bool


class Group(NamedTuple):
    """Members of a population that share one structure: one compiled program.

    Attributes:
        structure: which option of each choice they take, by path.
        members: their indices in the population.
        candidates: the members' candidate, each leaf with a leading axis.
    """

    structure: Structure
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
        self.dimension = sum(gene.size for gene in self.genes)
        if self.dimension == 0:
            raise UserError("the space has no open value: write 'free' for a number, or {choice: [...]} for a component.")

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
        """A neighbour: of the genes that have effect one mutates for sure, and every gene with probability ``rate``."""
        key_whether, key_which, key_how = jax.random.split(key, 3)
        whether = jax.random.bernoulli(key_whether, rate, (len(self.genes),))
        which = jax.random.categorical(key_which, jnp.where(self.effective(genome), 0.0, -jnp.inf))
        whether = whether.at[which].set(True)
        noise = _uniform(key_how, self.dimension + len(self.genes))

        def one(index: int, gene: Gene) -> jax.Array:
            part, first = self._part(genome, gene), gene.start + index
            return jnp.where(whether[index], gene.domain.mutate(noise[first : first + gene.size + 1], part), part)

        return self._join(itertools.starmap(one, enumerate(self.genes)))

    def crossover(self, key: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two genomes, gene by gene, as befits each domain.

        A gene that has effect in one parent alone comes from that parent: the other has never been selected for it.
        """
        in_first, in_second = self.effective(first), self.effective(second)
        noise = _uniform(key, len(self.genes))

        def one(index: int, gene: Gene) -> jax.Array:
            ours, theirs = self._part(first, gene), self._part(second, gene)
            child = gene.domain.crossover(noise[index], ours, theirs)
            only = jnp.where(in_first[index], ours, theirs)
            return jnp.where(in_first[index] == in_second[index], child, only)

        return self._join(itertools.starmap(one, enumerate(self.genes)))

    def effective(self, genome: jax.Array) -> jax.Array:
        """Which genes have effect, ``[genes]`` bool: those of an option not taken have none."""
        options = self._options(genome)
        return jnp.stack([_all(options[choice] == option for choice, option in gene.above) for gene in self.genes])

    def taken(self, genome: jax.Array) -> jax.Array:
        """The structure as numbers, ``[choices]`` int32: the option that each choice takes, -1 where it has no effect."""
        effective = self.effective(genome)
        found = [jnp.where(effective[index], option, -1) for index, option in self._options(genome).items()]
        return jnp.asarray(found, jnp.int32)

    def encode(self, candidate: Component) -> np.ndarray:
        """The genome of a candidate of this space; ``decode`` inverts it up to rounding."""
        genome = np.zeros(self.dimension, np.float32)
        for gene in self.genes:
            found = _find(self.template, candidate, gene.path.split("."))
            coordinates = gene.centre if found is None else gene.domain.encode(found)
            if coordinates is not None:
                genome[gene.start : gene.start + gene.size] = coordinates
        return genome

    # Candidates -------------------------------------------------------------------------------------------------------

    def structure(self, genome: Any) -> Structure:
        """Which option each choice takes. Choices inside options not taken are left out, since they have no effect."""
        return self._structures(np.asarray(genome)[None])[0]

    def decode(self, genome: Any, structure: Structure | None = None) -> Any:
        """The candidate of a genome. With ``structure`` given it may be traced, and mapped over a population."""
        taken = dict(self.structure(genome) if structure is None else structure)
        values = {g.path: functools.partial(self._value, genome, g) for g in self.genes}
        return _filled(self.template, "", taken, values)

    def groups(self, genomes: Any) -> list[Group]:
        """A population ``[P, D]`` as candidates on the host, grouped by structure; every member is in exactly one group."""
        structures = self._structures(genomes)
        made = []
        for structure in sorted(set(structures)):
            members = np.asarray([i for i, s in enumerate(structures) if s == structure])
            everyone = self._decode_many(structure)(genomes)  # one shape for groups of any size: compiled once
            made.append(Group(structure, members, jax.tree.map(lambda x, m=members: np.asarray(x)[m], everyone)))
        return made

    @functools.cached_property
    def structures(self) -> int:
        """How many structures the space holds."""
        return _count(self.template)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _options(self, genome: jax.Array) -> dict[int, jax.Array]:
        """The option that each choice takes, by the index of its gene."""
        return {i: jnp.argmax(self._part(genome, gene)) for i, gene in enumerate(self.genes) if gene.decides}

    def _structures(self, genomes: Any) -> list[Structure]:
        """The structure of each member of ``[P, D]``."""
        paths = [gene.path for gene in self.genes if gene.decides]
        rows = np.asarray(self._taken_by_many(genomes)).tolist()
        return [tuple(sorted((p, option) for p, option in zip(paths, row, strict=True) if option >= 0)) for row in rows]

    @functools.cached_property
    def _taken_by_many(self) -> Any:
        return jax.jit(jax.vmap(self.taken))

    @functools.cache  # noqa: B019  a space lives as long as its search
    def _decode_many(self, structure: Structure) -> Any:
        return jax.jit(jax.vmap(lambda genome: self.decode(genome, structure)))

    def _value(self, genome: Any, gene: Gene) -> Any:
        return gene.domain.decode(jnp.asarray(self._part(genome, gene)))

    def _part(self, genome: Any, gene: Gene) -> Any:
        return genome[gene.start : gene.start + gene.size]

    def _join(self, parts: Any) -> jax.Array:
        return jnp.concatenate([jnp.asarray(part, jnp.float32) for part in parts])


def _uniform(key: jax.Array, count: int) -> jax.Array:
    """Numbers in (0, 1), both ends left out."""
    return jax.random.uniform(key, (count,), minval=1e-6, maxval=1.0 - 1e-6)


def _all(conditions: Iterable[Any]) -> Any:
    return functools.reduce(lambda a, b: a & b, conditions, np.bool_(True))


# Opening a template ---------------------------------------------------------------------------------------------------


def _genes(template: Component) -> list[Gene]:
    genes: list[Gene] = []
    _collect(template, "", (), genes)
    return genes


def _collect(node: Any, path: str, above: tuple[tuple[int, int], ...], genes: list[Gene]) -> None:
    """Add the open values below a node, in the order written, and check those that are set."""
    if isinstance(node, Choice):
        index, count = len(genes), len(node.options)
        _add(genes, path, Category(count), np.zeros(count, np.float32), above, decides=True)
        for option, value in enumerate(node.options):
            _collect(value, f"{path}.{option}", (*above, (index, option)), genes)
    elif isinstance(node, tuple):
        for index, item in enumerate(node):
            _collect(item, f"{path}.{index}", above, genes)
    elif isinstance(node, Component):
        for field in fields(type(node)):
            value, inner = getattr(node, field.name), f"{path}.{field.name}" if path else field.name
            if isinstance(value, Free):
                domain, centre = _open(node, field, value, inner)
                _add(genes, inner, domain, centre, above)
            else:
                _check_set(node, field, value, inner)
                _collect(value, inner, above, genes)


def _add(
    genes: list[Gene],
    path: str,
    domain: Domain,
    centre: np.ndarray | None,
    above: tuple[tuple[int, int], ...],
    decides: bool = False,
) -> None:
    start = genes[-1].start + genes[-1].size if genes else 0
    genes.append(Gene(path, domain, start, domain.size, centre, above, decides))


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


def _open(owner: Component, field: Field, opened: Free, path: str) -> tuple[Domain, np.ndarray | None]:
    """The domain of an open value, narrowed as asked, and the coordinates of its start."""
    if field.domain is None:
        raise UserError(f"{path} is structure, not a number: leave it open with choice(...), not with free().")
    domain, changes = _domain(owner, field, path), dict(opened.changes)
    start = changes.pop("start", field.default)
    if changes:
        domain = _narrowed(domain, changes, path)
    if isinstance(start, Free) or start is dataclasses.MISSING:
        return domain, None
    if isinstance(domain, Real | Whole) and "start" not in dict(opened.changes):
        start = min(max(start, domain.low), domain.high)
    problem = domain.check(start)
    if problem:
        raise UserError(f"{path}: start {problem}.")
    lead = _LEAD if isinstance(domain, Category) else 1.0
    return domain, lead * domain.encode(start)


def _narrowed(domain: Domain, changes: Mapping[str, Any], path: str) -> Domain:
    known = sorted({f.name for f in dataclasses.fields(domain)} & {"low", "high", "scale", "deviation"})  # type: ignore[arg-type]
    for key in changes:
        if key not in known:
            remedy = f"it can change {', '.join(known)}" if known else "leave it out"
            raise UserError(f"{path}: free cannot change '{key}' here; {remedy}.")
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


# Filling it -----------------------------------------------------------------------------------------------------------


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
        if _fits(option, candidate):
            return index
    raise UserError(f"{candidate!r} is none of the options {choice!r}.")


def _fits(template: Any, candidate: Any) -> bool:
    """Whether a candidate is one of those that a template stands for."""
    if isinstance(template, Free):
        return True
    if isinstance(template, Choice):
        return any(_fits(option, candidate) for option in template.options)
    if isinstance(template, tuple):
        return isinstance(candidate, tuple) and len(template) == len(candidate) and all(map(_fits, template, candidate))
    if isinstance(template, Component):
        names = (field.name for field in fields(type(template)))
        return type(template) is type(candidate) and all(_fits(getattr(template, n), getattr(candidate, n)) for n in names)
    return _alike(template, candidate)


def _alike(value: Any, other: Any) -> bool:
    """Whether two settings that are fully set have the same value."""
    if jax.tree.structure(value) != jax.tree.structure(other):
        return False
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*map(jax.tree.leaves, (value, other)), strict=True))


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
