"""Checks of a list of tasks, from a config or a command."""

from __future__ import annotations

from collections.abc import Sequence

from discover.base.errors import UserError
from discover.contract.events import TaskRun


def check_distinct(runs: Sequence[TaskRun], where: str) -> None:
    """Check that no run is given twice: it would count twice in whatever is reported.

    Raises:
        UserError: one is, however it is spelled.
    """
    for index, run in enumerate(runs):
        if run in runs[:index]:
            raise UserError(f"{where}: '{run.label}' is given twice: leave one out.")
