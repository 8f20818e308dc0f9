"""Spaces: a candidate in which some values are left open, and the coordinates by which a search moves in it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.components.component import Component
from discover.components.genes import Gene, genes_of
from discover.components.templates import count_structures, filled, find, option_name

Structure: TypeAlias = tuple[tuple[str, int], ...]
"""Which option each choice takes, by path."""


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

    >>> from discover_zoo.returns.gae import GAE  # doctest: +SKIP
    >>> Space(GAE(gamma=free())).dimension  # doctest: +SKIP
    1
    """

    def __init__(self, template: Component):
        self.template = template
        self.genes: tuple[Gene, ...] = tuple(genes_of(template))
        self.dimension = sum(gene.size for gene in self.genes)
        if self.dimension == 0:
            raise UserError("the space has no open value: write 'free' for a number, or {choice: [...]} for a component.")

    # One genome -------------------------------------------------------------------------------------------------------

    def start(self, key: jax.Array) -> jax.Array:
        """The genome at which a search begins: defaults where there are any, else as the domain begins."""
        return self._join(
            jnp.asarray(g.center) if g.center is not None else g.domain.begin(named_key(key, g.path)) for g in self.genes
        )

    def sample(self, key: jax.Array) -> jax.Array:
        """A genome drawn from the prior of every domain."""
        return self._join(g.domain.sample(named_key(key, g.path)) for g in self.genes)

    def mutate(self, key: jax.Array, genome: jax.Array, rate: Any) -> jax.Array:
        """A neighbor: of the genes that have effect one mutates for sure, and every gene with probability ``rate``."""
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
            found = find(self.template, candidate, gene.path.split("."))
            coordinates = gene.center if found is None else gene.domain.encode(found)
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
        return filled(self.template, "", taken, values)

    def groups(self, genomes: Any) -> list[Group]:
        """A population ``[P, D]`` as candidates on the host, grouped by structure; every member is in exactly one group."""
        structures = self._structures(genomes)
        made = []
        for structure in sorted(set(structures)):
            members = np.asarray([i for i, s in enumerate(structures) if s == structure])
            everyone = self._decode_many(structure)(genomes)  # one shape for groups of any size: compiled once
            made.append(Group(structure, members, jax.tree.map(lambda x, m=members: np.asarray(x)[m], everyone)))
        return made

    def describe(self, structure: Structure) -> str:
        """What tells a structure from the others: ``rule=PPO, rule.0.returns=GAE``; empty if there is but one."""
        return ", ".join(f"{path}={option_name(self.template, path, option)}" for path, option in structure)

    @functools.cached_property
    def structures(self) -> int:
        """How many structures the space holds."""
        return count_structures(self.template)

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
