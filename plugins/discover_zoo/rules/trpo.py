"""Trust region policy optimization."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import (
    Count,
    Heads,
    Info,
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

_TINY = 1e-16
"""In denominators: far below any figure that matters, but slopes stay finite where there is nothing to learn."""

Function = Callable[[jax.Array], jax.Array]


@component
class TRPO(UpdateRule):
    """Trust region policy optimization (Schulman et al. 2015, section 6 and appendix C)::

        maximize  mean(pi / pi_old * advantage)   subject to  mean(KL(pi_old || pi)) <= radius

    With ``g`` the slope of the surrogate and ``F`` the second derivative of the mean KL plus ``damping``, the full step is
    ``sqrt(2 * radius / (x . F x)) * x``, where ``F x = g`` is solved by conjugate gradients. The first of the steps
    ``shrink^k`` times the full one, k = 0 .. backtracks - 1, that improves the surrogate within the radius is taken; if none
    does, the parameters stay. Steps of episodes that do not end within the batch are left out: their return is not known.

    Surrogate and KL are functions of the parameters through `World.evaluate` alone: beneath a rule that adapts, both are of
    the adapted policy, and all derivatives run through the adaptation.

    Attributes:
        returns: gives the advantage. The rule asks for no value head; `linear_baseline` around it gives values.
        steps, num_envs: T and B of a batch, which should hold whole episodes.
        iterations: of conjugate gradients.
        backtracks: steps that the line search tries at most; one after another, it stops trying when one is taken.
        normalize: give the advantages zero mean and unit deviation (in each task apart, where columns belong together).
        radius, damping, shrink: see above.
    """

    paper = "Schulman et al. 2015, arXiv 1502.05477"

    returns: ReturnFunction
    steps: Count = 1000
    num_envs: Count = 4
    iterations: Count = 10
    backtracks: Count = 15
    normalize: bool = True
    radius: Scalar = real(0.01, low=1e-4, high=0.3, scale="log")
    damping: Scalar = real(1e-5, low=1e-8, high=1.0, scale="log")
    shrink: Scalar = real(0.8, low=0.1, high=0.95)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return ()

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        weights = step_weights(trajectory, world.group)
        advantage = self.returns(world.segment(params, trajectory)).advantage
        if self.normalize:
            advantage = standardized(advantage, weights, world.group)
        flat, unravel = ravel_pytree(params)
        old, policy = world.policy(trajectory.outputs), policy_heads(world.spec)

        def surrogate(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            log_ratio = world.policy(outputs).log_prob(batch.action) - batch.log_prob
            return -jnp.sum(weights * jnp.exp(log_ratio) * advantage), {}

        def loss(x: jax.Array) -> jax.Array:
            return world.objective(surrogate)(unravel(x), trajectory)[0]

        def described(x: jax.Array) -> Outputs:
            outputs = world.evaluate(unravel(x), trajectory)
            return {name: outputs[name] for name in policy}

        def divergence(outputs: Outputs) -> jax.Array:
            return jnp.sum(weights * old.kl(world.policy(outputs)))

        fisher = self._fisher(described, divergence, flat)
        direction = conjugate_gradients(fisher, -jax.grad(loss)(flat), self.iterations)
        length = jnp.sqrt(2.0 * self.radius) * jax.lax.rsqrt(direction @ fisher(direction) + _TINY)
        flat, info = self._search(loss, lambda x: divergence(described(x)), flat, length * direction)
        return unravel(flat), state, info

    def _fisher(
        self, described: Callable[[jax.Array], Outputs], divergence: Callable[[Outputs], jax.Array], x: jax.Array
    ) -> Function:
        """Products with the second derivative of the mean KL, damped: ``v -> J^T H J v + damping * v``.

        ``J`` is the derivative of what describes the policy, through any adaptation, and ``H`` the second derivative of the
        KL in that. Nothing is lost, since the KL has no slope at the old policy; it takes 0.6 of the time of a derivative of
        the gradient (beneath MAML, on a CPU).
        """
        outputs, forwards = jax.linearize(described, x)
        curvature, backwards = jax.linearize(jax.grad(divergence), outputs)[1], jax.linear_transpose(forwards, x)
        return lambda v: backwards(curvature(forwards(v)))[0] + self.damping * v

    def _search(self, loss: Function, divergence: Function, start: jax.Array, step: jax.Array) -> tuple[jax.Array, Info]:
        """Where the line search ends; the surrogate that it gains there, the KL, and whether it moved."""
        before = loss(start)

        def attempt(carry: tuple[jax.Array, Info], k: jax.Array) -> tuple[jax.Array, Info]:
            x = start + self.shrink**k * step
            gain, kl = before - loss(x), divergence(x)
            good = (gain > 0.0) & (kl <= self.radius)
            moved = {"policy_gain": gain, "kl": kl, "moved": jnp.ones(())}
            return jax.tree.map(lambda a, b: jnp.where(good, a, b), (x, moved), carry)

        def trial(carry: tuple[jax.Array, Info], k: jax.Array) -> tuple[tuple[jax.Array, Info], None]:
            return jax.lax.cond(carry[1]["moved"] > 0.0, lambda c, _: c, attempt, carry, k), None

        still = {name: jnp.zeros(()) for name in ("policy_gain", "kl", "moved")}
        return jax.lax.scan(trial, (start, still), jnp.arange(self.backtracks, dtype=jnp.float32))[0]


def conjugate_gradients(matrix: Function, b: jax.Array, iterations: int) -> jax.Array:
    """``x`` with ``matrix(x) = b`` after a fixed number of iterations (Hestenes & Stiefel 1952), from zero; ``[D]``."""

    def iterate(carry: tuple[jax.Array, ...], _: None) -> tuple[tuple[jax.Array, ...], None]:
        x, rest, direction, size = carry
        image = matrix(direction)
        length = size / (direction @ image + _TINY)
        x, rest = x + length * direction, rest - length * image
        left = rest @ rest
        return (x, rest, rest + left / (size + _TINY) * direction, left), None

    return jax.lax.scan(iterate, (jnp.zeros_like(b), b, b, b @ b), length=iterations)[0][0]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("trpo", TRPO)
    registry.add_recipe(
        "trpo",
        RECIPES / "trpo.yaml",
        summary="TRPO with a linear baseline, with the settings of rllab (Duan et al. 2016) for cart-pole",
        paper=TRPO.paper,
    )
