"""Functions that declare the fields of a component which a search can set."""

# Without `from __future__ import annotations`: the examples define components, whose annotations must not be texts.

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

from discover.components.domains import Domain, Weights
from discover.components.number_domains import IntegerDomain, RealDomain, Scale
from discover.components.open_values import FieldValue, Free
from discover.components.option_domains import OptionIndexDomain
from discover.components.weights_domain import WeightsDomain

DOMAIN = "discover.domain"
"""The key of the domain in the metadata of a dataclass field."""


def real(
    default: FieldValue = dataclasses.MISSING,
    *,
    low: float,
    high: float,
    scale: Scale = "linear",
    std: float = 0.5,
) -> Any:
    """Declare a field that holds a real number in ``[low, high]``; a float32 leaf.

    Args:
        default: the value unless another is set; without a default the field must be set.
        low, high: the legal range, both ends included.
        scale: the scale on which steps have equal effect: ``linear``, ``log``, ``log1m`` (discounts near 1) or ``logit``.
        std: the search's standard deviation, as a share of a quarter of the range (see `RealDomain`).

    >>> from discover import ReturnFunction, Scalar, component
    >>> @component
    ... class Discounted(ReturnFunction):
    ...     gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    >>> Discounted(gamma=0.9)
    Discounted(gamma=0.9)
    """
    return _leaf(default, RealDomain(low, high, scale, std))


def integer(default: FieldValue = dataclasses.MISSING, *, low: int, high: int, std: float = 0.5) -> Any:
    """Declare a field that holds a whole number in ``[low, high]``; an int32 leaf. It cannot set a shape: use a mask.

    Args:
        default: the value unless another is set; without a default the field must be set.
        low, high: the legal range, both ends included.
        std: the search's standard deviation, as a share of a quarter of the range (see `IntegerDomain`).

    >>> from discover import Integer, ReturnFunction, component
    >>> @component
    ... class NStep(ReturnFunction):
    ...     n: Integer = integer(3, low=1, high=9)
    >>> NStep().n.dtype
    dtype('int32')
    """
    return _leaf(default, IntegerDomain(low, high, std))


def option_index(default: FieldValue = 0, *, count: Callable[[Any], int], apart: bool = False) -> Any:
    """Declare a field that holds the index of one of several unordered options; an int32 leaf.

    Args:
        default: the index unless another is set.
        count: ``count(self)`` is the number of options; it depends on static fields alone.
        apart: whether lifetimes that run side by side shall have one and the same option. Then a ``jax.lax.switch`` by it runs
            that option alone, where it else runs them all; but places stay empty where fewer lifetimes have an option than run
            side by side. It pays where the options are a large part of the work.

    >>> from discover import Integer, ReturnFunction, component
    >>> @component
    ... class Mixed(ReturnFunction):
    ...     parts: tuple[ReturnFunction, ...]
    ...     index: Integer = option_index(count=lambda self: len(self.parts))
    >>> Mixed(parts=())
    Mixed(parts=(), index=0)
    """
    return _leaf(default, OptionIndexDomain(count, apart))


def weights(
    *,
    init: Callable[[Any, jax.Array], Weights],
    start: Callable[[Any, jax.Array], Weights] | None = None,
    std: float = 0.1,
) -> Any:
    """Declare a field that holds a tree of float32 arrays; open until it is set.

    Args:
        init: ``init(self, key)`` draws a tree from the prior; its shapes are those of the field.
        start: ``start(self, key)`` is the tree at which a search begins; a draw from the prior if there is none.
        std: the search's standard deviation of each weight.

    >>> from discover import ReturnFunction, Weights, component
    >>> @component
    ... class Learned(ReturnFunction):
    ...     w: Weights = weights(init=lambda self, key: jax.random.normal(key, (3,)))
    >>> Learned(), Learned(w=[1.0, 0.0, 0.0])
    (Learned(w=free()), Learned(w=[1.0, 0.0, 0.0]))
    """
    return _leaf(Free(), WeightsDomain(init, std, start))


def _leaf(default: FieldValue, domain: Domain) -> Any:
    return dataclasses.field(default=default, metadata={DOMAIN: domain})
