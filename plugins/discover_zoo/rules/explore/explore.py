"""A bonus for coming to what is new, for any rule."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    BonusState,
    Context,
    ExplorationBonus,
    Info,
    Key,
    Params,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UserError,
    World,
    WrappingRule,
    component,
    latex_number,
    named_key,
    real,
)
from discover_zoo.rules.explore.own_discount import OwnDiscount
from discover_zoo.rules.explore.rewards import with_bonus
from discover_zoo.rules.explore.success import Success, counted, no_success
from discover_zoo.rules.novelty import with_novelty


class Exploring(NamedTuple):
    """The state of `Explore`.

    Attributes:
        rule: that of the wrapped rule.
        bonus: that of the bonus.
        own: that of the bonus' own value; ``()`` without one.
        success: how far the agent's returns rose.
    """

    rule: RuleState
    bonus: BonusState
    own: Any
    success: Success


@component
class Explore(WrappingRule):
    """Lets a rule learn from an exploration bonus beside the reward; what counts remains the real reward.

    The wrapped rule gets batches whose rewards are::

        r + s * b',     b' = b,  or terminal * b where the step terminated the episode
        s = scale * (1 + (decay - 1) * progress) * exp(-success * z)    up to the share ``until`` of the lifetime, then 0

    with the bonus ``b`` of where the step led, about 1 for what is new. ``z`` says how far the agent's returns rose: the mean
    of its latest 20 or so, less that of its first 20, in standard deviations of all its returns, and not below 0.

    With ``own_discount`` the bonus comes as its advantage under a value of its own, ``b' + gamma V(s') - V(s)`` in the place of
    ``b'``, so that it may look less far ahead than the reward, or farther, and does not end with an episode: see `OwnDiscount`.

    The bonus is paid where experience is collected, and in units of the reward that the rule learns from, after any normalizer.
    A rule with a replay buffer draws each transition with the bonus of that time. A rule that asks for it (``informed_lpo``) is
    told the bonus of each step, whatever the scale. Returns, reports, a normalizer and adaptation to a task know the real
    reward alone. With ``scale = 0`` all is that of a wrapped rule that does not ask, to the bit.

    Pitfalls: a scale that fits one task is too large for another, where the agent then stays alive for the bonus alone: begin
    at 0.01 to 0.1 of what a success pays, and let a search choose. A rule that collects by itself gets no batches, and is
    refused: this one may be a part of it.

    Attributes:
        rule: any rule that learns from the trajectories that are collected for it.
        bonus: what is new.
        own_discount: a value of the bonus alone; without one the bonus is a reward like any other.
        scale: weight of the bonus.
        decay: the scale at the end of the lifetime, as a share of that at its start.
        terminal: share of the bonus that is paid where an episode terminates.
        until: share of the lifetime after which no bonus is paid.
        success: how fast the bonus falls as the agent's returns rise; 0 for not at all.

    >>> from discover import Space, free
    >>> from discover_zoo.bonuses.counts import CountBonus
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.ppo import PPO
    >>> inner = PPO(returns=GAE(), optimizer=Adam())
    >>> space = Space(Explore(rule=inner, bonus=CountBonus(exponent=free()), scale=free(low=1e-3, high=1.0, scale="log")))
    >>> [gene.path for gene in space.genes]
    ['bonus.exponent', 'scale']
    """

    not_differentiable = ("until",)
    changes_rewards = True

    bonus: ExplorationBonus
    own_discount: OwnDiscount | None = None
    scale: Scalar = real(0.03, low=0.0, high=2.0)
    decay: Scalar = real(1.0, low=0.0, high=1.0)
    terminal: Scalar = real(1.0, low=0.0, high=1.0)
    until: Scalar = real(1.0, low=0.0, high=1.0)
    success: Scalar = real(0.0, low=0.0, high=10.0)

    def formula(self) -> str:
        paid = r"b" if self.own_discount is None else r"\left(b + \gamma_b V_b(s') - V_b(s)\right)"
        return rf"r + {latex_number(self.scale)}\, {paid}"

    def rollout(self, spec: Spec) -> Rollout:
        rollout = self.rule.rollout(spec)
        if rollout.by_rule:
            raise UserError(
                f"explore pays for batches that are collected for its rule, and {type(self.rule).__name__} collects by itself: "
                "wrap the rules inside of it instead."
            )
        return rollout

    def init(self, key: Key, world: World, params: Params) -> Exploring:
        num_envs = self.rollout(world.spec).num_envs
        own: Any = ()
        if self.own_discount is not None:
            own = self.own_discount.init(named_key(key, "own discount"), world, num_envs)
        bonus = self.bonus.init(named_key(key, "bonus"), world, num_envs)
        return Exploring(super().init(key, world, params), bonus, own, no_success(num_envs))

    def behavior(self, params: Params, state: Exploring) -> tuple[Params, Context]:
        return super().behavior(params, state.rule)

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: Exploring, trajectory: Trajectory
    ) -> tuple[Params, Exploring]:
        params, rule = super().adapt_to_task(key, world, params, state.rule, trajectory=trajectory)
        return params, state._replace(rule=rule)

    def update(
        self, key: Key, world: World, params: Params, state: Exploring, trajectory: Trajectory
    ) -> tuple[Params, Exploring, Info]:
        began, got = len(state.success.current), trajectory.reward.shape[1]
        if began != got:
            raise UserError(
                f"explore began with {began} environments, those of {type(self.rule).__name__}, and gets {got}: "
                f"set num_envs of that rule to {got}."
            )
        found, bonus = self.bonus.update(named_key(key, "bonus"), world, state.bonus, trajectory)
        pay, own = jnp.where(trajectory.terminated, self.terminal * found, found), state.own
        if self.own_discount is not None:
            key_own = named_key(key, "own discount")
            pay, own = self.own_discount.update(key_own, world, own, trajectory, bonus=pay)
        success = counted(state.success, trajectory)
        scale = self._scale_at(world.progress, success)
        paid = with_novelty(with_bonus(trajectory, scale * pay), found, self.rule)
        params, rule, info = super().update(key, world, params, state.rule, trajectory=paid)
        told = {"exploration_bonus": jnp.mean(found), "bonus_scale": scale}
        return params, Exploring(rule, bonus, own, success), {**info, **told}

    def _scale_at(self, progress: jax.Array, success: Success) -> jax.Array:
        """The weight of the bonus at a share of the lifetime."""
        weight = self.scale * (1.0 + (self.decay - 1.0) * progress) * jnp.exp(-self.success * success.risen)
        return jnp.where(progress < self.until, weight, 0.0)
