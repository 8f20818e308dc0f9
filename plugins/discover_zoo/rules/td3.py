"""Twin delayed deep deterministic policy gradient."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Gaussian, Head, Info, Outputs, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.twin_critics import Learner, TwinCritics, bounds, lower


@component
class TD3(TwinCritics):
    """Twin delayed DDPG (Fujimoto et al. 2018, arXiv 1802.09477, algorithm 1).

    The policy is deterministic, ``mu(s) = center + reach * tanh(policy(s))``, and explores by normal noise of deviation
    ``noise * reach``, held within the bounds::

        a'          = mu_target(s') + clip(normal(smoothing * reach), -smoothing_clip * reach, smoothing_clip * reach)
        next_value  = min(Q1_target, Q2_target)(s', a' held within the bounds)
        policy loss = -mean(Q1(s, mu(s)))

    ``delay`` critic steps come before each policy step; the target parameters move with the policy.

    Attributes:
        noise, smoothing, smoothing_clip: of exploration and of the target's action, in units of the reach of an action.
    """

    paper = "Fujimoto et al. 2018, arXiv 1802.09477"

    delay: Count = 2
    noise: Scalar = real(0.1, low=0.01, high=1.0, scale="log")
    smoothing: Scalar = real(0.2, low=0.01, high=1.0, scale="log")
    smoothing_clip: Scalar = real(0.5, low=0.01, high=2.0, scale="log")

    def policy_heads(self, actions: int) -> dict[str, Head]:
        return {"policy": Head((actions,), gain=0.01)}

    def explore(self, key: jax.Array, world: World, outputs: Outputs) -> tuple[jax.Array, jax.Array]:
        """The log-probability is that of the action before it is held within the bounds."""
        low, high = bounds(world.spec)
        around = Gaussian(deterministic(world, outputs), jnp.log(self.noise * 0.5 * (high - low)))
        action = around.sample(key)
        return jnp.clip(action, low, high), around.log_prob(action)

    def next_value(self, key: jax.Array, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        low, high = bounds(world.spec)
        action = deterministic(world, world.evaluate_next(learner.target, batch))
        noise = self.smoothing * jax.random.normal(key, action.shape)
        noise = 0.5 * (high - low) * jnp.clip(noise, -self.smoothing_clip, self.smoothing_clip)
        smoothed = jnp.clip(action + noise, low, high)
        return jax.lax.stop_gradient(lower(world.evaluate_next(learner.target, batch, smoothed)))

    def policy_loss(self, key: jax.Array, world: World, learner: Learner) -> Any:
        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            action = deterministic(world, outputs)
            total = -jnp.mean(world.evaluate(learner.params, batch._replace(action=action))["q1"])
            return total, {"policy_loss": total}

        return loss


def deterministic(world: World, outputs: Outputs) -> jax.Array:
    """``mu(s)``, within the bounds."""
    low, high = bounds(world.spec)
    return 0.5 * (high + low) + 0.5 * (high - low) * jnp.tanh(outputs["policy"])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("td3", TD3)
    registry.add_recipe(
        "td3",
        RECIPES / "td3.yaml",
        summary="TD3 with the settings of RL Baselines3 Zoo for Pendulum (updates of two steps each)",
        paper=TD3.paper,
    )
