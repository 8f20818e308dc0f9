"""n-step TD for values, one step of one environment per update (Sutton & Barto 2018, section 7.1)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Integer, Key, Params, Registry, Trajectory, World, component, hookimpl, integer
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import add_steps, value_gradient

_LONGEST = 32
"""The largest horizon of n-step learning: so many steps are stored."""


class Window(NamedTuple):
    """The rule's state.

    Attributes:
        steps: the latest steps, oldest first: ``[32, 1, 1, ...]``.
        length: how many of them belong to the episode, int32.
    """

    steps: Trajectory
    length: jax.Array


@component
class NStepTD(Prediction):
    """n-step TD (Sutton & Barto 2018, section 7.1): ``w += step_size (G_{t:t+n} - v(s_t)) grad v(s_t)``, n steps later.

    ``G_{t:t+n} = r_{t+1} + gamma r_{t+2} + ... + gamma^(n-1) r_{t+n} + gamma^n v(s_{t+n})``. At the end of an episode the steps
    that are left are learned from one after the other, with the shorter returns that they have.

    Pitfall: a step is learned from only when its n-th reward is there; n cannot be adapted by a meta-gradient, since it is a
    whole number.

    Attributes:
        n: steps of reward before the value takes over, 1 to 32.

    The other fields are those of `Prediction`.

    >>> from discover import Space, free
    >>> NStepTD(step_size=0.4, n=4)
    NStepTD(step_size=0.4, gamma=1.0, n=4)
    >>> Space(NStepTD(step_size=free(), n=free(high=16))).dimension
    2
    """

    paper = "Sutton & Barto 2018, eq. 7.2"
    not_differentiable = ("n",)

    n: Integer = integer(4, low=1, high=_LONGEST)

    def init(self, key: Key, world: World, params: Params) -> Window:
        step = world.template(params, 1, 1)
        return Window(jax.tree.map(lambda x: jnp.zeros((_LONGEST, *x.shape), x.dtype), step), jnp.zeros((), jnp.int32))

    def update(
        self, key: Key, world: World, params: Params, state: Window, trajectory: Trajectory
    ) -> tuple[Params, Window, Info]:
        steps = jax.tree.map(lambda old, new: jnp.concatenate([old[1:], new[None]]), state.steps, trajectory)
        length = jnp.where(trajectory.is_first[0, 0], 0, state.length) + 1
        delta, following = self.td_error(world, params, trajectory)
        ended = (trajectory.terminated | trajectory.truncated)[0, 0]
        age = jnp.arange(_LONGEST)[::-1]
        due = (age < length) & ((age == self.n - 1) | (ended & (age < self.n)))

        def lengthen(target: jax.Array, reward: jax.Array) -> tuple[jax.Array, jax.Array]:
            target = reward + self.gamma * target
            return target, target

        bootstrap = (1.0 - trajectory.terminated[0, 0]) * following
        _, targets = jax.lax.scan(lengthen, bootstrap, steps.reward[:, 0, 0], reverse=True)

        def learn(params: Params, step: tuple[Trajectory, jax.Array, jax.Array]) -> tuple[Params, None]:
            batch, target, due = step
            gradient, value = value_gradient(world, params, batch)
            return add_steps(params, (self.step_size * due * (target - value), gradient)), None

        params, _ = jax.lax.scan(learn, params, (steps, targets, due))
        return params, Window(steps, jnp.minimum(length, _LONGEST)), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("n_step_td", NStepTD)
