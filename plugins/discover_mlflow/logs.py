"""MLflow's own logs, tracebacks and warnings: they go into a file beside a ledger, never to the terminal."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from discover import DiscoverWarning

_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "huey")
_SHARED = ("urllib3", "requests")  # other programs log by them too
_MOST_BYTES = 1_000_000  # of a log; the one before it stays
_here = threading.local()
_default: Path | None = None  # of threads that MLflow starts


def log_path(folder: Path) -> Path:
    """The log of MLflow while the ledger in ``folder`` is sent."""
    return folder / "mlflow.log"


def divert(path: Path) -> None:
    """Write MLflow's logs of this thread, and of those that it starts, to a file."""
    global _default
    _here.path = _default = path
    _divert_warnings()


@contextlib.contextmanager
def diverted_aside() -> Iterator[Path]:
    """Write MLflow's logs to a temporary file in the meantime, which stays only if an error that names it ends this."""
    global _default
    descriptor, name = tempfile.mkstemp(prefix="discover-mlflow-", suffix=".log")
    os.close(descriptor)
    path, before, default = Path(name), getattr(_here, "path", None), _default
    divert(path)
    named = False
    try:
        yield path
    except Exception as error:
        named = str(path) in str(error)
        raise
    finally:
        _here.path, _default = before, default
        if not named:
            path.unlink()


def log_clause(path: Path) -> str:
    """The part of a sentence that names a log, empty if the log is."""
    return f"; MLflow's own words lie in {path}" if path.exists() and path.stat().st_size else ""


def take_over() -> None:
    """Redirect MLflow's loggers; call it once MLflow is imported. Further calls do no harm."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_HANDLER], False
        if logger.level in (logging.NOTSET, logging.DEBUG, logging.INFO):
            logger.setLevel(logging.WARNING)
    for name in _SHARED:
        logger = logging.getLogger(name)
        if _HANDLER not in logger.handlers:
            logger.addHandler(_HANDLER)  # a record without a handler would be printed


class _ToFile(logging.Handler):
    """Appends to the file of the thread that logs; a record that cannot be written is dropped."""

    def emit(self, record: logging.LogRecord) -> None:
        path = getattr(_here, "path", None) or _default
        if path is not None:
            _append(path, self.format(record))


def _append(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            os.replace(path, path.with_name(path.name + ".1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # it may name what is secret
        with open(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")


def _divert_warnings() -> None:
    """Write the warnings of diverted threads to their files too, but for those of this package."""
    original = warnings.showwarning
    if getattr(original, "diverts", False):
        return

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        path = getattr(_here, "path", None)
        if path is None or issubclass(category, DiscoverWarning):
            original(message, category, filename, lineno, file=file, line=line)
        else:
            _append(path, warnings.formatwarning(message, category, filename, lineno, line=line).rstrip())

    show.diverts = True  # type: ignore[attr-defined]
    warnings.showwarning = show


_HANDLER = _ToFile()
_HANDLER.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
