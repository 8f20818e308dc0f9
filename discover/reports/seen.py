"""Which tasks a search has seen, and which it may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discover.config.seen import SEEN_BEFORE, seen_in_config
from discover.config.splits import SPLIT
from discover.contract.results import Comparison


def told_of_seen(config: Mapping[str, Any], comparison: Comparison | None) -> tuple[str, ...]:
    """A sentence about the tasks that a search has seen, and about those of its report.

    There is none for a search without a split that began with nothing that another search had found.

    Args:
        config: of the search, as it stands in its directory.
        comparison: of its report.
    """
    if not isinstance(config.get(SPLIT), Mapping) and not config.get(SEEN_BEFORE):
        return ()
    return (seen_in_config(config).sentence(None if comparison is None else comparison.runs, "its report"),)
