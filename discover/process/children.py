"""Processes of Python that do work for this one."""

from __future__ import annotations

import os
import sys

from discover.process.jax_settings import OF_BITS, OF_MACHINE

SETTINGS = (*OF_BITS, *OF_MACHINE, "jax_num_cpu_devices")
"""Settings of JAX that a child process takes over."""


def command_of(module: str) -> tuple[str, ...]:
    """The command that runs a module in the Python of this process.

    >>> command_of("discover.outer_loop.worker")[1:]
    ('-P', '-m', 'discover.outer_loop.worker')
    """
    return sys.executable, "-P", "-m", module


def environment_of_children() -> dict[str, str]:
    """The environment in which a child process finds the modules that this one finds."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths}
