"""Proximal meta-policy search (Rothfuss et al. 2019, arXiv 1810.06784): clipped ratios through an adaptation."""

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Heads,
    Info,
    Key,
    OnPolicy,
    Outputs,
    Params,
    Registry,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
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
class ProMP(OnPolicy):
    """Several steps on one batch along the clipped surrogate (Rothfuss et al. 2019, eq. 10 and algorithm 1).

    It maximizes, with ``ratio = pi / pi_old``::

        mean(min(ratio * advantage, clip(ratio, 1 - clip, 1 + clip) * advantage))

    As the outer rule of `MAML` the ratio is that of the adapted policies, and the divergence of the policies before adapting
    is MAML's own ``inner_kl``. All of the batch is used in each epoch; advantages are normalized in each task apart.

    Pitfall: steps of episodes that do not end within the batch are left out, since their return is not known: make the batch as
    long as an episode.

    Attributes:
        returns: gives the advantage. The rule has no value head; `LinearBaseline` around it gives values.
        optimizer: takes the steps.
        steps, num_envs: T (env steps) and B of a batch, where no other rule contains this one.
        epochs: gradient steps per batch.
        clip: how far the ratio may leave 1 before nothing more is to be gained; no unit.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> ProMP(returns=GAE(lam=1.0), optimizer=Adam(learning_rate=1e-3), epochs=5, clip=0.3).epochs
    5
    >>> Space(ProMP(returns=GAE(), optimizer=Adam(learning_rate=free()), clip=free())).dimension
    2
    """

    paper = "Rothfuss et al. 2019, arXiv 1810.06784, eq. 10"

    steps: Count = 100
    num_envs: Count = 20
    epochs: Count = 5
    clip: Scalar = real(0.3, low=0.02, high=1.0, scale="log")

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        weights = step_weights(trajectory, world.group)
        advantage = standardized(self.returns(world.segment(params, trajectory)).advantage, weights, world.group)

        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            ratio = jnp.exp(world.policy(outputs).log_prob(batch.action) - batch.log_prob)
            near = jnp.clip(ratio, 1.0 - self.clip, 1.0 + self.clip)
            gain = jnp.sum(weights * jnp.minimum(ratio * advantage, near * advantage))
            return -gain, {"policy_gain": gain}

        def epoch(carry: tuple[Params, RuleState], _: None) -> tuple[tuple[Params, RuleState], Info]:
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
