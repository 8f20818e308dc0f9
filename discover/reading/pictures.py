"""The figures of a candidate's components, beside those of the same kind in known recipes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from discover.base.errors import cause_of
from discover.base.figures import import_matplotlib
from discover.components.component import Component
from discover.components.paths import nodes
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry
from discover.reading.nearest import recipes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_KNOWN = 3
"""Known components beside that of the candidate."""

_DPI = 110


class Picture(NamedTuple):
    """A figure as a data address.

    Attributes:
        label: its owner: ``this rule``, or the name of a recipe.
        address: ``data:image/png;base64,...``.
    """

    label: str
    address: str


class Comparison(NamedTuple):
    """A figure of a candidate's component, and the same figure of known components of its kind.

    Attributes:
        path: dotted path of the component; empty for the whole candidate.
        name: of the figure.
        own: the candidate's.
        known: those of recipes that draw another one.
    """

    path: str
    name: str
    own: Picture
    known: tuple[Picture, ...]


def pictures_of(candidate: Algorithm, registry: Registry, problems: list[str]) -> Iterator[Comparison]:
    """The figures of all components that draw some.

    Args:
        candidate: without the parts that do nothing.
        registry: has the recipes.
        problems: receives a sentence for each component that fails to draw; the others are not affected.
    """
    drawing = [(path, node) for path, node in nodes(candidate) if _draws(node)]
    if not drawing:
        return
    import_matplotlib()
    recipes = list(recipes_of(registry))
    for path, node in drawing:
        for name, own in _figures(node, path or "candidate", problems).items():
            yield Comparison(path, name, Picture("this rule", own), known=tuple(_known(node, name, own, recipes)))


def _known(node: Component, name: str, own: str, recipes: Sequence[tuple[str, Algorithm]]) -> Iterator[Picture]:
    """The figure of that name of components of the same kind, one per class, unless it is the same picture."""
    classes, drawn = set[type[Component]](), {own}
    for recipe, candidate in recipes:
        for _, other in nodes(candidate):
            if other.kind != node.kind or type(other) in classes or not _draws(other):
                continue
            classes.add(type(other))
            address = _figures(other, recipe, []).get(name)
            if address is not None and address not in drawn and len(drawn) <= _MOST_KNOWN:
                drawn.add(address)
                yield Picture(recipe, address)


def _draws(node: Component) -> bool:
    """Whether the class of a component has figures of its own."""
    return type(node).figures is not Component.figures


def _figures(node: Component, where: str, problems: list[str]) -> dict[str, str]:
    """The figures of a component as data addresses, by name."""
    try:
        return {str(name): _address(figure) for name, figure in node.figures().items()}
    except Exception as error:
        problems.append(f"the figures of {where} ({type(node).__name__}) cannot be drawn: {cause_of(error)}.")
        return {}


def _address(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
