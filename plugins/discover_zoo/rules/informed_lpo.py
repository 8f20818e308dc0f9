"""A small learned drift that knows novelty, value error, entropy and progress, on top of PPO."""

import math

import jax
import jax.numpy as jnp

from discover import (
    Continuous,
    Count,
    Discrete,
    Info,
    Key,
    MultiDiscrete,
    Params,
    Registry,
    RuleState,
    Scalar,
    Spec,
    Targets,
    Trajectory,
    Weights,
    World,
    component,
    hookimpl,
    real,
    weights,
)
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.equations import clipped_ratio
from discover_zoo.rules.informed_network import Features, informed_network, random_weights, silent_weights
from discover_zoo.rules.mirror import MirrorLearning, normalize
from discover_zoo.rules.novelty import novelty_of
from discover_zoo.rules.recipes import RECIPES

_NOVELTY = "novelty"
"""The name by which the normalized bonus travels with the outputs of the network into minibatches."""


def _random(rule: "InformedLPO", key: Key) -> Weights:
    return random_weights(rule.units, key)


def _silent(rule: "InformedLPO", key: Key) -> Weights:
    return silent_weights(rule.units, key)


@component
class InformedLPO(MirrorLearning):
    """PPO with a small network that tightens or loosens its trust region, sample by sample and over the lifetime.

    It maximizes the mean of ``ratio * A - drift`` (see `MirrorLearning`) with ``x`` as in `informed_network`::

        drift = relu(clip_drift(ratio, A) + log(ratio)^2 * network(x))

    ``log(ratio)^2`` is zero with zero slope where the policy has not changed, so that the drift is valid for any weights, with
    biases too. Where the network is positive it adds a penalty on the distance from the old policy; where it is negative it
    takes away from PPO's. With an output layer of zero, at which a search begins, the rule is PPO to the bit.

    Novelty is the bonus of a rule around this one (``explore``), which hands it on in the trajectory's extra data by the name
    ``bonus``.

    Pitfall: a drift only holds the policy back. It cannot make the agent explore: the bonus must do that.

    Attributes:
        drift_weights: the network's weights, ``hidden[7, units]`` and ``output[units]``; open until set.
        clip: that of PPO's drift; no unit.
        units: of the hidden layer: 6 make 48 weights.

    The other fields are those of `MirrorLearning` and `discover.OnPolicy`.

    >>> import numpy as np
    >>> from discover import Space
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> space = Space(InformedLPO(returns=GAE(), optimizer=Adam()))
    >>> space.dimension
    48
    >>> rule = space.decode(space.start(jax.random.key(0)))
    >>> print(np.asarray(rule.drift(jnp.log(jnp.array([0.5, 1.0, 2.0])), jnp.ones(3))).round(3))
    [0.  0.  0.8]
    """

    paper = "After Lu et al. 2022, arXiv 2210.05639, and Jackson et al. 2024, arXiv 2402.05828 (progress)"

    reads_novelty = True

    drift_weights: Weights = weights(init=_random, start=_silent)
    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")
    units: Count = 6

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return self.informed_drift(log_ratio, Features(advantage))

    def informed_drift(self, log_ratio: jax.Array, features: Features) -> jax.Array:
        """The drift of samples of which the network knows ``features``."""
        learned = log_ratio**2 * informed_network(self.drift_weights, log_ratio, features)
        return jax.nn.relu(clip_drift(log_ratio, jnp.asarray(features.advantage), self.clip) + learned)

    def drift_at(
        self, world: World, batch: Trajectory, *, targets: Targets, log_ratio: jax.Array, advantage: jax.Array
    ) -> jax.Array:
        features = Features(
            advantage=advantage,
            novelty=batch.outputs[_NOVELTY],
            value_error=normalize(jnp.abs(targets.value - batch.outputs["value"])),
            entropy=world.policy(batch.outputs).entropy() / _entropy_unit(world.spec),
            progress=world.progress,
        )
        return self.informed_drift(log_ratio, features)

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        known = trajectory._replace(outputs={**trajectory.outputs, _NOVELTY: normalize(novelty_of(trajectory))}, extra=())
        return super().update(key, world, params, state, trajectory=known)

    def drift_formula(self) -> str:
        clip = rf"\operatorname{{relu}}\left((r - {clipped_ratio(self.clip)}) \hat{{A}}\right)"
        inputs = r"x = (\log r, \hat{A}, \mathrm{novelty}, |G - V_{\mathrm{old}}|, \mathcal{H}(\pi_{\mathrm{old}}), p, 1)"
        drift = rf"D = \operatorname{{relu}}\left({clip} + \log^2 r \cdot f_w(x)\right)"
        return "\n".join([drift, rf"f_w(x) = w_2 \cdot \tanh(W_1 x), \quad {inputs}"])


def _entropy_unit(spec: Spec) -> float:
    """The largest entropy of a discrete or factored policy, or the number of real actions."""
    match spec.action:
        case Discrete(n):
            return math.log(max(n, 2))
        case MultiDiscrete():
            return math.log(max(spec.action.combinations, 2))
        case Continuous(low, _):
            return float(len(low))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("informed_lpo", InformedLPO)
    registry.add_recipe(
        "informed_lpo",
        RECIPES / "informed_lpo.yaml",
        summary="A space: a small network on top of PPO's drift is open, all else as in the recipe ppo",
        paper=InformedLPO.paper,
    )
