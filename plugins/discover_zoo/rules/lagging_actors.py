"""Actors that lag behind the learner: what IMPALA and its self-tuning variant share."""

from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Context, Info, Trajectory, World, component
from discover_zoo.rules.actor_critic import ActorCritic


class Lagging(NamedTuple):
    """The rule's state.

    Attributes:
        optimizer: its state.
        past: ``[lag, ...]`` earlier parameters; those of update u lie in row ``u % lag`` until ``lag`` updates later.
        updates: how many there were, int32.
    """

    optimizer: Any
    past: Any
    updates: jax.Array


@component
class LaggingActorCritic(ActorCritic):
    """An actor-critic whose actors use parameters of ``lag`` updates ago; the return function may correct for it.

    Values and ratios are those of the parameters that learn, at the states that the actors saw. What is staleness of a
    distributed system there is simulated here, the same at every update; for the first ``lag`` updates the actors use the
    initial parameters.

    Attributes:
        lag: in updates; 0 acts with the newest parameters.
    """

    lag: Annotated[int, AtLeast(0)] = 1

    def init(self, key: jax.Array, world: World, params: Any) -> Lagging:
        past = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.lag, *x.shape)), params)
        return Lagging(self.optimizer.init(params), past, jnp.zeros((), jnp.int32))

    def behavior(self, params: Any, state: Lagging) -> tuple[Any, Context]:
        if self.lag == 0:
            return params, {}
        return jax.tree.map(lambda x: x[state.updates % self.lag], state.past), {}

    def update(
        self, key: jax.Array, world: World, params: Any, state: Lagging, trajectory: Trajectory
    ) -> tuple[Any, Any, Info]:
        outputs = jax.lax.stop_gradient(world.evaluate(params, trajectory))
        log_prob = world.policy(outputs).log_prob(trajectory.action)
        segment = world.segment(params, trajectory._replace(outputs=outputs))._replace(target_log_prob=log_prob)
        past = state.past
        if self.lag > 0:
            past = jax.tree.map(lambda x, new: x.at[state.updates % self.lag].set(new), past, params)
        params, optimizer, info = self._step(world, params, state.optimizer, trajectory, segment)
        return params, Lagging(optimizer, past, state.updates + 1), info
