"""Meta-gradients, MAML and mixtures inside each other, over a population of candidates."""

import numpy as np
import pytest
from contract.small import ARMS, CATCH, agent, curves, small_ppo, stacked
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.shares import Ramp
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.meta_gradient.held_out import PolicyImprovement
from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient
from discover_zoo.rules.policy_gradient import PolicyGradient


@pytest.mark.slow
def test_a_meta_gradient_over_ppo_over_a_mixture() -> None:
    held_out = PolicyImprovement(returns=GAE())
    rule = MetaGradient(rule=small_ppo(gamma=0.9), held_out=held_out, optimizer=Adam(learning_rate=0.05))
    starts = (0.0, 0.5, 1.0)
    population = [
        agent(rule, curriculum=MixAndMatch(simple=(MLP(hidden=()),), share=Ramp(start=start, end=1.0))) for start in starts
    ]
    curve = curves(stacked(*population), CATCH, 100)
    assert np.all(curve.finite)
    assert np.all(np.ptp(curve.info["eta: returns.gamma"], axis=1) > 1e-3)
    assert np.all(curve.episode_return[:, -5:].mean(1) > curve.episode_return[:, :5].mean(1) + 0.3)


@pytest.mark.slow
def test_maml_over_a_mixture() -> None:
    inner = PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=4.0), normalize=False)
    rule = MAML(inner=inner, outer=small_ppo(minibatches=1), tasks=8, num_envs=4, steps=8)
    population = [
        agent(rule, curriculum=MixAndMatch(simple=(MLP(hidden=()),), share=Ramp(start=start, end=1.0))) for start in (0.0, 1.0)
    ]
    curve = curves(stacked(*population), ARMS, 60)
    adapted, unadapted = np.asarray(curve.episode_return), np.asarray(curve.info["unadapted_return"])
    assert np.all(curve.finite)
    assert np.all(adapted[:, -10:].mean(1) > unadapted[:, -10:].mean(1) + 0.2)
    assert np.all(adapted[:, -10:].mean(1) > adapted[:, 0] + 0.1)
