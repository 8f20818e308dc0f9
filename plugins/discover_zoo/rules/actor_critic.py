"""The update that REINFORCE, A2C and IMPALA share: one gradient step per batch."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from discover import (
    Info,
    Key,
    OnPolicy,
    OptimizerState,
    Outputs,
    Params,
    RuleState,
    Scalar,
    Segment,
    Targets,
    Trajectory,
    World,
    component,
    ends_within,
    real,
)
from discover_zoo.rules.equations import ENTROPY, half, weighted


@component
class ActorCritic(OnPolicy):
    """The policy gradient with a learned value, and one step of the optimizer per batch.

    With target ``G`` and advantage ``A`` from the return function::

        loss = -mean(log pi(action | state) * A)
               + value_coefficient * mean((v - G)^2) / 2
               - entropy_coefficient * mean(entropy)

    A rule that has no value head does without the value loss, and leaves steps whose episode does not end within the batch
    out of the first mean, since their return is not known.

    Attributes:
        entropy_coefficient: weight of the entropy, which is in nats.
        value_coefficient: weight of the value loss, which has half the squared error.
    """

    entropy_coefficient: Scalar = real(0.01, low=0.0, high=0.1)
    value_coefficient: Scalar = real(0.5, low=0.05, high=2.0, scale="log")

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        return self._step(world, params, state, trajectory, segment=world.segment(params, trajectory))

    def _step(
        self, world: World, params: Params, state: OptimizerState, trajectory: Trajectory, *, segment: Segment
    ) -> tuple[Params, OptimizerState, Info]:
        """Parameters and the optimizer's state after a step on targets from ``segment``, and the parts of the loss."""
        change, info = world.gradient(self._loss(world))(params, trajectory, self.returns(segment))
        params, state = self.optimizer.update(change, state, params, world.progress)
        return params, state, info

    def formula(self) -> str:
        of_policy, of_value, of_entropy = self._coefficients()
        gain = weighted("+", of_policy, r"\mathbb{E}\left[A_t \log \pi_\theta(a_t \mid s_t)\right]").removeprefix(" + ")
        error = r"\mathbb{E}\left[(V_\theta(s_t) - G_t)^2\right]"
        value = weighted("-", half(of_value), error) if self._has_value() else ""
        return rf"\max_\theta\ {gain}{value}{weighted('+', of_entropy, ENTROPY)}"

    def _has_value(self) -> bool:
        """Whether the rule learns a value."""
        return True

    def _coefficients(self) -> tuple[Scalar, Scalar, Scalar]:
        """The weights of policy gain, value loss and entropy."""
        return 1.0, self.value_coefficient, self.entropy_coefficient

    def _loss(self, world: World) -> Callable[[Outputs, Trajectory, Targets], tuple[jax.Array, Info]]:
        """The loss of a batch, and its parts."""
        has_value = "value" in world.heads.outputs
        of_policy, of_value, of_entropy = self._coefficients()

        def loss(outputs: Outputs, batch: Trajectory, targets: Targets) -> tuple[jax.Array, Info]:
            policy = world.policy(outputs)
            counts = jnp.ones_like(batch.reward) if has_value else ends_within(batch)
            gain = jnp.sum(counts * policy.log_prob(batch.action) * targets.advantage) / jnp.maximum(jnp.sum(counts), 1.0)
            entropy = jnp.mean(policy.entropy())
            total, info = -of_policy * gain - of_entropy * entropy, {"policy_gain": gain, "entropy": entropy}
            if not has_value:
                return total, info
            value_loss = 0.5 * jnp.mean((outputs["value"] - targets.value) ** 2)
            return total + of_value * value_loss, info | {"value_loss": value_loss}

        return loss
