"""Disagreement of several models of the world (Pathak et al. 2019, arXiv 1906.04161)."""

import math
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    ACTION,
    AtLeast,
    Context,
    Count,
    ExplorationBonus,
    Head,
    Heads,
    Key,
    Network,
    Optimizer,
    Params,
    Registry,
    Scalar,
    Spec,
    Trajectory,
    World,
    action_size,
    component,
    encode_action,
    hookimpl,
    real,
)
from discover_zoo.bonuses.own_networks import Fitted, evaluated, fit, new_params
from discover_zoo.bonuses.scales import PayScale, no_pay, rescaled_observations, rescaled_pay
from discover_zoo.moments import Moments, no_moments


class Ensemble(NamedTuple):
    """The state of `Disagreement`.

    Attributes:
        models: the fitted models, ``[K, ...]``.
        observations: statistics of observations.
        pay: statistics of what was paid.
    """

    models: Fitted
    observations: Moments
    pay: PayScale


@component
class Disagreement(ExplorationBonus):
    """How much several models disagree about where an action leads (Pathak et al. 2019, section 3).

    Each of K models ``f_k`` predicts the rescaled next observation from the rescaled observation and the action, by the mean
    squared error::

        v = mean over the numbers of an observation of var over k of f_k(o, a)
        b = v / std(R),     R <- gamma * R + v in each environment, never set back

    Where an action leads is learned by all models in the end, and what is random has one mean: unlike an error of prediction,
    the disagreement falls on noise too. Models differ by their first weights and by the order in which they see a batch.
    Observations are rescaled, and batches counted, judged and learned from, as in random network distillation (``rnd``).

    Pitfall: models of one shape that learn from the same data soon agree, also on what they do not know.

    Attributes:
        model: a network without memory, of which there are K.
        optimizer: of each model.
        models: K, at least 2.
        epochs, minibatches: passes over each batch, and steps of the optimizer in each.
        gamma: discount of R.

    >>> from discover_zoo.networks.mlp import MLP
    >>> from discover_zoo.optimizers.adam import Adam
    >>> Disagreement(model=MLP(), optimizer=Adam()).models
    5
    """

    paper = "Pathak et al. 2019, arXiv 1906.04161, section 3"

    model: Network
    optimizer: Optimizer
    models: Annotated[int, AtLeast(2)] = 5
    epochs: Count = 4
    minibatches: Count = 4
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")

    def formula(self) -> str:
        return r"b \propto \operatorname{var}_k\left[f_k(s, a)\right]"

    def init(self, key: Key, world: World, num_envs: int) -> Ensemble:
        heads, spec = _heads(world.spec), world.spec
        params = jax.vmap(lambda key: new_params(key, self.model, spec, heads))(jax.random.split(key, self.models))
        models = Fitted(params, jax.vmap(self.optimizer.init)(params))
        return Ensemble(models, no_moments(spec.observation_shape), no_pay(num_envs))

    def update(self, key: Key, world: World, state: Ensemble, trajectory: Trajectory) -> tuple[jax.Array, Ensemble]:
        before, after, observations = rescaled_observations(state.observations, trajectory)
        heads, action = _heads(world.spec), encode_action(world.spec, trajectory.action)
        rows = (before, action.reshape(len(before), -1), after.reshape(len(after), -1))

        def predicted(params: Params, observation: jax.Array, action: jax.Array) -> jax.Array:
            context: Context = {ACTION: action}
            return evaluated(self.model, params, heads, observation, context=context, progress=world.progress)["next"]

        def loss(params: Params, batch: tuple[jax.Array, jax.Array, jax.Array], key: Key) -> jax.Array:
            observation, action, following = batch
            return jnp.mean((predicted(params, observation, action) - following) ** 2)

        def learned(key: Key, model: Fitted) -> Fitted:
            return fit(
                key,
                loss,
                model,
                self.optimizer,
                data=rows,
                epochs=self.epochs,
                minibatches=self.minibatches,
                progress=world.progress,
            )

        guesses = jax.vmap(lambda params: predicted(params, *rows[:2]))(state.models.params)
        raw = jnp.mean(jnp.var(guesses, axis=0), axis=-1).reshape(trajectory.reward.shape)
        bonus, pay = rescaled_pay(state.pay, raw, self.gamma)
        return bonus, Ensemble(jax.vmap(learned)(jax.random.split(key, self.models), state.models), observations, pay)


def _heads(spec: Spec) -> Heads:
    """The head of a model: the next observation as one vector, from the observation and the action."""
    return Heads({"next": Head((math.prod(spec.observation_shape),), reads=(ACTION,))}, {ACTION: action_size(spec)})


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("disagreement", Disagreement)
