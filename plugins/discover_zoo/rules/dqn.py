"""Deep Q-networks (Mnih et al. 2015; double DQN: van Hasselt et al. 2016, arXiv 1509.06461)."""

from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Context,
    Count,
    Discrete,
    Head,
    Heads,
    Info,
    Integer,
    Key,
    MultiDiscrete,
    Optimizer,
    OptimizerState,
    Outputs,
    Params,
    Registry,
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
    hookimpl,
    integer,
    latex_number,
    learn_if,
    polyak_update,
    real,
)
from discover_zoo.rules.recipes import RECIPES


class Learner(NamedTuple):
    """All that a gradient step changes.

    Attributes:
        params: the online network's parameters.
        optimizer: the optimizer's state.
        target: the target network's parameters.
        updates: gradient steps so far, int32.
    """

    params: Params
    optimizer: OptimizerState
    target: Params
    updates: jax.Array


class State(NamedTuple):
    """The state between updates, beside the parameters: the fields of `Learner`, and the replay buffer."""

    optimizer: OptimizerState
    target: Params
    updates: jax.Array
    buffer: ReplayBuffer


@component
class DQN(UpdateRule):
    """Deep Q-network (Mnih et al. 2015); with ``double``, double DQN (van Hasselt et al. 2016, arXiv 1509.06461).

    Per gradient step, on a batch drawn evenly from the replay buffer::

        y = r + gamma * (1 - terminated) * max_a Q_target(s', a)                 # double: Q_target(s', argmax_a Q(s', a))
        loss = mean(l(Q(s, a) - y)),     l(d) = d^2 / 2, or Huber's: |d| - 1/2 where |d| > 1

    ``s'`` is the true next observation, so a truncated episode is bootstrapped from. Acts at random with probability
    epsilon, else greedily; epsilon falls linearly from ``epsilon_start`` to ``epsilon_end`` over a share ``exploration`` of the
    lifetime.

    Pitfalls: ``learning_starts`` counts env steps, and nothing is learned in a lifetime that is shorter. The replay buffer
    keeps single transitions, so the network must be feed-forward. The kink of Huber's loss is at an error of 1,
    in units of the return.

    Attributes:
        optimizer: turns the gradient into new parameters.
        steps, num_envs: an update collects ``steps * num_envs`` transitions.
        gradient_steps: number of batches that an update learns from.
        capacity, batch: transitions in the replay buffer, and in a batch. The capacity must be a multiple of
            ``steps * num_envs``.
        double: choose the next action by the online network instead of the target network.
        loss: of the error ``Q(s, a) - y``.
        gamma: discount per step.
        target_period, polyak: every ``target_period`` gradient steps the target moves the share ``polyak`` of the way to the
            parameters: 1 copies them.
        learning_starts: env steps before the update that takes the first gradient step.
        epsilon_start, epsilon_end: the probability of a random action, first and last.
        exploration: the share of the lifetime after which epsilon falls no more.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> rule = DQN(optimizer=Adam(learning_rate=2.5e-4), double=True)
    >>> rule.heads(Spec((4,), Discrete(2))).outputs["q"].shape
    (2,)
    >>> Space(DQN(optimizer=Adam(learning_rate=free()), target_period=free(low=10, high=1000))).dimension
    2
    """

    paper = "Mnih et al. 2015, Human-level control through deep reinforcement learning, Nature 518"

    optimizer: Optimizer
    steps: Count = 1
    num_envs: Count = 10
    gradient_steps: Count = 1
    capacity: Count = 10_000
    batch: Count = 128
    double: bool = False
    loss: Literal["huber", "squared"] = "huber"
    gamma: Scalar = real(0.99, low=0.0, high=0.9999, scale="log1m")
    target_period: Integer = integer(50, low=1, high=100_000)
    polyak: Scalar = real(1.0, low=1e-4, high=1.0, scale="log")
    learning_starts: Annotated[int, AtLeast(0)] = 10_000
    epsilon_start: Scalar = real(1.0, low=0.0, high=1.0)
    epsilon_end: Scalar = real(0.05, low=0.0, high=1.0)
    exploration: Scalar = real(0.5, low=1e-3, high=1.0, scale="log")

    def formula(self) -> str:
        best = r"\max_{a'} Q_{\bar\theta}(s', a')"
        if self.double:
            best = r"Q_{\bar\theta}\left(s', \operatorname{argmax}_{a'} Q_\theta(s', a')\right)"
        loss = r"\ell(x) = \frac{1}{2} x^2"
        if self.loss == "huber":
            loss += r" \text{ where } |x| \leq 1, \quad |x| - \frac{1}{2} \text{ elsewhere}"
        period, polyak = int(self.target_period), float(self.polyak)
        moved = r"\theta" if polyak == 1.0 else rf"{latex_number(1.0 - polyak)}\, \bar\theta + {latex_number(polyak)}\, \theta"
        return "\n".join(
            [
                rf"y = r + {latex_number(self.gamma)}\, (1 - d)\, {best}",
                rf"\min_\theta\ \mathbb{{E}}\left[\ell\left(Q_\theta(s, a) - y\right)\right], \quad {loss}",
                rf"\bar\theta \leftarrow {moved} \text{{ every {period} steps}}",
            ]
        )

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        if not isinstance(spec.action, Discrete):
            if isinstance(spec.action, MultiDiscrete):
                raise UserError(
                    "DQN needs discrete actions, but those of this task are several choices at once: add the wrapper "
                    "flat_actions, or choose a rule with a policy, such as ppo."
                )
            raise UserError("DQN needs discrete actions, but this task has real ones: choose another task, or the rule sac.")
        return Heads({"q": Head((spec.action.n,))})

    def init(self, key: Key, world: World, params: Params) -> State:
        buffer = empty_replay_buffer(world.template(params, self.steps, self.num_envs), self.capacity)
        return State(self.optimizer.init(params), params, jnp.zeros((), jnp.int32), buffer)

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        share = jnp.minimum(world.progress / self.exploration, 1.0)
        epsilon = self.epsilon_start + (self.epsilon_end - self.epsilon_start) * share
        return epsilon_greedy(key, outputs["q"], epsilon)

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return jnp.argmax(outputs["q"], axis=-1)

    def update(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory
    ) -> tuple[Params, State, Info]:
        buffer = state.buffer.add(trajectory)
        learner = Learner(params, state.optimizer, state.target, state.updates)

        def step(learner: Learner, key: Key) -> tuple[Learner, Info]:
            return self._step(world, learner, buffer.sample(key, self.batch))

        keys = jax.random.split(key, self.gradient_steps)
        learner, info = learn_if(world.env_steps >= self.learning_starts, step, learner, keys)
        return learner.params, State(*learner[1:], buffer), info

    def _step(self, world: World, learner: Learner, batch: Trajectory) -> tuple[Learner, Info]:
        """The learner after one gradient step on a batch, and the loss."""
        target = self.targets(world, learner.params, learner.target, batch)
        gradient, info = world.gradient(self._loss)(learner.params, batch, target)
        params, optimizer = self.optimizer.update(gradient, learner.optimizer, learner.params, world.progress)
        updates = learner.updates + 1
        share = jnp.where(updates % self.target_period == 0, self.polyak, 0.0)
        return Learner(params, optimizer, polyak_update(learner.target, params, share), updates), info

    def targets(self, world: World, params: Params, target: Params, batch: Trajectory) -> jax.Array:
        """``y[T, B]``, the targets of ``Q(s, a)``; differentiable with respect to ``gamma``.

        Args:
            world: the world, at whose network both are evaluated.
            params: the online network's parameters, which choose the next action where ``double`` is set.
            target: the target network's parameters.
            batch: transitions ``[T, B]``.
        """
        following = world.evaluate_next(target, batch)["q"]
        chosen = jnp.argmax(world.evaluate_next(params, batch)["q"] if self.double else following, axis=-1)
        value = jax.lax.stop_gradient(_at(following, chosen))
        return batch.reward + self.gamma * (1.0 - batch.terminated) * value

    def _loss(self, outputs: Outputs, batch: Trajectory, target: jax.Array) -> tuple[jax.Array, Info]:
        q = _at(outputs["q"], batch.action)
        error = q - target
        if self.loss == "huber":
            near = jnp.clip(error, -1.0, 1.0)
            each = near * (error - 0.5 * near)
        else:
            each = 0.5 * error**2
        loss = jnp.mean(each)
        return loss, {"loss": loss, "q": jnp.mean(q)}


def epsilon_greedy(key: Key, q: jax.Array, epsilon: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Actions ``[B]`` and their log-probabilities: any action with probability ``epsilon``, else a best one.

    Args:
        key: a random key.
        q: action values ``[B, A]``.
        epsilon: the probability of a random action.

    >>> action, log_prob = epsilon_greedy(jax.random.key(0), jnp.array([[1.0, 3.0, 2.0]]), jnp.zeros(()))
    >>> action.tolist(), log_prob.tolist()
    ([1], [0.0])
    """
    key_whether, key_which = jax.random.split(key)
    greedy, actions = jnp.argmax(q, axis=-1), q.shape[-1]
    at_random = jax.random.uniform(key_whether, greedy.shape) < epsilon
    action = jnp.where(at_random, jax.random.randint(key_which, greedy.shape, 0, actions), greedy)
    return action, jnp.log((1.0 - epsilon) * (action == greedy) + epsilon / actions)


def _at(q: jax.Array, action: jax.Array) -> jax.Array:
    """``q[..., A]`` at ``action[...]``."""
    return jnp.sum(jnp.where(jax.nn.one_hot(action, q.shape[-1], dtype=bool), q, 0.0), axis=-1)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("dqn", DQN)
    registry.add_recipe("dqn", RECIPES / "dqn.yaml", summary="DQN with the settings of PureJaxRL for CartPole", paper=DQN.paper)
