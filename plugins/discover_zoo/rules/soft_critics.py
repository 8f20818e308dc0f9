"""The soft part of SAC, for every rule with its critics: a policy as random as it is asked to be, by a learned temperature."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Head,
    Info,
    Key,
    OptimizerState,
    Outputs,
    Scalar,
    TanhGaussian,
    Trajectory,
    World,
    component,
    latex_number,
    real,
)
from discover_zoo.rules.critics import action_bounds, lower_critic
from discover_zoo.rules.twin_critics import Learner, PolicyLoss, TwinCritics

_LOG_STD = (-20.0, 2.0)


class Temperature(NamedTuple):
    """The logarithm of the temperature and its optimizer's state."""

    log: jax.Array
    optimizer: OptimizerState


@component
class SoftCritics(TwinCritics):
    """Twin critics of a policy whose entropy counts as a reward, weighed by a temperature.

    Attributes:
        entropy_scale: the target entropy, in nats and in units of ``-D``, where D is the number of action dimensions. The
            entropy of the uniform policy is ``D log 2``.

    The other fields are those of `TwinCritics`.
    """

    entropy_scale: Scalar = real(1.0, low=0.1, high=10.0, scale="log")

    def next_value_formula(self) -> str:
        value = r"\left(\min_i \bar{Q}_i(s', a') - \alpha \log \pi(a' \mid s')\right)"
        return rf"{value}, \quad a' \sim \pi(\cdot \mid s')"

    def policy_formula(self) -> str:
        entropy = rf"-{latex_number(self.entropy_scale)} \dim \mathcal{{A}}"
        return "\n".join(
            [
                r"\min_\pi\ \mathbb{E}_{a \sim \pi}\left[\alpha \log \pi(a \mid s) - \min_i Q_i(s, a)\right]",
                rf"\min_\alpha\ -\alpha\, \mathbb{{E}}\left[\log \pi(a \mid s) + \bar{{H}}\right], \quad \bar{{H}} = {entropy}",
            ]
        )

    def policy_heads(self, actions: int) -> dict[str, Head]:
        return {"policy": Head((actions,), gain=0.01), "log_std": Head((actions,), gain=0.01)}

    def init_own(self) -> Temperature:
        log = jnp.zeros(())
        return Temperature(log, self.optimizer.init(log))

    def explore(self, key: Key, world: World, outputs: Outputs) -> tuple[jax.Array, jax.Array]:
        return squashed_policy(world, outputs).sample_and_log_prob(key)

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return squashed_policy(world, outputs).mode()

    def next_value(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        policy = squashed_policy(world, world.evaluate_next(learner.params, batch))
        action, log_prob = sample_action(key, world, policy)
        value = lower_critic(world.evaluate_next(learner.target, batch, action))
        return jax.lax.stop_gradient(value - jnp.exp(learner.own.log) * log_prob)

    def policy_loss(self, key: Key, world: World, learner: Learner) -> PolicyLoss:
        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            action, log_prob = sample_action(key, world, squashed_policy(world, outputs))
            value = lower_critic(world.evaluate(learner.params, batch._replace(action=action)))
            total = jnp.mean(self.weight(batch) * (jnp.exp(learner.own.log) * log_prob - value))
            info = {"policy_loss": total, "entropy": -jnp.mean(log_prob), "temperature": jnp.exp(learner.own.log)}
            return total, info

        return loss

    def update_own(self, world: World, learner: Learner, info: Info) -> Temperature:
        log, state = learner.own
        target = -self.entropy_scale * len(action_bounds(world.spec)[0])
        gradient = jnp.exp(log) * (info["entropy"] - target)
        return Temperature(*self.optimizer.update(gradient, state, log, world.progress))


def sample_action(key: Key, world: World, policy: TanhGaussian) -> tuple[jax.Array, jax.Array]:
    """An action in the environment's units, and the logarithm of its density in units of its reach."""
    action, log_prob = policy.sample_and_log_prob(key)
    low, high = action_bounds(world.spec)
    return action, log_prob + jnp.sum(jnp.log(0.5 * (high - low)))


def squashed_policy(world: World, outputs: Outputs) -> TanhGaussian:
    """The policy, its log standard deviation clipped to [-20, 2]."""
    return TanhGaussian(outputs["policy"], jnp.clip(outputs["log_std"], *_LOG_STD), *action_bounds(world.spec))
