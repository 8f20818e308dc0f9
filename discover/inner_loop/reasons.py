"""Why a candidate broke, in a line that is enough to understand it; and what must stop a command all the same."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import jax
import jaxlib
import numpy as np
import optax

from discover.base.errors import DiscoverError, EvaluationError, cut, message_of

LONGEST = 200
"""Characters of a reason."""

_CALLBACKS = "jax._src.callback"  # the logger by which JAX prints the traceback of every host callback that fails
_FRAME = re.compile(r'^ *File "(.*)", line (\d+)', re.MULTILINE)
_MODULES = (jax.__file__, jaxlib.__file__, np.__file__, optax.__file__, __file__)
_LIBRARIES = tuple(f"{Path(file).parent}{os.sep}" for file in _MODULES if file)
_STANDARD = sysconfig.get_paths()["stdlib"]


def stop_in(error: BaseException) -> BaseException | None:
    """What must stop the command, if an error does: the user's ctrl-C, or a stop of ours; any other costs a candidate alone.

    A host callback may run in the main thread: then JAX reports the ctrl-C that reached it as an error of its own.
    """
    if from_callback(error) and _last_line(message_of(error)).startswith("KeyboardInterrupt"):
        return KeyboardInterrupt()
    ours = isinstance(error, KeyboardInterrupt) or type(error).__module__.split(".")[0] == "discover"
    return error if ours and not isinstance(error, Exception) else None


def from_callback(error: BaseException) -> bool:
    """Whether a host callback failed, which it may do for the values of some members alone."""
    return isinstance(error, jax.errors.JaxRuntimeError | ValueError) and "error calling callback" in message_of(error).lower()


def reason(error: BaseException) -> str:
    """Type and text of an error, and the innermost line of code that is neither JAX's, Python's nor the core's."""
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
def blamed(failure: str, remedy: str) -> Iterator[None]:
    """What a component raises meanwhile is its own failure; a stop of the command passes, and so does a sentence of ours.

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
    """Keep JAX from printing the tracebacks of host callbacks that fail, now and when Python ends: a reason is reported."""
    logger = logging.getLogger(_CALLBACKS)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except BaseException as error:
        if from_callback(error):
            _forget_failure()
        raise
    finally:
        logger.setLevel(before)


def _forget_failure() -> None:
    """Give each device a callback that succeeds: at its end Python waits for the last one, and prints how that failed."""
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
    """What a printed traceback ends with: the line below its last frame that is not indented."""
    frames = list(_FRAME.finditer(text))
    below = text[frames[-1].end() :].splitlines()[1:] if frames else text.splitlines()
    return next((line.rstrip(".: ") for line in below if line and not line.startswith(" ")), "")


def _is_library(file: str) -> bool:
    standard = file.startswith(_STANDARD) and "site-packages" not in file
    return standard or file.startswith((*_LIBRARIES, "<"))
