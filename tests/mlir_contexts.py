"""MLIR's contexts, kept: to make one for every small program takes a fifth of the time that compiling takes."""

import threading
from collections.abc import Callable
from typing import Any

from jax._src.interpreters import mlir

MOST_USES = 500
"""A context keeps what it has ever been told, such as places in the source: it is not used without end."""


def keep_contexts() -> None:
    """Have JAX use the context of a thread again for its next programs; a JAX without this name works as always."""
    if make := getattr(mlir, "make_ir_context", None):
        mlir.make_ir_context = kept(make)


def kept(make: Callable[[], Any]) -> Callable[[], Any]:
    """A function that makes a context, once in many calls of a thread."""
    of_thread = threading.local()

    def context() -> Any:
        if getattr(of_thread, "left", 0) == 0:
            of_thread.context, of_thread.left = make(), MOST_USES
        of_thread.left -= 1
        return of_thread.context

    return context
