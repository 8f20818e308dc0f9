"""YAML as plain values: numbers, texts, lists and mappings, and nothing that runs code.

It is read by the core schema of YAML 1.2: ``010`` is 10, ``0o10`` is 8, ``1e-3`` is a number; ``1:30``, ``yes``, ``1_000``
and ``2026-01-01`` are texts. An alias stands for a copy of the value that it names, so that each copy can be changed alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from discover.base.errors import UserError, cut
from discover.storage import json_text
from discover.storage.files import bytes_of
from discover.storage.json_lines import lines_in_json
from discover.storage.json_text import PlainValues, values_in_json
from discover.storage.yaml_core import FLOAT, INT, Builder, Line

LONGEST = 2**18
"""The most characters of a text of YAML; its aliases may stand for as many again."""


def values_in(text: str) -> PlainValues:
    """The values of a text of YAML.

    Raises:
        ValueError: it is not YAML, or is too long or too deep; the message is one line.

    >>> values_in("lr: 3e-4\\nwidths: [64, 64]")
    {'lr': 0.0003, 'widths': [64, 64]}
    """
    return values_and_lines(text)[0]


def values_and_lines(text: str) -> tuple[PlainValues, Line]:
    """The values of a text of YAML and their places; see `values_in`."""
    if len(text) > LONGEST:
        raise ValueError(f"it holds more than {LONGEST:,} characters")
    builder = Builder(LONGEST)
    try:
        return builder.build(yaml.parse(text, yaml.SafeLoader)), builder.line
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def values_in_file(path: Path, what: str) -> PlainValues:
    """The values of a file: of JSON if its name ends in ``.json``, else of YAML.

    Args:
        path: its path.
        what: its role (``config file``), which begins the message of an error.

    Raises:
        UserError: it cannot be read, or is not valid.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "config.yaml"
    ...     _ = path.write_text("population: 8", encoding="utf-8")
    ...     values_in_file(path, "config file")
    {'population': 8}
    """
    return values_and_lines_in_file(path, what)[0]


def values_and_lines_in_file(path: Path, what: str) -> tuple[PlainValues, Line]:
    """The values of a file and their places; see `values_in_file`."""
    is_json = path.suffix == ".json"
    data = bytes_of(path, what, 4 * (json_text.LONGEST if is_json else LONGEST))
    return values_in_bytes(data, f"{what} '{path}'", is_json=is_json)


def values_in_bytes(data: bytes, what: str, *, is_json: bool = False) -> tuple[PlainValues, Line]:
    """The values of bytes of YAML or JSON, and their places.

    Raises:
        UserError: they are neither; the message begins with ``what``.
    """
    try:
        text = data.decode("utf-8-sig")
        return (values_in_json(text), lines_in_json(text)) if is_json else values_and_lines(text)
    except ValueError as error:
        kind = "JSON" if is_json else "YAML"
        raise UserError(f"{what} is not {kind} ({cut(str(error), 160)}): repair it.") from None


def text_of(values: object, what: str) -> str:
    """Plain values as a text of YAML, from which `values_in` reads the same values.

    Args:
        values: numbers, texts, lists and mappings.
        what: their role (``the config``), which begins the message of an error.

    Raises:
        UserError: there is a value that YAML cannot hold, or the text is longer than `values_in` reads.

    >>> print(text_of({"lr": 0.0003, "widths": [64, 64]}, "the candidate"), end="")
    lr: 0.0003
    widths:
    - 64
    - 64
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
    """Writes no aliases, and puts each text in quotes that a reader of YAML 1.1 or 1.2 may take for a number."""

    def ignore_aliases(self, data: object) -> bool:
        return True


for _kind, _form in (("int", INT), ("float", FLOAT)):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_form.pattern})$"), list("-+.0123456789"))
