"""The base class of hand-written players."""

import math

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Count,
    Discrete,
    Head,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Rollout,
    RuleState,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
)


@component
class Player(UpdateRule):
    """A rule that plays trials by tallies (see the network ``tally``) and has no parameters to learn.

    Attributes:
        steps, num_envs: T and B of a batch; an update does nothing.
    """

    steps: Count = 10
    num_envs: Count = 128

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        if not isinstance(spec.action, Discrete):
            raise UserError(f"{type(self).__name__} needs discrete actions; got {spec.action}: choose another rule or task.")
        actions = spec.action.n
        states = math.prod(spec.observation_shape) - actions - 2  # the rest of what the wrapper ``trials`` shows
        tallies = {"visits": (states, actions), "reward_sum": (states, actions), "transitions": (states, actions, states)}
        shapes = {**tallies, "state": (states,), "step": ()}
        return Heads({name: Head(shape, "tally") for name, shape in shapes.items()})

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return ()

    def scores(self, key: Key, tallies: Outputs) -> jax.Array:
        """The worth ``[A]`` of each action in the present state of one trial; the highest is taken, ties at random."""
        raise NotImplementedError

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        count = outputs["state"].shape[0]
        key_scores, key_ties = jax.random.split(key)
        scores = jax.vmap(self.scores)(jax.random.split(key_scores, count), outputs)
        noise = jax.random.uniform(key_ties, scores.shape)
        best = scores >= jnp.max(scores, axis=-1, keepdims=True)
        return jnp.argmax(jnp.where(best, noise, -1.0), axis=-1).astype(jnp.int32), jnp.zeros(count)

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        return params, state, {}
