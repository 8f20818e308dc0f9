"""Open values: those that a search sets."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

from discover.base.errors import UserError

FieldValue: TypeAlias = Any
"""A value of a component's field.

It is a number, a plain value, a tree of arrays, a component, a tuple of components, or an open value.
"""


@dataclasses.dataclass(frozen=True)
class Free:
    """An open value: the search sets it, within the field's own domain or a narrower one.

    Attributes:
        changes: settings of the field's domain that differ, as sorted pairs of a name and a value.
    """

    changes: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        return "free(" + ", ".join(f"{k}={v!r}" for k, v in self.changes) + ")"


@dataclasses.dataclass(frozen=True)
class Choice:
    """An open choice between components, or between values of a static field."""

    options: tuple[FieldValue, ...]

    def __repr__(self) -> str:
        return "choice(" + ", ".join(map(repr, self.options)) + ")"


def free(**changes: float | str) -> Any:
    """Leave a value open for the search, e.g. ``GAE(gamma=free(low=0.9, high=0.999))``.

    Args:
        **changes: settings that differ from the field's domain: ``low``, ``high``, ``scale``, ``std``, and ``start``
            (where the search begins; the field's default unless it is set).

    >>> free(low=0.9, high=0.999)
    free(high=0.999, low=0.9)
    """
    return Free(tuple(sorted(changes.items())))


def choice(*options: FieldValue) -> Any:
    """Leave open which of the options is used, e.g. ``PPO(returns=choice(GAE(), LambdaReturn()))``.

    Of one option there is nothing to choose: it is the value.

    Raises:
        UserError: there is no option.

    >>> choice("tanh", "relu"), choice("tanh")
    (choice('tanh', 'relu'), 'tanh')
    """
    if not options:
        raise UserError("choice needs an option or more; got none: write those that the search may take.")
    return options[0] if len(options) == 1 else Choice(options)
