"""Memory that goes back to the system once compiled programs are forgotten, and when some must be."""

import contextlib
import ctypes
import gc
import threading
from pathlib import Path

import jax

EVERY = 16
"""Programs that are forgotten between two clearings, each of which costs some tenths of a second."""

CROWDED = 0.75
"""The share of the mappings of memory that Linux gives a process (65,530 by default) from which on programs are forgotten."""

_MAPS, _MOST_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")

_lock = threading.Lock()
_forgotten = 0


def forget(programs: int, *, at_once: bool = False) -> None:
    """Give memory back, from time to time: some compiled programs are not held any more.

    JAX keeps what it traced for a structure, also where the functions are its own (`jax.numpy.where` on another shape), and the
    system's allocator keeps what the compiler freed: 2 and 10 MB a structure, measured with A2C. Whoever holds a compiled
    program keeps it; functions of `jax.jit` are traced again at their next call.

    Args:
        programs: how many.
        at_once: whether memory is short, so that a few are worth it.
    """
    global _forgotten
    with _lock:
        _forgotten += programs
        if _forgotten < (1 if at_once else EVERY):
            return
        _forgotten = 0
    gc.collect()
    jax.clear_caches()
    _return_to_system()


def is_crowded() -> bool:
    """Whether few mappings of memory are left: a structure takes about 900 of them, and XLA aborts Python without one."""
    try:
        return _MAPS.read_bytes().count(b"\n") > CROWDED * int(_MOST_MAPS.read_bytes())
    except (OSError, ValueError):  # not Linux
        return False


def _return_to_system() -> None:
    """Have the allocator return what is free, if it is that of GNU."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
