"""Memory that goes back to the system once compiled programs are forgotten."""

import contextlib
import ctypes
import gc
import threading

import jax

EVERY = 16
"""Programs that are forgotten between two clearings, each of which costs some tenths of a second."""

_lock = threading.Lock()
_forgotten = 0


def forget(programs: int) -> None:
    """Give memory back, from time to time: some compiled programs are not held any more.

    JAX keeps what it traced for a structure, also where the functions are its own (`jax.numpy.where` on another shape), and the
    system's allocator keeps what the compiler freed: 2 and 10 MB a structure, measured with A2C. Whoever holds a compiled
    program keeps it; functions of `jax.jit` are traced again at their next call.

    Args:
        programs: how many.
    """
    global _forgotten
    with _lock:
        _forgotten += programs
        if _forgotten < EVERY:
            return
        _forgotten = 0
    gc.collect()
    jax.clear_caches()
    _return_to_system()


def _return_to_system() -> None:
    """Have the allocator return what is free, if it is that of GNU."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
