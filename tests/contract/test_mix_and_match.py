"""A mixture of two agents with an auxiliary loss, under PPO unchanged, without a case for it in the core."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, compiled, curves, small_ppo, stacked
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.shares import Held, Ramp
from discover_zoo.networks.mlp import MLP

from discover import (
    AUXILIARY_LOSS,
    Algorithm,
    Categorical,
    Heads,
    Info,
    Inputs,
    Network,
    Outputs,
    Scalar,
    Spec,
    Trajectory,
    World,
    component,
)


@component
class Constant(Network):
    """The same probabilities and value everywhere."""

    probabilities: tuple[float, ...]
    value: float

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return ()

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch = inputs.is_first.shape
        logits = jnp.log(jnp.array(self.probabilities)) + 3.0  # any constant on top
        return {"policy": jnp.broadcast_to(logits, (*batch, 3)), "value": jnp.full(batch, self.value)}, carry


def mixing(alpha: Scalar, simple: Network | None = None) -> MixAndMatch:
    return MixAndMatch(simple=(simple or MLP(hidden=()),), share=Held(alpha=alpha))


def looked_at(candidate: Algorithm) -> tuple[World, Any, Trajectory]:
    world, key = candidate.world(CATCH), jax.random.key(0)
    params = world.initial_params(key)
    return world, params, world.collect(params, world.start(key, world.sample_tasks(key, 4)), key, 8)[1]


def outputs_at(alpha: float) -> Outputs:
    curriculum = mixing(alpha, Constant(probabilities=(0.7, 0.2, 0.1), value=1.0))
    network = Constant(probabilities=(0.2, 0.3, 0.5), value=3.0)
    return looked_at(agent(small_ppo(), network, curriculum=curriculum))[2].outputs


def test_probabilities_are_mixed_and_the_loss_is_the_divergence() -> None:
    outputs = compiled(outputs_at)(0.3)
    policy, target = Categorical(outputs["policy"]), Categorical(jnp.log(jnp.array([0.2, 0.3, 0.5])))
    np.testing.assert_allclose(jnp.exp(policy.logits[3, 2]), [0.55, 0.23, 0.22], rtol=1e-5)
    np.testing.assert_allclose(policy.kl(target), 0.314653, rtol=1e-5)
    np.testing.assert_allclose(outputs[AUXILIARY_LOSS], 0.444428, rtol=1e-5)
    np.testing.assert_allclose(outputs["value"], 0.7 * 1.0 + 0.3 * 3.0, rtol=1e-6)


def test_at_either_end_one_agent_is_left() -> None:
    ends = compiled(jax.vmap(outputs_at))(jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(jnp.exp(ends["policy"][:, 0, 0]), [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], rtol=1e-5)
    np.testing.assert_allclose(ends[AUXILIARY_LOSS][0], 0.634897, rtol=1e-5)
    np.testing.assert_array_equal(ends[AUXILIARY_LOSS][1], 0.0)
    np.testing.assert_array_equal(ends["value"][:, 0, 0], [1.0, 3.0])


def test_the_auxiliary_loss_is_added_to_that_of_the_rule() -> None:
    def total(alpha: jax.Array) -> jax.Array:
        curriculum = mixing(alpha, Constant(probabilities=(0.7, 0.2, 0.1), value=1.0))
        network = Constant(probabilities=(0.2, 0.3, 0.5), value=3.0)
        world, params, seen = looked_at(agent(small_ppo(), network, curriculum=curriculum))
        return world.objective(lambda outputs, batch: (jnp.float32(2.0), {}))(params, seen)[0]

    np.testing.assert_allclose(compiled(total)(0.3), 2.0 + 0.444428, rtol=1e-5)


def size(tree: Any) -> np.ndarray:
    """Sum of absolute values per member of a population, ``[P]``."""
    return np.sum([np.abs(x).reshape(x.shape[0], -1).sum(1) for x in jax.tree.leaves(tree)], axis=0)


@pytest.mark.slow
def test_gradients_are_finite_for_every_share() -> None:
    """With respect to both agents and to the share itself; a rule's loss gets the auxiliary one added by the world."""

    def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
        policy = Categorical(outputs["policy"])
        return jnp.mean(outputs["value"]) - jnp.mean(policy.log_prob(batch.action)), {}

    def slopes(alpha: jax.Array) -> Any:
        world, params, seen = looked_at(agent(small_ppo(), curriculum=mixing(alpha)))

        def of_alpha(alpha: jax.Array) -> jax.Array:
            there = agent(small_ppo(), curriculum=mixing(alpha)).world(CATCH)
            outputs = there.evaluate(params, seen)
            return loss(outputs, seen)[0] + jnp.mean(outputs[AUXILIARY_LOSS])

        silent = world.gradient(lambda outputs, batch: (jnp.zeros(()), {}))(params, seen)[0]
        return world.gradient(loss)(params, seen)[0], silent, jax.grad(of_alpha)(alpha)

    shares = jnp.array([0.0, 1e-3, 0.3, 1.0])
    gradient, silent, by_alpha = compiled(jax.vmap(slopes))(shares)
    assert np.all(np.isfinite(size((gradient, by_alpha))))
    simple, network = size(gradient[0]), size(gradient[1])
    assert np.all(simple[:3] > 0.0)
    assert simple[3] == 0.0  # the finished branch learns nothing more
    assert np.all(network > 0.0)
    assert np.all(size(silent)[:3] > 0.0)  # the auxiliary loss alone distils ...
    assert size(silent)[3] == 0.0  # ... until there is nothing left of the simple agent


@pytest.mark.slow
def test_candidates_with_different_shares_run_side_by_side() -> None:
    population = [agent(small_ppo(), curriculum=mixing(alpha)) for alpha in (0.0, 0.5, 1.0)]
    moving = agent(small_ppo(), curriculum=MixAndMatch(simple=(MLP(hidden=()),), share=Ramp()))
    curve = curves(stacked(*population), CATCH, 100)
    ramped = curves(stacked(moving), CATCH, 100)
    curve = jax.tree.map(lambda a, b: np.concatenate([a, b]), curve, ramped)
    assert np.all(curve.finite)
    assert np.all(np.isfinite(curve.info["entropy"]))
    assert np.all(curve.episode_return[:, -5:].mean(1) > curve.episode_return[:, :5].mean(1) + 0.3)
