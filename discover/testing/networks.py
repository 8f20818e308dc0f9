"""Checks of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.environment import Discrete, Spec
from discover.contract.network import ACTION, REWARD, Head, Heads, Inputs, Network, Outputs
from discover.contract.types import Carry, Key, Params
from discover.testing.components import complete
from discover.testing.failures import close, finite, form, is_tuple_of, raw, require, same_bits
from discover.testing.guard import guarded, traced_twice
from discover.testing.programs import quickly_compiled

STEPS, COLUMNS = 4, 3
_SPEC = Spec((4, 5), Discrete(4))
_OUTPUTS = {
    "policy": Head((4,), mix="distribution"),
    "value": Head(()),
    "log_std": Head((2,), form="constant"),
    "wide": Head((2, 5), reads=("eta",)),
    "model": Head((3,), reads=(ACTION,)),
}
_SIZES = {"eta": 2, ACTION: 4, REWARD: 1}

_START = ("Seeds are told apart by the key alone.", "Draw the parameters from the key, with finite numbers.")
_PAIR = ("A rule reads outputs by name, and a recurrent network goes on from its carry.", "Return outputs, carry.")
_BATCH = ("Columns are environments that know nothing of each other.", "Compute along the last axes alone.")


@guarded("apply")
def check_network(network: Network) -> None:
    """Check a network with heads of several shapes, one of which reads a context and one the action.

    The outputs have the shapes of the heads, for one step ``[B]`` as for several ``[T, B]``. Each column is computed as if it
    were alone. A head whose inputs are not known is left out. Parameters are finite and depend on the key. The carry keeps its
    structure, and is reset at the start of an episode. Every trace is the same program.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    network, name = complete(network), type(network).__name__
    heads = Heads({k: h for k, h in _OUTPUTS.items() if h.form in network.forms}, _SIZES)
    init = quickly_compiled(lambda n, key: n.init(key, _SPEC, heads))
    params = init(network, jax.random.key(0))
    require(finite(params), f"{name} starts from parameters that are not finite.", *_START, method="init")
    again = init(network, jax.random.key(0))
    require(same_bits(params, again), f"{name} starts otherwise from the same key.", *_START, method="init")
    zero = not any(x.any() for x in raw(params))
    moved = zero or not same_bits(params, init(network, jax.random.key(1)))
    require(moved, f"{name} starts from the same parameters whatever the key.", *_START, method="init")
    inputs = jax.tree.map(np.asarray, quickly_compiled(example_inputs)(jax.random.key(2)))
    first = jax.tree.map(lambda x: x[0] if x.ndim else x, inputs)
    carry = jax.tree.map(lambda x: np.broadcast_to(x, (COLUMNS, *x.shape)), network.carry(heads))
    start = jax.random.key(0), params, first, carry
    shapes, same = traced_twice(lambda n, key, *rest: (n.init(key, _SPEC, heads), _applied(n, heads, *rest)), network, *start)
    sentence = f"{name}.apply gives {type(shapes[1]).__name__}, not a pair of outputs by name and a carry."
    require(is_tuple_of(2, shapes[1]) and isinstance(shapes[1][0], Mapping), sentence, *_PAIR)
    _check_shapes(name, heads, carry, shapes[1])
    require(
        same,
        f"{name} gives another program when it is traced again.",
        "The same call must always be the same program.",
        "Take unseeded generators, counters and clocks out of it.",
    )
    apply = quickly_compiled(lambda n, *rest: _applied(n, heads, *rest)[0])
    _check_outputs(name, lambda inputs, carry: apply(network, params, inputs, carry), inputs, carry)


def _applied(network: Network, heads: Heads, params: Params, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
    return network.apply(params, heads, inputs, carry)


def _check_outputs(name: str, apply: Callable[[Inputs, Carry], Outputs], inputs: Inputs, carry: Carry) -> None:
    """Check the outputs of one step, and those in four other cases.

    These are: one column alone; without the action; one step at which an episode starts, from two different carries; and all
    steps at once, if there is no carry.
    """
    first = jax.tree.map(lambda x: x[0] if x.ndim else x, inputs)
    outputs = apply(first, carry)
    require(
        finite(outputs),
        f"{name} gives outputs that are not finite.",
        "One number that is not finite breaks a lifetime.",
        "Guard divisions, roots and logarithms by a small constant.",
    )
    alone = apply(*jax.tree.map(lambda x: x[1:2] if x.ndim else x, (first, carry)))
    column = {head: np.asarray(output)[1:2] for head, output in outputs.items()}
    require(close(column, alone, 1e-4), f"{name} mixes the columns of a batch.", *_BATCH)
    require(
        "model" not in apply(first._replace(context={"eta": first.context["eta"]}), carry),
        f"{name} gives a head whose action is not known.",
        "While acting, no action is known yet.",
        "Leave a head out unless `head.known(inputs)`.",
    )
    start = first._replace(is_first=np.ones(COLUMNS, bool))
    other = jax.tree.map(lambda x: (x + 0.5).astype(x.dtype), carry)
    require(
        close(apply(start, carry), apply(start, other), 1e-6),
        f"{name} remembers what was before the start of an episode.",
        "The next episode has nothing to do with the last one.",
        "Set the carry back where `inputs.is_first`.",
    )
    if not jax.tree.leaves(carry):
        whole = {head: np.asarray(output)[0] for head, output in apply(inputs, carry).items()}
        require(close(whole, outputs, 1e-4), f"{name} differs when it is given [T, B] at once.", *_BATCH)


def _check_shapes(name: str, heads: Heads, carry: Carry, shapes: tuple[Any, ...]) -> None:
    """Check the shapes of outputs and carry, by a trace alone."""
    outputs, after = shapes[:2]
    require(
        form(after) == form(carry),
        f"{name} changes the form of its carry: it could not be scanned.",
        "A recurrent network runs in a loop.",
        "Return a carry of the structure, shapes and dtypes of `carry(heads)`.",
    )
    for head_name, head in heads.outputs.items():
        shape = getattr(outputs.get(head_name), "shape", None)
        require(
            shape == (COLUMNS, *head.shape),
            f"{name} gives '{head_name}' of shape {shape} for {(COLUMNS, *head.shape)}.",
            "A rule reads each head by its name, with its shape behind the leading axes of the inputs.",
            "Give every head of `heads.outputs`; broadcast those of form 'constant'.",
        )


def example_inputs(key: Key) -> Inputs:
    """Random ``[T, B]`` inputs with a context, actions and rewards."""
    draws = {k: jax.random.normal(jax.random.fold_in(key, size), (STEPS, COLUMNS, size)) for k, size in _SIZES.items()}
    observation = jax.random.normal(key, (STEPS, COLUMNS, *_SPEC.observation_shape))
    return Inputs(observation, jnp.zeros((STEPS, COLUMNS), bool), draws, jnp.float32(0.5))
