"""The outcomes of lifetimes, as their curves show them."""

from __future__ import annotations

import numpy as np

from discover.contract.events import Status
from discover.contract.executor import Curves


def statuses(curves: Curves) -> np.ndarray:
    """The `Status` of every lifetime of a population, ``[P, S]``.

    >>> returns = np.array([[[1.0, 2.0]], [[np.nan, np.nan]]])
    >>> finite = np.array([[True], [True]])
    >>> statuses(Curves(returns, returns, {}, finite=finite, env_steps=np.array([[8], [8]])))
    array([[0],
           [2]], dtype=int8)
    """
    status = np.full(curves.finite.shape, Status.OK, np.int8)
    status[np.isnan(curves.episode_return).any(axis=-1)] = Status.NO_EPISODE
    status[~curves.finite | np.isinf(curves.episode_return).any(axis=-1)] = Status.NOT_FINITE
    return status
