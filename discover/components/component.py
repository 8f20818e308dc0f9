"""Components: frozen dataclasses that are pytrees.

    @component
    class GAE(ReturnFunction):
        gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
        lam: Scalar = real(0.95, low=0.0, high=1.0)

A field declared with a domain is a leaf: batched over a population, differentiated, or evolved. A field declared as a
component is a subtree. Every other field is static: structure, the same for all members of one compiled program.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, dataclass_transform

import jax
import numpy as np
from jax.core import Tracer

from discover.base.errors import UserError, article, nearest
from discover.components import domains
from discover.components.domains import Domain, Scale
from discover.components.static_fields import checked_static

C = TypeVar("C", bound="Component")

_DOMAIN = "discover.domain"


@dataclasses.dataclass(frozen=True)
class Free:
    """An open value: the search sets it, within the field's own domain or the narrower one given here."""

    changes: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        return "free(" + ", ".join(f"{k}={v!r}" for k, v in self.changes) + ")"


@dataclasses.dataclass(frozen=True)
class Choice:
    """An open choice between components, or between values of a static field."""

    options: tuple[Any, ...]

    def __repr__(self) -> str:
        return "choice(" + ", ".join(map(repr, self.options)) + ")"


def free(**changes: Any) -> Any:
    """Leave a value open for the search, e.g. ``GAE(gamma=free(low=0.9, high=0.999))``.

    Args:
        **changes: what differs from the field's domain: ``low``, ``high``, ``scale``, ``std``, and ``start``
            (where the search begins; the field's default unless given).
    """
    return Free(tuple(sorted(changes.items())))


def choice(*options: Any) -> Any:
    """Leave open which of the options is taken, e.g. ``PPO(returns=choice(GAE(), LambdaReturn()))``."""
    if len(options) < 2:
        raise UserError(f"choice needs two options or more; got {len(options)}: write the one option itself.")
    return Choice(options)


def real(
    default: Any = dataclasses.MISSING,
    *,
    low: float,
    high: float,
    scale: Scale = "linear",
    std: float = 0.5,
) -> Any:
    """A field that holds a real number in ``[low, high]``; a float32 leaf.

    Args:
        default: the value when none is given; without it the field must be written.
        low, high: the legal range, both ends included.
        scale: where steps have equal effect: ``linear``, ``log``, ``log1m`` (discounts near 1) or ``logit``.
        std: the search's standard deviation, as a share of a quarter of the range (see `RealDomain`).
    """
    return _leaf(default, domains.RealDomain(low, high, scale, std))


def integer(default: Any = dataclasses.MISSING, *, low: int, high: int, std: float = 0.5) -> Any:
    """A field that holds a whole number in ``[low, high]``; an int32 leaf. It cannot set a shape: use a mask."""
    return _leaf(default, domains.IntegerDomain(low, high, std))


def option_index(default: int = 0, *, count: Callable[[Any], int]) -> Any:
    """A field that holds the index of one of ``count(self)`` unordered options; an int32 leaf."""
    return _leaf(default, domains.OptionIndexDomain(count))


def weights(
    *,
    init: Callable[[Any, jax.Array], Any],
    start: Callable[[Any, jax.Array], Any] | None = None,
    std: float = 0.1,
) -> Any:
    """A field that holds a tree of float32 arrays; open until set.

    Args:
        init: ``init(self, key)`` draws a tree from the prior; its shapes are those of the field.
        start: ``start(self, key)`` gives the tree at which a search begins; a draw from the prior unless given.
        std: the search's standard deviation of each weight.
    """
    return _leaf(Free(), domains.WeightsDomain(init, std, start))


def _leaf(default: Any, domain: Domain) -> Any:
    return dataclasses.field(default=default, metadata={_DOMAIN: domain})


class Field(NamedTuple):
    """One field of a component class."""

    name: str
    role: Literal["leaf", "subtree", "static"]
    type: Any
    default: Any  # dataclasses.MISSING where the field must be written
    domain: Domain | None


class Component:
    """Base class of all kinds. ``kind`` names the kind; a subclass of a kind decorated with `component` is final."""

    kind: ClassVar[str] = "component"
    paper: ClassVar[str] = ""
    not_differentiable: ClassVar[tuple[str, ...]] = ()
    """Names of own leaves with respect to which the component is not differentiable."""

    def figures(self) -> Mapping[str, Any]:
        """Pictures of what the component does, by name: matplotlib figures. The tracker asks for them."""
        return {}

    def __repr__(self) -> str:
        shown = []
        for field in fields(type(self)):
            value = getattr(self, field.name)
            if field.role == "static" and _same(value, field.default):
                continue
            shown.append(f"{field.name}={_show(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


# No field specifiers: checkers look for a keyword `default` in those, and would call ``gamma = real(0.99, ...)`` required.
@dataclass_transform(frozen_default=True, eq_default=False, kw_only_default=True)
def component(cls: type[C]) -> type[C]:
    """Make a class a component: a frozen, keyword-only dataclass, registered as a pytree.

    Leaves are cast to float32 or int32 at construction, static fields are checked by their annotation. To a type checker
    every field with a right-hand side is optional (it knows no positional default of a field specifier).
    """
    if not issubclass(cls, Component):
        raise UserError(f"@component class '{cls.__name__}' must derive from a kind, such as discover.UpdateRule.")
    if "__post_init__" in vars(cls):
        raise UserError(
            f"@component class '{cls.__name__}' defines __post_init__, which would run on tracers too: take it out; values "
            "are checked by their domains, so check them where they are used."
        )
    cls.__post_init__ = _settle  # type: ignore[attr-defined]
    made = dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)(cls)
    jax.tree_util.register_pytree_with_keys(
        made, _flatten_with_keys, functools.partial(_unflatten, made), flatten_func=_flatten
    )
    return made


@functools.cache
def fields(cls: type[Component]) -> tuple[Field, ...]:
    """The fields of a component class, in the order written."""
    hints = _type_hints(cls)
    made = []
    for item in dataclasses.fields(cls):  # type: ignore[arg-type]
        domain = item.metadata.get(_DOMAIN)
        hint = hints[item.name]
        role = "leaf" if domain is not None else "subtree" if _is_component(hint) else "static"
        made.append(Field(item.name, role, hint, item.default, domain))
    return tuple(made)


def field_of(cls: type[Component], name: str) -> Field:
    """The field ``name`` of a component class.

    Raises:
        UserError: no such field; the message names the nearest one.
    """
    for field in fields(cls):
        if field.name == name:
            return field
    raise UserError(f"{cls.__name__} has no field '{name}'; {nearest(name, [f.name for f in fields(cls)])}.")


def domain_of(owner: Component, field: Field) -> Domain:
    """The domain of a leaf, as its owner has it."""
    assert field.domain is not None
    return field.domain.bind(owner)


def _type_hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise UserError(
            f"an annotation of component '{cls.__name__}' cannot be read ({error}): define the component at the top level "
            "of its module and import the type there, not under TYPE_CHECKING."
        ) from None


def _is_component(hint: Any) -> bool:
    if isinstance(hint, type):
        return issubclass(hint, Component)
    return any(_is_component(argument) for argument in typing.get_args(hint))


# Construction ---------------------------------------------------------------------------------------------------------


def _settle(self: Component) -> None:
    """Cast leaves and check static fields (never the values of leaves: those may be tracers)."""
    for field in fields(type(self)):
        value = getattr(self, field.name)
        if isinstance(value, Free | Choice):
            continue
        where = f"{field.name} of {type(self).__name__}"
        if field.role == "leaf":
            assert field.domain is not None
            cast = functools.partial(_cast, where=where, dtype=field.domain.dtype)
            value = jax.tree.map(cast, value) if isinstance(field.domain, domains.WeightsDomain) else cast(value)
        elif field.role == "subtree":
            _check_subtree(value, field.type, where)
        else:
            value = checked_static(value, field.type, where)
        object.__setattr__(self, field.name, value)


def _cast(value: Any, where: str, dtype: type[np.generic]) -> Any:
    """An array of the domain's own dtype, not weakly typed: else the same rule spelled another way compiles anew."""
    real = dtype is np.float32
    wanted = "a number" if real else "a whole number"
    if isinstance(value, jax.Array):
        if not real and not jax.numpy.issubdtype(value.dtype, np.integer):
            raise UserError(f"{where} must be {wanted}; got a {value.dtype} array.")
        settled = value.dtype == dtype and not value.weak_type
        return value if settled else jax.lax.convert_element_type(value, dtype)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise UserError(f"{where} must be {wanted}; got {type(value).__name__}.") from None
    if array.dtype.kind not in ("fiu" if real else "iu"):
        raise UserError(f"{where} must be {wanted}; got {value!r}.")
    with np.errstate(over="ignore"):
        made = array.astype(dtype)
    if not np.array_equal(np.isfinite(made), np.isfinite(array)) or (not real and not np.array_equal(made, array)):
        raise UserError(f"{where} must be {wanted} that {np.dtype(dtype).name} can hold; got {value!r}.")
    return made


def _check_subtree(value: Any, hint: Any, where: str) -> None:
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, tuple):
            raise UserError(f"{where} must be a tuple of {inner.kind}s; got {value!r}.")
        for item in value:
            if not isinstance(item, Choice):
                _check_subtree(item, inner, where)
        return
    kinds = tuple(t for t in (typing.get_args(hint) or (hint,)))
    if not isinstance(value, kinds):
        raise UserError(f"{where} must be {_kind_of(kinds[0])}; got {_told(value)}.")


def _kind_of(cls: Any) -> str:
    """How a class is called in a message: by its kind, unless it is one component of it."""
    return article(cls.kind) if "kind" in vars(cls) else f"{cls.__name__}, {article(cls.kind)}"


def _told(value: Any) -> str:
    if isinstance(value, Component):
        return f"'{type(value).__name__}', {article(value.kind)}"
    if isinstance(value, type) and issubclass(value, Component):
        return f"the class {value.__name__}: write {value.__name__}()"
    return repr(value)


# Pytree registration --------------------------------------------------------------------------------------------------


@functools.cache
def _layout(cls: type[Component]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dynamic = tuple(f.name for f in fields(cls) if f.role != "static")
    static = tuple(f.name for f in fields(cls) if f.role == "static")
    return dynamic, static


def _flatten(self: Component) -> tuple[list[Any], tuple[Any, ...]]:
    dynamic, static = _layout(type(self))
    return [getattr(self, n) for n in dynamic], tuple(getattr(self, n) for n in static)


def _flatten_with_keys(self: Component) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
    children, static = _flatten(self)
    names = _layout(type(self))[0]
    return [(jax.tree_util.GetAttrKey(n), c) for n, c in zip(names, children, strict=True)], static


def _unflatten(cls: type[C], static: tuple[Any, ...], children: Any) -> C:
    self = object.__new__(cls)
    dynamic, names = _layout(cls)
    for name, value in zip((*dynamic, *names), (*children, *static), strict=True):
        object.__setattr__(self, name, value)
    return self


# Printing -------------------------------------------------------------------------------------------------------------


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_show, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(_show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.ndarray | jax.Array) and not isinstance(value, Tracer):
        return str(np.asarray(value)[()]) if np.ndim(value) == 0 else f"{value.dtype}{list(np.shape(value))}"
    return repr(value)
