"""Multimodal MAML: what a task is like changes the start of the adaptation (Vuorio et al. 2019, arXiv 1910.13616)."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Carry,
    Context,
    Count,
    Head,
    Heads,
    Inputs,
    Key,
    Network,
    Params,
    Registry,
    RuleState,
    Spec,
    Trajectory,
    UserError,
    World,
    component,
    encode_action,
    hookimpl,
    named_key,
)
from discover_zoo.rules.adapting import AdaptingRule
from discover_zoo.rules.recipes import RECIPES

MODULATION = "modulation"
"""Name of the input by which the network's hidden units are scaled."""


class State(NamedTuple):
    """The state between two updates, or on the way of an adaptation.

    Attributes:
        networks: parameters of the encoder and of the modulator, by name; learned by the outer rule.
        scale: ``[units]`` by which the policy is modulated; 0 before the task was seen.
        seen: whether it was.
        outer: state of the outer rule.
    """

    networks: Params
    scale: jax.Array
    seen: jax.Array
    outer: RuleState


@component
class MMAML(AdaptingRule):
    """Multimodal model-agnostic meta-learning: `MAML` with a policy that is modulated by what is seen of the task.

    For each task ``i``, with its first batch ``D_0`` from the policy as it is, and ``tau`` from the learned networks::

        theta_1 = inner(theta, D_0)
        tau     = modulator(mean over rollouts of encoder((s, a, r)_1, ..., (s, a, r)_T))
        theta_k = inner(theta_{k-1}, D_{k-1}),   D_k from the policy with theta_k and hidden units scaled by 1 + tau

    The outer rule learns theta and both networks, through all that depends on them. Inner steps change theta alone, and tau
    stays what it was at the first look. It begins at zero; while it is, each operation is that of `MAML`, bit for
    bit.

    The network says what a modulation does: `modulated_mlp` scales its hidden units; others read tau as a further input.

    Pitfalls: the memory of the encoder lives for a whole column, so that ``steps`` is best as long as an episode. With one
    adaptation tau only helps the last batch.

    Attributes:
        encoder: a network with a memory that reads each rollout of the first batch; its output after the last step is a code.
        modulator: turns the mean code into tau.
        units: how many numbers tau has: the hidden units of the network, of all layers together.
        code: size of a code.
        adaptations: inner updates in training: the first one before the modulation, the others after it.

    The other fields are those of `MAML`.

    >>> from discover import Discrete
    >>> from discover_zoo.networks.gru import GRU
    >>> from discover_zoo.networks.mlp import MLP
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> from discover_zoo.rules.policy_gradient import PolicyGradient
    >>> from discover_zoo.rules.promp import ProMP
    >>> inner, outer = PolicyGradient(returns=MonteCarlo(), optimizer=SGD()), ProMP(returns=MonteCarlo(), optimizer=Adam())
    >>> rule = MMAML(inner=inner, outer=outer, encoder=GRU(encoder=()), modulator=MLP(hidden=(64,)), units=16)
    >>> rule.heads(Spec((4,), Discrete(2))).outputs["policy"].reads
    ('modulation',)
    """

    paper = "Vuorio et al. 2019, arXiv 1910.13616"

    encoder: Network
    modulator: Network
    units: Count = 128
    code: Count = 64
    adaptations: Count = 2

    def heads(self, spec: Spec) -> Heads:
        heads = super().heads(spec)
        modulated = {
            name: head if head.form == "constant" else head._replace(reads=(*head.reads, MODULATION))
            for name, head in heads.outputs.items()
        }
        return Heads(modulated, {**heads.context, MODULATION: self.units})

    def init(self, key: Key, world: World, params: Params) -> State:
        if not jax.tree.leaves(jax.eval_shape(lambda: self.encoder.carry(self._code))):
            raise UserError(
                f"the encoder of mmaml reads one step after the other, and {type(self.encoder).__name__} has no memory of "
                "them: choose a network with one (gru, say)."
            )
        size = jax.eval_shape(lambda x: transitions(world.spec, x), world.template(params, 1, 1)).shape[-1]
        networks = {
            "encoder": self.encoder.init(named_key(key, "encoder"), _reading(world.spec, size), self._code),
            "modulator": self.modulator.init(named_key(key, "modulator"), _reading(world.spec, self.code), self._scale),
        }
        outer = self.outer.init(key, self.adapting(world), (params, networks))
        return self.unpacked((params, networks), outer)[1]

    def behavior(self, params: Params, state: State) -> tuple[Params, Context]:
        params, context = self.outer.behavior(params, state.outer)
        return params, {**context, MODULATION: state.scale}

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory
    ) -> tuple[Params, State]:
        batch = self.given(trajectory, state)
        params, _ = super().adapt_to_task(key, world, params, state, trajectory=batch)
        scale = jnp.where(state.seen, state.scale, self.inferred(world, state.networks, trajectory))
        return params, state._replace(scale=scale, seen=jnp.ones_like(state.seen))

    def inferred(self, world: World, networks: Params, trajectory: Trajectory) -> jax.Array:
        """The modulation ``[units]`` that fits to the task of a trajectory ``[T, B]``."""
        code = self.mean_code(world, networks, trajectory)
        inputs = Inputs(code, jnp.zeros((), bool), context={}, progress=world.progress)
        return self.modulator.apply(networks["modulator"], self._scale, inputs, self.modulator.carry(self._scale))[0]["scale"]

    def mean_code(self, world: World, networks: Params, trajectory: Trajectory) -> jax.Array:
        """The input of the modulator: the mean ``[code]`` over rollouts of the encoder's output after the last step."""
        rows = transitions(world.spec, trajectory)
        first = jnp.zeros(rows.shape[1], bool)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (rows.shape[1], *x.shape)), self.encoder.carry(self._code))

        def read(carry: Carry, row: jax.Array) -> tuple[Carry, jax.Array]:
            inputs = Inputs(row, first, context={}, progress=world.progress)
            outputs, carry = self.encoder.apply(networks["encoder"], self._code, inputs, carry)
            return carry, outputs["code"]

        carry, _ = jax.lax.scan(lambda carry, row: (read(carry, row)[0], None), carry, rows[:-1])
        return jnp.mean(read(carry, rows[-1])[1], axis=0)

    def packed(self, params: Params, state: State) -> tuple[Params, RuleState]:
        return (params, state.networks), state.outer

    def unpacked(self, learned: Params, outer: RuleState) -> tuple[Params, State]:
        params, networks = learned
        return params, State(networks, scale=jnp.zeros(self.units), seen=jnp.zeros((), bool), outer=outer)

    def given(self, batch: Trajectory, state: State) -> Trajectory:
        scale = jnp.broadcast_to(state.scale, (*batch.reward.shape, self.units))
        return batch._replace(context={**batch.context, MODULATION: scale})

    @property
    def _code(self) -> Heads:
        return Heads({"code": Head((self.code,))})

    @property
    def _scale(self) -> Heads:
        return Heads({"scale": Head((self.units,), gain=0.0)})


def transitions(spec: Spec, trajectory: Trajectory) -> jax.Array:
    """Observation, action (one-hot, or in units of its reach) and reward of each step, ``[T, B, F]``."""
    observation = trajectory.observation.reshape(*trajectory.reward.shape, math.prod(spec.observation_shape))
    parts = (observation.astype(jnp.float32), encode_action(spec, trajectory.action), trajectory.reward[..., None])
    return jnp.concatenate(parts, axis=-1)


def _reading(spec: Spec, size: int) -> Spec:
    """The specification for a network that reads ``size`` numbers."""
    return Spec((size,), spec.action)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mmaml", MMAML)
    registry.add_recipe(
        "mmaml",
        RECIPES / "mmaml.yaml",
        summary="MMAML around ProMP, with the settings of its authors' code, but a first policy ten times as noisy",
        paper=MMAML.paper,
    )
