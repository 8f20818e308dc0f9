"""The part of TD3 that rules share: a deterministic policy that explores by noise, and learns after several critic steps."""

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Count,
    Gaussian,
    Head,
    Info,
    Key,
    Outputs,
    Scalar,
    Trajectory,
    World,
    component,
    latex_number,
    real,
)
from discover_zoo.rules.critics import action_bounds, lower_critic
from discover_zoo.rules.twin_critics import Learner, PolicyLoss, TwinCritics


@component
class DelayedCritics(TwinCritics):
    """Twin critics of a deterministic policy, whose target's action is smoothed by noise.

    Attributes:
        delay: critic steps per policy step.
        noise: standard deviation of the exploration, in units of the reach of an action (half the width of its bounds).
        smoothing, smoothing_clip: standard deviation and bound of the noise on the target's action, in the same units.

    The other fields are those of `TwinCritics`.
    """

    not_differentiable = ("polyak", "noise", "smoothing", "smoothing_clip")  # gradients are stopped at actions and targets

    delay: Count = 2
    noise: Scalar = real(0.1, low=0.01, high=1.0, scale="log")
    smoothing: Scalar = real(0.2, low=0.01, high=1.0, scale="log")
    smoothing_clip: Scalar = real(0.5, low=0.01, high=2.0, scale="log")

    def next_value_formula(self) -> str:
        bound = latex_number(self.smoothing_clip)
        noise = rf"\operatorname{{clip}}\left(\epsilon, -{bound}, {bound}\right)"
        normal = rf"\epsilon \sim N(0, {latex_number(self.smoothing)}^2)"
        return rf"\min_i \bar{{Q}}_i(s', a'), \quad a' = \bar\mu(s') + {noise}, \quad {normal}"

    def policy_formula(self) -> str:
        policy = r"\max_\mu\ \mathbb{E}\left[Q_1(s, \mu(s))\right]"
        steps = rf"\text{{once in {self.delay} steps of the critics}}"
        return rf"{policy}\ {steps}, \quad a = \mu(s) + \epsilon, \quad \epsilon \sim N(0, {latex_number(self.noise)}^2)"

    def policy_heads(self, actions: int) -> dict[str, Head]:
        return {"policy": Head((actions,), gain=0.01)}

    def explore(self, key: Key, world: World, outputs: Outputs) -> tuple[jax.Array, jax.Array]:
        """Actions ``[B, D]``, and log-probabilities ``[B]`` of what they were before they were clipped to the bounds."""
        low, high = action_bounds(world.spec)
        around = Gaussian(policy_action(world, outputs), jnp.log(self.noise * 0.5 * (high - low)))
        action = around.sample(key)
        return jnp.clip(action, low, high), around.log_prob(action)

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return policy_action(world, outputs)

    def next_value(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        low, high = action_bounds(world.spec)
        action = policy_action(world, world.evaluate_next(learner.target, batch))
        noise = self.smoothing * jax.random.normal(key, action.shape)
        noise = 0.5 * (high - low) * jnp.clip(noise, -self.smoothing_clip, self.smoothing_clip)
        smoothed = jnp.clip(action + noise, low, high)
        return jax.lax.stop_gradient(lower_critic(world.evaluate_next(learner.target, batch, smoothed)))

    def policy_loss(self, key: Key, world: World, learner: Learner) -> PolicyLoss:
        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            action = policy_action(world, outputs)
            value = world.evaluate(learner.params, batch._replace(action=action))["q1"]
            total = -jnp.mean(self.weight(batch) * value)
            return total, {"policy_loss": total}

        return loss


def policy_action(world: World, outputs: Outputs) -> jax.Array:
    """The deterministic action ``mu(s)``, within the bounds, in the environment's units."""
    low, high = action_bounds(world.spec)
    return 0.5 * (high + low) + 0.5 * (high - low) * jnp.tanh(outputs["policy"])
