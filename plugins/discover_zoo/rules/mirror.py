"""Mirror learning: policy updates of the form ``maximize E[ratio * advantage - drift]`` (Kuba et al. 2022).

PPO, DPO and LPO differ in their drift alone. A valid drift is never negative, and zero with zero slope where the policy has
not moved.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Info, OnPolicy, Outputs, Scalar, Targets, Trajectory, World, component, real


@component
class MirrorLearning(OnPolicy):
    """What PPO, DPO and LPO share: epochs of shuffled minibatches on one batch of experience.

    Per minibatch, with advantages normalized over it::

        loss = -mean(ratio * advantage - drift(ratio, advantage))
               + value_coefficient * mean(max((v - G)^2, (v_old + clip(v - v_old, value_clip) - G)^2)) / 2
               - entropy_coefficient * mean(entropy)
    """

    epochs: Count = 4
    minibatches: Count = 4
    entropy_coefficient: Scalar = real(0.01, low=0.0, high=0.1)
    value_coefficient: Scalar = real(0.5, low=0.05, high=2.0, scale="log")
    value_clip: Scalar = real(0.2, low=0.02, high=1000.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        """How much of ``ratio * advantage`` is taken back, per sample; any shape, of normalized advantages."""
        raise NotImplementedError

    def figures(self) -> Mapping[str, Any]:
        from discover_zoo.rules.drift_figure import drift_figure  # matplotlib is slow to import and seldom needed

        return {"drift": drift_figure(type(self).__name__, self.drift)}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        targets = self.returns(world.segment(params, trajectory))
        gradient = world.gradient(self._loss(world))

        def learn(carry: tuple[Any, Any], batch: tuple[Trajectory, Targets]) -> tuple[tuple[Any, Any], Info]:
            params, state = carry
            change, info = gradient(params, *batch)
            return self.optimizer.update(change, state, params, world.progress), info

        def epoch(carry: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], Info]:
            return jax.lax.scan(learn, carry, world.minibatches(key, self.minibatches, trajectory, targets))

        (params, state), info = jax.lax.scan(epoch, (params, state), jax.random.split(key, self.epochs))
        return params, state, jax.tree.map(jnp.mean, info)

    def _loss(self, world: World) -> Any:
        def loss(outputs: Outputs, batch: Trajectory, targets: Targets) -> tuple[jax.Array, Info]:
            policy = world.policy(outputs)
            log_ratio = policy.log_prob(batch.action) - batch.log_prob
            advantage = normalized(targets.advantage)
            gain = jnp.mean(jnp.exp(log_ratio) * advantage - self.drift(log_ratio, advantage))
            value, old = outputs["value"], batch.outputs["value"]
            near = old + jnp.clip(value - old, -self.value_clip, self.value_clip)
            error = jnp.maximum((value - targets.value) ** 2, (near - targets.value) ** 2)
            value_loss, entropy = 0.5 * jnp.mean(error), jnp.mean(policy.entropy())
            total = -gain + self.value_coefficient * value_loss - self.entropy_coefficient * entropy
            return total, {"policy_gain": gain, "value_loss": value_loss, "entropy": entropy}

        return loss


def normalized(advantage: jax.Array) -> jax.Array:
    """Zero mean and unit standard deviation; the slope stays finite where all advantages are equal."""
    centered = advantage - jnp.mean(advantage)
    return centered * jax.lax.rsqrt(jnp.mean(centered**2) + 1e-16)
