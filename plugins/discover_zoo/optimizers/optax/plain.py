"""An optimizer of optax by its name, for exported files."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

from discover import Optimizer, OptimizerState, Params, Scalar, component, real


@component
class PlainOptax(Optimizer):
    """An optimizer of optax; its step is ``learning_rate * (1 - anneal * progress)``. Single numbers become vectors of one.

    >>> optimizer, params = PlainOptax(function="sgd", numbers=(("momentum", 0.5),), learning_rate=0.5), jnp.zeros(2)
    >>> optimizer.update(jnp.array([3.0, -4.0]), optimizer.init(params), params, progress=jnp.zeros(()))[0]
    Array([-1.5,  2. ], dtype=float32)

    Attributes:
        function: the name of the function in optax or optax.contrib.
        numbers: its other numbers, as float32.
        settings: its other arguments.
        learning_rate: size of the step.
        anneal: share of the learning rate that is gone at the end of the training.
    """

    function: str
    numbers: tuple[tuple[str, float], ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()
    learning_rate: Scalar = real(1e-3, low=1e-6, high=10.0, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    def init(self, params: Params) -> OptimizerState:
        return self._transform(self.learning_rate).init(jax.tree.map(jnp.atleast_1d, params))

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        transform = self._transform(self.learning_rate * (1.0 - self.anneal * progress))
        slope, vectors = jax.tree.map(jnp.atleast_1d, (gradient, params))
        updates, state = transform.update(slope, state, vectors)
        return jax.tree.map(lambda p, u: p + u.reshape(p.shape), params, updates), state

    def _transform(self, rate: Scalar) -> optax.GradientTransformation:
        module = optax if hasattr(optax, self.function) else optax.contrib
        numbers = {name: np.float32(number) for name, number in self.numbers}
        return getattr(module, self.function)(learning_rate=rate, **numbers, **dict(self.settings))
