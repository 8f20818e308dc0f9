"""Losses by which parameters are judged on a batch that their update has not used; the adapted numbers have no part in them."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from discover import Component, Outputs, Params, ReturnFunction, Scalar, Targets, Trajectory, World, component, real


class HeldOutLoss(Component):
    """A loss of parameters on a batch; differentiable with respect to the parameters."""

    kind: ClassVar[str] = "held-out loss"

    def __call__(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        """The loss, a scalar."""
        raise NotImplementedError


@component
class PolicyImprovement(HeldOutLoss):
    """``-mean(log pi(action | state) * A)``, the advantage by the reference gamma' and lambda' (Xu et al. 2018, eq. 9).

    Attributes:
        returns: the reference, at the values of the parameters that are judged; no gradient passes through it.

    >>> from discover_zoo.returns.gae import GAE
    >>> PolicyImprovement(returns=GAE(gamma=0.99, lam=1.0)).returns.lam.item()
    1.0
    """

    paper = "Xu et al. 2018, arXiv 1805.09801, eq. 9"

    returns: ReturnFunction

    def __call__(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        targets = _targets(self.returns, world, params, outputs=outputs, trajectory=trajectory)
        return -jnp.mean(targets.advantage * world.policy(outputs).log_prob(trajectory.action))


@component
class PredictionError(HeldOutLoss):
    """``mean((v - G')^2) / 2``, for learning values alone (Xu et al. 2018, eq. 7).

    Attributes:
        returns: gives the target ``G'``; no gradient passes through it.

    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> PredictionError(returns=MonteCarlo(gamma=1.0)).kind
    'held-out loss'
    """

    paper = "Xu et al. 2018, arXiv 1805.09801, eq. 7"

    returns: ReturnFunction

    def __call__(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        target = _targets(self.returns, world, params, outputs=outputs, trajectory=trajectory).value
        return 0.5 * jnp.mean((outputs["value"] - target) ** 2)


@component
class ActorCriticLoss(HeldOutLoss):
    """The loss of an actor-critic with fixed coefficients, and the divergence of the policy from the one that acted.

    With target ``G`` and advantage ``A`` from the return function::

        mean(-log pi(action | state) * A + value_coefficient * (v - G)^2 / 2
             - entropy_coefficient * entropy + kl_coefficient * KL(pi || the policy that acted))

    The outer loss of STACX (Zahavy et al. 2020), where the policy that acted is the one before the update.

    Attributes:
        returns: gives target ``G`` and advantage ``A``; no gradient passes through it.
        value_coefficient: weight of the value loss, which has half the squared error.
        entropy_coefficient, kl_coefficient: weights of entropy and divergence, which are in nats.

    >>> from discover import Space, free
    >>> from discover_zoo.returns.v_trace import VTrace
    >>> Space(ActorCriticLoss(returns=VTrace(), kl_coefficient=free())).dimension
    1
    """

    paper = "Zahavy et al. 2020, arXiv 2002.12928"

    returns: ReturnFunction
    value_coefficient: Scalar = real(0.25, low=0.0, high=2.0)
    entropy_coefficient: Scalar = real(0.01, low=0.0, high=0.1)
    kl_coefficient: Scalar = real(1.0, low=0.0, high=10.0)

    def __call__(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        targets = _targets(self.returns, world, params, outputs=outputs, trajectory=trajectory)
        policy = world.policy(outputs)
        return jnp.mean(
            -policy.log_prob(trajectory.action) * targets.advantage
            + self.value_coefficient * 0.5 * (outputs["value"] - targets.value) ** 2
            - self.entropy_coefficient * policy.entropy()
            + self.kl_coefficient * policy.kl(world.policy(trajectory.outputs))
        )


def _targets(returns: ReturnFunction, world: World, params: Params, *, outputs: Outputs, trajectory: Trajectory) -> Targets:
    """Constant targets from the values and the policy of these parameters."""
    log_prob = world.policy(outputs).log_prob(trajectory.action)
    segment = world.segment(params, trajectory._replace(outputs=jax.lax.stop_gradient(outputs)))
    segment = segment._replace(target_log_prob=log_prob)
    return jax.lax.stop_gradient(returns(jax.lax.stop_gradient(segment)))
