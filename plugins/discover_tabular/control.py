"""Learning what an action is worth while acting on it, online, one step of one environment per update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Discrete,
    Experience,
    Head,
    Heads,
    Info,
    Outputs,
    Rollout,
    Scalar,
    Spec,
    UpdateRule,
    UserError,
    World,
    component,
    real,
)
from discover_tabular.traces import Kind, faded, moved, slope_of_action_value


def epsilon_greedy(q: jax.Array, epsilon: Scalar) -> jax.Array:
    """Probabilities ``[..., A]``: a best action with ``1 - epsilon`` (ties share it), any action with ``epsilon``."""
    best = (q >= jnp.max(q, axis=-1, keepdims=True)).astype(jnp.float32)
    return (1.0 - epsilon) * best / jnp.sum(best, axis=-1, keepdims=True) + epsilon / q.shape[-1]


@component
class Control(UpdateRule):
    """What the rules of this module share: a step size, a discount, action values, and acting epsilon-greedily."""

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

    def _expected(self, world: World, params: Any, experience: Experience) -> jax.Array:
        """``sum_a pi(a | s') q(s', a)`` of one step, pi being the policy that acts."""
        q = jax.lax.stop_gradient(world.evaluate_next(params, experience)["q"][0, 0])
        return jnp.sum(epsilon_greedy(q, self.epsilon) * q)


@component
class OneStep(Control):
    """``q(s, a) += step_size (r + d following - q(s, a))``, where rules differ in what they say follows."""

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return ()

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        slope, value = slope_of_action_value(world, params, experience)
        discount = self.gamma * (1.0 - experience.terminated[0, 0])
        delta = experience.reward[0, 0] + discount * self._following(world, params, experience) - value
        return moved(params, (self.step_size * delta, slope)), state, {"error": jnp.abs(delta)}

    def _following(self, world: World, params: Any, experience: Experience) -> jax.Array:
        raise NotImplementedError


@component
class QLearning(OneStep):
    """Q-learning (Watkins 1989; Sutton & Barto 2018, eq. 6.8): ``max_a q(s', a)`` follows."""

    paper = "Watkins 1989, Learning from delayed rewards"

    def _following(self, world: World, params: Any, experience: Experience) -> jax.Array:
        return jax.lax.stop_gradient(jnp.max(world.evaluate_next(params, experience)["q"]))


@component
class ExpectedSarsa(OneStep):
    """Expected Sarsa (van Seijen et al. 2009; Sutton & Barto 2018, eq. 6.9): ``sum_a pi(a | s') q(s', a)`` follows."""

    paper = "van Seijen et al. 2009, A theoretical and empirical analysis of Expected Sarsa"

    def _following(self, world: World, params: Any, experience: Experience) -> jax.Array:
        return self._expected(world, params, experience)


class Waiting(NamedTuple):
    """A step that waits for the action that follows it, ``[1, 1, ...]``; whether there is one; and the trace before it."""

    step: Experience
    there: jax.Array
    trace: Any


@component
class Sarsa(Control):
    """Sarsa(lambda) (Rummery & Niranjan 1994; Sutton & Barto 2018, eq. 6.7 and section 12.7).

    ``w += step_size delta z`` with ``delta = r + d q(s', a') - q(s, a)`` and a trace over states and actions; ``lam = 0`` is
    Sarsa. The action ``a'`` is the one that is taken next, so that a step is learned from when the next one has been taken.
    Where a limit cuts the episode off, no action is, and the expectation takes its place.
    """

    paper = "Rummery & Niranjan 1994, On-line Q-learning using connectionist systems"

    lam: Scalar = real(0.0, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: jax.Array, world: World, params: Any) -> Waiting:
        step = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), world.template(params, 1, 1))
        return Waiting(step, jnp.array(False), jax.tree.map(jnp.zeros_like, params))

    def update(
        self, key: jax.Array, world: World, params: Any, state: Waiting, experience: Experience
    ) -> tuple[Any, Any, Info]:
        step = state.step
        slope, value = slope_of_action_value(world, params, step)
        taken = experience.outputs["q"][0, 0, experience.action[0, 0]]
        following = jnp.where(step.truncated[0, 0], self._expected(world, params, step), taken)
        delta = step.reward[0, 0] + self.gamma * (1.0 - step.terminated[0, 0]) * following - value
        delta = jnp.where(state.there, delta, 0.0)
        decay = self.gamma * self.lam * (1.0 - step.first[0, 0])
        trace = faded(self.traces, state.trace, slope, decay, self.step_size)
        params = moved(params, (self.step_size * delta, trace))
        return params, Waiting(experience, jnp.array(True), trace), {"error": jnp.abs(delta)}
