"""Checks of strategies."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.space import Space
from discover.contract.strategy import Proposal, Strategy
from discover.contract.types import StrategyState
from discover.storage.array_file import tree_from_bytes, tree_to_bytes
from discover.testing.compilations import changed_weak_type
from discover.testing.failures import finite, form, is_tuple_of, require, same_bits, stays_finite
from discover.testing.guard import guarded, traced_twice
from discover.testing.hill import given_genomes, hill_space, told_of, with_gradients
from discover.testing.programs import quickly_compiled

GENERATIONS = 24

_GENOMES = ("The space decodes one genome per member.", "Propose finite float32 [population, space.dimension].")
_STATE = ("A checkpoint holds the state, and it is filled into what `init` returns.", "Keep its structure, shapes and dtypes.")


@guarded("tell")
def check_strategy(strategy: Strategy, population: int = 16) -> None:
    """Check a strategy on a quadratic fitness of three numbers, whose maximum is not where the search begins.

    Genomes are finite float32 ``[P, D]``; seeds and budgets, where it gives any, are as `Proposal` says. The state keeps its
    structure, and what is finite in it stays so, also when all fitness values are equal. The best fitness rises above that of
    the first generation. It goes on from given candidates (`Strategy.begin_at`): told a generation with them, or by a state of
    the same form whose next genomes surround the best of them. A state that is saved and restored leads to the same bits. Every
    trace is the same program, and it is compiled once. A strategy that climbs by gradients is told those of the fitness;
    those of the last member are not finite.

    Args:
        strategy: complete.
        population: P, or the next larger one that suits the strategy.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    name, space = type(strategy).__name__, hill_space()
    population = next(p for p in itertools.count(population) if strategy.check_population(space, p) is None)
    advance = quickly_compiled(
        lambda state, index, flat, given: _generation(strategy, space, population, state, index=index, flat=flat, given=given)
    )
    given = given_genomes(space, population)

    def evolve(
        state: StrategyState, start: int, stop: int, *, flat: bool = False, known: jax.Array | None = None
    ) -> tuple[StrategyState, list[float]]:
        best = []
        for index in range(start, stop):
            known = jnp.full_like(given, jnp.nan) if known is None or index > start else known
            before, (state, proposal, fitness) = state, advance(state, np.int32(index), np.bool_(flat), known)
            sentence = f"{name} proposes genomes that are not finite in generation {index}."
            require(finite(proposal.genomes), sentence, *_GENOMES, method="ask")
            _check_effort(proposal, name, index)
            require(form(state) == form(first), f"{name} changes the form of its state in generation {index}.", *_STATE)
            require(
                stays_finite(before, state),
                f"{name} has a state that is not finite after {'equal ' * flat}fitness in generation {index}.",
                "Where all candidates break, their fitness is equal.",
                "Guard a division by the spread of the fitness by a small constant.",
            )
            best.append(float(np.max(fitness)))
        return state, best

    first = strategy.init(jax.random.key(0), space, population)
    _check_traces(strategy, space, population, first)
    _check_begin(strategy, space, population, first, given=given, advance=advance, evolve=evolve)
    half, early = evolve(first, 0, GENERATIONS // 2)
    restored = tree_from_bytes(tree_to_bytes(half), first, f"the state of {name}")[0]
    state, late = evolve(half, GENERATIONS // 2, GENERATIONS)
    again, _ = evolve(restored, GENERATIONS // 2, GENERATIONS)
    require(
        same_bits(state, again),
        f"{name} goes on to other bits after it was saved and restored.",
        "A search that was killed goes on as if nothing had happened.",
        "Keep everything in the state, and draw from the key alone.",
    )
    require(
        max(early + late) > early[0],
        f"{name} finds nothing better than its first generation in {GENERATIONS}.",
        "The fitness is a hill in three dimensions, and higher is better.",
        "Move towards genomes of high fitness, and keep exploring.",
    )
    recommendation = strategy.recommendation(state, space)
    right = recommendation is None or (recommendation.shape == (space.dimension,) and finite(recommendation))
    require(right, f"{name} has a recommendation that is no finite genome.", *_GENOMES, method="recommendation")
    evolve(state, GENERATIONS, GENERATIONS + 3, flat=True)


def _check_begin(
    strategy: Strategy,
    space: Space,
    population: int,
    first: StrategyState,
    *,
    given: jax.Array,
    advance: Callable[..., tuple[StrategyState, Proposal, jax.Array]],
    evolve: Callable[..., tuple[StrategyState, list[float]]],
) -> None:
    """Check that a strategy goes on from given candidates."""
    name, reason = type(strategy).__name__, "A search may be given candidates to begin with (`init`)."
    begun = strategy.begin_at(jax.random.key(2), first, space, population, genomes=given)
    if begun is None:
        evolve(first, 0, 2, known=given)
        return
    require(
        form(begun) == form(first),
        f"{name} begins at given genomes with a state of another form.",
        reason,
        "Return a state like that of `init`: the same structure, shapes and dtypes.",
        method="begin_at",
    )
    _, proposal, _ = advance(begun, np.int32(1), np.bool_(False), jnp.full_like(given, jnp.nan))
    middle, start = jnp.mean(proposal.genomes, axis=0), space.start(jax.random.key(0))
    require(
        bool(jnp.linalg.norm(middle - given[0]) < jnp.linalg.norm(middle - start)),
        f"{name} is given genomes to begin at, and proposes others around its own start.",
        reason,
        "Put the best of the given genomes, the first, where the next ones are drawn; or return None to be told all of them.",
        method="begin_at",
    )
    evolve(begun, 1, 3)  # its state and what it proposes stay finite


def _check_form(what: str, array: jax.Array | None, expected: str, name: str) -> None:
    """Check dtype and shape of a part of a proposal, if there is one."""
    actual = expected if array is None else f"{array.dtype}{list(array.shape)}"
    require(actual == expected, f"{name} proposes {what} of {actual}, not {expected}.", *_GENOMES, method="ask")


def _check_effort(proposal: Proposal, name: str, index: int) -> None:
    """Check the values of seeds and budgets."""
    seeds, budget = proposal.seeds, proposal.budget
    require(
        seeds is None or (bool(np.all(np.asarray(seeds) >= 0)) and bool(np.any(np.asarray(seeds) > 0))),
        f"{name} proposes seeds that are negative, or 0 for all members, in generation {index}.",
        "A member with 0 seeds is not evaluated, and a generation needs one that is.",
        "Give each member 0 or more, and one of them 1 at least.",
        method="ask",
    )
    require(
        budget is None or (bool(np.all(np.asarray(budget) > 0)) and bool(np.all(np.asarray(budget) <= 1))),
        f"{name} proposes a budget outside (0, 1] in generation {index}.",
        "It is a share of the env steps of each task.",
        "Give each member more than 0 and at most 1.",
        method="ask",
    )


def _check_traces(strategy: Strategy, space: Space, population: int, first: StrategyState) -> None:
    """Check by traces alone that a generation is the same program each time, and the same for the state after it."""
    name = type(strategy).__name__

    def generation(state: StrategyState) -> tuple[StrategyState, Proposal, jax.Array]:
        nothing = jnp.full_like(given_genomes(space, population), jnp.nan)
        return _generation(strategy, space, population, state, index=0, flat=False, given=nothing)

    (after, proposal, _), same = traced_twice(generation, first)
    _check_form("genomes", proposal.genomes, f"float32{[population, space.dimension]}", name)
    _check_form("seeds", proposal.seeds, f"int32{[population]}", name)
    _check_form("budget", proposal.budget, f"float32{[population]}", name)
    require(
        same,
        f"{name} gives another program when it is traced again.",
        "The same call must always be the same program.",
        "Take unseeded generators, counters and clocks out of it.",
    )
    changed = changed_weak_type(first, after) if form(first) == form(after) else None
    require(
        changed is None,
        f"the state of {name} begins with a number of Python at '{changed}'.",
        "The second generation would be compiled anew.",
        "Write jnp.zeros(()) or jnp.float32(0) in `init`.",
        method="init",
    )


def _generation(
    strategy: Strategy,
    space: Space,
    population: int,
    state: StrategyState,
    *,
    index: int | jax.Array,
    flat: bool | jax.Array,
    given: jax.Array,
) -> tuple[StrategyState, Proposal, jax.Array]:
    """The state after a generation, what it proposed, and the fitness of each member: all the same, if it is flat.

    The last members are given genomes, as far as these are not NaN.
    """
    key_ask, key_tell = jax.random.split(jax.random.fold_in(jax.random.key(1), index))
    asked, name = strategy.ask(key_ask, state, space, population), type(strategy).__name__
    sentence = f"{name}.ask gives {type(asked).__name__}, not a pair of a Proposal and a state."
    require(is_tuple_of(2, asked) and isinstance(asked[0], Proposal), sentence, *_GENOMES, method="ask")
    proposal, state = asked
    last = proposal.genomes[-len(given) :]
    genomes = proposal.genomes.at[-len(given) :].set(jnp.where(jnp.isnan(given), last, given))
    proposal = proposal._replace(genomes=genomes)
    told = told_of(proposal, space, flat)
    if strategy.window() is not None:
        told = with_gradients(told, space, flat)
    return strategy.tell(key_tell, state, space, told), proposal, told.fitness
