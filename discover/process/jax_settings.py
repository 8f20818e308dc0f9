"""Settings of JAX that a process which does work for another one takes over from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

OF_BITS = (
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_enable_x64",
    "jax_threefry_partitionable",
)
"""Those on which bits depend."""

OF_MACHINE = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs", "jax_platforms")
"""Those that make sense on the same machine alone: its devices, and the folder of compiled programs."""


def jax_settings(names: Sequence[str]) -> dict[str, Any]:
    """The values of settings; those that this version of JAX does not have are left out."""
    return {name: jax.config.values[name] for name in names if name in jax.config.values}


def take_jax_settings(settings: Mapping[str, Any]) -> None:
    """Set them in this process, before JAX starts."""
    for name, value in settings.items():
        if jax.config.values[name] != value:
            jax.config.update(name, value)
