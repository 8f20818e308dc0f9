"""A value by least squares, for rules that ask for no value head."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Registry, ReturnFunction, Segment, Trajectory, World, WrappingRule, component, ends_within, hookimpl

_LARGEST = 10.0
"""Observations are clipped to this on either side."""

_TIME = 100.0
"""Steps per unit of time."""

_RIDGE = 1e-5


@component
class LinearBaseline(WrappingRule):
    """Lets a rule see values that are fitted anew to each batch (Duan et al. 2016, appendix, linear feature baseline).

    Ridge regression of the returns of episodes that end within the batch on the observation, its square, the time since the
    episode began up to its third power, and one; for the columns of each task apart, where columns belong together. After the
    last step of an episode, ended or cut off, and of the batch, the value is zero.

    The rule may stand beneath a rule that adapts, and adapt in one itself. A return function of the wrapped rule sees the
    values; a value head is not asked for, and not used.

    Attributes:
        rule: any rule whose return function uses values.
        returns: gives what is fitted: its value target, as of a segment whose values are zero.
    """

    paper = "Duan et al. 2016, arXiv 1604.06778"

    returns: ReturnFunction

    def inner_world(self, world: World) -> World:
        def segment(params: Any, trajectory: Trajectory) -> Segment:
            known, zero = world.segment(params, trajectory), jnp.zeros_like(trajectory.reward)
            target = self.returns(known._replace(value=zero, next_value=zero)).value
            value = fitted(features(trajectory), target, ends_within(trajectory), world.group)
            over = (trajectory.terminated | trajectory.truncated).at[-1].set(True)
            return known._replace(value=value, next_value=jnp.where(over, 0.0, jnp.roll(value, -1, axis=0)))

        return world.view(segment_with=segment)


def features(trajectory: Trajectory) -> jax.Array:
    """``[T, B, F]``: observation, its square, time, time squared and cubed, one."""
    steps, columns = trajectory.reward.shape
    seen = jnp.clip(trajectory.observation.reshape(steps, columns, -1), -_LARGEST, _LARGEST)
    row = jnp.arange(steps)[:, None]
    began = jax.lax.cummax(jnp.where(trajectory.is_first, row, 0), axis=0)
    time = (row - began)[..., None] / _TIME
    return jnp.concatenate([seen, seen**2, time, time**2, time**3, jnp.ones_like(time)], axis=-1)


def fitted(x: jax.Array, target: jax.Array, weights: jax.Array, group: int | None) -> jax.Array:
    """``[T, B]``: the regression of the target ``[T, B]`` on ``x[T, B, F]``, in each group of columns apart."""
    steps, columns, count = x.shape
    size = group or columns

    def apart(x: jax.Array) -> jax.Array:
        """``[G, T * size, ...]``."""
        return jnp.moveaxis(x.reshape(steps, -1, size, *x.shape[2:]), 1, 0).reshape(-1, steps * size, *x.shape[2:])

    def regress(x: jax.Array, y: jax.Array, w: jax.Array) -> jax.Array:
        scale = jax.lax.rsqrt(jnp.sum(w[:, None] * x**2, axis=0) + _RIDGE)
        x = x * scale
        gram = x.T @ (w[:, None] * x) + _RIDGE * jnp.eye(count)
        return x @ solved(gram, x.T @ (w * y))

    values = jax.vmap(regress)(apart(x), apart(target), apart(weights))
    return jnp.moveaxis(values.reshape(-1, steps, size), 0, 1).reshape(steps, columns)


def solved(matrix: jax.Array, b: jax.Array) -> jax.Array:
    """``x`` with ``matrix @ x = b`` for a positive definite ``[F, F]``, by Gauss-Jordan elimination.

    No pivots are needed, and XLA's batched factorizations are best kept out of programs that run under ``vmap`` on a CPU.
    """

    def eliminate(j: jax.Array, rows: jax.Array) -> jax.Array:
        pivot = rows[j] / rows[j, j]
        return (rows - rows[:, j, None] * pivot).at[j].set(pivot)

    return jax.lax.fori_loop(0, len(b), eliminate, jnp.concatenate([matrix, b[:, None]], axis=1))[:, -1]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("linear_baseline", LinearBaseline)
