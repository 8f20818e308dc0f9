"""How a meta-gradient gets the derivative of parameters with respect to eta: forwards with a trace, or in reverse."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover import Component, Info, Scalar, Trajectory, World, component, real


class Given(NamedTuple):
    """What one update of the wrapped rule is given, besides the world."""

    key: jax.Array
    params: Any
    state: Any
    trajectory: Trajectory


Learned: TypeAlias = tuple[Any, Any, Info]
"""What that update gives: parameters, state, info."""

Learn: TypeAlias = Callable[[jax.Array, World, Given], Learned]
"""That update, with the numbers that ``eta`` stands for."""

Loss: TypeAlias = Callable[[Any], jax.Array]
"""The held-out loss of parameters."""


class Derivative(Component):
    """The derivative ``z`` of parameters with respect to eta, as it is carried from update to update."""

    kind: ClassVar[str] = "derivative"

    def init(self, given: Given, eta: jax.Array) -> Any:
        """What is kept before the first update. Of ``given`` only the shapes count."""
        raise NotImplementedError

    def slope(self, memory: Any, learn: Learn, world: World, given: Given, eta: jax.Array, loss: Loss) -> jax.Array:
        """``d loss / d params * z`` at the parameters given, ``[M]``; zero before the first update."""
        raise NotImplementedError

    def update(self, memory: Any, learn: Learn, world: World, given: Given, eta: jax.Array) -> tuple[Learned, Any]:
        """What ``learn`` gives, and what is kept of it."""
        raise NotImplementedError


@component
class Forward(Derivative):
    """Carries the trace ``z' = mu * (I + df/d params) z + df/d eta`` of the update ``params + f`` (Xu et al. 2018, eq. 4).

    Exact products with the Jacobian, whatever the wrapped rule does inside its update. ``mu = 0`` keeps the effect of the last
    update alone, ``mu = 1`` sums those of all updates. The state of the wrapped rule (an optimizer's averages) passes on no
    derivative from one update to the next. Its cost grows with M: measured around an A2C on Catch, an update takes 3.4 times as
    long at M = 2 and 15 times as long at M = 7; and it keeps M times the parameters.
    """

    mu: Scalar = real(0.0, low=0.0, high=1.0)

    def init(self, given: Given, eta: jax.Array) -> Any:
        return jax.tree.map(lambda x: jnp.zeros((eta.size, *x.shape), x.dtype), given.params)

    def slope(self, memory: Any, learn: Learn, world: World, given: Given, eta: jax.Array, loss: Loss) -> jax.Array:
        gradient = jax.grad(loss)(given.params)
        products = jax.tree.map(lambda g, z: jnp.tensordot(z, g, axes=g.ndim), gradient, memory)
        return sum(jax.tree.leaves(products), jnp.zeros(eta.size))

    def update(self, memory: Any, learn: Learn, world: World, given: Given, eta: jax.Array) -> tuple[Learned, Any]:
        def learning(params: Any, eta: jax.Array) -> tuple[Any, tuple[Any, Info]]:
            params, state, info = learn(eta, world, given._replace(params=params))
            return params, (state, info)

        def pushed(trace: Any, direction: jax.Array) -> tuple[Any, Any, Any]:
            return jax.jvp(learning, (given.params, eta), (trace, direction), has_aux=True)

        decayed = jax.tree.map(lambda z: self.mu * z, memory)
        params, trace, (state, info) = jax.vmap(pushed, out_axes=(None, 0, None))(decayed, jnp.eye(eta.size))
        return (params, state, info), trace


class Past(NamedTuple):
    """What the last update was given (its key as data) and when; ``known`` is false before there was one."""

    given: Given
    progress: jax.Array
    env_steps: jax.Array
    known: jax.Array


@component
class Reverse(Derivative):
    """Repeats the last update and differentiates the loss through it backwards: the effect of that update alone.

    The same slope as `Forward` with ``mu = 0``, at a cost that hardly grows with M (where that is measured, an update takes 3.1
    times as long at M = 2 and 3.6 times as long at M = 7). Keeps what the last update was given, experience above all, and
    takes no data that another rule lets travel with the experience (`Trajectory.extra`).
    """

    def init(self, given: Given, eta: jax.Array) -> Past:
        trajectory = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), given.trajectory)
        return Past(_kept(given)._replace(trajectory=trajectory), jnp.zeros(()), jnp.zeros((), jnp.int32), jnp.array(False))

    def slope(self, memory: Past, learn: Learn, world: World, given: Given, eta: jax.Array, loss: Loss) -> jax.Array:
        key = jax.random.wrap_key_data(memory.given.key, impl=jax.random.key_impl(given.key))
        before = world.view(progress=memory.progress, env_steps=memory.env_steps)

        def repeated(eta: jax.Array) -> jax.Array:
            return loss(learn(eta, before, memory.given._replace(key=key))[0])

        return jnp.where(memory.known, jax.grad(repeated)(eta), 0.0)

    def update(self, memory: Past, learn: Learn, world: World, given: Given, eta: jax.Array) -> tuple[Learned, Past]:
        return learn(eta, world, given), Past(
            _kept(given), world.progress, jnp.asarray(world.env_steps, jnp.int32), jnp.array(True)
        )


def _kept(given: Given) -> Given:
    """In arrays alone: the generator of a lifetime's first key is not that of the later ones."""
    return given._replace(key=jax.random.key_data(given.key))
