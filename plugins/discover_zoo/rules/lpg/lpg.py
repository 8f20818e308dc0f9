"""Learned policy gradient: a rule that is learned whole, what to predict and how to act on it (Oh et al. 2020)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from discover import (
    Categorical,
    Count,
    Head,
    Heads,
    Info,
    Key,
    Optimizer,
    OptimizerState,
    Outputs,
    Params,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    latex_number,
    policy_heads,
    real,
)
from discover_zoo.rules.lpg.meta_network import Experience, LearnedTargets, MetaNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PREDICTION = "y"
"""The head of the agent's prediction."""


@component
class LPG(UpdateRule):
    """Learned policy gradient (Oh et al. 2020): a network says by how much actions shall become likelier, and what to predict.

    The agent has a policy ``pi`` and a categorical prediction ``y`` of size m without any meaning of its own: neither a value
    nor a return function is there, the meta-network has to find what is worth predicting. From what the agent did it gives
    targets ``pi_hat`` and ``y_hat``, by which the agent takes one step per batch::

        loss = -mean(log pi(a_t | s_t) * pi_hat_t) + prediction_coefficient * mean(KL(y(s_t) || y_hat_t))

    All that the meta-network sees is constant: no gradient runs through it, neither that of the agent nor that of the
    weights. So over several updates the gradient of the weights is that of the parameters, with what was seen held as it was.

    **Learning the weights.** They are numbers of the algorithm, like any others. An evolution strategy moves them by the return
    of whole lifetimes. A gradient comes from ``jax.grad`` through the updates of a lifetime. Its objective, with return and
    baseline, is the strategy's; the rule adds to it what `regularizer` makes of the numbers that `update` reports.

    Pitfalls: random weights teach nothing. Learning rates belong to the weights: those that were learned with one optimizer
    need not work with another. ``y`` is an input of the meta-network by its order alone, so that weights go with their m.

    Attributes:
        meta_network: gives the targets; its weights are what is learned.
        optimizer: optimizer of the agent.
        steps, num_envs: T (env steps) and B of a batch; the publication has 20 and 64.
        gamma: discount that the meta-network sees.
        prediction_coefficient: weight of the divergence of the prediction, which is in nats (alpha_y).
        policy_entropy, prediction_entropy, policy_target_square, prediction_target_square: weights in `regularizer`.

    >>> from discover import Discrete, Space
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.rules.lpg.backward_network import BackwardNetwork
    >>> rule = LPG(meta_network=BackwardNetwork(predictions=8, units=16), optimizer=SGD())
    >>> {name: head.shape for name, head in rule.heads(Spec((4,), Discrete(2))).outputs.items()}
    {'policy': (2,), 'y': (8,)}
    >>> [gene.path for gene in Space(rule).genes]
    ['meta_network.weights']
    """

    paper = "Oh et al. 2020, arXiv 2007.08794"
    not_differentiable = ("policy_entropy", "prediction_entropy", "policy_target_square", "prediction_target_square")

    meta_network: MetaNetwork
    optimizer: Optimizer
    steps: Count = 20
    num_envs: Count = 64
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    prediction_coefficient: Scalar = real(0.5, low=0.01, high=5.0, scale="log")
    policy_entropy: Scalar = real(0.01, low=0.0, high=0.1)
    prediction_entropy: Scalar = real(0.001, low=0.0, high=0.1)
    policy_target_square: Scalar = real(0.001, low=0.0, high=0.1)
    prediction_target_square: Scalar = real(0.001, low=0.0, high=0.1)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        prediction = Head((self.meta_network.predictions,), mix="distribution")
        return Heads({**policy_heads(spec), PREDICTION: prediction})

    def init(self, key: Key, world: World, params: Params) -> OptimizerState:
        return self.optimizer.init(params)

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        targets = self.meta_network(self.experience(world, params, trajectory))
        change, info = world.gradient(self._loss(world))(params, trajectory, targets)
        params, state = self.optimizer.update(change, state, params, world.progress)
        return params, state, {**info, **_health(world, world.evaluate(params, trajectory), targets)}

    def experience(self, world: World, params: Params, trajectory: Trajectory) -> Experience:
        """The view that the meta-network has of a batch which these parameters collected."""
        following = jax.lax.stop_gradient(world.evaluate_next(params, trajectory)[PREDICTION])
        return Experience(
            reward=trajectory.reward,
            discount=jnp.where(trajectory.terminated, 0.0, self.gamma),
            ends=trajectory.terminated | trajectory.truncated,
            probability=jnp.exp(trajectory.log_prob),
            prediction=trajectory.outputs[PREDICTION],
            next_prediction=following,
            progress=world.progress,
            updates=world.lifetime_steps // (self.steps * self.num_envs),
        )

    def regularizer(self, info: Info) -> jax.Array:
        """The number that a gradient strategy adds to what it maximizes, so that the rule stays healthy while it is learned.

        From the numbers that `update` reports, each a mean over the batch: with the entropies after the update, and the targets
        of the update itself::

            policy_entropy * H(pi) + prediction_entropy * H(y)
            - policy_target_square * mean(pi_hat^2) - prediction_target_square * mean(sum_k y_hat_k^2)

        The weights by default are those of Oh et al. 2020. It is linear in the numbers, so that the mean of several updates may
        be given in their place. Evolution has no use for it.
        """
        return (
            self.policy_entropy * info["entropy"]
            + self.prediction_entropy * info["prediction_entropy"]
            - self.policy_target_square * info["policy_target_square"]
            - self.prediction_target_square * info["prediction_target_square"]
        )

    def figures(self) -> Mapping[str, "Figure"]:
        from discover_zoo.rules.lpg.targets_figure import targets_figure  # matplotlib is slow to import and seldom needed

        return {"targets": targets_figure(self.meta_network, float(self.gamma))}

    def formula(self) -> str:
        weight = latex_number(self.prediction_coefficient)
        gain = r"\mathbb{E}\left[\hat{\pi}_t \log \pi_\theta(a_t \mid s_t)\right]"
        divergence = r"\mathbb{E}\left[\mathrm{KL}(y_\theta(s_t) \,\Vert\, \hat{y}_t)\right]"
        return rf"\max_\theta\ {gain} - {weight}\, {divergence}"

    def _loss(self, world: World) -> Callable[[Outputs, Trajectory, LearnedTargets], tuple[jax.Array, Info]]:
        """The loss of a batch, and its parts."""

        def loss(outputs: Outputs, batch: Trajectory, targets: LearnedTargets) -> tuple[jax.Array, Info]:
            gain = jnp.mean(world.policy(outputs).log_prob(batch.action) * targets.policy)
            error = jnp.mean(divergence(outputs[PREDICTION], targets.prediction))
            return self.prediction_coefficient * error - gain, {"policy_gain": gain, "prediction_loss": error}

        return loss


def divergence(logits: jax.Array, target: jax.Array) -> jax.Array:
    """The divergence ``KL(softmax(logits) || softmax(target))`` ``[...]`` in nats, of logits ``[..., m]``.

    One is taken from each term and added to the sum, since probabilities add up to one: so the gradient at the target is zero
    to the bit, and not the rounding of that sum.

    >>> logits = jnp.array([0.3, -1.2, 0.1])
    >>> print(f"{divergence(logits, logits):.5f}", jax.grad(divergence)(logits, logits))
    0.00000 [0. 0. 0.]
    """
    log_p = jax.nn.log_softmax(logits)
    return jnp.sum(jnp.exp(log_p) * (log_p - jax.nn.log_softmax(target) - 1.0), axis=-1) + 1.0


def _health(world: World, outputs: Outputs, targets: LearnedTargets) -> Info:
    """The numbers of `LPG.regularizer`."""
    target = jax.nn.softmax(targets.prediction)
    return {
        "entropy": jnp.mean(world.policy(outputs).entropy()),
        "prediction_entropy": jnp.mean(Categorical(outputs[PREDICTION]).entropy()),
        "policy_target_square": jnp.mean(targets.policy**2),
        "prediction_target_square": jnp.mean(jnp.sum(target**2, axis=-1)),
    }
