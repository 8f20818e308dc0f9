"""The methods of a strategy as compiled programs, which searches of one strategy, space and population share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from discover.components.space import Space
from discover.components.templates import value_of
from discover.contract.strategy import Strategy

MOST = 32
"""Searches, each of another strategy, space or population, whose programs stay in memory."""


class StrategyPrograms(NamedTuple):
    """A strategy's methods, without the space and the population, which are always the same.

    Attributes:
        init: ``key -> state``.
        ask: ``(key, state) -> (proposal, state)``.
        tell: ``(key, state, genomes, fitness) -> state``.
    """

    init: Callable[..., Any]
    ask: Callable[..., Any]
    tell: Callable[..., Any]


def strategy_programs(strategy: Strategy, space: Space, population: int) -> StrategyPrograms:
    """The compiled programs of a strategy.

    Args:
        strategy: the strategy.
        space: the space that it searches.
        population: members of a generation.
    """
    return _programs(_Strategy(strategy), space, population)


class _Strategy:
    """A strategy, equal to another of the same values."""

    def __init__(self, strategy: Strategy):
        self.strategy, self._value = strategy, value_of(strategy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Strategy) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@functools.lru_cache(maxsize=MOST)
def _programs(held: _Strategy, space: Space, population: int) -> StrategyPrograms:
    strategy = held.strategy
    return StrategyPrograms(
        init=jax.jit(lambda key: strategy.init(key, space, population)),
        ask=jax.jit(lambda key, state: strategy.ask(key, state, space, population)),
        tell=jax.jit(lambda key, state, genomes, fitness: strategy.tell(key, state, space, genomes, fitness=fitness)),
    )
