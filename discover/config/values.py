"""Types of values that a config may hold: never coerced, each with a phrase that says what it takes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from discover.base.errors import article

MISTAKE = "mistake"
"""Type of the pydantic errors whose message is a phrase of ours."""

COMPONENT = "x-component"
"""Key of a JSON schema that stands for the components of one kind."""


class Value:
    """A type of values: the metadata of an annotation, such as ``Annotated[int, Whole(1, 8)]``.

    ``str`` gives what it takes, such as ``a whole number from 1 to 8``.
    """

    @property
    def demand(self) -> str:
        """The condition on a value, as part of a sentence."""
        return f"must be {self}"

    def schema(self) -> CoreSchema:
        """The schema that pydantic checks."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(self.schema(), MISTAKE, custom_error_message=self.demand)


@dataclass(frozen=True)
class Whole(Value):
    """A whole number from ``least`` to ``most``; neither true nor false.

    Attributes:
        least, most: the bounds.
        or_null: what null stands for; empty if it is not allowed.
    """

    least: int
    most: int
    or_null: str = ""

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}" + (f", or null for {self.or_null}" if self.or_null else "")

    def schema(self) -> CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.least, le=self.most)
        return core_schema.nullable_schema(number) if self.or_null else number


@dataclass(frozen=True)
class Flag(Value):
    """True or false."""

    def __str__(self) -> str:
        return "true or false"

    def schema(self) -> CoreSchema:
        return core_schema.bool_schema(strict=True)


@dataclass(frozen=True)
class OneOf(Value):
    """One of a few words."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(self.words)}"

    def schema(self) -> CoreSchema:
        return core_schema.literal_schema(list(self.words))


@dataclass(frozen=True)
class NotNegative(Value):
    """A number of at least 0."""

    def __str__(self) -> str:
        return "a number of at least 0"

    def schema(self) -> CoreSchema:
        return core_schema.float_schema(strict=True, ge=0)


@dataclass(frozen=True)
class SecondsOrNull(Value):
    """A number of seconds above 0 that a lock can wait, or null."""

    def __str__(self) -> str:
        return "a number of seconds above 0, or null for no limit"

    def schema(self) -> CoreSchema:
        return core_schema.nullable_schema(core_schema.float_schema(strict=True, gt=0, le=threading.TIMEOUT_MAX))


@dataclass(frozen=True)
class Text(Value):
    """A text.

    Attributes:
        least: characters that it has at least.
    """

    least: int = 1

    def __str__(self) -> str:
        return "a text"

    def schema(self) -> CoreSchema:
        return core_schema.str_schema(strict=True, min_length=self.least)


@dataclass(frozen=True)
class Items(Value):
    """A list of one item or more; no tuple, and nothing else that can be gone through.

    Attributes:
        form: what an item looks like.
        or_null: what null stands for; empty if it is not allowed.
    """

    form: str
    or_null: str = ""

    def __str__(self) -> str:
        return f"a list of {self.form}" + (f", or null for {self.or_null}" if self.or_null else "")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        if not (isinstance(value, list) and value) and not (value is None and self.or_null):
            raise PydanticCustomError(MISTAKE, self.demand)  # type: ignore[arg-type]
        return value


@dataclass(frozen=True)
class Baselines(Value):
    """Candidates by name."""

    @property
    def demand(self) -> str:
        return "must map names to candidates"

    def __str__(self) -> str:
        return "a mapping of names to candidates"

    def schema(self) -> CoreSchema:
        return core_schema.dict_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {COMPONENT: "baseline"}}


@dataclass(frozen=True)
class Part(Value):
    """A component, or another part of the config that plugins bring: `discover.config.build` checks what stands there.

    Attributes:
        kind: of the component; ``candidate`` for an algorithm or a space of algorithms, ``start`` for a candidate in ``init``,
            ``task`` for the name of a task.
    """

    kind: str

    def __str__(self) -> str:
        if self.kind == "candidate":
            return "the name of a recipe, or a mapping with 'rule' and 'network'"
        return (
            "the name of a task" if self.kind == "task" else f"the name of {article(self.kind)}, or {{name: {{field: value}}}}"
        )

    def schema(self) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {COMPONENT: self.kind}
