"""Components: frozen dataclasses that are pytrees.

    @component
    class GAE(ReturnFunction):
        gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
        lam: Scalar = real(0.95, low=0.0, high=1.0)

A field that is declared with a domain is a leaf: batched over a population, differentiated, or evolved. A field whose type is
a component is a subtree. Every other field is static: structure, the same for all members of one compiled program.
"""

# Without `from __future__ import annotations`: the examples define components, whose annotations must not be texts.

import dataclasses
import functools
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar, dataclass_transform

import jax
import numpy as np
from jax.core import Tracer

from discover.base.errors import UserError, article, nearest
from discover.components.domains import Domain
from discover.components.field_functions import DOMAIN
from discover.components.open_values import Choice, FieldValue, Free
from discover.components.static_fields import Annotation, checked_static
from discover.components.weights_domain import WeightsDomain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

C = TypeVar("C", bound="Component")

Role: TypeAlias = Literal["leaf", "subtree", "static"]
"""The role of a field in the pytree of its component."""


class Field(NamedTuple):
    """One field of a component class.

    Attributes:
        name: its name.
        role: whether it is a leaf, a subtree or static.
        type: its annotation.
        default: its default; ``dataclasses.MISSING`` where it must be set.
        domain: of a leaf; else None.
    """

    name: str
    role: Role
    type: Annotation
    default: FieldValue
    domain: Domain | None


class Component:
    """Base class of all kinds of components. A subclass of a kind with the decorator `component` is final."""

    kind: ClassVar[str] = "component"
    """The name of the kind."""

    paper: ClassVar[str] = ""
    """The publication that describes the component."""

    not_differentiable: ClassVar[tuple[str, ...]] = ()
    """Names of own leaves with respect to which the component is not differentiable."""

    names_parts: ClassVar[bool] = False
    """Whether the component names its parts by path, so that `discover.effective` leaves them as they are."""

    def figures(self) -> Mapping[str, "Figure"]:
        """Figures of the component's behavior, by name; trackers store them with a run."""
        return {}

    def formula(self) -> str:
        """The component's own equations in LaTeX, one a line, with its numbers put in; empty where there is none.

        Its parts write their own. `discover.latex_number` writes a number. Pages draw the part of LaTeX that matplotlib's
        mathtext knows (no environments, no alignment).
        """
        return ""

    def effective(self) -> "Component":
        """A component of the same kind that does the same without parts that do nothing; see `discover.effective`.

        A component that uses one of several parts returns that part.
        """
        return self

    def standalone(self) -> "Component":
        """The component whose source `discover.export` writes in the place of this one's; see `discover.export`.

        By default this one. A component whose own source is long, or needs the framework, returns a simpler one of the same
        kind that computes the same numbers from the same parameters.
        """
        return self

    def __repr__(self) -> str:
        arguments = []
        for field in fields(type(self)):
            value = getattr(self, field.name)
            if field.role == "static" and _same(value, field.default):
                continue
            arguments.append(f"{field.name}={_show(value)}")
        return f"{type(self).__name__}({', '.join(arguments)})"


# No field specifiers: checkers look for a keyword `default` in those, and would call ``gamma = real(0.99, ...)`` required.
@dataclass_transform(frozen_default=True, eq_default=False, kw_only_default=True)
def component(cls: type[C]) -> type[C]:
    """Make a class a component: a frozen, keyword-only dataclass, registered as a pytree.

    Leaves are cast to float32 or int32 at construction, static fields are checked by their annotation. For a type checker
    every field with a right-hand side is optional (it knows no positional default of a field specifier).

    Raises:
        UserError: the class derives from no kind, or defines ``__post_init__``.

    >>> from discover import Scalar, real
    >>> @component
    ... class Clipped(Component):
    ...     epsilon: Scalar = real(0.25, low=0.0, high=1.0)
    ...     layers: int = 2
    >>> Clipped(layers=3)
    Clipped(epsilon=0.25, layers=3)
    >>> jax.tree.leaves(Clipped(epsilon=0.5))
    [array(0.5, dtype=float32)]
    """
    if not issubclass(cls, Component):
        raise UserError(f"@component class '{cls.__name__}' must derive from a kind, such as discover.UpdateRule.")
    if "__post_init__" in vars(cls):
        raise UserError(
            f"@component class '{cls.__name__}' defines __post_init__, which would run on tracers too: take it out; values "
            "are checked by their domains, so check them where they are used."
        )
    cls.__post_init__ = _cast_and_check  # type: ignore[attr-defined]
    final = dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)(cls)
    jax.tree_util.register_pytree_with_keys(
        final, _flatten_with_keys, functools.partial(_unflatten, final), flatten_func=_flatten
    )
    return final


def is_decorated(cls: type) -> bool:
    """Whether a class itself is decorated by `component`, and not only a class above it or by another decorator."""
    return vars(cls).get("__post_init__") is _cast_and_check


@functools.cache
def fields(cls: type[Component]) -> tuple[Field, ...]:
    """The fields of a component class, in the order of their declaration.

    >>> from discover_zoo.returns.gae import GAE
    >>> [(field.name, field.role) for field in fields(GAE)]
    [('gamma', 'leaf'), ('lam', 'leaf')]
    """
    hints = _type_hints(cls)
    declared = []
    for item in dataclasses.fields(cls):  # type: ignore[arg-type]
        domain = item.metadata.get(DOMAIN)
        hint = hints[item.name]
        role = "leaf" if domain is not None else "subtree" if _is_component(hint) else "static"
        declared.append(Field(name=item.name, role=role, type=hint, default=item.default, domain=domain))
    return tuple(declared)


def field_of(cls: type[Component], name: str) -> Field:
    """The field ``name`` of a component class.

    Raises:
        UserError: there is no such field; the message names the nearest one.

    >>> from discover_zoo.returns.gae import GAE
    >>> field_of(GAE, "lam").role
    'leaf'
    """
    for field in fields(cls):
        if field.name == name:
            return field
    raise UserError(f"{cls.__name__} has no field '{name}'; {nearest(name, [f.name for f in fields(cls)])}.")


def domain_of(owner: Component, field: Field) -> Domain:
    """The domain of a leaf of a component.

    >>> from discover_zoo.returns.gae import GAE
    >>> domain_of(GAE(), field_of(GAE, "lam")).check(2.0)
    'must lie in [0, 1]; got 2'
    """
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


def _is_component(hint: Annotation) -> bool:
    """Whether an annotation holds a component class."""
    if isinstance(hint, type):
        return issubclass(hint, Component)
    return any(_is_component(argument) for argument in typing.get_args(hint))


# Construction ---------------------------------------------------------------------------------------------------------


def _cast_and_check(self: Component) -> None:
    """Cast leaves, and check static fields (not the values of leaves, which may be tracers)."""
    for field in fields(type(self)):
        value = getattr(self, field.name)
        if isinstance(value, Free | Choice):
            continue
        where = f"{field.name} of {type(self).__name__}"
        if field.role == "leaf":
            assert field.domain is not None
            cast = functools.partial(_cast, where=where, dtype=field.domain.dtype)
            value = jax.tree.map(cast, value) if isinstance(field.domain, WeightsDomain) else cast(value)
        elif field.role == "subtree":
            _check_subtree(value, field.type, where)
        else:
            value = checked_static(value, field.type, where)
        object.__setattr__(self, field.name, value)


def _cast(value: object, where: str, dtype: type[np.generic]) -> np.ndarray | jax.Array:
    """An array of the domain's dtype, not weakly typed: else a number of another type would compile a program again."""
    real = dtype is np.float32
    noun = "a number" if real else "a whole number"
    if isinstance(value, jax.Array):
        if not real and not jax.numpy.issubdtype(value.dtype, np.integer):
            raise UserError(f"{where} must be {noun}; got a {value.dtype} array.")
        is_cast = value.dtype == dtype and not value.weak_type
        return value if is_cast else jax.lax.convert_element_type(value, dtype)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise UserError(f"{where} must be {noun}; got {type(value).__name__}.") from None
    if array.dtype.kind not in ("fiu" if real else "iu"):
        raise UserError(f"{where} must be {noun}; got {value!r}.")
    with np.errstate(over="ignore"):
        leaf = array.astype(dtype)
    if not np.array_equal(np.isfinite(leaf), np.isfinite(array)) or (not real and not np.array_equal(leaf, array)):
        raise UserError(f"{where} must be {noun} that {np.dtype(dtype).name} can hold; got {value!r}.")
    return leaf


def _check_subtree(value: FieldValue, hint: Annotation, where: str) -> None:
    """Check that a value is a component, or a tuple of components, as its annotation requires.

    Raises:
        UserError: it is something else.
    """
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
        raise UserError(f"{where} must be {_kind_of(kinds[0])}; got {_described(value)}.")


def _kind_of(cls: type[Component]) -> str:
    """The noun for a class in a message: its kind, with the name of the class if it is one component of that kind."""
    return article(cls.kind) if "kind" in vars(cls) else f"{cls.__name__}, {article(cls.kind)}"


def _described(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, Component):
        return f"'{type(value).__name__}', {article(value.kind)}"
    if isinstance(value, type) and issubclass(value, Component):
        return f"the class {value.__name__}: write {value.__name__}()"
    return repr(value)


# Pytree registration --------------------------------------------------------------------------------------------------


@functools.cache
def _layout(cls: type[Component]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of leaves and subtrees, and those of static fields."""
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


def _unflatten(cls: type[C], static: tuple[FieldValue, ...], children: Iterable[FieldValue]) -> C:
    self = object.__new__(cls)
    dynamic, names = _layout(cls)
    for name, value in zip((*dynamic, *names), (*children, *static), strict=True):
        object.__setattr__(self, name, value)
    return self


# Printing -------------------------------------------------------------------------------------------------------------


def _same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_show, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(_show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.ndarray | jax.Array) and not isinstance(value, Tracer):
        return str(np.asarray(value)[()]) if np.ndim(value) == 0 else f"{value.dtype}{list(np.shape(value))}"
    return repr(value)
