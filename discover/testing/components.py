"""Checks of every component."""

from __future__ import annotations

import ast
import inspect
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.formula_svg import check_formula
from discover.components.component import Component, domain_of, fields
from discover.components.domains import Domain
from discover.components.paths import check, walk
from discover.components.space import Space
from discover.config.build import component_from, config_of
from discover.contract.registry import Registry
from discover.testing.failures import close, raw, require, same_bits
from discover.testing.guard import guarded

C = TypeVar("C", bound=Component)

_EXTREMES = (-1e30, -1e4, 0.0, 1e4, 1e30)

_TREE = (
    "Populations, gradients and checkpoints take a component apart.",
    "Keep plain values in its fields, and leave __init__ and __repr__ alone.",
)
_DOMAIN = ("A strategy may propose any coordinates.", "Correct check, decode or encode of the domain, or the default.")
_FORMULA = (
    "`discover show` draws it with matplotlib's mathtext, which knows no environments.",
    "Return one equation of LaTeX a line, or an empty text.",
)


@guarded("")
def check_component(component: Component, registry: Registry | None = None) -> None:
    """Check what holds for components of every kind.

    The component is a pytree whose structure can be compared and hashed. Open values can be drawn, and are then legal. All
    coordinates, however extreme, decode to a legal value. It prints as an expression, and its formula can be drawn. With a
    registry, it is equal to the bit to the component that is built from its own config.

    Args:
        component: of any kind; open values are set first.
        registry: that has the class of the component and of those inside it.

    Raises:
        ConformanceError: the first check that fails, in one sentence.

    >>> from discover.testing.hill import Point
    >>> check_component(Point())
    """
    component, name = complete(component), type(component).__name__
    require(
        inspect.getdoc(type(component)),
        f"{name} has no docstring: its first line is what users are shown.",
        "`discover plugins list` shows one line for each name.",
        "Say in one line what it does.",
    )
    _check_tree(component, name)
    for path, owner, field, value in walk(component):
        if field.role == "leaf":
            _check_domain(domain_of(owner, field), value, f"{path} of {name}")
    leaves = {field.name for field in fields(type(component)) if field.role == "leaf"}
    unknown = sorted(set(component.not_differentiable) - leaves)
    require(
        not unknown,
        f"{name}.not_differentiable names '{', '.join(unknown)}', which is no number of it.",
        "It lists fields that are declared by real, integer, option_index or weights.",
        "Correct the name, or take it out.",
    )
    _check_formula(component, name)
    if registry is not None:
        _check_config(component, registry, name)


def _check_formula(component: Component, name: str) -> None:
    """Check that the equations of a component are text that a page can draw."""
    text = component.formula()
    require(isinstance(text, str), f"{name}.formula() gives {type(text).__name__}, not text.", *_FORMULA)
    for line in text.splitlines():
        try:
            check_formula(line)
        except UserError as error:
            require(False, f"{name}: {error}", *_FORMULA)


def complete(component: C) -> C:
    """The component with every open value set to where a search begins.

    >>> from discover import free
    >>> from discover.testing.hill import Point
    >>> point = complete(Point(x=free()))
    >>> round(float(point.x), 3), round(float(point.y), 3)
    (0.8, -0.6)
    """
    is_open = any(not isinstance(leaf, np.ndarray | jax.Array) for leaf in jax.tree.leaves(component))
    return Space(component).decode(Space(component).start(jax.random.key(0))) if is_open else component


def _check_tree(component: Component, name: str) -> None:
    leaves, structure = jax.tree.flatten(component)
    again = jax.tree.unflatten(structure, leaves)
    require(same_bits(component, again), f"{name} does not survive being taken apart and put together as a pytree.", *_TREE)
    require(repr(again) == repr(component), f"{name} prints differently after being taken apart and put together.", *_TREE)
    try:
        hash(structure)
    except TypeError as error:
        require(
            False, f"the structure of {name} cannot be hashed ({error}): a static field holds what is no plain value.", *_TREE
        )
    try:
        ast.parse(repr(component), mode="eval")
    except SyntaxError:
        require("[" in repr(component), f"{name} does not print as an expression: {component!r}.", *_TREE)
    try:
        check(component)
    except UserError as error:
        require(False, f"{name} has an illegal default: {error}", *_DOMAIN)
    for leaf in leaves:
        require(leaf.dtype in (np.float32, np.int32), f"{name} has a leaf of {leaf.dtype}, neither float32 nor int32.", *_TREE)


def _check_domain(domain: Domain, value: object, where: str) -> None:
    key, size = jax.random.key(0), domain.size
    random = jax.vmap(domain.sample)(jax.random.split(key, 8))
    sentence = f"the domain of {where} draws {random.shape[1:]}, not ({size},)."
    require(random.shape == (8, size), sentence, *_DOMAIN)
    extreme = [np.full((1, size), x, np.float32) for x in _EXTREMES]
    every = np.concatenate([random, *extreme, 1e4 * jax.random.normal(key, (1, size))])
    values = jax.tree.map(np.asarray, jax.vmap(domain.decode)(jnp.asarray(every)))
    for index, coordinates in enumerate(every):
        problem = domain.check(jax.tree.map(lambda x, i=index: x[i], values))
        if problem is not None:
            require(False, f"coordinates {coordinates[:3]} of {where} decode to a value that {problem}.", *_DOMAIN)
    again = domain.decode(jnp.asarray(domain.encode(value)))
    require(
        [x.dtype for x in raw(again)] == [x.dtype for x in raw(value)] and close(again, value, 1e-3),
        f"{where} is {value!r}, but comes back from its coordinates as {again!r}.",
        *_DOMAIN,
    )


def _check_config(component: Component, registry: Registry, name: str) -> None:
    again = component_from(registry, type(component), config_of(registry, component), name)
    require(
        same_bits(component, again),
        f"{name} does not survive its own words: {component!r} became {again!r}.",
        "Candidates are saved as the words of a config.",
        "Keep plain values in its fields.",
    )
