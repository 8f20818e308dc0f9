"""Imitation of an expert, on the states that the learner itself comes to (Ross et al. 2011, arXiv 1011.0686)."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from discover import (
    EXPERT,
    Continuous,
    Count,
    Heads,
    Info,
    Key,
    Optimizer,
    OptimizerState,
    Outputs,
    Params,
    Registry,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    decode_action,
    encode_action,
    hookimpl,
    policy_heads,
    real,
)

Loss: TypeAlias = Callable[[Outputs, Trajectory], tuple[jax.Array, Info]]
"""``(outputs, batch) -> (scalar, info)``."""


@component
class Imitation(UpdateRule):
    """Supervised steps towards what the task family's expert would do (DAgger, Ross et al. 2011, algorithm 3.1).

    With the action ``a*`` of the expert at each state ``s`` of a batch, in units of its reach::

        minimize  mean(|mean of pi(s) - a*|^2 + spread * |standard deviation of pi(s)|^2)      # real actions
        minimize  mean(-log pi(a*|s))                                                         # discrete ones

    With a spread of 1, the first is the mean squared distance of the policy's own actions from those of the expert. The batch
    is collected by the policy, and the expert says at each state what it would have done.

    As the outer rule of `GMPS` the policies are the adapted ones, and GMPS collects the batch.

    Pitfall: the expert of a family may know more than the policy observes; then the policy learns the mean of what the expert
    does where it cannot tell states apart.

    Attributes:
        optimizer: takes the steps.
        steps, num_envs: T (env steps) and B of a batch, where no other rule contains this one.
        epochs: passes over a batch.
        minibatches: steps of the optimizer in a pass, each on its share of the batch.
        spread: weight of the policy's variance; real actions alone.

    >>> from discover import Discrete, Space, Spec, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> Imitation(optimizer=Adam(learning_rate=1e-3), epochs=500).rollout(Spec((4,), Discrete(2)))
    Rollout(steps=100, num_envs=20, by_rule=True)
    >>> Space(Imitation(optimizer=Adam(learning_rate=free()), spread=free())).dimension
    2
    """

    paper = "Ross et al. 2011, arXiv 1011.0686, algorithm 3.1"

    optimizer: Optimizer
    steps: Count = 100
    num_envs: Count = 20
    epochs: Count = 50
    minibatches: Count = 1
    spread: Scalar = real(1.0, low=0.0, high=10.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: Key, world: World, params: Params) -> OptimizerState:
        return self.optimizer.init(params)

    def update(
        self, key: Key, world: World, params: Params, state: OptimizerState, trajectory: Trajectory | None
    ) -> tuple[Params, OptimizerState, Info]:
        key_tasks, key_start, key_collect, key_learn = jax.random.split(key, 4)
        report: Info = {}
        if trajectory is None:
            actor = world.start(key_start, world.sample_tasks(key_tasks, self.num_envs))
            actor, trajectory = world.view(ask_expert=True).collect(params, actor, key_collect, self.steps)
            report = world.report(actor)

        def step(carry: tuple[Params, OptimizerState], batch: Trajectory) -> tuple[tuple[Params, OptimizerState], Info]:
            params, state = carry
            gradient, info = world.gradient(self.loss(world))(params, batch)
            return self.optimizer.update(gradient, state, params, world.progress), info

        def epoch(carry: tuple[Params, OptimizerState], key: Key) -> tuple[tuple[Params, OptimizerState], Info]:
            (batches,) = world.minibatches(key, self.minibatches, trajectory)
            return jax.lax.scan(step, carry, batches)

        (params, state), info = jax.lax.scan(epoch, (params, state), jax.random.split(key_learn, self.epochs))
        return params, state, {**jax.tree.map(lambda x: jnp.mean(x[-1]), info), **report}

    def loss(self, world: World) -> Loss:
        """The loss of a batch that holds the expert's actions as the context `EXPERT`."""

        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            policy, expert = world.policy(outputs), batch.context[EXPERT]
            if not isinstance(world.spec.action, Continuous):
                surprise = -jnp.mean(policy.log_prob(decode_action(world.spec, expert)))
                return surprise, {"imitation_loss": surprise}
            error = jnp.mean(jnp.sum((encode_action(world.spec, policy.mode()) - expert) ** 2, axis=-1))
            variance = jnp.mean(jnp.sum(jnp.exp(2.0 * outputs["log_std"]), axis=-1))  # in units of the reach
            return error + self.spread * variance, {"imitation_loss": error}

        return loss


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("imitation", Imitation)
