"""Known causes of the errors of Python and JAX that a component may raise."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from jax import errors


class Cause(NamedTuple):
    """A cause of errors.

    Attributes:
        does: what the line does, as a predicate.
        why: why that cannot be.
        remedy: what to write instead.
    """

    does: str
    why: str
    remedy: str


_TRACED = "One compiled program serves every step and every member of a population: while it is made, numbers have no value."
_SHAPES = "All shapes are fixed when a program is compiled, and numbers have no value then."
MEANT = "A search counts a candidate that raises as broken."
FIT = Cause(
    "combines arrays whose shapes or dtypes do not fit",
    "Arrays are combined element by element, with axes of length 1 repeated.",
    "Print x.shape and x.dtype in front of that line; jnp.expand_dims, reshape and astype change them.",
)

NONE = Cause(
    "uses None where a value is expected",
    "A Python function without `return` gives None.",
    "Look for a missing `return`, or a branch that returns nothing.",
)

BY_TYPE: tuple[tuple[type[Exception], Cause], ...] = (
    (
        errors.TracerBoolConversionError,
        Cause(
            "asks whether a traced number is true, as `if`, `while`, `and`, `not`, `assert`, min() or bool() do",
            _TRACED,
            "Choose numbers by jnp.where(condition, a, b), work by jax.lax.cond; write &, | and ~ for and, or and not.",
        ),
    ),
    (
        errors.TracerIntegerConversionError,
        Cause(
            "uses a traced number as a plain integer: as the place in a list, or as the length of a range",
            _TRACED,
            "Make the list an array, jnp.asarray(values)[index]; loop with jax.lax.fori_loop or jax.lax.scan.",
        ),
    ),
    (
        errors.TracerArrayConversionError,
        Cause("hands a traced array to NumPy", _TRACED, "Write jnp in the place of np: `import jax.numpy as jnp`."),
    ),
    (
        errors.NonConcreteBooleanIndexError,
        Cause(
            "picks elements by a traced mask, so that the shape of the result depends on numbers",
            _SHAPES,
            "Keep the shape: jnp.where(mask, x, 0.0), and jnp.sum(x, where=mask).",
        ),
    ),
    (
        errors.UnexpectedTracerError,
        Cause(
            "uses an array of an earlier trace, which was kept in a list, a global or an attribute",
            "A traced array means something only inside the call that made it.",
            "Keep nothing outside: return it, or put it into the state.",
        ),
    ),
    (
        errors.ConcretizationTypeError,
        Cause(
            "makes a plain number of a traced one, as float(), int(), .item() or the length of an array do",
            _TRACED,
            "Compute with the array itself: leave float() and int() out (x.astype(jnp.int32) rounds), keep lengths fixed.",
        ),
    ),
    (
        dataclasses.FrozenInstanceError,
        Cause(
            "sets an attribute of a component",
            "A component is frozen: one program serves many lifetimes, and what changes in one of them is its state.",
            "Return what changes as a part of the state, and leave `self` alone.",
        ),
    ),
    (
        IndexError,
        Cause("asks for a place that is not there", MEANT, "Compare the index with x.shape, or with the length of the tuple."),
    ),
    (
        AttributeError,
        Cause("asks for an attribute that is not there", MEANT, "Compare the name with the page of the class in the docs."),
    ),
    (
        KeyError,
        Cause(
            "asks for a name that is not there",
            "A mapping holds what was put into it: outputs have the names in `heads`, a context those that `heads` tells.",
            "Correct the name, or add it where the mapping is made.",
        ),
    ),
)
"""Causes by type, the narrower types first."""

BY_WORDS: tuple[tuple[str, Cause], ...] = (
    (
        r"Shapes must be 1D sequences of concrete values",
        Cause(
            "makes a shape of a traced number",
            _SHAPES,
            "Make it structure (`size: Count = 4`), or keep the largest shape and mask what is not used.",
        ),
    ),
    (
        r"__format__",
        Cause(
            "formats a traced number as text, in an f-string or by format()",
            _TRACED,
            'Write jax.debug.print("x = {}", x), or report the number in the info of an update.',
        ),
    ),
    (
        r"Only integer scalar arrays",
        Cause(
            "uses an array as a plain integer, as the length of a range or the place in a list",
            _TRACED,
            "Loop with jax.lax.fori_loop or jax.lax.scan; make the length structure (`size: Count = 4`).",
        ),
    ),
    (
        r"truth value of an array",
        Cause(
            "asks whether a whole array is true",
            "An array has a truth value for each of its numbers.",
            "Reduce it by .any() or .all(), or choose numbers by np.where(condition, a, b).",
        ),
    ),
    (
        r"unsupported operand type.*'(?:dict|list|tuple)'",
        Cause(
            "computes with a dict, a list or a tuple as if it were one array",
            "Parameters, gradients and states are trees of arrays.",
            "Compute leaf by leaf: jax.tree.map(lambda p, g: p - rate * g, params, gradient).",
        ),
    ),
    (
        r"in-place item assignment",
        Cause("assigns to an element of an array", "Arrays of JAX cannot be changed.", "Write x = x.at[index].set(value)."),
    ),
    (
        r"carry input and carry output|body_fun output and input|branches must have equal output",
        Cause(
            "changes the shape or dtype of what a loop or a branch hands on",
            "Each pass of a loop, and each branch, gives what the next one is compiled for.",
            "Begin with arrays of the final shape and dtype: jnp.zeros(shape, jnp.float32) instead of 0.",
        ),
    ),
    (
        r"incompatible shapes|broadcast|dot_general|oncatenate|annot stack|cannot reshape|axis .* out of bounds"
        r"|different shapes|structure",
        FIT,
    ),
    (
        r"Gradient only defined for scalar|grad requires",
        Cause(
            "differentiates what has no gradient",
            "A gradient is that of one real number with respect to real numbers.",
            "Take jnp.mean of the loss, and differentiate with respect to float32 arrays.",
        ),
    ),
    (
        r"PRNG|single key",
        Cause(
            "uses something as a random key that is none",
            "A draw takes one key of jax.random.",
            "Write `key, other = jax.random.split(key)`, and draw once from each.",
        ),
    ),
    (
        r"positional argument|unexpected keyword|missing a required|multiple values for argument",
        Cause(
            "calls something with other arguments than it takes",
            "The names of parameters are a part of the contract.",
            "Compare the call with the signature.",
        ),
    ),
    (
        r"not a valid JAX type|abstract array|not a valid JAX array",
        Cause(
            "computes with something that is no array: a text, a list or an object",
            "A compiled program knows arrays, and trees of them, alone.",
            "Keep texts and objects in static fields, and hand on arrays: jnp.asarray(values).",
        ),
    ),
)
"""Causes of TypeError and ValueError by what their message matches."""
