"""Checks of executors."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from discover.contract.algorithm import Algorithm
from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.inner_loop.work import fresh_work
from discover.testing.compilations import counted_compilations
from discover.testing.components import complete
from discover.testing.failures import close, form, require, same_bits
from discover.testing.guard import guarded
from discover.testing.populations import members
from discover.testing.small import Affine, Corridor, Reinforced

MEMBERS, SEEDS, STEPS = 3, 2, 80
"""Sizes; a lifetime of 80 env steps has ten updates."""

_SHAPE = ("A search reads one curve per member and seed.", "Give Done with curves as run_population gives them.")
_EACH = ("A search waits for the result of each piece.", "Yield the place and the result of each piece once, in any order.")
_ALONE = ("All members see the same seeds, and nothing of each other.", "Run each member with all keys, in the order of both.")


@guarded("run")
def check_executor(executor: Executor) -> None:
    """Check an executor on a small rule with three members and two seeds.

    Curves have one row of 100 per member and seed, on the host, and count the env steps. The same call gives the same bits and
    compiles nothing again. A member alone comes to the same curves. Lifetimes that go on in two windows take the same steps.
    Each of several pieces of work has its result.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    executor, name = complete(executor), type(executor).__name__
    algorithm, environment = Algorithm(rule=Reinforced(), network=Affine()), Corridor()
    settled = executor.settle(MEMBERS * SEEDS, algorithm, [environment])
    sentence = f"{name}.settle gives {type(settled).__name__}, not an executor."
    require(isinstance(settled, Executor), sentence, *_SHAPE, method="settle")
    population, keys = members(algorithm, MEMBERS, spread=0.5), jax.random.split(jax.random.key(0), SEEDS)
    work = fresh_work(environment, population, keys, STEPS)
    curves = _done(settled, [work])[0].curves
    _check_curves(name, curves, MEMBERS, STEPS)
    with counted_compilations() as count:
        again = _done(settled, [work])[0].curves
    require(
        same_bits(tuple(curves), tuple(again)),
        f"{name} gives other curves for the same candidates and keys.",
        "A search that is repeated or resumed comes to the same bits.",
        "Settle every choice on which bits depend in `settle`.",
    )
    require(
        count.compiled == 0,
        f"{name} compiles {count.compiled} programs again for the same shapes.",
        "Every generation would take as long as the first.",
        "Call jax.jit once, at the top of a module, and not on a new lambda in each call.",
    )
    alone, half = _done(settled, [work.of(slice(0, 1)), work._replace(stop=work.total // 2)])
    sentence = f"{name} gives a member other curves beside others than alone."
    require(close(alone.curves.episode_return, curves.episode_return[:1], 1e-3), sentence, *_ALONE)
    _check_curves(name, half.curves, MEMBERS, STEPS // 2)
    _check_windows(name, settled, work)


def _check_windows(name: str, executor: Executor, work: Work) -> None:
    """Check lifetimes that go on in two windows."""
    half = work.total // 2
    begun = _done(executor, [work._replace(stop=0, keep=True)])[0].lifetimes
    before, lifetimes = form(begun), begun
    for start, stop in ((0, half), (half, work.total)):
        window = work._replace(start=start, stop=stop, ongoing=lifetimes, keep=True)
        (done,) = _done(executor, [window])
        lifetimes = done.lifetimes
        sentence = f"{name}.run changes the form of lifetimes."
        require(form(lifetimes) == before, sentence, "The next call gets them back.", "Return them as they came.", method="run")
        _check_curves(name, done.curves, MEMBERS, STEPS // 2)


def _done(executor: Executor, work: Sequence[Work]) -> list[Done]:
    """The results of pieces of work in their order, all of which must be done."""
    name, results = type(executor).__name__, dict(executor.run(work))
    sentence = f"{name} gives results for {sorted(results)} of {len(work)} pieces of work."
    require(sorted(results) == list(range(len(work))), sentence, *_EACH, method="run")
    done = []
    for result in (results[place] for place in range(len(work))):
        if isinstance(result, Failure) and result.error is not None:
            raise result.error
        sentence = f"{name} fails with a sound candidate ({getattr(result, 'why', type(result).__name__)})."
        require(isinstance(result, Done), sentence, *_ALONE, method="run")
        done.append(result)
    return done


def _check_curves(name: str, curves: Curves, population: int, steps: int) -> None:
    require(isinstance(curves, Curves), f"{name} gives {type(curves).__name__}, not Curves.", *_SHAPE)
    expected = {"episode_return": (100,), "episode_length": (100,), "finite": (), "env_steps": ()}
    for field, rest in expected.items():
        array = getattr(curves, field)
        require(isinstance(array, np.ndarray), f"{name} gives '{field}' as {type(array).__name__}, not on the host.", *_SHAPE)
        shape = (population, SEEDS, *rest)
        require(array.shape == shape, f"{name} gives '{field}' of shape {array.shape}, not {shape}.", *_SHAPE)
    require(
        np.all(curves.env_steps == steps),
        f"{name} takes {curves.env_steps.max()} env steps where {steps} are asked for.",
        *_SHAPE,
    )
    require(np.all(curves.finite), f"{name} breaks a sound candidate.", *_ALONE)
