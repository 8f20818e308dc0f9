"""The meta-objective of policy gradients: are actions that turned out better than expected more likely than before?"""

import itertools
import math
from typing import TypeAlias

import jax
import jax.numpy as jnp
import optax

from discover import (
    Count,
    Info,
    Key,
    MetaObjective,
    MetaState,
    Params,
    Scalar,
    Trajectory,
    UserError,
    World,
    component,
    latex_number,
    real,
)

Critic: TypeAlias = "list[dict[str, jax.Array]]"
"""The layers of a critic."""


@component
class PolicyGain(MetaObjective):
    """``mean(log pi(action | state) * A)``, with advantages ``A`` by a critic of its own (Oh et al. 2020, eq. 5).

    The critic is a small network of the observation, beside the agent's own: so a rule that learns no values, or other
    predictions than values, can be judged. Advantages are generalized advantage estimates (Schulman et al. 2016), shifted and
    scaled to mean 0 and standard deviation 1 over the batch if ``normalize``. After it has judged, the critic takes one step of
    Adam on ``mean((v - G)^2) / 2`` with their value targets, so no trajectory is judged by a critic that has seen it.

    Pitfall: the gradient with respect to a rule is zero for the first update of a window, since its parameters do not depend
    on the rule yet.

    Attributes:
        gamma, lam: discount, and weight of later errors in the advantage.
        normalize: whether advantages are shifted and scaled.
        hidden: widths of the critic's tanh layers; none for a critic that is linear.
        learning_rate: of the critic.

    >>> from discover_zoo.strategies.gradient.gradient import Gradient
    >>> Gradient(objective=PolicyGain(gamma=0.9, hidden=())).window().updates
    5
    """

    paper = "Oh et al. 2020, arXiv 2007.08794, eq. 5"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)
    learning_rate: Scalar = real(1e-3, low=1e-5, high=1.0, scale="log")
    normalize: bool = True
    hidden: tuple[Count, ...] = (32,)

    def formula(self) -> str:
        decay = rf"({latex_number(self.gamma)} \cdot {latex_number(self.lam)})"
        return "\n".join(
            [
                r"\max\ \mathbb{E}\left[\log \pi_\theta(a_t \mid s_t)\, A_t\right]",
                rf"A_t = \sum_{{k \geq 0}} {decay}^k \left(r_{{t+k}} + {latex_number(self.gamma)}\, v(s_{{t+k+1}}) "
                r"- v(s_{t+k})\right)",
            ]
        )

    def init(self, key: Key, world: World) -> MetaState:
        sizes = (math.prod(world.spec.observation_shape), *self.hidden, 1)
        keys = jax.random.split(key, len(sizes))
        critic = [_layer(k, a, b) for k, (a, b) in zip(keys, itertools.pairwise(sizes), strict=False)]
        critic[-1] = jax.tree.map(jnp.zeros_like, critic[-1])
        return critic, self._optimizer().init(critic)

    def __call__(
        self, key: Key, world: World, params: Params, state: MetaState, *, trajectory: Trajectory
    ) -> tuple[jax.Array, MetaState, Info]:
        critic, optimizer = state
        advantage, target = self._judged(critic, trajectory)
        scaled = (advantage - jnp.mean(advantage)) / (jnp.std(advantage) + 1e-8) if self.normalize else advantage
        outputs = world.evaluate(params, trajectory)
        if "policy" not in outputs:
            raise UserError(
                "the meta-objective 'policy_gain' needs a policy, and the rule has none among its heads: choose a rule that "
                "learns a policy, or another meta-objective."
            )
        gain = jnp.mean(world.policy(outputs).log_prob(trajectory.action) * jax.lax.stop_gradient(scaled))

        def error(critic: Critic) -> jax.Array:
            return 0.5 * jnp.mean((_value(critic, trajectory.observation) - target) ** 2)

        value_error, slope = jax.value_and_grad(error)(critic)
        step, optimizer = self._optimizer().update(slope, optimizer)
        return gain, (optax.apply_updates(critic, step), optimizer), {"critic_error": value_error}

    def _judged(self, critic: Critic, trajectory: Trajectory) -> tuple[jax.Array, jax.Array]:
        """Advantages and value targets ``[T, B]``."""
        value, following = _value(critic, trajectory.observation), _value(critic, trajectory.next_observation)
        discount = self.gamma * (1.0 - trajectory.terminated)
        error = trajectory.reward + discount * following - value
        decay = discount * self.lam * (1.0 - trajectory.truncated)

        def back(later: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            advantage = now[0] + now[1] * later
            return advantage, advantage

        advantage = jax.lax.scan(back, jnp.zeros_like(error[0]), (error, decay), reverse=True)[1]
        return advantage, advantage + value

    def _optimizer(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate)


def _layer(key: Key, inputs: int, outputs: int) -> dict[str, jax.Array]:
    kernel = jax.random.normal(key, (inputs, outputs)) / math.sqrt(inputs)
    return {"kernel": kernel, "bias": jnp.zeros(outputs)}


def _value(critic: Critic, observation: jax.Array) -> jax.Array:
    """Values ``[T, B]`` of observations ``[T, B, ...]``."""
    x = observation.reshape(*observation.shape[:2], -1).astype(jnp.float32)
    *hidden, last = critic
    for layer in hidden:
        x = jnp.tanh(x @ layer["kernel"] + layer["bias"])
    return (x @ last["kernel"] + last["bias"])[..., 0]
