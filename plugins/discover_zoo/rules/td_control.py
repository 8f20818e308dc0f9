"""Learning the value of an action while acting on it, online, one step of one environment per update."""

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Discrete,
    Head,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    latex_number,
    real,
)
from discover_zoo.rules.equations import weighted
from discover_zoo.rules.traces import action_value_gradient, add_steps


def epsilon_greedy(q: jax.Array, epsilon: Scalar) -> jax.Array:
    """Probabilities ``[..., A]``: a best action with ``1 - epsilon`` (ties share it), any action with ``epsilon``.

    >>> print(epsilon_greedy(jnp.array([1.0, 3.0, 3.0]), 0.0))
    [0.  0.5 0.5]
    """
    best = (q >= jnp.max(q, axis=-1, keepdims=True)).astype(jnp.float32)
    return (1.0 - epsilon) * best / jnp.sum(best, axis=-1, keepdims=True) + epsilon / q.shape[-1]


@component
class Control(UpdateRule):
    """The base of Q-learning and Sarsa: a step size, a discount, action values, and acting epsilon-greedily.

    Attributes:
        step_size: the share of the error by which an action value is corrected; for a table, 1 corrects all of it.
        gamma: discount per step.
        epsilon: probability of an action at random, the same for all of the lifetime.
    """

    step_size: Scalar = real(0.5, low=1e-3, high=2.0, scale="log")
    gamma: Scalar = real(1.0, low=0.0, high=1.0)
    epsilon: Scalar = real(0.1, low=0.0, high=1.0)

    def correction(self, following: str) -> str:
        """The correction of an action value in LaTeX, where ``following`` is the value of the next state."""
        error = rf"r{weighted('+', self.gamma, following)} - Q(s, a)"
        return rf"Q(s, a) \leftarrow Q(s, a) + {latex_number(self.step_size)} \left({error}\right)"

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(1, 1)

    def heads(self, spec: Spec) -> Heads:
        if not isinstance(spec.action, Discrete):
            raise UserError(f"{type(self).__name__} needs discrete actions; got {spec.action}: choose another rule or task.")
        return Heads({"q": Head((spec.action.n,))})

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        probability = epsilon_greedy(outputs["q"], self.epsilon)
        action = jax.random.categorical(key, jnp.log(probability))
        return action, jnp.log(jnp.take_along_axis(probability, action[..., None], axis=-1)[..., 0])

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return jnp.argmax(outputs["q"], axis=-1)

    def expected_value(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        """``sum_a pi(a | s') q(s', a)`` of one step, pi being the policy that acts."""
        q = jax.lax.stop_gradient(world.evaluate_next(params, trajectory)["q"][0, 0])
        return jnp.sum(epsilon_greedy(q, self.epsilon) * q)


@component
class OneStep(Control):
    """``q(s, a) += step_size (r + d next_value - q(s, a))``, where rules differ in the value of the next state.

    ``d`` is gamma, and 0 after a termination.
    """

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return ()

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        gradient, value = action_value_gradient(world, params, trajectory)
        discount = self.gamma * (1.0 - trajectory.terminated[0, 0])
        delta = trajectory.reward[0, 0] + discount * self.value_of_next(world, params, trajectory) - value
        return add_steps(params, (self.step_size * delta, gradient)), state, {"error": jnp.abs(delta)}

    def value_of_next(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        """The value of the next state, a scalar; no gradient passes."""
        raise NotImplementedError
