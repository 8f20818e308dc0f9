"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, arXiv 1802.09477)."""

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
    Registry,
    Scalar,
    Trajectory,
    World,
    component,
    hookimpl,
    latex_number,
    real,
)
from discover_zoo.rules.critics import action_bounds, lower_critic
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.twin_critics import Learner, PolicyLoss, TwinCritics


@component
class TD3(TwinCritics):
    """Twin delayed DDPG (Fujimoto et al. 2018, arXiv 1802.09477, algorithm 1).

    The policy is deterministic, ``mu(s) = center + reach * tanh(policy(s))``, and explores by normal noise of standard
    deviation ``noise * reach``, clipped to the bounds::

        a'          = clip(mu_target(s') + clip(normal(smoothing * reach), -smoothing_clip * reach, smoothing_clip * reach))
        next_value  = min(Q1_target, Q2_target)(s', a'),        the outer clip is to the bounds of the actions
        policy loss = -mean(Q1(s, mu(s)))

    ``delay`` critic steps come before each policy step; the target parameters move with the policy.

    Pitfalls: the task needs real actions with finite bounds. The noise of exploration does not fall over the lifetime. One
    update takes ``rounds * delay`` critic steps: for one per transition, ``steps * num_envs`` must be as many.

    Attributes:
        delay: critic steps per policy step.
        noise: standard deviation of the exploration, in units of the reach of an action (half the width of its bounds).
        smoothing, smoothing_clip: standard deviation and bound of the noise on the target's action, in the same units.

    The other fields are those of `TwinCritics`.

    >>> from discover import Continuous, Space, Spec, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> rule = TD3(optimizer=Adam(learning_rate=1e-3), policy_optimizer=Adam(learning_rate=1e-3))
    >>> sorted(rule.heads(Spec((3,), Continuous((-2.0,), (2.0,)))).outputs)
    ['policy', 'q1', 'q2']
    >>> Space(TD3(optimizer=Adam(), policy_optimizer=Adam(), noise=free(), polyak=free())).dimension
    2
    """

    paper = "Fujimoto et al. 2018, arXiv 1802.09477"

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
            total = -jnp.mean(world.evaluate(learner.params, batch._replace(action=action))["q1"])
            return total, {"policy_loss": total}

        return loss


def policy_action(world: World, outputs: Outputs) -> jax.Array:
    """The deterministic action ``mu(s)``, within the bounds, in the environment's units."""
    low, high = action_bounds(world.spec)
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
