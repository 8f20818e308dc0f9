"""Estimates of searches from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from discover.api.loaded import plugins
from discover.api.searching import config_words

if TYPE_CHECKING:
    from discover.components.component import Component
    from discover.outer_loop.estimate import Estimate


def estimate(
    config: str | os.PathLike[str] | Mapping[str, Any] | Component,
    *,
    overrides: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Estimate:
    """Estimate what a search would cost, by a rehearsal of it all with lifetimes of a few updates.

    Args:
        config, overrides, settings: see `search`.

    Returns:
        Structures, compilations, env steps, time and memory; it prints as a table.

    Raises:
        UserError: the config has a mistake.
    """
    from discover.outer_loop.estimating import estimate as estimated

    return estimated(plugins(), config_words(config, overrides, settings))
