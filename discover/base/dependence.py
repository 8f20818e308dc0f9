"""The inputs on which the outputs of a traced program depend."""

from __future__ import annotations

from collections.abc import Sequence

from jax.extend import core


def depends(program: core.Jaxpr, inputs: Sequence[bool]) -> list[bool]:
    """Whether each output depends on one of some inputs; an output that always has one value depends on none.

    Args:
        program: a traced function.
        inputs: for each input, whether it counts.

    >>> import jax
    >>> depends(jax.make_jaxpr(lambda x, y: (x + 1, 2 * y, 3))(0, 0).jaxpr, [True, False])
    [True, False, False]
    """
    known = {variable for variable, counts in zip(program.invars, inputs, strict=True) if counts}
    for equation in program.eqns:
        given = [_is_in(variable, known) for variable in equation.invars]
        if equation.primitive.name in ("jit", "pjit"):
            results = depends(equation.params["jaxpr"].jaxpr, given)
        else:
            results = [any(given)] * len(equation.outvars)
        known |= {variable for variable, result in zip(equation.outvars, results, strict=True) if result}
    return [_is_in(variable, known) for variable in program.outvars]


def _is_in(variable: core.Var | core.Literal, known: set[core.Var]) -> bool:
    return not isinstance(variable, core.Literal) and variable in known
