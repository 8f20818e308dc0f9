"""Checks of exploration bonuses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.algorithm import Algorithm
from discover.contract.exploration_bonus import ExplorationBonus
from discover.contract.trajectory import Trajectory
from discover.contract.types import Key
from discover.contract.world import World
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.failures import close, finite, form, require, same_bits
from discover.testing.gradients import check_not_stopped
from discover.testing.guard import guarded, traced_twice
from discover.testing.populations import differentiable, members
from discover.testing.programs import quickly_compiled
from discover.testing.small import Affine, Corridor, Reinforced

STEPS, COLUMNS = 9, 3

_PAID = ("A rule adds one number to the reward of each step and environment.", "Return float32 [T, B], and the new state.")
_STATE = ("A lifetime is a loop, whose state keeps its form.", "Return the structure, shapes and dtypes of `init`.")
_FINITE = ("One number that is not finite breaks a lifetime.", "Guard divisions, roots and logarithms by a small constant.")
_REPEATED = ("The same call must always be the same program.", "Take unseeded generators, counters and clocks out of it.")


@guarded("update")
def check_exploration_bonus(bonus: ExplorationBonus) -> None:
    """Check an exploration bonus on two batches of a small environment, in which episodes end in both ways.

    What it pays is finite float32 ``[T, B]``. Its state changes, and keeps its form. It takes discrete, real and factored
    actions. The same key gives the same bits, every trace is the same program, and members of a population pay as they do
    alone. The gradient with respect to its own numbers is finite and nowhere stopped (except for numbers that it declares not
    differentiable).

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    bonus, name, key = complete(bonus), type(bonus).__name__, jax.random.key(0)
    world, batches = _experience()
    for corridor in (Corridor(real=True), Corridor(factored=True)):
        other, collected = _world(corridor), jax.eval_shape(_collected(_world(corridor)), key)
        jax.eval_shape(lambda b, seen, other=other: _paid(b, key, other, seen), bonus, collected)
    (pay, first, last), same = traced_twice(lambda b: _paid(b, key, world, batches), bonus)
    _check_forms(name, pay, first, last)
    require(same, f"{name} gives another program when it is traced again.", *_REPEATED)

    def total(bonus: ExplorationBonus) -> tuple[jax.Array, Any]:
        result = _paid(bonus, key, world, batches)
        weight = jnp.cos(jnp.arange(float(result[0].size))).reshape(result[0].shape)  # so that slopes do not cancel each other
        return jnp.sum(weight * result[0]), result

    program = quickly_compiled(jax.value_and_grad(total, has_aux=True, allow_int=True))
    (_, (pay, first, last)), gradient = once = program(bonus)
    require(finite((pay, last)), f"{name} pays a number, or has a state, that is not finite.", *_FINITE)
    require(
        not same_bits(first, last),
        f"{name} has the same state after two batches as before them.",
        "A bonus pays for what is new, so that it remembers what it saw.",
        "Return the new state.",
    )
    require(same_bits(once, program(bonus)), f"{name} gives other bits when it is run again.", *_REPEATED)
    sentence = f"{name} has a gradient with respect to its own numbers that is not finite."
    require(finite(differentiable(bonus, gradient)), sentence, *_FINITE)
    check_not_stopped(bonus, gradient, lambda b: program(b)[0][1][0], method="update")
    _check_population(bonus, name, quickly_compiled(jax.vmap(lambda b: _paid(b, key, world, batches)[0])), program)


@functools.cache
def _experience() -> tuple[World, list[Trajectory]]:
    """A world of discrete actions, and two batches that were collected in it one after the other."""
    world = _world(Corridor())
    return world, quickly_compiled(_collected(world))(jax.random.key(1))


def _world(corridor: Corridor) -> World:
    return Algorithm(rule=Reinforced(), network=Affine()).world(corridor)


def _collected(world: World) -> Callable[[Key], list[Trajectory]]:
    """The function that collects two batches."""

    def collected(key: Key) -> list[Trajectory]:
        actor, batches = world.start(key, world.sample_tasks(key, COLUMNS)), []
        for key_batch in jax.random.split(key):
            actor, batch = world.collect(world.initial_params(key), actor, key_batch, STEPS)
            batches.append(batch)
        return batches

    return collected


def _paid(bonus: ExplorationBonus, key: Key, world: World, batches: list[Trajectory]) -> tuple[jax.Array, Any, Any]:
    """The pay of each batch ``[2, T, B]``, and the states before the first and after the last."""
    first = state = bonus.init(key, world, COLUMNS)
    paid = []
    for key_batch, batch in zip(jax.random.split(key), batches, strict=True):
        pay, state = bonus.update(key_batch, world, state, batch)
        paid.append(pay)
    return jnp.stack(paid), first, state


def _check_forms(name: str, pay: jax.ShapeDtypeStruct, first: Any, last: Any) -> None:
    """Check shapes and dtypes of what was paid, and that the state keeps its form."""
    actual, expected = f"{pay.dtype}{list(pay.shape[1:])}", f"float32{[STEPS, COLUMNS]}"
    require(actual == expected, f"{name} pays {actual} for a batch, not {expected}.", *_PAID)
    require(form(first) == form(last), f"{name} changes the form of its state.", *_STATE)
    changed = changed_weak_type(first, last)
    require(
        changed is None,
        f"the state of {name} begins with a number of Python at '{changed}'.",
        "A lifetime that goes on would be compiled a second time.",
        "Write jnp.zeros(()) in `init`.",
        method="init",
    )


def _check_population(bonus: ExplorationBonus, name: str, together: Any, alone: Any) -> None:
    """Check that members of a population pay as they do alone; a bonus without numbers has no population."""
    if not jax.tree.leaves(bonus):
        return
    population = jax.tree.map(np.asarray, members(bonus, 3, spread=0.1))
    every = np.asarray(together(population))
    for index in range(3):
        member = jax.tree.map(lambda x, i=index: x[i], population)
        require(
            close(every[index], alone(member)[0][1][0], 1e-3),
            f"{name} pays otherwise in a population than alone.",
            "A search trains many candidates side by side.",
            "Compute with the numbers as they are: float() and shapes made of them belong to one candidate alone.",
        )
