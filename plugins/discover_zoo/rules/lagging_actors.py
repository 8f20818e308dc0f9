"""Actors that lag behind the learner, for IMPALA and its self-tuning variant."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Context, Info, Key, OptimizerState, Params, Trajectory, World, component
from discover_zoo.rules.actor_critic import ActorCritic


class LagState(NamedTuple):
    """The rule's state.

    Attributes:
        optimizer: the optimizer's state.
        past: ``[lag, ...]`` earlier parameters; those of update u are in row ``u % lag`` until ``lag`` updates later.
        updates: number of updates so far, int32.
    """

    optimizer: OptimizerState
    past: Params
    updates: jax.Array


@component
class LaggingActorCritic(ActorCritic):
    """An actor-critic whose actors use parameters of ``lag`` updates ago; the return function may correct for it.

    Values and ratios are those of the parameters that learn, at the states that the actors visited. In a distributed system
    the lag varies; here it is simulated, the same at every update. For the first ``lag`` updates the actors use the initial
    parameters.

    Attributes:
        lag: in updates; 0 acts with the newest parameters.
    """

    lag: Annotated[int, AtLeast(0)] = 1

    def formula(self) -> str:
        return "\n".join([rf"a_t \sim \mu = \pi_{{\theta_{{k-{self.lag}}}}} \text{{ in update }} k", super().formula()])

    def init(self, key: Key, world: World, params: Params) -> LagState:
        past = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.lag, *x.shape)), params)
        return LagState(self.optimizer.init(params), past, jnp.zeros((), jnp.int32))

    def behavior(self, params: Params, state: LagState) -> tuple[Params, Context]:
        if self.lag == 0:
            return params, {}
        return jax.tree.map(lambda x: x[state.updates % self.lag], state.past), {}

    def update(
        self, key: Key, world: World, params: Params, state: LagState, trajectory: Trajectory
    ) -> tuple[Params, LagState, Info]:
        outputs = jax.lax.stop_gradient(world.evaluate(params, trajectory))
        log_prob = world.policy(outputs).log_prob(trajectory.action)
        segment = world.segment(params, trajectory._replace(outputs=outputs))._replace(target_log_prob=log_prob)
        past = state.past
        if self.lag > 0:
            past = jax.tree.map(lambda x, new: x.at[state.updates % self.lag].set(new), past, params)
        params, optimizer, info = self._step(world, params, state.optimizer, trajectory, segment=segment)
        return params, LagState(optimizer, past, state.updates + 1), info
