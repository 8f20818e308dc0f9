"""The auxiliary phase of phasic policy gradient: critic updates apart from the actor's (Cobbe et al. 2020)."""

from collections.abc import Callable
from typing import Annotated, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Count,
    Info,
    Key,
    OnPolicy,
    Optimizer,
    OptimizerState,
    Outputs,
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
    hookimpl,
    latex_number,
    named_key,
    real,
)
from discover_zoo.rules.columns import side_by_side

_KEPT = ("observation", "action", "reward", "is_first", "context", "carry")
"""The fields of a trajectory that the network may read, with the reward, by which the number of steps is told."""

Learner: TypeAlias = tuple[Params, OptimizerState]
"""Parameters, and the state of the optimizer that moves them."""

_INFO = ("auxiliary_value_loss", "auxiliary_kl")


class Batches(NamedTuple):
    """The batches since the last auxiliary phase.

    Attributes:
        trajectories: the last ones, those of the newest update last, each leaf with a leading axis.
        targets: of the value, ``[every, T, B]``.
    """

    trajectories: Trajectory
    targets: jax.Array


class PhaseState(NamedTuple):
    """The rule's state.

    Attributes:
        rule: state of the wrapped rule.
        optimizer: of the auxiliary phase.
        batches: ``()`` where each update has an auxiliary phase of its own.
    """

    rule: RuleState
    optimizer: OptimizerState
    batches: Batches | tuple[()]


@component
class AuxiliaryPhase(WrappingRule):
    """Trains the critic further between updates of the policy, while the policy is held where it is (Cobbe et al. 2020).

    After every ``every`` updates (``N_pi``) come ``epochs`` passes (``E_aux``) over all batches since the last time, with an
    optimizer of their own. Targets ``G`` are those of the update that collected the batch; ``pi_old`` is the policy before the
    phase::

        loss = value_coefficient * mean((v - G)^2) / 2 + clone_coefficient * mean(KL(pi_old || pi))

    Without epochs the wrapped rule is the same to the bit. Where policy and value share a torso (``shared`` of the networks),
    the phase distills features of the value into the policy; else it makes the critic better alone. In the paper's two networks
    that of the policy has a value head of its own besides; here there is one value head.

    Pitfalls: the phase costs compute, not env steps. With ``every > 1`` it keeps all those batches, rescaled by a normalizer
    as they were collected.

    Attributes:
        rule: a rule with a policy, a value and a return function, such as ``ppo``, or a rule around it that leaves the rewards
            as they are.
        optimizer: of the phase.
        epochs: passes over the batches in a phase; 0 for none.
        every: updates from one phase to the next.
        minibatches: gradient steps per pass.
        clone_coefficient: weight of the divergence, which is in nats.
        value_coefficient: weight of the value loss, which has half the squared error.

    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.ppo import PPO
    >>> ppg = AuxiliaryPhase(rule=PPO(returns=GAE(), optimizer=Adam()), optimizer=Adam(learning_rate=5e-4), epochs=6, every=32)
    >>> ppg.minibatches, float(ppg.clone_coefficient)
    (4, 1.0)
    """

    paper = "Cobbe et al. 2020, arXiv 2009.04416, section 2.2"

    optimizer: Optimizer
    epochs: Annotated[int, AtLeast(0)] = 0
    every: Count = 1
    minibatches: Count = 4
    clone_coefficient: Scalar = real(1.0, low=0.0, high=10.0)
    value_coefficient: Scalar = real(1.0, low=0.05, high=2.0, scale="log")

    def effective(self) -> UpdateRule:
        return self if self.epochs else self.rule

    def formula(self) -> str:
        value = r"\mathbb{E}\left[(V_\theta - G)^2\right]"
        divergence = r"\mathbb{E}\left[\mathrm{KL}(\pi_{\mathrm{old}} \| \pi_\theta)\right]"
        half, clone = latex_number(0.5 * float(self.value_coefficient)), latex_number(self.clone_coefficient)
        return rf"\min_\theta\ {half}\, {value} + {clone}\, {divergence}"

    def inner_state(self, state: PhaseState) -> RuleState:
        return state.rule

    def with_inner_state(self, state: PhaseState, inner: RuleState) -> PhaseState:
        return state._replace(rule=inner)

    def rollout(self, spec: Spec) -> Rollout:
        rollout, innermost = super().rollout(spec), _innermost(self.rule)
        if self.epochs:
            self._check_rewards()
        if self.epochs and not (isinstance(innermost, OnPolicy) and "value" in innermost.heads(spec).outputs):
            name = type(innermost).__name__
            raise UserError(f"AuxiliaryPhase finds no critic in {name} to train: wrap an on-policy rule with one, such as ppo.")
        return rollout

    def init(self, key: Key, world: World, params: Params) -> PhaseState:
        batches: Batches | tuple[()] = ()
        if self.epochs and self.every > 1:
            rollout = self.rollout(world.spec)
            template = _kept(world.template(params, rollout.steps, rollout.num_envs))
            trajectories = jax.tree.map(lambda x: jnp.zeros((self.every, *x.shape), x.dtype), template)
            batches = Batches(trajectories, jnp.zeros_like(trajectories.reward))
        return PhaseState(super().init(key, world, params), self.optimizer.init(params), batches)

    def update(
        self, key: Key, world: World, params: Params, state: PhaseState, trajectory: Trajectory
    ) -> tuple[Params, PhaseState, Info]:
        if not self.epochs:
            return super().update(key, world, params, state, trajectory=trajectory)
        learning, inside = _inside(self.rule, world)
        assert isinstance(learning, OnPolicy)  # as rollout checks
        target = learning.returns(inside.segment(params, trajectory)).value
        params, state, info = super().update(key, world, params, state, trajectory=trajectory)
        batches, is_time = self._collected(world, state.batches, trajectory, target)
        learner = params, state.optimizer

        def phase(learner: Learner) -> tuple[Learner, Info]:
            joined = side_by_side([jax.tree.map(lambda x, i=i: x[i], batches.trajectories) for i in range(self.every)])
            targets = jnp.concatenate(list(batches.targets), axis=1)
            return self.learn(named_key(key, "auxiliary phase"), world, learner, joined, targets=targets)

        def wait(learner: Learner) -> tuple[Learner, Info]:
            return learner, {name: jnp.zeros(()) for name in _INFO}

        (params, optimizer), own = phase(learner) if self.every == 1 else jax.lax.cond(is_time, phase, wait, learner)
        kept = state.batches if self.every == 1 else batches
        return params, PhaseState(state.rule, optimizer, kept), {**info, **own}

    def learn(self, key: Key, world: World, learner: Learner, batch: Trajectory, *, targets: jax.Array) -> tuple[Learner, Info]:
        """Parameters and the optimizer's state after a phase on a batch and its value targets, and what the loss was."""
        batch = batch._replace(outputs=jax.lax.stop_gradient(world.evaluate(learner[0], batch)))
        gradient = world.gradient(self._loss(world))

        def step(learner: Learner, part: tuple[Trajectory, jax.Array]) -> tuple[Learner, Info]:
            params, state = learner
            change, info = gradient(params, *part)
            return self.optimizer.update(change, state, params, world.progress), info

        def epoch(learner: Learner, key: Key) -> tuple[Learner, Info]:
            return jax.lax.scan(step, learner, world.minibatches(key, self.minibatches, batch, targets))

        learner, info = jax.lax.scan(epoch, learner, jax.random.split(key, self.epochs))
        return learner, jax.tree.map(jnp.mean, info)

    def _collected(
        self, world: World, batches: Batches | tuple[()], trajectory: Trajectory, target: jax.Array
    ) -> tuple[Batches, jax.Array]:
        """The batches with that of this update, and whether it is time for a phase."""
        new = Batches(_kept(trajectory), target)
        if isinstance(batches, Batches):
            self._check_columns(world, trajectory)
            rollout = self.rollout(world.spec)
            update = world.env_steps // (rollout.steps * rollout.num_envs)
            place = update % self.every
            return jax.tree.map(lambda old, x: old.at[place].set(x), batches, new), place == self.every - 1
        return jax.tree.map(lambda x: x[None], new), jnp.array(True)

    def _check_rewards(self) -> None:
        """Check that the wrapped rule learns from the rewards that this one sees.

        Raises:
            UserError: a rule in between changes them, so that the targets would be others than those of the update.
        """
        rule = self.rule
        while isinstance(rule, WrappingRule):
            if rule.changes_rewards:
                name = type(rule).__name__
                raise UserError(f"AuxiliaryPhase cannot wrap {name}, which changes the rewards: put it inside that rule.")
            rule = rule.rule

    def _check_columns(self, world: World, trajectory: Trajectory) -> None:
        columns, expected = trajectory.reward.shape[1], self.rollout(world.spec).num_envs
        if columns != expected:
            raise UserError(
                f"every of AuxiliaryPhase is {self.every}, but a rule around it hands it {columns} environments instead of "
                f"{expected}: set every to 1."
            )

    def _loss(self, world: World) -> Callable[[Outputs, Trajectory, jax.Array], tuple[jax.Array, Info]]:
        def loss(outputs: Outputs, batch: Trajectory, target: jax.Array) -> tuple[jax.Array, Info]:
            error = 0.5 * jnp.mean((outputs["value"] - target) ** 2)
            divergence = jnp.mean(world.policy(batch.outputs).kl(world.policy(outputs)))
            total = self.value_coefficient * error + self.clone_coefficient * divergence
            return total, dict(zip(_INFO, (error, divergence), strict=True))

        return loss


def _innermost(rule: UpdateRule) -> UpdateRule:
    """The rule inside all rules around it."""
    while isinstance(rule, WrappingRule):
        rule = rule.rule
    return rule


def _inside(rule: UpdateRule, world: World) -> tuple[UpdateRule, World]:
    """The rule inside all rules around it, with the numbers that it has now, and the world that it receives."""
    while isinstance(rule, WrappingRule):
        rule, world = rule.inner_rule(world), rule.inner_world(world)
    return rule, world


def _kept(trajectory: Trajectory) -> Trajectory:
    empty = {name: () for name in Trajectory._fields if name not in _KEPT}
    return trajectory._replace(**empty)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("auxiliary_phase", AuxiliaryPhase)
