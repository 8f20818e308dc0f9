"""A value by least squares, for rules that have no value head (Duan et al. 2016, arXiv 1604.06778)."""

import jax
import jax.numpy as jnp

from discover import (
    Params,
    Registry,
    ReturnFunction,
    Segment,
    Trajectory,
    World,
    WrappingRule,
    component,
    ends_within,
    hookimpl,
)
from discover_zoo.rules.linear_equations import solve

_LARGEST = 10.0
"""Observations are clipped to this on either side."""

_TIME = 100.0
"""Steps per unit of time."""

_RIDGE = 1e-5
"""Weight of the squared coefficients in the regression."""


@component
class LinearBaseline(WrappingRule):
    """Lets a rule see values that are fitted anew to each batch (Duan et al. 2016, appendix, linear feature baseline).

    Ridge regression of the returns ``G`` of episodes that end within the batch on features of the state, ``v(s) = w . x(s)``::

        w = argmin sum (w . x_t - G_t)^2 + 1e-5 |w|^2,     x = [o, o^2, t, t^2, t^3, 1]

    with the observation ``o``, clipped to 10, and the time ``t`` since the episode began, in units of 100 steps (each feature
    is scaled to unit norm first). Where columns belong together, the columns of each task are fitted apart. After the last step
    of an episode, ended or cut off, and of the batch, the value is zero.

    The return function of the wrapped rule sees the values; a value head is not needed, and not used. Another rule that adapts
    may contain this one, and this one may be the rule by which it adapts.

    Pitfall: values are fitted to the same returns that they are subtracted from, so that with few steps and many observations
    they explain noise, and the advantages shrink.

    Attributes:
        rule: any rule whose return function uses values.
        returns: gives the target of the regression: its value target for a segment whose values are zero.

    >>> from discover import Space, free
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> from discover_zoo.rules.trpo import TRPO
    >>> space = Space(LinearBaseline(rule=TRPO(returns=GAE(), radius=free()), returns=MonteCarlo(gamma=free())))
    >>> [gene.path for gene in space.genes]
    ['rule.radius', 'returns.gamma']
    """

    paper = "Duan et al. 2016, arXiv 1604.06778"

    returns: ReturnFunction

    def inner_world(self, world: World) -> World:
        def segment(params: Params, trajectory: Trajectory) -> Segment:
            plain, zero = world.segment(params, trajectory), jnp.zeros_like(trajectory.reward)
            target = self.returns(plain._replace(value=zero, next_value=zero)).value
            value = fit_values(features(trajectory), target, ends_within(trajectory), world.group)
            over = (trajectory.terminated | trajectory.truncated).at[-1].set(True)
            return plain._replace(value=value, next_value=jnp.where(over, 0.0, jnp.roll(value, -1, axis=0)))

        return world.view(segment_with=segment)


def features(trajectory: Trajectory) -> jax.Array:
    """Features ``[T, B, F]``: observation, its square, time, time squared and cubed, one."""
    steps, columns = trajectory.reward.shape
    observation = jnp.clip(trajectory.observation.reshape(steps, columns, -1), -_LARGEST, _LARGEST)
    row = jnp.arange(steps)[:, None]
    began = jax.lax.cummax(jnp.where(trajectory.is_first, row, 0), axis=0)
    time = (row - began)[..., None] / _TIME
    return jnp.concatenate([observation, observation**2, time, time**2, time**3, jnp.ones_like(time)], axis=-1)


def fit_values(x: jax.Array, target: jax.Array, weights: jax.Array, group: int | None) -> jax.Array:
    """Values ``[T, B]``: the regression of the target on features, in each group of columns apart.

    Args:
        x: features ``[T, B, F]``.
        target: ``[T, B]``.
        weights: ``[T, B]``, how much each step counts.
        group: how many neighboring columns belong together (`World.group`); None for all of them.

    >>> x = jnp.array([[[1.0, 1.0]], [[2.0, 1.0]], [[3.0, 1.0]]])
    >>> bool(jnp.allclose(fit_values(x, 2.0 * x[..., 0] - 1.0, jnp.ones((3, 1)), None)[:, 0], jnp.array([1, 3, 5]), atol=1e-2))
    True
    """
    steps, columns, count = x.shape
    size = group or columns

    def apart(x: jax.Array) -> jax.Array:
        """The steps of each group, ``[G, T * size, ...]``."""
        return jnp.moveaxis(x.reshape(steps, -1, size, *x.shape[2:]), 1, 0).reshape(-1, steps * size, *x.shape[2:])

    def regress(x: jax.Array, y: jax.Array, w: jax.Array) -> jax.Array:
        scale = jax.lax.rsqrt(jnp.sum(w[:, None] * x**2, axis=0) + _RIDGE)
        x = x * scale
        gram = x.T @ (w[:, None] * x) + _RIDGE * jnp.eye(count)
        return x @ solve(gram, x.T @ (w * y))

    values = jax.vmap(regress)(apart(x), apart(target), apart(weights))
    return jnp.moveaxis(values.reshape(-1, steps, size), 0, 1).reshape(steps, columns)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("linear_baseline", LinearBaseline)
