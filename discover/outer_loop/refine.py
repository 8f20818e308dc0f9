"""The refinement of a search's best structures: a search over the numbers of each, around the best candidate so far."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from discover.components.component import Component
from discover.components.genes import Gene
from discover.components.open_values import Choice, FieldValue, free
from discover.components.option_domains import ChoiceDomain
from discover.components.space import Space, Structure
from discover.components.templates import fill
from discover.config.after import Refine
from discover.config.build import config_of
from discover.config.elsewhere import plain_words
from discover.config.search_config import SearchConfig, checked_config
from discover.contract.algorithm import Algorithm
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.outer_loop.archive import Archive


def refinements(
    registry: Registry, config: SearchConfig, space: Space, archive: Archive, *, executor: Executor
) -> Iterator[tuple[str, SearchConfig]]:
    """The searches that refine the best structures, the best first: the name of each one's folder, and its config.

    A structure without numbers is left out.

    Args:
        registry: components by name.
        config: of the search.
        space: of the search.
        archive: of the search after its last generation.
        executor: of the search, with its chunk size.
    """
    refine = config.after.refine
    if refine is None:
        return
    for place, genome in enumerate(_best(space, archive, refine.structures)):
        template = numbers_around(space, genome)
        if template is not None:
            folder = f"refine-{place + 1}"
            words = _words(registry, config, refine, template, executor=executor)
            name, seed = f"{config.name}: refine {place + 1}", _seed(config.seed, folder)
            yield folder, checked_config(registry, {**words, "name": name, "seed": seed})


def numbers_around(space: Space, genome: np.ndarray) -> Algorithm | None:
    """The structure of a genome with its numbers open, which begin where the genome is; None if it has no number.

    The index of a component that holds several options stays as it is, as choices do: it is structure in all but name.
    """
    structure = space.structure(genome)
    opened = [gene for gene in space.genes if _is_active(gene, space, structure)]
    if not any(_is_number(gene) for gene in opened):
        return None
    values = {gene.path: functools.partial(_value, space.template, gene, genome) for gene in opened}
    return fill(space.template, "", dict(structure), values)


def _best(space: Space, archive: Archive, count: int) -> list[np.ndarray]:
    """The best genome of each of the best structures."""
    best: dict[Structure, np.ndarray] = {}
    for genome in archive.best(len(np.asarray(archive.fitness))):
        best.setdefault(space.structure(genome), genome)
    return list(best.values())[:count]


def _is_active(gene: Gene, space: Space, structure: Structure) -> bool:
    """Whether a gene is no choice, and has an effect in a structure."""
    taken = dict(structure)
    return not gene.decides and all(taken.get(space.genes[choice].path) == option for choice, option in gene.above)


def _is_number(gene: Gene) -> bool:
    return not isinstance(gene.domain, ChoiceDomain)


def _value(template: Component, gene: Gene, genome: np.ndarray) -> FieldValue:
    """The value of a gene: open, and beginning where it is, if it is a number."""
    value = gene.domain.decode(jnp.asarray(genome[gene.start : gene.start + gene.size]))
    if not _is_number(gene):
        return int(value)
    start = _plain_number(value) if getattr(value, "shape", None) == () else value
    return free(**{**dict(_opened_at(template, gene.path).changes), "start": start})


def _plain_number(value: Any) -> float | int:
    """A number in as few digits as stand for it."""
    array = np.asarray(value)
    return float(str(array)) if array.dtype.kind == "f" else int(array)


def _opened_at(template: Component, path: str) -> Any:
    """The open value at the path of a gene."""
    owner, _, name = path.rpartition(".")
    node: Any = template
    for step in owner.split(".") if owner else ():
        if isinstance(node, Choice):
            node = node.options[int(step)]
        else:
            node = node[int(step)] if isinstance(node, tuple) else getattr(node, step)
    return getattr(node, name)


def _words(
    registry: Registry, config: SearchConfig, refine: Refine, template: Algorithm, *, executor: Executor
) -> Mapping[str, Any]:
    """The config of a refinement: that of the search, over another space, by another strategy and of another size."""
    return {
        **config.words,
        "candidate": plain_words(config_of(registry, template)),
        "strategy": refine.strategy,
        "population": refine.population,
        "generations": refine.generations,
        "seeds": refine.seeds,
        "executor": config_of(registry, executor),
        **{"init": None, "after": None, "report": None},
    }


def _seed(seed: int, folder: str) -> int:
    """The seed of a refinement: none of its lifetimes has random numbers of the search, whose choice of a champion follows."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {folder}".encode(), digest_size=4).digest(), "big")
