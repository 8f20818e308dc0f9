"""Checks of meta-objectives."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from discover.contract.algorithm import Algorithm
from discover.contract.meta_objective import MetaObjective
from discover.contract.types import Key, MetaState, Params
from discover.inner_loop.update import collect, newborn
from discover.testing.components import complete
from discover.testing.failures import finite, form, is_tuple_of, require, same_bits
from discover.testing.guard import guarded, traced_twice
from discover.testing.programs import quickly_compiled
from discover.testing.small import Affine, Corridor, Reinforced

_FORM = (
    "The state lives as long as an agent, and is carried from update to update.",
    "Return the state as `init` made it: structure, shapes, dtypes.",
)
_SLOPE = (
    "A search by gradients climbs along the gradient with respect to the parameters.",
    "Evaluate the network with them, `world.evaluate(params, trajectory)`, and stop no gradient in the outputs.",
)


@guarded("__call__")
def check_meta_objective(objective: MetaObjective) -> None:
    """Check a meta-objective on an agent with a small network in a small environment.

    The number is one, and finite; so is its gradient with respect to the parameters, which is not zero. The state keeps its
    structure and stays finite. The same call gives the same bits, and every trace is the same program.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    objective, name = complete(objective), type(objective).__name__
    algorithm, environment = Algorithm(rule=Reinforced(), network=Affine()), Corridor()
    world, key = algorithm.world(environment), jax.random.key(0)
    life = newborn(algorithm, environment, key)

    def judged(params: Params, state: MetaState, key: Key) -> tuple[jax.Array, Any]:
        trajectory = collect(algorithm.rule, world, life, jnp.int32(0)).trajectory
        assert trajectory is not None
        result = objective(key, world, params, state, trajectory=trajectory)
        sentence = f"{name} gives {type(result).__name__}, not a number, a state and what to report."
        require(is_tuple_of(3, result), sentence, *_FORM)
        return result[0], result[1:]

    def twice(params: Params, key: Key) -> Any:
        first = objective.init(key, world)
        (value, (state, _)), slope = jax.value_and_grad(judged, has_aux=True)(params, first, key)
        later, (after, info) = judged(params, state, jax.random.fold_in(key, 1))
        return first, value, slope, (state, later, after, info)

    shapes, same = traced_twice(lambda params: twice(params, key), life.params)
    require(same, f"{name} gives another program when it is traced again.", "A call is always one program.", "Draw by the key.")
    first, value, _, (state, *_) = shapes
    require(value.shape == (), f"{name} gives {list(value.shape)} numbers, not one.", "It is climbed.", "Take the mean.")
    require(form(first) == form(state), f"{name} changes the form of its state.", *_FORM)
    program = quickly_compiled(twice)
    result = program(life.params, key)
    require(finite(result), f"{name} gives a number, a gradient or a state that is not finite.", *_SLOPE)
    slope = jax.tree.leaves(result[2])
    require(any(bool(jnp.any(leaf != 0)) for leaf in slope), f"{name} has no gradient in the parameters.", *_SLOPE)
    again = "A search that is resumed comes to the same bits."
    require(
        same_bits(result, program(life.params, key)), f"{name} gives other bits when called again.", again, "Draw by the key."
    )
