"""The rehearsal of a search: all of it, with lifetimes of a few updates, to learn what it will cost."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from discover.components.component import component
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.contract.meta_objective import Gradients
from discover.outer_loop.together import NothingRunsError, Together, random_curves, updates_of

_LONG_ENOUGH = 0.7
"""Seconds of a measurement that the time of an update is taken from."""


class Measured(NamedTuple):
    """The cost of some lifetimes that are run together.

    Attributes:
        compilation: seconds that the first call took longer than the next one of the same length.
        fixed: seconds of a call without any update.
        update: seconds of an update of all lifetimes; of the longest, where they are not of one length.
        env_steps: taken in that time.
        info: names of what the rule reports.
    """

    compilation: float
    fixed: float
    update: float
    env_steps: float
    info: tuple[str, ...]


class Call(NamedTuple):
    """One call of the executor, as the search would make it.

    Attributes:
        seconds: that it will take, without compilation.
        env_steps: that it will run.
    """

    seconds: float
    env_steps: int


@dataclass
class Ledger:
    """The measurements of a rehearsal.

    Attributes:
        executor: runs the lifetimes of the search.
        generations: of the search, over which the updates of ongoing lifetimes are spread.
        calls: since the last call of `take`.
        measured: costs, by structure, task, number of lifetimes and updates of all pieces of a call.
        known: the failures, the names of what is reported and the gradients of windows, by the same key.
        programs: structures and tasks for which a program was compiled.
        spent: seconds spent on measurements so far.
    """

    executor: Executor
    generations: int
    calls: list[Call] = field(default_factory=list)
    measured: dict[Any, Measured] = field(default_factory=dict)
    known: dict[Any, tuple[dict[int, Failure], dict[int, tuple[str, ...]], dict[int, Gradients | None]]] = field(
        default_factory=dict
    )
    programs: set[Any] = field(default_factory=set)
    spent: float = 0.0

    def take(self) -> list[Call]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls

    @property
    def compilation(self) -> float:
        """Seconds of all compilations."""
        return sum(cost.compilation for cost in self.measured.values())

    def call(self, key: Any, updates: int, run: Callable[[int], Curves], shape: tuple[int, int]) -> Curves:
        """Measure a call, unless its like has been measured, and note its cost; the curves are random numbers.

        Args:
            key: all that the cost depends on.
            updates: of the whole call; of its longest piece, where it has several.
            run: runs a number of updates.
            shape: numbers of members and seeds.
        """
        started = time.perf_counter()
        if key not in self.measured:
            self.measured[key] = _measured(run, updates)
            self.spent += time.perf_counter() - started
        cost = self.measured[key]
        self.calls.append(Call(cost.fixed + cost.update * updates, round(cost.env_steps * updates)))
        return random_curves(shape, cost.info, len(self.calls))


def rehearsing(ledger: Ledger) -> type[Executor]:
    """A class of executors that run a few updates only, and note in a ledger what all of them would cost."""

    @component
    class Rehearsal(Executor):
        """Runs a few updates of each lifetime."""

        @property
        def gives_gradients(self) -> bool:
            return ledger.executor.gives_gradients

        def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
            ledger.executor = ledger.executor.settle(lifetimes, candidate, environments)
            return self

        def run(
            self, work: Sequence[Work], progress: Callable[[float], None] | None = None
        ) -> Iterator[tuple[int, Done | Failure]]:
            return _rehearsed(ledger, work)

    return Rehearsal


def _rehearsed(ledger: Ledger, work: Sequence[Work]) -> Iterator[tuple[int, Done | Failure]]:
    """The results of pieces of work that are submitted at once; what they cost together is noted."""
    together = Together(ledger.executor, work, ledger.generations)
    key = tuple(_key(ledger, piece) for piece in work)
    if key in ledger.known:
        together.failures, together.names, together.gradients = ledger.known[key]
    with contextlib.suppress(NothingRunsError):
        ledger.call(key, max(together.updates), together.run, (1, 1))
    ledger.known[key] = together.failures, together.names, together.gradients
    return together.results(len(ledger.calls))


def _key(ledger: Ledger, work: Work) -> Any:
    """All that the cost of a piece of work depends on; the program that it runs is noted."""
    program = jax.tree.structure(work.candidates), repr(work.environment), work.window is not None
    ledger.programs.add(program)
    return *program, math.prod(work.shape), updates_of(work, ledger.generations)


def _measured(run: Callable[[int], Curves], most: int) -> Measured:
    """The cost of a call from some with a few updates: two short ones, of which the first compiles, then longer ones."""
    count = after = min(2, most)
    first, _ = _timed(run, count)
    short, curves = _timed(run, count)
    long = short
    while after < most and (after == count or long < _LONG_ENOUGH):
        after = min(most, max(2 * after, round(after * min(10.0, 1.2 * _LONG_ENOUGH / max(long, 1e-9)))))
        long, curves = _timed(run, after)
    update = max(0.0, long - short) / (after - count) if after > count else short / count
    return Measured(
        compilation=max(0.0, first - short),
        fixed=max(0.0, long - update * after),
        update=update,
        env_steps=float(curves.env_steps.sum(dtype=np.float64)) / after,
        info=tuple(curves.info),
    )


def _timed(run: Callable[[int], Curves], updates: int) -> tuple[float, Curves]:
    started = time.perf_counter()
    curves = run(updates)
    return time.perf_counter() - started, curves
