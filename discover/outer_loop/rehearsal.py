"""The rehearsal of a search: all of it, with lifetimes of a few updates, to learn what it will cost."""

from __future__ import annotations

import functools
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
from discover.contract.types import Members
from discover.inner_loop.isolation import attempt
from discover.inner_loop.lifetime import ROWS
from discover.inner_loop.work import run_alone

_LONG_ENOUGH = 0.7
"""Seconds of a measurement that the time of an update is taken from."""

_WORTH_KNOWING = 1.0
"""Seconds of all compilations from which it is measured how long they take with the cache of programs."""


class Measured(NamedTuple):
    """The cost of some lifetimes of one structure on one task.

    Attributes:
        compilation: seconds that the first call took longer than the next one of the same length.
        fixed: seconds of a call without any update.
        update: seconds of an update of all lifetimes.
        env_steps: of an update of all lifetimes.
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
        measured: costs, by structure, task and number of lifetimes.
        programs: structures, tasks and devices for which a program was compiled.
        spent: seconds spent on measurements so far.
        costliest: the call whose compilation took longest: what ran, and what it cost.
    """

    executor: Executor
    generations: int
    calls: list[Call] = field(default_factory=list)
    measured: dict[Any, Measured] = field(default_factory=dict)
    programs: set[Any] = field(default_factory=set)
    spent: float = 0.0
    costliest: tuple[Callable[[int], Curves], Measured] | None = None

    def take(self) -> list[Call]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls

    def compilation(self) -> tuple[float, float]:
        """Seconds of all compilations, in the rehearsal and in a new process, which may find the programs in the cache.

        The costliest program is compiled once more, as a new process would; the others are taken to be like it.
        """
        total = sum(cost.compilation for cost in self.measured.values())
        if self.costliest is None or total < _WORTH_KNOWING:
            return total, total
        run, cost = self.costliest
        jax.clear_caches()
        again = _timed(run, 1)[0] - cost.fixed - cost.update
        return total, total * min(1.0, max(0.0, again) / cost.compilation)

    def call(self, key: Any, updates: int, run: Callable[[int], Curves], shape: tuple[int, int]) -> Curves:
        """Measure a call, unless its like has been measured, and note its cost; the curves are random numbers.

        Args:
            key: structure, task and number of lifetimes.
            updates: of the whole call.
            run: runs a number of updates.
            shape: numbers of members and seeds.
        """
        started = time.perf_counter()
        if key not in self.measured:
            cost = self.measured[key] = _measured(run, updates)
            if self.costliest is None or cost.compilation > self.costliest[1].compilation:
                self.costliest = run, cost
            self.spent += time.perf_counter() - started
        cost = self.measured[key]
        self.calls.append(Call(cost.fixed + cost.update * updates, round(cost.env_steps * updates)))
        return _random_curves(shape, cost.info, len(self.calls))


def rehearsing(ledger: Ledger) -> type[Executor]:
    """A class of executors that run a few updates only, and note in a ledger what all of them would cost."""

    @component
    class Rehearsal(Executor):
        """Runs a few updates of each lifetime."""

        def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
            ledger.executor = ledger.executor.settle(lifetimes, candidate, environments)
            return self

        def run(
            self, work: Sequence[Work], progress: Callable[[float], None] | None = None
        ) -> Iterator[tuple[int, Done | Failure]]:
            for place, piece in enumerate(work):
                yield place, attempt(functools.partial(_rehearsed, ledger, piece))

    return Rehearsal


def _rehearsed(ledger: Ledger, work: Work) -> Done:
    """The result of a piece of work, as far as a rehearsal has one; its cost is noted."""

    lifetimes = work.ongoing
    if work.keep and lifetimes is None:
        lifetimes = run_alone(ledger.executor, work._replace(stop=work.start)).lifetimes
    shortened = work._replace(start=0, ongoing=lifetimes)

    def run(updates: int) -> Curves:
        total = updates if lifetimes is None else work.total
        return run_alone(ledger.executor, shortened._replace(stop=updates, total=total)).curves

    whole = (work.start, work.stop) == (0, work.total)
    updates = work.total if whole else max(1, work.total // ledger.generations)
    curves = ledger.call(_key(ledger, work.environment, work.candidates, work.shape), updates, run, work.shape)
    return Done(curves, lifetimes if work.keep else None)


def _key(ledger: Ledger, environment: Environment, candidates: Members, shape: tuple[int, int]) -> Any:
    """All that the cost of a call depends on; the program that it runs is noted."""
    lifetimes, chunk = shape[0] * shape[1], getattr(ledger.executor, "chunk", 0)
    devices = min(jax.device_count(), -(-lifetimes // chunk)) if chunk else 0
    program = jax.tree.structure(candidates), repr(environment)
    ledger.programs.add((*program, devices))
    return *program, lifetimes


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
        env_steps=float(curves.env_steps.sum(dtype=np.int64)) / after,
        info=tuple(curves.info),
    )


def _timed(run: Callable[[int], Curves], updates: int) -> tuple[float, Curves]:
    started = time.perf_counter()
    curves = run(updates)
    return time.perf_counter() - started, curves


def _random_curves(shape: tuple[int, int], names: Sequence[str], seed: int) -> Curves:
    """Curves of sound lifetimes, with random returns."""
    rows = (*shape, ROWS)
    returns = np.random.default_rng(seed).normal(size=rows).astype(np.float32)
    return Curves(
        episode_return=returns,
        episode_length=np.ones(rows, np.float32),
        info={name: np.zeros(rows, np.float32) for name in names},
        finite=np.ones(shape, bool),
        env_steps=np.zeros(shape, np.int32),
    )
