"""Checks of executors."""

from __future__ import annotations

import jax
import numpy as np

from discover.contract.algorithm import Algorithm
from discover.contract.executor import Curves, Executor
from discover.contract.types import Members
from discover.testing.compilations import counted_compilations
from discover.testing.components import complete
from discover.testing.failures import close, form, require, same_bits
from discover.testing.guard import guarded
from discover.testing.populations import members
from discover.testing.small import Affine, Corridor, Reinforced

MEMBERS, SEEDS, STEPS = 3, 2, 80
"""Sizes; a lifetime of 80 env steps has ten updates."""

_SHAPE = ("A search reads one curve per member and seed.", "Return Curves as evaluate_population gives them.")
_ALONE = ("All members see the same seeds, and nothing of each other.", "Run each member with all keys, in the order of both.")


@guarded("evaluate")
def check_executor(executor: Executor) -> None:
    """Check an executor on a small rule with three members and two seeds.

    Curves have one row of 100 per member and seed, on the host, and count the env steps. The same call gives the same bits and
    compiles nothing again. A member alone comes to the same curves. Lifetimes that go on in two windows take the same steps.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    executor, name = complete(executor), type(executor).__name__
    algorithm, environment = Algorithm(rule=Reinforced(), network=Affine()), Corridor()
    settled = executor.settle(MEMBERS * SEEDS, algorithm, [environment])
    sentence = f"{name}.settle gives {type(settled).__name__}, not an executor."
    require(isinstance(settled, Executor), sentence, *_SHAPE, method="settle")
    population, keys = members(algorithm, MEMBERS, spread=0.5), jax.random.split(jax.random.key(0), SEEDS)
    curves = settled.evaluate(environment, population, keys, STEPS)
    _check_curves(name, curves, MEMBERS, STEPS)
    with counted_compilations() as count:
        again = settled.evaluate(environment, population, keys, STEPS)
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
    first = jax.tree.map(lambda x: x[:1], population)
    alone = settled.evaluate(environment, first, keys, STEPS)
    sentence = f"{name} gives a member other curves beside others than alone."
    require(close(alone.episode_return, curves.episode_return[:1], 1e-3), sentence, *_ALONE)
    _check_windows(name, settled, population, keys)


def _check_windows(name: str, executor: Executor, population: Members, keys: jax.Array) -> None:
    """Check lifetimes that go on in two windows."""
    total = STEPS // 8
    lifetimes = executor.begin(Corridor(), population, keys)
    before = form(lifetimes)
    for start, stop in ((0, total // 2), (total // 2, total)):
        lifetimes, curves = executor.advance(Corridor(), population, lifetimes, start=start, stop=stop, total=total)
        sentence = f"{name}.advance changes the form of lifetimes."
        require(
            form(lifetimes) == before, sentence, "The next call gets them back.", "Return them as they came.", method="advance"
        )
        _check_curves(name, curves, MEMBERS, STEPS // 2)


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
