"""A lifetime: one agent learns from scratch, with one algorithm on one task family, and gets a learning curve.

All functions are written for one lifetime; seeds and members are axes that the caller adds by ``jax.vmap``. The length of a
lifetime is given in env steps. A lifetime advances in chunks of updates, so that a long one can be saved and continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.text_table import counted
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.types import Key
from discover.inner_loop.update import REPORT, ROWS, Lifetime, changed, collect, learn, newborn, world_at

Count: TypeAlias = int | jax.Array
"""A number of updates, which may be traced."""

_MOST_UPDATES = (2**31 - 1) // ROWS


class Curve(NamedTuple):
    """A learning curve of 100 rows, each of which is a mean over its share of the updates.

    Attributes:
        episode_return: ``[100]`` return of the last finished episode, as a mean over environments and steps. Rows before the
            first finished episode have the value of the first row after it; NaN if no episode ended.
        episode_length: ``[100]`` likewise.
        info: ``[100]`` each: what the rule reported, by name.
        finite: whether all parameters are finite at the end.
        env_steps: number of env steps.
    """

    episode_return: jax.Array
    episode_length: jax.Array
    info: Mapping[str, jax.Array]
    finite: jax.Array
    env_steps: jax.Array


def updates_in(algorithm: Algorithm, environment: Environment, steps: int) -> int:
    """The number of updates in a budget of ``steps`` env steps.

    Raises:
        UserError: it is zero, or more than an int32 can count.
    """
    rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
    each = rollout.steps * rollout.num_envs
    if steps < each:
        size = f"{counted(rollout.steps, 'step')} x {counted(rollout.num_envs, 'environment')}"
        raise UserError(
            f"a lifetime of {counted(steps, 'env step')} is shorter than one update of {type(algorithm.rule).__name__}, which "
            f"takes {each} ({size}): give at least {counted(each, 'step')}."
        )
    if steps >= 2**31 or steps // each > _MOST_UPDATES:
        raise UserError(
            f"a lifetime of {steps} env steps in {steps // each} updates is too long: {2**31 - 1} env steps and "
            f"{_MOST_UPDATES} updates can be counted: give fewer steps, or a rule that takes more of them per update."
        )
    return steps // each


def begin(algorithm: Algorithm, environment: Environment, key: Key) -> Lifetime:
    """A lifetime before its first update."""
    life = newborn(algorithm, environment, key)
    names = (*REPORT[:-1], *_info_names(algorithm, environment, life))
    return life._replace(rows={name: jnp.zeros(ROWS) for name in names})


def advance(
    algorithm: Algorithm,
    environment: Environment,
    life: Lifetime,
    start: Count,
    *,
    stop: Count,
    total: Count,
    window: tuple[Count, Count] | None = None,
) -> Lifetime:
    """Run the updates ``start .. stop - 1`` of a lifetime that has ``total`` of them.

    The numbers of updates may be traced, so that one compiled program fits all. Where start and stop are plain numbers, the
    result can be differentiated in reverse mode.

    Args:
        algorithm: the candidate.
        environment: the task family.
        life: the lifetime before these updates.
        start, stop, total: numbers of updates.
        window: first update and number of updates over which the rows of the curve are spread; by default the whole lifetime.
    """
    first, count = (0, total) if window is None else window

    def update(index: jax.Array, life: Lifetime) -> Lifetime:
        index = index.astype(jnp.int32)
        world, row = world_at(algorithm, environment, index, total), (index - first) * ROWS // count
        life = changed(algorithm, world, life, index)
        after, measures = learn(algorithm.rule, world, life, collect(algorithm.rule, world, life, index))
        return after._replace(
            rows={name: life.rows[name].at[row].add(measures[name]) for name in life.rows},
            counts=life.counts.at[row].add(1.0),
        )

    if not (isinstance(start, int) and isinstance(stop, int)):
        start, stop = jnp.asarray(start, jnp.int32), jnp.asarray(stop, jnp.int32)
    return jax.lax.fori_loop(start, stop, update, life)


def fresh_window(life: Lifetime) -> Lifetime:
    """The lifetime with an empty curve, which will not count episodes that have ended before."""
    actor = life.actor
    if actor is not None:
        actor = actor._replace(episodes=actor.episodes._replace(finished=jnp.zeros_like(actor.episodes.finished)))
    rows = jax.tree.map(jnp.zeros_like, life.rows)
    return life._replace(actor=actor, rows=rows, counts=jnp.zeros_like(life.counts))


def curve_of(life: Lifetime, total: Count) -> Curve:
    """The learning curve of a whole lifetime of ``total`` updates, or of a window of so many."""
    row = jnp.arange(ROWS)
    source = jnp.where(life.counts > 0, row, (row * total // ROWS) * ROWS // total)
    rows = {name: values[source] for name, values in life.rows.items()}
    episodes, counts = rows.pop("episodes"), jnp.maximum(life.counts[source], 1.0)
    returns, lengths = (_mean_or_first(rows.pop(name), episodes) for name in ("episode_return", "episode_length"))
    finite = jnp.array(True)
    for leaf in jax.tree.leaves(life.params):
        finite &= jnp.all(jnp.isfinite(leaf))
    info = {name: values / counts for name, values in rows.items()}
    return Curve(episode_return=returns, episode_length=lengths, info=info, finite=finite, env_steps=life.env_steps)


def run(algorithm: Algorithm, environment: Environment, key: Key, total: Count) -> Curve:
    """The learning curve of a whole lifetime of ``total`` updates."""
    life = begin(algorithm, environment, key)
    return curve_of(advance(algorithm, environment, life, start=0, stop=total, total=total), total)


def run_lifetime(algorithm: Algorithm, environment: Environment, key: Key, env_steps: int) -> Curve:
    """The learning curve of one lifetime of at most ``env_steps`` env steps: a function of arrays, to be compiled and mapped.

    Args:
        algorithm: a complete candidate.
        environment: the family that it is trained on.
        key: all randomness of the lifetime.
        env_steps: the budget.

    Raises:
        UserError: the budget is below one update.

    Example:
        >>> run = jax.jit(lambda key: run_lifetime(algorithm, environment, key, 20_000))     # doctest: +SKIP
        >>> jax.vmap(run)(jax.random.split(jax.random.key(0), 8)).episode_return.mean()      # doctest: +SKIP
    """
    return run(algorithm, environment, key, updates_in(algorithm, environment, env_steps))


def _info_names(algorithm: Algorithm, environment: Environment, life: Lifetime) -> tuple[str, ...]:
    """The names that the rule reports, without those of `World.report`."""

    def measures(life: Lifetime) -> Mapping[str, jax.Array]:
        world = algorithm.world(environment)
        return learn(algorithm.rule, world, life, collect(algorithm.rule, world, life, jnp.int32(0))).measures

    names = jax.eval_shape(measures, life)
    return tuple(name for name in sorted(names) if name not in REPORT)


def _mean_or_first(sums: jax.Array, counts: jax.Array) -> jax.Array:
    """The mean of each row. A row without a count has the mean of the next row with one, else of the last; NaN if none has."""
    row = jnp.arange(ROWS)
    counted = counts > 0
    following = jnp.min(jnp.where(counted & (row >= row[:, None]), row, ROWS), axis=1)
    last = jnp.max(jnp.where(counted, row, -1))
    source = jnp.where(following < ROWS, following, last)
    mean = sums / jnp.maximum(counts, 1.0)
    return jnp.where(source >= 0, mean[source], jnp.nan)
