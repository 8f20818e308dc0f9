"""The Monte-Carlo policy gradient."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from discover import (
    Experience,
    Head,
    Heads,
    Info,
    Optimiser,
    Outputs,
    ReturnFunction,
    Rollout,
    Scalar,
    Spec,
    Targets,
    UpdateRule,
    World,
    component,
    policy_heads,
    real,
)


@component
class Reinforce(UpdateRule):
    """REINFORCE (Williams 1992): one gradient step per batch of experience.

    With ``A = G - b`` from the return function, and without the factor ``gamma^t``, as is usual::

        loss = -mean(log pi(action | state) * A)
               + value_coefficient * mean((v - G)^2) / 2
               - entropy_coefficient * mean(entropy)

    Attributes:
        returns: gives ``G``; `MonteCarlo` makes it Williams' algorithm.
        optimiser: what takes the step.
        steps, environments: T and B of a batch.
        baseline: ``value`` learns a value, subtracts it, and bootstraps from it where the batch cuts an episode off. ``none``
            does without: ``b = 0``, no value loss, and steps whose episode does not end within the batch are left out of the
            mean, since their return is not known. Make the batch longer than an episode then.
        entropy_coefficient, value_coefficient: weights in the loss.
    """

    paper = "Williams 1992, Machine Learning 8"

    returns: ReturnFunction
    optimiser: Optimiser
    steps: int = 128
    environments: int = 8
    baseline: Literal["value", "none"] = "value"
    entropy_coefficient: Scalar = real(0.0, low=0.0, high=0.1)
    value_coefficient: Scalar = real(0.5, low=0.05, high=2.0, scale="log")

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.environments)

    def heads(self, spec: Spec) -> Heads:
        value = {"value": Head(())} if self.baseline == "value" else {}
        return Heads({**policy_heads(spec), **value})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.optimiser.init(params)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        targets = self.returns(world.segment(params, experience))
        change, info = world.gradient(self._loss(world))(params, experience, targets)
        params, state = self.optimiser.update(change, state, params, world.progress)
        return params, state, info

    def _loss(self, world: World) -> Any:
        def loss(outputs: Outputs, batch: Experience, targets: Targets) -> tuple[jax.Array, Info]:
            policy = world.policy(outputs)
            known = jnp.ones_like(batch.reward) if self.baseline == "value" else ends_within(batch)
            gain = jnp.sum(known * policy.log_prob(batch.action) * targets.advantage) / jnp.maximum(jnp.sum(known), 1.0)
            entropy = jnp.mean(policy.entropy())
            total, info = -gain - self.entropy_coefficient * entropy, {"policy_gain": gain, "entropy": entropy}
            if self.baseline == "none":
                return total, info
            value_loss = 0.5 * jnp.mean((outputs["value"] - targets.value) ** 2)
            return total + self.value_coefficient * value_loss, info | {"value_loss": value_loss}

        return loss


def ends_within(experience: Experience) -> jax.Array:
    """``[T, B]``, 1 where the episode ends at this step or at a later one of the segment, else 0."""
    done = (experience.terminated | experience.truncated).astype(jnp.float32)
    return jax.lax.cummax(done, axis=0, reverse=True)
