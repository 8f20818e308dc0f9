"""One plain policy-gradient step: what MAML adapts with."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from discover import (
    Experience,
    Heads,
    Info,
    Optimiser,
    Outputs,
    ReturnFunction,
    Rollout,
    Segment,
    Spec,
    UpdateRule,
    World,
    component,
    policy_heads,
)


@component
class PolicyGradient(UpdateRule):
    """One policy-gradient step; with the likelihood ratio as surrogate its second derivative is right too (ProMP, eq. 8)."""

    returns: ReturnFunction
    optimiser: Optimiser
    steps: int = 8
    environments: int = 4
    surrogate: Literal["likelihood ratio", "log likelihood"] = "likelihood ratio"

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.environments)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.optimiser.init(params)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        zero, old = jnp.zeros_like(experience.reward), experience.log_prob
        ends = experience.terminated, experience.truncated
        advantage = self.returns(Segment(experience.reward, zero, zero, *ends, old, old)).advantage

        def loss(outputs: Outputs, batch: Experience) -> tuple[jax.Array, Info]:
            log_prob = world.policy(outputs).log_prob(batch.action)
            weight = jnp.exp(log_prob - old) if self.surrogate == "likelihood ratio" else log_prob
            gain = jnp.mean(weight * advantage)
            return -gain, {"gain": gain}

        gradient, info = world.gradient(loss)(params, experience)
        params, state = self.optimiser.update(gradient, state, params, world.progress)
        return params, state, info
