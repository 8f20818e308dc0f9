"""Levels whose returns change."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Levels, Played, Scalar, Task, component, real
from discover_zoo.curricula.task_order.chances import by_progress
from discover_zoo.curricula.task_order.level_order import LevelOrder, first_rows, keep, no_levels, sums_by_level, taken


class Means(NamedTuple):
    """The knowledge of levels.

    Attributes:
        tasks: ``[N, ...]`` the levels.
        known: ``[N]`` which rows hold one.
        fast, slow: ``[N]`` two running means of the return on each.
    """

    tasks: Task
    known: jax.Array
    fast: jax.Array
    slow: jax.Array


@component
class LearningProgress(LevelOrder):
    """Levels in proportion to absolute learning progress: ``|fast - slow|``, two running means of the return on a level.

    After n episodes of mean return R on it, a mean goes by ``(1 - (1 - rate)^n) (R - mean)``; the first ones set both. The
    levels are the first ``size`` that the agent finishes. An episode is by choice with the probability ``share``; its level is
    drawn by ``(1 - uniform) * progress_i / sum_j progress_j + uniform / n`` of the n levels so far. All other episodes are on
    levels by the family, and their returns alone are reported.

    Progress is that of Portelas et al. 2020 and Kanitscheider et al. 2021. They estimate it otherwise: by regions of a space of
    tasks, and by rates of success.

    >>> from discover_zoo.environments.deep_sea import DeepSea
    >>> order = LearningProgress(size=2, uniform=0.2, share=0.5)
    >>> state = order.init(DeepSea())._replace(known=jnp.array([True, True]))
    >>> state = state._replace(fast=jnp.array([0.1, 0.5]), slow=jnp.array([0.0, 0.2]))
    >>> chances = order.levels(jax.random.key(0), DeepSea(), state, jnp.zeros(())).chances
    >>> [f"{chance:.2f}" for chance in chances[:2]]
    ['0.15', '0.35']

    Attributes:
        size: N, the most levels that are kept.
        fast_rate, slow_rate: of the two means.
        uniform: share of the uniform distribution over these levels.
        share: of the episodes on levels by choice.
        fresh: as in `LevelOrder`.
    """

    paper = "Portelas et al. 2020, arXiv 1910.07224; Kanitscheider et al. 2021, arXiv 2106.14876"

    size: Count = 64
    fast_rate: Scalar = real(0.3, low=0.001, high=1.0, scale="log")
    slow_rate: Scalar = real(0.05, low=0.001, high=1.0, scale="log")
    uniform: Scalar = real(0.2, low=0.0, high=1.0)
    share: Scalar = real(0.8, low=0.0, high=0.95)

    def init(self, family: Environment) -> Means:
        zeros = jnp.zeros(self.size)
        return Means(no_levels(family, self.size), jnp.zeros(self.size, bool), fast=zeros, slow=zeros)

    def levels(self, key: Key, family: Environment, state: Means, progress: jax.Array) -> Levels:
        chances = by_progress(jnp.abs(state.fast - state.slow), state.known, self.uniform)
        return self.table(state.tasks, self.share * chances, self.drawn(key, family))

    def learn(self, state: Means, played: Played) -> tuple[Means, jax.Array]:
        ended = played.trajectory.terminated | played.trajectory.truncated
        episodes, total = sums_by_level(played, ended, ended * played.episode_return)
        known, mean = first_rows(state.known, played.rows, False), total / jnp.maximum(episodes, 1.0)
        rows, moved = keep(jnp.where(known, 2.0, jnp.where(episodes > 0.0, 1.0, -jnp.inf)), self.size)

        def moved_mean(values: jax.Array, rate: Scalar) -> jax.Array:
            before = jnp.where(known, first_rows(values, played.rows, 0.0), mean)
            return before + (1.0 - (1.0 - rate) ** episodes) * (mean - before)

        fast, slow = moved_mean(state.fast, self.fast_rate), moved_mean(state.slow, self.slow_rate)
        every = Means(played.tasks, known | (episodes > 0.0), fast=fast, slow=slow)
        return taken(every, rows), moved
