"""Learning the value of a state under the uniformly random policy, online, one step of one environment per update."""

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Continuous,
    Discrete,
    Head,
    Heads,
    Key,
    MultiDiscrete,
    Outputs,
    Params,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    real,
)


@component
class Prediction(UpdateRule):
    """The base of TD(lambda), offline TD and n-step TD: a step size, a discount, a value, and a policy that does not learn.

    Attributes:
        step_size: the share of the error by which the value of a state is corrected; for a table, 1 corrects all of it.
        gamma: discount per step.
    """

    step_size: Scalar = real(0.1, low=1e-3, high=2.0, scale="log")
    gamma: Scalar = real(1.0, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(1, 1)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"value": Head(())})

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        columns = outputs["value"].shape
        match world.spec.action:
            case Discrete(n):
                return jax.random.randint(key, columns, 0, n), jnp.full(columns, -jnp.log(float(n)))
            case MultiDiscrete(factors):
                action = jax.random.randint(key, (*columns, len(factors)), 0, jnp.asarray(factors))
                return action, jnp.full(columns, -jnp.log(float(world.spec.action.combinations)))
            case Continuous(low, high):
                low, high = jnp.asarray(low), jnp.asarray(high)
                action = jax.random.uniform(key, (*columns, low.size), minval=low, maxval=high)
                return action, jnp.full(columns, -jnp.sum(jnp.log(high - low)))

    def td_error(self, world: World, params: Params, trajectory: Trajectory) -> tuple[jax.Array, jax.Array]:
        """``r + d v(s') - v(s)`` and ``v(s')`` of one step ``[1, 1]``, scalars; ``d`` is gamma, 0 after a termination."""
        segment = jax.tree.map(lambda x: x[0, 0], world.segment(params, trajectory))
        discount = self.gamma * (1.0 - segment.terminated)
        return segment.reward + discount * segment.next_value - segment.value, segment.next_value
