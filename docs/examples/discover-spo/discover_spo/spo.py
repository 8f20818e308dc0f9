"""Simple policy optimization: the update rule."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Info,
    Key,
    OnPolicy,
    Outputs,
    Params,
    RuleState,
    Scalar,
    Targets,
    Trajectory,
    World,
    component,
    real,
)

Learner = tuple[Params, RuleState]


@component
class SPO(OnPolicy):
    """Simple policy optimization: a quadratic penalty on the ratio where PPO clips it (Xie et al. 2024).

    With ``r = pi / pi_old`` and normalized advantages ``A``, the policy maximizes the mean of
    ``r * A - |A| * (r - 1)^2 / (2 * clip)``.
    """

    paper = "Xie et al. 2024, arXiv 2401.16025"

    epochs: Count = 4
    minibatches: Count = 4
    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")
    value_coefficient: Scalar = real(0.5, low=0.05, high=2.0, scale="log")

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        targets = self.returns(world.segment(params, trajectory))
        gradient = world.gradient(self._loss(world))

        def step(learner: Learner, batch: tuple[Trajectory, Targets]) -> tuple[Learner, Info]:
            params, state = learner
            change, info = gradient(params, *batch)
            return self.optimizer.update(change, state, params, world.progress), info

        def epoch(learner: Learner, key: Key) -> tuple[Learner, Info]:
            return jax.lax.scan(step, learner, world.minibatches(key, self.minibatches, trajectory, targets))

        (params, state), info = jax.lax.scan(epoch, (params, state), jax.random.split(key, self.epochs))
        return params, state, jax.tree.map(jnp.mean, info)

    def _loss(self, world: World) -> Callable[..., tuple[jax.Array, Info]]:
        def loss(outputs: Outputs, batch: Trajectory, targets: Targets) -> tuple[jax.Array, Info]:
            log_ratio = world.policy(outputs).log_prob(batch.action) - batch.log_prob
            centered = targets.advantage - jnp.mean(targets.advantage)
            advantage = centered * jax.lax.rsqrt(jnp.mean(centered**2) + 1e-16)
            gain = jnp.mean(surrogate(jnp.exp(log_ratio), advantage, self.clip))
            error = jnp.mean((outputs["value"] - targets.value) ** 2)
            return self.value_coefficient * error - gain, {"policy_gain": gain, "value_error": error}

        return loss


def surrogate(ratio: jax.Array, advantage: jax.Array, clip: Scalar) -> jax.Array:
    """The objective per sample. For a positive advantage its maximum is at ``ratio = 1 + clip``.

    >>> float(surrogate(jnp.float32(1.0), jnp.float32(2.0), 0.2))
    2.0
    """
    return ratio * advantage - jnp.abs(advantage) * (ratio - 1.0) ** 2 / (2.0 * clip)
