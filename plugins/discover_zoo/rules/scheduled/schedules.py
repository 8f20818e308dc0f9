"""Schedules: how a number changes over the lifetime, on the scale of its own domain."""

import math
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp

from discover import Component, Integer, IntegerDomain, RealDomain, Scalar, component, latex_number, real


@component
class Schedule(Component):
    """``a + b * progress`` for one number of a rule, on the scale of the number's own domain; for the rule `Scheduled`.

    With ``s`` the scale of the domain (linear, logarithmic, ...) and its bounds ``low`` and ``high``::

        s(value at progress p) = s(value) + change * (s(high) - s(low)) * p,     clipped to the bounds

    So ``change`` is the part of the range that the number crosses in a lifetime: a learning rate from 1e-5 to 0.1 falls to a
    hundredth by -0.5, wherever it starts. Whole numbers are rounded. Where the change is 0 the number is the same to the bit.

    Attributes:
        path: the number in the wrapped rule, such as ``clip``, ``returns.lam`` or ``optimizer.learning_rate``.
        change: in [-1, 1]; 0 for a number that stays.
        if_missing: whether a rule without such a number is refused or left as it is, for spaces in which the wrapped rule is
            not always of the same parts.

    >>> from discover import Space, free
    >>> [gene.path for gene in Space(Schedule(path="clip", change=free())).genes]
    ['change']
    """

    kind: ClassVar[str] = "schedule"

    path: str = "optimizer.learning_rate"
    change: Scalar = real(0.0, low=-1.0, high=1.0)
    if_missing: Literal["refuse", "ignore"] = "refuse"


def moved(domain: RealDomain | IntegerDomain, value: Scalar | Integer, share: Scalar) -> jax.Array:
    """The number that lies a share of the domain's range beyond another, on the domain's scale, within its bounds.

    >>> print(moved(RealDomain(0.01, 1.0, "log"), 0.1, -0.25).round(4), moved(IntegerDomain(1, 9), 3, 0.5))
    0.0316 7
    >>> float(moved(RealDomain(0.0, 1.0), 0.9, 0.5))
    1.0
    """
    low, high = domain.low, domain.high
    if isinstance(domain, IntegerDomain):
        return jnp.clip(value + jnp.round(share * (high - low)).astype(jnp.int32), low, high)
    beyond = value + _step(domain, value, share)
    return jnp.where(beyond < low, low, jnp.where(beyond > high, high, beyond))


def _step(domain: RealDomain, value: Scalar, share: Scalar) -> jax.Array | float:
    """The number to add to a value; exactly 0 where the share is."""
    low, high = domain.low, domain.high
    match domain.scale:
        case "linear":
            return share * (high - low)
        case "log":
            return value * jnp.expm1(share * math.log(high / low))
        case "log1m":
            return -(1.0 - value) * jnp.expm1(share * (math.log1p(-high) - math.log1p(-low)))
        case "logit":
            grown = jnp.expm1(share * (_logit(high) - _logit(low)))
            return value * (1.0 - value) * grown / (1.0 + value * grown)


def _logit(value: float) -> float:
    return math.log(value / (1.0 - value))


def schedule_formula(path: str, domain: RealDomain | IntegerDomain, value: Scalar | Integer, change: Scalar) -> str:
    r"""A number over the lifetime, of which the share p has passed, in LaTeX; without the bounds.

    >>> print(schedule_formula("lam", RealDomain(0.0, 1.0), 0.95, -0.5))
    \mathrm{lam}(p) = 0.95 - 0.5\, p
    >>> print(schedule_formula("clip", RealDomain(0.01, 1.0, "log"), 0.2, 0.5))
    \mathrm{clip}(p) = 0.2 \cdot 10^{p}
    """
    name, low, high = rf"\mathrm{{{path.replace('_', ' ')}}}(p)", float(domain.low), float(domain.high)
    at, share = float(value), float(change)
    if isinstance(domain, RealDomain) and domain.scale != "linear":
        if domain.scale == "log":
            return rf"{name} = {latex_number(at)} \cdot {latex_number((high / low) ** share)}^{{p}}"
        if domain.scale == "log1m":
            ratio = ((1.0 - high) / (1.0 - low)) ** share
            return rf"{name} = 1 - {latex_number(1.0 - at)} \cdot {latex_number(ratio)}^{{p}}"
        steps = share * (_logit(high) - _logit(low))
        sign = "-" if steps < 0 else "+"
        return rf"{name} = \sigma\left({latex_number(_logit(at))} {sign} {latex_number(abs(steps))}\, p\right)"
    sign, size = "-" if share < 0 else "+", latex_number(abs(share) * (high - low))
    return rf"{name} = {latex_number(at)} {sign} {size}\, p"
