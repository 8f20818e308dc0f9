"""YAML as plain values: numbers, texts, lists and mappings, and nothing that runs.

It is read by the core schema of its version 1.2: ``010`` is 10, ``0o10`` is 8, ``1e-3`` a number; ``1:30``, ``yes``, ``1_000``
and ``2026-01-01`` are texts. An alias stands for a copy of what it names, so that each place can be changed alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from discover.base.errors import UserError, cut
from discover.storage import json_text
from discover.storage.files import bytes_of
from discover.storage.json_text import values_in_json
from discover.storage.yaml_core import FLOAT, INT, Builder, Line

LONGEST = 2**18
"""Characters that a text of YAML may hold; its aliases may stand for as many again."""


def values_in(text: str) -> Any:
    """What a text of YAML says.

    Raises:
        ValueError: it is not YAML, or stands for too much; the message is one line.
    """
    return values_and_lines(text)[0]


def values_and_lines(text: str) -> tuple[Any, Line]:
    """What a text of YAML says, and where it says it; see `values_in`."""
    if len(text) > LONGEST:
        raise ValueError(f"it holds more than {LONGEST:,} characters")
    builder = Builder(LONGEST)
    try:
        return builder.built(yaml.parse(text, yaml.SafeLoader)), builder.line
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def values_in_file(path: Path, what: str) -> Any:
    """What a file says, of JSON if its name ends so, else of YAML; ``what`` it is (``config file``) begins the message.

    Raises:
        UserError: it cannot be read, or is not what its name says.
    """
    return values_and_lines_in_file(path, what)[0]


def values_and_lines_in_file(path: Path, what: str) -> tuple[Any, Line | None]:
    """What a file says, and of YAML where it says it; see `values_in_file`."""
    is_json = path.suffix == ".json"
    data = bytes_of(path, what, 4 * (json_text.LONGEST if is_json else LONGEST))
    return values_in_bytes(data, f"{what} '{path}'", is_json=is_json)


def values_in_bytes(data: bytes, what: str, *, is_json: bool = False) -> tuple[Any, Line | None]:
    """What bytes of YAML or JSON say, and of YAML where they say it.

    Raises:
        UserError: they are neither; the message begins with ``what``.
    """
    try:
        text = data.decode("utf-8-sig")
        return (values_in_json(text), None) if is_json else values_and_lines(text)
    except ValueError as error:
        kind = "JSON" if is_json else "YAML"
        raise UserError(f"{what} is not {kind} ({cut(str(error), 160)}): repair it.") from None


def text_of(values: Any, what: str) -> str:
    """Plain values as YAML that `values_in` reads to the same values; ``what`` they are begins the message.

    Raises:
        UserError: they hold what YAML cannot, or more than `values_in` reads.
    """
    try:
        text = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise UserError(f"{what} holds what YAML cannot ({error.args[-1]!r}): write plain numbers and texts.") from None
    except RecursionError:
        raise UserError(f"{what} is nested too deep: write it flatter.") from None
    if len(text) > LONGEST:
        raise UserError(f"{what} takes {len(text):,} characters, and {LONGEST:,} can be read again: make it shorter.")
    return text


class _Dumper(yaml.SafeDumper):
    """Writes every value where it stands, and in quotes each text that a reader of YAML 1.1 or 1.2 may take for a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _kind, _form in (("int", INT), ("float", FLOAT)):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_form.pattern})$"), list("-+.0123456789"))
