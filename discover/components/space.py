"""Spaces: a candidate with open values, and the coordinates by which a search moves in it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.components.component import Component
from discover.components.domains import DomainValue, Scalar
from discover.components.genes import Gene, genes_of
from discover.components.templates import count_structures, fill, find, option_name, value_of

Structure: TypeAlias = tuple[tuple[str, int], ...]
"""The option that each choice takes, as pairs of its path and the option's index."""

Genome: TypeAlias = jax.Array | np.ndarray
"""Coordinates ``[D]`` of one candidate, float32."""

Genomes: TypeAlias = jax.Array | np.ndarray
"""Coordinates ``[P, D]`` of a population."""

Candidate: TypeAlias = Any
"""A component without open values; of a group of members each leaf has a leading axis."""


_BLOCK = 64
"""Genomes that are decoded at once."""


class Group(NamedTuple):
    """Members of a population that share one structure: one compiled program.

    Attributes:
        structure: the option that each choice takes, by path.
        members: their indices in the population.
        candidates: the members as one candidate, each leaf with a leading axis.
    """

    structure: Structure
    members: np.ndarray
    candidates: Candidate


class Space:
    """All candidates that can result from a component with open values.

    A *genome* is a vector of ``dimension`` coordinates, unconstrained and in units of each domain's standard deviation.
    Every open value of every option has its own coordinates, so that any strategy over vectors can search any space. A choice
    of k options has k coordinates, the largest of which wins; the coordinates below the other options have no effect. Spaces of
    templates with the same values are equal, and share compiled programs.

    Args:
        template: a component with one open value or more.

    Raises:
        UserError: there is no open value, or a value is outside its domain.

    >>> from discover_zoo.returns.gae import GAE
    >>> from discover import choice, free
    >>> space = Space(GAE(gamma=choice(0.9, 0.99), lam=free()))
    >>> space.dimension, space.structures
    (3, 2)
    >>> genome = np.array([0.0, 1.0, 0.0], np.float32)
    >>> candidate = space.decode(genome)
    >>> round(float(candidate.gamma), 2), round(float(candidate.lam), 2)
    (0.99, 0.5)
    >>> space.structure(genome), space.describe(space.structure(genome))
    ((('gamma', 1),), 'gamma=0.99')
    >>> [group.members.tolist() for group in space.groups(np.stack([genome, -genome]))]
    [[1], [0]]
    """

    def __init__(self, template: Component):
        self.template = template
        self.genes: tuple[Gene, ...] = tuple(genes_of(template))
        self.dimension = sum(gene.size for gene in self.genes)
        if self.dimension == 0:
            raise UserError("the space has no open value: write 'free' for a number, or {choice: [...]} for a component.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self._value_of_template == other._value_of_template

    def __hash__(self) -> int:
        return hash(self._value_of_template)

    # One genome -------------------------------------------------------------------------------------------------------

    def start(self, key: jax.Array) -> jax.Array:
        """The genome at which a search begins: defaults, and where there are none the beginning of the domain."""
        return self._join(
            jnp.asarray(g.center) if g.center is not None else g.domain.begin(named_key(key, g.path)) for g in self.genes
        )

    def sample(self, key: jax.Array) -> jax.Array:
        """A genome drawn from the prior of every domain."""
        return self._join(g.domain.sample(named_key(key, g.path)) for g in self.genes)

    def mutate(self, key: jax.Array, genome: jax.Array, rate: Scalar) -> jax.Array:
        """A neighbor of a genome.

        Args:
            key: of the draws.
            genome: ``[D]``.
            rate: the probability with which each gene mutates; one of the active genes always does.
        """
        key_mask, key_certain, key_noise = jax.random.split(key, 3)
        mask = jax.random.bernoulli(key_mask, rate, (len(self.genes),))
        certain = jax.random.categorical(key_certain, jnp.where(self.active(genome), 0.0, -jnp.inf))
        mask = mask.at[certain].set(True)
        noise = _uniform(key_noise, self.dimension + len(self.genes))

        def one(index: int, gene: Gene) -> jax.Array:
            part, first = self._part(genome, gene), gene.start + index
            return jnp.where(mask[index], gene.domain.mutate(noise[first : first + gene.size + 1], part), part)

        return self._join(itertools.starmap(one, enumerate(self.genes)))

    def crossover(self, key: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two genomes, gene by gene, by the crossover of each domain.

        A gene that is active in one parent only comes from that parent, since the other was never selected for it.
        """
        in_first, in_second = self.active(first), self.active(second)
        noise = _uniform(key, len(self.genes))

        def one(index: int, gene: Gene) -> jax.Array:
            one_part, other_part = self._part(first, gene), self._part(second, gene)
            child = gene.domain.crossover(noise[index], one_part, other_part)
            copy = jnp.where(in_first[index], one_part, other_part)
            return jnp.where(in_first[index] == in_second[index], child, copy)

        return self._join(itertools.starmap(one, enumerate(self.genes)))

    def active(self, genome: jax.Array) -> jax.Array:
        """Whether each gene is active, ``[genes]`` bool: it has no effect below an option that is not taken."""
        options = self._options(genome)
        return jnp.stack([_all(options[choice] == option for choice, option in gene.above) for gene in self.genes])

    def active_options(self, genome: jax.Array) -> jax.Array:
        """The structure as numbers, ``[choices]`` int32: the option that each choice takes, -1 where it is not active."""
        active = self.active(genome)
        options = [jnp.where(active[index], option, -1) for index, option in self._options(genome).items()]
        return jnp.asarray(options, jnp.int32)

    def encode(self, candidate: Component) -> np.ndarray:
        """The genome of a candidate of this space; ``decode`` inverts it up to rounding."""
        genome = np.zeros(self.dimension, np.float32)
        for gene in self.genes:
            value = find(self.template, candidate, gene.path.split("."))
            coordinates = gene.center if value is None else gene.domain.encode(value)
            if coordinates is not None:
                genome[gene.start : gene.start + gene.size] = coordinates
        return genome

    # Candidates -------------------------------------------------------------------------------------------------------

    def structure(self, genome: Genome) -> Structure:
        """The option that each choice takes. Choices below options that are not taken are left out: they have no effect."""
        return self._structures(np.asarray(genome)[None])[0]

    def decode(self, genome: Genome, structure: Structure | None = None) -> Candidate:
        """The candidate of a genome. If ``structure`` is set, the genome may be traced, and mapped over a population."""
        options = dict(self.structure(genome) if structure is None else structure)
        return fill(self.template, "", options, {g.path: functools.partial(self._value, genome, g) for g in self.genes})

    def groups(self, genomes: Genomes) -> list[Group]:
        """A population ``[P, D]`` as candidates on the host, grouped by structure; every member is in exactly one group."""
        structures, groups = self._structures(genomes), []
        values = self._values_of_all(np.asarray(genomes, np.float32))
        for structure in sorted(set(structures)):
            members = np.asarray([i for i, s in enumerate(structures) if s == structure])
            groups.append(Group(structure, members, self._candidates(structure, values, members)))
        return groups

    def describe(self, structure: Structure) -> str:
        """The options of a structure as text: ``rule=PPO, rule.0.returns=GAE``; empty if the space has no choice."""
        return ", ".join(f"{path}={option_name(self.template, path, option)}" for path, option in structure)

    @functools.cached_property
    def structures(self) -> int:
        """The number of structures of the space."""
        return count_structures(self.template)

    # Inside -----------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _value_of_template(self) -> Hashable:
        return value_of(self.template)

    def _options(self, genome: jax.Array) -> dict[int, jax.Array]:
        """The option that each choice takes, by the index of its gene."""
        return {i: jnp.argmax(self._part(genome, gene)) for i, gene in enumerate(self.genes) if gene.decides}

    def _structures(self, genomes: Genomes) -> list[Structure]:
        """The structure of each member of ``[P, D]``, found on the host: nothing is compiled for it."""
        rows = np.asarray(genomes)
        parts = {i: rows[:, gene.start : gene.start + gene.size] for i, gene in enumerate(self.genes) if gene.decides}
        taken = {i: np.argmax(part, axis=1).tolist() for i, part in parts.items()}
        return [self._structure_of({i: options[member] for i, options in taken.items()}) for member in range(len(rows))]

    def _structure_of(self, options: Mapping[int, int]) -> Structure:
        """The structure of a genome with these options, by the indices of its genes."""
        paths = {i: self.genes[i].path for i in options if all(options[j] == option for j, option in self.genes[i].above)}
        return tuple(sorted((path, options[i]) for i, path in paths.items()))

    def _value(self, genome: Genome, gene: Gene) -> DomainValue:
        return gene.domain.decode(jnp.asarray(self._part(genome, gene)))

    def _values(self, genome: Genome) -> dict[str, DomainValue]:
        """The value of each gene by path, whether or not it is active."""
        return {gene.path: self._value(genome, gene) for gene in self.genes}

    def _values_of_all(self, genomes: np.ndarray) -> dict[str, DomainValue]:
        """The values of a population on the host, decoded in blocks of one size: no bit depends on how large it is."""
        filled = np.zeros((-(-len(genomes) // _BLOCK) * _BLOCK, self.dimension), np.float32)
        filled[: len(genomes)] = genomes
        blocks = [jax.device_get(_decoder(self)(block)) for block in np.split(filled, len(filled) // _BLOCK)]
        return jax.tree.map(lambda *parts: np.concatenate(parts)[: len(genomes)], *blocks)

    def _candidates(self, structure: Structure, values: Mapping[str, DomainValue], members: np.ndarray) -> Candidate:
        """The members of a population that share a structure as one candidate; what is set in the template is repeated."""

        def filled(rows: np.ndarray | int) -> Candidate:
            picked = {path: functools.partial(jax.tree.map, lambda x: x[rows], value) for path, value in values.items()}
            return fill(self.template, "", dict(structure), picked)

        def repeated(many: np.ndarray, one: np.ndarray) -> np.ndarray:
            return many if many.ndim > one.ndim else np.broadcast_to(many, (len(members), *one.shape))

        return jax.tree.map(repeated, filled(members), filled(int(members[0])))

    def _part(self, genome: Genome, gene: Gene) -> Any:
        """The coordinates of a gene, as an array of the genome's type."""
        return genome[gene.start : gene.start + gene.size]

    def _join(self, parts: Iterable[jax.Array]) -> jax.Array:
        return jnp.concatenate([jnp.asarray(part, jnp.float32) for part in parts])


@functools.lru_cache(maxsize=32)
def _decoder(space: Space) -> Callable[[Genomes], dict[str, DomainValue]]:
    """The compiled program that decodes all genes of a population."""
    return jax.jit(jax.vmap(space._values))


def _uniform(key: jax.Array, count: int) -> jax.Array:
    """Numbers in (0, 1), both ends left out."""
    return jax.random.uniform(key, (count,), minval=1e-6, maxval=1.0 - 1e-6)


def _all(conditions: Iterable[jax.Array]) -> jax.Array | np.bool_:
    """Whether all conditions hold."""
    return functools.reduce(lambda a, b: a & b, conditions, np.bool_(True))
