"""The frame around every check: mistakes become sentences with a place, and draws from global generators are noticed."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from discover.components.component import Component
from discover.components.paths import nodes
from discover.contract.algorithm import Algorithm
from discover.testing.causes import depth_in, line_in, words_of
from discover.testing.failures import ConformanceError, require

P = ParamSpec("P")
C = TypeVar("C", bound=Component)
R = TypeVar("R")


def guarded(method: str) -> Callable[[Callable[Concatenate[C, P], R]], Callable[Concatenate[C, P], R]]:
    """A decorator for checks, which makes sentences of Python's own errors and says where the mistake is.

    Args:
        method: the method that is to blame unless an error says otherwise; empty for the class, whose methods are not checked.
    """

    def decorate(check: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
        @functools.wraps(check)
        def run(component: C, *args: P.args, **kwargs: P.kwargs) -> R:
            with _sentences(component, method), _no_global_draws(type(component).__name__):
                check_methods(component, complete=bool(method))
                return check(component, *args, **kwargs)

        return run

    return decorate


def check_methods(component: Component, *, complete: bool) -> None:
    """Check that a component has every method of its kind as a method, and every property as a property.

    Args:
        component: of any kind.
        complete: whether it must have all methods that its kind requires.
    """
    cls, name = type(component), type(component).__name__
    kind = next((base for base in cls.__mro__ if "kind" in vars(base)), cls)
    for attribute, declared in vars(kind).items():
        if attribute.startswith("_") and attribute != "__call__":
            continue
        own = inspect.getattr_static(cls, attribute)
        why = f"Every {cls.kind} is called in the same way."
        if inspect.isfunction(declared):
            required = "NotImplementedError" in declared.__code__.co_names
            remedy = f"Write `def {attribute}{_signature(declared)}`."
            require(not isinstance(own, property), f"{name}.{attribute} is a property, not a method.", why, remedy)
            require(callable(getattr(component, attribute)), f"{name}.{attribute} is no method.", why, remedy)
            missing = complete and required and own is declared
            require(not missing, f"{name} lacks the method '{attribute}'.", why, remedy)
            sentence = f"{name}.{attribute} takes {_signature(own)}, not {_signature(declared)}."
            require(not inspect.isfunction(own) or _takes(own, declared), sentence, why, remedy, method=attribute)
        elif isinstance(declared, property):
            remedy = f"Put @property above `def {attribute}(self)`."
            require(
                not inspect.isfunction(own), f"{name}.{attribute} is a method, not a property.", why, remedy, method=attribute
            )


def place_of(cls: type, method: str = "") -> str:
    """File and line of a method, or of the class if it does not have the method itself; empty without source code."""
    owner = inspect.getattr_static(cls, method, cls) if method else cls
    owner = getattr(owner, "fget", owner)
    own_file = _source_file(cls)
    target = owner if _source_file(owner) == own_file else cls
    try:
        return f"{own_file}:{inspect.getsourcelines(target)[1]}" if own_file else ""
    except (OSError, TypeError):
        return ""


def place_in(error: BaseException, folder: Path) -> str:
    """File and line of the innermost call of an error that lies below a folder; empty if there is none."""
    line = line_in(error, folder)
    return f"{line.filename}:{line.lineno}" if line is not None else ""


def told(error: Exception, component: Component, method: str) -> ConformanceError:
    """An error of Python or JAX as one of the conformance suite, with the place of the plugin's own line.

    Args:
        error: that was raised in a check.
        component: that was checked; of a candidate, all parts may be to blame.
        method: whose place stands for one that is not known.
    """
    parts = [part for _, part in nodes(component)] if isinstance(component, Algorithm) else []
    every = [component.rule if isinstance(component, Algorithm) else component, *parts]
    blamed = max(every, key=lambda part: depth_in(error, folder_of(type(part))))
    folder = folder_of(type(blamed))
    raised = ConformanceError(*words_of(error, type(blamed).__name__, folder))
    raised.place = (place_in(error, folder) if folder is not None else "") or place_of(type(blamed), method)
    return raised


def folder_of(cls: type) -> Path | None:
    """The folder of a plugin's own code: of its whole package, or that of its one file; None without source code."""
    file = _source_file(cls)
    if not file:
        return None
    package = sys.modules.get(cls.__module__.partition(".")[0])
    root = getattr(package, "__file__", None) if hasattr(package, "__path__") else None
    return Path(root).parent if root and Path(file).is_relative_to(Path(root).parent) else Path(file).parent


def traced_twice(function: Callable[..., Any], *args: Any) -> tuple[Any, bool]:
    """The shapes of a function's result, and whether two traces of it are the same program with the same constants.

    Raises:
        UnexpectedTracerError: the second trace uses an array that the first one left behind.
    """
    programs, shapes = [], None
    for _ in range(2):
        # A new function each time: JAX would remember the trace of the first.
        program, shapes = jax.make_jaxpr(lambda *values: function(*values), return_shape=True)(*args)
        programs.append(program)
        if any(isinstance(constant, Tracer) for constant in program.consts):
            raise jax.errors.UnexpectedTracerError("an array of an earlier trace")
    same = [[np.asarray(c).tobytes() for c in p.consts if not jnp.issubdtype(c.dtype, jax.dtypes.prng_key)] for p in programs]
    return shapes, same[0] == same[1] and _text(programs[0]) == _text(programs[1])


def _text(program: Any) -> str:
    return re.sub(r"0x[0-9a-f]+", "", str(program))


def _signature(function: Any) -> str:
    return f"({', '.join(inspect.signature(function).parameters)})"


def _takes(own: Any, declared: Any) -> bool:
    """Whether a method can be called as the one that its kind declares."""
    every = inspect.signature(declared).parameters.values()
    by_name = {each.name: each for each in every if each.kind is each.KEYWORD_ONLY}
    try:
        inspect.signature(own).bind(*[each for each in every if each.name not in by_name], **by_name)
    except TypeError:
        return False
    return True


def _source_file(owner: Any) -> str:
    try:
        return inspect.getsourcefile(inspect.unwrap(owner)) or ""
    except TypeError:
        return ""


@contextlib.contextmanager
def _sentences(component: Component, method: str) -> Iterator[None]:
    """Make a `ConformanceError` with a place of every error."""
    cls = type(component.rule if isinstance(component, Algorithm) else component)
    try:
        yield
    except ConformanceError as error:
        if not error.place:
            error.place = place_of(cls, error.method or method)
            for line in (error.why, error.remedy, error.place):
                error.add_note(line)
        raise
    except Exception as error:
        raised = told(error, component, method)
        for line in (raised.why, raised.remedy, raised.place):
            raised.add_note(line)
        raise raised from error


@contextlib.contextmanager
def _no_global_draws(name: str) -> Iterator[None]:
    """Refuse a check in which numbers were drawn from the global generator of NumPy."""
    before = _numpy_state()
    yield
    require(
        before == _numpy_state(),
        f"{name} draws from NumPy's global generator.",
        "All randomness comes from the key: the same key gives the same bits, and a trace would draw once for ever.",
        "Draw with jax.random from the key that the method receives.",
    )


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return name, np.asarray(keys).tobytes(), *rest
