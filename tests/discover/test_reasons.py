"""Reasons name what broke and where, in a line; what stops a command is no reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from discover.errors import UserError
from discover.reasons import LONGEST, from_callback, quiet_callbacks, reason, stop_in


class OwnStop(BaseException):
    """As the core may raise it."""


class WordlessError(Exception):
    """As a component may raise it."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


OwnStop.__module__ = "discover.cli.guard"


def raised(work: Callable[[], Any]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever it is
        work()
    return caught.value


def fail(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (ValueError(), "ValueError"),
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit(), "GeneratorExit"),
        (WordlessError(), "WordlessError"),
        (UserError("steps must be 1; got 2."), "steps must be 1; got 2"),
    ],
)
def test_a_reason_is_type_text_and_the_innermost_line_of_the_users(error: BaseException, told: str) -> None:
    found = reason(raised(lambda: jax.eval_shape(lambda x: fail(error), np.zeros(2))))
    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if text == "    raise error")
    assert found == f"{told}, in discover/test_reasons.py:{line}"


def test_a_reason_is_short() -> None:
    found = reason(raised(lambda: fail(ValueError("x" * 10_000))))
    assert len(found) <= LONGEST
    assert found.startswith("ValueError: xxx")
    assert ", in discover/test_reasons.py:" in found


def called(error: BaseException) -> BaseException:
    def run() -> Any:
        with quiet_callbacks():
            shape = jax.ShapeDtypeStruct((), np.float32)
            return jax.jit(lambda: jax.pure_callback(lambda: fail(error), shape))().block_until_ready()

    return raised(run)


def test_what_a_host_callback_raised_is_found_again(capfd: pytest.CaptureFixture[str]) -> None:
    error = called(ValueError("told\nbelow"))
    assert from_callback(error)
    assert reason(error).startswith("ValueError: told, in discover/test_reasons.py:")
    assert "Traceback" not in capfd.readouterr().err


def test_only_ctrl_c_and_stops_of_ours_stop() -> None:
    for passing in (ValueError(), WordlessError(), SystemExit(1), GeneratorExit(), UserError("x"), called(SystemExit(0))):
        assert stop_in(passing) is None
    for stopping in (KeyboardInterrupt(), OwnStop()):
        assert stop_in(stopping) is stopping
    assert isinstance(stop_in(called(KeyboardInterrupt())), KeyboardInterrupt)
