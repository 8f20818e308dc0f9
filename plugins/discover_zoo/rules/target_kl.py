"""A step size that follows a target divergence, for any rule with a policy."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Info,
    Key,
    Optimizer,
    Params,
    Registry,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    WrappingRule,
    component,
    get,
    hookimpl,
    latex_number,
    nodes,
    policy_heads,
    real,
    replace,
)

_MOST = 2.0
"""By how much the factor grows or falls in an update at most, where ``gain`` is 1."""

_RATE = "learning_rate"
"""What optimizers call the size of their step."""


class TargetKLState(NamedTuple):
    """The rule's state.

    Attributes:
        rule: state of the wrapped rule.
        factor: by which its learning rates are multiplied.
    """

    rule: RuleState
    factor: jax.Array


@component
class TargetKL(WrappingRule):
    """Multiplies the learning rates of a rule by a factor that keeps the divergence of each update near a target.

    After each update, with ``d`` the mean of ``KL(policy that acted || policy now)`` over the batch::

        factor <- clip(factor * clip(target / d, 1/2, 2)^gain, 1/bound, bound)

    So it doubles or halves where the policy moved far too little or too much, as the penalty of Schulman et al. 2017 (section
    4) does, which acts on a weight in the loss; near the target it is proportional. With a ``gain`` of 0 the factor stays 1,
    and the wrapped rule is the same to the bit.

    Pitfalls: the divergence includes what entropy and value loss do to the policy, and that of a policy which has settled is
    small whatever the step size: the factor then rises to its bound. All learning rates below are multiplied, those of a bonus
    with networks or of an auxiliary phase too: put this rule inside of ``explore`` and ``auxiliary_phase``, not around them.

    Attributes:
        rule: any rule with a policy, whose optimizers have a ``learning_rate``.
        target: of the divergence, in nats.
        gain: how fast the factor follows; 0 for a rule that stays as it is.
        bound: how far the factor may go, up and down.

    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.optimizers.clip_norm import ClipNorm
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.ppo import PPO
    >>> rule = TargetKL(rule=PPO(returns=GAE(), optimizer=ClipNorm(optimizer=Adam(learning_rate=0.5))), gain=1.0)
    >>> float(rule.at(0.5).optimizer.optimizer.learning_rate)
    0.25
    """

    paper = "Schulman et al. 2017, arXiv 1707.06347, section 4 (the adaptive KL penalty; here the step size adapts)"

    target: Scalar = real(0.01, low=1e-4, high=1.0, scale="log")
    gain: Scalar = real(0.0, low=0.0, high=1.0)
    bound: Scalar = real(10.0, low=1.0, high=1000.0, scale="log")

    def effective(self) -> UpdateRule:
        return self.rule if float(self.gain) == 0.0 else self

    def formula(self) -> str:
        target, bound = latex_number(self.target), latex_number(self.bound)
        power = "" if float(self.gain) == 1.0 else rf"^{{{latex_number(self.gain)}}}"
        followed = rf"\operatorname{{clip}}\left(\frac{{{target}}}{{d}}, \frac{{1}}{{2}}, 2\right){power}"
        divergence = r"d = \mathbb{E}\left[\mathrm{KL}(\pi_{\mathrm{old}} \| \pi_\theta)\right]"
        factor = rf"f \leftarrow \operatorname{{clip}}\left(f \cdot {followed}, \frac{{1}}{{{bound}}}, {bound}\right)"
        return "\n".join([divergence, factor])

    def inner_state(self, state: TargetKLState) -> RuleState:
        return state.rule

    def with_inner_state(self, state: TargetKLState, inner: RuleState) -> TargetKLState:
        return state._replace(rule=inner)

    def rollout(self, spec: Spec) -> Rollout:
        """That of the wrapped rule.

        Raises:
            UserError: it collects by itself, has no policy, or no learning rate.
        """
        rollout, name = super().rollout(spec), type(self.rule).__name__
        if rollout.by_rule:
            raise UserError(f"TargetKL cannot wrap {name}, which collects its experience by itself: put it inside that rule.")
        if not set(policy_heads(spec)) <= set(self.rule.heads(spec).outputs):
            raise UserError(f"TargetKL cannot wrap {name}, which has no policy to measure: wrap one that has, such as ppo.")
        if not learning_rates(self.rule):
            raise UserError(f"TargetKL finds no '{_RATE}' in {name}: give it an optimizer with one, such as adam.")
        return rollout

    def init(self, key: Key, world: World, params: Params) -> TargetKLState:
        return TargetKLState(super().init(key, world, params), jnp.ones(()))

    def update(
        self, key: Key, world: World, params: Params, state: TargetKLState, trajectory: Trajectory
    ) -> tuple[Params, TargetKLState, Info]:
        rule = self.at(state.factor)
        params, inner, info = rule.update(key, self.inner_world(world), params, state.rule, trajectory=trajectory)
        policy = world.policy(world.evaluate(params, trajectory))
        divergence = jnp.mean(world.policy(trajectory.outputs).kl(policy))
        own = {"kl": divergence, "step_factor": state.factor}
        return params, TargetKLState(inner, self.followed(state.factor, divergence)), {**info, **own}

    def at(self, factor: jax.Array | float) -> UpdateRule:
        """The wrapped rule with all of its learning rates multiplied."""
        return replace(self.rule, {path: get(self.rule, path) * factor for path in learning_rates(self.rule)})

    def followed(self, factor: jax.Array, divergence: jax.Array) -> jax.Array:
        """The factor after an update that moved the policy by a divergence.

        >>> from discover_zoo.optimizers.sgd import SGD
        >>> from discover_zoo.returns.gae import GAE
        >>> from discover_zoo.rules.a2c import A2C
        >>> rule = TargetKL(rule=A2C(returns=GAE(), optimizer=SGD()), gain=1.0, target=0.01, bound=8.0)
        >>> [float(rule.followed(jnp.float32(1.0), jnp.float32(d)).round(3)) for d in (1.0, 0.01, 0.008, 0.0)]
        [0.5, 1.0, 1.25, 2.0]
        """
        ratio = self.target / jnp.maximum(divergence, self.target / (2.0 * _MOST))
        moved = factor * jnp.clip(ratio, 1.0 / _MOST, _MOST) ** self.gain
        return jnp.clip(moved, 1.0 / self.bound, self.bound)


def learning_rates(rule: UpdateRule) -> list[str]:
    """The paths of all learning rates of a rule's optimizers."""
    optimizers = [(path, node) for path, node in nodes(rule) if isinstance(node, Optimizer)]
    return [f"{path}.{_RATE}" for path, node in optimizers if _RATE in {field.name for field in dataclasses.fields(node)}]  # type: ignore[arg-type]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("target_kl", TargetKL)
