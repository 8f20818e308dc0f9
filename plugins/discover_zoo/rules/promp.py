"""Proximal meta-policy search: the rule that learns through an adaptation by clipped ratios."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Heads,
    Info,
    Optimizer,
    Outputs,
    Registry,
    ReturnFunction,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    hookimpl,
    policy_heads,
    real,
    standardized,
    step_weights,
)
from discover_zoo.rules.recipes import RECIPES


@component
class ProMP(UpdateRule):
    """Several steps on one batch along the clipped surrogate (Rothfuss et al. 2019, eq. 10 and algorithm 1)::

        mean(min(ratio * advantage, clip(ratio, 1 - clip, 1 + clip) * advantage)),   ratio = pi / pi_old

    As the outer rule of `maml` the ratio is that of the adapted policies, and the divergence of the policies before adapting
    is `maml`'s own ``inner_kl``. All of the batch is used in each epoch; advantages are normalized in each task apart. Steps
    of episodes that do not end within the batch are left out, since their return is not known.
    """

    paper = "Rothfuss et al. 2019, arXiv 1810.06784, eq. 10"

    returns: ReturnFunction
    optimizer: Optimizer
    steps: Count = 100
    num_envs: Count = 20
    epochs: Count = 5
    clip: Scalar = real(0.3, low=0.02, high=1.0, scale="log")

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.optimizer.init(params)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        weights = step_weights(trajectory, world.group)
        advantage = standardized(self.returns(world.segment(params, trajectory)).advantage, weights, world.group)

        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            ratio = jnp.exp(world.policy(outputs).log_prob(batch.action) - batch.log_prob)
            near = jnp.clip(ratio, 1.0 - self.clip, 1.0 + self.clip)
            gain = jnp.sum(weights * jnp.minimum(ratio * advantage, near * advantage))
            return -gain, {"policy_gain": gain}

        def epoch(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Info]:
            params, state = carry
            gradient, info = world.gradient(loss)(params, trajectory)
            return self.optimizer.update(gradient, state, params, world.progress), info

        (params, state), info = jax.lax.scan(epoch, (params, state), length=self.epochs)
        return params, state, jax.tree.map(jnp.mean, info)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("promp", ProMP)
    registry.add_recipe(
        "promp",
        RECIPES / "promp.yaml",
        summary="ProMP with the settings of its authors' code, but its first policy is ten times as noisy as there",
        paper=ProMP.paper,
    )
