"""The files of a run that a report is made of: its comparison, and the history of its population."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from discover import HISTORY_FOLDER, REPORT_FILE, Comparison, UserError, comparison_bytes

if TYPE_CHECKING:
    from discover_mlflow.session import Session


def add_comparison(session: Session, comparison: Comparison) -> None:
    """Add the file of a comparison, or of a training alone, to the artifacts of a run."""
    with contextlib.suppress(UserError):  # it was put together by hand, so that nothing says what its candidates are
        session.file(REPORT_FILE, comparison_bytes(comparison))


def add_history(session: Session, directory: Path) -> None:
    """Add the history of a population to the artifacts of a run.

    Args:
        session: of the run.
        directory: of the search.
    """
    for path in sorted((directory / HISTORY_FOLDER).glob("generations_*.npz")):
        session.file(f"{HISTORY_FOLDER}/{path.name}", path.read_bytes())
