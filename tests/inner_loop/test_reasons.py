"""Reasons name what broke and where, in a line; what stops a command is no reason."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover.base.errors import DiscoverError, EvaluationError, PluginError, StorageError, UserError
from discover.inner_loop.reasons import LONGEST, from_callback, quiet_callbacks, reason, stop_in


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
    assert found == f"{told}, in inner_loop/test_reasons.py:{line}"


def test_a_reason_is_short() -> None:
    found = reason(raised(lambda: fail(ValueError("x" * 10_000))))
    assert len(found) == LONGEST
    assert found.startswith("ValueError: xxx")
    assert ", in inner_loop/test_reasons.py:" in found


def called(error: BaseException) -> BaseException:
    def run() -> Any:
        with quiet_callbacks():
            shape = jax.ShapeDtypeStruct((), np.float32)
            return jax.jit(lambda: jax.pure_callback(lambda: fail(error), shape))().block_until_ready()

    return raised(run)


def test_what_a_host_callback_raised_is_found_again(capfd: pytest.CaptureFixture[str]) -> None:
    error = called(ValueError("told\nbelow"))
    assert from_callback(error)
    assert reason(error).startswith("ValueError: told, in inner_loop/test_reasons.py:")
    assert "Traceback" not in capfd.readouterr().err


def test_a_host_callback_that_failed_on_several_devices_says_nothing_when_python_ends() -> None:
    """Python waits then for the last callback of each device, as `jax.effects_barrier` does."""
    shape, devices = jax.ShapeDtypeStruct((1,), np.float32), jax.devices()
    assert len(devices) > 1
    mesh, split = jax.sharding.Mesh(np.array(devices), ("device",)), jax.sharding.PartitionSpec("device")

    def each(part: jax.Array) -> jax.Array:
        return jax.pure_callback(lambda _: fail(ValueError("told")), shape, part)

    def run() -> Any:
        with quiet_callbacks():
            sharded = jax.shard_map(each, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)
            return jax.jit(sharded)(jnp.zeros(len(devices))).block_until_ready()

    assert from_callback(raised(run))
    jax.effects_barrier()


def test_only_ctrl_c_and_stops_of_ours_stop() -> None:
    for passing in (ValueError(), WordlessError(), SystemExit(1), GeneratorExit(), UserError("x"), called(SystemExit(0))):
        assert stop_in(passing) is None
    for stopping in (KeyboardInterrupt(), OwnStop()):
        assert stop_in(stopping) is stopping
    assert isinstance(stop_in(called(KeyboardInterrupt())), KeyboardInterrupt)


def test_mistakes_of_the_user_end_with_status_2_and_other_failures_with_status_1() -> None:
    assert {error.exit_status for error in (UserError, PluginError)} == {2}
    assert {error.exit_status for error in (DiscoverError, EvaluationError, StorageError)} == {1}


def test_code_of_libraries_is_never_where_it_broke() -> None:
    """Python's own, NumPy's and JAX's: it was called wrongly."""
    calls: list[Callable[[], Any]] = [
        lambda: json.loads("x"),
        lambda: np.reshape(np.zeros(3), 2),
        lambda: jnp.reshape(jnp.zeros(3), 2),
        lambda: getattr(np, "none"),  # noqa: B009  raised within NumPy's module
    ]
    for call in calls:
        line = call.__code__.co_firstlineno
        assert reason(raised(call)).endswith(f", in inner_loop/test_reasons.py:{line}")


def test_the_level_of_jaxs_logger_is_as_it_was_whatever_happened() -> None:
    logger = logging.getLogger("jax._src.callback")
    before = logger.level
    logger.setLevel(17)
    try:
        with quiet_callbacks():
            assert logger.level > logging.CRITICAL
        assert logger.level == 17
        called(ValueError("told"))
        assert logger.level == 17
    finally:
        logger.setLevel(before)
