"""One policy-gradient step, by which MAML adapts (Rothfuss et al. 2019, arXiv 1810.06784)."""

from typing import Literal

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
    Spec,
    Trajectory,
    World,
    component,
    hookimpl,
    policy_heads,
    standardized,
    step_weights,
)


@component
class PolicyGradient(OnPolicy):
    """One step along ``mean(weight * advantage)``, whose first derivative is the policy gradient whatever the weight.

    Weights differ in their second derivative, which a rule that learns through the step needs. With ``r = pi / sg(pi)``:

    - ``likelihood ratio``: ``r_t`` (Rothfuss et al. 2019, eq. 8: low-variance curvature; exact for episodes of one step)
    - ``dice``: ``R_t - R_{t-1}`` with ``R_t = r_1 * ... * r_t`` over the episode (Foerster et al. 2018, arXiv 1802.05098,
      eq. 4, written for advantages: unbiased curvature, of high variance)
    - ``log likelihood``: ``log pi`` (Finn et al. 2017 as first written: one of the terms of the curvature alone)
    - ``weighted log likelihood``: ``sg(r_t) * log pi`` with ``r_t = pi / pi_old``: the same, for batches that other parameters
      collected (Mendonca et al. 2019, arXiv 1904.00956)

    Pitfall: steps of episodes that do not end within the batch are left out, since their return is not known: make the batch as
    long as an episode.

    Attributes:
        returns: gives the advantage; a value only if a rule around this one gives it (`linear_baseline`) or asks for the head.
        optimizer: takes the step.
        steps, num_envs: T (env steps) and B of a batch, where no other rule contains this one.
        surrogate: the weight.
        normalize: give the advantages zero mean and unit standard deviation; the size of an inner step then does not depend on
            the scale of the returns.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=0.1), surrogate="dice").surrogate
    'dice'
    >>> Space(PolicyGradient(returns=MonteCarlo(gamma=free()), optimizer=SGD(learning_rate=free()))).dimension
    2
    """

    paper = "Rothfuss et al. 2019, arXiv 1810.06784, eq. 8"

    steps: Count = 100
    num_envs: Count = 20
    surrogate: Literal["likelihood ratio", "dice", "log likelihood", "weighted log likelihood"] = "likelihood ratio"
    normalize: bool = True

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        weights = step_weights(trajectory, world.group)
        advantage = self.returns(world.segment(params, trajectory)).advantage
        if self.normalize:
            advantage = standardized(advantage, weights, world.group)

        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            log_ratio = world.policy(outputs).log_prob(batch.action) - batch.log_prob
            gain = jnp.sum(weights * self._weight(log_ratio, batch.is_first) * advantage)
            return -gain, {"policy_gain": gain}

        gradient, info = world.gradient(loss)(params, trajectory)
        params, state = self.optimizer.update(gradient, state, params, world.progress)
        return params, state, info

    def _weight(self, log_ratio: jax.Array, is_first: jax.Array) -> jax.Array:
        """The weight ``[T, B]`` of each step, by its surrogate."""
        if self.surrogate == "log likelihood":
            return log_ratio
        if self.surrogate == "weighted log likelihood":
            return jax.lax.stop_gradient(jnp.exp(log_ratio)) * log_ratio
        if self.surrogate == "likelihood ratio":
            return jnp.exp(log_ratio)
        so_far = within_episode(log_ratio, is_first)
        return jnp.exp(so_far) - jnp.exp(so_far - log_ratio)


def within_episode(x: jax.Array, is_first: jax.Array) -> jax.Array:
    """``[T, B]``, the sum of ``x`` since the episode (or the batch) began, this step included.

    Args:
        x: ``[T, B]``.
        is_first: ``[T, B]``, true where an episode starts.

    >>> print(within_episode(jnp.ones((3, 1)), jnp.array([[False], [False], [True]])).ravel())
    [1. 2. 1.]
    """

    def step(before: jax.Array, row: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        value, starts = row
        total = jnp.where(starts, 0.0, before) + value
        return total, total

    return jax.lax.scan(step, jnp.zeros_like(x[0]), (x, is_first))[1]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("policy_gradient", PolicyGradient)
