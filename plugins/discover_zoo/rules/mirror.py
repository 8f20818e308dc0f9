"""Mirror learning: policy updates of the form ``maximize E[ratio * advantage - drift]`` (Kuba et al. 2022, arXiv 2201.02373).

PPO, DPO and LPO differ in their drift alone. A drift is valid if it is never negative, and zero with zero slope where the
policy has not changed (``ratio = 1``). PPO is usually written as a minimum instead. The minimum is the same objective:
``min(x, y) = x - max(x - y, 0)``, so that with ``x = r A`` and ``y = clip(r) A``::

    min(r A, clip(r) A) = r A - relu((r - clip(r)) A),     drift(r, A) = relu((r - clip(r)) A)

The drift is zero for every ratio within the clip, and so has no slope at ``r = 1``: it is valid.

>>> import numpy as np
>>> from discover_zoo.rules.drifts import clip_drift
>>> ratio, advantage = jnp.array([0.5, 0.9, 1.1, 2.0]), jnp.array([[1.0], [-1.0]])
>>> minimum = jnp.minimum(ratio * advantage, jnp.clip(ratio, 0.8, 1.2) * advantage)
>>> drift_form = ratio * advantage - clip_drift(jnp.log(ratio), advantage, 0.2)
>>> print(np.asarray(drift_form).round(4))
[[ 0.5  0.9  1.1  1.2]
 [-0.8 -0.9 -1.1 -2. ]]
>>> bool(jnp.allclose(minimum, drift_form))
True
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Info,
    Key,
    OnPolicy,
    Outputs,
    Params,
    RuleState,
    Scalar,
    Targets,
    Trajectory,
    World,
    component,
    latex_number,
    real,
)
from discover_zoo.rules.equations import ENTROPY, RATIO, half, weighted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@component
class MirrorLearning(OnPolicy):
    """The update that PPO, DPO and LPO share: epochs of shuffled minibatches on one batch.

    Per minibatch, with advantages normalized over it::

        loss = -mean(ratio * advantage - drift(ratio, advantage))
               + value_coefficient * mean(max((v - G)^2, (v_old + clip(v - v_old, value_clip) - G)^2)) / 2
               - entropy_coefficient * mean(entropy)

    ``steps * num_envs`` must be a multiple of ``minibatches``; with a recurrent network ``num_envs`` must be, since whole
    columns are shuffled.

    Attributes:
        epochs: passes over the batch per update.
        minibatches: gradient steps per pass.
        entropy_coefficient: weight of the entropy, which is in nats.
        value_coefficient: weight of the value loss, which has half the squared error.
        value_clip: how far a value may move from the old one before nothing more is to be gained; in units of the value, so
            that it depends on the scale of the rewards. A large number switches it off.
    """

    epochs: Count = 4
    minibatches: Count = 4
    entropy_coefficient: Scalar = real(0.01, low=0.0, high=0.1)
    value_coefficient: Scalar = real(0.5, low=0.05, high=2.0, scale="log")
    value_clip: Scalar = real(0.2, low=0.02, high=1000.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        """How much of ``ratio * advantage`` is taken back, per sample.

        Args:
            log_ratio: ``log(pi / pi_old)``, any shape.
            advantage: the normalized advantage, of the same shape.
        """
        raise NotImplementedError

    def drift_at(
        self, world: World, batch: Trajectory, *, targets: Targets, log_ratio: jax.Array, advantage: jax.Array
    ) -> jax.Array:
        """The drift of the samples of a minibatch. A subclass may know more of them than ratio and normalized advantage."""
        del world, batch, targets
        return self.drift(log_ratio, advantage)

    def drift_formula(self) -> str:
        """The equation of the drift ``D(r, A)`` in LaTeX; empty where there is none."""
        return ""

    def formula(self) -> str:
        clip = latex_number(self.value_clip)
        near = rf"V_{{\mathrm{{old}}}} + \operatorname{{clip}}(V - V_{{\mathrm{{old}}}}, -{clip}, {clip})"
        error = rf"\mathbb{{E}}\left[\max\left((V - G)^2, ({near} - G)^2\right)\right]"
        value = weighted("-", half(self.value_coefficient), error)
        gain = r"\mathbb{E}\left[r \hat{A} - D(r, \hat{A})\right]"
        return "\n".join(
            [
                rf"{RATIO}, \quad \hat{{A}} = \frac{{A - \operatorname{{mean}}(A)}}{{\operatorname{{std}}(A)}}",
                self.drift_formula(),
                rf"\max_\theta\ {gain}{value}{weighted('+', self.entropy_coefficient, ENTROPY)}",
            ]
        )

    def figures(self) -> Mapping[str, "Figure"]:
        from discover_zoo.rules.drift_figure import drift_figure  # matplotlib is slow to import and seldom needed

        return {"drift": drift_figure(type(self).__name__, self.drift)}

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        targets = self.returns(world.segment(params, trajectory))
        gradient = world.gradient(self._loss(world))

        def learn(carry: tuple[Params, RuleState], batch: tuple[Trajectory, Targets]) -> tuple[tuple[Params, RuleState], Info]:
            params, state = carry
            change, info = gradient(params, *batch)
            return self.optimizer.update(change, state, params, world.progress), info

        def epoch(carry: tuple[Params, RuleState], key: Key) -> tuple[tuple[Params, RuleState], Info]:
            return jax.lax.scan(learn, carry, world.minibatches(key, self.minibatches, trajectory, targets))

        (params, state), info = jax.lax.scan(epoch, (params, state), jax.random.split(key, self.epochs))
        return params, state, jax.tree.map(jnp.mean, info)

    def _loss(self, world: World) -> Callable[[Outputs, Trajectory, Targets], tuple[jax.Array, Info]]:
        """The loss of a minibatch, and its parts."""

        def loss(outputs: Outputs, batch: Trajectory, targets: Targets) -> tuple[jax.Array, Info]:
            policy = world.policy(outputs)
            log_ratio = policy.log_prob(batch.action) - batch.log_prob
            advantage = normalize(targets.advantage)
            drift = self.drift_at(world, batch, targets=targets, log_ratio=log_ratio, advantage=advantage)
            gain = jnp.mean(jnp.exp(log_ratio) * advantage - drift)
            value, old = outputs["value"], batch.outputs["value"]
            near = old + jnp.clip(value - old, -self.value_clip, self.value_clip)
            error = jnp.maximum((value - targets.value) ** 2, (near - targets.value) ** 2)
            value_loss, entropy = 0.5 * jnp.mean(error), jnp.mean(policy.entropy())
            total = -gain + self.value_coefficient * value_loss - self.entropy_coefficient * entropy
            return total, {"policy_gain": gain, "value_loss": value_loss, "entropy": entropy}

        return loss


def normalize(advantage: jax.Array) -> jax.Array:
    """Advantages of zero mean and unit standard deviation; their slope stays finite where all are equal.

    >>> import numpy as np
    >>> print(np.asarray(normalize(jnp.array([1.0, 2.0, 3.0]))).round(3))
    [-1.225  0.     1.225]
    """
    centered = advantage - jnp.mean(advantage)
    return centered * jax.lax.rsqrt(jnp.mean(centered**2) + 1e-16)
