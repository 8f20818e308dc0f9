"""Programs of checks: compiled with little effort, since each runs a few times on small arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from discover.process.compiler_options import known_on_cpu

_LITTLE_EFFORT = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Options for CPUs with which a small program is compiled in a fifth of the usual time, and runs half as fast."""


def quickly_compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled with little effort.

    >>> quickly_compiled(lambda x: x + 1.0)(1.0).item()
    2.0
    """
    return jax.jit(function, compiler_options=known_on_cpu(_LITTLE_EFFORT))
