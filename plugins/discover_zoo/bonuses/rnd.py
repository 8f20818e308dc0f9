"""Random network distillation (Burda et al. 2018, arXiv 1810.12894)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
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
    Trajectory,
    World,
    component,
    hookimpl,
    latex_number,
    real,
)
from discover_zoo.bonuses.own_networks import Fitted, evaluated, fit, new_params
from discover_zoo.bonuses.scales import PayScale, no_pay, rescaled_observations, rescaled_pay
from discover_zoo.moments import Moments, no_moments


class Distillation(NamedTuple):
    """The state of `RandomNetworkDistillation`.

    Attributes:
        target: parameters of the target, which never change.
        predictor: the network that learns to predict it.
        observations: statistics of observations.
        pay: statistics of what was paid.
    """

    target: Params
    predictor: Fitted
    observations: Moments
    pay: PayScale


@component
class RandomNetworkDistillation(ExplorationBonus):
    """The error by which a network predicts another, random one: it falls where the agent comes often (Burda et al. 2018).

    With the rescaled next observation ``o`` and ``size`` outputs of a target ``f`` that never learns::

        e = mean over outputs of (f_predictor(o) - f(o))^2
        b = e / std(R),     R <- gamma * R + e in each environment, never set back

    Observations are rescaled by the mean and standard deviation of all so far, and clipped to 5. A batch is first counted in
    both statistics, then judged by the predictor as it was, at last learned from. What a step pays thus depends on the whole
    batch by its scale alone.

    Pitfalls: the publication counts observations of a random agent before the first update, which here the first batch has to
    do. A predictor that learns fast pays for a few batches; one that learns slowly, or a target that is much simpler, pays
    noise.

    Attributes:
        target, predictor: networks without memory.
        optimizer: of the predictor.
        size: outputs of both.
        epochs, minibatches: passes over each batch, and steps of the optimizer in each.
        share: of the transitions that the predictor learns from, drawn anew in each step (less than 1 for many environments).
        gamma: discount of R.

    >>> from discover import Space, free
    >>> from discover_zoo.networks.mlp import MLP
    >>> from discover_zoo.optimizers.adam import Adam
    >>> bonus = RandomNetworkDistillation(target=MLP(), predictor=MLP(), optimizer=Adam(learning_rate=free()), gamma=free())
    >>> [gene.path for gene in Space(bonus).genes]
    ['optimizer.learning_rate', 'gamma']
    """

    paper = "Burda et al. 2018, arXiv 1810.12894"
    not_differentiable = ("share",)

    target: Network
    predictor: Network
    optimizer: Optimizer
    size: Count = 32
    epochs: Count = 4
    minibatches: Count = 4
    share: Scalar = real(1.0, low=0.01, high=1.0, scale="log")
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")

    def formula(self) -> str:
        running = rf"R \leftarrow {latex_number(self.gamma)}\, R + e"
        return rf"b = \frac{{e}}{{\operatorname{{std}}(R)}}, \quad e = \frac{{1}}{{{self.size}}} " + (
            rf"\left|f_\psi(s') - f_{{\mathrm{{random}}}}(s')\right|^2, \quad {running}"
        )

    def init(self, key: Key, world: World, num_envs: int) -> Distillation:
        key_target, key_predictor = jax.random.split(key)
        predictor = new_params(key_predictor, self.predictor, world.spec, self._heads)
        return Distillation(
            new_params(key_target, self.target, world.spec, self._heads),
            Fitted(predictor, self.optimizer.init(predictor)),
            no_moments(world.spec.observation_shape),
            no_pay(num_envs),
        )

    def update(self, key: Key, world: World, state: Distillation, trajectory: Trajectory) -> tuple[jax.Array, Distillation]:
        _, seen, observations = rescaled_observations(state.observations, trajectory)

        def output(network: Network, params: Params, observation: jax.Array) -> jax.Array:
            return evaluated(network, params, self._heads, observation, context={}, progress=world.progress)["embedding"]

        def error(params: Params, observation: jax.Array, wanted: jax.Array) -> jax.Array:
            return jnp.mean((output(self.predictor, params, observation) - wanted) ** 2, axis=-1)

        def loss(params: Params, batch: tuple[jax.Array, jax.Array], key: Key) -> jax.Array:
            errors = error(params, *batch)
            chosen = jax.random.uniform(key, errors.shape) < self.share
            return jnp.sum(jnp.where(chosen, errors, 0.0)) / jnp.maximum(jnp.sum(chosen), 1.0)

        wanted = output(self.target, state.target, seen)
        raw = error(state.predictor.params, seen, wanted).reshape(trajectory.reward.shape)
        bonus, pay = rescaled_pay(state.pay, raw, self.gamma)
        predictor = fit(
            key,
            loss,
            state.predictor,
            self.optimizer,
            data=(seen, wanted),
            epochs=self.epochs,
            minibatches=self.minibatches,
            progress=world.progress,
        )
        return bonus, Distillation(state.target, predictor, observations, pay)

    @property
    def _heads(self) -> Heads:
        return Heads({"embedding": Head((self.size,))})


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("rnd", RandomNetworkDistillation)
