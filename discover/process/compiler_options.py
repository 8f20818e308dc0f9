"""Options of XLA's compiler for CPUs."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp


def known_on_cpu(options: Mapping[str, str | float]) -> dict[str, str | float]:
    """The options without those that this version of XLA does not know; none of them where JAX computes elsewhere.

    >>> known_on_cpu({"xla_no_such_option": 1})
    {}
    """
    if jax.default_backend() != "cpu":
        return {}
    return {name: value for name, value in options.items() if _is_known(name, value)}


@functools.cache
def _is_known(option: str, value: str | float) -> bool:
    """Whether XLA knows a compiler option; its versions differ in that."""
    try:
        jax.jit(lambda: jnp.zeros(()), compiler_options={option: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
