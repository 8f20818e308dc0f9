"""Second compilations of what is the same program."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator

import jax


def changed_weak_type(before: object, after: object) -> str | None:
    """The path of the first leaf that is weakly typed in one of two trees of the same structure, but not in the other.

    A number of Python that enters a state (``0.0`` for ``jnp.float32(0)``) is weakly typed. The program that receives it is
    compiled again as soon as a computed number takes its place.

    >>> import jax.numpy as jnp
    >>> changed_weak_type({"count": jnp.zeros(()) + 1}, {"count": jnp.zeros(())})
    >>> changed_weak_type({"count": jnp.asarray(0.0)}, {"count": jnp.zeros(())})
    'count'
    """
    one, other = (jax.tree_util.tree_leaves_with_path(tree) for tree in (before, after))
    for (path, x), (_, y) in zip(one, other, strict=True):
        if getattr(x, "weak_type", False) != getattr(y, "weak_type", False):
            return jax.tree_util.keystr(path, simple=True, separator=".") or "it"
    return None


class Compilations(logging.Handler):
    """Counts the programs that JAX compiles.

    Attributes:
        programs: how often each one was, by the name of the function.
    """

    def __init__(self) -> None:
        super().__init__()
        self.programs = Counter[str]()

    @property
    def compiled(self) -> int:
        """How many so far."""
        return self.programs.total()

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().split()
        if words[:1] == ["Compiling"]:
            self.programs[words[1].removeprefix("jit(").removesuffix(")")] += 1


@contextlib.contextmanager
def counted_compilations() -> Iterator[Compilations]:
    """``with counted_compilations() as count: ...``; then ``count.compiled`` is the number of programs compiled inside."""
    count, logger = Compilations(), logging.getLogger("jax")
    propagate, logger.propagate = logger.propagate, False
    before = jax.config.values["jax_log_compiles"]
    logger.addHandler(count)
    jax.config.update("jax_log_compiles", True)  # in all threads: `jax.log_compiles` is for one
    try:
        yield count
    finally:
        jax.config.update("jax_log_compiles", before)
        logger.removeHandler(count)
        logger.propagate = propagate
