"""Reasons why a candidate broke, each in one line, and the errors that must stop the command nevertheless."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import jax
import jaxlib
import numpy as np
import optax

from discover.base.errors import DiscoverError, EvaluationError, cut, message_of

LONGEST = 200
"""Most characters of a reason."""

_CALLBACKS = "jax._src.callback"  # the logger by which JAX prints the traceback of every host callback that fails
_FRAME = re.compile(r'^ *File "(.*)", line (\d+)', re.MULTILINE)
_MODULES = (jax.__file__, jaxlib.__file__, np.__file__, optax.__file__, __file__)
_LIBRARIES = tuple(f"{Path(file).parent}{os.sep}" for file in _MODULES if file)
_STANDARD = sysconfig.get_paths()["stdlib"]


def stop_in(error: BaseException) -> BaseException | None:
    """The exception that must stop the command: ctrl-C, or a request of this package to end. None for all other errors.

    A host callback may run in the main thread; then JAX reports a ctrl-C that reached it as an error of its own.
    """
    if from_callback(error) and _last_line(message_of(error)).startswith("KeyboardInterrupt"):
        return KeyboardInterrupt()
    ours = isinstance(error, KeyboardInterrupt) or type(error).__module__.split(".")[0] == "discover"
    return error if ours and not isinstance(error, Exception) else None


def from_callback(error: BaseException) -> bool:
    """Whether a host callback failed. It may fail for the numbers of some members only."""
    return isinstance(error, jax.errors.JaxRuntimeError | ValueError) and "error calling callback" in message_of(error).lower()


def reason(error: BaseException) -> str:
    """The type and message of an error, and the innermost line of code outside of JAX, Python and this package."""
    text = message_of(error)
    if from_callback(error):
        what, places = _last_line(text), [(name, int(line)) for name, line in _FRAME.findall(text)]
    else:
        what = text.strip().partition("\n")[0].rstrip(".")
        what = what if isinstance(error, DiscoverError) else f"{type(error).__name__}: {what}".rstrip(": ")
        places = list(_frames(error))
    own = [place for place in places if not _is_library(place[0])]
    where = f", in {'/'.join(Path(own[-1][0]).parts[-2:])}:{own[-1][1]}" if own else ""
    return cut(what, LONGEST - len(where)) + where


@contextlib.contextmanager
def translate_errors(failure: str, remedy: str) -> Iterator[None]:
    """Turn every error of a component into one sentence. Requests to stop and errors of type `DiscoverError` pass unchanged.

    Args:
        failure: beginning of the sentence.
        remedy: its end.

    Raises:
        EvaluationError: the failure, its reason and the remedy, in one sentence.
    """
    try:
        with quiet_callbacks():
            yield
    except DiscoverError:
        raise
    except BaseException as error:
        raise stop_in(error) or EvaluationError(f"{failure} ({reason(error)}): {remedy}.") from error


@contextlib.contextmanager
def quiet_callbacks() -> Iterator[None]:
    """Keep JAX from printing the traceback of a host callback that fails, now and when Python ends: `reason` reports it."""
    _quiet.begin()
    try:
        yield
    except BaseException as error:
        if from_callback(error):
            _forget_failure()
        raise
    finally:
        _quiet.end()


class _Quiet:
    """The level of JAX's logger of callbacks, raised as long as any thread wants it."""

    def __init__(self) -> None:
        self._logger, self._lock = logging.getLogger(_CALLBACKS), threading.Lock()
        self._wanted, self._before = 0, 0

    def begin(self) -> None:
        with self._lock:
            self._wanted += 1
            if self._wanted == 1:
                self._before = self._logger.level
                self._logger.setLevel(logging.CRITICAL + 1)

    def end(self) -> None:
        with self._lock:
            self._wanted -= 1
            if self._wanted == 0:
                self._logger.setLevel(self._before)


_quiet = _Quiet()


def _forget_failure() -> None:
    """Run a callback that succeeds on each device: when Python ends, it waits for the last one, and prints its failure."""
    done = jax.jit(lambda x: (jax.debug.callback(lambda: None), x + 1)[1])
    for device in jax.devices():
        done(jax.device_put(0, device)).block_until_ready()


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    """File and line of each frame, the innermost last."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def _last_line(text: str) -> str:
    """The last line of a printed traceback: the first line below its last frame that is not indented."""
    frames = list(_FRAME.finditer(text))
    below = text[frames[-1].end() :].splitlines()[1:] if frames else text.splitlines()
    return next((line.rstrip(".: ") for line in below if line and not line.startswith(" ")), "")


def _is_library(file: str) -> bool:
    standard = file.startswith(_STANDARD) and "site-packages" not in file
    return standard or file.startswith((*_LIBRARIES, "<"))
