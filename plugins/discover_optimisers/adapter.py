"""Any optimiser of optax that takes a learning rate, by its optax name.

Its arguments become fields. What many optimisers share (decay rates, epsilons, weight decay) is a meta-parameter, like the
learning rate; what one alone has is static; what is no plain value (masks, dtypes, functions) stays as optax has it.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from discover import Optimiser, Scalar, component, real

OURS = frozenset({"adam", "sgd"})
"""Names that stand for our own optimisers, which are the same rules on one flat vector: faster, and differentiable anywhere."""

UNSUITED = {
    "dpsgd": "it needs the gradient of every example",
    "galore": "it wraps another optimiser, and takes singular values of every matrix",
    "lbfgs": "its line search evaluates the loss",
    "momo": "it needs the value of the loss",
    "momo_adam": "it needs the value of the loss",
    "optimistic_adam": "optax has put optimistic_adam_v2 in its place",
    "noisy_sgd": "it draws noise, for which an optimiser here is given no key",
    "schedule_free": "it wraps another optimiser, and acting would need other parameters than those that learn",
    "schedule_free_adamw": "acting would need other parameters than those that learn",
    "schedule_free_sgd": "acting would need other parameters than those that learn",
    "sophia": "it needs the loss itself, for a second derivative",
}
"""Optimisers of optax that cannot work with gradients alone, and why."""

NOT_DIFFERENTIABLE = frozenset(
    ("adafactor", "adopt", "dadapt_adamw", "dog", "dowg", "lamb", "lars", "madgrad", "muon", "novograd", "prodigy", "radam")
)
"""Optimisers whose derivatives may be NaN, mostly by a root or a norm at zero: not for meta-gradients."""

_DECAYS = ("b1", "b2", "b3", "beta", "decay", "decay_rate", "momentum", "rho")
_FINITE_SLOPE = 1e-16


@component
class OptaxOptimiser(Optimiser):
    """An optimiser of optax; its step is ``learning_rate * (1 - anneal * progress)``.

    Parameters keep their arrays, since some treat each array as a layer; single numbers become vectors of one.
    """

    transform: ClassVar[Callable[..., optax.GradientTransformation]]
    """optax's function."""

    learning_rate: Scalar = real(1e-3, low=1e-6, high=10.0, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    def init(self, params: Any) -> Any:
        return self._transform(self.learning_rate).init(jax.tree.map(jnp.atleast_1d, params))

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        transform = self._transform(self.learning_rate * (1.0 - self.anneal * progress))
        slope, vectors = jax.tree.map(jnp.atleast_1d, (gradient, params))
        updates, state = transform.update(slope, state, vectors)
        return jax.tree.map(lambda p, u: p + u.reshape(p.shape), params, updates), state

    def _transform(self, rate: Any) -> optax.GradientTransformation:
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del own["anneal"]
        return type(self).transform(**own | {"learning_rate": rate})


def functions() -> dict[str, Callable[..., Any]]:
    """All functions of optax that take a learning rate and are no mere parts, by name."""
    found = {}
    for module in (optax.contrib, optax):
        for name, function in inspect.getmembers(module, lambda f: inspect.isfunction(f) or isinstance(f, functools.partial)):
            if "learning_rate" in inspect.signature(function).parameters and not name.startswith(("scale_by_", "_")):
                found[name] = function
    return found


def adapted(name: str, function: Callable[..., Any]) -> type[OptaxOptimiser]:
    """The component of an optimiser of optax."""
    annotations: dict[str, Any] = {}
    own: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__, "transform": staticmethod(function)}
    own["__doc__"] = f"optax's {name}, with its own defaults but for a slope that stays finite at a zero gradient."
    for argument, parameter in inspect.signature(function).parameters.items():
        made = _field(argument, parameter.default)
        if made is not None:
            annotations[argument], own[argument] = made
    if name in NOT_DIFFERENTIABLE:
        leaves = [argument for argument, annotation in annotations.items() if annotation is Scalar]
        own["not_differentiable"] = tuple({"learning_rate": None, "anneal": None} | dict.fromkeys(leaves))
    return component(type(name, (OptaxOptimiser,), own))


def _field(name: str, default: Any) -> tuple[Any, Any] | None:
    """Annotation and default of the field for an argument, or None where there is none."""
    if name == "learning_rate":
        return (Scalar, real(default, low=1e-6, high=10.0, scale="log")) if isinstance(default, float) else None
    if isinstance(default, bool):
        return bool, default
    if isinstance(default, int):
        return int, default
    if name in ("momentum", "optimism") and default is None:
        return float | None, default
    if not isinstance(default, float):
        return None
    if name in _DECAYS and default < 1.0:
        return Scalar, real(default, low=0.0, high=0.99999, scale="log1m")
    if name == "eps_root":
        return Scalar, real(max(default, _FINITE_SLOPE), low=0.0, high=1e-2)
    if name == "eps" and default > 0.0:
        return Scalar, real(default, low=min(default, 1e-10), high=1e-1, scale="log")
    if name in ("weight_decay", "weight_decay_rate"):
        return Scalar, real(default, low=0.0, high=0.1)
    return float, default


ADAPTED: dict[str, Any] = {
    name: adapted(name, function) for name, function in functions().items() if name not in OURS and name not in UNSUITED
}
"""Component classes by optax's names."""
