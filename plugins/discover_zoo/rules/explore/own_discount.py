"""The value of what a bonus will pay, with a discount of its own."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from discover import Component, Count, Head, Heads, Key, Network, Optimizer, Params, Scalar, Trajectory, World, component, real
from discover_zoo.bonuses.own_networks import Fitted, evaluated, fit, new_params

_HEADS = Heads({"value": Head(())})


class BonusValue(NamedTuple):
    """The state of `OwnDiscount`.

    Attributes:
        value: the value network.
        first: ``[B, ...]`` the observation with which the latest episode of each environment began.
    """

    value: Fitted
    first: jax.Array


@component
class OwnDiscount(Component):
    """Turns a bonus into its one-step advantage under a value and a discount of its own (Burda et al. 2018, section 2.3).

    With the value ``V`` of the bonus ``b`` alone::

        advantage = b + gamma * V(s') - V(s)

    A rule that learns from ``r + scale * advantage`` then has the sum of two advantages. Let its return function sum errors
    ``d_t = r_t + g v(s_t+1) - v(s_t)`` with weights ``(g l)^k``, as GAE does. That sum is linear in the rewards, so that with
    ``r + scale * advantage`` in the place of ``r``::

        sum_k (g l)^k (d_t+k + scale * advantage_t+k)  =  A_t + scale * sum_k (g l)^k (b + gamma V(s') - V(s))_t+k

    The last sum is GAE of the bonus with the discount ``gamma`` and ``lambda = g l / gamma``. And where ``V`` is right, the
    mean of the advantage is 0 in each state: ``v`` remains the value of what the task pays.

    The bonus does not end with an episode: after a termination comes the value of the state in which the next episode begins
    (what there is to find is still there), though the rule's own sum stops there. At a truncation it is the value of the true
    next state. An episode that ends with the batch goes on, for ``V``, in the state in which it began itself.

    ``V`` reads what the agent reads, and learns from ``G = b + gamma * ((1 - lam) * V(s') + lam * G_next)`` by the squared
    error, after it was used; ``G_next`` is that of the row below, also after a termination, and ``V(s')`` at a truncation and
    at the end of the batch.

    Attributes:
        network: a network without memory.
        optimizer: of its parameters.
        gamma: the discount of the bonus.
        lam: how far the target looks beyond one step.
        epochs, minibatches: passes over each batch, and steps of the optimizer in each.

    >>> from discover import Space, free
    >>> from discover_zoo.networks.mlp import MLP
    >>> from discover_zoo.optimizers.adam import Adam
    >>> Space(OwnDiscount(network=MLP(), optimizer=Adam(), gamma=free(), lam=free())).dimension
    2
    """

    kind: ClassVar[str] = "bonus value"
    paper = "Burda et al. 2018, arXiv 1810.12894, section 2.3"

    network: Network
    optimizer: Optimizer
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)
    epochs: Count = 4
    minibatches: Count = 4

    def init(self, key: Key, world: World, num_envs: int) -> BonusValue:
        """The state before the first batch of ``num_envs`` environments."""
        params = new_params(key, self.network, world.spec, _HEADS)
        first = jnp.zeros((num_envs, *world.spec.observation_shape))
        return BonusValue(Fitted(params, self.optimizer.init(params)), first)

    def update(
        self, key: Key, world: World, state: BonusValue, trajectory: Trajectory, *, bonus: jax.Array
    ) -> tuple[jax.Array, BonusValue]:
        """The advantage ``[T, B]`` of the bonus, and the state after the value has learned from the batch."""

        def value(params: Params, observation: jax.Array) -> jax.Array:
            return evaluated(self.network, params, _HEADS, observation, context={}, progress=world.progress)["value"]

        def loss(params: Params, batch: tuple[jax.Array, jax.Array], key: Key) -> jax.Array:
            observation, target = batch
            return 0.5 * jnp.mean((value(params, observation) - target) ** 2)

        rows = trajectory.observation.reshape(-1, *world.spec.observation_shape)
        first = _latest_first(state.first, trajectory)
        here, following = self._values(lambda x: value(state.value.params, x), trajectory, first)
        fitted = fit(
            key,
            loss,
            state.value,
            self.optimizer,
            data=(rows, self.targets(trajectory.truncated, following, bonus=bonus).reshape(-1)),
            epochs=self.epochs,
            minibatches=self.minibatches,
            progress=world.progress,
        )
        return bonus + self.gamma * following - here, BonusValue(fitted, first)

    def targets(self, truncated: jax.Array, following: jax.Array, *, bonus: jax.Array) -> jax.Array:
        """The targets ``G[T, B]`` of the values, from the values ``[T, B]`` of what follows each step."""

        def step(later: jax.Array, row: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            bonus, following, truncated = row
            beyond = jnp.where(truncated, following, later)
            target = bonus + self.gamma * ((1.0 - self.lam) * following + self.lam * beyond)
            return target, target

        return jax.lax.scan(step, following[-1], (bonus, following, truncated), reverse=True)[1]

    def _values(
        self, value: Callable[[jax.Array], jax.Array], trajectory: Trajectory, first: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Values ``[T, B]`` before each step, and of what follows it."""
        steps, columns = trajectory.reward.shape
        observations = (trajectory.observation, trajectory.next_observation, first[None].astype(jnp.float32))
        rows = jnp.concatenate([x.reshape(-1, *x.shape[2:]) for x in observations])
        every = value(rows).reshape(2 * steps + 1, columns)
        here, after, begun = every[:steps], every[steps:-1], every[-1:]
        return here, jnp.where(trajectory.terminated, jnp.concatenate([here[1:], begun]), after)


def _latest_first(first: jax.Array, trajectory: Trajectory) -> jax.Array:
    """The observation ``[B, ...]`` with which the latest episode of each environment began."""
    steps = len(trajectory.is_first)
    latest = jnp.max(jnp.where(trajectory.is_first, jnp.arange(steps)[:, None], -1), axis=0)
    begun = trajectory.observation[jnp.maximum(latest, 0), jnp.arange(len(latest))]
    inside = (latest >= 0).reshape(-1, *(1,) * (first.ndim - 1))
    return jnp.where(inside, begun.astype(first.dtype), first)
