"""The base class of the optimizers of optax.

The arguments of optax's function become fields. Arguments that many optimizers share (decay rates, epsilons, weight decay) are
meta-parameters, like the learning rate; those of a single optimizer are static; those that are no plain value (masks, dtypes,
functions) keep optax's defaults.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

from discover import Optimizer, OptimizerState, Params, Scalar, component, real
from discover_zoo.optimizers.optax.plain import PlainOptax
from discover_zoo.optimizers.slopes import FINITE_SLOPE


@component
class OptaxOptimizer(Optimizer):
    """An optimizer of optax, by the name of its class; its step is ``learning_rate * (1 - anneal * progress)``.

    Parameters keep their arrays, since some optimizers treat each array as a layer; single numbers become vectors of one.

    >>> from discover_zoo.optimizers.optax.table import sign_sgd
    >>> optimizer, params = sign_sgd(learning_rate=0.5), jnp.zeros(2)
    >>> optimizer.update(jnp.array([3.0, -4.0]), optimizer.init(params), params, progress=jnp.zeros(()))[0]
    Array([-0.5,  0.5], dtype=float32)

    Attributes:
        learning_rate: size of the step.
        anneal: share of the learning rate that is gone at the end of the lifetime.
    """

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

    def standalone(self) -> PlainOptax:
        own = {name: getattr(self, name) for name in _arguments(type(self)) if name != "learning_rate"}
        numbers = {name: value for name, value in own.items() if isinstance(value, np.ndarray | jax.Array)}
        return PlainOptax(
            function=type(self).__name__,
            numbers=tuple((name, float(str(np.asarray(value)))) for name, value in numbers.items()),
            settings=tuple((name, value) for name, value in own.items() if name not in numbers),
            learning_rate=self.learning_rate,
            anneal=self.anneal,
        )

    @classmethod
    def is_installed(cls) -> bool:
        """Whether the optax that is installed has this function, with all arguments that are fields here."""
        function = functions().get(cls.__name__)
        return function is not None and set(_arguments(cls)) <= inspect.signature(function).parameters.keys()

    def _transform(self, rate: Scalar) -> optax.GradientTransformation:
        own = {name: getattr(self, name) for name in _arguments(type(self))}
        return functions()[type(self).__name__](**own | {"learning_rate": rate})


def _arguments(cls: type[OptaxOptimizer]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if field.name != "anneal"]


@functools.cache
def functions() -> dict[str, Callable[..., Any]]:
    """All functions of optax that take a learning rate and are whole optimizers, by name."""
    optimizers = {}
    for module in (optax.contrib, optax):
        for name, function in inspect.getmembers(module, lambda f: inspect.isfunction(f) or isinstance(f, functools.partial)):
            if "learning_rate" in inspect.signature(function).parameters and not name.startswith(("scale_by_", "_")):
                optimizers[name] = function
    return optimizers


# Fields that many optimizers share ------------------------------------------------------------------------------------


def initial_rate(default: float) -> Any:
    """The learning rate of an optimizer that has a default of its own."""
    return real(default, low=1e-6, high=10.0, scale="log")


def decay_factor(default: float) -> Any:
    """The factor of a running mean from one step to the next, below 1."""
    return real(default, low=0.0, high=0.99999, scale="log1m")


def epsilon(default: float) -> Any:
    """A small number in a denominator, outside of its root."""
    return real(default, low=min(default, 1e-10), high=1e-1, scale="log")


def root_epsilon(default: float = FINITE_SLOPE) -> Any:
    """A small number beneath a root; never zero by default, so that the slope at a zero gradient is finite."""
    return real(default, low=0.0, high=1e-2)


def weight_decay_rate(default: float) -> Any:
    """The share of the parameters that a step of learning rate 1 takes away."""
    return real(default, low=0.0, high=0.1)
