"""The phases after the last generation of a search, as its config names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from discover.base.errors import UserError
from discover.components.differences import number_of_differences
from discover.config.models import AblateModel, RefineModel
from discover.contract.algorithm import Algorithm
from discover.contract.strategy import Strategy


@dataclass(frozen=True)
class Refine:
    """Searches over the numbers of the best structures alone.

    Attributes:
        structures: how many of them.
        strategy: as the config writes it; it has been checked.
        population, generations, seeds: sizes of each search.
    """

    structures: int
    strategy: Any
    population: int
    generations: int
    seeds: int


@dataclass(frozen=True)
class Ablate:
    """The champion beside a known algorithm, value by value.

    Attributes:
        known: known algorithms by name, of which the nearest to the champion is taken.
        seeds: S, of a stream that nothing else sees.
        alone: whether each value is measured in the known algorithm too.
    """

    known: Mapping[str, Algorithm]
    seeds: int
    alone: bool

    def nearest(self, champion: Algorithm) -> tuple[str, Algorithm]:
        """The known algorithm that shares most choices and numbers with the champion, and its name; the first of several."""
        name = min(self.known, key=lambda name: number_of_differences(champion, self.known[name]))
        return name, self.known[name]


@dataclass(frozen=True)
class After:
    """The phases after the last generation; None for those that are left out."""

    refine: Refine | None = None
    ablate: Ablate | None = None


def refine_from(value: Mapping[str, Any], *, population: int, seeds: int, check: Callable[[Any, int], Strategy]) -> Refine:
    """The settings of the refinement.

    Args:
        value: the words, whose shape is right.
        population, seeds: of the search.
        check: checks the words of a strategy, and a population of it.

    Raises:
        UserError: the strategy is unknown, or does not suit the population.
    """
    model = RefineModel.model_validate(value)
    members = model.population or population
    check(model.strategy, members)
    return Refine(model.structures, model.strategy, members, generations=model.generations, seeds=model.seeds or 2 * seeds)


def ablate_from(
    value: Mapping[str, Any], named: Algorithm | None, others: Iterable[tuple[str, Algorithm]], name: str
) -> Ablate:
    """The settings of the ablation.

    Args:
        value: the words, whose shape is right.
        named: the known algorithm that the words name.
        others: candidates of ``init`` and baselines with their names, of which one is taken if the words name none.
        name: of the one that the words name.

    Raises:
        UserError: there is no known algorithm.
    """
    model, known = AblateModel.model_validate(value), dict(others) if named is None else {name: named}
    if not known:
        raise UserError(
            "after.ablate puts the champion's values back to those of a known algorithm, but none is named: add 'against', "
            "such as 'against: ppo', or a candidate to 'init' or to the report's baselines."
        )
    return Ablate(known, model.seeds, model.alone)
