"""The parts of a candidate as rows of a readable tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.short_number import short_number
from discover.components.component import Component, domain_of, fields
from discover.components.domains import Domain
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.open_values import FieldValue
from discover.contract.registry import Registry


class Part(NamedTuple):
    """A component, a number or a setting of a candidate.

    Attributes:
        path: dotted path from the root.
        value: the registered name of a component; else the value as text.
        takes: the legal values of a number; the summary of a component; empty for a setting.
        is_component: whether it is a component.
    """

    path: str
    value: str
    takes: str
    is_component: bool

    @property
    def name(self) -> str:
        """The last name of the path."""
        return last_name(self.path)

    @property
    def depth(self) -> int:
        """How many components are above it."""
        return sum(not name.isdecimal() for name in self.path.split(".")) - 1


def parts_of(candidate: Component, registry: Registry) -> tuple[Part, ...]:
    """Every component, number and setting below a candidate, owners first; what is not there (None) is left out."""
    return tuple(_below(candidate, "", registry))


def name_in(registry: Registry, component: Component) -> str:
    """The name under which a component is registered; that of its class if it is not."""
    try:
        return registry.name_of(type(component))
    except UserError:
        return type(component).__name__


def summary_in(registry: Registry, component: Component) -> str:
    """The line under which a component is registered, without marks of code; empty if it is not."""
    name = name_in(registry, component)
    return registry.get(component.kind, name).summary.replace("`", "") if registry.has(component.kind, name) else ""


def last_name(path: str) -> str:
    """The last name of a path, with the index of an item of a list.

    >>> last_name("rule.clip"), last_name("wrappers.0")
    ('clip', 'wrappers.0')
    """
    head, _, last = path.rpartition(".")
    return f"{head.rpartition('.')[2]}.{last}" if last.isdecimal() else last


def value_text(value: FieldValue) -> str:
    """A number, a setting or an array as text.

    >>> value_text((64, 64)), value_text(np.float32(0.31278205)), value_text(np.zeros((2, 3), np.float32))
    ('64, 64', '0.3128', '2 x 3 numbers, root mean square 0')
    """
    if isinstance(value, np.generic | np.ndarray | jax.Array):
        array = np.asarray(value)
        if array.shape:
            size = " x ".join(map(str, array.shape))
            return (
                f"{size} numbers, root mean square {short_number(float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))))}"
            )
        return short_number(float(array))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return short_number(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(value_text, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {value_text(inner)}" for key, inner in value.items())
    return str(value)


def domain_text(domain: Domain | None) -> str:
    """The range of a number as text; empty for other domains.

    >>> domain_text(RealDomain(low=0.02, high=1.0, scale="log"))
    '0.02 to 1, log scale'
    """
    if not isinstance(domain, RealDomain | IntegerDomain):
        return ""
    scale = getattr(domain, "scale", "linear")
    suffix = "" if scale == "linear" else f", {scale} scale"
    return f"{short_number(domain.low)} to {short_number(domain.high)}{suffix}"


def _below(owner: Component, prefix: str, registry: Registry) -> Iterator[Part]:
    for field in fields(type(owner)):
        value, path = getattr(owner, field.name), f"{prefix}{field.name}"
        if field.role == "subtree":
            several = isinstance(value, tuple)
            for index, item in enumerate(value if several else [value]):
                if isinstance(item, Component):
                    place = f"{path}.{index}" if several else path
                    yield Part(place, name_in(registry, item), summary_in(registry, item), is_component=True)
                    yield from _below(item, f"{place}.", registry)
        elif value is not None:
            domain = domain_of(owner, field) if field.role == "leaf" else None
            yield Part(path, value_text(value), domain_text(domain), is_component=False)
