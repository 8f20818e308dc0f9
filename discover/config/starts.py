"""Known candidates that a search begins with, as its config names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from discover.base.errors import UserError
from discover.base.mistakes import Mistakes
from discover.components.fitting import fit
from discover.components.paths import check
from discover.components.space import Space
from discover.config.build import ORIGIN, algorithm_from, errors_at
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry


@dataclass(frozen=True)
class Start:
    """A known candidate in the space of a search.

    Attributes:
        name: as the config calls it.
        candidate: as it is known.
        genome: ``[D]`` of the candidate, or of the nearest one in the space.
        lost: what the nearest one lacks, a part of a sentence each; empty if the genome is the candidate itself.
    """

    name: str
    candidate: Algorithm
    genome: np.ndarray
    lost: tuple[str, ...] = ()


def starts_from(
    registry: Registry, space: Space, items: list[Any], *, population: int | None, mistakes: Mistakes
) -> list[Start]:
    """The candidates of ``init`` in a space, as far as they are right.

    Args:
        registry: components by name.
        space: of the search.
        items: the words.
        population: of the search; None if it is wrong itself.
        mistakes: takes what is wrong.
    """
    if population is not None and len(items) > population:
        mistakes.add("init", f"init: {len(items)} candidates are more than the population of {population}: take some out.")
    starts = []
    for index, item in enumerate(items):
        with mistakes.at(f"init.{index}"):
            starts.append(_start(registry, space, item, f"init.{index}"))
    return starts


def name_of_words(words: Any, otherwise: str) -> str:
    """The name of a candidate in words: its recipe, or where its values come from."""
    if isinstance(words, Mapping):
        words = words.get(ORIGIN, words.get("recipe"))
    return words if isinstance(words, str) else otherwise


def _start(registry: Registry, space: Space, item: Any, where: str) -> Start:
    """One known candidate.

    Raises:
        UserError: it is wrong, or not in the space and the item does not ask for the nearest one.
    """
    goes_with_nearest = isinstance(item, Mapping) and set(item) == {"nearest"}
    words = item["nearest"] if goes_with_nearest else item
    candidate = algorithm_from(registry, words, where)
    with errors_at(where):
        check(candidate)
    name, fitted = name_of_words(words, where), fit(space, candidate)
    lost = tuple(map(str, fitted.misfits))
    if lost and not goes_with_nearest:
        raise UserError(f"{where}: {'; '.join(lost)}: open it there, or go with the nearest by {{nearest: {name}}}.")
    return Start(name, candidate, fitted.genome, lost)
