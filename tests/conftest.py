"""What tests of all folders use."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import jax
import pytest


class Compilations(logging.Handler):
    """Counts the programs that JAX compiles."""

    def __init__(self) -> None:
        super().__init__()
        self.compiled = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.compiled += record.getMessage().startswith("Compiling ")


@pytest.fixture
def compilations() -> Callable[[], AbstractContextManager[Compilations]]:
    """``with compilations() as count: ...``; then ``count.compiled`` is how many programs were compiled inside."""

    @contextlib.contextmanager
    def counting() -> Iterator[Compilations]:
        count, logger = Compilations(), logging.getLogger("jax")
        propagate, logger.propagate = logger.propagate, False
        logger.addHandler(count)
        try:
            with jax.log_compiles():
                yield count
        finally:
            logger.removeHandler(count)
            logger.propagate = propagate

    return counting
