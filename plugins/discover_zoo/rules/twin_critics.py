"""The update that SAC and TD3 share: a replay buffer, two critics of which the lower counts, and a policy that climbs them."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover import (
    ACTION,
    AtLeast,
    Context,
    Continuous,
    Count,
    Head,
    Heads,
    Info,
    Key,
    MultiDiscrete,
    Optimizer,
    OptimizerState,
    Outputs,
    Params,
    ReplayBuffer,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    WindowBuffer,
    World,
    component,
    empty_replay_buffer,
    latex_number,
    learn_if,
    polyak_update,
    real,
)
from discover_zoo.rules.critics import CRITICS, action_bounds, critic_loss

Draw: TypeAlias = Callable[[Key, Params], Trajectory]
"""``(key, params) -> batch``: a batch to learn from."""

PolicyLoss: TypeAlias = Callable[[Outputs, Trajectory], tuple[jax.Array, Info]]
"""``(outputs, batch) -> (scalar, info)``."""

OwnState: TypeAlias = Any
"""The state of what a rule learns besides critics and policy, such as SAC's temperature; its structure is the rule's."""


class Learner(NamedTuple):
    """All that a gradient step changes.

    Attributes:
        params: the parameters of critics and policy.
        target: the target parameters of both.
        optimizer, policy_optimizer: the states of both optimizers.
        own: the state of what the rule learns besides (SAC's temperature).
    """

    params: Params
    target: Params
    optimizer: OptimizerState
    policy_optimizer: OptimizerState
    own: OwnState


class State(NamedTuple):
    """The state between updates: the learner without its parameters, and the replay buffer."""

    learner: Learner
    buffer: ReplayBuffer | WindowBuffer


@component
class TwinCritics(UpdateRule):
    """Twin critics and a policy, learned from a replay buffer (Fujimoto et al. 2018, arXiv 1802.09477).

    Per round, ``delay`` gradient steps of the critics, each on a batch of its own, and one of the policy on the last::

        y = r + gamma * (1 - terminated) * next_value(s'),    next_value from min(Q1_target, Q2_target)(s', a')
        critic loss = mean((Q1(s, a) - y)^2 + (Q2(s, a) - y)^2) / 2

    ``s'`` is the true next observation, so a truncated episode is bootstrapped from. Both optimizers see all parameters, with a
    zero gradient for those that are not theirs: separate torsos keep them apart.

    Attributes:
        optimizer, policy_optimizer: of the critics, and of the policy.
        steps, num_envs: an update collects ``steps * num_envs`` transitions.
        rounds, delay: an update takes ``rounds * delay`` gradient steps of the critics and ``rounds`` of the policy.
        capacity, batch: transitions in the replay buffer, and in a batch. The capacity must be a multiple of
            ``steps * num_envs``.
        learning_starts: env steps at random, before the update that takes the first gradient step.
        gamma: discount per step.
        polyak: share of the way that the target parameters move to the parameters after each round.
    """

    not_differentiable = ("polyak",)  # gradients are stopped at targets

    optimizer: Optimizer
    policy_optimizer: Optimizer
    steps: Count = 1
    num_envs: Count = 1
    rounds: Count = 1
    delay: Count = 1
    capacity: Count = 100_000
    batch: Count = 256
    learning_starts: Annotated[int, AtLeast(0)] = 1_000
    gamma: Scalar = real(0.99, low=0.0, high=0.9999, scale="log1m")
    polyak: Scalar = real(0.005, low=1e-4, high=1.0, scale="log")

    # For a rule to add -------------------------------------------------------------------------------------------------

    def policy_heads(self, actions: int) -> dict[str, Head]:
        """The heads of the policy for so many dimensions of actions."""
        raise NotImplementedError

    def explore(self, key: Key, world: World, outputs: Outputs) -> tuple[jax.Array, jax.Array]:
        """Actions ``[B, D]`` to learn from, and their log-probabilities ``[B]``."""
        raise NotImplementedError

    def init_own(self) -> OwnState:
        """The first state of what the rule learns besides; empty unless overridden."""
        return ()

    def empty_buffer(self, template: Trajectory) -> ReplayBuffer | WindowBuffer:
        """A memory of experience, without any yet; a replay buffer of single transitions unless overridden."""
        return empty_replay_buffer(template, self.capacity)

    def weight(self, batch: Trajectory) -> jax.Array | float:
        """How much each step of a batch counts in the losses, ``[T, B]`` or the same for all; 1 unless overridden."""
        del batch
        return 1.0

    def next_value(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        """The value of the next state ``[T, B]``, from the target critics; gradients are stopped."""
        raise NotImplementedError

    def policy_loss(self, key: Key, world: World, learner: Learner) -> PolicyLoss:
        """The loss of the policy; the critics are those of ``learner``."""
        raise NotImplementedError

    def update_own(self, world: World, learner: Learner, info: Info) -> OwnState:
        """The state of what is learned besides, after a policy step that reported ``info``. Unless overridden: as it was."""
        return learner.own

    def next_value_formula(self) -> str:
        """The value of the next state in LaTeX, with what it depends on."""
        return r"\bar{V}(s')"

    def policy_formula(self) -> str:
        """The equations by which the policy, and what is learned besides, are updated, in LaTeX; empty without any."""
        return ""

    # Shared ------------------------------------------------------------------------------------------------------------

    def formula(self) -> str:
        polyak = float(self.polyak)
        return "\n".join(
            [
                rf"y = r + {latex_number(self.gamma)}\, (1 - d)\, {self.next_value_formula()}",
                r"\min_\theta\ \frac{1}{2}\, \mathbb{E}\left[(Q_1(s, a) - y)^2 + (Q_2(s, a) - y)^2\right]",
                self.policy_formula(),
                rf"\bar\theta \leftarrow {latex_number(1.0 - polyak)}\, \bar\theta + {latex_number(polyak)}\, \theta",
            ]
        )

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        name = type(self).__name__
        if not isinstance(spec.action, Continuous):
            other = "ppo" if isinstance(spec.action, MultiDiscrete) else "dqn"
            raise UserError(
                f"{name} needs real actions, but this task has discrete ones: choose another task, or the rule {other}."
            )
        if not all(abs(bound) < jnp.inf for bound in (*spec.action.low, *spec.action.high)):
            raise UserError(f"{name} needs actions with bounds, but this task has none: choose another task, or the rule ppo.")
        critics = {critic: Head((), reads=(ACTION,)) for critic in CRITICS}
        return Heads({**self.policy_heads(len(spec.action.low)), **critics})

    def init(self, key: Key, world: World, params: Params) -> State:
        buffer = self.empty_buffer(world.template(params, self.steps, self.num_envs))
        learner = Learner(
            params=(),
            target=params,
            optimizer=self.optimizer.init(params),
            policy_optimizer=self.policy_optimizer.init(params),
            own=self.init_own(),
        )
        return State(learner, buffer)

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        key_policy, key_random = jax.random.split(key)
        action, log_prob = self.explore(key_policy, world, outputs)
        low, high = action_bounds(world.spec)
        anywhere = jax.random.uniform(key_random, action.shape, minval=low, maxval=high)
        at_random = world.env_steps < self.learning_starts
        return jnp.where(at_random, anywhere, action), jnp.where(at_random, -jnp.sum(jnp.log(high - low)), log_prob)

    def update(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory
    ) -> tuple[Params, State, Info]:
        buffer = state.buffer.add(trajectory)
        learner = state.learner._replace(params=params)
        learner, info = self.learn(key, world, learner, lambda key, _: buffer.sample(key, self.batch))
        return learner.params, State(learner._replace(params=()), buffer), info

    def learn(self, key: Key, world: World, learner: Learner, draw: Draw, *, rounds: int | None = None) -> tuple[Learner, Info]:
        """The learner after all rounds of an update (or so many), or as it was before it is time to learn."""

        def one(learner: Learner, key: Key) -> tuple[Learner, Info]:
            return self._round(key, world, learner, draw)

        keys = jax.random.split(key, self.rounds if rounds is None else rounds)
        return learn_if(world.env_steps >= self.learning_starts, one, learner, keys)

    def critic_gradient(self, world: World, params: Params, batch: Trajectory, target: jax.Array) -> tuple[Params, Info]:
        """The gradient of the critics' loss, by `critic_loss` unless overridden."""
        return world.gradient(critic_loss)(params, batch, target, self.weight(batch))

    def policy_gradient(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> tuple[Params, Info]:
        """The gradient of the policy's loss, by `policy_loss` unless overridden."""
        return world.gradient(self.policy_loss(key, world, learner))(learner.params, batch)

    def _round(self, key: Key, world: World, learner: Learner, draw: Draw) -> tuple[Learner, Info]:
        """The learner after ``delay`` gradient steps of the critics and one of the policy, and their last reports."""
        key_batches, key_targets, key_policy = jax.random.split(key, 3)
        batches = [draw(k, learner.params) for k in jax.random.split(key_batches, self.delay)]
        report: dict[str, jax.Array] = {}
        for batch, key_target in zip(batches, jax.random.split(key_targets, self.delay), strict=True):
            target = self.targets(key_target, world, learner, batch)
            gradient, info = self.critic_gradient(world, learner.params, batch, target)
            params, state = self.optimizer.update(gradient, learner.optimizer, learner.params, world.progress)
            learner, report = learner._replace(params=params, optimizer=state), {**report, **info}
        gradient, info = self.policy_gradient(key_policy, world, learner, batches[-1])
        params, state = self.policy_optimizer.update(gradient, learner.policy_optimizer, learner.params, world.progress)
        own = self.update_own(world, learner, info)
        target = polyak_update(learner.target, params, jnp.asarray(self.polyak))
        learner = learner._replace(params=params, target=target, policy_optimizer=state, own=own)
        return learner, {**report, **info}

    def targets(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        """``y[T, B]``, the targets of both critics; differentiable with respect to ``gamma``."""
        return batch.reward + self.gamma * (1.0 - batch.terminated) * self.next_value(key, world, learner, batch)
