"""MAESN: MAML with a latent variable of each task, held for an episode (Gupta et al. 2018, arXiv 1802.07245)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AUXILIARY_LOSS,
    Context,
    Count,
    Gaussian,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Registry,
    ReturnFunction,
    RuleState,
    Scalar,
    Spec,
    Task,
    Trajectory,
    UserError,
    World,
    component,
    ends_within,
    hookimpl,
    named_key,
    real,
    standardized,
)
from discover_zoo.rules.adapting import AdaptingRule
from discover_zoo.rules.recipes import RECIPES

LATENT, NOISE, MEAN, LOG_STD = "latent", "latent_noise", "latent_mean", "latent_log_std"
"""The input that the network reads, the noise that it was drawn with, and the distribution that it was drawn from."""

_LOG_STD = (-5.0, 2.0)
"""Bounds of the logarithm of an adapted standard deviation."""


class Learned(NamedTuple):
    """All that the outer rule learns: parameters, the distribution ``[M, d]`` of each task, and step sizes of its numbers."""

    params: Params
    latents: Gaussian
    rates: Gaussian


class State(NamedTuple):
    """The outer rule's state, M tasks, what is learned beside parameters, and the distribution ``[d]`` in the task at hand."""

    outer: RuleState
    tasks: Task
    latents: Gaussian
    rates: Gaussian
    latent: Gaussian


@component
class MAESN(AdaptingRule):
    """Model-agnostic exploration with structured noise (Gupta et al. 2018, algorithm 1), with any inner and any outer rule.

    The policy reads a latent variable, drawn at the start of each episode and held to its end: noise that makes sense as a
    whole. Each of ``train_tasks`` tasks has its own distribution; ``A`` is the return of an episode, with zero mean and unit
    standard deviation in each batch of a task::

        z ~ N(mu_i, sigma_i^2)                                            # once per episode
        theta'_i = inner(theta, tau_i)                                    # as in MAML, unless ``latents_only``
        (mu'_i, log sigma'_i) = (mu_i, log sigma_i) + alpha * mean(grad log N(z; mu_i, sigma_i^2) * A)
        minimize  mean_i(outer loss(theta'_i, mu'_i, sigma'_i; tau'_i)) + latent_kl * mean_i(KL(N(mu_i, sigma_i^2) || N(0, 1)))

    over ``theta``, all ``mu_i`` and ``log sigma_i``, and the step sizes ``alpha``. The outer loss uses the noise of ``z``
    again, so that it has gradients of distribution and step sizes. A new task begins with the prior, N(0, 1).

    An adapted ``log sigma'`` stays within -5 and 2: in a narrower distribution the density of latent variables that were drawn
    a little elsewhere, and with it the next step, has no bound.

    Pitfalls: those of `MAML`. Only episodes that begin and end within a batch move the distribution.

    Attributes:
        inner, outer, tasks, num_envs, steps, adaptations, first_order, shaped, inner_kl: as in `MAML`.
        returns: gives the return of an episode: its value target at the first step, for values of zero.
        train_tasks: M tasks, drawn once, to train on; an update takes ``tasks`` of them.
        latent: d, the size of ``z``.
        latents_only: leave the parameters as they are in the inner step.
        rate: step sizes ``alpha`` at the beginning; per unit of standardized return.
        latent_kl: weight of the divergence, in nats, of the distributions before adapting from the prior.

    >>> from discover import Discrete
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> from discover_zoo.rules.policy_gradient import PolicyGradient
    >>> from discover_zoo.rules.trpo import TRPO
    >>> inner = PolicyGradient(returns=MonteCarlo(), optimizer=SGD())
    >>> rule = MAESN(inner=inner, outer=TRPO(returns=MonteCarlo()), returns=MonteCarlo(), latent=3)
    >>> rule.heads(Spec((4,), Discrete(2))).outputs["policy"].reads
    ('latent',)
    """

    paper = "Gupta et al. 2018, arXiv 1802.07245, algorithm 1"

    returns: ReturnFunction
    train_tasks: Count = 100
    latent: Count = 2
    latents_only: bool = False
    rate: Scalar = real(1.0, low=0.0, high=10.0)
    latent_kl: Scalar = real(0.1, low=0.0, high=10.0)

    def heads(self, spec: Spec) -> Heads:
        outputs, context = super().heads(spec)
        reading = {name: head._replace(reads=(*head.reads, LATENT)) for name, head in outputs.items()}
        return Heads(reading, {**context, **dict.fromkeys((LATENT, NOISE, MEAN, LOG_STD), self.latent)})

    def init(self, key: Key, world: World, params: Params) -> State:
        if self.tasks > self.train_tasks:
            raise UserError(f"maesn cannot take {self.tasks} of {self.train_tasks} tasks: lower tasks, or raise train_tasks.")
        zeros, rates = jnp.zeros((self.train_tasks, self.latent)), jnp.full(self.latent, self.rate, jnp.float32)
        learned = Learned(params, Gaussian(zeros, zeros), Gaussian(rates, rates))
        state = self.unpacked(learned, self.outer.init(key, self.adapting(world), learned))[1]
        return state._replace(tasks=world.sample_tasks(named_key(key, "tasks"), self.train_tasks))

    def behavior(self, params: Params, state: State) -> tuple[Params, Context]:
        return params, {MEAN: state.latent.mean, LOG_STD: state.latent.log_std}

    def episode_context(self, key: Key, context: Context) -> Context:
        noise = jax.random.normal(key, context[MEAN].shape)
        return {NOISE: noise, LATENT: drawn(Gaussian(context[MEAN], context[LOG_STD]), noise)}

    def update(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory | None
    ) -> tuple[Params, State, Info]:
        params, after, info = super().update(key, world, params, state, trajectory=trajectory)
        divergence = jnp.mean(after.latents.kl(prior(self.latent)))
        return params, after._replace(tasks=state.tasks), {**info, "latent_kl": divergence}

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory
    ) -> tuple[Params, State]:
        slope = self.latent_slope(world, params, state.latent, trajectory=trajectory)
        moved = jax.tree.map(lambda x, rate, slope: x + rate * slope, state.latent, state.rates, slope)
        latent = moved._replace(log_std=jnp.clip(moved.log_std, *_LOG_STD))
        if not self.latents_only:
            params, _ = super().adapt_to_task(key, world, params, (), trajectory=trajectory)
        return params, state._replace(latent=latent)

    def latent_slope(self, world: World, params: Params, latent: Gaussian, *, trajectory: Trajectory) -> Gaussian:
        """The score function of the latent variables of all episodes, weighted with their returns."""
        segment, zero = world.segment(params, trajectory), jnp.zeros_like(trajectory.reward)
        value = self.returns(segment._replace(value=zero, next_value=zero)).value
        episode = trajectory.is_first * ends_within(trajectory)
        weights = episode / jnp.maximum(jnp.sum(episode), 1.0)
        gain = weights * standardized(value, weights, None)
        return jax.grad(lambda latent: jnp.sum(gain * latent.log_prob(trajectory.context[LATENT])))(latent)

    def draw_tasks(self, key: Key, world: World, state: State) -> tuple[Task, jax.Array]:
        which = jax.random.permutation(key, self.train_tasks)[: self.tasks]
        return jax.tree.map(lambda x: x[which], state.tasks), which

    def entering(self, state: State, which: jax.Array) -> State:
        return state._replace(latent=jax.tree.map(lambda x: x[which], state.latents))

    def packed(self, params: Params, state: State) -> tuple[Learned, RuleState]:
        return Learned(params, state.latents, state.rates), state.outer

    def unpacked(self, learned: Learned, outer: RuleState) -> tuple[Params, State]:
        params, latents, rates = learned
        return params, State(outer=outer, tasks=(), latents=latents, rates=rates, latent=prior(self.latent))

    def given(self, batch: Trajectory, state: State) -> Trajectory:
        return batch._replace(context={**batch.context, LATENT: drawn(state.latent, batch.context[NOISE])})

    def adapting(self, world: World) -> World:
        adapting = super().adapting(world)

        def evaluate(learned: Learned, batch: Trajectory) -> Outputs:
            outputs, which = adapting.evaluate(learned, batch), batch.extra[0][1].extra
            divergence = jax.tree.map(lambda x: x[which], learned.latents).kl(prior(self.latent))
            penalty = self.latent_kl * jnp.repeat(divergence, self.num_envs)
            return {**outputs, AUXILIARY_LOSS: outputs[AUXILIARY_LOSS] + penalty}

        return adapting.view(evaluate_with=evaluate)


def prior(size: int) -> Gaussian:
    """The distribution of the latent variable in a new task."""
    return Gaussian(jnp.zeros(size), jnp.zeros(size))


def drawn(latent: Gaussian, noise: jax.Array) -> jax.Array:
    """The draw that standard normal noise stands for."""
    return latent.mean + jnp.exp(latent.log_std) * noise


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("maesn", MAESN)
    registry.add_recipe(
        "maesn",
        RECIPES / "maesn.yaml",
        summary="MAESN in a small size with ProMP outside, for tasks in the plane with episodes of 20 steps",
        paper=MAESN.paper,
    )
