"""Levels whose values are too low: prioritized level replay."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Levels, Played, Scalar, Task, Trajectory, UserError, component, real
from discover_zoo.curricula.task_order.chances import by_rank, with_staleness
from discover_zoo.curricula.task_order.level_order import LevelOrder, first_rows, keep, no_levels, sums_by_level, taken


class Scores(NamedTuple):
    """The knowledge of levels.

    Attributes:
        tasks: ``[N, ...]`` the levels.
        known: ``[N]`` which rows hold one.
        score: ``[N]`` of each.
        last: ``[N]`` the number of episodes that had begun when it was last played.
        episodes: episodes that have begun.
    """

    tasks: Task
    known: jax.Array
    score: jax.Array
    last: jax.Array
    episodes: jax.Array


@component
class Regret(LevelOrder):
    """Prioritized level replay (Jiang et al. 2021): levels on which the agent gets more than it expects.

    The score of a level is the mean of ``max(A_t, 0)`` over its steps in the last update in which it was played, where A is the
    generalized advantage with ``gamma`` and ``lam`` (the one-step error if ``lam`` is 0). The ``size`` levels of the highest
    scores are kept. An episode is a replay with the probability ``share``; its level is then drawn by
    ``(1 - staleness) * P_S + staleness * P_C``, where ``P_S`` goes with ``(1 / rank)^(1 / temperature)`` of the score, and
    ``P_C`` with the number of episodes since the level was last played. All other episodes are on levels by the family, and
    their returns alone are reported.

    An advantage ends with the last step of an update, and at a time limit: the value of what follows there is not known, and
    these steps do not count. In the paper a score is renewed by whole episodes.

    >>> from discover_zoo.environments.deep_sea import DeepSea
    >>> order, known = Regret(size=2, temperature=1.0, staleness=0.4, share=0.5), jnp.array([True, True])
    >>> state = order.init(DeepSea())._replace(known=known, score=jnp.array([0.1, 0.5]))
    >>> state = state._replace(last=jnp.array([7, 9]), episodes=jnp.int32(10))
    >>> chances = order.levels(jax.random.key(0), DeepSea(), state, jnp.zeros(())).chances
    >>> [f"{chance:.2f}" for chance in chances[:2]]  # half of 0.6 P_S + 0.4 P_C
    ['0.25', '0.25']

    Attributes:
        size: N, the most levels that are kept.
        temperature: beta, of the ranks.
        staleness: rho, the share of what has not been played for long.
        gamma, lam: of the advantage.
        share: of the episodes that are replays.
        fresh: as in `LevelOrder`.

    Raises:
        UserError: the rule has no value of states.
    """

    paper = "Jiang et al. 2021, Prioritized level replay, arXiv 2010.03934; Jiang et al. 2021, arXiv 2110.02439"

    size: Count = 64
    temperature: Scalar = real(0.1, low=0.01, high=10.0, scale="log")
    staleness: Scalar = real(0.1, low=0.0, high=1.0)
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)
    share: Scalar = real(0.8, low=0.0, high=0.95)

    def init(self, family: Environment) -> Scores:
        none = jnp.zeros(self.size, jnp.int32)
        tasks, known = no_levels(family, self.size), jnp.zeros(self.size, bool)
        return Scores(tasks, known, score=jnp.zeros(self.size), last=none, episodes=jnp.int32(0))

    def levels(self, key: Key, family: Environment, state: Scores, progress: jax.Array) -> Levels:
        ranked = by_rank(state.score, state.known, self.temperature)
        age = jnp.where(state.known, state.episodes - state.last, 0)
        chances = with_staleness(ranked, age, self.staleness)
        return self.table(state.tasks, self.share * chances, self.drawn(key, family))

    def learn(self, state: Scores, played: Played) -> tuple[Scores, jax.Array]:
        gain, counts = positive_errors(played.trajectory, self.gamma, self.lam)
        total, steps = sums_by_level(played, gain, counts)
        begun, scored = state.episodes + jnp.sum(played.trajectory.is_first, dtype=jnp.int32), steps > 0.0
        old = first_rows(state.score, played.rows, 0.0)
        every = Scores(
            tasks=played.tasks,
            known=first_rows(state.known, played.rows, False) | scored,
            score=jnp.where(scored, total / jnp.maximum(steps, 1.0), old),
            last=jnp.where(scored, begun, first_rows(state.last, played.rows, 0)),
            episodes=begun,
        )
        rows, moved = keep(jnp.where(every.known, every.score, -jnp.inf), self.size)
        return taken(every._replace(episodes=()), rows)._replace(episodes=begun), moved


def positive_errors(trajectory: Trajectory, gamma: Scalar, lam: Scalar) -> tuple[jax.Array, jax.Array]:
    """Positive parts of generalized advantages ``[T, B]``, 0 where no next value is known, and which steps have one.

    Raises:
        UserError: the rule has no value of states.
    """
    if "value" not in trajectory.outputs:
        names = ", ".join(sorted(trajectory.outputs))
        raise UserError(
            f"regret needs a head called 'value', but the rule asks for {names}: choose a rule with a value, such as ppo, or "
            "another curriculum."
        )
    value = trajectory.outputs["value"]
    last = jnp.arange(value.shape[0])[:, None] == value.shape[0] - 1
    counts = trajectory.terminated | ~(trajectory.truncated | last)
    following = jnp.where(trajectory.terminated, 0.0, jnp.roll(value, -1, axis=0))
    error = jnp.where(counts, trajectory.reward + gamma * following - value, 0.0)
    decay = jnp.where(trajectory.terminated | trajectory.truncated, 0.0, gamma * lam)

    def back(after: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        advantage = step[0] + step[1] * after
        return advantage, advantage

    advantage = jax.lax.scan(back, jnp.zeros_like(value[0]), (error, decay), reverse=True)[1]
    return jnp.where(counts, jnp.maximum(advantage, 0.0), 0.0), counts
