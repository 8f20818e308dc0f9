"""What became of lifetimes, read off their curves."""

from __future__ import annotations

import numpy as np

from discover.contract.events import Status
from discover.contract.executor import Curves


def statuses(curves: Curves) -> np.ndarray:
    """``[P, S]`` of `Status`, from the curves of a population."""
    status = np.full(curves.finite.shape, Status.OK, np.int8)
    status[np.isnan(curves.episode_return).any(axis=-1)] = Status.NO_EPISODE
    status[~curves.finite | np.isinf(curves.episode_return).any(axis=-1)] = Status.NOT_FINITE
    return status
