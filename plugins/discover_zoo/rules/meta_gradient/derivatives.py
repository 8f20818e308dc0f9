"""How a meta-gradient gets the derivative of parameters with respect to eta: forward with a trace, or in reverse.

Eta is the vector ``[M]`` of the numbers that are adapted.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover import Component, Info, Key, Params, RuleState, Scalar, Trajectory, World, component, real


class UpdateInputs(NamedTuple):
    """The arguments of one update of the wrapped rule, besides the world."""

    key: Key
    params: Params
    state: RuleState
    trajectory: Trajectory


UpdateOutputs: TypeAlias = tuple[Params, RuleState, Info]
"""The results of that update."""

EtaUpdate: TypeAlias = Callable[[jax.Array, World, UpdateInputs], UpdateOutputs]
"""That update, with the numbers that ``eta[M]`` stands for."""

Loss: TypeAlias = Callable[[Params], jax.Array]
"""The held-out loss of parameters, a scalar."""

DerivativeState: TypeAlias = Any
"""The state of a derivative between updates; its structure is the derivative's own."""


class Derivative(Component):
    """The derivative ``z`` of parameters with respect to eta, as it is carried from update to update."""

    kind: ClassVar[str] = "derivative"

    def init(self, inputs: UpdateInputs, eta: jax.Array) -> DerivativeState:
        """The state before the first update. Of ``inputs`` only the shapes count."""
        raise NotImplementedError

    def meta_gradient(
        self,
        state: DerivativeState,
        eta_update: EtaUpdate,
        world: World,
        *,
        inputs: UpdateInputs,
        eta: jax.Array,
        loss: Loss,
    ) -> jax.Array:
        """``d loss / d params * z`` at the parameters in ``inputs``, ``[M]``; zero before the first update."""
        raise NotImplementedError

    def update(
        self, state: DerivativeState, eta_update: EtaUpdate, world: World, *, inputs: UpdateInputs, eta: jax.Array
    ) -> tuple[UpdateOutputs, DerivativeState]:
        """The results of ``eta_update``, and the state after it."""
        raise NotImplementedError


@component
class Forward(Derivative):
    """Carries the trace ``z' = mu * (I + df/d params) z + df/d eta`` of the update ``params + f`` (Xu et al. 2018, eq. 4).

    Exact products with the Jacobian, whatever the wrapped rule does inside its update. ``mu = 0`` keeps the effect of the last
    update alone, ``mu = 1`` sums those of all updates.

    Pitfalls: the state of the wrapped rule (an optimizer's averages) passes on no derivative from one update to the next. The
    cost grows with M: measured around an A2C on Catch, an update takes 3.4 times as long at M = 2 and 15 times as long at
    M = 7; and the trace takes M times the memory of the parameters.

    Attributes:
        mu: decay of the trace per update.

    >>> from discover import Space, free
    >>> Space(Forward(mu=free())).dimension
    1
    """

    mu: Scalar = real(0.0, low=0.0, high=1.0)

    def init(self, inputs: UpdateInputs, eta: jax.Array) -> Params:
        return jax.tree.map(lambda x: jnp.zeros((eta.size, *x.shape), x.dtype), inputs.params)

    def meta_gradient(
        self, state: Params, eta_update: EtaUpdate, world: World, *, inputs: UpdateInputs, eta: jax.Array, loss: Loss
    ) -> jax.Array:
        gradient = jax.grad(loss)(inputs.params)
        products = jax.tree.map(lambda g, z: jnp.tensordot(z, g, axes=g.ndim), gradient, state)
        return sum(jax.tree.leaves(products), jnp.zeros(eta.size))

    def update(
        self, state: Params, eta_update: EtaUpdate, world: World, *, inputs: UpdateInputs, eta: jax.Array
    ) -> tuple[UpdateOutputs, Params]:
        def of_params_and_eta(params: Params, eta: jax.Array) -> tuple[Params, tuple[RuleState, Info]]:
            params, rule_state, info = eta_update(eta, world, inputs._replace(params=params))
            return params, (rule_state, info)

        def along(trace: Params, direction: jax.Array) -> tuple[Params, Params, tuple[RuleState, Info]]:
            return jax.jvp(of_params_and_eta, (inputs.params, eta), (trace, direction), has_aux=True)

        decayed = jax.tree.map(lambda z: self.mu * z, state)
        params, trace, (rule_state, info) = jax.vmap(along, out_axes=(None, 0, None))(decayed, jnp.eye(eta.size))
        return (params, rule_state, info), trace


class LastUpdate(NamedTuple):
    """The arguments of the last update (its key as data), and its time.

    Attributes:
        inputs: the arguments.
        progress, env_steps: those of the world at that update.
        exists: whether there was an update, bool.
    """

    inputs: UpdateInputs
    progress: jax.Array
    env_steps: jax.Array
    exists: jax.Array


@component
class Reverse(Derivative):
    """Repeats the last update and differentiates the loss through it backwards: the effect of that update alone.

    The same slope as `Forward` with ``mu = 0``, at a cost that hardly grows with M (where that is measured, an update takes 3.1
    times as long at M = 2 and 3.6 times as long at M = 7).

    Pitfalls: it stores the arguments of the last update, its batch above all. It takes no extra data that another rule puts
    beside the batch (`Trajectory.extra`).

    >>> Reverse().kind
    'derivative'
    """

    def init(self, inputs: UpdateInputs, eta: jax.Array) -> LastUpdate:
        trajectory = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), inputs.trajectory)
        return LastUpdate(
            inputs=_as_arrays(inputs)._replace(trajectory=trajectory),
            progress=jnp.zeros(()),
            env_steps=jnp.zeros((), jnp.int32),
            exists=jnp.array(False),
        )

    def meta_gradient(
        self, state: LastUpdate, eta_update: EtaUpdate, world: World, *, inputs: UpdateInputs, eta: jax.Array, loss: Loss
    ) -> jax.Array:
        key = jax.random.wrap_key_data(state.inputs.key, impl=jax.random.key_impl(inputs.key))
        before = world.view(progress=state.progress, env_steps=state.env_steps)

        def repeated(eta: jax.Array) -> jax.Array:
            return loss(eta_update(eta, before, state.inputs._replace(key=key))[0])

        return jnp.where(state.exists, jax.grad(repeated)(eta), 0.0)

    def update(
        self, state: LastUpdate, eta_update: EtaUpdate, world: World, *, inputs: UpdateInputs, eta: jax.Array
    ) -> tuple[UpdateOutputs, LastUpdate]:
        last = LastUpdate(
            inputs=_as_arrays(inputs),
            progress=world.progress,
            env_steps=jnp.asarray(world.env_steps, jnp.int32),
            exists=jnp.array(True),
        )
        return eta_update(eta, world, inputs), last


def _as_arrays(inputs: UpdateInputs) -> UpdateInputs:
    """The arguments in arrays alone: the generator of a lifetime's first key is not that of the later ones."""
    return inputs._replace(key=jax.random.key_data(inputs.key))
