"""The shape of a config, checked by its model: unknown and missing keys, types and bounds, told in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from discover.base.errors import nearest
from discover.base.mistakes import Mistakes
from discover.config.keys import SECTIONS
from discover.config.models import ConfigModel
from discover.config.values import MISTAKE


def check_shape(words: Mapping[Any, Any], mistakes: Mistakes) -> None:
    """Collect what is wrong with the keys of a config and the types of their values."""
    try:
        ConfigModel.model_validate(dict(words))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        unknown = [_unknown_key(one) for one in errors if one["type"] in ("extra_forbidden", "invalid_key")]
        for one in errors:
            sentence = _sentence(one)
            if one["type"] != "missing" or not _is_misspelled(one["loc"], unknown):
                mistakes.add(_dotted(one["loc"]), sentence)


def _sentence(error: Mapping[str, Any]) -> str:
    """An objection of pydantic as a sentence of this package."""
    path, value = _dotted(error["loc"]), error["input"]
    *above, key = error["loc"]
    if error["type"] in ("extra_forbidden", "invalid_key"):
        return _unknown_key(error)
    if error["type"] == MISTAKE:
        return f"{path} {error['msg']}; got {value!r}."
    if error["type"] != "missing":
        return f"{path} must be {SECTIONS[_pattern(error['loc'])].form}; got {value!r}."
    section = SECTIONS[_pattern(above)]
    if _pattern(above).endswith("[]"):
        return f"{_dotted(above)} must be {section.form}; got {value!r}."
    return f"{_dotted(above) or 'config'}: '{key}' is missing: {section.remedy}."


def _unknown_key(error: Mapping[str, Any]) -> str:
    *above, key = error["loc"]
    name = str(error["input"] if error["type"] == "invalid_key" else key)
    return f"{_dotted(above) or 'config'}: unknown key '{name}'; {nearest(name, SECTIONS[_pattern(above)].model_fields)}."


def _is_misspelled(missing: tuple[Any, ...], unknown: list[str]) -> bool:
    """Whether an unknown key of the same section is taken for the missing one: one sentence is enough."""
    *above, key = missing
    start = f"{_dotted(above) or 'config'}: unknown key "
    return any(sentence.startswith(start) and f"did you mean '{key}'?" in sentence for sentence in unknown)


def _dotted(location: Any) -> str:
    return ".".join(map(str, location))


def _pattern(location: Any) -> str:
    """The path of a key with ``[]`` for the index of an item."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")
