"""What SAC and TD3 share: a memory, two critics of actions of which the lower one counts, and a policy that climbs them."""

from typing import Annotated, Any, NamedTuple

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
    Optimizer,
    Outputs,
    ReplayBuffer,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    empty_replay_buffer,
    learn_if,
    polyak_update,
    real,
)

CRITICS = ("q1", "q2")


class Learner(NamedTuple):
    """What gradient steps change."""

    params: Any
    target: Any
    optimizer: Any
    policy_optimizer: Any
    own: Any  # what the rule itself learns besides (SAC's temperature)


class State(NamedTuple):
    """What a rule keeps between updates: the learner without its parameters, and the memory."""

    learner: Learner
    memory: ReplayBuffer


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
        steps, num_envs: what an update collects: ``steps * num_envs`` transitions.
        rounds, delay: an update does ``rounds * delay`` gradient steps of the critics and ``rounds`` of the policy.
        capacity, batch: transitions in the memory, and in a batch.
        learning_starts: env steps at random, before the update that takes the first gradient step.
        gamma: discount.
        polyak: share of the way that the target parameters move to the parameters after each round.
    """

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

    # What a rule adds --------------------------------------------------------------------------------------------------

    def policy_heads(self, actions: int) -> dict[str, Head]:
        """The heads of the policy."""
        raise NotImplementedError

    def explore(self, key: jax.Array, world: World, outputs: Outputs) -> tuple[jax.Array, jax.Array]:
        """Actions ``[B, D]`` to learn from, and their log-probabilities ``[B]``."""
        raise NotImplementedError

    def init_own(self) -> Any:
        """What the rule itself learns besides; nothing unless overridden."""
        return ()

    def next_value(self, key: jax.Array, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        """``[T, B]``: what follows, from the target critics; gradients are stopped."""
        raise NotImplementedError

    def policy_loss(self, key: jax.Array, world: World, learner: Learner) -> Any:
        """``loss(outputs, batch) -> (scalar, info)`` of the policy; the critics are those of ``learner``."""
        raise NotImplementedError

    def update_own(self, world: World, learner: Learner, info: Info) -> Any:
        """What the rule itself has learned after a policy step that told ``info``; nothing unless overridden."""
        return learner.own

    # What they share ---------------------------------------------------------------------------------------------------

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        name = type(self).__name__
        if not isinstance(spec.action, Continuous):
            raise UserError(
                f"{name} needs real actions, but this task has discrete ones: choose another task, or the rule dqn."
            )
        if not all(abs(bound) < jnp.inf for bound in (*spec.action.low, *spec.action.high)):
            raise UserError(f"{name} needs actions with bounds, but this task has none: choose another task, or the rule ppo.")
        critics = {critic: Head((), reads=(ACTION,)) for critic in CRITICS}
        return Heads({**self.policy_heads(len(spec.action.low)), **critics})

    def init(self, key: jax.Array, world: World, params: Any) -> State:
        states = self.optimizer.init(params), self.policy_optimizer.init(params)
        memory = empty_replay_buffer(world.template(params, self.steps, self.num_envs), self.capacity)
        return State(Learner((), params, *states, self.init_own()), memory)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        key_policy, key_random = jax.random.split(key)
        action, log_prob = self.explore(key_policy, world, outputs)
        low, high = bounds(world.spec)
        anywhere = jax.random.uniform(key_random, action.shape, minval=low, maxval=high)
        at_random = world.env_steps < self.learning_starts
        return jnp.where(at_random, anywhere, action), jnp.where(at_random, -jnp.sum(jnp.log(high - low)), log_prob)

    def update(self, key: jax.Array, world: World, params: Any, state: State, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        memory = state.memory.add(trajectory)

        def one(learner: Learner, key: jax.Array) -> tuple[Learner, Info]:
            return self._round(key, world, learner, memory)

        learner = state.learner._replace(params=params)
        learner, info = learn_if(world.env_steps >= self.learning_starts, one, learner, jax.random.split(key, self.rounds))
        return learner.params, State(learner._replace(params=()), memory), info

    def _round(self, key: jax.Array, world: World, learner: Learner, memory: ReplayBuffer) -> tuple[Learner, Info]:
        key_batches, key_targets, key_policy = jax.random.split(key, 3)
        batches = [memory.sample(k, self.batch) for k in jax.random.split(key_batches, self.delay)]
        told: dict[str, jax.Array] = {}
        for batch, key_target in zip(batches, jax.random.split(key_targets, self.delay), strict=True):
            target = self.targets(key_target, world, learner, batch)
            gradient, info = world.gradient(critic_loss)(learner.params, batch, target)
            params, state = self.optimizer.update(gradient, learner.optimizer, learner.params, world.progress)
            learner, told = learner._replace(params=params, optimizer=state), {**told, **info}
        gradient, info = world.gradient(self.policy_loss(key_policy, world, learner))(learner.params, batches[-1])
        params, state = self.policy_optimizer.update(gradient, learner.policy_optimizer, learner.params, world.progress)
        own = self.update_own(world, learner, info)
        target = polyak_update(learner.target, params, jnp.asarray(self.polyak))
        return Learner(params, target, learner.optimizer, state, own), {**told, **info}

    def targets(self, key: jax.Array, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        """``y[T, B]``: what both critics should have said; differentiable with respect to ``gamma``."""
        return batch.reward + self.gamma * (1.0 - batch.terminated) * self.next_value(key, world, learner, batch)


def critic_loss(outputs: Outputs, batch: Trajectory, target: jax.Array) -> tuple[jax.Array, Info]:
    """Half the mean squared error of either critic, summed over both."""
    loss = sum((0.5 * jnp.mean((outputs[critic] - target) ** 2) for critic in CRITICS), jnp.zeros(()))
    return loss, {"critic_loss": loss, "q": jnp.mean(outputs["q1"])}


def lower(outputs: Outputs) -> jax.Array:
    """The lower of both critics."""
    return jnp.minimum(outputs["q1"], outputs["q2"])


def bounds(spec: Spec) -> tuple[jax.Array, jax.Array]:
    """Lowest and highest actions ``[D]``."""
    assert isinstance(spec.action, Continuous)
    return jnp.asarray(spec.action.low, jnp.float32), jnp.asarray(spec.action.high, jnp.float32)
