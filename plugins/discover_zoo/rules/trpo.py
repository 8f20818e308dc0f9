"""Trust region policy optimization (Schulman et al. 2015, arXiv 1502.05477)."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import (
    JOINT,
    Count,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Registry,
    ReturnFunction,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    hookimpl,
    latex_number,
    policy_heads,
    real,
    standardized,
    step_weights,
)
from discover_zoo.rules.equations import RATIO
from discover_zoo.rules.recipes import RECIPES

_TINY = 1e-16
"""In denominators: far below any figure that matters, but slopes stay finite where there is nothing to learn."""

Function: TypeAlias = Callable[[jax.Array], jax.Array]
"""A function of the parameters as one flat vector."""


@component
class TRPO(UpdateRule):
    """Trust region policy optimization (Schulman et al. 2015, section 6 and appendix C).

    Each update solves::

        maximize  mean(pi / pi_old * advantage)   subject to  mean(KL(pi_old || pi)) <= radius

    With ``g`` the slope of the surrogate and ``F`` the second derivative of the mean KL plus ``damping``, the full step is
    ``sqrt(2 * radius / (x . F x)) * x``, where ``F x = g`` is solved by conjugate gradients. The first of the steps
    ``shrink^k`` times the full one, k = 0 .. backtracks - 1, that improves the surrogate within the radius is taken; if none
    does, the parameters stay.

    Surrogate and KL are functions of the parameters through `World.evaluate` alone: inside a rule that adapts, both are of
    the adapted policy, and all derivatives run through the adaptation.

    Pitfalls: steps of episodes that do not end within the batch are left out, since their return is not known. A report
    ``moved`` of 0 says that no step was taken: there was nothing to gain, or the full step is far too long (raise ``damping``
    or ``backtracks``).

    Attributes:
        returns: gives the advantage. The rule has no value head; `LinearBaseline` around it gives values.
        steps, num_envs: T (env steps) and B of a batch, which should hold whole episodes.
        iterations: of conjugate gradients.
        backtracks: steps that the line search tries at most, one after another, until one is taken.
        normalize: give the advantages zero mean and unit standard deviation (in each task apart, if columns belong together).
        radius: the largest mean KL of an update, in nats.
        damping: added to the diagonal of the second derivative of the KL.
        shrink: the ratio of each step of the line search to the one before; no unit.

    >>> from discover import Space, free
    >>> from discover_zoo.returns.gae import GAE
    >>> TRPO(returns=GAE(lam=1.0), steps=1000, num_envs=4).iterations
    10
    >>> Space(TRPO(returns=GAE(), radius=free(), damping=free())).dimension
    2
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

    def formula(self) -> str:
        radius, damping, shrink = map(latex_number, (self.radius, self.damping, self.shrink))
        kl = r"\mathbb{E}\left[\mathrm{KL}(\pi_{\mathrm{old}} \,\|\, \pi_\theta)\right]"
        length = rf"\sqrt{{\frac{{2 \cdot {radius}}}{{x^\top F x}}}}\, x"
        return "\n".join(
            [
                rf"\max_\theta\ \mathbb{{E}}\left[r A\right] \text{{ subject to }} {kl} \leq {radius}, \quad {RATIO}",
                rf"F x = \nabla_\theta\, \mathbb{{E}}\left[r A\right], \quad F = \nabla^2_\theta\, {kl} + {damping}\, I",
                rf"\theta \leftarrow \theta + {shrink}^k {length}, \quad k \in 0, \ldots, {self.backtracks - 1}",
            ]
        )

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return ()

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
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

        def policy_outputs(x: jax.Array) -> Outputs:
            outputs = world.evaluate(unravel(x), trajectory)
            return {name: outputs[name] for name in (*policy, JOINT) if name in outputs}

        def divergence(outputs: Outputs) -> jax.Array:
            return jnp.sum(weights * old.kl(world.policy(outputs)))

        fisher = self._fisher(policy_outputs, divergence, flat)
        direction = conjugate_gradients(fisher, -jax.grad(loss)(flat), self.iterations)
        length = jnp.sqrt(2.0 * self.radius) * jax.lax.rsqrt(direction @ fisher(direction) + _TINY)
        flat, info = self._search(loss, lambda x: divergence(policy_outputs(x)), flat, length * direction)
        return unravel(flat), state, info

    def _fisher(
        self, policy_outputs: Callable[[jax.Array], Outputs], divergence: Callable[[Outputs], jax.Array], x: jax.Array
    ) -> Function:
        """Products with the second derivative of the mean KL, damped: ``v -> J^T H J v + damping * v``.

        ``J`` is the derivative of the outputs that describe the policy, through any adaptation, and ``H`` the second
        derivative of the KL in those. Nothing is lost, since the KL has no slope at the old policy; it takes 0.6 of the time
        of a derivative of the gradient (inside MAML, on a CPU).
        """
        outputs, forwards = jax.linearize(policy_outputs, x)
        curvature, backwards = jax.linearize(jax.grad(divergence), outputs)[1], jax.linear_transpose(forwards, x)
        return lambda v: backwards(curvature(forwards(v)))[0] + self.damping * v

    def _search(self, loss: Function, divergence: Function, start: jax.Array, step: jax.Array) -> tuple[jax.Array, Info]:
        """The parameters at which the line search ends; the surrogate that it gains there, the KL, and whether it moved."""
        before = loss(start)

        def attempt(carry: tuple[jax.Array, Info], k: jax.Array) -> tuple[jax.Array, Info]:
            x = start + self.shrink**k * step
            gain, kl = before - loss(x), divergence(x)
            acceptable = (gain > 0.0) & (kl <= self.radius)
            report = {"policy_gain": gain, "kl": kl, "moved": jnp.ones(())}
            return jax.tree.map(lambda a, b: jnp.where(acceptable, a, b), (x, report), carry)

        def trial(carry: tuple[jax.Array, Info], k: jax.Array) -> tuple[tuple[jax.Array, Info], None]:
            return jax.lax.cond(carry[1]["moved"] > 0.0, lambda c, _: c, attempt, carry, k), None

        still = {name: jnp.zeros(()) for name in ("policy_gain", "kl", "moved")}
        return jax.lax.scan(trial, (start, still), jnp.arange(self.backtracks, dtype=jnp.float32))[0]


def conjugate_gradients(matrix: Function, b: jax.Array, iterations: int) -> jax.Array:
    """``x`` with ``matrix(x) = b`` after a fixed number of iterations (Hestenes & Stiefel 1952), from zero; ``[D]``.

    >>> matrix = jnp.array([[2.0, 0.0], [0.0, 4.0]])
    >>> x = conjugate_gradients(lambda v: matrix @ v, jnp.array([2.0, 2.0]), iterations=2)
    >>> bool(jnp.allclose(x, jnp.array([1.0, 0.5])))
    True
    """

    def iterate(carry: tuple[jax.Array, ...], _: None) -> tuple[tuple[jax.Array, ...], None]:
        x, residual, direction, size = carry
        image = matrix(direction)
        length = size / (direction @ image + _TINY)
        x, residual = x + length * direction, residual - length * image
        next_size = residual @ residual
        return (x, residual, residual + next_size / (size + _TINY) * direction, next_size), None

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
