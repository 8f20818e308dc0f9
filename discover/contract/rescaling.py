"""The normalizer at work on one step of all environments."""

from __future__ import annotations

from typing import NamedTuple

import jax

from discover.contract.actor import where
from discover.contract.environment import Step
from discover.contract.normalizer import Normalizer
from discover.contract.types import Statistics


class Rescaled(NamedTuple):
    """Observations and reward of one step after the normalizer, and its statistics after that step.

    Attributes:
        statistics: of the normalizer.
        observation: ``[B, ...]`` from which the agent goes on, after any reset.
        next_observation: ``[B, ...]`` the true next one, before any reset.
        reward: ``[B]``.
    """

    statistics: Statistics
    observation: jax.Array
    next_observation: jax.Array
    reward: jax.Array


def rescale(
    normalizer: Normalizer | None, statistics: Statistics, step: Step, *, fresh: jax.Array, done: jax.Array
) -> Rescaled:
    """Count a step and rescale it.

    Args:
        normalizer: None leaves it as it is.
        statistics: before the step.
        step: of B environments, its reward in float32.
        fresh: ``[B, ...]`` the observations after any reset.
        done: ``[B]`` which episodes ended.
    """
    if normalizer is None:
        return Rescaled(statistics, fresh, step.observation, step.reward)
    statistics, observation = normalizer.update(statistics, fresh)
    true_next = normalizer.normalize(statistics, step.observation)
    statistics, reward = normalizer.update_reward(statistics, step.reward, done)
    return Rescaled(statistics, observation, where(done, true_next, observation), reward)
