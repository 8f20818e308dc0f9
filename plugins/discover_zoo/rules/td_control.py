"""Learning what an action is worth while acting on it, online, one step of one environment per update."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Discrete,
    Head,
    Heads,
    Info,
    Outputs,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    real,
)
from discover_zoo.rules.traces import moved, slope_of_action_value


def epsilon_greedy(q: jax.Array, epsilon: Scalar) -> jax.Array:
    """Probabilities ``[..., A]``: a best action with ``1 - epsilon`` (ties share it), any action with ``epsilon``."""
    best = (q >= jnp.max(q, axis=-1, keepdims=True)).astype(jnp.float32)
    return (1.0 - epsilon) * best / jnp.sum(best, axis=-1, keepdims=True) + epsilon / q.shape[-1]


@component
class Control(UpdateRule):
    """What Q-learning and Sarsa share: a step size, a discount, action values, and acting epsilon-greedily."""

    step_size: Scalar = real(0.5, low=1e-3, high=2.0, scale="log")
    gamma: Scalar = real(1.0, low=0.0, high=1.0)
    epsilon: Scalar = real(0.1, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(1, 1)

    def heads(self, spec: Spec) -> Heads:
        if not isinstance(spec.action, Discrete):
            raise UserError(f"{type(self).__name__} needs discrete actions; got {spec.action}: choose another rule or task.")
        return Heads({"q": Head((spec.action.n,))})

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        probability = epsilon_greedy(outputs["q"], self.epsilon)
        action = jax.random.categorical(key, jnp.log(probability))
        return action, jnp.log(jnp.take_along_axis(probability, action[..., None], axis=-1)[..., 0])

    def expected_value(self, world: World, params: Any, trajectory: Trajectory) -> jax.Array:
        """``sum_a pi(a | s') q(s', a)`` of one step, pi being the policy that acts."""
        q = jax.lax.stop_gradient(world.evaluate_next(params, trajectory)["q"][0, 0])
        return jnp.sum(epsilon_greedy(q, self.epsilon) * q)


@component
class OneStep(Control):
    """``q(s, a) += step_size (r + d following - q(s, a))``, where rules differ in what they say follows."""

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return ()

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        slope, value = slope_of_action_value(world, params, trajectory)
        discount = self.gamma * (1.0 - trajectory.terminated[0, 0])
        delta = trajectory.reward[0, 0] + discount * self.value_of_next(world, params, trajectory) - value
        return moved(params, (self.step_size * delta, slope)), state, {"error": jnp.abs(delta)}

    def value_of_next(self, world: World, params: Any, trajectory: Trajectory) -> jax.Array:
        """What follows, a scalar; no gradient passes."""
        raise NotImplementedError
