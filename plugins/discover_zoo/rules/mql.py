"""Meta-Q-Learning: TD3 with a memory, adapted to a new task by old experience too (Fakoor et al. 2020, arXiv 1910.00125)."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Count,
    Info,
    Key,
    Optimizer,
    Params,
    Registry,
    RuleState,
    Scalar,
    Trajectory,
    WindowBuffer,
    World,
    component,
    empty_window_buffer,
    hookimpl,
    latex_number,
    real,
    replace,
)
from discover_zoo.rules.delayed_critics import DelayedCritics
from discover_zoo.rules.propensity import fit_propensity, lost_share
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.twin_critics import Learner


class Importance(NamedTuple):
    """The extra data of a batch to adapt with.

    Attributes:
        weight: ``[B, T]``, how much each step counts.
        pull: the weight of the distance from ``trained``.
        trained: the parameters before adaptation.
    """

    weight: jax.Array
    pull: jax.Array
    trained: Params


@component
class MQL(DelayedCritics):
    """Meta-Q-Learning (Fakoor et al. 2020, arXiv 1910.00125, algorithm 1).

    TD3 on all tasks at once, with a recurrent network: policy and critics each have a memory of the last (action, reward,
    state), which is the *context* that tells the task. It learns from windows of ``steps`` in a row. At test time
    `adapt_to_task` starts the optimizers anew and learns on, ``first`` rounds from experience with the new task, then
    ``later`` rounds from windows of training, each step weighed by how much it is like the new task::

        w    = exp(-max(f, -clip)), 0 where that is below ``least``;    f: log-odds of old against new, logistic in the context
        loss = mean(w * loss of TD3) + (1 - ESS / n) * |params - trained|^2,    ESS = (sum w)^2 / sum w^2

    Gradients run neither through ``f`` nor through ``w``. Parameters are pulled where the loss reaches them.

    Pitfalls: the network must show the last action and reward to the memory (wrapper ``last_action_and_reward``) and give each
    head a memory of its own (``gru`` with ``shared: false``). Windows are best as long as an episode: the memory before one is
    as it was when the agent acted. Each call of `adapt_to_task` holds to the parameters before that call. Where the environment
    has a shaped reward, training learns from it, and adaptation from the real one of the new task, which critics do not know.

    Attributes:
        capacity, batch: windows in the replay buffer, and in a batch. The capacity must be a multiple of ``num_envs``.
        adapter: the optimizer of adaptation, of critics and policy; without one, those of training.
        first, later: rounds of adaptation from experience with the new task, and with the tasks of training.
        clip, least: bound of ``-f``, and the least weight that counts.
        ridge: of the logistic regression, whose features are standardized.

    The other fields are those of TD3; ``gamma``, ``batch`` and so on have other defaults than there.

    >>> from discover_zoo.optimizers.adam import Adam
    >>> MQL(optimizer=Adam(), policy_optimizer=Adam()).steps
    20
    """

    paper = "Fakoor et al. 2020, arXiv 1910.00125, algorithm 1"

    adapter: Optimizer | None = None
    steps: Count = 20
    num_envs: Count = 10
    capacity: Count = 5_000
    batch: Count = 32
    first: Annotated[int, AtLeast(0)] = 10
    later: Annotated[int, AtLeast(0)] = 20
    clip: Scalar = real(1.0, low=0.1, high=5.0, scale="log")
    least: Scalar = real(0.1, low=0.0, high=1.0)
    ridge: Scalar = real(0.01, low=1e-5, high=1.0, scale="log")

    def formula(self) -> str:
        odds = r"f = \log\frac{p(old \mid context)}{p(new \mid context)}"
        weight = rf"w = e^{{-\max(f, -{latex_number(self.clip)})}}, \quad {odds}"
        pull = r"\left(1 - \frac{(\sum w)^2}{n \sum w^2}\right) \|\theta - \theta_{trained}\|^2"
        return "\n".join([super().formula(), weight, rf"\min_\theta\ \mathbb{{E}}[w \cdot loss] + {pull}"])

    def empty_buffer(self, template: Trajectory) -> WindowBuffer:
        return empty_window_buffer(template, self.capacity)

    def targets(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> jax.Array:
        return super().targets(key, world, learner, batch._replace(reward=batch.dense_reward))

    def weight(self, batch: Trajectory) -> jax.Array | float:
        return batch.extra.weight.T if isinstance(batch.extra, Importance) else 1.0

    def critic_gradient(self, world: World, params: Params, batch: Trajectory, target: jax.Array) -> tuple[Params, Info]:
        gradient, info = super().critic_gradient(world, params, batch, target)
        return pulled(gradient, params, batch), info

    def policy_gradient(self, key: Key, world: World, learner: Learner, batch: Trajectory) -> tuple[Params, Info]:
        gradient, info = super().policy_gradient(key, world, learner, batch)
        return pulled(gradient, learner.params, batch), info

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        key_fit, key_first, key_later = jax.random.split(key, 3)
        rule = self if self.adapter is None else replace(self, {"optimizer": self.adapter, "policy_optimizer": self.adapter})
        learner = state.learner._replace(
            params=params, optimizer=rule.optimizer.init(params), policy_optimizer=rule.policy_optimizer.init(params)
        )
        new = trajectory._replace(shaped=())
        old = state.buffer.sample(key_fit, -(-trajectory.reward.size // self.steps))
        old_context, new_context = (_rows(world.memory(params, batch)) for batch in (old, new))
        model = fit_propensity(old_context, new_context, self.ridge)

        def weights(batch: Trajectory) -> jax.Array:
            return model.weights(world.memory(params, batch), clip=self.clip, least=self.least).T

        pull = lost_share(weights(old))

        def draw(key: Key, _: Params) -> Trajectory:
            batch = state.buffer.sample(key, self.batch)
            return batch._replace(extra=Importance(weights(batch), pull, params))

        learner, _ = rule.learn(key_first, world, learner, lambda *_: new, rounds=self.first)
        learner, _ = rule.learn(key_later, world, learner, draw, rounds=self.later)
        return learner.params, state._replace(learner=learner._replace(params=()))


def pulled(gradient: Params, params: Params, batch: Trajectory) -> Params:
    """The gradient with that of ``pull * |params - trained|^2``, for each array that the loss reaches at all."""
    if not isinstance(batch.extra, Importance):
        return gradient

    def pull(slope: jax.Array, here: jax.Array, trained: jax.Array) -> jax.Array:
        return slope + jnp.where(jnp.any(slope != 0.0), 2.0 * batch.extra.pull * (here - trained), 0.0)

    return jax.tree.map(pull, gradient, params, batch.extra.trained)


def _rows(features: jax.Array) -> jax.Array:
    """Features ``[T, B, F]`` as rows ``[T * B, F]``."""
    return features.reshape(features.shape[0] * features.shape[1], features.shape[2])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mql", MQL)
    registry.add_recipe(
        "mql",
        RECIPES / "mql.yaml",
        summary="Meta-Q-Learning in a small size, for tasks in the plane with episodes of 20 steps",
        paper=MQL.paper,
    )
