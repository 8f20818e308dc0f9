"""MMAML is ProMP, bit for bit, as long as nothing is modulated; what it modulates by is inferred from the first batch alone."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import ARMS, agent, compiled
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.mlp import MLP
from discover_zoo.networks.modulated_mlp import ModulatedMLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.mmaml import MMAML, MODULATION, transitions
from discover_zoo.rules.policy_gradient import PolicyGradient
from discover_zoo.rules.promp import ProMP

from discover import Algorithm, Carry, Heads, Inputs, Key, Network, Outputs, Params, Spec, UserError, component
from discover.inner_loop import lifetime

SIZES: dict[str, Any] = {"tasks": 2, "num_envs": 3, "steps": 4, "adaptations": 2, "inner_kl": 0.1}
WIDTHS = (4, 3)


@component
class Silent(Network):
    """Outputs of zero, whatever it learns."""

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return jnp.ones(())

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        leading = inputs.observation.shape[:-1]
        return {name: 0.0 * params * jnp.ones((*leading, *head.shape)) for name, head in heads.outputs.items()}, carry


def rules() -> dict[str, Any]:
    inner = PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=1.0), normalize=False)
    return {"inner": inner, "outer": ProMP(returns=MonteCarlo(), optimizer=Adam(learning_rate=0.01), epochs=2), **SIZES}


def modulated(modulator: Network | None = None) -> Algorithm:
    nets = {"encoder": GRU(encoder=(), memory=3, hidden=()), "modulator": modulator or MLP(hidden=())}
    return agent(MMAML(**nets, units=sum(WIDTHS), code=3, **rules()), ModulatedMLP(hidden=WIDTHS))


def bits(x: Any, y: Any) -> bool:
    same = jax.tree.map(lambda a, b: np.asarray(a).tobytes() == np.asarray(b).tobytes(), x, y)
    return all(jax.tree.leaves(same))


def trained(algorithm: Algorithm, updates: int) -> lifetime.Lifetime:
    def run(algorithm: Algorithm, key: Key) -> lifetime.Lifetime:
        life = lifetime.begin(algorithm, ARMS, key)
        return lifetime.advance(algorithm, ARMS, life, start=0, stop=updates, total=updates)

    return compiled(run)(algorithm, jax.random.key(0))


def test_without_a_modulation_it_is_promp_bit_for_bit() -> None:
    """Three updates, with two adaptations each, of all parameters and of the state of the outer optimizer."""
    plain, silent = (trained(a, 3) for a in (agent(MAML(**rules()), MLP(hidden=WIDTHS)), modulated(Silent())))
    assert bits(plain.params, silent.params)
    assert not bits(plain.params, trained(agent(MAML(**rules()), MLP(hidden=WIDTHS)), 0).params)
    assert bits(plain.rows, silent.rows)
