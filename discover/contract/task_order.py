"""Task orders: the level that an environment gets when its episode ends, out of a table that a curriculum fills.

A level is a task of a family of which an agent meets many in one lifetime. The table of a rollout has L rows: N levels that the
order keeps, then M fresh ones that the family has drawn for this rollout. An episode begins on a row that is drawn by the
chances of the order, or else on the next fresh one. So the loop over steps only gathers rows: it draws no task.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover.base.dependence import depends
from discover.base.errors import UserError
from discover.contract.actor import Actor, Ordered, where
from discover.contract.environment import Environment
from discover.contract.trajectory import Trajectory
from discover.contract.types import Key, OrderState, Task

NOWHERE = -1
"""The row of a level that the order does not keep."""


class Levels(NamedTuple):
    """The table of a rollout.

    Attributes:
        tasks: ``[L, ...]``: those that the order keeps, then fresh ones.
        chances: ``[L]`` probability that an episode begins on each by choice; what they lack to 1 is that of a level by the
            family, the next one of the fresh rows.
        kept: N.
    """

    tasks: Task
    chances: jax.Array
    kept: int


class Played(NamedTuple):
    """The play in a rollout of T steps in B environments.

    Attributes:
        tasks: ``[L + B, ...]``: the table, then the level that each environment was on when the rollout began.
        level: ``[T, B]`` the row of the level of each step. The last B rows are those of levels that the order did not keep.
        episode_return: ``[T, B]`` sum of the rewards of the episode so far, that of the step included, before the normalizer.
        trajectory: the steps.
    """

    tasks: Task
    level: jax.Array
    episode_return: jax.Array
    trajectory: Trajectory

    @property
    def rows(self) -> int:
        """L + B."""
        return jax.tree.leaves(self.tasks)[0].shape[0]


class TaskOrder:
    """An order in which an agent meets the levels of a family: what `Curriculum.task_order` gives.

    All is written for one lifetime. Its state is part of the lifetime: a tree of arrays of fixed structure.
    """

    def init(self, family: Environment) -> OrderState:
        """The state before the first rollout."""
        raise NotImplementedError

    def levels(self, key: Key, family: Environment, state: OrderState, progress: jax.Array) -> Levels:
        """The table of the next rollout.

        Args:
            key: randomness of fresh levels.
            family: which draws them.
            state: what the order knows.
            progress: share of the lifetime that has passed, in ``[0, 1]``.

        Raises:
            UserError: the family lacks what the order needs.
        """
        raise NotImplementedError

    def learn(self, state: OrderState, played: Played) -> tuple[OrderState, jax.Array]:
        """Learn from a rollout.

        Returns:
            The state after it, and ``[L + B]``: the row in which each level will stand in the next table, from 0 to N - 1, or
            `NOWHERE`.
        """
        raise NotImplementedError


class Drawing(NamedTuple):
    """The table of a rollout, made ready to draw from.

    Attributes:
        order: which made it.
        levels: the table.
        edges: ``[L]`` sums of the chances up to each row.
    """

    order: TaskOrder
    levels: Levels
    edges: jax.Array

    def next_task(self, luck: jax.Array, ordered: Ordered, done: jax.Array, task: Task) -> tuple[Task, Ordered]:
        """The tasks ``[B, ...]`` after a step, and where they stand.

        Args:
            luck: ``[B]`` uniform in ``[0, 1)``.
            ordered: where the tasks stood.
            done: ``[B]`` which episodes ended.
            task: ``[B, ...]`` before.
        """
        rows = self.edges.shape[0]
        chosen = jnp.sum(luck[:, None] >= self.edges, axis=1, dtype=jnp.int32)
        fresh = chosen == rows
        handed = ordered.handed + jnp.cumsum(done & fresh, dtype=jnp.int32)
        turn = (handed - 1) % (rows - self.levels.kept)
        row = jnp.where(fresh, self.levels.kept + turn, chosen)
        after = ordered._replace(
            level=jnp.where(done, row, ordered.level), fresh=jnp.where(done, fresh, ordered.fresh), handed=handed[-1]
        )
        return where(done, jax.tree.map(lambda leaf: leaf[row], self.levels.tasks), task), after

    def learned(self, ordered: Ordered, stands: tuple[jax.Array, jax.Array], trajectory: Trajectory) -> Ordered:
        """The knowledge of the order after a rollout, and where the levels stand that are played on.

        Args:
            ordered: after the last step.
            stands: the `stand` before each step, ``[T, B]``.
            trajectory: of the rollout.
        """
        level, before = stands
        tasks = jax.tree.map(lambda rows, task: jnp.concatenate([rows, task]), self.levels.tasks, trajectory.task)
        played = Played(tasks, level, before + trajectory.original.reward, trajectory)
        state, moved = self.order.learn(ordered.state, played)
        return ordered._replace(state=state, level=moved[ordered.level])


def stand(actor: Actor) -> tuple[jax.Array, jax.Array] | tuple[()]:
    """The level of each environment and the return of its episode so far, ``[B]`` each; nothing without an order."""
    return (actor.order.level, actor.episodes.current_return) if isinstance(actor.order, Ordered) else ()


def begin(order: TaskOrder, family: Environment, num_envs: int, previous: Actor | None) -> Ordered:
    """The order of B environments that begin on levels by the family.

    Raises:
        UserError: all tasks of the family are the same.
    """
    if previous is None or not isinstance(previous.order, Ordered):
        _check_levels(order, family)
        state = order.init(family)
    else:
        state = previous.order.state
    return Ordered(state, jnp.full(num_envs, NOWHERE, jnp.int32), jnp.ones(num_envs, bool), jnp.int32(0))


def before_rollout(
    order: TaskOrder, key: Key, family: Environment, *, actor: Actor, progress: jax.Array
) -> tuple[Drawing, Actor]:
    """The table of a rollout, and the actor whose levels stand in it or behind it."""
    levels = order.levels(key, family, actor.order.state, progress)
    levels = levels._replace(tasks=jax.lax.optimization_barrier(jax.lax.stop_gradient(levels.tasks)))  # compiles faster
    rows, num_envs = levels.chances.shape[0], actor.is_first.shape[0]
    level = actor.order.level
    level = jnp.where(level == NOWHERE, rows + jnp.arange(num_envs, dtype=jnp.int32), level)
    drawing = Drawing(order, levels, jnp.cumsum(levels.chances))
    return drawing, actor._replace(order=actor.order._replace(level=level, handed=jnp.int32(0)))


def _check_levels(order: TaskOrder, family: Environment) -> None:
    """Check that tasks depend on the key by which they are drawn.

    Raises:
        UserError: they do not.
    """
    program = jax.make_jaxpr(family.sample_task)(jax.random.key(0)).jaxpr
    if not any(depends(program, [True])):
        raise UserError(
            f"{type(order).__name__} orders the levels of a family, but all tasks of {type(family).__name__} are the same: "
            "choose a task that is a family, such as mazes-small, or leave the curriculum out."
        )
