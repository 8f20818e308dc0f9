"""A bandit whose expectations are exact: every arm is pulled once, its reward weighted with its probability."""

import jax
import jax.numpy as jnp

from discover import (
    Carry,
    Discrete,
    Environment,
    EnvState,
    Heads,
    Inputs,
    Network,
    Outputs,
    Params,
    Spec,
    Step,
    Task,
    Trajectory,
    component,
)


@component
class Arm(Environment):
    """Two arms, the second of which pays 1; one pull per episode."""

    def spec(self) -> Spec:
        return Spec((1,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Task:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Task) -> tuple[EnvState, jax.Array]:
        return (), jnp.ones(1)

    def step(self, key: jax.Array, state: EnvState, action: jax.Array, task: Task) -> Step:
        return Step((), jnp.ones(1), action.astype(jnp.float32), terminated=jnp.array(True), truncated=jnp.array(False))


@component
class Logits(Network):
    """The parameters are the policy's logits; or one number, the log-odds of the second arm."""

    odds: bool = False

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Params:
        return jnp.float32(0.5) if self.odds else jnp.zeros(2)

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        logits = jnp.stack([jnp.zeros_like(params), params]) if self.odds else params
        outputs = {"policy": jnp.broadcast_to(logits, (*inputs.is_first.shape, 2)), "value": jnp.zeros(inputs.is_first.shape)}
        return {name: value for name, value in outputs.items() if name in heads.outputs}, carry


def trajectories(logits: jax.Array, action: jax.Array, reward: jax.Array) -> Trajectory:
    """``[T, B]``: every sequence of actions that an episode of T pulls may hold, one per column.

    Rewards are weighted with B times the probability of the column: means over columns are expectations.
    """
    steps, columns = action.shape
    log_prob = jax.nn.log_softmax(logits)[action]
    chance = jnp.exp(jnp.sum(log_prob, axis=0))
    ends = jnp.broadcast_to(jnp.arange(steps)[:, None] == steps - 1, action.shape)
    begins = jnp.broadcast_to(jnp.arange(steps)[:, None] == 0, action.shape)
    policy = jnp.broadcast_to(logits, (steps, columns, 2))
    ones, no = jnp.ones((steps, columns, 1)), jnp.zeros_like(ends)
    batch = Trajectory(
        observation=ones,
        action=action,
        log_prob=log_prob,
        outputs={"policy": policy},
        reward=columns * chance * reward,
        terminated=ends,
        truncated=no,
        next_observation=ones,
        is_first=begins,
        context={},
        carry=(),
        task=(),
    )
    return jax.lax.stop_gradient(batch)


def pulls(logits: jax.Array, reward: tuple[float, float]) -> Trajectory:
    """One pull of each arm."""
    return trajectories(logits, jnp.asarray([[0, 1]]), jnp.asarray([reward]))
