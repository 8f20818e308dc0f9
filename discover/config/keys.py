"""A list of all keys of a config, for documentation and for the example that `discover config new` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from discover.config.models import (
    AblateModel,
    AfterModel,
    ConfigModel,
    RefineModel,
    ReportModel,
    Section,
    SplitModel,
    TaskModel,
)
from discover.config.values import Value

SECTIONS: Mapping[str, type[Section]] = {
    "": ConfigModel,
    "tasks[]": TaskModel,
    "split": SplitModel,
    "split.meta_train[]": TaskModel,
    "split.meta_test[]": TaskModel,
    "seen_before[]": TaskModel,
    "after": AfterModel,
    "after.refine": RefineModel,
    "after.ablate": AblateModel,
    "report": ReportModel,
    "report.tasks[]": TaskModel,
}
"""The model of each section, by its path."""


class ConfigKey(NamedTuple):
    """A key of a config.

    Attributes:
        path: dotted, with ``[]`` for the items of a list.
        takes: the values that it takes, in words.
        required: whether it must be written.
        default: where it need not be.
        description: one or two sentences.
    """

    path: str
    takes: str
    required: bool
    default: Any
    description: str


def config_keys() -> Iterator[ConfigKey]:
    """Every key of a config, in the order of the models.

    >>> next(key for key in config_keys() if key.path == "report.tasks[].steps").takes
    'a whole number from 1 to 2147483647'
    """
    yield from _keys("")


def _keys(section: str) -> Iterator[ConfigKey]:
    for name, field in SECTIONS[section].model_fields.items():
        path = f"{section}.{name}" if section else name
        default = None if field.is_required() else field.default
        yield ConfigKey(
            path=path,
            takes=takes(path, field),
            required=field.is_required(),
            default=default,
            description=field.description or "",
        )
        for inner in (path, f"{path}[]"):
            if inner in SECTIONS:
                yield from _keys(inner)


def takes(path: str, field: FieldInfo) -> str:
    """The values that the key at a path takes, in words.

    >>> takes("tasks", ConfigModel.model_fields["tasks"])
    'a list of {task: ID, steps: N}'
    """
    if path in SECTIONS:
        return f"{SECTIONS[path].form}, or null" if not field.is_required() else SECTIONS[path].form
    return str(next(value for value in field.metadata if isinstance(value, Value)))


def defaults() -> dict[str, Any]:
    """The values of the keys that need not be written."""
    return {name: field.default for name, field in ConfigModel.model_fields.items() if not field.is_required()}
